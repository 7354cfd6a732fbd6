//! What is recorded, and the same said in one expression for those who record nothing.
//!
//! A rule has the same labels wherever its cluster's metrics come from. Where the configuration of
//! Hubble's metrics names no pods, or where a packet is of none, `namespace` is empty: the rule
//! counts for the whole cluster.

/// A recording rule, named `level:metric:operation` as Prometheus' best practices have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) name: &'static str,
    /// Labels that are kept, beside the cluster.
    by: &'static str,
    /// Where the numbers come from; a cluster takes them from the first that it has.
    planes: &'static [&'static [Piece]],
}

/// Series of one metric, counted under labels of their own.
#[derive(Debug, Clone, Copy)]
struct Piece {
    metric: &'static str,
    matchers: &'static str,
    labels: &'static [Label],
}

/// A label that a piece has not by itself.
#[derive(Debug, Clone, Copy)]
enum Label {
    /// The namespace in front of a pod's name, out of this label.
    NamespaceOf(&'static str),
    /// Always this value.
    Is(&'static str, &'static str),
    /// What another label holds, where there is one. A matcher restricts that one.
    From(&'static str, &'static str),
}

impl Piece {
    const fn new(metric: &'static str, matchers: &'static str, labels: &'static [Label]) -> Self {
        Self { metric, matchers, labels }
    }

    /// The rates under the rule's labels, of the series that meet one more matcher, if it is not
    /// empty.
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

/// A pod's name as `namespace/pod` in the label; in the other one, or in none.
const SOURCE: &str = r#"source=~".+/.+""#;
const DESTINATION: &str = r#"destination=~".+/.+""#;
const NEITHER: &str = r#"source!~".+/.+", destination!~".+/.+""#;

/// Drop events per second by namespace, direction, reason and protocol, averaged over 5 minutes.
/// Where both ends are named, a drop counts for the namespace on either side.
pub(super) const DROPS: Record = Record {
    name: "cluster_namespace_direction_reason_protocol:network_drops:rate5m",
    by: "namespace, direction, reason, protocol",
    planes: &[
        &[
            Piece::new(
                "hubble_drop_total",
                DESTINATION,
                &[Label::NamespaceOf("destination"), Label::Is("direction", "ingress")],
            ),
            Piece::new(
                "hubble_drop_total",
                SOURCE,
                &[Label::NamespaceOf("source"), Label::Is("direction", "egress")],
            ),
            Piece::new("hubble_drop_total", NEITHER, &[]),
        ],
        // In local context its pod is the subject; in remote context the destination is.
        &[Piece::new(
            "networkobservability_adv_drop_count",
            "",
            &[Label::From("namespace", "destination_namespace")],
        )],
        &[Piece::new("networkobservability_drop_count", "", &[])],
    ],
};

/// DNS queries per second by the namespace that asks. Refused ones are left out: no answer follows.
pub(super) const DNS_QUERIES: Record = Record {
    name: "cluster_namespace:dns_queries:rate5m",
    by: "namespace",
    planes: &[
        &[Piece::new(
            "hubble_dns_queries_total",
            r#"rcode!="Policy denied""#,
            &[Label::NamespaceOf("source")],
        )],
        &[Piece::new(
            "networkobservability_adv_dns_request_count",
            "",
            &[Label::From("namespace", "source_namespace")],
        )],
        &[Piece::new("networkobservability_dns_request_count", "", &[])],
    ],
};

/// DNS answers per second by response code and the namespace that asked. Cilium's DNS proxy reports
/// an answer in the question's direction, so that its contexts name the DNS server: there the
/// namespace is known only if `labelsContext` asks for it.
pub(super) const DNS_ANSWERS: Record = Record {
    name: "cluster_namespace_rcode:dns_answers:rate5m",
    by: "namespace, rcode",
    planes: &[
        &[Piece::new(
            "hubble_dns_responses_total",
            "",
            &[Label::NamespaceOf("destination"), Label::From("namespace", "destination_namespace")],
        )],
        &[Piece::new(
            "networkobservability_adv_dns_response_count",
            "",
            &[
                Label::From("namespace", "destination_namespace"),
                Label::From("rcode", "return_code"),
            ],
        )],
        &[Piece::new("networkobservability_dns_response_count", "", &[])],
    ],
};

/// Packets with a TCP flag per second, by the namespace that sends them. Retina in local context
/// counts those that a namespace gets as well.
pub(super) const TCP_FLAGS: Record = Record {
    name: "cluster_namespace_flag:tcp_flags:rate5m",
    by: "namespace, flag",
    planes: &[
        &[
            Piece::new("hubble_tcp_flags_total", SOURCE, &[Label::NamespaceOf("source")]),
            Piece::new("hubble_tcp_flags_total", NEITHER, &[]),
        ],
        &[Piece::new(
            "networkobservability_adv_tcpflags_count",
            "",
            &[Label::From("namespace", "source_namespace")],
        )],
    ],
};

/// Every recording rule.
pub(super) const ALL: [Record; 4] = [DROPS, DNS_QUERIES, DNS_ANSWERS, TCP_FLAGS];

/// Where an expression runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// Beside the recording rules, whose results it reads.
    Recorded,
    /// Alone: what would be recorded is asked for.
    Alone,
}

impl Record {
    /// The rule's expression.
    pub(super) fn expr(self) -> String {
        self.restricted("")
    }

    /// The same of the series that meet `matcher`, a matcher of a label that the rule keeps.
    fn restricted(self, matcher: &str) -> String {
        let mut pieces = vec![];
        let mut before: Vec<&str> = vec![];
        for plane in self.planes {
            // Whether a cluster has a metric does not depend on what is asked of it.
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
    /// The recorded value now, of the series that `matcher` selects (`flag="RST"`, or empty).
    pub(super) fn now(self, record: Record, matcher: &str) -> String {
        match self {
            Self::Recorded if matcher.is_empty() => record.name.to_owned(),
            Self::Recorded => format!("{}{{{matcher}}}", record.name),
            Self::Alone => format!("({})", record.restricted(matcher)),
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
