//! What is worth waking somebody for.

use super::record::{DNS_ANSWERS, DNS_QUERIES, DROPS, Evaluation, TCP_FLAGS};

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

/// The namespace, where it is known, else the cluster. Grafana has no value for a label that is not
/// there, so that `or` cannot choose between them.
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
        description: "{{ $value | humanize }} refusals per second, more than three times the average of the hour before. Pods that restart leave addresses behind that others still ping: nobody has to be woken.",
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
        description: "Answers such as \"Server Failure\" or \"Query Refused\". \"Non-Existent Domain\" is not among them: a resolver that tries its search list gets it for most names. Where answers do not name the pod that asked, as on Cilium, it is all answers of the cluster.",
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
        description: "Fewer answers than queries over 5 minutes; queries that a policy refused are not counted. Where answers do not name the pod that asked, as on Cilium, it is all queries of the cluster. Look at kube-dns and at drops on the way to it.",
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

/// Reasons of refusals by a policy: Hubble's, and what Retina sees of Azure's policies.
const REFUSED: &str = r#"reason=~"POLICY_DENIED|POLICY_DENY|(?i:iptable_rule_drop)""#;

/// Refusals by a policy, at least one in five seconds. ICMP apart: echo requests to addresses of
/// pods that restarted are many, and nobody misses their answers.
fn policy_drop_spike(evaluation: Evaluation) -> String {
    spike(evaluation, &format!(r#"{REFUSED}, protocol!~"ICMP.*""#))
}

fn icmp_drop_spike(evaluation: Evaluation) -> String {
    spike(evaluation, &format!(r#"{REFUSED}, protocol=~"ICMP.*""#))
}

/// More than three times as many drops as in the hour before. A series that is new has no hour
/// before, and `unless` keeps it.
fn spike(evaluation: Evaluation, matchers: &str) -> String {
    let by = "sum by (cluster, namespace, direction)";
    let now = evaluation.now(DROPS, matchers);
    let before = evaluation.hour_before(DROPS, matchers);
    format!("{by} ({now}) > 0.2\nunless\n{by} ({now}) <= 3 * {by} ({before})")
}

/// Codes that say that nothing is wrong with the resolver, in Hubble's words and in Retina's.
const RESOLVED: &str = "(?i:no ?error|non-existent domain|nxdomain)";

/// What `part` says of DNS by namespace, where nearly all of a cluster's answers name theirs, else
/// by cluster. `part` is made of the labels to keep.
fn by_whom(evaluation: Evaluation, part: impl Fn(&str) -> String) -> String {
    let all = evaluation.now(DNS_ANSWERS, "");
    let by = "sum by (cluster)";
    // A vector without labels is what has no namespace.
    let named = format!("{by} ({all} unless on (namespace) vector(0))");
    let is_named = format!("on (cluster) ({named} > 0.9 * {by} ({all}))");
    format!(
        "({}\nand {is_named})\nor\n({}\nunless {is_named})",
        part("cluster, namespace"),
        part("cluster")
    )
}

/// Errors among answers, where there are enough of them to tell: one in ten seconds.
fn dns_errors(evaluation: Evaluation) -> String {
    let errors = evaluation.now(DNS_ANSWERS, &format!(r#"rcode!~"{RESOLVED}|""#));
    let all = evaluation.now(DNS_ANSWERS, "");
    by_whom(evaluation, |by| {
        format!("sum by ({by}) ({errors}) / (sum by ({by}) ({all}) > 0.1) > 0.05")
    })
}

/// Who gets no answer at all has no series of answers: it counts as zero.
fn dns_answers_missing(evaluation: Evaluation) -> String {
    let queries = evaluation.now(DNS_QUERIES, "");
    let answers = evaluation.now(DNS_ANSWERS, "");
    by_whom(evaluation, |by| {
        let (queries, answers) =
            (format!("sum by ({by}) ({queries})"), format!("sum by ({by}) ({answers})"));
        format!("1 - ({answers} or 0 * {queries}) / ({queries} > 0.1) > 0.2")
    })
}

/// Queries and answers both hold the name, where Hubble is asked for it (`dns:query`): what one
/// namespace alone asks for is not lost among the cluster's queries.
fn dns_name_fails(_: Evaluation) -> String {
    let by = "sum by (cluster, query)";
    let asked = format!(
        r#"{by} (rate(hubble_dns_queries_total{{query!="", rcode!="Policy denied"}}[5m]))"#
    );
    let resolved =
        format!(r#"{by} (rate(hubble_dns_responses_total{{query!="", rcode=~"{RESOLVED}"}}[5m]))"#);
    format!("1 - ({resolved} or 0 * {asked}) / ({asked} > 0.1) > 0.5")
}

/// Resets beside the connections of the same namespace, whichever side opened them.
fn tcp_resets(evaluation: Evaluation) -> String {
    let by = "sum by (cluster, namespace)";
    let resets = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag="RST""#));
    let opened = format!("{by} ({})", evaluation.now(TCP_FLAGS, r#"flag=~"SYN|SYN-?ACK""#));
    format!("{resets} > 0.5\nunless\n{resets} <= 0.5 * {opened}")
}

/// Lost events above what older agents count falsely, where they are more than one in a hundred of
/// what there was. Without a count of flows that share cannot be told, and half an event per second
/// is enough.
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

/// Each cluster by the first of these metrics that it has: Azure's managed Prometheus does not
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
