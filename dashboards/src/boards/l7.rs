//! `Kubernetes / Networking / L7 (Namespace)` and `L7 (Workload)`: HTTP, gRPC among it, where a
//! policy makes Cilium's proxy read it.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition};
use crate::panel::Panel;
use crate::promql::{Counter, share};
use crate::scope::{Scope, Side};
use crate::variable::Variable;

/// Retina's clusters are offered, too, so that the panels can say what is missing there.
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
    let mut rows = vec![Row::new("", snapshot(scope))];
    rows.push(Row::new("Outgoing requests", side_panels(scope, Side::Outgoing)));
    rows.push(Row::new("Incoming requests", side_panels(scope, Side::Incoming)));
    rows.push(Row::new("Other protocols", others(scope)));
    Board { name, title, description, needs_flows: false, variables, rows }
}

fn requests(scope: Scope, side: Side, more: &str) -> Counter {
    scope.http("hubble_http_requests_total", side, more)
}

/// Flows of HTTP, as Hubble counts them by verdict. A request that the proxy refuses is one.
fn http_flows(scope: Scope, side: Side, more: &str) -> Counter {
    Counter::picked(
        "hubble_flows_processed_total",
        &scope.hubble(side),
        &format!(r#"{more}type="L7", protocol="HTTP""#),
    )
}

fn flows(scope: Scope, side: Side, more: &[(&'static str, &str)]) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = vec![("protocol", "http".into())];
    conditions.extend(scope.end(side));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    conditions
}

/// The flows that [`http_flows`] counts: those whose pod the contexts name.
fn counted(scope: Scope, side: Side, verdict: &str) -> Vec<Condition> {
    let mut conditions = scope.flows(side);
    conditions.extend([("protocol", "http".into()), ("verdict", verdict.into())]);
    conditions
}

/// Answers: they go back to who asked.
fn answers(scope: Scope, side: Side, more: &[(&'static str, &str)]) -> Vec<Condition> {
    let back = match side {
        Side::Outgoing => Side::Incoming,
        Side::Incoming => Side::Outgoing,
    };
    let mut conditions = flows(scope, back, more);
    conditions.push(("reply", "true".into()));
    conditions
}

fn snapshot(scope: Scope) -> Vec<Panel> {
    let mut panels = Vec::new();
    for side in Side::BOTH {
        let word = side.word();
        let all = requests(scope, side, "").rate("");
        panels.push(
            Panel::extremes(
                format!("{word} Requests, Max / Min"),
                format!(
                    "The highest and the lowest rate of {} HTTP requests in the range.",
                    word.to_lowercase()
                ),
                all.clone(),
            )
            .unit("reqps")
            .behind(answers(scope, side, &[]))
            .when_empty(sentences::HTTP)
            .sized(8, 5),
        );
        panels.push(
            Panel::extremes(
                format!("{word} Server Errors, Max / Min"),
                "The highest and the lowest share of answers with a status of 500 or more.",
                share(
                    &requests(scope, side, r#"status=~"5..""#).bare_rate(""),
                    &requests(scope, side, "").bare_rate(""),
                ),
            )
            .unit("percentunit")
            .bad_news()
            .behind(answers(scope, side, &[("httpStatus", "5+")]))
            .when_empty(sentences::HTTP)
            .sized(8, 5),
        );
        panels.push(
            Panel::stat(
                format!("{word} Dropped Requests"),
                "HTTP requests in the range that the proxy refused, because no rule allows them.",
                format!(
                    "round({})",
                    http_flows(scope, side, r#"verdict="DROPPED", "#).increase("")
                ),
            )
            .unit("locale")
            .bad_news()
            .behind(counted(scope, side, "DROPPED"))
            .when_empty(sentences::L7_FLOWS)
            .sized(8, 5),
        );
    }
    panels
}

/// Word, labels and legend of workloads: Hubble's metrics of HTTP name them wherever they name
/// anything, and pods rarely.
fn workloads(side: Side) -> (&'static str, &'static str, &'static str) {
    match side {
        Side::Outgoing => (
            "Source Workload",
            "source_namespace, source_workload",
            "{{source_namespace}}/{{source_workload}}",
        ),
        Side::Incoming => (
            "Destination Workload",
            "destination_namespace, destination_workload",
            "{{destination_namespace}}/{{destination_workload}}",
        ),
    }
}

/// Answers of a series' workload: they go back to who asked.
fn of_workload(side: Side, more: &[(&'static str, &str)]) -> Behind {
    let back: [(&'static str, &str); 2] = match side {
        Side::Outgoing => [
            ("toNamespace", "${__field.labels.source_namespace}"),
            ("toWorkload", "${__field.labels.source_workload}"),
        ],
        Side::Incoming => [
            ("fromNamespace", "${__field.labels.destination_namespace}"),
            ("fromWorkload", "${__field.labels.destination_workload}"),
        ],
    };
    let mut conditions: Vec<Condition> =
        vec![("protocol", "http".into()), ("reply", "true".into())];
    conditions.extend(back.iter().chain(more).map(|&(flag, value)| (flag, value.to_owned())));
    // Where the side that reports does not know the workload, its label is empty, and sets nothing.
    Behind::from(conditions).of("every workload where the metric names none")
}

fn side_panels(scope: Scope, side: Side) -> Vec<Panel> {
    let (word, pod) = (side.word(), side.pod());
    let (workload, by, legend) = workloads(side);
    let buckets = scope.http("hubble_http_request_duration_seconds_bucket", side, "");
    let quantile = |quantile: &str| {
        // Without requests it is NaN, which the comparison leaves out.
        format!("histogram_quantile({quantile}, {}) >= 0", buckets.bare_rate("le"))
    };
    let by_workload = |title: String, description: &str, counter: &Counter, behind: Behind| {
        Panel::cells(title, description, counter.rate_of_top(by), legend)
            .bad_news()
            .unit("reqps")
            .behind(behind)
            .when_empty(sentences::HTTP)
    };
    let denied = http_flows(scope, side, r#"verdict="DROPPED", "#);
    vec![
        Panel::lines(
            format!("{word} HTTP Flows by Verdict"),
            "Flow records of HTTP per second by verdict, requests and answers. DROPPED: the proxy refused the request.",
            http_flows(scope, side, "").rate("verdict"),
            "{{verdict}}",
        )
        .unit("eps")
        .behind(counted(scope, side, "${__field.labels.verdict}"))
        .when_empty(sentences::L7_FLOWS),
        Panel::lines(
            format!("{word} HTTP Requests by Method and Status"),
            "Requests per second by method and by the status of the answer.",
            requests(scope, side, "").rate("method, status"),
            "{{method}} {{status}}",
        )
        .unit("reqps")
        .behind(answers(scope, side, &[
            ("httpMethod", "${__field.labels.method}"),
            ("httpStatus", "${__field.labels.status}"),
        ]))
        .when_empty(sentences::HTTP),
        by_workload(
            format!("{word} HTTP 4xx, Top {workload}s"),
            "The ten workloads with the most client errors in the range, a row for each: 403 is what Cilium's proxy answers to a request that no rule allows.",
            &requests(scope, side, r#"status=~"4..""#),
            of_workload(side, &[("httpStatus", "4+")]),
        ),
        by_workload(
            format!("{word} HTTP 5xx, Top {workload}s"),
            "The ten workloads with the most server errors in the range, a row for each.",
            &requests(scope, side, r#"status=~"5..""#),
            of_workload(side, &[("httpStatus", "5+")]),
        ),
        Panel::cells(
            format!("{word} Dropped HTTP Requests, Top {pod}s"),
            "The ten pods with the most refused requests in the range, a row for each.",
            denied.rate_of_top(side.label()),
            side.legend(),
        )
        .bad_news()
        .unit("reqps")
        .behind(vec![
            ("protocol", "http".into()),
            ("verdict", "DROPPED".into()),
            ("trafficDirection", side.direction().into()),
            side.pod_condition(),
        ])
        .when_empty(sentences::L7_FLOWS),
        Panel::stacked(
            format!("{word} HTTP Requests by {workload}"),
            format!("Requests per second, stacked by {}. The workload is empty where the side that reports does not know it.", workload.to_lowercase()),
            requests(scope, side, "").rate(by),
            legend,
        )
        .unit("reqps")
        .behind(of_workload(side, &[]))
        .when_empty(sentences::HTTP),
        Panel::lines(
            format!("{word} HTTP Request Duration"),
            "Seconds from request to answer, as the proxy measures them: half, 95 % and 99 % of the requests were faster.",
            quantile("0.5"),
            "P50",
        )
        .and(quantile("0.95"), "P95")
        .and(quantile("0.99"), "P99")
        .unit("s")
        .behind(answers(scope, side, &[]))
        .when_empty(sentences::HTTP),
        Panel::histogram(
            format!("{word} HTTP Request Duration, Distribution"),
            "Requests per second by duration: a row for each bucket in seconds, darker where there are more.",
            buckets.bare_rate("le"),
        )
        .unit("reqps")
        .behind(Behind::from(answers(scope, side, &[])).of("any duration"))
        .when_empty(sentences::HTTP),
    ]
}

fn others(scope: Scope) -> Vec<Panel> {
    Side::BOTH
        .into_iter()
        .map(|side| {
            Panel::lines(
                format!("{} Requests by Protocol", side.word()),
                "Requests per second by version of HTTP. gRPC travels as HTTP/2; Hubble's metrics do not name it by itself.",
                requests(scope, side, "").rate("protocol"),
                "{{protocol}}",
            )
            .unit("reqps")
            .behind(Behind::from(flows(scope, side, &[("reply", "false")])).of("any protocol"))
            .when_empty(sentences::HTTP)
        })
        .collect()
}
