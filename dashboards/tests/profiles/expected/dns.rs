//! DNS queries and answers.

use super::{Expected, How, Numbers, PacketDirection, Question, Whose, tally, words};
use crate::flows::{Dns, Flow};
use crate::profile::Profile;

pub(super) fn expected(question: Question<'_>) -> Option<Expected> {
    let by_pod = question.panel.board == "dns-workload";
    // A cluster's dashboard has no choice of pods.
    let whose = if by_pod { question.whose } else { Whose::All };
    let question = Question { whose, ..question };
    let Question { panel, profile, flows, .. } = question;
    let is_cilium = profile.is_cilium();
    let (title, of_namespace) = match panel.title.strip_suffix(" (Namespace)") {
        Some(title) => (title, true),
        // The title says that these answers come from a server.
        None => (panel.title.as_str(), panel.title == "DNS Servers with Errors"),
    };
    // No metric of these profiles names the namespace of an answer's receiver.
    if of_namespace && whose != Whose::All {
        return None;
    }
    let asked = |flow: &Flow| {
        // Retina sees sent packets, and a query that a proxy refuses is not sent.
        flow.l7.kind == "REQUEST"
            && (is_cilium || flow.verdict != "DROPPED")
            && whose.is(panel, &flow.source)
    };
    let refused = |flow: &Flow| asked(flow) && flow.verdict == "DROPPED";
    let answered = |flow: &Flow| flow.l7.kind == "RESPONSE";
    // The documented example has neither names nor pods.
    let has_pods = profile != Profile::Documented;
    let name = |dns: &Dns| words([&dns.qtypes.join(","), &dns.query]);
    let of = |how, key: &dyn Fn(&Flow, &Dns) -> Option<String>| {
        Expected::counted(how, flows, |flow| key(flow, flow.l7.dns.as_ref()?))
    };
    Some(match title {
        "DNS Requests" => of(How::Rate, &|flow, dns| asked(flow).then(|| dns.qtypes.join(","))),
        "DNS Responses" => of(How::Rate, &|flow, dns| answered(flow).then(|| dns.qtypes.join(","))),
        "Missing DNS Responses" => Expected::given(How::Share, missing(flows, asked)),
        "DNS Errors by Type" => {
            let mut errors = tally(flows, |flow| {
                let dns = flow.l7.dns.as_ref().filter(|dns| answered(flow) && dns.rcode != 0)?;
                Some(words(["A", &dns.qtypes.join(","), code(dns)]))
            });
            // Without pods in the labels, the query's client is unknown.
            if is_cilium && (has_pods || !by_pod) {
                errors.extend(tally(flows, |flow| {
                    let dns = flow.l7.dns.as_ref().filter(|_| refused(flow))?;
                    Some(words(["B", &dns.qtypes.join(","), "Policy denied"]))
                }));
            }
            Expected::given(How::Rate, errors)
        }
        "DNS Response IPs Returned" => of(How::Rate, &|flow, dns| {
            (answered(flow) && dns.rcode == 0).then(|| dns.ips.len().to_string())
        }),
        "Top DNS Queries (Requests)" => {
            of(How::TopRates, &|flow, dns| asked(flow).then(|| name(dns)))
        }
        "Top DNS Queries (Responses)" => {
            of(How::TopRates, &|flow, dns| answered(flow).then(|| name(dns)))
        }
        "DNS Response Table" => of(How::Increase, &|flow, dns| {
            answered(flow).then(|| words([&dns.ips.len().to_string(), &name(dns), code(dns)]))
        }),
        "DNS Servers with Errors" => of(How::TopRates, &|flow, dns| {
            (answered(flow) && dns.rcode != 0)
                .then(|| question.pod(PacketDirection::Outgoing, flow))?
        }),
        "Top Pods with Refused DNS Queries" => of(How::TopRates, &|flow, _| {
            refused(flow).then(|| question.pod(PacketDirection::Outgoing, flow))?
        }),
        _ => return None,
    })
}

/// Hubble's names of results (`pkg/hubble/metrics/dns`, `rcode.go`), as far as they are recorded.
fn code(dns: &Dns) -> &'static str {
    match dns.rcode {
        0 => "No Error",
        3 => "Non-Existent Domain",
        other => panic!("no words for {other}"),
    }
}

/// The share of queries without an answer, by record type.
fn missing(flows: &[Flow], asked: impl Fn(&Flow) -> bool) -> Numbers {
    let types = |flow: &Flow| flow.l7.dns.as_ref().map(|dns| dns.qtypes.join(","));
    let answers = tally(flows, |flow| types(flow).filter(|_| flow.l7.kind == "RESPONSE"));
    tally(flows, |flow| types(flow).filter(|_| asked(flow)))
        .into_iter()
        .map(|(kind, questions)| {
            let answered = answers.get(&kind).copied().unwrap_or(0.0);
            (kind, (1.0 - answered / questions).max(0.0))
        })
        .collect()
}
