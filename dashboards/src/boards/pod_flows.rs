//! `Kubernetes / Networking / Pod Flows (Namespace)` and `Pod Flows (Workload)`: traffic of pods,
//! its drops, and connections that are unanswered, reset and ended.

use super::empty_texts;
use crate::board::{Board, PanelRow};
use crate::condition::FlowCondition;
use crate::links::{Behind, DetailBoard};
use crate::panel::Panel;
use crate::promql::{Counter, forwarded_by_retina};
use crate::scope::{PacketDirection, Scope};
use crate::variable::Variable;

/// Flows by verdict without policy verdicts: these repeat a packet's drop or trace and would count
/// it twice.
fn flows_with(scope: Scope, traffic: PacketDirection, more: &str) -> Counter {
    Counter::picked(
        "hubble_flows_processed_total",
        &scope.hubble(traffic),
        &format!(r#"{more}type!="PolicyVerdict""#),
    )
}

fn forwarded(scope: Scope, traffic: PacketDirection) -> Counter {
    flows_with(scope, traffic, r#"verdict="FORWARDED", "#).or_retina(
        "networkobservability_adv_forward_count",
        scope,
        traffic,
    )
}

/// Drops, each refused packet once; where `hubble_flows_processed_total` is not scraped, events.
/// Retina has no drop series before the first drop: its forwarded packets show that the count is
/// zero.
pub(super) fn drops(scope: Scope, traffic: PacketDirection) -> Counter {
    flows_with(scope, traffic, r#"verdict="DROPPED", "#)
        .or("hubble_drop_total", &scope.hubble(traffic))
        .or_retina("networkobservability_adv_drop_count", scope, traffic)
        .zero_where(forwarded_by_retina(scope, traffic))
}

/// The flows of drops in one direction.
pub(super) fn dropped(
    scope: Scope,
    traffic: PacketDirection,
    more: &[(&'static str, &str)],
) -> Behind {
    let mut conditions: Vec<FlowCondition> = vec![("verdict", "DROPPED".into())];
    conditions.extend(scope.flows(traffic));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    Behind::from(conditions).once()
}

/// The flows of drops of the series' pod.
pub(super) fn dropped_of_pod(traffic: PacketDirection) -> Behind {
    of_pod_with(traffic, "DROPPED")
}

/// Flows to a workload. A node names the workload only for its own pods: an answer that the other
/// node counts as incoming has only the pod.
fn named(scope: Scope, traffic: PacketDirection, behind: Behind) -> Behind {
    if scope == Scope::Workload && traffic == PacketDirection::Incoming {
        return behind.of("records that name the workload");
    }
    behind
}

/// The flows of the series' pod with a verdict.
fn of_pod_with(traffic: PacketDirection, verdict: &str) -> Behind {
    Behind::from(vec![
        ("verdict", verdict.into()),
        ("trafficDirection", traffic.direction().into()),
        traffic.pod_condition(),
    ])
    .once()
}

/// Policy decisions, as `hubble_policy_verdicts_total` counts them, including layer 7 requests and
/// answers.
pub(super) fn policy_verdicts(mut conditions: Vec<FlowCondition>) -> Behind {
    conditions.push(("type", "policy-verdict".into()));
    conditions.push(("type", "l7".into()));
    let mut behind = Behind::from(conditions);
    // Cilium does not count the host's access to its own pods, which is always allowed.
    // Source: pkg/hubble/metrics/policy, `handler.go`.
    behind.exclude.push(("fromIdentity", "host".into()));
    behind
}

/// Events that Hubble lost. Cilium has no series before the first loss: where flows are counted,
/// the number is then zero.
pub(super) fn lost_events(chosen: &str) -> Counter {
    Counter::new("hubble_lost_events_total", chosen)
        .zero_where(format!("hubble_flows_processed_total{{{chosen}}}"))
}

pub(super) fn board(scope: Scope) -> Board {
    const METRICS: &str =
        "hubble_flows_processed_total|hubble_drop_total|networkobservability_adv_forward_count";
    let (name, title, description) = match scope {
        Scope::Workload => (
            "pod-flows-workload",
            "Pod Flows (Workload)",
            "Traffic, drops and TCP connections of a workload's pods.",
        ),
        _ => (
            "pod-flows-namespace",
            "Pod Flows (Namespace)",
            "Traffic, drops and TCP connections of the pods in a namespace.",
        ),
    };
    let mut variables = vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Namespace];
    let mut rows = vec![];
    if scope == Scope::Workload {
        variables.extend([Variable::Workload, Variable::Pod]);
        rows.push(PanelRow::new("Workload Snapshot ($workload)", snapshot(scope)));
    } else {
        rows.push(PanelRow::new("Top Namespaces", top_namespaces()));
        rows.push(PanelRow::new("Namespace Snapshot ($namespace)", snapshot(scope)));
    }
    let [flow_row, drop_row, tcp_row] = match scope {
        Scope::Workload => {
            ["Flows (for $workload)", "Drops (for $workload)", "TCP (for $workload)"]
        }
        _ => ["Flows (in $namespace)", "Drops (in $namespace)", "TCP (in $namespace)"],
    };
    rows.push(PanelRow::new(flow_row, flows(scope)));
    rows.push(PanelRow::new(drop_row, drop_panels(scope)));
    rows.push(PanelRow::new(tcp_row, tcp(scope)));
    rows.push(PanelRow::new("Beyond flows", beyond(scope)));
    Board { name, title, description, needs_flows: false, variables, rows }
}

/// All namespaces of the cluster, to find the next one to look at.
fn top_namespaces() -> Vec<Panel> {
    let mut panels = Vec::new();
    for (dropped, what) in [(false, "Traffic"), (true, "Drops")] {
        for traffic in PacketDirection::BOTH {
            let label = traffic.label();
            let pods = format!(r#"cluster=~"$cluster", {label}=~".+/.+""#);
            let (metric, title) = if dropped {
                (
                    Counter::picked(
                        "hubble_flows_processed_total",
                        &pods,
                        r#"verdict="DROPPED", type!="PolicyVerdict""#,
                    )
                    .or("hubble_drop_total", &pods),
                    format!("Top Namespaces with {} {what}", traffic.word()),
                )
            } else {
                (
                    Counter::picked(
                        "hubble_flows_processed_total",
                        &pods,
                        r#"verdict="FORWARDED", type!="PolicyVerdict""#,
                    ),
                    format!("Top {} Namespaces ({} {what})", end(traffic), traffic.word()),
                )
            };
            let by_namespace = format!(
                r#"topk(10, round(sum by (namespace) (label_replace({}, "namespace", "$1", "{label}", "([^/]+)/.+"))) > 0)"#,
                metric.increase(label)
            );
            let (description, text) = if dropped {
                (
                    format!(
                        "Drops of the namespaces' pods in the range, {}. A drop is either incoming or outgoing.",
                        traffic.word().to_lowercase()
                    ),
                    empty_texts::HUBBLE_DROPS,
                )
            } else {
                (
                    format!(
                        "Flow records of the namespaces' pods in the range, {}. A packet has one at each point where it is observed.",
                        traffic.word().to_lowercase()
                    ),
                    empty_texts::HUBBLE_FLOWS,
                )
            };
            let mut behind: Vec<FlowCondition> = vec![
                ("trafficDirection", traffic.direction().into()),
                (namespace_flag(traffic), "${__field.labels.namespace}".into()),
            ];
            behind.push(("verdict", if dropped { "DROPPED" } else { "FORWARDED" }.into()));
            let mut panel = Panel::bars(title, description, by_namespace, "{{namespace}}")
                .sized(12, 9)
                .unit("locale")
                .behind(Behind::from(behind).once())
                .when_empty(text);
            if dropped {
                panel = panel.bad_news().next(DetailBoard {
                    title: "Drops of this namespace's workloads",
                    board: "drops-workload",
                    variables: vec![
                        ("cluster", "${cluster}"),
                        ("namespace", "${__field.labels.namespace}"),
                    ],
                });
            } else {
                panel = panel.next(DetailBoard {
                    title: "Workloads of this namespace",
                    board: "pod-flows-workload",
                    variables: vec![
                        ("cluster", "${cluster}"),
                        ("namespace", "${__field.labels.namespace}"),
                    ],
                });
            }
            panels.push(panel);
        }
    }
    panels
}

fn end(traffic: PacketDirection) -> &'static str {
    match traffic {
        PacketDirection::Outgoing => "Source",
        PacketDirection::Incoming => "Destination",
    }
}

fn namespace_flag(traffic: PacketDirection) -> &'static str {
    match traffic {
        PacketDirection::Outgoing => "fromNamespace",
        PacketDirection::Incoming => "toNamespace",
    }
}

/// The number of pods, and the largest and smallest rate, from one query.
fn pods_and_extremes(
    scope: Scope,
    traffic: PacketDirection,
    what: &str,
    counter: &Counter,
    behind: &Behind,
    text: &'static str,
) -> [Panel; 2] {
    let (word, lower) = (traffic.word(), what.to_lowercase());
    [
        Panel::stat(
            format!("Pods with {word} {what}"),
            format!(
                "Number of pods of the {} with {} {lower} in the range.",
                scope.word(),
                word.to_lowercase()
            ),
            counter.active(traffic.label()),
        )
        .unit("locale")
        .behind(behind.clone())
        .when_empty(text),
        Panel::extremes(
            format!("{word} {what}, Max / Min"),
            format!(
                "Highest and lowest rate of {} {lower} of the {} in the range.",
                word.to_lowercase(),
                scope.word()
            ),
            counter.rate(""),
        )
        .unit("eps")
        .behind(behind.clone())
        .when_empty(text),
    ]
}

fn snapshot(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        let mut behind = scope.flows(traffic);
        behind.push(("verdict", "FORWARDED".into()));
        panels.extend(
            pods_and_extremes(
                scope,
                traffic,
                "Traffic",
                &forwarded(scope, traffic),
                &named(scope, traffic, Behind::from(behind).once()),
                empty_texts::FLOWS,
            )
            .map(|panel| panel.sized(6, 5)),
        );
    }
    for traffic in PacketDirection::BOTH {
        let behind = dropped(scope, traffic, &[]);
        panels.extend(
            pods_and_extremes(
                scope,
                traffic,
                "Drops",
                &drops(scope, traffic),
                &behind,
                empty_texts::DROPS,
            )
            .map(|panel| panel.sized(6, 5).bad_news()),
        );
    }
    panels
}

fn flows(scope: Scope) -> Vec<Panel> {
    let all = |traffic| Counter::new("hubble_flows_processed_total", &scope.hubble(traffic));
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        let points = match traffic {
            PacketDirection::Outgoing => {
                "to-stack: leaving the pod; to-network, to-overlay: leaving the node."
            }
            PacketDirection::Incoming => {
                "to-endpoint: reaching the pod; from-network, from-overlay: reaching the node."
            }
        };
        panels.push(
            Panel::lines(
                format!("{} Traffic by Trace Type", traffic.word()),
                format!("Flow records per second by observation point. {points}"),
                all(traffic).rate("type, subtype"),
                "{{type}}/{{subtype}}",
            )
            .unit("eps")
            .behind(Behind::from(scope.flows(traffic)).of("any trace type"))
            .when_empty(empty_texts::HUBBLE_FLOWS),
        );
    }
    for traffic in PacketDirection::BOTH {
        let mut behind = scope.flows(traffic);
        behind.push(("verdict", "${__field.labels.verdict}".into()));
        panels.push(
            Panel::lines(
                format!("{} Traffic by Verdict", traffic.word()),
                "Flow records per second by verdict, without policy verdicts, which would count a packet twice.",
                flows_with(scope, traffic, "").rate("verdict"),
                "{{verdict}}",
            )
            .unit("eps")
            .behind(named(scope, traffic, Behind::from(behind).once()))
            .when_empty(empty_texts::HUBBLE_FLOWS),
        );
    }
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Traffic, Top {}s", traffic.word(), traffic.pod()),
                "The ten pods with the most flow records in the range, one row each; a stronger colour means more records.",
                forwarded(scope, traffic).rate_of_top(traffic.label()),
                traffic.legend(),
            )
            .unit("eps")
            .behind(of_pod_with(traffic, "FORWARDED"))
            .when_empty(empty_texts::FLOWS),
        );
    }
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} Traffic by {}", traffic.word(), traffic.pod()),
                format!("Flow records per second, stacked by {}.", traffic.pod().to_lowercase()),
                forwarded(scope, traffic).rate(traffic.label()),
                traffic.legend(),
            )
            .unit("eps")
            .behind(of_pod_with(traffic, "FORWARDED"))
            .when_empty(empty_texts::FLOWS),
        );
    }
    panels
}

fn drop_panels(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Drops, Top {}s", traffic.word(), traffic.pod()),
                "The ten pods with the most drops in the range, one row each; a stronger colour means more drops. A refused packet counts once where hubble_flows_processed_total is scraped.",
                drops(scope, traffic).rate_of_top(traffic.label()),
                traffic.legend(),
            )
            .bad_news()
            .unit("eps")
            .behind(dropped_of_pod(traffic))
            .when_empty(empty_texts::DROPS),
        );
    }
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} Drops by {}", traffic.word(), traffic.pod()),
                format!("Drops per second, stacked, as seen on the node of the {}. A drop is either incoming or outgoing. A refused packet counts once where hubble_flows_processed_total is scraped.", traffic.pod().to_lowercase()),
                drops(scope, traffic).rate(traffic.label()),
                traffic.legend(),
            )
            .unit("eps")
            .behind(dropped_of_pod(traffic))
            .when_empty(empty_texts::DROPS),
        );
    }
    panels
}

fn flag(scope: Scope, traffic: PacketDirection, flag: &str) -> Counter {
    Counter::picked("hubble_tcp_flags_total", &scope.hubble(traffic), &format!(r#"flag="{flag}""#))
}

fn tcp(scope: Scope) -> Vec<Panel> {
    let (asked, answered) = (
        flag(scope, PacketDirection::Outgoing, "SYN"),
        flag(scope, PacketDirection::Incoming, "SYN-ACK"),
    );
    let mut syn = scope.flows(PacketDirection::Outgoing);
    syn.extend(flags("SYN"));
    // An answer has the SYN flag too.
    syn.push(("reply", "false".into()));
    let mut syn_ack = scope.flows(PacketDirection::Incoming);
    syn_ack.extend(flags("SYN"));
    syn_ack.push(("reply", "true".into()));
    let mut asked_by_pod = flag_of_pod(PacketDirection::Outgoing, "SYN");
    asked_by_pod.push(("reply", "false".into()));
    let mut panels = vec![
        Panel::lines(
            "TCP Connection Requests and Answers",
            "Packets per second that request a connection (SYN), and answers from pods (SYN-ACK). The difference was answered from outside of the cluster, requested more than once, or not answered: the metric does not name the peer, so these cannot be separated.",
            asked.rate(""),
            "asked",
        )
        .and(answered.rate(""), "answered by pods")
        .unit("eps")
        .behind(Behind::from(syn))
        .behind_query('B', named(scope, PacketDirection::Incoming, Behind::from(syn_ack)))
        .when_empty(empty_texts::TCP),
        Panel::cells(
            "TCP Connection Requests, Top Source Pods",
            "The ten pods with the most connection requests (SYN) in the range, one row each.",
            asked.rate_of_top("source"),
            "{{source}}",
        )
        .unit("eps")
        .behind(asked_by_pod)
        .when_empty(empty_texts::TCP),
    ];
    for name in ["RST", "FIN"] {
        panels.extend(flag_panels(scope, name));
    }
    panels
}

fn flag_panels(scope: Scope, name: &'static str) -> Vec<Panel> {
    let meaning = match name {
        "RST" => "RST: a connection was refused or broken off.",
        _ => "FIN: a connection ended in order.",
    };
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        let mut behind = scope.flows(traffic);
        behind.extend(flags(name));
        let packets = flag(scope, traffic, name);
        panels.extend(
            pods_and_extremes(
                scope,
                traffic,
                name,
                &packets,
                &named(scope, traffic, behind.into()),
                empty_texts::TCP,
            )
            .map(|panel| panel.sized(6, 5)),
        );
    }
    for traffic in PacketDirection::BOTH {
        let panel = Panel::cells(
            format!("{} TCP {name}, Top {}s", traffic.word(), traffic.pod()),
            format!("The ten pods with the most in the range, one row each. {meaning}"),
            flag(scope, traffic, name).rate_of_top(traffic.label()),
            traffic.legend(),
        )
        .unit("eps")
        .behind(flag_of_pod(traffic, name))
        .when_empty(empty_texts::TCP);
        panels.push(if name == "RST" { panel.bad_news() } else { panel });
    }
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} TCP {name} by {}", traffic.word(), traffic.pod()),
                format!(
                    "Packets per second, stacked by {}. {meaning}",
                    traffic.pod().to_lowercase()
                ),
                flag(scope, traffic, name).rate(traffic.label()),
                traffic.legend(),
            )
            .unit("eps")
            .behind(flag_of_pod(traffic, name))
            .when_empty(empty_texts::TCP),
        );
    }
    panels
}

fn flag_of_pod(traffic: PacketDirection, name: &str) -> Vec<FlowCondition> {
    let mut conditions =
        vec![traffic.pod_condition(), ("trafficDirection", traffic.direction().into())];
    conditions.extend(flags(name));
    conditions
}

/// Packets with a flag, as `hubble_tcp_flags_total` counts them: without dropped ones.
fn flags(name: &str) -> Vec<FlowCondition> {
    vec![
        ("tcpFlags", name.into()),
        ("verdict", "FORWARDED".into()),
        ("verdict", "REDIRECTED".into()),
    ]
}

/// Panels that the flows' metrics do not cover.
fn beyond(scope: Scope) -> Vec<Panel> {
    let verdicts = |traffic| {
        let mut behind = scope.flows(traffic);
        behind.push(("verdict", "${__field.labels.action}".into()));
        Panel::lines(
            format!("{} Policy Verdicts by Action", traffic.word()),
            "Policy verdicts per second. A new connection has one; a refused packet counts once.",
            Counter::new("hubble_policy_verdicts_total", &scope.hubble(traffic)).rate("action"),
            "{{action}}",
        )
        .sized(8, 9)
        .unit("ops")
        .behind(policy_verdicts(behind))
        .when_empty(empty_texts::VERDICTS)
    };
    let echo = |traffic, kind: &str| {
        Counter::picked("hubble_icmp_total", &scope.hubble(traffic), &format!(r#"type="{kind}""#))
    };
    let mut ping = scope.flows(PacketDirection::Outgoing);
    ping.push(("protocol", "icmp".into()));
    let mut world = scope.flows(PacketDirection::Outgoing);
    world.push(("verdict", "${__field.labels.verdict}".into()));
    world.push(("protocol", "${__field.labels.protocol}".into()));
    world.push(("toLabel", "reserved:world".into()));
    world.push(("reply", "false".into()));
    vec![
        verdicts(PacketDirection::Outgoing),
        verdicts(PacketDirection::Incoming),
        Panel::lines(
            "Lost Hubble Events",
            "Events per second that were lost before Hubble or in Hubble, by the buffer that was full. While events are lost, every count above is too low.",
            lost_events(r#"cluster=~"$cluster""#).rate("source"),
            "{{source}}",
        )
        .sized(8, 9)
        .unit("eps")
        .when_empty(empty_texts::LOST),
        Panel::lines(
            "ICMP Echo Requests and Replies",
            "Echo requests per second from pods, and replies from pods. The difference was answered from outside of the cluster, or not at all: the metric does not name the peer.",
            echo(PacketDirection::Outgoing, "EchoRequest").rate(""),
            "asked",
        )
        .and(echo(PacketDirection::Incoming, "EchoReply").rate(""), "answered by pods")
        .unit("eps")
        .behind(Behind::from(ping).of("requests and replies"))
        .when_empty(empty_texts::ICMP),
        Panel::lines(
            "Outgoing Flows to the World by Verdict",
            "Flows per second to addresses outside of the cluster, without replies.",
            Counter::new("hubble_flows_to_world_total", &scope.hubble(PacketDirection::Outgoing))
                .rate("verdict, protocol"),
            "{{verdict}} {{protocol}}",
        )
        .unit("eps")
        .behind(world)
        .when_empty(empty_texts::WORLD),
    ]
}
