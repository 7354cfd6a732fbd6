//! Builder of PromQL expressions.

use crate::scope::{POD_SUFFIX, PacketDirection, Scope};

/// Window of rates, which Grafana sizes by the scrape interval.
const RATE_WINDOW: &str = "$__rate_interval";

/// Spellings that differ between data planes and their releases: label, shown spelling, and a
/// regular expression of all spellings.
const SPELLINGS: [(&str, &str, &str); 7] = [
    ("reason", "POLICY_DENIED", "(?i:policy[ _]denied)"),
    ("reason", "UNSUPPORTED_L3_PROTOCOL", "(?i:unsupported[ _]l3[ _]protocol)"),
    ("rcode", "No Error", "(?i:no ?error)"),
    ("rcode", "Non-Existent Domain", "(?i:nxdomain|non-?existent ?domain)"),
    ("direction", "EGRESS", "(?i:egress)"),
    ("direction", "INGRESS", "(?i:ingress)"),
    ("direction", "TRAFFIC_DIRECTION_UNKNOWN", "(?i:unknown)"),
];

/// A counter with the metric of each possible data plane. In a cluster with the first metric the
/// others are ignored, because they count the same packets. The whole metric decides, not the part
/// that is picked. If the metric exists and nothing is picked, the count is zero.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    planes: Vec<Plane>,
}

/// One data plane's metric.
#[derive(Debug, Clone)]
struct Plane {
    /// Selectors of the metric that together make up the count.
    parts: Vec<CounterPart>,
    /// The metric of all clusters, with the labels that are needed.
    evidence: String,
    /// The metric, less restricted than the count.
    base: String,
    /// Label for the pod, made of `namespace` and `podname`; Hubble's metrics already have it.
    pod: Option<&'static str>,
    /// Hubble's labels and this plane's names for them.
    renamed: &'static [(&'static str, &'static str)],
}

/// A selector, without series for which another selector has the same labels.
#[derive(Debug, Clone)]
struct CounterPart {
    selector: String,
    unless: Option<(&'static str, String)>,
}

impl CounterPart {
    fn over(&self, function: &str, window: &str, at: &str) -> String {
        let vector = format!("{function}({}[{window}]{at})", self.selector);
        match &self.unless {
            Some((on, other)) => format!("({vector} unless on ({on}) {other})"),
            None => vector,
        }
    }
}

impl Plane {
    fn new(metric: &str, base: &str, more: &str) -> Self {
        let picked = if more.is_empty() { base.to_owned() } else { format!("{base}, {more}") };
        // Labels that a selector may need and that not every configuration has.
        let needed: Vec<&str> = [
            (r#"source=~""#, r#", source!="""#),
            (r#"destination=~""#, r#", destination!="""#),
            (r#"query!=""#, r#", query!="""#),
        ]
        .into_iter()
        .filter_map(|(asked, needed)| base.contains(asked).then_some(needed))
        .collect();
        let needed = needed.concat();
        Self {
            parts: vec![CounterPart { selector: format!("{metric}{{{picked}}}"), unless: None }],
            evidence: format!(r#"{metric}{{cluster=~"$cluster"{needed}}}"#),
            base: format!("{metric}{{{base}}}"),
            pod: None,
            renamed: &[],
        }
    }

    /// Whether the whole metric is counted.
    fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.unless.is_none() && part.selector == self.base)
    }

    /// The function's result with Hubble's labels, as far as `labels` need them.
    fn over(&self, function: &str, window: &str, at: &str, labels: &str) -> String {
        let parts: Vec<String> =
            self.parts.iter().map(|part| part.over(function, window, at)).collect();
        let mut vector = parts.join(" or ");
        let asks_for = |label: &str| labels.split(", ").any(|asked| asked == label);
        if let Some(label) = self.pod {
            vector = format!(r#"label_join({vector}, "{label}", "/", "namespace", "podname")"#);
        }
        for (label, its) in self.renamed {
            if asks_for(label) {
                vector = format!(r#"label_replace({vector}, "{label}", "$1", "{its}", "(.*)")"#);
            }
        }
        for (label, spelling, all) in SPELLINGS {
            if asks_for(label) {
                vector = format!(
                    r#"label_replace({vector}, "{label}", "{spelling}", "{label}", "{all}")"#
                );
            }
        }
        vector
    }
}

impl Counter {
    /// Cilium's or Hubble's metric.
    pub(crate) fn new(metric: &str, matchers: &str) -> Self {
        Self::picked(metric, matchers, "")
    }

    /// A `hubble_http_*` counter. The endpoint whose policy has HTTP rules reports a request:
    /// mostly the pod itself, else its peer. If both report, the pod's own report counts, matched
    /// by the addresses that both know; the peer may not know the workload.
    pub(crate) fn http(metric: &str, scope: Scope, traffic: PacketDirection, more: &str) -> Self {
        let (end, own, other) = match traffic {
            PacketDirection::Outgoing => ("source", "client", "server"),
            PacketDirection::Incoming => ("destination", "server", "client"),
        };
        let base = format!(r#"cluster=~"$cluster", {end}_namespace=~"$namespace""#);
        let (workload, pod) = match scope {
            Scope::Cluster | Scope::Namespace => (String::new(), None),
            // The label of the pod exists only if it is configured.
            Scope::Workload => (
                format!(r#", {end}_workload=~"$workload", {end}=~"(.*/)?$pod""#),
                Some(format!(
                    r#", {end}_workload="", {end}=~"$namespace/${{workload}}{POD_SUFFIX}", {end}=~".*/$pod""#
                )),
            ),
        };
        let of_own = format!(r#"{metric}{{{base}, reporter="{own}"}}"#);
        let reported = |whose: &str, by: &str| {
            let more = if more.is_empty() { String::new() } else { format!(", {more}") };
            format!(r#"{base}{whose}, reporter="{by}"{more}"#)
        };
        let unless = "cluster, source_ip, destination_ip";
        let counter = Self::new(metric, &reported(&workload, own))
            .and_also(metric, &reported(&workload, other))
            .unless(unless, of_own.clone());
        let counter = match pod {
            Some(pod) => counter.and_also(metric, &reported(&pod, other)).unless(unless, of_own),
            None => counter,
        };
        // A workload without requests has zero, if requests of its namespace are seen.
        counter.zero_where(format!("{metric}{{{base}}}"))
    }

    /// The part of the metric that matches `more`; zero without such a part.
    pub(crate) fn picked(metric: &str, matchers: &str, more: &str) -> Self {
        Self { planes: vec![Plane::new(metric, matchers, more)] }
    }

    /// Falls back to this metric.
    pub(crate) fn or(self, metric: &str, matchers: &str) -> Self {
        self.or_renamed(metric, matchers, "", &[])
    }

    /// Falls back to the part of this metric that matches `more`.
    pub(crate) fn or_picked(self, metric: &str, matchers: &str, more: &str) -> Self {
        self.or_renamed(metric, matchers, more, &[])
    }

    /// Falls back to this metric with other names for some labels: pairs of Hubble's and its own.
    pub(crate) fn or_renamed(
        mut self,
        metric: &str,
        matchers: &str,
        more: &str,
        renamed: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.planes.push(Plane { renamed, ..Plane::new(metric, matchers, more) });
        self
    }

    /// Falls back to Retina's metric of pods.
    pub(crate) fn or_retina(
        mut self,
        metric: &str,
        scope: Scope,
        traffic: PacketDirection,
    ) -> Self {
        let plane = Plane::new(metric, &scope.retina(traffic), "");
        self.planes.push(Plane { pod: Some(traffic.label()), ..plane });
        self
    }

    /// Adds another selector of the same metric.
    pub(crate) fn and_also(mut self, metric: &str, matchers: &str) -> Self {
        if let Some(plane) = self.planes.last_mut() {
            plane
                .parts
                .push(CounterPart { selector: format!("{metric}{{{matchers}}}"), unless: None });
        }
        self
    }

    /// Removes series of the last selector for whose labels `on` a series of `other` exists.
    pub(crate) fn unless(mut self, on: &'static str, other: String) -> Self {
        if let Some(part) = self.planes.last_mut().and_then(|plane| plane.parts.last_mut()) {
            part.unless = Some((on, other));
        }
        self
    }

    /// Sets the selector whose existence shows that nothing picked means zero.
    pub(crate) fn zero_where(mut self, selector: String) -> Self {
        if let Some(plane) = self.planes.last_mut() {
            plane.base = selector;
        }
        self
    }

    /// Rate per second, summed by `labels` (comma separated; empty for one number). Zero if nothing
    /// of the metric is picked in the whole range.
    pub(crate) fn rate(&self, labels: &str) -> String {
        let rate = self.bare_rate(labels);
        // An existing series always has a rate.
        if self.planes.iter().all(Plane::is_whole) {
            return rate;
        }
        if labels.is_empty() { self.or_zero(&rate) } else { self.or_lone_zero(&rate, &self.seen()) }
    }

    /// The same in a panel that also shows `other`, whose series make the zero unnecessary.
    pub(crate) fn rate_beside(&self, labels: &str, other: &Self) -> String {
        let seen = format!("({} or {})", self.seen(), other.seen());
        self.or_lone_zero(&self.bare_rate(labels), &seen)
    }

    /// Rate per second for further calculation: empty if nothing is picked.
    pub(crate) fn bare_rate(&self, labels: &str) -> String {
        self.sum("rate", RATE_WINDOW, "", labels)
    }

    /// Increase over the whole range.
    pub(crate) fn increase(&self, labels: &str) -> String {
        let sum = self.sum("increase", "$__range", "", labels);
        if labels.is_empty() { self.or_zero(&sum) } else { sum }
    }

    /// Rate per second of the ten largest series in the range. They are chosen once for the whole
    /// range: chosen at each step, a hundred could appear.
    pub(crate) fn rate_of_top(&self, labels: &str) -> String {
        let rate = self.bare_rate(labels);
        let top = self.sum("increase", "$__range", " @ end()", labels);
        let seen = format!("({} > 0)", self.seen());
        self.or_lone_zero(&format!("({rate} and topk(10, {top} > 0))"), &seen)
    }

    /// Number of values of `label` that counted anything in the range.
    pub(crate) fn active(&self, label: &str) -> String {
        self.or_zero(&format!("count({} > 0)", self.increase(label)))
    }

    /// The vector, or the metric's zero if nothing of it is picked.
    fn or_zero(&self, vector: &str) -> String {
        format!("{vector} or on () {}", self.zero())
    }

    /// The vector, or the metric's zero as a series without labels. Only if `seen` is empty over
    /// the whole range: beside other series the zero would be one too many, whenever they begin or
    /// end.
    fn or_lone_zero(&self, vector: &str, seen: &str) -> String {
        lone_zero(vector, &self.zero(), seen)
    }

    fn zero(&self) -> String {
        let zeros: Vec<String> =
            self.planes.iter().map(|plane| format!("0 * group({})", plane.base)).collect();
        zeros.join(" or on () ")
    }

    /// A non-empty vector if anything is picked in the range.
    fn seen(&self) -> String {
        self.sum("increase", "$__range", " @ end()", "")
    }

    /// Sums by `labels`; empty if nothing is picked.
    fn sum(&self, function: &str, window: &str, at: &str, labels: &str) -> String {
        if let [plane] = self.planes.as_slice() {
            return format!("{} ({})", sum_by(labels), plane.over(function, window, at, labels));
        }
        let inner = with_cluster(labels);
        let mut before: Vec<&str> = vec![];
        let mut planes: Vec<String> = vec![];
        for plane in &self.planes {
            let sum = format!("{} ({})", sum_by(&inner), plane.over(function, window, at, labels));
            planes.push(if before.is_empty() {
                sum
            } else {
                let others = before.join(" @ end() or ");
                format!("({sum} unless on (cluster) group by (cluster) ({others} @ end()))")
            });
            before.push(&plane.evidence);
        }
        format!("{} ({})", sum_by(labels), planes.join(" or "))
    }
}

/// A vector, or `zero` if `seen` is empty.
fn lone_zero(vector: &str, zero: &str, seen: &str) -> String {
    format!("{vector} or on () (({zero}) unless on () {seen})")
}

/// Labels including that of the cluster.
fn with_cluster(labels: &str) -> String {
    match labels {
        "" => "cluster".to_owned(),
        labels if labels.split(", ").any(|label| label == "cluster") => labels.to_owned(),
        labels => format!("cluster, {labels}"),
    }
}

fn sum_by(labels: &str) -> String {
    if labels.is_empty() { "sum".into() } else { format!("sum by ({labels})") }
}

/// The share of `part` in `whole`, 0 to 1. A whole without a part has the share 0.
pub(crate) fn share(part: &str, whole: &str) -> String {
    format!("({part} or {whole} * 0) / ({whole} > 0)")
}

/// Reasons of policy refusals: such a packet has a policy verdict in addition to its drop.
const REFUSED: &str = r#"reason=~"POLICY_DENIED|POLICY_DENY|AUTH_REQUIRED""#;

/// Drops by reason and by `labels`, each packet once. `hubble_drop_total` counts both records of a
/// refusal: the share of policy verdicts is subtracted, if the metric of flows exists to compute
/// it. `function` is `rate` or `increase`.
fn drops_once(function: &str, window: &str, matchers: &str, labels: &str) -> String {
    let (shared, all) = (with_cluster(labels), with_cluster(&joined(labels, "reason")));
    let drops = |more: &str, by: &str| {
        let plane = Plane::new("hubble_drop_total", matchers, more);
        format!("{} ({})", sum_by(by), plane.over(function, window, "", by))
    };
    let verdicts = Plane::new(
        "hubble_flows_processed_total",
        matchers,
        r#"verdict="DROPPED", type="PolicyVerdict""#,
    );
    format!(
        "({} * on ({shared}) group_left () (1 - {} ({}) / ({} > 0)) or {})",
        drops(REFUSED, &all),
        sum_by(&shared),
        verdicts.over(function, window, "", &shared),
        drops(REFUSED, &shared),
        drops("", &all),
    )
}

fn joined(labels: &str, label: &str) -> String {
    if labels.is_empty() { label.to_owned() } else { format!("{labels}, {label}") }
}

/// Packets that Retina forwards for the same pods; their existence shows that missing drops mean
/// zero.
pub(crate) fn forwarded_by_retina(scope: Scope, traffic: PacketDirection) -> String {
    format!("networkobservability_adv_forward_count{{{}}}", scope.retina(traffic))
}

/// Drops per second by reason, each packet once; zero if no flow is dropped.
pub(crate) fn reasons_rate(scope: Scope, traffic: PacketDirection) -> String {
    let matchers = scope.hubble(traffic);
    let drops = Counter::new("hubble_drop_total", &matchers).or_retina(
        "networkobservability_adv_drop_count",
        scope,
        traffic,
    );
    let retina = Plane::new("networkobservability_adv_drop_count", &scope.retina(traffic), "");
    let hubble = Plane::new("hubble_drop_total", &matchers, "");
    let rate = format!(
        "sum by (reason) ({} or (sum by (cluster, reason) ({}) unless on (cluster) group by (cluster) ({} @ end())))",
        drops_once("rate", RATE_WINDOW, &matchers, ""),
        retina.over("rate", RATE_WINDOW, "", "reason"),
        hubble.evidence,
    );
    let zero = format!(
        "0 * group(hubble_flows_processed_total{{{matchers}}}) or on () 0 * group({})",
        forwarded_by_retina(scope, traffic)
    );
    lone_zero(&rate, &zero, &drops.seen())
}

/// Drops in the range by reason and `labels`, each packet once.
pub(crate) fn reasons_increase(scope: Scope, traffic: PacketDirection, labels: &str) -> String {
    let drops = drops_once("increase", "$__range", &scope.hubble(traffic), labels);
    format!("sum by ({labels}, reason) ({drops})")
}
