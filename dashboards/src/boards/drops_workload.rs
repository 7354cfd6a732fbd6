//! `Kubernetes / Networking / Drops (Workload)`: drops on the way to and from a workload, their
//! reasons, and the flows behind them.

use super::clusters::FEW_PACKETS;
use super::empty_texts;
use super::pod_flows::{dropped, dropped_of_pod, drops, lost_events, policy_verdicts};
use crate::board::{Board, PanelRow};
use crate::links::Behind;
use crate::panel::Panel;
use crate::promql::{Counter, reasons_increase, reasons_rate};
use crate::scope::{PacketDirection, Scope};
use crate::variable::Variable;

const SCOPE: Scope = Scope::Workload;

/// Note on Hubble's two records of one refusal, for panels that count them.
const COUNTED: &str = "hubble_drop_total counts a refused packet twice, as a drop and as a policy verdict. Where hubble_flows_processed_total is scraped, the verdicts are subtracted.";

pub(super) fn board() -> Board {
    Board {
        name: "drops-workload",
        title: "Drops (Workload)",
        description: "Drops on the way to and from a workload, their reasons, and the flows behind them.",
        needs_flows: false,
        variables: vec![
            Variable::Datasource,
            Variable::Cluster("hubble_drop_total|networkobservability_adv_drop_count"),
            Variable::Namespace,
            Variable::Workload,
            Variable::Pod,
        ],
        rows: vec![
            PanelRow::new("", snapshot()),
            PanelRow::new("By source and destination", pods()),
            PanelRow::new("Policy verdicts of $workload", verdicts()),
            PanelRow::new("The nodes, all workloads", nodes()),
        ],
    }
}

fn snapshot() -> Vec<Panel> {
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        let (word, direction) = (traffic.word(), traffic.word().to_lowercase());
        panels.push(
            Panel::extremes(
                format!("{word} Drops, Max / Min"),
                format!("The highest and the lowest rate of {direction} drops in the range. A refused packet counts once where hubble_flows_processed_total is scraped."),
                drops(SCOPE, traffic).rate(""),
            )
            .sized(8, 4)
            .unit("eps")
            .bad_news()
            .behind(dropped(SCOPE, traffic, &[]))
            .when_empty(empty_texts::DROPS),
        );
        panels.push(
            Panel::stat(
                format!("{word} Drops"),
                format!("{word} drops in the whole range. A refused packet counts once where hubble_flows_processed_total is scraped."),
                format!("round({})", drops(SCOPE, traffic).increase("")),
            )
            .sized(8, 4)
            .unit("locale")
            .bad_news()
            .behind(dropped(SCOPE, traffic, &[]))
            .when_empty(empty_texts::DROPS),
        );
        panels.push(
            Panel::stat(
                format!("Pods with {word} Drops"),
                format!("Number of pods with {direction} drops in the range."),
                drops(SCOPE, traffic).active(traffic.label()),
            )
            .sized(8, 4)
            .unit("locale")
            .bad_news()
            .behind(dropped(SCOPE, traffic, &[]))
            .when_empty(empty_texts::DROPS),
        );
    }
    let mut by_reason: Vec<Panel> =
        [PacketDirection::Incoming, PacketDirection::Outgoing].into_iter().map(reason).collect();
    by_reason.insert(
        1,
        Panel::flows(
            "Dropped flows",
            "The flows behind the drops, newest first, as far back as Hubble Relay remembers: a few minutes. A notice says where its memory begins. A refused packet can have two rows, a drop and a policy verdict. Click a row for every field.",
            vec![
                ("verdict", "DROPPED".into()),
                ("namespace", "$namespace".into()),
                ("workload", "$workload".into()),
                ("pod", "$pod".into()),
            ],
        )
        .sized(14, 18),
    );
    panels.extend(by_reason);
    panels
}

fn reason(traffic: PacketDirection) -> Panel {
    let (title, description) = match traffic {
        PacketDirection::Incoming => (
            "Incoming drops by reason",
            "Drops per second on the way to the workload's pods. Click a point for the flows behind it.",
        ),
        PacketDirection::Outgoing => (
            "Outgoing drops by reason",
            "Drops per second on the way from the workload's pods. A refused DNS query has no reason (DROP_REASON_UNKNOWN), because the proxy answered it. Click a point for the flows behind it.",
        ),
    };
    Panel::lines(
        title,
        format!("{description} {COUNTED}"),
        reasons_rate(SCOPE, traffic),
        "{{reason}}",
    )
    .sized(10, 9)
    .unit("eps")
    .behind(dropped(SCOPE, traffic, &[("dropReasonDesc", "${__field.labels.reason}")]))
    .when_empty(empty_texts::DROPS)
}

fn pods() -> Vec<Panel> {
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Drops, Top {}s", traffic.word(), traffic.pod()),
                "The ten pods with the most drops in the range, one row each; a stronger colour means more drops. Click a cell for the flows behind it.",
                drops(SCOPE, traffic).rate_of_top(traffic.label()),
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
                format!("Drops per second, stacked, as seen on the node of the {}. A drop is either incoming or outgoing.", traffic.pod().to_lowercase()),
                drops(SCOPE, traffic).rate(traffic.label()),
                traffic.legend(),
            )
            .unit("eps")
            .behind(dropped_of_pod(traffic))
            .when_empty(empty_texts::DROPS),
        );
    }
    panels.push(pairs());
    panels
}

/// Drops in both directions by source and destination, as far as the labels name them.
fn pairs() -> Panel {
    let of = |traffic: PacketDirection| {
        let drops = reasons_increase(SCOPE, traffic, "source, destination, protocol");
        format!(r#"label_replace({drops}, "direction", "{}", "", "")"#, traffic.direction())
    };
    // The labels stay unchanged for the links, which expect a pod's name.
    let named = |vector: String, end: &str, label: &str| {
        format!(
            r#"label_replace(label_replace({vector}, "{end}", "$1", "{label}", "(.*)"), "{end}", "not named", "{label}", "")"#
        )
    };
    let either = format!("{} or {}", of(PacketDirection::Incoming), of(PacketDirection::Outgoing));
    let named = named(named(format!("round({either}) > 0"), "from", "source"), "to", "destination");
    Panel::table(
        "Drops by source, destination and reason",
            format!("Drops in the range, the fifty largest. not named: the metric's contexts only name the pod on the node of the drop, not its peer. Click a number for the flows behind it. {COUNTED}"),
        format!("topk(50, {named})"),
        &[
            ("from", "Source"),
            ("to", "Destination"),
            ("reason", "Reason"),
            ("protocol", "Protocol"),
            ("direction", "Direction"),
            ("Value", "Drops"),
        ],
    )
    .hiding(&["source", "destination"])
    .sized(24, 9)
    .unit("locale")
    .behind(
        Behind::from(vec![
            ("verdict", "DROPPED".into()),
            ("trafficDirection", "${__data.fields.Direction}".into()),
            ("fromPod", "${__data.fields.source}".into()),
            ("toPod", "${__data.fields.destination}".into()),
            ("dropReasonDesc", "${__data.fields.Reason}".into()),
        ])
        .once()
        .of("any protocol"),
    )
    .when_empty(empty_texts::HUBBLE_DROPS)
}

fn verdicts() -> Vec<Panel> {
    let verdicts = |traffic| Counter::new("hubble_policy_verdicts_total", &SCOPE.hubble(traffic));
    PacketDirection::BOTH
        .into_iter()
        .map(|traffic| {
            let mut behind = SCOPE.flows(traffic);
            behind.push(("verdict", "${__field.labels.action}".into()));
            Panel::lines(
                format!("{} Policy Verdicts by Action and Match", traffic.word()),
                "Policy verdicts per second of the workload's pods. A refused packet counts once. none: no rule matched, and the default denied.",
                verdicts(traffic).rate("action, match"),
                "{{action}} {{match}}",
            )
            .unit("ops")
            .behind(policy_verdicts(behind).of("any match"))
            .when_empty(empty_texts::VERDICTS)
        })
        .collect()
}

fn nodes() -> Vec<Panel> {
    let chosen = r#"cluster=~"$cluster""#;
    vec![
        Panel::lines(
            "Dropped packets by reason and direction",
            "Packets per second that the nodes dropped, for all workloads, as Cilium counts them (or Retina, where Cilium does not run). Each packet counts once.",
            Counter::new("cilium_drop_count_total", chosen)
                .or("networkobservability_drop_count", chosen)
                .rate("reason, direction"),
            "{{reason}} {{direction}}",
        )
        .unit(FEW_PACKETS)
        .behind(vec![
            ("verdict", "DROPPED".into()),
            ("type", "drop".into()),
            ("cluster", "${cluster}".into()),
            ("dropReasonDesc", "${__field.labels.reason}".into()),
            ("trafficDirection", "${__field.labels.direction}".into()),
        ])
        .when_empty(empty_texts::NODE_DROPS),
        Panel::lines(
            "Lost Hubble events",
            "Events per second that were lost before Hubble or in Hubble, by the buffer that was full. While events are lost, drops can be missing above.",
            lost_events(chosen).rate("source"),
            "{{source}}",
        )
        .unit("eps")
        .when_empty(empty_texts::LOST),
    ]
}
