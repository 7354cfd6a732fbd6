//! `Kubernetes / Networking / Pod Flows (Namespace)` and `Pod Flows (Workload)`: what pods send and
//! get, what of it is dropped, and connections that are not answered, reset and ended.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition, Next};
use crate::panel::Panel;
use crate::promql::{Counter, forwarded_by_retina};
use crate::scope::{Scope, Side};
use crate::variable::Variable;

/// Flows by verdict, less the policy verdicts: they tell the same of a packet that its drop or
/// its trace tells, and would count it again.
fn flows_with(scope: Scope, side: Side, more: &str) -> Counter {
    Counter::picked(
        "hubble_flows_processed_total",
        &scope.hubble(side),
        &format!(r#"{more}type!="PolicyVerdict""#),
    )
}

fn forwarded(scope: Scope, side: Side) -> Counter {
    flows_with(scope, side, r#"verdict="FORWARDED", "#).or_retina(
        "networkobservability_adv_forward_count",
        scope,
        side,
    )
}

/// Drops, each refused packet once; where `hubble_flows_processed_total` is not scraped, events.
/// Retina has no series of what it never dropped: what it forwards tells that its count is zero.
pub(super) fn drops(scope: Scope, side: Side) -> Counter {
    flows_with(scope, side, r#"verdict="DROPPED", "#)
        .or("hubble_drop_total", &scope.hubble(side))
        .or_retina("networkobservability_adv_drop_count", scope, side)
        .zero_where(forwarded_by_retina(scope, side))
}

/// The flows of drops on one side.
pub(super) fn dropped(scope: Scope, side: Side, more: &[(&'static str, &str)]) -> Behind {
    let mut conditions: Vec<Condition> = vec![("verdict", "DROPPED".into())];
    conditions.extend(scope.flows(side));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    Behind::from(conditions).once()
}

/// The flows of the drops of the series' pod.
pub(super) fn dropped_of_pod(side: Side) -> Behind {
    of_pod_with(side, "DROPPED")
}

/// Flows of what reaches a workload, which a node names only where its own pods are: an answer that
/// the other node counts as incoming has the pod alone.
fn named(scope: Scope, side: Side, behind: Behind) -> Behind {
    if scope == Scope::Workload && side == Side::Incoming {
        return behind.of("records that name the workload");
    }
    behind
}

/// The flows of the series' pod with a verdict.
fn of_pod_with(side: Side, verdict: &str) -> Behind {
    Behind::from(vec![
        ("verdict", verdict.into()),
        ("trafficDirection", side.direction().into()),
        side.pod_condition(),
    ])
    .once()
}

/// What policies decided, as `hubble_policy_verdicts_total` counts it: requests and answers of layer 7
/// are among it.
pub(super) fn policy_verdicts(mut conditions: Vec<Condition>) -> Behind {
    conditions.push(("type", "policy-verdict".into()));
    conditions.push(("type", "l7".into()));
    let mut behind = Behind::from(conditions);
    // The host may always reach its own pods: Cilium does not count that.
    // Source: pkg/hubble/metrics/policy, `handler.go`.
    behind.exclude.push(("fromIdentity", "host".into()));
    behind
}

/// Events that Hubble lost. Cilium has no series before the first is: where flows are counted, that is
/// none.
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
            "What a workload's pods send and get: traffic, drops, and TCP connections.",
        ),
        _ => (
            "pod-flows-namespace",
            "Pod Flows (Namespace)",
            "What the pods of a namespace send and get: traffic, drops, and TCP connections.",
        ),
    };
    let mut variables = vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Namespace];
    let mut rows = vec![];
    if scope == Scope::Workload {
        variables.extend([Variable::Workload, Variable::Pod]);
        rows.push(Row::new("Workload Snapshot ($workload)", snapshot(scope)));
    } else {
        rows.push(Row::new("Top Namespaces", top_namespaces()));
        rows.push(Row::new("Namespace Snapshot ($namespace)", snapshot(scope)));
    }
    let [flow_row, drop_row, tcp_row] = match scope {
        Scope::Workload => {
            ["Flows (for $workload)", "Drops (for $workload)", "TCP (for $workload)"]
        }
        _ => ["Flows (in $namespace)", "Drops (in $namespace)", "TCP (in $namespace)"],
    };
    rows.push(Row::new(flow_row, flows(scope)));
    rows.push(Row::new(drop_row, drop_panels(scope)));
    rows.push(Row::new(tcp_row, tcp(scope)));
    rows.push(Row::new("Beyond flows", beyond(scope)));
    Board { name, title, description, needs_flows: false, variables, rows }
}

/// All namespaces of the cluster, so that the next one to look at can be found.
fn top_namespaces() -> Vec<Panel> {
    let mut panels = Vec::new();
    for (dropped, what) in [(false, "Traffic"), (true, "Drops")] {
        for side in Side::BOTH {
            let label = side.label();
            let pods = format!(r#"cluster=~"$cluster", {label}=~".+/.+""#);
            let (metric, title) = if dropped {
                (
                    Counter::picked(
                        "hubble_flows_processed_total",
                        &pods,
                        r#"verdict="DROPPED", type!="PolicyVerdict""#,
                    )
                    .or("hubble_drop_total", &pods),
                    format!("Top Namespaces with {} {what}", side.word()),
                )
            } else {
                (
                    Counter::picked(
                        "hubble_flows_processed_total",
                        &pods,
                        r#"verdict="FORWARDED", type!="PolicyVerdict""#,
                    ),
                    format!("Top {} Namespaces ({} {what})", end(side), side.word()),
                )
            };
            let by_namespace = format!(
                r#"topk(10, round(sum by (namespace) (label_replace({}, "namespace", "$1", "{label}", "([^/]+)/.+"))) > 0)"#,
                metric.increase(label)
            );
            let (description, sentence) = if dropped {
                (
                    format!(
                        "Drops of the namespaces' pods in the range, {}. A drop is either incoming or outgoing.",
                        side.word().to_lowercase()
                    ),
                    sentences::HUBBLE_DROPS,
                )
            } else {
                (
                    format!(
                        "Flow records of the namespaces' pods in the range, {}. A packet has one at each point where it is observed.",
                        side.word().to_lowercase()
                    ),
                    sentences::HUBBLE_FLOWS,
                )
            };
            let mut behind: Vec<Condition> = vec![
                ("trafficDirection", side.direction().into()),
                (namespace_flag(side), "${__field.labels.namespace}".into()),
            ];
            behind.push(("verdict", if dropped { "DROPPED" } else { "FORWARDED" }.into()));
            let mut panel = Panel::bars(title, description, by_namespace, "{{namespace}}")
                .sized(12, 9)
                .unit("locale")
                .behind(Behind::from(behind).once())
                .when_empty(sentence);
            if dropped {
                panel = panel.bad_news().next(Next {
                    title: "Drops of this namespace's workloads",
                    board: "drops-workload",
                    variables: vec![
                        ("cluster", "${cluster}"),
                        ("namespace", "${__field.labels.namespace}"),
                    ],
                });
            } else {
                panel = panel.next(Next {
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

fn end(side: Side) -> &'static str {
    match side {
        Side::Outgoing => "Source",
        Side::Incoming => "Destination",
    }
}

fn namespace_flag(side: Side) -> &'static str {
    match side {
        Side::Outgoing => "fromNamespace",
        Side::Incoming => "toNamespace",
    }
}

/// How many pods, and the largest and smallest rate, which one query answers.
fn pods_and_extremes(
    scope: Scope,
    side: Side,
    what: &str,
    counter: &Counter,
    behind: &Behind,
    sentence: &'static str,
) -> [Panel; 2] {
    let (word, lower) = (side.word(), what.to_lowercase());
    [
        Panel::stat(
            format!("Pods with {word} {what}"),
            format!(
                "How many pods of the {} had {} {lower} in the range.",
                scope.word(),
                word.to_lowercase()
            ),
            counter.active(side.label()),
        )
        .unit("locale")
        .behind(behind.clone())
        .when_empty(sentence),
        Panel::extremes(
            format!("{word} {what}, Max / Min"),
            format!(
                "The highest and the lowest rate of {} {lower} of the {} in the range.",
                word.to_lowercase(),
                scope.word()
            ),
            counter.rate(""),
        )
        .unit("eps")
        .behind(behind.clone())
        .when_empty(sentence),
    ]
}

fn snapshot(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for side in Side::BOTH {
        let mut behind = scope.flows(side);
        behind.push(("verdict", "FORWARDED".into()));
        panels.extend(
            pods_and_extremes(
                scope,
                side,
                "Traffic",
                &forwarded(scope, side),
                &named(scope, side, Behind::from(behind).once()),
                sentences::FLOWS,
            )
            .map(|panel| panel.sized(6, 5)),
        );
    }
    for side in Side::BOTH {
        let behind = dropped(scope, side, &[]);
        panels.extend(
            pods_and_extremes(scope, side, "Drops", &drops(scope, side), &behind, sentences::DROPS)
                .map(|panel| panel.sized(6, 5).bad_news()),
        );
    }
    panels
}

fn flows(scope: Scope) -> Vec<Panel> {
    let all = |side| Counter::new("hubble_flows_processed_total", &scope.hubble(side));
    let mut panels = Vec::new();
    for side in Side::BOTH {
        let points = match side {
            Side::Outgoing => {
                "to-stack: leaving the pod; to-network, to-overlay: leaving the node."
            }
            Side::Incoming => {
                "to-endpoint: reaching the pod; from-network, from-overlay: reaching the node."
            }
        };
        panels.push(
            Panel::lines(
                format!("{} Traffic by Trace Type", side.word()),
                format!("Flow records per second by where they were made. {points}"),
                all(side).rate("type, subtype"),
                "{{type}}/{{subtype}}",
            )
            .unit("eps")
            .behind(Behind::from(scope.flows(side)).of("any trace type"))
            .when_empty(sentences::HUBBLE_FLOWS),
        );
    }
    for side in Side::BOTH {
        let mut behind = scope.flows(side);
        behind.push(("verdict", "${__field.labels.verdict}".into()));
        panels.push(
            Panel::lines(
                format!("{} Traffic by Verdict", side.word()),
                "Flow records per second by verdict, policy verdicts left out: they would count a packet again.",
                flows_with(scope, side, "").rate("verdict"),
                "{{verdict}}",
            )
            .unit("eps")
            .behind(named(scope, side, Behind::from(behind).once()))
            .when_empty(sentences::HUBBLE_FLOWS),
        );
    }
    for side in Side::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Traffic, Top {}s", side.word(), side.pod()),
                "The ten pods with the most flow records in the range, a row for each, stronger in colour where there are more.",
                forwarded(scope, side).rate_of_top(side.label()),
                side.legend(),
            )
            .unit("eps")
            .behind(of_pod_with(side, "FORWARDED"))
            .when_empty(sentences::FLOWS),
        );
    }
    for side in Side::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} Traffic by {}", side.word(), side.pod()),
                format!("Flow records per second, stacked by {}.", side.pod().to_lowercase()),
                forwarded(scope, side).rate(side.label()),
                side.legend(),
            )
            .unit("eps")
            .behind(of_pod_with(side, "FORWARDED"))
            .when_empty(sentences::FLOWS),
        );
    }
    panels
}

fn drop_panels(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for side in Side::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Drops, Top {}s", side.word(), side.pod()),
                "The ten pods with the most drops in the range, a row for each, stronger in colour where there are more. A refused packet counts once where hubble_flows_processed_total is scraped.",
                drops(scope, side).rate_of_top(side.label()),
                side.legend(),
            )
            .bad_news()
            .unit("eps")
            .behind(dropped_of_pod(side))
            .when_empty(sentences::DROPS),
        );
    }
    for side in Side::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} Drops by {}", side.word(), side.pod()),
                format!("Drops per second, stacked, seen on the node of the {}: a drop is either incoming or outgoing. A refused packet counts once where hubble_flows_processed_total is scraped.", side.pod().to_lowercase()),
                drops(scope, side).rate(side.label()),
                side.legend(),
            )
            .unit("eps")
            .behind(dropped_of_pod(side))
            .when_empty(sentences::DROPS),
        );
    }
    panels
}

fn flag(scope: Scope, side: Side, flag: &str) -> Counter {
    Counter::picked("hubble_tcp_flags_total", &scope.hubble(side), &format!(r#"flag="{flag}""#))
}

fn tcp(scope: Scope) -> Vec<Panel> {
    let (asked, answered) =
        (flag(scope, Side::Outgoing, "SYN"), flag(scope, Side::Incoming, "SYN-ACK"));
    let mut syn = scope.flows(Side::Outgoing);
    syn.extend(flags("SYN"));
    // An answer has the flag, too.
    syn.push(("reply", "false".into()));
    let mut syn_ack = scope.flows(Side::Incoming);
    syn_ack.extend(flags("SYN"));
    syn_ack.push(("reply", "true".into()));
    let mut asked_by_pod = flag_of_pod(Side::Outgoing, "SYN");
    asked_by_pod.push(("reply", "false".into()));
    let mut panels = vec![
        Panel::lines(
            "TCP Connections, Asked and Answered",
            "Packets per second that ask for a connection (SYN), and answers from pods (SYN-ACK). The rest was answered from outside of the cluster, was asked more than once, or was not answered at all: the metric does not name the other end, so that nobody can tell which.",
            asked.rate(""),
            "asked",
        )
        .and(answered.rate(""), "answered by pods")
        .unit("eps")
        .behind(Behind::from(syn))
        .behind_query('B', named(scope, Side::Incoming, Behind::from(syn_ack)))
        .when_empty(sentences::TCP),
        Panel::cells(
            "TCP Connections Asked, Top Source Pods",
            "The ten pods that ask for most connections (SYN) in the range, a row for each.",
            asked.rate_of_top("source"),
            "{{source}}",
        )
        .unit("eps")
        .behind(asked_by_pod)
        .when_empty(sentences::TCP),
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
    for side in Side::BOTH {
        let mut behind = scope.flows(side);
        behind.extend(flags(name));
        let packets = flag(scope, side, name);
        panels.extend(
            pods_and_extremes(
                scope,
                side,
                name,
                &packets,
                &named(scope, side, behind.into()),
                sentences::TCP,
            )
            .map(|panel| panel.sized(6, 5)),
        );
    }
    for side in Side::BOTH {
        let panel = Panel::cells(
            format!("{} TCP {name}, Top {}s", side.word(), side.pod()),
            format!("The ten pods with the most in the range, a row for each. {meaning}"),
            flag(scope, side, name).rate_of_top(side.label()),
            side.legend(),
        )
        .unit("eps")
        .behind(flag_of_pod(side, name))
        .when_empty(sentences::TCP);
        panels.push(if name == "RST" { panel.bad_news() } else { panel });
    }
    for side in Side::BOTH {
        panels.push(
            Panel::stacked(
                format!("{} TCP {name} by {}", side.word(), side.pod()),
                format!("Packets per second, stacked by {}. {meaning}", side.pod().to_lowercase()),
                flag(scope, side, name).rate(side.label()),
                side.legend(),
            )
            .unit("eps")
            .behind(flag_of_pod(side, name))
            .when_empty(sentences::TCP),
        );
    }
    panels
}

fn flag_of_pod(side: Side, name: &str) -> Vec<Condition> {
    let mut conditions = vec![side.pod_condition(), ("trafficDirection", side.direction().into())];
    conditions.extend(flags(name));
    conditions
}

/// Packets with a flag, as `hubble_tcp_flags_total` counts them: not the dropped ones.
fn flags(name: &str) -> Vec<Condition> {
    vec![
        ("tcpFlags", name.into()),
        ("verdict", "FORWARDED".into()),
        ("verdict", "REDIRECTED".into()),
    ]
}

/// What the flows' metrics do not tell.
fn beyond(scope: Scope) -> Vec<Panel> {
    let verdicts = |side| {
        let mut behind = scope.flows(side);
        behind.push(("verdict", "${__field.labels.action}".into()));
        Panel::lines(
            format!("{} Policy Verdicts by Action", side.word()),
            "Policy verdicts per second. A new connection is one; a refused packet counts once.",
            Counter::new("hubble_policy_verdicts_total", &scope.hubble(side)).rate("action"),
            "{{action}}",
        )
        .sized(8, 9)
        .unit("ops")
        .behind(policy_verdicts(behind))
        .when_empty(sentences::VERDICTS)
    };
    let echo = |side, kind: &str| {
        Counter::picked("hubble_icmp_total", &scope.hubble(side), &format!(r#"type="{kind}""#))
    };
    let mut ping = scope.flows(Side::Outgoing);
    ping.push(("protocol", "icmp".into()));
    let mut world = scope.flows(Side::Outgoing);
    world.push(("verdict", "${__field.labels.verdict}".into()));
    world.push(("protocol", "${__field.labels.protocol}".into()));
    world.push(("toLabel", "reserved:world".into()));
    world.push(("reply", "false".into()));
    vec![
        verdicts(Side::Outgoing),
        verdicts(Side::Incoming),
        Panel::lines(
            "Lost Hubble Events",
            "Events per second that Hubble did not get to see or could not keep, by the buffer that was full. While events are lost, every count above is too low.",
            lost_events(r#"cluster=~"$cluster""#).rate("source"),
            "{{source}}",
        )
        .sized(8, 9)
        .unit("eps")
        .when_empty(sentences::LOST),
        Panel::lines(
            "ICMP Echo, Asked and Answered",
            "Pings per second that left the pods, and replies from pods. The rest was answered from outside of the cluster, or not at all: the metric does not name the other end.",
            echo(Side::Outgoing, "EchoRequest").rate(""),
            "asked",
        )
        .and(echo(Side::Incoming, "EchoReply").rate(""), "answered by pods")
        .unit("eps")
        .behind(Behind::from(ping).of("requests and replies"))
        .when_empty(sentences::ICMP),
        Panel::lines(
            "Outgoing Flows to the World by Verdict",
            "Flows per second to addresses outside of the cluster, replies left out.",
            Counter::new("hubble_flows_to_world_total", &scope.hubble(Side::Outgoing))
                .rate("verdict, protocol"),
            "{{verdict}} {{protocol}}",
        )
        .unit("eps")
        .behind(world)
        .when_empty(sentences::WORLD),
    ]
}
