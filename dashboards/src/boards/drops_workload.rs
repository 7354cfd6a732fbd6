//! `Kubernetes / Networking / Drops (Workload)`: what is dropped on its way to and from a workload,
//! why, and the flows behind it.

use super::clusters::FEW_PACKETS;
use super::pod_flows::{dropped, dropped_of_pod, drops, lost_events, policy_verdicts};
use super::sentences;
use crate::board::{Board, Row};
use crate::links::Behind;
use crate::panel::Panel;
use crate::promql::{Counter, reasons_increase, reasons_rate};
use crate::scope::{Scope, Side};
use crate::variable::Variable;

const SCOPE: Scope = Scope::Workload;

/// Hubble's two records of one refusal, said where they are counted.
const COUNTED: &str = "hubble_drop_total counts a refused packet twice, as a drop and as a policy verdict; the verdicts are taken off again where hubble_flows_processed_total is scraped, which tells how many they are.";

pub(super) fn board() -> Board {
    Board {
        name: "drops-workload",
        title: "Drops (Workload)",
        description: "What is dropped on its way to and from a workload, why, and the flows behind it.",
        needs_flows: false,
        variables: vec![
            Variable::Datasource,
            Variable::Cluster("hubble_drop_total|networkobservability_adv_drop_count"),
            Variable::Namespace,
            Variable::Workload,
            Variable::Pod,
        ],
        rows: vec![
            Row::new("", snapshot()),
            Row::new("By source and destination", pods()),
            Row::new("Policy verdicts of $workload", verdicts()),
            Row::new("The nodes, all workloads", nodes()),
        ],
    }
}

fn snapshot() -> Vec<Panel> {
    let mut panels = Vec::new();
    for side in Side::BOTH {
        let (word, direction) = (side.word(), side.word().to_lowercase());
        panels.push(
            Panel::extremes(
                format!("{word} Drops, Max / Min"),
                format!("The highest and the lowest rate of {direction} drops in the range. A refused packet counts once where hubble_flows_processed_total is scraped."),
                drops(SCOPE, side).rate(""),
            )
            .sized(8, 4)
            .unit("eps")
            .bad_news()
            .behind(dropped(SCOPE, side, &[]))
            .when_empty(sentences::DROPS),
        );
        panels.push(
            Panel::stat(
                format!("{word} Drops"),
                format!("{word} drops in the whole range. A refused packet counts once where hubble_flows_processed_total is scraped."),
                format!("round({})", drops(SCOPE, side).increase("")),
            )
            .sized(8, 4)
            .unit("locale")
            .bad_news()
            .behind(dropped(SCOPE, side, &[]))
            .when_empty(sentences::DROPS),
        );
        panels.push(
            Panel::stat(
                format!("Pods with {word} Drops"),
                format!("How many pods had {direction} drops in the range."),
                drops(SCOPE, side).active(side.label()),
            )
            .sized(8, 4)
            .unit("locale")
            .bad_news()
            .behind(dropped(SCOPE, side, &[]))
            .when_empty(sentences::DROPS),
        );
    }
    let mut by_reason: Vec<Panel> =
        [Side::Incoming, Side::Outgoing].into_iter().map(reason).collect();
    by_reason.insert(
        1,
        Panel::flows(
            "Dropped flows",
            "The flows behind the drops, newest first, as Hubble Relay remembers them: some minutes, see the notice for where its memory starts. A refused packet can have two rows, a drop and a policy verdict. Click a row for every field.",
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

fn reason(side: Side) -> Panel {
    let (title, description) = match side {
        Side::Incoming => (
            "Incoming drops by reason",
            "Drops per second on the way to the workload's pods. Click a point for the flows behind it.",
        ),
        Side::Outgoing => (
            "Outgoing drops by reason",
            "Drops per second on the way from the workload's pods. A refused DNS query has no reason of its own (DROP_REASON_UNKNOWN): the proxy answered it. Click a point for the flows behind it.",
        ),
    };
    Panel::lines(title, format!("{description} {COUNTED}"), reasons_rate(SCOPE, side), "{{reason}}")
        .sized(10, 9)
        .unit("eps")
        .behind(dropped(SCOPE, side, &[("dropReasonDesc", "${__field.labels.reason}")]))
        .when_empty(sentences::DROPS)
}

fn pods() -> Vec<Panel> {
    let mut panels = Vec::new();
    for side in Side::BOTH {
        panels.push(
            Panel::cells(
                format!("{} Drops, Top {}s", side.word(), side.pod()),
                "The ten pods with the most drops in the range, a row for each, stronger in colour where there are more. Click a cell for the flows behind it.",
                drops(SCOPE, side).rate_of_top(side.label()),
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
                format!("Drops per second, stacked, seen on the node of the {}: a drop is either incoming or outgoing.", side.pod().to_lowercase()),
                drops(SCOPE, side).rate(side.label()),
                side.legend(),
            )
            .unit("eps")
            .behind(dropped_of_pod(side))
            .when_empty(sentences::DROPS),
        );
    }
    panels.push(pairs());
    panels
}

/// Drops of both sides by both ends, as far as the labels name them.
fn pairs() -> Panel {
    let of = |side: Side| {
        let drops = reasons_increase(SCOPE, side, "source, destination, protocol");
        format!(r#"label_replace({drops}, "direction", "{}", "", "")"#, side.direction())
    };
    // The labels stay as they are for the links, which take a name for a pod.
    let named = |vector: String, end: &str, label: &str| {
        format!(
            r#"label_replace(label_replace({vector}, "{end}", "$1", "{label}", "(.*)"), "{end}", "not named", "{label}", "")"#
        )
    };
    let either = format!("{} or {}", of(Side::Incoming), of(Side::Outgoing));
    let named = named(named(format!("round({either}) > 0"), "from", "source"), "to", "destination");
    Panel::table(
        "Drops by source, destination and reason",
        format!("Drops within the range, the fifty largest. not named: the metric's contexts name the pod on whose node the packet was dropped, and not the other end. Click a number for the flows behind it. {COUNTED}"),
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
    .when_empty(sentences::HUBBLE_DROPS)
}

fn verdicts() -> Vec<Panel> {
    let verdicts = |side| Counter::new("hubble_policy_verdicts_total", &SCOPE.hubble(side));
    Side::BOTH
        .into_iter()
        .map(|side| {
            let mut behind = SCOPE.flows(side);
            behind.push(("verdict", "${__field.labels.action}".into()));
            Panel::lines(
                format!("{} Policy Verdicts by Action and Match", side.word()),
                "Policy verdicts per second of the workload's pods. A refused packet counts once here. none: no rule matched, and the default denied it.",
                verdicts(side).rate("action, match"),
                "{{action}} {{match}}",
            )
            .unit("ops")
            .behind(policy_verdicts(behind).of("any match"))
            .when_empty(sentences::VERDICTS)
        })
        .collect()
}

fn nodes() -> Vec<Panel> {
    let chosen = r#"cluster=~"$cluster""#;
    vec![
        Panel::lines(
            "Dropped packets by reason and direction",
            "Packets per second that the nodes dropped, of all workloads, as Cilium counts them (or Retina, where Cilium does not run). Each packet once.",
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
        .when_empty(sentences::NODE_DROPS),
        Panel::lines(
            "Lost Hubble events",
            "Events per second that Hubble did not get to see or could not keep, by the buffer that was full. While events are lost, drops can be missing above.",
            lost_events(chosen).rate("source"),
            "{{source}}",
        )
        .unit("eps")
        .when_empty(sentences::LOST),
    ]
}
