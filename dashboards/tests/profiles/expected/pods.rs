//! Counts of pods: flows, drops, verdicts and connections.

use super::{
    Expected, How, Numbers, PacketDirection, Question, is_dropped, nodes, protocol, side, tally,
    words,
};
use crate::flows::{Flow, POLICY_VERDICT, TRACE};
use crate::profile::Profile;
use crate::retina;

pub(super) fn expected(question: Question<'_>) -> Option<Expected> {
    let Question { panel, profile, flows, .. } = question;
    let is_cilium = profile.is_cilium();
    let title = panel.title.as_str();
    if title.starts_with("Top ") {
        return namespaces(question);
    }
    match title {
        "Drops by source, destination and reason" => return Some(pairs(question)),
        "TCP Connection Requests and Answers" if is_cilium => {
            return Some(both(
                How::Rate,
                flows,
                |flow| is_asked(flow).then(|| question.pod(PacketDirection::Outgoing, flow))?,
                |flow| is_answered(flow).then(|| question.pod(PacketDirection::Incoming, flow))?,
            ));
        }
        "ICMP Echo Requests and Replies" if profile == Profile::All => {
            let is =
                |flow: &Flow, kind| flow.l4.icmp.as_ref().is_some_and(|icmp| icmp.kind == kind);
            return Some(both(
                How::Rate,
                flows,
                |flow| is(flow, 8).then(|| question.pod(PacketDirection::Outgoing, flow))?,
                |flow| is(flow, 0).then(|| question.pod(PacketDirection::Incoming, flow))?,
            ));
        }
        "Outgoing Flows to the World by Verdict" if profile == Profile::All => {
            return Some(Expected::counted(How::Rate, flows, |flow| {
                let counts =
                    is_to_world(flow) && question.pod(PacketDirection::Outgoing, flow).is_some();
                counts.then(|| words([protocol(flow), &flow.verdict]))
            }));
        }
        _ => {}
    }
    let side = side(title)?;
    if title.contains("Policy Verdicts by Action") {
        let with_match = title.ends_with("and Match");
        return (profile == Profile::All).then(|| {
            Expected::counted(How::Rate, flows, |flow| {
                let (action, what) = nodes::verdict(flow)?;
                question.pod(side, flow)?;
                Some(words([&action, if with_match { what } else { "" }]))
            })
        });
    }
    let counts = counts(title, is_cilium)?;
    let how = if title.starts_with("Pods with") {
        How::Groups
    } else if title == "Outgoing Drops" || title == "Incoming Drops" {
        How::Increase
    } else if title.contains(", Top ") {
        How::TopRates
    } else {
        How::Rate
    };
    let expected = Expected::counted(how, flows, |flow| {
        let pod = counts(flow).then(|| question.pod(side, flow))??;
        Some(if title.ends_with("by reason") {
            reason(flow, is_cilium).to_owned()
        } else if title.ends_with("by Verdict") {
            flow.verdict.clone()
        } else if title.contains(" Pod") || how == How::Groups {
            pod
        } else {
            String::new()
        })
    });
    // Hubble's names of its observation points are not counted separately.
    Some(if title.ends_with("by Trace Type") { expected.summed() } else { expected })
}

type Counts = Box<dyn Fn(&Flow) -> bool>;

/// The flows that a panel counts, by its title.
fn counts(title: &str, is_cilium: bool) -> Option<Counts> {
    Some(if title.contains("Traffic by Verdict") {
        Box::new(|flow| flow.event_type.kind != POLICY_VERDICT)
    } else if title.contains("Trace Type") {
        Box::new(|_| true)
    } else if title.contains("rops") {
        Box::new(move |flow| is_dropped(flow, is_cilium))
    } else if title.contains("Traffic") {
        Box::new(move |flow| is_forwarded(flow, is_cilium))
    } else if title.contains("RST") && is_cilium {
        Box::new(|flow| has_flag(flow, "RST"))
    } else if title.contains("FIN") && is_cilium {
        Box::new(|flow| has_flag(flow, "FIN"))
    } else if title.contains("Connection Requests, Top") && is_cilium {
        Box::new(is_asked)
    } else {
        return None;
    })
}

/// Retina sees a packet where Cilium traces it.
fn is_forwarded(flow: &Flow, is_cilium: bool) -> bool {
    flow.verdict == "FORWARDED"
        && flow.event_type.kind != POLICY_VERDICT
        && (is_cilium || flow.event_type.kind == TRACE)
}

fn has_flag(flow: &Flow, flag: &str) -> bool {
    let tcp = flow.l4.tcp.as_ref();
    ["FORWARDED", "REDIRECTED"].contains(&flow.verdict.as_str())
        && tcp.is_some_and(|tcp| tcp.flags.get(flag) == Some(&true))
}

fn is_asked(flow: &Flow) -> bool {
    has_flag(flow, "SYN") && !has_flag(flow, "ACK")
}

fn is_answered(flow: &Flow) -> bool {
    has_flag(flow, "SYN") && has_flag(flow, "ACK")
}

fn is_to_world(flow: &Flow) -> bool {
    let is_world = flow.destination.labels.iter().any(|label| label == "reserved:world");
    is_world && (flow.verdict == "DROPPED" || flow.is_reply != Some(true))
}

fn reason(flow: &Flow, is_cilium: bool) -> &str {
    match flow.drop_reason_desc.as_str() {
        _ if !is_cilium => retina::reason(flow),
        // A proxy gives no reason.
        "" => "DROP_REASON_UNKNOWN",
        reason => reason,
    }
}

/// Two queries with one number each.
fn both(
    how: How,
    flows: &[Flow],
    first: impl Fn(&Flow) -> Option<String>,
    second: impl Fn(&Flow) -> Option<String>,
) -> Expected {
    let mut numbers = tally(flows, |flow| first(flow).map(|_| "A".to_owned()));
    numbers.extend(tally(flows, |flow| second(flow).map(|_| "B".to_owned())));
    Expected::given(how, numbers)
}

/// Drops in both directions, each under the pod that its labels name.
fn pairs(question: Question<'_>) -> Expected {
    let mut numbers = Numbers::new();
    for (side, direction) in
        [(PacketDirection::Outgoing, "EGRESS"), (PacketDirection::Incoming, "INGRESS")]
    {
        numbers.extend(tally(question.flows, |flow| {
            let pod = is_dropped(flow, true).then(|| question.pod(side, flow))??;
            let (from, to) = match side {
                PacketDirection::Outgoing => (pod.as_str(), "not named"),
                PacketDirection::Incoming => ("not named", pod.as_str()),
            };
            let (source, destination) = match side {
                PacketDirection::Outgoing => (pod.as_str(), ""),
                PacketDirection::Incoming => ("", pod.as_str()),
            };
            let of = (protocol(flow), reason(flow, true));
            Some(words([destination, direction, from, of.0, of.1, source, to]))
        }));
    }
    Expected::given(How::Increase, numbers)
}

/// All namespaces, whatever is chosen.
fn namespaces(question: Question<'_>) -> Option<Expected> {
    let title = question.panel.title.as_str();
    let side = if title.contains("Incoming") {
        PacketDirection::Incoming
    } else {
        PacketDirection::Outgoing
    };
    let question = Question { whose: super::Whose::All, ..question };
    question.profile.is_cilium().then(|| {
        Expected::counted(How::Increase, question.flows, |flow| {
            let counts = if title.contains("Drops") {
                is_dropped(flow, true)
            } else {
                is_forwarded(flow, true)
            };
            let pod = counts.then(|| question.pod(side, flow))??;
            pod.split_once('/').map(|(namespace, _)| namespace.to_owned())
        })
    })
}
