//! Retina's counts of the same packets, by the rules of its own source (microsoft/retina at
//! 532c5aa2b800; `pkg/module/metrics`, `pkg/metrics`, `pkg/utils`). Retina runs where Cilium does
//! not, so there is no recording of both.
//!
//! - Every family except those of DNS is a gauge that only rises.
//! - A packet is seen where Cilium traced it: at a pod's own device or on its way to the network.
//!   Packets to a pod are ingress, all others egress.
//! - Local context (the default): a pod counts only on its own node, under labels without a prefix;
//!   a packet between two pods of one node counts for both. There is no label for the peer.
//! - Remote context: one series for source and destination under `source_` and `destination_`,
//!   `unknown` for endpoints other than pods, and the direction in capitals.
//! - A refusal is a drop of an iptables rule, without further details: per node its direction is
//!   `unknown`, and in remote context all drops are `INGRESS`.
//! - DNS per node has no labels; per pod it counts for the client pod.
//! - A packet's size and the node's sockets and interfaces are constants, since flows do not
//!   contain them.

use std::collections::BTreeSet;

use crate::flows::{DROP, End, Flow, SAMPLES, TRACE};
use crate::series::{Labels, Series, Tally, labels};

/// Size of every packet, in bytes.
pub(crate) const PACKET_BYTES: f64 = 100.0;

/// The pods whose labels a packet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Local,
    Remote,
}

/// All series of an act.
pub(crate) fn count(flows: &[Flow], context: Context) -> Series {
    let mut tally = Tally::from(&flows[0]);
    for flow in flows {
        match flow.event_type.kind {
            TRACE => forwarded(&mut tally, flow, context),
            DROP => dropped(&mut tally, flow, context),
            _ => names(&mut tally, flow, context),
        }
    }
    let mut series = tally.series();
    node_statistics(flows, &mut series);
    series
}

fn add(tally: &mut Tally, flow: &Flow, name: &str, mut labels: Labels, amount: f64) {
    labels.insert("instance".to_owned(), flow.node().to_owned());
    tally.add(flow, &format!("networkobservability_{name}"), labels, amount);
}

fn packets(tally: &mut Tally, flow: &Flow, family: &str, labels: &Labels) {
    add(tally, flow, &format!("{family}_count"), labels.clone(), 1.0);
    add(tally, flow, &format!("{family}_bytes"), labels.clone(), PACKET_BYTES);
}

fn forwarded(tally: &mut Tally, flow: &Flow, context: Context) {
    let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
    // Packets that the network card sends and receives.
    if flow.trace_observation_point == "TO_NETWORK" {
        packets(tally, flow, "forward", &labels([("direction", "egress")]));
    } else if to_pod && flow.source.id == 0 {
        packets(tally, flow, "forward", &labels([("direction", "ingress")]));
    }
    for (direction, whose) in ends(flow, context, if to_pod { "INGRESS" } else { "EGRESS" }) {
        let mut of_packet = whose.clone();
        of_packet.insert("direction".to_owned(), direction);
        packets(tally, flow, "adv_forward", &of_packet);
        for flag in flags(flow) {
            let mut of_flag = whose.clone();
            of_flag.insert("flag".to_owned(), flag.to_owned());
            add(tally, flow, "adv_tcpflags_count", of_flag, 1.0);
        }
    }
}

fn dropped(tally: &mut Tally, flow: &Flow, context: Context) {
    let reason = reason(flow);
    packets(tally, flow, "drop", &labels([("reason", reason), ("direction", "unknown")]));
    for (direction, mut whose) in ends(flow, context, "INGRESS") {
        whose.insert("reason".to_owned(), reason.to_owned());
        whose.insert("direction".to_owned(), direction);
        packets(tally, flow, "adv_drop", &whose);
    }
}

/// Retina's drop reason of a flow.
pub(crate) fn reason(flow: &Flow) -> &'static str {
    if flow.drop_reason_desc == "POLICY_DENIED" { "IPTABLE_RULE_DROP" } else { "UNKNOWN_DROP" }
}

fn names(tally: &mut Tally, flow: &Flow, context: Context) {
    let Some(dns) = flow.l7.dns.as_ref().filter(|_| flow.verdict != "DROPPED") else { return };
    let is_answer = flow.l7.kind == "RESPONSE";
    let family = if is_answer { "dns_response_count" } else { "dns_request_count" };
    add(tally, flow, family, Labels::new(), 1.0);
    let mut of_name = labels([("query", &dns.query), ("query_type", &dns.qtypes.join(","))]);
    if is_answer {
        let code = match dns.rcode {
            0 => "NOERROR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            5 => "REFUSED",
            _ => "",
        };
        of_name.extend(labels([
            ("return_code", code),
            ("response", &dns.ips.join(",")),
            ("num_response", &dns.ips.len().to_string()),
        ]));
    }
    match context {
        Context::Remote => of_name.extend(both(flow)),
        Context::Local if is_answer => {
            of_name.extend(one("", &flow.ip.destination, &flow.destination));
        }
        Context::Local => of_name.extend(one("", &flow.ip.source, &flow.source)),
    }
    add(tally, flow, &format!("adv_{family}"), of_name, 1.0);
}

/// The series that a packet counts in: direction and labels.
fn ends(flow: &Flow, context: Context, direction: &str) -> Vec<(String, Labels)> {
    match context {
        Context::Remote => vec![(direction.to_owned(), both(flow))],
        Context::Local => [
            ("egress", &flow.ip.source, &flow.source),
            ("ingress", &flow.ip.destination, &flow.destination),
        ]
        .into_iter()
        .filter(|(.., end)| end.is_local_pod())
        .map(|(direction, ip, end)| (direction.to_owned(), one("", ip, end)))
        .collect(),
    }
}

fn both(flow: &Flow) -> Labels {
    let mut labels = one("source_", &flow.ip.source, &flow.source);
    labels.extend(one("destination_", &flow.ip.destination, &flow.destination));
    labels
}

fn one(prefix: &str, ip: &str, end: &End) -> Labels {
    let known = |value: &str| if end.pod_name.is_empty() { "unknown" } else { value }.to_owned();
    let workload = end.workloads.first().cloned().unwrap_or_default();
    [
        ("ip", ip.to_owned()),
        ("namespace", known(&end.namespace)),
        ("podname", known(&end.pod_name)),
        ("workload_kind", known(&workload.kind)),
        ("workload_name", known(&workload.name)),
    ]
    .map(|(name, value)| (format!("{prefix}{name}"), value))
    .into()
}

/// Retina's names of a packet's flags.
fn flags(flow: &Flow) -> Vec<&'static str> {
    let Some(tcp) = &flow.l4.tcp else { return vec![] };
    let has = |flag: &str| tcp.flags.get(flag) == Some(&true);
    let mut flags = vec![];
    match (has("SYN"), has("ACK")) {
        (true, true) => flags.push("SYNACK"),
        (true, false) => flags.push("SYN"),
        (false, true) => flags.push("ACK"),
        (false, false) => {}
    }
    flags.extend(["FIN", "RST", "PSH"].into_iter().filter(|flag| has(flag)));
    flags
}

/// A statistic of a node: family, labels, and value.
type Statistic = (&'static str, &'static [(&'static str, &'static str)], f64);

/// Statistics that flows do not contain. Retina leaves out zeros, and the reset count exists only
/// on Windows.
pub(crate) const STATISTICS: [Statistic; 13] = [
    ("tcp_state", &[("state", "ESTABLISHED")], 40.0),
    ("tcp_connection_remote", &[("address", "AllIPs")], 41.0),
    ("udp_connection_stats", &[("statistic_name", "ACTIVE")], 12.0),
    ("tcp_connection_stats", &[("statistic_name", "TCPTimeouts")], 3.0),
    ("tcp_connection_stats", &[("statistic_name", "TCPTSReorder")], 1.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "rx_packets")], 900.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "tx_packets")], 800.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "rx_dropped")], 4.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "tx_dropped")], 6.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "rx_comp_full")], 7.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "tx_send_full")], 8.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "rx0_cache_full")], 2.0),
    ("interface_stats", &[ALL_INTERFACES, ("statistic_name", "tx0_nop")], 5.0),
];

const ALL_INTERFACES: (&str, &str) = ("interface_name", "all_interfaces");

fn node_statistics(flows: &[Flow], series: &mut Series) {
    let nodes: BTreeSet<&str> = flows.iter().map(Flow::node).collect();
    for node in nodes {
        for (family, of, value) in &STATISTICS {
            let mut labels: Labels =
                of.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            labels.insert("instance".to_owned(), node.to_owned());
            let key = (format!("networkobservability_{family}"), labels);
            series.insert(key, [Some(*value); SAMPLES]);
        }
    }
}
