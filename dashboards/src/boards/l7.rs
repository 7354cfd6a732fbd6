//! `Kubernetes / Networking / L7 (Namespace)` and `L7 (Workload)`: HTTP, including gRPC, where a
//! policy makes Cilium's proxy read it.

use super::empty_texts;
use crate::board::{Board, PanelRow};
use crate::condition::FlowCondition;
use crate::links::Behind;
use crate::panel::Panel;
use crate::promql::{Counter, share};
use crate::scope::{PacketDirection, Scope};
use crate::variable::Variable;

/// Includes Retina's clusters, so that the panels can say what is missing there.
const METRICS: &str =
    "hubble_http_requests_total|hubble_flows_processed_total|networkobservability_forward_count";

pub(super) fn board(scope: Scope) -> Board {
    let (name, title, description) = match scope {
        Scope::Workload => (
            "l7-workload",
            "L7 (Workload)",
            "HTTP and gRPC of a workload: requests, verdicts, errors and durations.",
        ),
        _ => (
            "l7-namespace",
            "L7 (Namespace)",
            "HTTP and gRPC of a namespace: requests, verdicts, errors and durations.",
        ),
    };
    let mut variables = vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Namespace];
    if scope == Scope::Workload {
        variables.extend([Variable::Workload, Variable::Pod]);
    }
    let mut rows = vec![PanelRow::new("", snapshot(scope))];
    rows.push(PanelRow::new("Outgoing requests", side_panels(scope, PacketDirection::Outgoing)));
    rows.push(PanelRow::new("Incoming requests", side_panels(scope, PacketDirection::Incoming)));
    rows.push(PanelRow::new("Other protocols", others(scope)));
    Board { name, title, description, needs_flows: false, variables, rows }
}

fn requests(scope: Scope, traffic: PacketDirection, more: &str) -> Counter {
    Counter::http("hubble_http_requests_total", scope, traffic, more)
}

/// Flows of HTTP, as Hubble counts them by verdict; a request that the proxy refuses is included.
fn http_flows(scope: Scope, traffic: PacketDirection, more: &str) -> Counter {
    Counter::picked(
        "hubble_flows_processed_total",
        &scope.hubble(traffic),
        &format!(r#"{more}type="L7", protocol="HTTP""#),
    )
}

fn flows(
    scope: Scope,
    traffic: PacketDirection,
    more: &[(&'static str, &str)],
) -> Vec<FlowCondition> {
    let mut conditions: Vec<FlowCondition> = vec![("protocol", "http".into())];
    conditions.extend(scope.endpoint(traffic));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    conditions
}

/// The flows that [`http_flows`] counts: those whose pod the contexts name.
fn counted(scope: Scope, traffic: PacketDirection, verdict: &str) -> Vec<FlowCondition> {
    let mut conditions = scope.flows(traffic);
    conditions.extend([("protocol", "http".into()), ("verdict", verdict.into())]);
    conditions
}

/// Answers, which go back to the client.
fn answers(
    scope: Scope,
    traffic: PacketDirection,
    more: &[(&'static str, &str)],
) -> Vec<FlowCondition> {
    let back = match traffic {
        PacketDirection::Outgoing => PacketDirection::Incoming,
        PacketDirection::Incoming => PacketDirection::Outgoing,
    };
    let mut conditions = flows(scope, back, more);
    conditions.push(("reply", "true".into()));
    conditions
}

fn snapshot(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for traffic in PacketDirection::BOTH {
        let word = traffic.word();
        let all = requests(scope, traffic, "").rate("");
        panels.push(
            Panel::extremes(
                format!("{word} Requests, Max / Min"),
                format!(
                    "Highest and lowest rate of {} HTTP requests in the range.",
                    word.to_lowercase()
                ),
                all.clone(),
            )
            .unit("reqps")
            .behind(answers(scope, traffic, &[]))
            .when_empty(empty_texts::HTTP)
            .sized(8, 5),
        );
        panels.push(
            Panel::extremes(
                format!("{word} Server Errors, Max / Min"),
                "Highest and lowest share of answers with a status of 500 or more.",
                share(
                    &requests(scope, traffic, r#"status=~"5..""#).bare_rate(""),
                    &requests(scope, traffic, "").bare_rate(""),
                ),
            )
            .unit("percentunit")
            .bad_news()
            .behind(answers(scope, traffic, &[("httpStatus", "5+")]))
            .when_empty(empty_texts::HTTP)
            .sized(8, 5),
        );
        panels.push(
            Panel::stat(
                format!("{word} Dropped Requests"),
                "HTTP requests in the range that the proxy refused because no rule allows them.",
                format!(
                    "round({})",
                    http_flows(scope, traffic, r#"verdict="DROPPED", "#).increase("")
                ),
            )
            .unit("locale")
            .bad_news()
            .behind(counted(scope, traffic, "DROPPED"))
            .when_empty(empty_texts::L7_FLOWS)
            .sized(8, 5),
        );
    }
    panels
}

/// Title word, labels and legend for workloads. Hubble's HTTP metrics name a workload wherever they
/// name anything, but rarely a pod.
fn workloads(traffic: PacketDirection) -> (&'static str, &'static str, &'static str) {
    match traffic {
        PacketDirection::Outgoing => (
            "Source Workload",
            "source_namespace, source_workload",
            "{{source_namespace}}/{{source_workload}}",
        ),
        PacketDirection::Incoming => (
            "Destination Workload",
            "destination_namespace, destination_workload",
            "{{destination_namespace}}/{{destination_workload}}",
        ),
    }
}

/// Answers to a series' workload, which go back to the client.
fn of_workload(traffic: PacketDirection, more: &[(&'static str, &str)]) -> Behind {
    let back: [(&'static str, &str); 2] = match traffic {
        PacketDirection::Outgoing => [
            ("toNamespace", "${__field.labels.source_namespace}"),
            ("toWorkload", "${__field.labels.source_workload}"),
        ],
        PacketDirection::Incoming => [
            ("fromNamespace", "${__field.labels.destination_namespace}"),
            ("fromWorkload", "${__field.labels.destination_workload}"),
        ],
    };
    let mut conditions: Vec<FlowCondition> =
        vec![("protocol", "http".into()), ("reply", "true".into())];
    conditions.extend(back.iter().chain(more).map(|&(flag, value)| (flag, value.to_owned())));
    // The label is empty, and sets nothing, if the reporting endpoint does not know the workload.
    Behind::from(conditions).of("every workload where the metric names none")
}

fn side_panels(scope: Scope, traffic: PacketDirection) -> Vec<Panel> {
    let (word, pod) = (traffic.word(), traffic.pod());
    let (workload, by, legend) = workloads(traffic);
    let buckets = Counter::http("hubble_http_request_duration_seconds_bucket", scope, traffic, "");
    let quantile = |quantile: &str| {
        // Without requests the value is NaN, which the comparison removes.
        format!("histogram_quantile({quantile}, {}) >= 0", buckets.bare_rate("le"))
    };
    let by_workload = |title: String, description: &str, counter: &Counter, behind: Behind| {
        Panel::cells(title, description, counter.rate_of_top(by), legend)
            .bad_news()
            .unit("reqps")
            .behind(behind)
            .when_empty(empty_texts::HTTP)
    };
    let denied = http_flows(scope, traffic, r#"verdict="DROPPED", "#);
    vec![
        Panel::lines(
            format!("{word} HTTP Flows by Verdict"),
            "HTTP flow records per second by verdict, requests and answers. DROPPED: the proxy refused the request.",
            http_flows(scope, traffic, "").rate("verdict"),
            "{{verdict}}",
        )
        .unit("eps")
        .behind(counted(scope, traffic, "${__field.labels.verdict}"))
        .when_empty(empty_texts::L7_FLOWS),
        Panel::lines(
            format!("{word} HTTP Requests by Method and Status"),
            "Requests per second by method and status of the answer.",
            requests(scope, traffic, "").rate("method, status"),
            "{{method}} {{status}}",
        )
        .unit("reqps")
        .behind(answers(scope, traffic, &[
            ("httpMethod", "${__field.labels.method}"),
            ("httpStatus", "${__field.labels.status}"),
        ]))
        .when_empty(empty_texts::HTTP),
        by_workload(
            format!("{word} HTTP 4xx, Top {workload}s"),
            "The ten workloads with the most client errors in the range, one row each. Cilium's proxy answers 403 to a request that no rule allows.",
            &requests(scope, traffic, r#"status=~"4..""#),
            of_workload(traffic, &[("httpStatus", "4+")]),
        ),
        by_workload(
            format!("{word} HTTP 5xx, Top {workload}s"),
            "The ten workloads with the most server errors in the range, one row each.",
            &requests(scope, traffic, r#"status=~"5..""#),
            of_workload(traffic, &[("httpStatus", "5+")]),
        ),
        Panel::cells(
            format!("{word} Dropped HTTP Requests, Top {pod}s"),
            "The ten pods with the most refused requests in the range, one row each.",
            denied.rate_of_top(traffic.label()),
            traffic.legend(),
        )
        .bad_news()
        .unit("reqps")
        .behind(vec![
            ("protocol", "http".into()),
            ("verdict", "DROPPED".into()),
            ("trafficDirection", traffic.direction().into()),
            traffic.pod_condition(),
        ])
        .when_empty(empty_texts::L7_FLOWS),
        Panel::stacked(
            format!("{word} HTTP Requests by {workload}"),
            format!("Requests per second, stacked by {}. The workload is empty where the reporting endpoint does not know it.", workload.to_lowercase()),
            requests(scope, traffic, "").rate(by),
            legend,
        )
        .unit("reqps")
        .behind(of_workload(traffic, &[]))
        .when_empty(empty_texts::HTTP),
        Panel::lines(
            format!("{word} HTTP Request Duration"),
            "Time from request to answer in seconds, measured by the proxy: 50 %, 95 % and 99 % of the requests were faster.",
            quantile("0.5"),
            "P50",
        )
        .and(quantile("0.95"), "P95")
        .and(quantile("0.99"), "P99")
        .unit("s")
        .behind(answers(scope, traffic, &[]))
        .when_empty(empty_texts::HTTP),
        Panel::histogram(
            format!("{word} HTTP Request Duration, Distribution"),
            "Requests per second by duration: one row for each bucket in seconds; darker means more requests.",
            buckets.bare_rate("le"),
        )
        .unit("reqps")
        .behind(Behind::from(answers(scope, traffic, &[])).of("any duration"))
        .when_empty(empty_texts::HTTP),
    ]
}

fn others(scope: Scope) -> Vec<Panel> {
    PacketDirection::BOTH
        .into_iter()
        .map(|traffic| {
            Panel::lines(
                format!("{} Requests by Protocol", traffic.word()),
                "Requests per second by version of HTTP. gRPC uses HTTP/2; Hubble's metrics do not show it separately.",
                requests(scope, traffic, "").rate("protocol"),
                "{{protocol}}",
            )
            .unit("reqps")
            .behind(Behind::from(flows(scope, traffic, &[("reply", "false")])).of("any protocol"))
            .when_empty(empty_texts::HTTP)
        })
        .collect()
}
