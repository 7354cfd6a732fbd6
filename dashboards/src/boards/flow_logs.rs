//! `Kubernetes / Networking / Flow Logs`: the flows themselves, as Hubble Relay remembers them.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition};
use crate::panel::{Panel, View};
use crate::query::Query;
use crate::variable::Variable;

/// Flows of a group in a range, of which a share says anything: of two flows it is 0, 50 or 100 %.
const LEAST_FLOWS: u32 = 10;

/// The same of a piece of time, where it is compared with the next: of ten flows of which half are
/// dropped, a share is between 34 and 66 % two times out of three.
const LEAST_FLOWS_OF_A_STEP: u32 = 30;

/// What is chosen at the top, as a filter. The ad hoc filters come to it by themselves.
fn chosen(more: &[(&'static str, &str)]) -> Vec<Condition> {
    [("namespace", "$namespace"), ("workload", "$workload"), ("pod", "$pod")]
        .iter()
        .chain(more)
        .map(|&(flag, value)| (flag, value.to_owned()))
        .collect()
}

/// What a number adds to the choice.
fn behind(conditions: &[(&'static str, &str)]) -> Behind {
    let conditions: Vec<Condition> =
        conditions.iter().map(|&(flag, value)| (flag, value.to_owned())).collect();
    conditions.into()
}

/// A label of the series, in a link.
macro_rules! label {
    ($key:literal) => {
        ($key, concat!("${__field.labels.", $key, "}"))
    };
}

fn counted(
    metric: &'static str,
    by: &'static [&'static str],
    format: &'static str,
    filter: Vec<Condition>,
) -> Query {
    // Bars are read one by one, lines are told apart by their shape.
    let limit = if format == "top" { 10 } else { 20 };
    let least = match (metric, format) {
        ("dropRatio", "top") => LEAST_FLOWS,
        ("dropRatio", _) => LEAST_FLOWS_OF_A_STEP,
        _ => 0,
    };
    Query::FlowMetrics { metric, by, format, filter, limit, least }
}

pub(super) fn board() -> Board {
    Board {
        name: "flow-logs",
        title: "Flow Logs",
        description: "The flows themselves, as Hubble Relay remembers them: some minutes on a busy node. Every panel says where that memory begins.",
        needs_flows: true,
        variables: vec![
            Variable::Datasource,
            Variable::SeenNamespace,
            Variable::SeenWorkload,
            Variable::SeenPod,
            Variable::Filters,
        ],
        rows: vec![
            // A click on any number leads here: what it asks for comes first.
            Row::new("", flows()),
            Row::new("Over time", over_time()),
            Row::new("Who is refused", refused()),
            Row::new("Outside of the cluster", outside()),
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
            .when_empty(sentences::REMEMBERED),
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
        .when_empty(sentences::REMEMBERED),
    );
    panels.push(
        Panel::counted(
            View::Lines,
            "Drop ratio by destination workload",
            "The share of the flows to a workload that is dropped, seen on its own node: only there does Hubble know the workload. Of the workloads with the most flows, where 30 or more came in a step of the graph, of a minute at least.",
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
        .when_empty(sentences::REMEMBERED_ENOUGH),
    );
    panels
}

/// Both ends of a flow: a pod by its name, any other end by its identity.
const PAIR: [&str; 4] = ["fromPod", "fromIdentity", "toPod", "toIdentity"];

fn refused() -> Vec<Panel> {
    const BY_REASON: &[&str] =
        &["fromPod", "fromIdentity", "toPod", "toIdentity", "dropReasonDesc"];
    vec![
        Panel::counted(
            View::Bars,
            "Top drop pairs",
            "The pairs with the most dropped flows in the range, and why. A refused packet counts once. An end that is not a pod has its identity: world, host, kube-apiserver.",
            counted("count", BY_REASON, "top", chosen(&[("verdict", "DROPPED")])),
        )
        // Two names of pods and a reason are a long line.
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
        .when_empty(sentences::REMEMBERED),
        Panel::counted(
            View::Bars,
            "Drop ratio by pair",
            "The share of the flows between two ends that is dropped, of the pairs with the most flows, at least ten.",
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
        .when_empty(sentences::REMEMBERED_ENOUGH),
        Panel::counted(
            View::NodeGraph,
            "Who talks to whom",
            "Workloads and their connections, coloured by verdict. Click a node or an edge for its flows.",
            Query::ServiceMap { filter: chosen(&[]) },
        )
        .sized(12, 10)
        .when_empty(sentences::REMEMBERED),
        Panel::counted(
            View::Bars,
            "DNS refusals",
            "The names whose queries a policy refused, by who asked. The DNS proxy answers them itself.",
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
        .when_empty("No refused DNS queries in what Hubble remembers of this range. Hubble sees DNS only where a policy has DNS rules."),
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
            .when_empty(sentences::REMEMBERED);
            let behind = behind(&[&out[..], &[label!("toIp"), label!("toPort")]].concat());
            if is_bad { panel.bad_news().behind(behind.once()) } else { panel.behind(behind) }
        };
    vec![
        endpoint(
            "External endpoints reached",
            "Addresses outside of the cluster that flows reached, with the names that DNS gave them.",
            "FORWARDED",
            false,
        ),
        endpoint(
            "External endpoints blocked",
            "Addresses outside of the cluster that flows were kept from, with the names that DNS gave them.",
            "DROPPED",
            true,
        ),
    ]
}

fn flows() -> Vec<Panel> {
    vec![
        Panel::flows(
            "Flows",
            "Newest first. Click a row for every field, and for the policies that decided.",
            chosen(&[]),
        )
        .sized(24, 14),
    ]
}
