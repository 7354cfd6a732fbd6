//! `Kubernetes / Networking / Clusters`: traffic and drops of the nodes, by cluster.
//!
//! Cilium's agents count them in `cilium_*`, Retina's in `networkobservability_*`; each cluster has
//! one of the two.

use super::empty_texts;
use super::pod_flows::{lost_events, policy_verdicts};
use crate::board::{Board, PanelRow};
use crate::condition::FlowCondition;
use crate::links::{Behind, DetailBoard};
use crate::panel::Panel;
use crate::promql::Counter;
use crate::scope::Scope;
use crate::variable::Variable;

const METRICS: &str = "cilium_forward_count_total|networkobservability_forward_count";

/// Matchers of all queries on this dashboard.
const CHOSEN: &str = Scope::CHOSEN;

/// Unit of packets per second; values below one are shown as fractions.
pub(super) const FEW_PACKETS: &str = "suffix:p/s";

/// Kind of packet counter, independent of the data plane.
#[derive(Debug, Clone, Copy)]
enum Packets {
    Forwarded,
    Dropped,
}

/// Quantity: packets or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Packets,
    Bytes,
}

impl Amount {
    fn word(self) -> &'static str {
        match self {
            Self::Packets => "Packets",
            Self::Bytes => "Bytes",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Packets => "pps",
            Self::Bytes => "Bps",
        }
    }

    /// Unit for rare events: Grafana would show less than one packet per second in thousandths.
    fn unit_of_drops(self) -> &'static str {
        match self {
            Self::Packets => FEW_PACKETS,
            Self::Bytes => "Bps",
        }
    }
}

/// The counter of both data planes. Cilium writes directions in capitals.
fn counter(packets: Packets, amount: Amount, direction: Option<&str>) -> Counter {
    let (cilium, retina) = match (packets, amount) {
        (Packets::Forwarded, Amount::Packets) => {
            ("cilium_forward_count_total", "networkobservability_forward_count")
        }
        (Packets::Forwarded, Amount::Bytes) => {
            ("cilium_forward_bytes_total", "networkobservability_forward_bytes")
        }
        (Packets::Dropped, Amount::Packets) => {
            ("cilium_drop_count_total", "networkobservability_drop_count")
        }
        (Packets::Dropped, Amount::Bytes) => {
            ("cilium_drop_bytes_total", "networkobservability_drop_bytes")
        }
    };
    let more =
        direction.map_or(String::new(), |direction| format!(r#"direction=~"(?i:{direction})""#));
    Counter::picked(cilium, CHOSEN, &more).or_picked(retina, CHOSEN, &more)
}

/// A counter of Retina's only.
fn retina(metric: &str, matchers: &str) -> Counter {
    Counter::new(&format!("networkobservability_{metric}"), &format!("{CHOSEN}, {matchers}"))
}

fn dropped(more: &[(&'static str, &str)]) -> Vec<FlowCondition> {
    let mut conditions = dropped_packets("${cluster}");
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    conditions
}

/// Conditions for packets that the nodes of a cluster drop; a proxy's refusal is not a packet.
fn dropped_packets(cluster: &str) -> Vec<FlowCondition> {
    vec![("verdict", "DROPPED".into()), ("type", "drop".into()), ("cluster", cluster.to_owned())]
}

/// Text of a link that covers all nodes: `instance` is a node's name only on Azure, and an address
/// with a port elsewhere.
const OF_NODES: &str = "all nodes";

pub(super) fn board() -> Board {
    Board {
        name: "clusters",
        title: "Clusters",
        description: "Packets and bytes that the nodes forward and drop, by cluster, node and reason.",
        needs_flows: false,
        variables: vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Node(METRICS)],
        rows: vec![
            PanelRow::new("Fleet View", fleet()),
            PanelRow::new("Traffic (on $cluster)", traffic()),
            PanelRow::new("Drops (on $cluster)", drops()),
            PanelRow::new("Policy verdicts and lost events (on $cluster)", verdicts()),
            PanelRow::new("Connections (on $cluster)", connections()),
            PanelRow::new("Interfaces/Nodes (on $cluster)", interfaces()),
        ],
    }
}

fn fleet() -> Vec<Panel> {
    let closer = || DetailBoard {
        title: "Pod flows of this cluster",
        board: "pod-flows-namespace",
        variables: vec![("cluster", "${__data.fields.Cluster}")],
    };
    let of_cluster = dropped_packets("${__field.labels.cluster}");
    let forwarded = counter(Packets::Forwarded, Amount::Bytes, None);
    let lost = counter(Packets::Dropped, Amount::Bytes, None);
    vec![
        Panel::table(
            "Current Traffic by Cluster",
            "Bytes per second that the nodes of each cluster forward, at the end of the range.",
            forwarded.rate("cluster"),
            &[("cluster", "Cluster"), ("Value", "Forwarded")],
        )
        .sized(8, 9)
        .unit("Bps")
        .next(closer())
        .when_empty(empty_texts::NODE_TRAFFIC),
        Panel::lines(
            "Bytes Forwarded by Cluster",
            "Bytes per second that the nodes of each cluster forward.",
            forwarded.rate("cluster"),
            "{{cluster}}",
        )
        .sized(16, 9)
        .unit("Bps")
        .when_empty(empty_texts::NODE_TRAFFIC),
        Panel::table(
            "Current Dropped Traffic by Cluster",
            "Bytes per second that the nodes of each cluster drop, at the end of the range.",
            lost.rate("cluster"),
            &[("cluster", "Cluster"), ("Value", "Dropped")],
        )
        .sized(8, 9)
        .unit("Bps")
        .behind(dropped_packets("${__data.fields.Cluster}"))
        .next(DetailBoard {
            title: "Drops of this cluster's workloads",
            board: "drops-workload",
            variables: vec![("cluster", "${__data.fields.Cluster}")],
        })
        .when_empty(empty_texts::NODE_DROPS),
        Panel::lines(
            "Bytes Dropped by Cluster",
            "Bytes per second that the nodes of each cluster drop.",
            lost.rate("cluster"),
            "{{cluster}}",
        )
        .sized(8, 9)
        .unit("Bps")
        .behind(of_cluster.clone())
        .when_empty(empty_texts::NODE_DROPS),
        Panel::lines(
            "Packets Dropped By Cluster",
            "Packets per second that the nodes of each cluster drop. Each packet counts once.",
            counter(Packets::Dropped, Amount::Packets, None).rate("cluster"),
            "{{cluster}}",
        )
        .sized(8, 9)
        .unit(FEW_PACKETS)
        .behind(of_cluster.clone())
        .when_empty(empty_texts::NODE_DROPS),
    ]
}

fn traffic() -> Vec<Panel> {
    let mut panels = Vec::new();
    let each = || {
        ["egress", "ingress"].into_iter().flat_map(|direction| {
            [Amount::Bytes, Amount::Packets].into_iter().map(move |amount| (direction, amount))
        })
    };
    let title = |direction: &str, amount: Amount| {
        let direction = if direction == "egress" { "Egress" } else { "Ingress" };
        format!("{direction} {}", amount.word())
    };
    for (direction, amount) in each() {
        panels.push(
            Panel::extremes(
                format!("{}, Max / Min", title(direction, amount)),
                format!(
                    "The highest and the lowest rate of forwarded {} in the range, {direction}.",
                    amount.word().to_lowercase()
                ),
                counter(Packets::Forwarded, amount, Some(direction)).rate(""),
            )
            .sized(6, 5)
            .unit(amount.unit())
            .when_empty(empty_texts::NODE_TRAFFIC),
        );
    }
    for (direction, amount) in each() {
        panels.push(
            Panel::lines(
                title(direction, amount),
                format!(
                    "Forwarded {} per second and node, {direction}.",
                    amount.word().to_lowercase()
                ),
                counter(Packets::Forwarded, amount, Some(direction)).rate("instance"),
                "{{instance}}",
            )
            .unit(amount.unit())
            .when_empty(empty_texts::NODE_TRAFFIC),
        );
    }
    panels
}

fn drops() -> Vec<Panel> {
    let mut panels = Vec::new();
    panels.push(
        Panel::stacked(
            "Packets Dropped by Direction",
            "Packets per second that the nodes drop. Retina does not know the direction of its nodes' drops.",
            counter(Packets::Dropped, Amount::Packets, None).rate("direction"),
            "{{direction}}",
        )
        .sized(24, 9)
        .unit(FEW_PACKETS)
        .behind(dropped(&[("trafficDirection", "${__field.labels.direction}")]))
        .when_empty(empty_texts::NODE_DROPS),
    );
    for amount in [Amount::Bytes, Amount::Packets] {
        let what = amount.word();
        panels.push(
            Panel::lines(
                format!("{what} Dropped by Reason"),
                format!(
                    "{what} per second that the nodes drop. Cilium writes the reason as a sentence, Retina as a single word; a click finds the flows by either. Retina's iptable_rule_drop is an Azure network policy; its tcp_connect_basic and tcp_accept_basic are failed connections."
                ),
                counter(Packets::Dropped, amount, None).rate("reason, direction"),
                "{{reason}} {{direction}}",
            )
            .unit(amount.unit_of_drops())
            .behind(dropped(&[
                ("dropReasonDesc", "${__field.labels.reason}"),
                ("trafficDirection", "${__field.labels.direction}"),
            ]))
            .when_empty(empty_texts::NODE_DROPS),
        );
    }
    for amount in [Amount::Bytes, Amount::Packets] {
        let what = amount.word();
        panels.push(
            Panel::lines(
                format!("{what} Dropped by Node"),
                format!("{what} per second that each node drops."),
                counter(Packets::Dropped, amount, None).rate("instance"),
                "{{instance}}",
            )
            .unit(amount.unit_of_drops())
            .behind(Behind::from(dropped(&[])).of(OF_NODES))
            .when_empty(empty_texts::NODE_DROPS),
        );
    }
    panels
}

fn verdicts() -> Vec<Panel> {
    let verdicts = Counter::new("hubble_policy_verdicts_total", CHOSEN);
    vec![
        Panel::lines(
            "Policy Verdicts by Action",
            "Policy verdicts per second. A new connection has one at each endpoint with a policy; a redirected connection goes through a proxy.",
            verdicts.rate("action, direction"),
            "{{action}} {{direction}}",
        )
        .sized(8, 9)
        .unit("ops")
        .behind(policy_verdicts(vec![
            ("verdict", "${__field.labels.action}".into()),
            ("trafficDirection", "${__field.labels.direction}".into()),
            ("cluster", "${cluster}".into()),
        ]))
        .when_empty(empty_texts::VERDICTS),
        Panel::lines(
            "Policy Verdicts by Match",
            "Policy verdicts per second by the part of a rule that matched. none: no rule matched, and the default denied.",
            verdicts.rate("match, direction"),
            "{{match}} {{direction}}",
        )
        .sized(8, 9)
        .unit("ops")
        .behind(
            policy_verdicts(vec![
                ("trafficDirection", "${__field.labels.direction}".into()),
                ("cluster", "${cluster}".into()),
            ])
            .of("any match"),
        )
        .when_empty(empty_texts::VERDICTS),
        Panel::lines(
            "Lost Hubble Events",
            "Events per second that were lost before Hubble or in Hubble, by the buffer that was full. While events are lost, every count of flows is too low.",
            lost_events(CHOSEN).rate("instance, source"),
            "{{instance}} {{source}}",
        )
        .sized(8, 9)
        .unit("eps")
        .when_empty(empty_texts::LOST),
    ]
}

fn connections() -> Vec<Panel> {
    let statistic = |title: &'static str, name: &'static str, what: &'static str| {
        let statistics =
            retina("tcp_connection_stats", &format!(r#"statistic_name=~"(?i:{name})""#));
        Panel::lines(title, what, statistics.rate("instance"), "{{instance}}")
            .sized(8, 9)
            .unit("ops")
            .when_empty(empty_texts::CONNECTIONS)
    };
    let windows = |title: &'static str, matchers: &str, what: &'static str| {
        let flags = format!("networkobservability_tcp_flag_counters{{{matchers}{CHOSEN}}}");
        Panel::lines(
            title,
            what,
            format!("sum by (instance) (rate({flags}[$__rate_interval]))"),
            "{{instance}}",
        )
        .sized(8, 9)
        .unit("pps")
        .when_empty(empty_texts::WINDOWS)
    };
    vec![
        Panel::lines(
            "TCP Active Connections by State",
            "TCP connections of the nodes, by their state.",
            format!("sum by (state) (networkobservability_tcp_state{{{CHOSEN}}})"),
            "{{state}}",
        )
        .sized(8, 9)
        .when_empty(empty_texts::CONNECTIONS),
        Panel::lines(
            "TCP Active Connections by Remote Addr",
            "TCP connections of the nodes to the ten remote addresses with the most connections.",
            format!(
                r#"topk(10, sum by (address) (networkobservability_tcp_connection_remote{{address!~"127.0.0.1|0.0.0.0", {CHOSEN}}}))"#
            ),
            "{{address}}",
        )
        .sized(8, 9)
        .behind(vec![("ip", "${__field.labels.address}".into())])
        .when_empty(empty_texts::CONNECTIONS),
        Panel::lines(
            "UDP Connections",
            "UDP sockets in use on each node.",
            format!(
                r#"sum by (instance) (networkobservability_udp_connection_stats{{statistic_name=~"(?i:active)", {CHOSEN}}})"#
            ),
            "{{instance}}",
        )
        .sized(8, 9)
        .when_empty(empty_texts::CONNECTIONS),
        statistic(
            "TCP Connection Timeouts",
            "tcptimeouts",
            "Retransmission timeouts per second on each node.",
        ),
        statistic(
            "TCP Connection Resets",
            "resetcount",
            "Connection resets per second on each node. Retina counts them on Windows nodes, in older releases on all nodes.",
        )
        .when_empty(empty_texts::WINDOWS)
        .behind(Behind::from(vec![("tcpFlags", "RST".into())]).of(OF_NODES)),
        statistic(
            "TCP Connection Reorders",
            "tcptsreorder",
            "Packets per second that arrived out of order on each node, detected by their time stamps.",
        ),
        windows("Windows TCP Packets", "", "TCP packets per second of the Windows nodes."),
        windows(
            "Windows TCP RST Packets",
            r#"flag="rst", "#,
            "TCP packets with RST per second on the Windows nodes.",
        )
        .behind(Behind::from(vec![("tcpFlags", "RST".into())]).of(OF_NODES)),
        windows(
            "Windows TCP SYN-ACK Packets",
            r#"flag="synack", "#,
            "TCP packets with SYN and ACK per second on the Windows nodes.",
        ),
    ]
}

fn interfaces() -> Vec<Panel> {
    let interface =
        |title: &'static str, name: &str, by: &str, legend: &'static str, what: &'static str| {
            let statistics = retina("interface_stats", &format!(r#"statistic_name=~"{name}""#));
            Panel::lines(title, what, statistics.rate(by), legend)
                .unit(if by == "instance" { FEW_PACKETS } else { "pps" })
                .when_empty(empty_texts::INTERFACES)
        };
    let by_node = |title, name, what| interface(title, name, "instance", "{{instance}}", what);
    let by_name =
        |title, name, what| interface(title, name, "interface_name", "{{interface_name}}", what);
    vec![
        by_name(
            "RX Packets by Interface",
            "rx_packets",
            "Packets per second that the interfaces received.",
        ),
        by_name(
            "TX Packets by Interface",
            "tx_packets",
            "Packets per second that the interfaces sent.",
        ),
        by_node(
            "Rx Cache Full error",
            "rx[0-9]+_cache_full",
            "Times per second that the cache of receive pages was full, by node.",
        ),
        by_node(
            "Tx No Op Errors",
            "tx[0-9]+_nop",
            "Descriptors per second that were sent without a packet, by node.",
        ),
        by_node(
            "Dropped Rx Packets",
            "rx_dropped",
            "Received packets per second that the interfaces dropped, by node. These packets never reached Cilium, so they have no flows.",
        ),
        by_node(
            "Dropped Tx Packets",
            "tx_dropped",
            "Outgoing packets per second that the interfaces dropped, by node. These drops have no flows.",
        ),
        by_node(
            "Rx Comp Full Errors",
            "rx_comp_full",
            "Times per second that the receive completion queue was full, by node.",
        ),
        by_node(
            "Tx Send Full Errors",
            "tx_send_full",
            "Times per second that the send queue was full, by node.",
        ),
    ]
}
