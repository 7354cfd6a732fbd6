//! `Kubernetes / Networking / Flow Logs`: the flows themselves, as Hubble Relay remembers them.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::Condition;
use crate::panel::{Panel, View};
use crate::query::Query;
use crate::variable::Variable;

/// What is chosen at the top, as a filter.
fn chosen() -> Vec<Condition> {
    [
        ("cluster", "$cluster"),
        ("namespace", "$namespace"),
        ("workload", "$workload"),
        ("pod", "$pod"),
        ("verdict", "$verdict"),
        ("trafficDirection", "$direction"),
        ("protocol", "$protocol"),
        ("type", "$type"),
        ("dropReasonDesc", "$reason"),
        ("fromPod", "$source"),
        ("toPod", "$destination"),
        ("dnsQuery", "$dns"),
        ("httpStatus", "$status"),
        ("httpMethod", "$method"),
        ("tcpFlags", "$flags"),
        ("ip", "$ip"),
        ("nodeName", "$node"),
    ]
    .into_iter()
    .map(|(flag, value)| (flag, value.to_owned()))
    .collect()
}

/// The choice with some flags set otherwise.
fn chosen_but(set: &[(&'static str, &str)]) -> Vec<Condition> {
    let mut conditions = chosen();
    conditions.retain(|(flag, _)| set.iter().all(|(other, _)| other != flag));
    conditions.extend(set.iter().map(|&(flag, value)| (flag, value.to_owned())));
    conditions
}

/// The choice as a link hands it on.
fn behind(set: &[(&'static str, &str)]) -> Vec<Condition> {
    let mut conditions = chosen_but(set);
    for (_, value) in &mut conditions {
        if let Some(name) = value.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            *value = format!("${{{name}}}");
        }
    }
    conditions
}

fn counted(
    metric: &'static str,
    by: &'static [&'static str],
    format: &'static str,
    filter: Vec<Condition>,
) -> Query {
    // Bars are read one by one, lines are told apart by their shape.
    let limit = if format == "top" { 10 } else { 20 };
    Query::FlowMetrics { metric, by, format, filter, exclude: vec![], limit }
}

pub(super) fn board() -> Board {
    let text = |name, label| Variable::Text { name, label };
    Board {
        name: "flow-logs",
        title: "Flow Logs",
        description: "The flows themselves, as Hubble Relay remembers them: some minutes on a busy node. Every panel says where that memory begins.",
        needs_flows: true,
        variables: vec![
            Variable::Datasource,
            Variable::Cluster("hubble_.+"),
            Variable::Namespace,
            Variable::Workload,
            Variable::Pod,
            Variable::Custom {
                name: "verdict",
                label: "Verdict",
                values: &[
                    "FORWARDED",
                    "DROPPED",
                    "ERROR",
                    "AUDIT",
                    "REDIRECTED",
                    "TRACED",
                    "TRANSLATED",
                ],
            },
            Variable::Custom {
                name: "direction",
                label: "Direction",
                values: &["EGRESS", "INGRESS"],
            },
            Variable::Custom {
                name: "protocol",
                label: "Protocol",
                values: &["tcp", "udp", "icmp", "sctp", "dns", "http"],
            },
            Variable::Custom {
                name: "type",
                label: "Type",
                values: &["drop", "policy-verdict", "trace", "l7", "trace-sock", "capture"],
            },
            text("reason", "Drop reason"),
            text("source", "From pod"),
            text("destination", "To pod"),
            text("dns", "DNS name"),
            text("status", "HTTP status"),
            text("method", "HTTP method"),
            text("flags", "TCP flags"),
            text("ip", "Address"),
            text("node", "Node"),
        ],
        rows: vec![
            Row::new("", over_time()),
            Row::new("Who is refused", refused()),
            Row::new("Outside of the cluster", outside()),
            Row::new("Flows", flows()),
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
                counted("rate", &["verdict"], "time_series", chosen_but(&[("trafficDirection", direction)])),
            )
            .unit("eps")
            .behind(behind(&[
                ("trafficDirection", direction),
                ("verdict", "${__field.labels.verdict}"),
            ]))
            .when_empty(sentences::REMEMBERED),
        );
    }
    panels.push(
        Panel::counted(
            View::Lines,
            "Drops by reason",
            "Dropped flows per second by reason. A refused packet counts once.",
            counted(
                "rate",
                &["dropReasonDesc"],
                "time_series",
                chosen_but(&[("verdict", "DROPPED")]),
            ),
        )
        .unit("eps")
        .behind(behind(&[
            ("verdict", "DROPPED"),
            ("dropReasonDesc", "${__field.labels.dropReasonDesc}"),
        ]))
        .when_empty(sentences::REMEMBERED),
    );
    panels.push(
        Panel::counted(
            View::Lines,
            "Drop ratio by destination workload",
            "The share of the flows to a workload that is dropped, of the workloads with the most flows.",
            counted("dropRatio", &["toNamespace", "toWorkload"], "time_series", chosen()),
        )
        .unit("percentunit")
        .behind(behind(&[
            ("verdict", "DROPPED"),
            ("namespace", ""),
            ("workload", ""),
            ("pod", ""),
            ("toNamespace", "${__field.labels.toNamespace}"),
            ("toWorkload", "${__field.labels.toWorkload}"),
        ]))
        .when_empty(sentences::REMEMBERED),
    );
    panels
}

fn refused() -> Vec<Panel> {
    let of_pair: [(&'static str, &str); 7] = [
        ("verdict", "DROPPED"),
        ("namespace", ""),
        ("workload", ""),
        ("pod", ""),
        ("fromPod", "${__field.labels.fromPod}"),
        ("toPod", "${__field.labels.toPod}"),
        ("dropReasonDesc", "${__field.labels.dropReasonDesc}"),
    ];
    vec![
        Panel::counted(
            View::Bars,
            "Top drop pairs",
            "The pairs with the most dropped flows in the range. A refused packet counts once.",
            counted("count", &["fromPod", "toPod", "dropReasonDesc"], "top", chosen_but(&[("verdict", "DROPPED")])),
        )
        .sized(12, 10)
        .unit("locale")
        .bad_news()
        .behind(behind(&of_pair))
        .when_empty(sentences::REMEMBERED),
        Panel::counted(
            View::Bars,
            "Drop ratio by pair",
            "The share of the flows of a pair of workloads that is dropped, of the pairs with the most flows.",
            counted("dropRatio", &["fromWorkload", "toWorkload"], "top", chosen()),
        )
        .sized(12, 10)
        .unit("percentunit")
        .bad_news()
        .behind(behind(&[
            ("verdict", "DROPPED"),
            ("workload", ""),
            ("fromWorkload", "${__field.labels.fromWorkload}"),
            ("toWorkload", "${__field.labels.toWorkload}"),
        ]))
        .when_empty(sentences::REMEMBERED),
        Panel::counted(
            View::Bars,
            "DNS refusals",
            "The names whose queries a policy refused, by who asked. The DNS proxy answers them itself.",
            counted(
                "count",
                &["fromPod", "dnsQuery"],
                "top",
                chosen_but(&[("verdict", "DROPPED"), ("protocol", "dns")]),
            ),
        )
        .sized(12, 10)
        .unit("locale")
        .bad_news()
        .behind(behind(&[
            ("verdict", "DROPPED"),
            ("protocol", "dns"),
            ("namespace", ""),
            ("workload", ""),
            ("pod", ""),
            ("fromPod", "${__field.labels.fromPod}"),
            ("dnsQuery", "${__field.labels.dnsQuery}"),
        ]))
        .when_empty("No refused DNS queries in what Hubble remembers of this range. Hubble sees DNS only where a policy has DNS rules."),
        Panel::counted(
            View::NodeGraph,
            "Who talks to whom",
            "Workloads and their connections, coloured by verdict. Click a node or an edge for its flows.",
            Query::ServiceMap { filter: chosen() },
        )
        .sized(12, 10)
        .when_empty(sentences::REMEMBERED),
    ]
}

fn outside() -> Vec<Panel> {
    let endpoint =
        |title: &'static str, description: &'static str, verdict: &'static str, is_bad: bool| {
            let panel = Panel::counted(
                View::Bars,
                title,
                description,
                counted(
                    "count",
                    &["destination", "toIp", "toPort"],
                    "top",
                    chosen_but(&[
                        ("verdict", verdict),
                        ("toLabel", "reserved:world"),
                        ("reply", "false"),
                    ]),
                ),
            )
            .sized(12, 10)
            .unit("locale")
            .behind(behind(&[
                ("verdict", verdict),
                ("toIp", "${__field.labels.toIp}"),
                ("toPort", "${__field.labels.toPort}"),
                ("ip", ""),
                ("namespace", ""),
                ("pod", ""),
            ]))
            .when_empty(sentences::REMEMBERED);
            if is_bad { panel.bad_news() } else { panel }
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
            chosen(),
        )
        .sized(24, 16),
    ]
}
