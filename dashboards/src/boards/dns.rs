//! `Kubernetes / Networking / DNS (Cluster)` and `DNS (Workload)`: questions, answers, errors, and
//! questions that nobody answered.

use super::sentences;
use crate::board::{Board, Row};
use crate::links::{Behind, Condition};
use crate::panel::Panel;
use crate::promql::{Counter, share};
use crate::scope::{Scope, Side};
use crate::variable::Variable;

const METRICS: &str = "hubble_dns_queries_total|networkobservability_(adv_)?dns_request_count";

/// Hubble's word for an answer without an error (`pkg/hubble/metrics/dns/rcode.go`).
const NO_ERROR: &str = "No Error";

/// Retina's for the same, in each of its releases.
const RETINA_NO_ERROR: &str = "(?i:noerror)";

/// Answers to a namespace. Cilium's DNS proxy reports an answer in the question's direction, so that
/// the contexts name the server and not the pod that asked; `labelsContext` names its namespace.
const OF_NAMESPACE: &str = r#"cluster=~"$cluster", destination_namespace=~"$namespace""#;

/// Labels of Hubble's, and what Retina calls them.
const RENAMED: &[(&str, &str)] =
    &[("qtypes", "query_type"), ("rcode", "return_code"), ("ips_returned", "num_response")];

/// Of series that know the names: without `query` in its options, Hubble counts without them, and
/// so do Retina's nodes.
const NAMED: &str = r#", query!="""#;

/// Questions that pods asked.
fn queries(scope: Scope) -> Counter {
    queries_of(scope, "")
}

fn queries_of(scope: Scope, of: &str) -> Counter {
    let matchers = format!("{}{of}", scope.hubble(Side::Outgoing));
    retina(Counter::new("hubble_dns_queries_total", &matchers), scope, "request", of, "")
}

/// Answers that were given, to the namespaces where some are chosen: those that meet a matcher in
/// Hubble's words and the same in Retina's.
fn responses(scope: Scope, hubble: &str, retina_: &str) -> Counter {
    responses_of(scope, "", hubble, retina_)
}

fn responses_of(scope: Scope, of: &str, hubble: &str, retina_: &str) -> Counter {
    let matchers = match scope {
        Scope::Cluster => scope.hubble(Side::Incoming),
        Scope::Namespace | Scope::Workload => OF_NAMESPACE.to_owned(),
    };
    let counter = Counter::picked("hubble_dns_responses_total", &format!("{matchers}{of}"), hubble);
    retina(counter, scope, "response", of, retina_)
}

/// Retina's counters where a cluster has not Hubble's: that of pods, which knows names and codes, and
/// in older releases that of nodes.
fn retina(counter: Counter, scope: Scope, what: &str, of: &str, more: &str) -> Counter {
    match scope {
        Scope::Cluster => {
            let matchers = format!("{}{of}", scope.hubble(Side::Outgoing));
            let pods = format!("networkobservability_adv_dns_{what}_count");
            let nodes = format!("networkobservability_dns_{what}_count");
            counter
                .or_renamed(&pods, &matchers, more, RENAMED)
                .or_renamed(&nodes, &matchers, more, RENAMED)
        }
        Scope::Namespace | Scope::Workload => counter,
    }
}

fn errors(scope: Scope) -> Counter {
    responses(
        scope,
        &format!(r#"rcode!="{NO_ERROR}""#),
        &format!(r#"return_code!~"{RETINA_NO_ERROR}""#),
    )
}

fn successes(scope: Scope) -> Counter {
    responses(
        scope,
        &format!(r#"rcode="{NO_ERROR}""#),
        &format!(r#"return_code=~"{RETINA_NO_ERROR}""#),
    )
}

/// What of a question that a policy refused says so.
const REFUSED: &str = r#"rcode="Policy denied""#;

/// Questions that a policy refused. Hubble counts them among the questions.
fn refused(scope: Scope) -> Counter {
    Counter::picked("hubble_dns_queries_total", &scope.hubble(Side::Outgoing), REFUSED)
}

/// The same where the metric names the pod that asked.
fn refused_of_pods(scope: Scope) -> Counter {
    let matchers = match scope {
        Scope::Cluster => format!(r#"{}, source=~".+/.+""#, scope.hubble(Side::Outgoing)),
        Scope::Namespace | Scope::Workload => scope.hubble(Side::Outgoing),
    };
    Counter::picked("hubble_dns_queries_total", &matchers, REFUSED)
}

/// The flows of questions or answers. No filter of Hubble's knows their type of record.
fn flows(scope: Scope, side: Side, more: &[(&'static str, &str)]) -> Behind {
    let mut conditions: Vec<Condition> = vec![("protocol", "dns".into())];
    // Answers are counted by namespace.
    let of = match (scope, side) {
        (Scope::Workload, Side::Incoming) => Scope::Namespace,
        _ => scope,
    };
    conditions.extend(of.end(side));
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
            " All answers to the namespaces: Cilium's metric of answers does not name the pod that asked."
        }
        Scope::Cluster | Scope::Namespace => "",
    }
}

/// The same, behind a title.
fn of_namespace(scope: Scope) -> &'static str {
    match scope {
        Scope::Workload => " (Namespace)",
        Scope::Cluster | Scope::Namespace => "",
    }
}

/// The share of questions without an answer, by type of record.
fn missing(scope: Scope) -> String {
    let answered = responses(scope, "", "").bare_rate("qtypes");
    if scope == Scope::Cluster {
        let asked = queries(scope).bare_rate("qtypes");
        return format!("clamp_min(1 - {}, 0)", share(&answered, &asked));
    }
    // Both sides of the ratio have to be of the same pods: those of the namespaces.
    let asked = queries(Scope::Namespace)
        .and_also(
            "hubble_dns_queries_total",
            r#"cluster=~"$cluster", source="", source_namespace=~"$namespace""#,
        )
        .bare_rate("qtypes");
    // Where answers name no namespace and some are chosen, nobody can tell whose they are.
    format!(
        r#"clamp_min(1 - {}, 0) unless on () (group(hubble_dns_responses_total{{cluster=~"$cluster", destination_namespace="", destination_namespace!~"$namespace"}}))"#,
        share(&answered, &asked)
    )
}

/// What an empty panel of questions says, and one of answers.
fn when_empty(scope: Scope) -> [&'static str; 2] {
    match scope {
        Scope::Cluster => [sentences::DNS; 2],
        _ => [sentences::DNS_OF_PODS, sentences::DNS_OF_NAMESPACE],
    }
}

fn over_time(scope: Scope) -> Vec<Panel> {
    let [no_question, no_answer] = when_empty(scope);
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
        .sized(8, 9)
        .unit("reqps")
        .behind(flows(scope, out, &[("reply", "false")]))
        .when_empty(no_question),
        Panel::lines(
            format!("DNS Responses{}", of_namespace(scope)),
            format!("Answers per second that pods got, by the type of record.{}", whose(scope)),
            answered.clone(),
            "{{qtypes}}",
        )
        .sized(8, 9)
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]))
        .when_empty(no_answer),
        Panel::lines(
            format!("Missing DNS Responses{}", of_namespace(scope)),
            format!("The share of questions that got no answer, out of rates: it moves when it happens, and a question type without any answer is at 100 %. Questions that a policy refused are among them.{}", if scope == Scope::Workload { " Of all pods of the namespaces: Cilium's metric of answers does not name the pod that asked." } else { "" }),
            missing,
            "{{qtypes}}",
        )
        .sized(8, 9)
        .unit("percentunit")
        .behind(flows(scope, out, &[("reply", "false")]).of("any type, answered or not"))
        .when_empty(no_answer),
        Panel::lines(
            format!("DNS Errors by Type{}", of_namespace(scope)),
            format!("Answers per second that say that something is wrong. Non-Existent Domain is common: names are tried with each search domain. Queries that a policy refused stand under Policy denied.{}", whose(scope)),
            errors(scope).rate_beside("rcode, qtypes", &refused(scope)),
            "{{rcode}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]).of("any type and result"))
        .and(refused(scope).bare_rate("rcode, qtypes"), "{{rcode}} ({{qtypes}})")
        .behind_query('B', flows(scope, out, &[("verdict", "DROPPED")]))
        .when_empty(no_answer),
        Panel::lines(
            format!("DNS Response IPs Returned{}", of_namespace(scope)),
            format!("Answers per second without an error, by how many addresses they hold. 0 for a name that exists but has no such record.{}", whose(scope)),
            successes(scope).rate("ips_returned"),
            "{{ips_returned}}",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]).of("any number of addresses"))
        .when_empty(no_answer),
    ]
}

fn names(scope: Scope) -> Vec<Panel> {
    let [no_question, no_answer] = when_empty(scope);
    let (out, back) = (Side::Outgoing, Side::Incoming);
    let name = ("dnsQuery", "${__field.labels.query}");
    vec![
        Panel::lines(
            "Top DNS Queries (Requests)",
            "Questions per second for the ten names asked for most in the range.",
            queries_of(scope, NAMED).rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, out, &[name, ("reply", "false")]))
        .when_empty(no_question),
        Panel::lines(
            format!("Top DNS Queries (Responses){}", of_namespace(scope)),
            format!("Answers per second for the ten names answered most in the range.{}", whose(scope)),
            responses_of(scope, NAMED, "", "").rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[name, ("reply", "true")]))
        .when_empty(no_answer),
        Panel::table(
            format!("DNS Response Table{}", of_namespace(scope)),
            format!("Answers in the range by name, type of record, result and number of addresses, the hundred most frequent. Hubble's metrics do not hold the addresses themselves: click a number for the flows, which do.{}", whose(scope)),
            format!(
                "topk(100, round({}) > 0)",
                responses_of(scope, NAMED, "", "")
                    .increase("query, qtypes, rcode, ips_returned")
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
        .when_empty(no_answer),
    ]
}

/// Answers with an error, whose server the metric names.
fn failed(scope: Scope) -> Counter {
    let matchers = match scope {
        Scope::Cluster => format!(r#"{}, source=~".+/.+""#, scope.hubble(Side::Outgoing)),
        Scope::Namespace | Scope::Workload => format!(r#"{OF_NAMESPACE}, source=~".+/.+""#),
    };
    Counter::picked("hubble_dns_responses_total", &matchers, &format!(r#"rcode!="{NO_ERROR}""#))
}

fn pods(scope: Scope) -> Vec<Panel> {
    vec![
        Panel::lines(
            "DNS Servers with Errors",
            format!("Answers with an error per second, of the ten servers that gave most of them in the range. The metric names the server and not the pod that asked.{}", whose(scope)),
            failed(scope).rate_of_top("source"),
            "{{source}}",
        )
        .unit("reqps")
        .behind(
            Behind::from(vec![
                ("protocol", "dns".into()),
                ("reply", "true".into()),
                Side::Outgoing.pod_condition(),
            ])
            .of("any result"),
        )
        .when_empty(sentences::DNS_SERVERS),
        Panel::lines(
            "Top Pods with Refused DNS Queries",
            "Questions per second that a policy refused, of the ten pods that asked most of them in the range. The DNS proxy answers them itself, so no DNS server ever saw them.",
            refused_of_pods(scope).rate_of_top("source"),
            "{{source}}",
        )
        .unit("reqps")
        .behind(vec![
            ("protocol", "dns".into()),
            ("verdict", "DROPPED".into()),
            Side::Outgoing.pod_condition(),
        ])
        .when_empty(sentences::DNS_OF_PODS),
    ]
}
