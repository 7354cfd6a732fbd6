//! What panels have to show: counted from the flows themselves, by the panel's title, with All
//! chosen at the dashboard's top.

use std::collections::BTreeMap;

use crate::boards::Panel;
use crate::faults::Answers;
use crate::flows::{DROP, End, Flow, L7, POLICY_VERDICT, TRACE};
use crate::profile::Profile;
use crate::retina::PACKET_BYTES;
use crate::timeline::{PERIOD_SECS, RANGE_SECS, SHOWN};

/// Which end of a flow a panel is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Outgoing,
    Incoming,
}

/// How a panel shows what was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Per second.
    Rate,
    /// Per second, the ten largest groups.
    TopRates,
    /// Bytes per second.
    ByteRate,
    /// In the range.
    Increase,
    /// The number of groups that counted anything.
    Groups,
}

/// Whose pods are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// All pods: nothing is chosen.
    All,
    /// Those of a namespace, and of a workload where the dashboard lets one choose.
    Of { namespace: &'static str, workload: &'static str },
}

impl Whose {
    fn is(self, panel: &Panel, end: &End) -> bool {
        match self {
            Self::All => true,
            Self::Of { namespace, workload } => {
                let by_workload = panel.board.ends_with("-workload");
                // A pod is called like its workload with something behind.
                let is_of = |pod: &str| {
                    pod.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'))
                };
                end.namespace == namespace && (!by_workload || is_of(&end.pod_name))
            }
        }
    }
}

/// The group that a flow counts in, if it counts.
type Group<'a> = Box<dyn Fn(&Flow) -> Option<String> + 'a>;

/// What a panel shows on a profile, where that is counted here.
struct Expected<'a> {
    how: How,
    group: Group<'a>,
}

/// What the panel has to show of an act: events, or groups of them. None: not counted here.
pub(crate) fn count(panel: &Panel, profile: Profile, flows: &[Flow], whose: Whose) -> Option<f64> {
    let expected = expected(panel, profile, whose)?;
    let mut groups: BTreeMap<String, f64> = BTreeMap::new();
    for group in flows.iter().filter_map(expected.group) {
        *groups.entry(group).or_default() += 1.0;
    }
    let mut counts: Vec<f64> = groups.into_values().collect();
    counts.sort_by(|a, b| b.total_cmp(a));
    if expected.how == How::TopRates {
        counts.truncate(10);
    }
    Some(match expected.how {
        #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
        How::Groups => counts.len() as f64,
        // A sum of nothing would be -0.
        _ => counts.iter().fold(0.0, |sum, count| sum + count),
    })
}

/// What the panel shows, in the same terms; none where it is empty.
pub(crate) fn shown(panel: &Panel, profile: Profile, answers: &Answers) -> Option<f64> {
    let how = expected(panel, profile, Whose::All)?.how;
    let values: Vec<f64> = answers
        .iter()
        .flatten()
        .flatten()
        .filter_map(|answer| answer.values.last().copied())
        .collect();
    if values.is_empty() {
        return None;
    }
    let sum: f64 = values.iter().sum();
    let secs = |secs: i64| f64::from(i32::try_from(secs).unwrap());
    Some(match how {
        How::Rate | How::TopRates => sum * secs(PERIOD_SECS),
        How::ByteRate => sum * secs(PERIOD_SECS) / PACKET_BYTES,
        // Stretched from the samples in the range to all of it, and rounded.
        How::Increase => (sum * secs(SHOWN * PERIOD_SECS) / secs(RANGE_SECS) / secs(SHOWN)).round(),
        How::Groups => sum,
    })
}

fn expected(panel: &Panel, profile: Profile, whose: Whose) -> Option<Expected<'_>> {
    let title = panel.title.as_str();
    match panel.board.as_str() {
        "clusters" => nodes(title, profile),
        "dns-cluster" => names(title, profile),
        // With a workload chosen, answers are those of its namespace, where they name one.
        "dns-workload" if whose == Whose::All => names(title, profile),
        "drops-workload" | "pod-flows-namespace" | "pod-flows-workload" => {
            pods(panel, profile, whose)
        }
        "l7-namespace" | "l7-workload" => requests(panel, profile, whose),
        _ => None,
    }
}

fn one(how: How, counts: impl Fn(&Flow) -> bool + 'static) -> Expected<'static> {
    let group = move |flow: &Flow| counts(flow).then(String::new);
    Expected { how, group: Box::new(group) }
}

fn side(title: &str) -> Option<Side> {
    let has = |words: [&str; 2]| words.iter().any(|word| title.contains(word));
    if has(["Outgoing", "Source"]) {
        Some(Side::Outgoing)
    } else {
        has(["Incoming", "Destination"]).then_some(Side::Incoming)
    }
}

/// The pod of that side, as the profile's metrics name one.
fn pod(panel: &Panel, profile: Profile, whose: Whose, side: Side, flow: &Flow) -> Option<String> {
    let end = match side {
        Side::Outgoing => &flow.source,
        Side::Incoming => &flow.destination,
    };
    let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
    let is_seen = match profile {
        // Contexts are set by direction.
        Profile::Acns | Profile::All => {
            let direction = if side == Side::Outgoing { "EGRESS" } else { "INGRESS" };
            flow.traffic_direction == direction
        }
        Profile::Documented => false,
        // Each pod on its own node.
        Profile::Retina => end.is_local_pod(),
        // A packet is counted on its way out and on its way in; a drop has no way.
        Profile::RetinaRemote => flow.event_type.kind == DROP || to_pod == (side == Side::Incoming),
    };
    (is_seen && !end.pod_name.is_empty() && whose.is(panel, end))
        .then(|| format!("{}/{}", end.namespace, end.pod_name))
}

/// Each event once: a packet that a policy refuses is a policy verdict and a drop. What a proxy
/// refuses is no packet, and Retina knows nothing of it.
fn is_dropped(flow: &Flow, is_cilium: bool) -> bool {
    match flow.event_type.kind {
        DROP => true,
        L7 => is_cilium && flow.verdict == "DROPPED",
        _ => false,
    }
}

type Counts = Box<dyn Fn(&Flow) -> bool>;

fn pods(panel: &Panel, profile: Profile, whose: Whose) -> Option<Expected<'_>> {
    let title = panel.title.as_str();
    let is_cilium = profile.is_cilium();
    let by_flag = |flag: &'static str| {
        move |flow: &Flow| {
            let tcp = flow.l4.tcp.as_ref();
            ["FORWARDED", "REDIRECTED"].contains(&flow.verdict.as_str())
                && tcp.is_some_and(|tcp| tcp.flags.get(flag) == Some(&true))
        }
    };
    let counts: Counts = if title.contains("Verdict") && title.contains("Traffic") {
        Box::new(|flow| flow.event_type.kind != POLICY_VERDICT)
    } else if title.contains("Trace Type") {
        Box::new(|_| true)
    } else if title.contains("rops") && !title.contains(" ratio") {
        Box::new(move |flow| is_dropped(flow, is_cilium))
    } else if title.contains("Traffic") {
        // What Retina sees of a packet is Cilium's trace of it.
        Box::new(move |flow| {
            flow.verdict == "FORWARDED"
                && flow.event_type.kind != POLICY_VERDICT
                && (is_cilium || flow.event_type.kind == TRACE)
        })
    } else if title.contains("RST") && is_cilium {
        Box::new(by_flag("RST"))
    } else if title.contains("FIN") && is_cilium {
        Box::new(by_flag("FIN"))
    } else {
        return None;
    };
    // A table by both ends, and namespaces whose traffic is to themselves.
    if title.contains(" source, ") || title.starts_with("Top ") {
        return None;
    }
    let how = if title.starts_with("Pods with") {
        How::Groups
    } else if title == "Outgoing Drops" || title == "Incoming Drops" {
        How::Increase
    } else if title.contains(", Top ") {
        How::TopRates
    } else {
        How::Rate
    };
    let side = side(title)?;
    let group = move |flow: &Flow| counts(flow).then(|| pod(panel, profile, whose, side, flow))?;
    Some(Expected { how, group: Box::new(group) })
}

fn requests(panel: &Panel, profile: Profile, whose: Whose) -> Option<Expected<'_>> {
    let title = panel.title.as_str();
    // Retina reads no HTTP.
    let side = side(title).filter(|_| profile.is_cilium())?;
    let is_refused = title.contains("Dropped");
    if title.contains("Flows by Verdict") || is_refused {
        let how = match title {
            title if title.contains(", Top ") => How::TopRates,
            title if title.ends_with("Requests") => How::Increase,
            _ => How::Rate,
        };
        let group = move |flow: &Flow| {
            let counts = flow.l7.http.is_some() && (!is_refused || flow.verdict == "DROPPED");
            counts.then(|| pod(panel, profile, whose, side, flow))?
        };
        return Some(Expected { how, group: Box::new(group) });
    }
    // The others count answers, whose source is the server.
    let class = if title.contains("4xx") {
        Some(4)
    } else if title.contains("5xx") {
        Some(5)
    } else {
        None
    };
    let is_counted = title.contains("HTTP Requests by")
        || title.contains("Requests by Protocol")
        || title.ends_with("Requests, Max / Min")
        || class.is_some();
    let group = move |flow: &Flow| {
        let code = flow.l7.http.as_ref().filter(|_| flow.l7.kind == "RESPONSE")?.code;
        let end = if side == Side::Outgoing { &flow.destination } else { &flow.source };
        let counts = class.is_none_or(|class| code / 100 == class)
            && !end.namespace.is_empty()
            && whose.is(panel, end);
        counts.then(String::new)
    };
    is_counted.then(|| Expected { how: How::Rate, group: Box::new(group) })
}

fn names(title: &str, profile: Profile) -> Option<Expected<'static>> {
    let is_cilium = profile.is_cilium();
    let dns = |flow: &Flow, kind: &str| flow.l7.dns.is_some() && flow.l7.kind == kind;
    // Retina sees what is sent, and nobody sends what a proxy refuses.
    let is_asked =
        move |flow: &Flow| dns(flow, "REQUEST") && (is_cilium || flow.verdict != "DROPPED");
    let name = |flow: &Flow| {
        flow.l7.dns.as_ref().map(|dns| format!("{} {}", dns.query, dns.qtypes.join(",")))
    };
    let is_error = |flow: &Flow| flow.l7.dns.as_ref().is_some_and(|dns| dns.rcode != 0);
    Some(match title {
        "DNS Requests" => one(How::Rate, is_asked),
        "DNS Responses" => one(How::Rate, move |flow| dns(flow, "RESPONSE")),
        "DNS Errors by Type" if is_cilium => one(How::Rate, move |flow| {
            dns(flow, "RESPONSE") && is_error(flow)
                || dns(flow, "REQUEST") && flow.verdict == "DROPPED"
        }),
        "DNS Response IPs Returned" if is_cilium => {
            one(How::Rate, move |flow| dns(flow, "RESPONSE") && !is_error(flow))
        }
        "Top DNS Queries (Requests)" if is_cilium && profile != Profile::Documented => Expected {
            how: How::TopRates,
            group: Box::new(move |flow| is_asked(flow).then(|| name(flow))?),
        },
        _ => return None,
    })
}

fn nodes(title: &str, profile: Profile) -> Option<Expected<'static>> {
    let is_cilium = profile.is_cilium();
    let how = if title.contains("Bytes") { How::ByteRate } else { How::Rate };
    let forwarded = |is_ingress: bool| {
        one(how, move |flow| {
            let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
            flow.event_type.kind == TRACE
                && if is_cilium {
                    to_pod == is_ingress
                } else if is_ingress {
                    to_pod && flow.source.id == 0
                } else {
                    flow.trace_observation_point == "TO_NETWORK"
                }
        })
    };
    Some(match title {
        title if title.contains("Dropped by") || title.contains("Dropped By") => {
            one(how, |flow| flow.event_type.kind == DROP)
        }
        title if title.ends_with("Egress Bytes") || title.ends_with("Egress Packets") => {
            forwarded(false)
        }
        title if title.ends_with("Ingress Bytes") || title.ends_with("Ingress Packets") => {
            forwarded(true)
        }
        "Policy Verdicts by Action" | "Policy Verdicts by Match" if profile == Profile::All => {
            one(how, |flow| match flow.event_type.kind {
                POLICY_VERDICT => flow.source.identity != HOST_IDENTITY,
                kind => kind == L7,
            })
        }
        _ => return None,
    })
}

/// Cilium's number of the node itself.
const HOST_IDENTITY: u32 = 1;
