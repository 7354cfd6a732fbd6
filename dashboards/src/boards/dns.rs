//! `Kubernetes / Networking / DNS (Cluster)` and `DNS (Workload)`: questions, answers, errors, and
//! questions that nobody answered.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition};
use crate::panel::Panel;
use crate::promql::{Counter, share};
use crate::scope::{Scope, Side};
use crate::variable::Variable;

const METRICS: &str = "hubble_dns_queries_total|networkobservability_dns_request_count";

/// Hubble's word for an answer without an error (`pkg/hubble/metrics/dns/rcode.go`).
const NO_ERROR: &str = "No Error";

/// Retina's for the same.
const RETINA_NO_ERROR: &str = "NoError|noerror";

/// Answers to a namespace whose pods the metric does not name.
const OF_NAMESPACE: &str =
    r#"cluster=~"$cluster", destination="", destination_namespace=~"$namespace""#;

/// Labels of Hubble's, and what Retina calls them.
const RENAMED: &[(&str, &str)] =
    &[("qtypes", "query_type"), ("rcode", "return_code"), ("ips_returned", "num_response")];

/// Questions that pods asked.
fn queries(scope: Scope) -> Counter {
    let matchers = scope.hubble(Side::Outgoing);
    let counter = Counter::new("hubble_dns_queries_total", &matchers);
    retina(counter, scope, "networkobservability_dns_request_count", &matchers)
}

/// Answers that pods got, those that meet a matcher in Hubble's words and the same in Retina's.
fn responses(scope: Scope, hubble: &str, retina_: &str) -> Counter {
    let matchers = scope.hubble(Side::Incoming);
    let mut counter = Counter::new("hubble_dns_responses_total", &format!("{matchers}{hubble}"));
    if scope == Scope::Workload {
        // Cilium's DNS proxy reports answers in the question's direction, so that the contexts
        // name the server and not the pod; the namespace of the pod is known all the same.
        counter = counter.or("hubble_dns_responses_total", &format!("{OF_NAMESPACE}{hubble}"));
    }
    let matchers = format!("{matchers}{retina_}");
    retina(counter, scope, "networkobservability_dns_response_count", &matchers)
}

/// Retina's counter where a cluster has not Hubble's. It knows no pods.
fn retina(counter: Counter, scope: Scope, metric: &str, matchers: &str) -> Counter {
    match scope {
        Scope::Cluster => counter.or_renamed(metric, matchers, RENAMED),
        Scope::Namespace | Scope::Workload => counter,
    }
}

fn errors(scope: Scope) -> Counter {
    responses(
        scope,
        &format!(r#", rcode!="{NO_ERROR}""#),
        &format!(r#", return_code!~"{RETINA_NO_ERROR}""#),
    )
}

fn successes(scope: Scope) -> Counter {
    responses(
        scope,
        &format!(r#", rcode="{NO_ERROR}""#),
        &format!(r#", return_code=~"{RETINA_NO_ERROR}""#),
    )
}

/// Questions that a policy refused. Hubble counts them among the questions.
fn refused(scope: Scope) -> Counter {
    let matchers = scope.hubble(Side::Outgoing);
    Counter::new("hubble_dns_queries_total", &format!(r#"{matchers}, rcode="Policy denied""#))
}

/// The flows of questions or answers. No filter of Hubble's knows their type of record.
fn flows(scope: Scope, side: Side, more: &[(&'static str, &str)]) -> Behind {
    let mut conditions: Vec<Condition> = vec![("protocol", "dns".into())];
    conditions.extend(scope.end(side));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    Behind::from(conditions).of("any type of record")
}

pub(super) fn board(scope: Scope) -> Board {
    let (name, title, description) = match scope {
        Scope::Cluster => (
            "dns-cluster",
            "DNS (Cluster)",
            "DNS of a cluster or of some nodes: questions, answers, errors, and questions without an answer.",
        ),
        _ => (
            "dns-workload",
            "DNS (Workload)",
            "DNS of a workload's pods: questions, answers, errors, and questions without an answer.",
        ),
    };
    let variables = match scope {
        Scope::Cluster => {
            vec![Variable::Datasource, Variable::Cluster(METRICS), Variable::Node(METRICS)]
        }
        _ => vec![
            Variable::Datasource,
            Variable::Cluster(METRICS),
            Variable::Namespace,
            Variable::Workload,
            Variable::Pod,
        ],
    };
    Board {
        name,
        title,
        description,
        needs_flows: false,
        variables,
        rows: vec![
            Row::new("", over_time(scope)),
            Row::new("Names", names(scope)),
            Row::new("Pods", pods(scope)),
        ],
    }
}

/// What answers are counted, where that is not what was chosen.
fn whose(scope: Scope) -> &'static str {
    match scope {
        Scope::Workload => {
            " On Cilium the metric of answers does not name the pod: then it is all answers to the namespaces."
        }
        Scope::Cluster | Scope::Namespace => "",
    }
}

/// The share of questions without an answer, by type of record.
fn missing(scope: Scope) -> String {
    if scope == Scope::Cluster {
        let (asked, answered) = (queries(scope), responses(scope, "", ""));
        return format!(
            "clamp_min(1 - ({}), 0)",
            share(&answered.rate("qtypes"), &asked.rate("qtypes"))
        );
    }
    // Both sides of the ratio have to be of the same pods: those of the namespaces.
    let asked = Counter::new("hubble_dns_queries_total", &Scope::Namespace.hubble(Side::Outgoing));
    let answered =
        Counter::new("hubble_dns_responses_total", &Scope::Namespace.hubble(Side::Incoming))
            .or("hubble_dns_responses_total", OF_NAMESPACE);
    // Where the answers name neither a pod nor a namespace, nobody can tell whose they are.
    format!(
        r#"clamp_min(1 - ({}), 0) unless on () (count(hubble_dns_responses_total{{cluster=~"$cluster", destination="", destination_namespace=""}}) > 0)"#,
        share(&answered.rate("qtypes"), &asked.rate("qtypes"))
    )
}

fn over_time(scope: Scope) -> Vec<Panel> {
    let (out, back) = (Side::Outgoing, Side::Incoming);
    let asked = queries(scope).rate("qtypes");
    let answered = responses(scope, "", "").rate("qtypes");
    let missing = missing(scope);
    vec![
        Panel::lines(
            "DNS Requests",
            "Questions per second that pods asked, by the type of record.",
            asked.clone(),
            "{{qtypes}}",
        )
        .sized(8, 8)
        .unit("reqps")
        .behind(flows(scope, out, &[("reply", "false")]))
        .when_empty(sentences::DNS),
        Panel::lines(
            "DNS Responses",
            format!("Answers per second that pods got, by the type of record.{}", whose(scope)),
            answered.clone(),
            "{{qtypes}}",
        )
        .sized(8, 8)
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]))
        .when_empty(sentences::DNS),
        Panel::lines(
            "DNS Requests Missing Response",
            format!("The share of questions that got no answer, out of rates: it moves when it happens, and a question type without any answer is at 100 %. Questions that a policy refused are among them.{}", if scope == Scope::Workload { " Of all pods of the namespaces: Cilium's metric of answers does not name the pod." } else { "" }),
            missing,
            "{{qtypes}}",
        )
        .sized(8, 8)
        .unit("percentunit")
        .behind(flows(scope, out, &[("reply", "false")]).of("any type, answered or not"))
        .when_empty(sentences::DNS),
        Panel::lines(
            "DNS Errors by Type",
            format!("Answers per second that say that something is wrong. Non-Existent Domain is common: names are tried with each search domain. Queries that a policy refused stand under Policy denied.{}", whose(scope)),
            errors(scope).rate("rcode, qtypes"),
            "{{rcode}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]).of("any type and result"))
        .and(refused(scope).rate("rcode, qtypes"), "{{rcode}} ({{qtypes}})")
        .behind_query('B', flows(scope, out, &[("verdict", "DROPPED")]))
        .when_empty(sentences::DNS),
        Panel::lines(
            "DNS Response IPs Returned",
            format!("Answers per second without an error, by how many addresses they hold. 0 for a name that exists but has no such record.{}", whose(scope)),
            successes(scope).rate("ips_returned"),
            "{{ips_returned}}",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]).of("any number of addresses"))
        .when_empty(sentences::DNS),
    ]
}

fn names(scope: Scope) -> Vec<Panel> {
    let (out, back) = (Side::Outgoing, Side::Incoming);
    let name = ("dnsQuery", "${__field.labels.query}");
    vec![
        Panel::lines(
            "Top DNS Queries (Requests)",
            "Questions per second for the ten names asked for most in the range.",
            queries(scope).rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, out, &[name, ("reply", "false")]))
        .when_empty(sentences::DNS),
        Panel::lines(
            "Top DNS Queries (Responses)",
            format!("Answers per second for the ten names answered most in the range.{}", whose(scope)),
            responses(scope, "", "").rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[name, ("reply", "true")]))
        .when_empty(sentences::DNS),
        Panel::table(
            "DNS Response Table",
            format!("Answers in the range by name, type of record, result and number of addresses, the hundred most frequent. Hubble's metrics do not hold the addresses themselves: click a number for the flows, which do.{}", whose(scope)),
            format!(
                "topk(100, round({}) > 0)",
                responses(scope, "", "").increase("query, qtypes, rcode, ips_returned")
            ),
            &[
                ("query", "Name"),
                ("qtypes", "Type"),
                ("rcode", "Result"),
                ("ips_returned", "Addresses"),
                ("Value", "Answers"),
            ],
        )
        .sized(24, 9)
        .unit("locale")
        .behind(flows(
            scope,
            back,
            &[("dnsQuery", "${__data.fields.Name}"), ("reply", "true")],
        ).of("any type and result"))
        .when_empty(sentences::DNS),
    ]
}

fn pods(scope: Scope) -> Vec<Panel> {
    // Where the answers do not name their pod, the servers that gave them are left.
    let failed = format!(r#"rcode!="{NO_ERROR}""#);
    let failed = Counter::new(
        "hubble_dns_responses_total",
        &format!(r#"{failed}, destination=~".+/.+", {}"#, scope.hubble(Side::Incoming)),
    )
    .or(
        "hubble_dns_responses_total",
        &match scope {
            Scope::Workload => format!("{failed}, {OF_NAMESPACE}"),
            _ => format!(r#"{failed}, destination="", {}"#, scope.hubble(Side::Incoming)),
        },
    );
    vec![
        Panel::lines(
            "Top Pods with DNS Errors",
            "Answers with an error per second, of the ten pods that got most of them in the range. Where the metric does not name the pod that asked, as on Cilium, the server that answered is shown.",
            failed.rate_of_top("destination, source"),
            "{{destination}} {{source}}",
        )
        .unit("reqps")
        .behind(
            Behind::from(vec![
                ("protocol", "dns".into()),
                ("reply", "true".into()),
                Side::Incoming.pod_condition(),
                Side::Outgoing.pod_condition(),
            ])
            .of("any result"),
        )
        .when_empty(sentences::DNS),
        Panel::lines(
            "Top Pods with Refused DNS Queries",
            "Questions per second that a policy refused, of the ten pods that asked most of them in the range. The DNS proxy answers them itself, so no DNS server ever saw them.",
            refused(scope).rate_of_top("source"),
            "{{source}}",
        )
        .unit("reqps")
        .behind(vec![
            ("protocol", "dns".into()),
            ("verdict", "DROPPED".into()),
            Side::Outgoing.pod_condition(),
        ])
        .when_empty(sentences::DNS),
    ]
}
