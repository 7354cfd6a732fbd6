//! `Kubernetes / Networking / Clusters`: what the nodes forward and drop, cluster by cluster.
//!
//! Cilium's agents count it in `cilium_*`, Retina's in `networkobservability_*`; each cluster has
//! one of the two.

use super::pod_flows::{lost_events, policy_verdicts};
use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition, Next};
use crate::panel::Panel;
use crate::promql::Counter;
use crate::scope::Scope;
use crate::variable::Variable;

const METRICS: &str = "cilium_forward_count_total|networkobservability_forward_count";

/// The matchers of everything on this dashboard.
const CHOSEN: &str = Scope::CHOSEN;

/// Packets per second, less than one as a fraction.
pub(super) const FEW_PACKETS: &str = "suffix:p/s";

/// What is counted of packets, in both planes' names.
#[derive(Debug, Clone, Copy)]
enum Packets {
    Forwarded,
    Dropped,
}

/// Packets, or their bytes.
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

    /// Of what is rare: Grafana writes less than one packet per second as thousandths.
    fn unit_of_drops(self) -> &'static str {
        match self {
            Self::Packets => FEW_PACKETS,
            Self::Bytes => "Bps",
        }
    }
}

/// The counter of both planes. Cilium writes directions in capitals.
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

/// A gauge of Retina's.
fn retina(metric: &str, matchers: &str) -> Counter {
    Counter::new(&format!("networkobservability_{metric}"), &format!("{CHOSEN}, {matchers}"))
}

fn dropped(more: &[(&'static str, &str)]) -> Vec<Condition> {
    let mut conditions = dropped_packets("${cluster}");
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    conditions
}

/// Packets that the nodes of a cluster drop; what a proxy refuses is none.
fn dropped_packets(cluster: &str) -> Vec<Condition> {
    vec![("verdict", "DROPPED".into()), ("type", "drop".into()), ("cluster", cluster.to_owned())]
}

/// `instance` is the name of a node on Azure alone, and an address with a port elsewhere.
const OF_NODES: &str = "all nodes";

pub(super) fn board() -> Board {
    Board {
        name: "clusters",
        title: "Clusters",
        description: "Packets and bytes that the nodes forward and drop, by cluster, node and reason.",
        needs_flows: false,
        variables: vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Node(METRICS)],
        rows: vec![
            Row::new("Fleet View", fleet()),
            Row::new("Traffic (on $cluster)", traffic()),
            Row::new("Drops (on $cluster)", drops()),
            Row::new("Policy verdicts and lost events (on $cluster)", verdicts()),
            Row::new("Connections (on $cluster)", connections()),
            Row::new("Interfaces/Nodes (on $cluster)", interfaces()),
        ],
    }
}

fn fleet() -> Vec<Panel> {
    let closer = || Next {
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
        .when_empty(sentences::NODE_TRAFFIC),
        Panel::lines(
            "Bytes Forwarded by Cluster",
            "Bytes per second that the nodes of each cluster forward.",
            forwarded.rate("cluster"),
            "{{cluster}}",
        )
        .sized(16, 9)
        .unit("Bps")
        .when_empty(sentences::NODE_TRAFFIC),
        Panel::table(
            "Current Dropped Traffic by Cluster",
            "Bytes per second that the nodes of each cluster drop, at the end of the range.",
            lost.rate("cluster"),
            &[("cluster", "Cluster"), ("Value", "Dropped")],
        )
        .sized(8, 9)
        .unit("Bps")
        .behind(dropped_packets("${__data.fields.Cluster}"))
        .next(Next {
            title: "Drops of this cluster's workloads",
            board: "drops-workload",
            variables: vec![("cluster", "${__data.fields.Cluster}")],
        })
        .when_empty(sentences::NODE_DROPS),
        Panel::lines(
            "Bytes Dropped by Cluster",
            "Bytes per second that the nodes of each cluster drop.",
            lost.rate("cluster"),
            "{{cluster}}",
        )
        .sized(8, 9)
        .unit("Bps")
        .behind(of_cluster.clone())
        .when_empty(sentences::NODE_DROPS),
        Panel::lines(
            "Packets Dropped By Cluster",
            "Packets per second that the nodes of each cluster drop. Each packet counts once.",
            counter(Packets::Dropped, Amount::Packets, None).rate("cluster"),
            "{{cluster}}",
        )
        .sized(8, 9)
        .unit(FEW_PACKETS)
        .behind(of_cluster.clone())
        .when_empty(sentences::NODE_DROPS),
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
            .when_empty(sentences::NODE_TRAFFIC),
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
            .when_empty(sentences::NODE_TRAFFIC),
        );
    }
    panels
}

fn drops() -> Vec<Panel> {
    let mut panels = Vec::new();
    panels.push(
        Panel::stacked(
            "Packets Dropped by Direction",
            "Packets per second that the nodes drop. Retina does not know the direction of what its nodes drop.",
            counter(Packets::Dropped, Amount::Packets, None).rate("direction"),
            "{{direction}}",
        )
        .sized(24, 9)
        .unit(FEW_PACKETS)
        .behind(dropped(&[("trafficDirection", "${__field.labels.direction}")]))
        .when_empty(sentences::NODE_DROPS),
    );
    for amount in [Amount::Bytes, Amount::Packets] {
        let what = amount.word();
        panels.push(
            Panel::lines(
                format!("{what} Dropped by Reason"),
                format!(
                    "{what} per second that the nodes drop. Cilium writes the reason as a sentence, Retina as a word; a click finds the flows by either. Retina's iptable_rule_drop is a network policy of Azure's, its tcp_connect_basic and tcp_accept_basic are connections that failed."
                ),
                counter(Packets::Dropped, amount, None).rate("reason, direction"),
                "{{reason}} {{direction}}",
            )
            .unit(amount.unit_of_drops())
            .behind(dropped(&[
                ("dropReasonDesc", "${__field.labels.reason}"),
                ("trafficDirection", "${__field.labels.direction}"),
            ]))
            .when_empty(sentences::NODE_DROPS),
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
            .when_empty(sentences::NODE_DROPS),
        );
    }
    panels
}

fn verdicts() -> Vec<Panel> {
    let verdicts = Counter::new("hubble_policy_verdicts_total", CHOSEN);
    vec![
        Panel::lines(
            "Policy Verdicts by Action",
            "Policy verdicts per second. A new connection is one, at each end that has a policy; a redirected one goes through a proxy.",
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
        .when_empty(sentences::VERDICTS),
        Panel::lines(
            "Policy Verdicts by Match",
            "Policy verdicts per second by what of a rule matched. none: no rule did, and the default denied it.",
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
        .when_empty(sentences::VERDICTS),
        Panel::lines(
            "Lost Hubble Events",
            "Events per second that Hubble did not get to see or could not keep, by the buffer that was full. While events are lost, every count of flows is too low.",
            lost_events(CHOSEN).rate("instance, source"),
            "{{instance}} {{source}}",
        )
        .sized(8, 9)
        .unit("eps")
        .when_empty(sentences::LOST),
    ]
}

fn connections() -> Vec<Panel> {
    let statistic = |title: &'static str, name: &'static str, what: &'static str| {
        let statistics =
            retina("tcp_connection_stats", &format!(r#"statistic_name=~"(?i:{name})""#));
        Panel::lines(title, what, statistics.rate("instance"), "{{instance}}")
            .sized(8, 9)
            .unit("ops")
            .when_empty(sentences::CONNECTIONS)
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
        .when_empty(sentences::WINDOWS)
    };
    vec![
        Panel::lines(
            "TCP Active Connections by State",
            "TCP connections of the nodes, by their state.",
            format!("sum by (state) (networkobservability_tcp_state{{{CHOSEN}}})"),
            "{{state}}",
        )
        .sized(8, 9)
        .when_empty(sentences::CONNECTIONS),
        Panel::lines(
            "TCP Active Connections by Remote Addr",
            "TCP connections of the nodes to each of the ten remote addresses with the most.",
            format!(
                r#"topk(10, sum by (address) (networkobservability_tcp_connection_remote{{address!~"127.0.0.1|0.0.0.0", {CHOSEN}}}))"#
            ),
            "{{address}}",
        )
        .sized(8, 9)
        .behind(vec![("ip", "${__field.labels.address}".into())])
        .when_empty(sentences::CONNECTIONS),
        Panel::lines(
            "UDP Connections",
            "UDP sockets in use on each node.",
            format!(
                r#"sum by (instance) (networkobservability_udp_connection_stats{{statistic_name=~"(?i:active)", {CHOSEN}}})"#
            ),
            "{{instance}}",
        )
        .sized(8, 9)
        .when_empty(sentences::CONNECTIONS),
        statistic(
            "TCP Connection Timeouts",
            "tcptimeouts",
            "Retransmission timers per second that ran out on each node.",
        ),
        statistic(
            "TCP Connection Resets",
            "resetcount",
            "Connections per second that were reset on each node. Retina counts them on Windows nodes, in older releases on all.",
        )
        .when_empty(sentences::WINDOWS)
        .behind(Behind::from(vec![("tcpFlags", "RST".into())]).of(OF_NODES)),
        statistic(
            "TCP Connection Reorders",
            "tcptsreorder",
            "Packets per second that arrived out of order on each node, told by their time stamps.",
        ),
        windows("Windows TCP Packets", "", "TCP packets per second of the Windows nodes."),
        windows(
            "Windows TCP RST Packets",
            r#"flag="rst", "#,
            "TCP packets per second of the Windows nodes that reset a connection.",
        )
        .behind(Behind::from(vec![("tcpFlags", "RST".into())]).of(OF_NODES)),
        windows(
            "Windows TCP SYN-ACK Packets",
            r#"flag="synack", "#,
            "TCP packets per second of the Windows nodes that accept a connection.",
        ),
    ]
}

fn interfaces() -> Vec<Panel> {
    let interface =
        |title: &'static str, name: &str, by: &str, legend: &'static str, what: &'static str| {
            let statistics = retina("interface_stats", &format!(r#"statistic_name=~"{name}""#));
            Panel::lines(title, what, statistics.rate(by), legend)
                .unit(if by == "instance" { FEW_PACKETS } else { "pps" })
                .when_empty(sentences::INTERFACES)
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
            "Received packets per second that the interfaces dropped, by node. They never reached Cilium, so there are no flows of them.",
        ),
        by_node(
            "Dropped Tx Packets",
            "tx_dropped",
            "Packets per second to be sent that the interfaces dropped, by node. There are no flows of the drop.",
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
