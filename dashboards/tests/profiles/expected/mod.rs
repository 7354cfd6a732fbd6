//! Expected numbers of panels, counted from the flows themselves, by the panel's title.

mod dns;
mod http;
mod nodes;
mod pods;
mod uncounted;

use std::collections::BTreeMap;

use crate::boards::Panel;
use crate::faults::Answers;
use crate::flows::{DROP, End, Flow, L7};
use crate::profile::Profile;
use crate::prometheus::Answer;
use crate::retina::PACKET_BYTES;
use crate::timeline::{PERIOD_SECS, RANGE_SECS, SHOWN};

pub(crate) use uncounted::UNCOUNTED;

/// Direction of the packets that a panel is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PacketDirection {
    Outgoing,
    Incoming,
}

/// Presentation of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Per second.
    Rate,
    /// Per second, the ten largest groups.
    TopRates,
    /// Bytes per second.
    ByteRate,
    /// Over the range.
    Increase,
    /// Number of groups that counted anything.
    Groups,
    /// Share, unchanged.
    Share,
    /// Upper edge of a duration's bucket, in seconds.
    Bucket,
    /// A number at one point in time.
    Level,
}

/// The pods that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// All pods: nothing is chosen.
    All,
    /// Pods of a namespace, and of a workload if the dashboard has that choice.
    Of { namespace: &'static str, workload: &'static str },
}

impl Whose {
    fn is(self, panel: &Panel, end: &End) -> bool {
        match self {
            Self::All => true,
            Self::Of { namespace, workload } => {
                let by_workload = panel.board.ends_with("-workload");
                // A pod is named like its workload, with a suffix.
                let is_of = |pod: &str| {
                    pod.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'))
                };
                end.namespace == namespace && (!by_workload || is_of(&end.pod_name))
            }
        }
    }
}

/// A panel, an act and a profile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) panel: &'a Panel,
    pub(crate) profile: Profile,
    /// Value of the label.
    pub(crate) cluster: &'a str,
    pub(crate) flows: &'a [Flow],
    pub(crate) whose: Whose,
}

/// Numbers by the values of the series' labels, in the order of their names; with several queries,
/// prefixed by the query's letter.
type Numbers = BTreeMap<String, f64>;

/// Expected content of a panel.
#[derive(Debug)]
pub(crate) struct Expected {
    how: How,
    numbers: Numbers,
    /// Whether series are compared one by one; else their sum is compared.
    by_labels: bool,
}

impl Expected {
    /// Counts events by group; an event without a group does not count.
    fn counted(how: How, flows: &[Flow], group: impl Fn(&Flow) -> Option<String>) -> Self {
        Self::given(how, tally(flows, group))
    }

    fn given(how: How, numbers: Numbers) -> Self {
        Self { how, numbers, by_labels: how != How::Groups }
    }

    /// The same, with only the sum compared.
    fn summed(self) -> Self {
        Self { by_labels: false, ..self }
    }

    /// One number for the table of counts: of groups, of the ten largest, or of all.
    pub(crate) fn sum(&self) -> f64 {
        let mut counts: Vec<f64> = self.numbers.values().copied().collect();
        counts.sort_by(|a, b| b.total_cmp(a));
        match self.how {
            How::TopRates => counts.truncate(10),
            How::Groups => counts.fill(1.0),
            _ => {}
        }
        // The sum of nothing would be -0.
        counts.iter().fold(0.0, |sum, count| sum + count)
    }

    /// A number from Prometheus, converted to the unit of the count.
    fn in_terms(&self, value: f64) -> f64 {
        let secs = |secs: i64| f64::from(i32::try_from(secs).unwrap());
        match self.how {
            How::Rate | How::TopRates => value * secs(PERIOD_SECS),
            How::ByteRate => value * secs(PERIOD_SECS) / PACKET_BYTES,
            // Prometheus extrapolates from the samples in the range to all of it, and rounds.
            How::Increase => {
                (value * secs(SHOWN * PERIOD_SECS) / secs(RANGE_SECS) / secs(SHOWN)).round()
            }
            How::Bucket => http::bucket(value),
            How::Groups | How::Share | How::Level => value,
        }
    }

    /// The fault in a panel's answers, if any. Empty answers show nothing.
    pub(crate) fn fault(&self, panel: &Panel, answers: &Answers) -> Option<String> {
        let mut shown = Numbers::new();
        for (query, answer) in ('A'..='Z').zip(answers) {
            let letter = (answers.len() > 1).then(|| query.to_string());
            for series in answer.iter().flatten() {
                let key = if self.by_labels { key(letter.iter(), series) } else { String::new() };
                let Some(last) = series.values.last() else { continue };
                *shown.entry(key).or_default() += self.in_terms(*last);
                // The act is played repeatedly: a rate is constant.
                let moved = series.values.iter().find(|value| !is_close(**value, *last));
                if let Some(moved) = moved {
                    return Some(format!("{moved} in between, {last} at last"));
                }
            }
        }
        // The share of nothing is nothing.
        let may_be_empty = self.how == How::Share && self.numbers.is_empty();
        if panel.kind == "stat" && shown.is_empty() && !may_be_empty {
            return Some("no number".to_owned());
        }
        if !self.by_labels {
            let (shown, counted) = (shown.values().sum::<f64>(), self.sum());
            return (!is_close(shown, counted)).then(|| format!("{shown:.2}, counted {counted}"));
        }
        let is_top = self.how == How::TopRates;
        let mut keys: Vec<&String> = shown.keys().chain(self.numbers.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let (shown, counted) = (shown.get(key), self.numbers.get(key));
            // Which of equal series is among the ten is random; their sum is compared below.
            let is_right = match (shown, counted) {
                (None, Some(_)) if is_top => true,
                (shown, counted) => {
                    is_close(shown.copied().unwrap_or(0.0), counted.copied().unwrap_or(0.0))
                }
            };
            if !is_right {
                return Some(format!("`{key}` {shown:.2?}, counted {counted:?}"));
            }
        }
        let (shown, counted) = (shown.values().sum::<f64>(), self.sum());
        (!is_close(shown, counted)).then(|| format!("{shown:.2} in all, counted {counted}"))
    }
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 0.01
}

fn key<'a>(letter: impl Iterator<Item = &'a String>, series: &'a Answer) -> String {
    let labels = series.labels.values().filter(|value| !value.is_empty());
    letter.chain(labels).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Non-empty words in the form of a key.
fn words<const N: usize>(words: [&str; N]) -> String {
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn tally(flows: &[Flow], group: impl Fn(&Flow) -> Option<String>) -> Numbers {
    let mut numbers = Numbers::new();
    for group in flows.iter().filter_map(group) {
        *numbers.entry(group).or_default() += 1.0;
    }
    numbers
}

/// The expected content of a panel for an act. `None`: not counted here, see [`UNCOUNTED`].
pub(crate) fn of(question: Question<'_>) -> Option<Expected> {
    match question.panel.board.as_str() {
        "clusters" => nodes::expected(question),
        "dns-cluster" | "dns-workload" => dns::expected(question),
        "drops-workload" | "pod-flows-namespace" | "pod-flows-workload" => {
            nodes::of_drops_board(question).or_else(|| pods::expected(question))
        }
        "l7-namespace" | "l7-workload" => http::expected(question),
        _ => None,
    }
}

fn side(title: &str) -> Option<PacketDirection> {
    let has = |words: [&str; 2]| words.iter().any(|word| title.contains(word));
    if has(["Outgoing", "Source"]) {
        Some(PacketDirection::Outgoing)
    } else {
        has(["Incoming", "Destination"]).then_some(PacketDirection::Incoming)
    }
}

impl Question<'_> {
    /// The pod in that direction, as the profile's metrics name it.
    fn pod(self, side: PacketDirection, flow: &Flow) -> Option<String> {
        let end = match side {
            PacketDirection::Outgoing => &flow.source,
            PacketDirection::Incoming => &flow.destination,
        };
        let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
        let is_seen = match self.profile {
            // Contexts depend on the direction.
            Profile::Acns | Profile::All => {
                let direction =
                    if side == PacketDirection::Outgoing { "EGRESS" } else { "INGRESS" };
                flow.traffic_direction == direction
            }
            Profile::Documented => false,
            // Each pod on its own node.
            Profile::Retina => end.is_local_pod(),
            // A packet is counted on its way out and on its way in; a drop has no direction.
            Profile::RetinaRemote => {
                flow.event_type.kind == DROP || to_pod == (side == PacketDirection::Incoming)
            }
        };
        (is_seen && !end.pod_name.is_empty() && self.whose.is(self.panel, end))
            .then(|| format!("{}/{}", end.namespace, end.pod_name))
    }
}

/// Drops with each event once: a packet that a policy refuses is a policy verdict and a drop. A
/// proxy's refusal is not a packet, and Retina does not see it.
fn is_dropped(flow: &Flow, is_cilium: bool) -> bool {
    match flow.event_type.kind {
        DROP => true,
        L7 => is_cilium && flow.verdict == "DROPPED",
        _ => false,
    }
}

/// Hubble's protocol of a flow (`api/v1`, `FlowProtocol`), as far as recorded.
fn protocol(flow: &Flow) -> &'static str {
    if flow.event_type.kind == L7 {
        return if flow.l7.dns.is_some() { "DNS" } else { "HTTP" };
    }
    if flow.l4.tcp.is_some() {
        "TCP"
    } else if flow.l4.udp.is_some() {
        "UDP"
    } else {
        "ICMPv4"
    }
}
