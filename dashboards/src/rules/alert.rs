//! What is worth waking somebody for.

use super::record::{DNS_QUERIES, DNS_RESPONSES, DROPS, Evaluation, TCP_FLAGS};

/// An alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alert {
    /// Its name in Prometheus.
    pub(super) name: &'static str,
    /// Its id in Grafana.
    pub(super) uid: &'static str,
    /// Its name in Grafana.
    pub(super) title: &'static str,
    /// The series that alert.
    pub(super) expr: fn(Evaluation) -> String,
    /// How long they have to.
    pub(super) holds: &'static str,
    pub(super) severity: &'static str,
    /// Text with Prometheus' templates.
    pub(super) summary: &'static str,
    /// Text with Prometheus' templates.
    pub(super) description: &'static str,
    /// The dashboard to open.
    pub(super) dashboard: &'static str,
    /// Labels that become the dashboard's variables of the same name.
    pub(super) variables: &'static [&'static str],
}

/// How a text begins to name the value; formats follow.
pub(super) const VALUE: &str = "{{ $value";

/// Every alert.
pub(super) const ALL: [Alert; 6] = [
    Alert {
        name: "HubblePolicyDropSpike",
        uid: "k8snet-policy-drop-spike",
        title: "Policy drops rise",
        expr: policy_drop_spike,
        holds: "2m",
        severity: "warning",
        summary: "Network policies refuse more {{ $labels.direction }} traffic of `{{ $labels.namespace }}` than before",
        description: "{{ $value | humanize }} refusals per second, more than three times the average of the hour before. A policy was changed, or something new is being called. A refused packet can count twice, as a drop and as a policy verdict.",
        dashboard: "k8snet-drops-workload",
        variables: &["cluster", "namespace"],
    },
    Alert {
        name: "HubbleDnsErrors",
        uid: "k8snet-dns-errors",
        title: "DNS answers are errors",
        expr: dns_errors,
        holds: "5m",
        severity: "warning",
        summary: "{{ $value | humanizePercentage }} of the DNS answers to `{{ $labels.namespace }}` are errors",
        description: "Answers such as \"Server Failure\" or \"Query Refused\". \"Non-Existent Domain\" is not among them: a resolver that tries its search list gets it for most names.",
        dashboard: "k8snet-dns-workload",
        variables: &["cluster", "namespace"],
    },
    Alert {
        name: "HubbleDnsAnswersMissing",
        uid: "k8snet-dns-answers-missing",
        title: "DNS answers are missing",
        expr: dns_answers_missing,
        holds: "10m",
        severity: "warning",
        summary: "{{ $value | humanizePercentage }} of the DNS queries of `{{ $labels.namespace }}` get no answer",
        description: "Fewer answers than queries over 5 minutes; queries that a policy refused are not counted. Look at kube-dns and at drops on the way to it.",
        dashboard: "k8snet-dns-workload",
        variables: &["cluster", "namespace"],
    },
    Alert {
        name: "HubbleTcpResets",
        uid: "k8snet-tcp-resets",
        title: "TCP connections are reset",
        expr: tcp_resets,
        holds: "5m",
        severity: "warning",
        summary: "Pods of `{{ $labels.namespace }}` reset connections",
        description: "{{ $value | humanize }} packets with RST per second, more than half as many as connections are opened or accepted: a closed port, a process that ended, or a proxy that gives up.",
        dashboard: "k8snet-pod-flows-namespace",
        variables: &["cluster", "namespace"],
    },
    Alert {
        name: "HubbleEventsLost",
        uid: "k8snet-events-lost",
        title: "Hubble loses events",
        expr: events_lost,
        holds: "5m",
        severity: "warning",
        summary: "Hubble on `{{ $labels.instance }}` loses events ({{ $labels.source }})",
        description: "{{ $value | humanize }} events per second do not reach Hubble: flows and hubble_* metrics of this node are incomplete. perf_event_ring_buffer: the agent reads too slowly; observer_events_queue and hubble_ring_buffer: Hubble's own queue (hubble-event-queue-size) or buffer (hubble-event-buffer-capacity) is too small.",
        dashboard: "k8snet-clusters",
        variables: &["cluster"],
    },
    Alert {
        name: "HubbleNoFlows",
        uid: "k8snet-no-flows",
        title: "Hubble sees no flows",
        expr: no_flows,
        holds: "10m",
        severity: "critical",
        summary: "Hubble's metrics count no flows",
        description: "None of hubble_flows_processed_total, hubble_tcp_flags_total, hubble_dns_queries_total and hubble_drop_total grows, or none is scraped: the dashboards, and every other alert of this group, are blind.",
        dashboard: "k8snet-clusters",
        variables: &["cluster"],
    },
];

/// Refusals by a policy, at least one in five seconds. A series that is new has no hour before, and
/// `unless` keeps it.
fn policy_drop_spike(evaluation: Evaluation) -> String {
    let refused = r#"reason=~"POLICY_DENIED|POLICY_DENY""#;
    let by = "sum by (cluster, namespace, direction)";
    let now = evaluation.now(DROPS, refused);
    let before = evaluation.hour_before(DROPS, refused);
    format!("{by} ({now}) > 0.2\nunless\n{by} ({now}) <= 3 * {by} ({before})")
}

/// Errors among answers, where there are enough of them to tell: one in ten seconds.
fn dns_errors(evaluation: Evaluation) -> String {
    let by = "sum by (cluster, namespace)";
    let errors = evaluation.now(DNS_RESPONSES, r#"rcode!~"No Error|Non-Existent Domain""#);
    let all = evaluation.now(DNS_RESPONSES, "");
    format!("{by} ({errors}) / {by} ({all}) > 0.05\nand\n{by} ({all}) > 0.1")
}

/// A namespace that gets no answer at all has no series of answers: it counts as zero.
fn dns_answers_missing(evaluation: Evaluation) -> String {
    let queries = evaluation.now(DNS_QUERIES, "");
    let answers = format!("sum by (cluster, namespace) ({})", evaluation.now(DNS_RESPONSES, ""));
    format!("({queries} - ({answers} or 0 * {queries})) / {queries} > 0.2\nand\n{queries} > 0.1")
}

/// Resets beside the connections of the same namespace, whichever side opened them.
fn tcp_resets(evaluation: Evaluation) -> String {
    let by = "sum by (cluster, namespace)";
    let resets = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag="RST""#));
    let opened = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag=~"SYN|SYN-ACK""#));
    format!("{resets} > 0.5\nunless\n{resets} <= 0.5 * {opened}")
}

fn events_lost(_: Evaluation) -> String {
    "sum by (cluster, instance, source) (rate(hubble_lost_events_total[5m])) > 0".to_owned()
}

/// Each cluster by the first of these metrics that it has: Azure's managed Prometheus does not
/// scrape `hubble_flows_processed_total` by default.
fn no_flows(_: Evaluation) -> String {
    let metrics = [
        "hubble_flows_processed_total",
        "hubble_tcp_flags_total",
        "hubble_dns_queries_total",
        "hubble_drop_total",
    ];
    let rates = metrics.map(|metric| format!("sum by (cluster) (rate({metric}[10m]))"));
    let absences = metrics.map(|metric| format!("absent({metric})"));
    format!("({}) == 0\nor\n({})", rates.join(" or "), absences.join(" and "))
}
