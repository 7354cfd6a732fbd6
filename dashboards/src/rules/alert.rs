//! Alerts for conditions that need a person.

use super::record::{DNS_ANSWERS, DNS_QUERIES, DROPS, Evaluation, TCP_FLAGS};

/// An alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alert {
    /// Name in Prometheus.
    pub(super) name: &'static str,
    /// Uid in Grafana.
    pub(super) uid: &'static str,
    /// Name in Grafana.
    pub(super) title: &'static str,
    /// Expression whose series alert.
    pub(super) expr: fn(Evaluation) -> String,
    /// Time for which the condition must hold.
    pub(super) holds: &'static str,
    pub(super) severity: &'static str,
    /// Text with Prometheus' templates.
    pub(super) summary: &'static str,
    /// Text with Prometheus' templates.
    pub(super) description: &'static str,
    /// Dashboard to open.
    pub(super) dashboard: &'static str,
    /// Labels that are passed to dashboard variables of the same name.
    pub(super) variables: &'static [&'static str],
}

/// Start of the template for the value; a format may follow.
pub(super) const VALUE: &str = "{{ $value";

/// Template of the namespace, or of the cluster if the namespace is unknown. Grafana has no value
/// for a missing label, so `or` cannot choose between them.
macro_rules! whose {
    () => {
        "{{ with $labels.namespace }}{{ . }}{{ else }}{{ $labels.cluster }}{{ end }}"
    };
}

/// Every alert.
pub(super) const ALL: [Alert; 8] = [
    Alert {
        name: "HubblePolicyDropSpike",
        uid: "k8snet-policy-drop-spike",
        title: "Policy drops rise",
        expr: policy_drop_spike,
        holds: "2m",
        severity: "warning",
        summary: concat!(
            "Network policies refuse more{{ with $labels.direction }} {{ . }}{{ end }} traffic of `",
            whose!(),
            "` than before"
        ),
        description: "{{ $value | humanize }} refusals per second, more than three times the average of the hour before. A policy was changed, or something new is being called. A refused packet can count twice, as a drop and as a policy verdict; ICMP is not counted.",
        dashboard: "k8snet-drops-workload",
        variables: &["cluster", "namespace"],
    },
    Alert {
        name: "HubbleIcmpDropSpike",
        uid: "k8snet-icmp-drop-spike",
        title: "Drops of ICMP rise",
        expr: icmp_drop_spike,
        holds: "15m",
        severity: "info",
        summary: concat!(
            "Network policies refuse more{{ with $labels.direction }} {{ . }}{{ end }} ICMP of `",
            whose!(),
            "` than before"
        ),
        description: "{{ $value | humanize }} refusals per second, more than three times the average of the hour before. Restarted pods leave old addresses that others still ping, so this alert is not urgent.",
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
        summary: concat!(
            "{{ $value | humanizePercentage }} of the DNS answers to `",
            whose!(),
            "` are errors"
        ),
        description: "Answers such as \"Server Failure\" or \"Query Refused\". \"Non-Existent Domain\" is not among them: a resolver that tries its search list gets it for most names. Where answers do not name the client pod, as on Cilium, the alert covers all answers of the cluster.",
        dashboard: "k8snet-dns-cluster",
        variables: &["cluster"],
    },
    Alert {
        name: "HubbleDnsAnswersMissing",
        uid: "k8snet-dns-answers-missing",
        title: "DNS answers are missing",
        expr: dns_answers_missing,
        holds: "10m",
        severity: "warning",
        summary: concat!(
            "{{ $value | humanizePercentage }} of the DNS queries of `",
            whose!(),
            "` get no answer"
        ),
        description: "Fewer answers than queries over 5 minutes; queries that a policy refused are not counted. Where answers do not name the client pod, as on Cilium, the alert covers all queries of the cluster. Look at kube-dns and at drops on the way to it.",
        dashboard: "k8snet-dns-cluster",
        variables: &["cluster"],
    },
    Alert {
        name: "HubbleDnsNameFails",
        uid: "k8snet-dns-name-fails",
        title: "A name does not resolve",
        expr: dns_name_fails,
        holds: "10m",
        severity: "warning",
        summary: "{{ $value | humanizePercentage }} of the DNS queries for `{{ $labels.query }}` fail",
        description: "More than half of the queries for one name get no answer, or an error that is not \"Non-Existent Domain\". Queries that a policy refused are not counted.",
        dashboard: "k8snet-dns-cluster",
        variables: &["cluster"],
    },
    Alert {
        name: "HubbleTcpResets",
        uid: "k8snet-tcp-resets",
        title: "TCP connections are reset",
        expr: tcp_resets,
        holds: "5m",
        severity: "warning",
        summary: concat!("Connections of `", whose!(), "` are reset"),
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
        description: "{{ $value | humanize }} events per second do not reach Hubble, more than one in a hundred: flows and hubble_* metrics of this node are incomplete. perf_event_ring_buffer: the agent reads too slowly; observer_events_queue and hubble_ring_buffer: Hubble's own queue (hubble-event-queue-size) or buffer (hubble-event-buffer-capacity) is too small. Agents before Cilium 1.20 count 12 a minute under hubble_ring_buffer without a loss: half an event per second of them is left out.",
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
        summary: "No flows are counted{{ with $labels.cluster }} in `{{ . }}`{{ end }}",
        description: "None of the metrics that count flows and packets grows, or none is scraped: the dashboards, and every other alert of this group, are blind. They are hubble_flows_processed_total, hubble_tcp_flags_total, hubble_dns_queries_total and hubble_drop_total, or Retina's networkobservability_adv_forward_count and networkobservability_forward_count.",
        dashboard: "k8snet-clusters",
        variables: &["cluster"],
    },
];

/// Reasons of policy refusals: Hubble's, and Retina's for Azure's policies.
const REFUSED: &str = r#"reason=~"POLICY_DENIED|POLICY_DENY|(?i:iptable_rule_drop)""#;

/// Policy refusals, at least one in five seconds. ICMP is separate: there are many echo requests to
/// addresses of restarted pods, and their answers are not missed.
fn policy_drop_spike(evaluation: Evaluation) -> String {
    spike(evaluation, &format!(r#"{REFUSED}, protocol!~"ICMP.*""#))
}

fn icmp_drop_spike(evaluation: Evaluation) -> String {
    spike(evaluation, &format!(r#"{REFUSED}, protocol=~"ICMP.*""#))
}

/// More than three times as many drops as in the hour before. A new series has no previous hour,
/// and `unless` keeps it.
fn spike(evaluation: Evaluation, matchers: &str) -> String {
    let by = "sum by (cluster, namespace, direction)";
    let now = evaluation.now(DROPS, matchers);
    let before = evaluation.hour_before(DROPS, matchers);
    format!("{by} ({now}) > 0.2\nunless\n{by} ({now}) <= 3 * {by} ({before})")
}

/// Response codes that do not indicate a resolver problem, in Hubble's and Retina's spelling.
const RESOLVED: &str = "(?i:no ?error|non-existent domain|nxdomain)";

/// `part` by namespace if nearly all of a cluster's answers name one, else by cluster. `part` gets
/// the labels to keep.
fn by_whom(evaluation: Evaluation, part: impl Fn(&str) -> String) -> String {
    let all = evaluation.now(DNS_ANSWERS, "");
    let by = "sum by (cluster)";
    // A vector without labels stands for answers without a namespace.
    let named = format!("{by} ({all} unless on (namespace) vector(0))");
    let is_named = format!("on (cluster) ({named} > 0.9 * {by} ({all}))");
    format!(
        "({}\nand {is_named})\nor\n({}\nunless {is_named})",
        part("cluster, namespace"),
        part("cluster")
    )
}

/// Share of errors among answers, if there are enough answers: one in ten seconds.
fn dns_errors(evaluation: Evaluation) -> String {
    let errors = evaluation.now(DNS_ANSWERS, &format!(r#"rcode!~"{RESOLVED}|""#));
    let all = evaluation.now(DNS_ANSWERS, "");
    by_whom(evaluation, |by| {
        format!("sum by ({by}) ({errors}) / (sum by ({by}) ({all}) > 0.1) > 0.05")
    })
}

/// A client without any answer has no series of answers, which counts as zero.
fn dns_answers_missing(evaluation: Evaluation) -> String {
    let queries = evaluation.now(DNS_QUERIES, "");
    let answers = evaluation.now(DNS_ANSWERS, "");
    by_whom(evaluation, |by| {
        let (queries, answers) =
            (format!("sum by ({by}) ({queries})"), format!("sum by ({by}) ({answers})"));
        format!("1 - ({answers} or 0 * {queries}) / ({queries} > 0.1) > 0.2")
    })
}

/// Share of failing queries by name, where Hubble exports names (`dns:query`): the failures of a
/// single namespace are then visible among the cluster's queries.
fn dns_name_fails(_: Evaluation) -> String {
    let by = "sum by (cluster, query)";
    let asked = format!(
        r#"{by} (rate(hubble_dns_queries_total{{query!="", rcode!="Policy denied"}}[5m]))"#
    );
    let resolved =
        format!(r#"{by} (rate(hubble_dns_responses_total{{query!="", rcode=~"{RESOLVED}"}}[5m]))"#);
    format!("1 - ({resolved} or 0 * {asked}) / ({asked} > 0.1) > 0.5")
}

/// Resets in relation to the connections of the same namespace, opened or accepted.
fn tcp_resets(evaluation: Evaluation) -> String {
    let by = "sum by (cluster, namespace)";
    let resets = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag="RST""#));
    let opened = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag=~"SYN|SYN-?ACK""#));
    format!("{resets} > 0.5\nunless\n{resets} <= 0.5 * {opened}")
}

/// Lost events above the false counts of older agents, if they are more than one in a hundred
/// events. Without a count of flows the share is unknown, and half an event per second is enough.
fn events_lost(_: Evaluation) -> String {
    let lost = |matcher: &str| {
        format!(
            "sum by (cluster, instance, source) (rate(hubble_lost_events_total{{{matcher}}}[5m]))"
        )
    };
    let lost = format!(
        "({} > 0 or {} > 0.5)",
        lost(r#"source!="hubble_ring_buffer""#),
        lost(r#"source="hubble_ring_buffer""#)
    );
    let processed = "sum by (cluster, instance) (rate(hubble_flows_processed_total[5m]))";
    format!(
        "{lost}\n> on (cluster, instance) group_left ()\n0.01 * ({processed} + sum by (cluster, instance) {lost})\nor\n{lost} > 0.5 unless on (cluster, instance) {processed}"
    )
}

/// For each cluster, the first of these metrics that it has: Azure's managed Prometheus does not
/// scrape `hubble_flows_processed_total` by default.
fn no_flows(_: Evaluation) -> String {
    let metrics = [
        "hubble_flows_processed_total",
        "hubble_tcp_flags_total",
        "hubble_dns_queries_total",
        "hubble_drop_total",
        "networkobservability_adv_forward_count",
        "networkobservability_forward_count",
    ];
    let rates = metrics.map(|metric| format!("sum by (cluster) (rate({metric}[10m]))"));
    let absences = metrics.map(|metric| format!("absent({metric})"));
    format!("({}) == 0\nor\n({})", rates.join(" or "), absences.join(" and "))
}
