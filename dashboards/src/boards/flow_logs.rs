//! `Kubernetes / Networking / Flow Logs`: single flows, as far back as Hubble Relay remembers.

use super::empty_texts;
use crate::board::{Board, PanelRow};
use crate::condition::FlowCondition;
use crate::links::Behind;
use crate::panel::{Panel, View};
use crate::query::PanelQuery;
use crate::variable::Variable;

/// Minimum number of flows for a share over the range: with two flows it can only be 0, 50 or 100
/// %.
const LEAST_FLOWS: u32 = 10;

/// Minimum number of flows for a share in a step of a graph: with ten flows of which half are
/// dropped, it is between 34 and 66 % in two cases out of three.
const LEAST_FLOWS_OF_A_STEP: u32 = 30;

/// The dashboard's variables as a filter. Grafana adds the ad hoc filters itself.
fn chosen(more: &[(&'static str, &str)]) -> Vec<FlowCondition> {
    [("namespace", "$namespace"), ("workload", "$workload"), ("pod", "$pod")]
        .iter()
        .chain(more)
        .map(|&(flag, value)| (flag, value.to_owned()))
        .collect()
}

/// The filter for a click on a number: the variables, and the number's own conditions.
fn behind(conditions: &[(&'static str, &str)]) -> Behind {
    let conditions: Vec<FlowCondition> =
        conditions.iter().map(|&(flag, value)| (flag, value.to_owned())).collect();
    conditions.into()
}

/// A label of the series, for a link.
macro_rules! label {
    ($key:literal) => {
        ($key, concat!("${__field.labels.", $key, "}"))
    };
}

fn counted(
    metric: &'static str,
    by: &'static [&'static str],
    format: &'static str,
    filter: Vec<FlowCondition>,
) -> PanelQuery {
    // Bars are read one by one; lines must be distinguishable by their shape.
    let limit = if format == "top" { 10 } else { 20 };
    let least = match (metric, format) {
        ("dropRatio", "top") => LEAST_FLOWS,
        ("dropRatio", _) => LEAST_FLOWS_OF_A_STEP,
        _ => 0,
    };
    PanelQuery::FlowMetrics { metric, by, format, filter, limit, least }
}

pub(super) fn board() -> Board {
    Board {
        name: "flow-logs",
        title: "Flow Logs",
        description: "Single flows, as far back as Hubble Relay remembers: a few minutes on a busy node. Every panel says where that memory begins.",
        needs_flows: true,
        variables: vec![
            Variable::Datasource,
            Variable::SeenNamespace,
            Variable::SeenWorkload,
            Variable::SeenPod,
            Variable::Filters,
        ],
        rows: vec![
            // Links of numbers lead here, so the flows come first.
            PanelRow::new("", flows()),
            PanelRow::new("Over time", over_time()),
            PanelRow::new("Refused traffic", refused()),
            PanelRow::new("Outside of the cluster", outside()),
        ],
    }
}

fn over_time() -> Vec<Panel> {
    let mut panels = Vec::new();
    for (title, direction) in [("Egress", "EGRESS"), ("Ingress", "INGRESS")] {
        panels.push(
            Panel::counted(
                View::Stacked,
                format!("{title} flows by verdict"),
                format!("Flows per second in direction {direction}, allowed and dropped. A refused packet counts once."),
                counted("rate", &["verdict"], "time_series", chosen(&[("trafficDirection", direction)])),
            )
            .unit("eps")
            .behind(
                behind(&[("trafficDirection", direction), label!("verdict")])
                    .of("both records of a refused packet"),
            )
            .when_empty(empty_texts::REMEMBERED),
        );
    }
    panels.push(
        Panel::counted(
            View::Lines,
            "Drops by reason",
            "Dropped flows per second by reason. A refused packet counts once.",
            counted("rate", &["dropReasonDesc"], "time_series", chosen(&[("verdict", "DROPPED")])),
        )
        .unit("eps")
        .behind(behind(&[("verdict", "DROPPED"), label!("dropReasonDesc")]).once())
        .when_empty(empty_texts::REMEMBERED),
    );
    panels.push(
        Panel::counted(
            View::Lines,
            "Drop ratio by destination workload",
            "Share of dropped flows to a workload, as seen on the workload's own node, because Hubble knows the workload only there. Shows the workloads with the most flows, for steps of at least a minute with 30 or more flows.",
            counted(
                "dropRatio",
                &["toNamespace", "toWorkload"],
                "time_series",
                chosen(&[("trafficDirection", "INGRESS")]),
            ),
        )
        .unit("percentunit")
        .behind(
            behind(&[
                ("trafficDirection", "INGRESS"),
                label!("toNamespace"),
                label!("toWorkload"),
            ])
            .of("any verdict"),
        )
        .when_empty(empty_texts::REMEMBERED_ENOUGH),
    );
    panels
}

/// Source and destination of a flow: a pod by its name, any other endpoint by its identity.
const PAIR: [&str; 4] = ["fromPod", "fromIdentity", "toPod", "toIdentity"];

fn refused() -> Vec<Panel> {
    const BY_REASON: &[&str] =
        &["fromPod", "fromIdentity", "toPod", "toIdentity", "dropReasonDesc"];
    vec![
        Panel::counted(
            View::Bars,
            "Top drop pairs",
            "The pairs with the most dropped flows in the range, and the reason. A refused packet counts once. An endpoint that is not a pod is shown by its identity: world, host, kube-apiserver.",
            counted("count", BY_REASON, "top", chosen(&[("verdict", "DROPPED")])),
        )
        // Two pod names and a reason need a long line.
        .sized(24, 10)
        .unit("locale")
        .bad_news()
        .behind(behind(&[
            ("verdict", "DROPPED"),
            label!("fromPod"),
            label!("fromIdentity"),
            label!("toPod"),
            label!("toIdentity"),
            label!("dropReasonDesc"),
        ])
        .once())
        .when_empty(empty_texts::REMEMBERED),
        Panel::counted(
            View::Bars,
            "Drop ratio by pair",
            "Share of dropped flows between two endpoints, for the pairs with the most flows (at least ten).",
            counted("dropRatio", &PAIR, "top", chosen(&[])),
        )
        .sized(12, 10)
        .unit("percentunit")
        .bad_news()
        .behind(
            behind(&[
                label!("fromPod"),
                label!("fromIdentity"),
                label!("toPod"),
                label!("toIdentity"),
            ])
            .of("any verdict"),
        )
        .when_empty(empty_texts::REMEMBERED_ENOUGH),
        Panel::counted(
            View::NodeGraph,
            "Who talks to whom",
            "Workloads and their connections, coloured by verdict. Click a node or an edge for its flows.",
            PanelQuery::ServiceMap { filter: chosen(&[]) },
        )
        .sized(12, 10)
        .when_empty(empty_texts::REMEMBERED),
        Panel::counted(
            View::Bars,
            "DNS refusals",
            "DNS names whose queries a policy refused, by client. The DNS proxy answers these queries itself.",
            counted(
                "count",
                &["fromPod", "fromIdentity", "dnsQuery"],
                "top",
                chosen(&[("verdict", "DROPPED"), ("protocol", "dns")]),
            ),
        )
        .sized(24, 9)
        .unit("locale")
        .bad_news()
        .behind(behind(&[
            ("verdict", "DROPPED"),
            ("protocol", "dns"),
            label!("fromPod"),
            label!("fromIdentity"),
            label!("dnsQuery"),
        ]))
        .when_empty("Hubble remembers no refused DNS queries in this range. It sees DNS only where a policy has DNS rules."),
    ]
}

fn outside() -> Vec<Panel> {
    let endpoint =
        |title: &'static str, description: &'static str, verdict: &'static str, is_bad: bool| {
            let out: [(&'static str, &str); 3] =
                [("verdict", verdict), ("toLabel", "reserved:world"), ("reply", "false")];
            let panel = Panel::counted(
                View::Bars,
                title,
                description,
                counted("count", &["destination", "toIp", "toPort"], "top", chosen(&out)),
            )
            .sized(12, 10)
            .unit("locale")
            .when_empty(empty_texts::REMEMBERED);
            let behind = behind(&[&out[..], &[label!("toIp"), label!("toPort")]].concat());
            if is_bad { panel.bad_news().behind(behind.once()) } else { panel.behind(behind) }
        };
    vec![
        endpoint(
            "External endpoints reached",
            "Addresses outside of the cluster that flows reached, with their DNS names.",
            "FORWARDED",
            false,
        ),
        endpoint(
            "External endpoints blocked",
            "Addresses outside of the cluster that flows were blocked from, with their DNS names.",
            "DROPPED",
            true,
        ),
    ]
}

fn flows() -> Vec<Panel> {
    vec![
        Panel::flows(
            "Flows",
            "Newest first. Click a row for every field and for the policies that decided.",
            chosen(&[]),
        )
        .sized(24, 14),
    ]
}
