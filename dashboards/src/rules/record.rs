//! Recording rules, each also available as one expression for setups without recording rules.
//!
//! A rule has the same labels for every source of metrics. If Hubble's configuration names no pods,
//! or if a packet belongs to none, `namespace` is empty and the rule counts for the whole cluster.

/// A recording rule, named `level:metric:operation` by Prometheus' best practices.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordingRule {
    pub(super) name: &'static str,
    /// Labels to keep, in addition to the cluster.
    by: &'static str,
    /// Sources of the numbers; a cluster uses the first that it has.
    planes: &'static [&'static [RateSource]],
}

/// Series of one metric, with labels of their own.
#[derive(Debug, Clone, Copy)]
struct RateSource {
    metric: &'static str,
    matchers: &'static str,
    labels: &'static [Label],
}

/// A label that a piece's metric does not have.
#[derive(Debug, Clone, Copy)]
enum Label {
    /// The namespace of a pod's name in this label.
    NamespaceOf(&'static str),
    /// A fixed value.
    Is(&'static str, &'static str),
    /// The value of another label, if it exists. A matcher restricts that label.
    From(&'static str, &'static str),
}

impl RateSource {
    const fn new(metric: &'static str, matchers: &'static str, labels: &'static [Label]) -> Self {
        Self { metric, matchers, labels }
    }

    /// The rates under the rule's labels, for series that match `matcher` (which may be empty).
    fn rates(self, by: &str, matcher: &str) -> String {
        let mut matcher = matcher.to_owned();
        for label in self.labels {
            if let Label::From(name, own) = label
                && let Some(rest) = matcher.strip_prefix(name)
            {
                matcher = format!("{own}{rest}");
            }
        }
        let matchers: Vec<&str> =
            [self.matchers, &matcher].into_iter().filter(|part| !part.is_empty()).collect();
        let mut rates = format!("rate({}{{{}}}[5m])", self.metric, matchers.join(", "));
        for label in self.labels {
            let (name, value, source, regex) = match *label {
                Label::NamespaceOf(source) => ("namespace", "$1", source, "([^/]+)/.*"),
                Label::Is(name, value) => (name, value, "", ""),
                Label::From(name, source) => (name, "$1", source, "(.+)"),
            };
            rates =
                format!(r#"label_replace({rates}, "{name}", "{value}", "{source}", "{regex}")"#);
        }
        format!("sum by (cluster, {by}) ({rates})")
    }
}

/// Matchers for a pod's name `namespace/pod` in one label, in the other, or in neither.
const SOURCE: &str = r#"source=~".+/.+""#;
const DESTINATION: &str = r#"destination=~".+/.+""#;
const NEITHER: &str = r#"source!~".+/.+", destination!~".+/.+""#;

/// Drop events per second by namespace, direction, reason and protocol, averaged over 5 minutes. If
/// source and destination are named, a drop counts for both namespaces.
pub(super) const DROPS: RecordingRule = RecordingRule {
    name: "cluster_namespace_direction_reason_protocol:network_drops:rate5m",
    by: "namespace, direction, reason, protocol",
    planes: &[
        &[
            RateSource::new(
                "hubble_drop_total",
                DESTINATION,
                &[Label::NamespaceOf("destination"), Label::Is("direction", "ingress")],
            ),
            RateSource::new(
                "hubble_drop_total",
                SOURCE,
                &[Label::NamespaceOf("source"), Label::Is("direction", "egress")],
            ),
            RateSource::new("hubble_drop_total", NEITHER, &[]),
        ],
        // In local context the pod is the metric's own; in remote context it is the destination.
        &[RateSource::new(
            "networkobservability_adv_drop_count",
            "",
            &[Label::From("namespace", "destination_namespace")],
        )],
        &[RateSource::new("networkobservability_drop_count", "", &[])],
    ],
};

/// DNS queries per second by the client's namespace, without refused ones, which get no answer.
pub(super) const DNS_QUERIES: RecordingRule = RecordingRule {
    name: "cluster_namespace:dns_queries:rate5m",
    by: "namespace",
    planes: &[
        &[RateSource::new(
            "hubble_dns_queries_total",
            r#"rcode!="Policy denied""#,
            &[Label::NamespaceOf("source")],
        )],
        &[RateSource::new(
            "networkobservability_adv_dns_request_count",
            "",
            &[Label::From("namespace", "source_namespace")],
        )],
        &[RateSource::new("networkobservability_dns_request_count", "", &[])],
    ],
};

/// DNS answers per second by response code and the client's namespace. Cilium's DNS proxy reports
/// an answer in the query's direction, so its contexts name the DNS server, and the namespace is
/// known only if `labelsContext` contains it.
pub(super) const DNS_ANSWERS: RecordingRule = RecordingRule {
    name: "cluster_namespace_rcode:dns_answers:rate5m",
    by: "namespace, rcode",
    planes: &[
        &[RateSource::new(
            "hubble_dns_responses_total",
            "",
            &[Label::NamespaceOf("destination"), Label::From("namespace", "destination_namespace")],
        )],
        &[RateSource::new(
            "networkobservability_adv_dns_response_count",
            "",
            &[
                Label::From("namespace", "destination_namespace"),
                Label::From("rcode", "return_code"),
            ],
        )],
        &[RateSource::new("networkobservability_dns_response_count", "", &[])],
    ],
};

/// Packets with a TCP flag per second, by the sender's namespace. Retina in local context also
/// counts packets that a namespace receives.
pub(super) const TCP_FLAGS: RecordingRule = RecordingRule {
    name: "cluster_namespace_flag:tcp_flags:rate5m",
    by: "namespace, flag",
    planes: &[
        &[
            RateSource::new("hubble_tcp_flags_total", SOURCE, &[Label::NamespaceOf("source")]),
            RateSource::new("hubble_tcp_flags_total", NEITHER, &[]),
        ],
        &[RateSource::new(
            "networkobservability_adv_tcpflags_count",
            "",
            &[Label::From("namespace", "source_namespace")],
        )],
    ],
};

/// Every recording rule.
pub(super) const ALL: [RecordingRule; 4] = [DROPS, DNS_QUERIES, DNS_ANSWERS, TCP_FLAGS];

/// Environment of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// Beside the recording rules, whose results it reads.
    Recorded,
    /// Alone: it contains the rules' expressions.
    Alone,
}

impl RecordingRule {
    /// The rule's expression.
    pub(super) fn expr(self) -> String {
        self.restricted("")
    }

    /// The same for series that match `matcher`, a matcher of a label that the rule keeps.
    fn restricted(self, matcher: &str) -> String {
        let mut pieces = vec![];
        let mut before: Vec<&str> = vec![];
        for plane in self.planes {
            // The matcher must not affect whether a cluster has a metric.
            let elsewhere: Vec<String> =
                before.iter().map(|metric| format!(" unless on (cluster) {metric}")).collect();
            let elsewhere = elsewhere.concat();
            for piece in *plane {
                pieces.push(format!("{}{elsewhere}", piece.rates(self.by, matcher)));
            }
            before.extend(plane.first().map(|piece| piece.metric));
        }
        pieces.join("\nor ")
    }
}

impl Evaluation {
    /// The current recorded value, for series that `matcher` selects (`flag="RST"`, or empty).
    pub(super) fn now(self, record: RecordingRule, matcher: &str) -> String {
        match self {
            Self::Recorded if matcher.is_empty() => record.name.to_owned(),
            Self::Recorded => format!("{}{{{matcher}}}", record.name),
            Self::Alone => format!("({})", record.restricted(matcher)),
        }
    }

    /// The average of the recorded value over the hour that ended ten minutes ago.
    pub(super) fn hour_before(self, record: RecordingRule, matcher: &str) -> String {
        let now = self.now(record, matcher);
        match self {
            Self::Recorded => format!("avg_over_time({now}[1h] offset 10m)"),
            Self::Alone => format!("avg_over_time({now}[1h:1m] offset 10m)"),
        }
    }
}
