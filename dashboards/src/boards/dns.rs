//! `Kubernetes / Networking / DNS (Cluster)` and `DNS (Workload)`: queries, answers, errors, and
//! queries without an answer.

use super::empty_texts;
use crate::board::{Board, PanelRow};
use crate::condition::FlowCondition;
use crate::links::Behind;
use crate::panel::Panel;
use crate::promql::{Counter, share};
use crate::scope::{PacketDirection, Scope};
use crate::variable::Variable;

const METRICS: &str = "hubble_dns_queries_total|networkobservability_(adv_)?dns_request_count";

/// Hubble's code for an answer without an error (`pkg/hubble/metrics/dns/rcode.go`).
const NO_ERROR: &str = "No Error";

/// Retina's codes for the same, in each of its releases.
const RETINA_NO_ERROR: &str = "(?i:noerror)";

/// Matchers of answers to a namespace. Cilium's DNS proxy reports an answer in the query's
/// direction, so the contexts name the server and not the client pod; `labelsContext` names the
/// client's namespace.
const OF_NAMESPACE: &str = r#"cluster=~"$cluster", destination_namespace=~"$namespace""#;

/// Hubble's labels and Retina's names for them.
const RENAMED: &[(&str, &str)] =
    &[("qtypes", "query_type"), ("rcode", "return_code"), ("ips_returned", "num_response")];

/// Matcher of series with DNS names: without `query` in its options Hubble counts without names,
/// and so do Retina's nodes.
const NAMED: &str = r#", query!="""#;

/// Queries of pods.
fn queries(scope: Scope) -> Counter {
    queries_of(scope, "")
}

fn queries_of(scope: Scope, of: &str) -> Counter {
    let matchers = format!("{}{of}", scope.hubble(PacketDirection::Outgoing));
    retina(Counter::new("hubble_dns_queries_total", &matchers), scope, "request", of, "")
}

/// Answers, to the chosen namespaces if there are any, that match one matcher in Hubble's labels
/// or the other in Retina's.
fn responses(scope: Scope, hubble: &str, retina_: &str) -> Counter {
    responses_of(scope, "", hubble, retina_)
}

fn responses_of(scope: Scope, of: &str, hubble: &str, retina_: &str) -> Counter {
    let matchers = match scope {
        Scope::Cluster => scope.hubble(PacketDirection::Incoming),
        Scope::Namespace | Scope::Workload => OF_NAMESPACE.to_owned(),
    };
    let counter = Counter::picked("hubble_dns_responses_total", &format!("{matchers}{of}"), hubble);
    retina(counter, scope, "response", of, retina_)
}

/// Retina's counters for clusters without Hubble's: the one by pod, with names and codes, or, in
/// older releases, the one by node.
fn retina(counter: Counter, scope: Scope, what: &str, of: &str, more: &str) -> Counter {
    match scope {
        Scope::Cluster => {
            let matchers = format!("{}{of}", scope.hubble(PacketDirection::Outgoing));
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

/// Matcher of queries that a policy refused.
const REFUSED: &str = r#"rcode="Policy denied""#;

/// Queries that a policy refused. Hubble counts them as queries.
fn refused(scope: Scope) -> Counter {
    Counter::picked("hubble_dns_queries_total", &scope.hubble(PacketDirection::Outgoing), REFUSED)
}

/// The same for metrics that name the pod which sent the query.
fn refused_of_pods(scope: Scope) -> Counter {
    let matchers = match scope {
        Scope::Cluster => {
            format!(r#"{}, source=~".+/.+""#, scope.hubble(PacketDirection::Outgoing))
        }
        Scope::Namespace | Scope::Workload => scope.hubble(PacketDirection::Outgoing),
    };
    Counter::picked("hubble_dns_queries_total", &matchers, REFUSED)
}

/// The flows of queries or answers. Hubble has no filter by record type.
fn flows(scope: Scope, traffic: PacketDirection, more: &[(&'static str, &str)]) -> Behind {
    let mut conditions: Vec<FlowCondition> = vec![("protocol", "dns".into())];
    // Answers are counted by namespace.
    let of = match (scope, traffic) {
        (Scope::Workload, PacketDirection::Incoming) => Scope::Namespace,
        _ => scope,
    };
    conditions.extend(of.endpoint(traffic));
    conditions.extend(more.iter().map(|&(flag, value)| (flag, value.to_owned())));
    Behind::from(conditions).of("any type of record")
}

pub(super) fn board(scope: Scope) -> Board {
    let (name, title, description) = match scope {
        Scope::Cluster => (
            "dns-cluster",
            "DNS (Cluster)",
            "DNS of a cluster or of some nodes: queries, answers, errors, and queries without an answer.",
        ),
        _ => (
            "dns-workload",
            "DNS (Workload)",
            "DNS of a workload's pods: queries, answers, errors, and queries without an answer.",
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
            PanelRow::new("", over_time(scope)),
            PanelRow::new("Names", names(scope)),
            PanelRow::new("Pods", pods(scope)),
        ],
    }
}

/// Sentence about the answers that are counted, if these are not the chosen pods'.
fn whose(scope: Scope) -> &'static str {
    match scope {
        Scope::Workload => {
            " Covers all answers to the namespaces: Cilium's metric of answers does not name the client pod."
        }
        Scope::Cluster | Scope::Namespace => "",
    }
}

/// The same for titles.
fn of_namespace(scope: Scope) -> &'static str {
    match scope {
        Scope::Workload => " (Namespace)",
        Scope::Cluster | Scope::Namespace => "",
    }
}

/// The share of queries without an answer, by record type.
fn missing(scope: Scope) -> String {
    let answered = responses(scope, "", "").bare_rate("qtypes");
    if scope == Scope::Cluster {
        let asked = queries(scope).bare_rate("qtypes");
        return format!("clamp_min(1 - {}, 0)", share(&answered, &asked));
    }
    // Numerator and denominator must cover the same pods: those of the namespaces.
    let asked = queries(Scope::Namespace)
        .and_also(
            "hubble_dns_queries_total",
            r#"cluster=~"$cluster", source="", source_namespace=~"$namespace""#,
        )
        .bare_rate("qtypes");
    // If answers name no namespace but some are chosen, the answers cannot be assigned.
    format!(
        r#"clamp_min(1 - {}, 0) unless on () (group(hubble_dns_responses_total{{cluster=~"$cluster", destination_namespace="", destination_namespace!~"$namespace"}}))"#,
        share(&answered, &asked)
    )
}

/// Texts for an empty panel of queries, and of answers.
fn when_empty(scope: Scope) -> [&'static str; 2] {
    match scope {
        Scope::Cluster => [empty_texts::DNS; 2],
        _ => [empty_texts::DNS_OF_PODS, empty_texts::DNS_OF_NAMESPACE],
    }
}

fn over_time(scope: Scope) -> Vec<Panel> {
    let [no_question, no_answer] = when_empty(scope);
    let (out, back) = (PacketDirection::Outgoing, PacketDirection::Incoming);
    let asked = queries(scope).rate("qtypes");
    let answered = responses(scope, "", "").rate("qtypes");
    let missing = missing(scope);
    vec![
        Panel::lines(
            "DNS Requests",
            "DNS queries per second from pods, by record type.",
            asked.clone(),
            "{{qtypes}}",
        )
        .sized(8, 9)
        .unit("reqps")
        .behind(flows(scope, out, &[("reply", "false")]))
        .when_empty(no_question),
        Panel::lines(
            format!("DNS Responses{}", of_namespace(scope)),
            format!("DNS answers per second to pods, by record type.{}", whose(scope)),
            answered.clone(),
            "{{qtypes}}",
        )
        .sized(8, 9)
        .unit("reqps")
        .behind(flows(scope, back, &[("reply", "true")]))
        .when_empty(no_answer),
        Panel::lines(
            format!("Missing DNS Responses{}", of_namespace(scope)),
            format!("The share of queries without an answer, computed from rates: it rises when answers go missing, and a record type without any answer is at 100 %. Queries that a policy refused are included.{}", if scope == Scope::Workload { " Covers all pods of the namespaces: Cilium's metric of answers does not name the client pod." } else { "" }),
            missing,
            "{{qtypes}}",
        )
        .sized(8, 9)
        .unit("percentunit")
        .behind(flows(scope, out, &[("reply", "false")]).of("any type, answered or not"))
        .when_empty(no_answer),
        Panel::lines(
            format!("DNS Errors by Type{}", of_namespace(scope)),
            format!("Answers with an error per second. Non-Existent Domain is common: resolvers try a name with each search domain. Queries that a policy refused are shown as Policy denied.{}", whose(scope)),
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
            format!("Answers without an error per second, by number of addresses. 0: the name exists but has no such record.{}", whose(scope)),
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
    let (out, back) = (PacketDirection::Outgoing, PacketDirection::Incoming);
    let name = ("dnsQuery", "${__field.labels.query}");
    vec![
        Panel::lines(
            "Top DNS Queries (Requests)",
            "Queries per second for the ten most queried names in the range.",
            queries_of(scope, NAMED).rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, out, &[name, ("reply", "false")]))
        .when_empty(no_question),
        Panel::lines(
            format!("Top DNS Queries (Responses){}", of_namespace(scope)),
            format!("Answers per second for the ten names with the most answers in the range.{}", whose(scope)),
            responses_of(scope, NAMED, "", "").rate_of_top("query, qtypes"),
            "{{query}} ({{qtypes}})",
        )
        .unit("reqps")
        .behind(flows(scope, back, &[name, ("reply", "true")]))
        .when_empty(no_answer),
        Panel::table(
            format!("DNS Response Table{}", of_namespace(scope)),
            format!("Answers in the range by name, record type, result and number of addresses: the hundred most frequent. Hubble's metrics do not contain the addresses; click a number for the flows, which do.{}", whose(scope)),
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

/// Answers with an error, by the server that the metric names.
fn failed(scope: Scope) -> Counter {
    let matchers = match scope {
        Scope::Cluster => {
            format!(r#"{}, source=~".+/.+""#, scope.hubble(PacketDirection::Outgoing))
        }
        Scope::Namespace | Scope::Workload => format!(r#"{OF_NAMESPACE}, source=~".+/.+""#),
    };
    Counter::picked("hubble_dns_responses_total", &matchers, &format!(r#"rcode!="{NO_ERROR}""#))
}

fn pods(scope: Scope) -> Vec<Panel> {
    vec![
        Panel::lines(
            "DNS Servers with Errors",
            format!("Answers with an error per second, for the ten servers with the most in the range. The metric names the server, not the client pod.{}", whose(scope)),
            failed(scope).rate_of_top("source"),
            "{{source}}",
        )
        .unit("reqps")
        .behind(
            Behind::from(vec![
                ("protocol", "dns".into()),
                ("reply", "true".into()),
                PacketDirection::Outgoing.pod_condition(),
            ])
            .of("any result"),
        )
        .when_empty(empty_texts::DNS_SERVERS),
        Panel::lines(
            "Top Pods with Refused DNS Queries",
            "Queries per second that a policy refused, for the ten pods with the most in the range. The DNS proxy answers them itself, so no DNS server sees them.",
            refused_of_pods(scope).rate_of_top("source"),
            "{{source}}",
        )
        .unit("reqps")
        .behind(vec![
            ("protocol", "dns".into()),
            ("verdict", "DROPPED".into()),
            PacketDirection::Outgoing.pod_condition(),
        ])
        .when_empty(empty_texts::DNS_OF_PODS),
    ]
}
