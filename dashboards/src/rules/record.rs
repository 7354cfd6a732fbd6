//! What is recorded, and the same said in one expression for those who record nothing.

/// A recording rule, named `level:metric:operation` as Prometheus' best practices have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) expr: &'static str,
}

/// Drop events per second by namespace, direction and reason, averaged over 5 minutes.
pub(super) const DROPS: Record = Record {
    name: "cluster_namespace_direction_reason:hubble_drop:rate5m",
    expr: r#"sum by (cluster, namespace, direction, reason) (
  label_replace(label_replace(
    rate(hubble_drop_total{destination=~".+/.+"}[5m]),
    "namespace", "$1", "destination", "([^/]+)/.*"), "direction", "ingress", "", "")
)
or
sum by (cluster, namespace, direction, reason) (
  label_replace(label_replace(
    rate(hubble_drop_total{source=~".+/.+"}[5m]),
    "namespace", "$1", "source", "([^/]+)/.*"), "direction", "egress", "", "")
)"#,
};

/// DNS queries per second by the namespace that asks. Refused ones are left out: no answer follows.
pub(super) const DNS_QUERIES: Record = Record {
    name: "cluster_namespace:hubble_dns_queries:rate5m",
    expr: r#"sum by (cluster, namespace) (
  label_replace(
    rate(hubble_dns_queries_total{source=~".+/.+", rcode!="Policy denied"}[5m]),
    "namespace", "$1", "source", "([^/]+)/.*")
)"#,
};

/// DNS answers per second by response code and the namespace that asked.
pub(super) const DNS_RESPONSES: Record = Record {
    name: "cluster_namespace_rcode:hubble_dns_responses:rate5m",
    expr: r#"sum by (cluster, namespace, rcode) (
  label_replace(
    rate(hubble_dns_responses_total{destination=~".+/.+"}[5m]),
    "namespace", "$1", "destination", "([^/]+)/.*")
)"#,
};

/// Packets with a TCP flag per second, by the namespace that sends them.
pub(super) const TCP_FLAGS: Record = Record {
    name: "cluster_namespace_flag:hubble_tcp_flags:rate5m",
    expr: r#"sum by (cluster, namespace, flag) (
  label_replace(
    rate(hubble_tcp_flags_total{source=~".+/.+"}[5m]),
    "namespace", "$1", "source", "([^/]+)/.*")
)"#,
};

/// Every recording rule.
pub(super) const ALL: [Record; 4] = [DROPS, DNS_QUERIES, DNS_RESPONSES, TCP_FLAGS];

/// Where an expression runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// Beside the recording rules, whose results it reads.
    Recorded,
    /// Alone: what would be recorded is asked for.
    Alone,
}

impl Evaluation {
    /// The recorded value now, of the series that `matcher` selects (`flag="RST"`, or empty).
    ///
    /// Matchers restrict labels that the recording rule leaves as they are, or makes itself.
    pub(super) fn now(self, record: Record, matcher: &str) -> String {
        match self {
            Self::Recorded if matcher.is_empty() => record.name.to_owned(),
            Self::Recorded => format!("{}{{{matcher}}}", record.name),
            Self::Alone => format!("({})", restricted(record.expr, matcher)),
        }
    }

    /// The average of the recorded value over the hour that ended ten minutes ago.
    pub(super) fn hour_before(self, record: Record, matcher: &str) -> String {
        let now = self.now(record, matcher);
        match self {
            Self::Recorded => format!("avg_over_time({now}[1h] offset 10m)"),
            Self::Alone => format!("avg_over_time({now}[1h:1m] offset 10m)"),
        }
    }
}

/// `expr` with `matcher` added to each of its selectors.
fn restricted(expr: &str, matcher: &str) -> String {
    if matcher.is_empty() {
        expr.to_owned()
    } else {
        expr.replace("}[", &format!(", {matcher}}}["))
    }
}
