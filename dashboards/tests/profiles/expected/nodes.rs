//! Counts of nodes: packets, lost events, verdicts, sockets and interfaces.

use super::{Expected, How, Numbers, Question, words};
use crate::cluster::{self, FULL_BUFFER, LOST};
use crate::flows::{DROP, Flow, L7, POLICY_VERDICT, TRACE};
use crate::profile::Profile;
use crate::retina::{self, STATISTICS};
use crate::series::labels;

/// Cilium's identity of the node itself.
const HOST_IDENTITY: u32 = 1;

/// Panels of Retina's statistics: the family, the value of one of its labels, and the label that
/// separates series.
const OF_STATISTICS: [(&str, &str, &str, Option<&str>); 13] = [
    ("TCP Active Connections by State", "tcp_state", "ESTABLISHED", Some("ESTABLISHED")),
    ("TCP Active Connections by Remote Addr", "tcp_connection_remote", "AllIPs", Some("AllIPs")),
    ("UDP Connections", "udp_connection_stats", "ACTIVE", None),
    ("TCP Connection Timeouts", "tcp_connection_stats", "TCPTimeouts", None),
    ("TCP Connection Reorders", "tcp_connection_stats", "TCPTSReorder", None),
    ("RX Packets by Interface", "interface_stats", "rx_packets", Some("all_interfaces")),
    ("TX Packets by Interface", "interface_stats", "tx_packets", Some("all_interfaces")),
    ("Rx Cache Full error", "interface_stats", "rx0_cache_full", None),
    ("Tx No Op Errors", "interface_stats", "tx0_nop", None),
    ("Dropped Rx Packets", "interface_stats", "rx_dropped", None),
    ("Dropped Tx Packets", "interface_stats", "tx_dropped", None),
    ("Rx Comp Full Errors", "interface_stats", "rx_comp_full", None),
    ("Tx Send Full Errors", "interface_stats", "tx_send_full", None),
];

pub(super) fn expected(question: Question<'_>) -> Option<Expected> {
    let Question { panel, profile, flows, .. } = question;
    let title = panel.title.as_str();
    let is_cilium = profile.is_cilium();
    let how = if title.contains("Bytes") || title.contains("Traffic by Cluster") {
        How::ByteRate
    } else {
        How::Rate
    };
    let cluster = || question.cluster.to_owned();
    let node = |flow: &Flow| {
        instance(profile, if is_cilium { "cilium_" } else { "networkobservability_" }, flow.node())
    };
    let direction = |is_ingress| {
        move |flow: &Flow| {
            let is_counted =
                if is_ingress { is_received(flow, is_cilium) } else { is_sent(flow, is_cilium) };
            let key = if title.ends_with("Max / Min") { String::new() } else { node(flow) };
            is_counted.then_some(key)
        }
    };
    let dropped = |flow: &Flow| flow.event_type.kind == DROP;
    Some(match title {
        "Current Traffic by Cluster" | "Bytes Forwarded by Cluster" => {
            Expected::counted(how, flows, |flow| {
                (is_sent(flow, is_cilium) || is_received(flow, is_cilium)).then(cluster)
            })
        }
        title if title.starts_with("Egress") => Expected::counted(how, flows, direction(false)),
        title if title.starts_with("Ingress") => Expected::counted(how, flows, direction(true)),
        "Packets Dropped by Direction" => Expected::counted(how, flows, |flow| {
            dropped(flow).then(|| direction_of(flow, is_cilium).to_owned())
        }),
        title if title.ends_with("Dropped by Node") => {
            Expected::counted(how, flows, |flow| dropped(flow).then(|| node(flow)))
        }
        title if title.ends_with("Dropped by Reason") => drops_by_reason(how, question),
        title
            if title.contains("Dropped") && title.ends_with("by Cluster")
                || title.ends_with("By Cluster") =>
        {
            Expected::counted(how, flows, |flow| dropped(flow).then(cluster))
        }
        "Policy Verdicts by Action" | "Policy Verdicts by Match" if profile == Profile::All => {
            Expected::counted(how, flows, |flow| {
                let (action, what) = verdict(flow)?;
                // In capitals, as the links write it.
                let direction = flow.traffic_direction.as_str();
                Some(if title.ends_with("Action") {
                    words([&action, direction])
                } else {
                    words([direction, what])
                })
            })
        }
        "Lost Hubble Events" if is_cilium => Expected::given(how, lost(question, true)),
        _ => return statistics(question),
    })
}

/// Panels about nodes on the dashboards of pods.
pub(super) fn of_drops_board(question: Question<'_>) -> Option<Expected> {
    match question.panel.title.as_str() {
        "Dropped packets by reason and direction" => Some(drops_by_reason(How::Rate, question)),
        "Lost Hubble events" | "Lost Hubble Events" if question.profile.is_cilium() => {
            Some(Expected::given(How::Rate, lost(question, false)))
        }
        _ => None,
    }
}

fn is_sent(flow: &Flow, is_cilium: bool) -> bool {
    let point = flow.trace_observation_point.as_str();
    flow.event_type.kind == TRACE
        && if is_cilium { point != "TO_ENDPOINT" } else { point == "TO_NETWORK" }
}

/// Retina counts packets that the network card received.
fn is_received(flow: &Flow, is_cilium: bool) -> bool {
    let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
    flow.event_type.kind == TRACE && to_pod && (is_cilium || flow.source.id == 0)
}

fn direction_of(flow: &Flow, is_cilium: bool) -> &str {
    if is_cilium { &flow.traffic_direction } else { "TRAFFIC_DIRECTION_UNKNOWN" }
}

fn drops_by_reason(how: How, question: Question<'_>) -> Expected {
    let is_cilium = question.profile.is_cilium();
    Expected::counted(how, question.flows, |flow| {
        let reason = match flow.drop_reason_desc.as_str() {
            _ if !is_cilium => retina::reason(flow),
            // Cilium's agents write a sentence; the dashboard unifies the frequent ones.
            "STALE_OR_UNROUTABLE_IP" => "Stale or unroutable IP",
            reason => reason,
        };
        (flow.event_type.kind == DROP).then(|| words([direction_of(flow, is_cilium), reason]))
    })
}

/// Action and match of a policy verdict, as Hubble counts it (`pkg/hubble/metrics/policy`). The
/// host's access to its own pods is always allowed and does not count.
pub(super) fn verdict(flow: &Flow) -> Option<(String, &'static str)> {
    let what = match flow.event_type.kind {
        L7 if flow.l7.dns.is_some() => "l7/dns",
        L7 => "l7/http",
        POLICY_VERDICT if flow.source.identity != HOST_IDENTITY => match flow.policy_match_type {
            0 => "none",
            1 => "l3-only",
            2 => "l3-l4",
            other => panic!("no word for {other}"),
        },
        _ => return None,
    };
    Some((flow.verdict.to_lowercase(), what))
}

/// Events that only the agents of ACNS report as lost.
fn lost(question: Question<'_>, by_node: bool) -> Numbers {
    let mut numbers = Numbers::new();
    if question.profile == Profile::Acns {
        for node in cluster::nodes(question.flows) {
            let node = if by_node { node } else { "" };
            *numbers.entry(words([node, FULL_BUFFER])).or_default() += LOST;
        }
    }
    numbers
}

fn statistics(question: Question<'_>) -> Option<Expected> {
    let Question { panel, profile, flows, .. } = question;
    let (_, family, word, key) = OF_STATISTICS.iter().find(|(title, ..)| *title == panel.title)?;
    let has = |of: &[(&str, &str)]| of.iter().any(|(_, value)| value == word);
    let (.., value) = STATISTICS.iter().find(|(of, with, _)| of == family && has(with))?;
    let how = match panel.title.as_str() {
        title if title.contains("Active") || title == "UDP Connections" => How::Level,
        _ => How::Rate,
    };
    let mut numbers = Numbers::new();
    for node in cluster::nodes(flows) {
        let node = || instance(profile, "networkobservability_", node);
        *numbers.entry(key.map_or_else(node, str::to_owned)).or_default() += value;
    }
    (!profile.is_cilium()).then(|| Expected::given(how, numbers))
}

/// The node's name in a scrape.
fn instance(profile: Profile, metric: &str, node: &str) -> String {
    profile.scraped(metric, &labels([("instance", node)]), "")["instance"].clone()
}
