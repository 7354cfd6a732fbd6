//! PromQL out of small pieces.

use crate::scope::{Scope, Side};

/// The window of rates, as wide as the scrape interval needs.
const RATE_WINDOW: &str = "$__rate_interval";

/// What data planes and their releases write differently: the label, the spelling that is shown, and
/// all of them as a regular expression.
const SPELLINGS: [(&str, &str, &str); 7] = [
    ("reason", "POLICY_DENIED", "(?i:policy[ _]denied)"),
    ("reason", "UNSUPPORTED_L3_PROTOCOL", "(?i:unsupported[ _]l3[ _]protocol)"),
    ("rcode", "No Error", "(?i:no ?error)"),
    ("rcode", "Non-Existent Domain", "(?i:nxdomain|non-?existent ?domain)"),
    ("direction", "EGRESS", "(?i:egress)"),
    ("direction", "INGRESS", "(?i:ingress)"),
    ("direction", "TRAFFIC_DIRECTION_UNKNOWN", "(?i:unknown)"),
];

/// A counter, as each data plane that may run exports it. Where a cluster has the first, the
/// others are not looked at there: they count the same packets. Whether it has the first is said by
/// the metric and not by what is picked out of it, and what is picked out of a metric that is there
/// is zero where it is nothing.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    planes: Vec<Plane>,
}

/// One data plane's metric.
#[derive(Debug, Clone)]
struct Plane {
    /// What is counted: selectors of the metric that complete each other.
    parts: Vec<Part>,
    /// The metric of all clusters, where it has the labels that are needed.
    evidence: String,
    /// The metric, less restricted than what is counted.
    base: String,
    /// Label for the pod, made of `namespace` and `podname`; Hubble's metrics have it as it is.
    pod: Option<&'static str>,
    /// Labels of Hubble's, and what they are called here.
    renamed: &'static [(&'static str, &'static str)],
}

/// A selector, without the series that another one has for the same labels.
#[derive(Debug, Clone)]
struct Part {
    selector: String,
    unless: Option<(&'static str, String)>,
}

impl Part {
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
        // Of the labels that a selector may ask for, those that not every configuration has.
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
            parts: vec![Part { selector: format!("{metric}{{{picked}}}"), unless: None }],
            evidence: format!(r#"{metric}{{cluster=~"$cluster"{needed}}}"#),
            base: format!("{metric}{{{base}}}"),
            pod: None,
            renamed: &[],
        }
    }

    /// Whether all of the metric is counted.
    fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.unless.is_none() && part.selector == self.base)
    }

    /// The function's answer with Hubble's labels, as far as `labels` ask for them.
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
    /// The metric in Cilium's and Hubble's words.
    pub(crate) fn new(metric: &str, matchers: &str) -> Self {
        Self::picked(metric, matchers, "")
    }

    /// What meets `more` of the metric: nothing of it is zero.
    pub(crate) fn picked(metric: &str, matchers: &str, more: &str) -> Self {
        Self { planes: vec![Plane::new(metric, matchers, more)] }
    }

    /// Where the metrics so far are not there, this one.
    pub(crate) fn or(self, metric: &str, matchers: &str) -> Self {
        self.or_renamed(metric, matchers, "", &[])
    }

    /// Where the metrics so far are not there, what meets `more` of this one.
    pub(crate) fn or_picked(self, metric: &str, matchers: &str, more: &str) -> Self {
        self.or_renamed(metric, matchers, more, &[])
    }

    /// Where the metrics so far are not there, this one, which has other names for some labels:
    /// Hubble's, its own.
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

    /// Where the metrics so far are not there, Retina's of pods.
    pub(crate) fn or_retina(mut self, metric: &str, scope: Scope, side: Side) -> Self {
        let plane = Plane::new(metric, &scope.retina(side), "");
        self.planes.push(Plane { pod: Some(side.label()), ..plane });
        self
    }

    /// Of the same metric, another selector.
    pub(crate) fn and_also(mut self, metric: &str, matchers: &str) -> Self {
        if let Some(plane) = self.planes.last_mut() {
            plane.parts.push(Part { selector: format!("{metric}{{{matchers}}}"), unless: None });
        }
        self
    }

    /// Without the series of the last selector for whose labels `on` there is any of `other`.
    pub(crate) fn unless(mut self, on: &'static str, other: String) -> Self {
        if let Some(part) = self.planes.last_mut().and_then(|plane| plane.parts.last_mut()) {
            part.unless = Some((on, other));
        }
        self
    }

    /// What tells that nothing picked is zero.
    pub(crate) fn zero_where(mut self, selector: String) -> Self {
        if let Some(plane) = self.planes.last_mut() {
            plane.base = selector;
        }
        self
    }

    /// Per second, summed by `labels` (comma separated, none for one number); zero where nothing of
    /// the metric is picked in the whole range.
    pub(crate) fn rate(&self, labels: &str) -> String {
        let rate = self.bare_rate(labels);
        // Of a series that is there the rate is a number anyway.
        if self.planes.iter().all(Plane::is_whole) {
            return rate;
        }
        if labels.is_empty() { self.or_zero(&rate) } else { self.or_lone_zero(&rate, &self.seen()) }
    }

    /// The same in a panel that shows `other` as well: its series are as good as one's own.
    pub(crate) fn rate_beside(&self, labels: &str, other: &Self) -> String {
        let seen = format!("({} or {})", self.seen(), other.seen());
        self.or_lone_zero(&self.bare_rate(labels), &seen)
    }

    /// Per second, to be worked with: nothing where nothing is picked.
    pub(crate) fn bare_rate(&self, labels: &str) -> String {
        self.sum("rate", RATE_WINDOW, "", labels)
    }

    /// In the whole range.
    pub(crate) fn increase(&self, labels: &str) -> String {
        let sum = self.sum("increase", "$__range", "", labels);
        if labels.is_empty() { self.or_zero(&sum) } else { sum }
    }

    /// Per second of the ten largest in the range. They are chosen once for the whole range:
    /// chosen at each step anew, a hundred would come and go.
    pub(crate) fn rate_of_top(&self, labels: &str) -> String {
        let rate = self.bare_rate(labels);
        let top = self.sum("increase", "$__range", " @ end()", labels);
        let seen = format!("({} > 0)", self.seen());
        self.or_lone_zero(&format!("({rate} and topk(10, {top} > 0))"), &seen)
    }

    /// How many values of `label` counted anything in the range.
    pub(crate) fn active(&self, label: &str) -> String {
        self.or_zero(&format!("count({} > 0)", self.increase(label)))
    }

    /// The metric's zero, where there is nothing of what is picked of it.
    fn or_zero(&self, vector: &str) -> String {
        format!("{vector} or on () {}", self.zero())
    }

    /// The metric's zero, a series without labels: beside those that `seen` finds anywhere in the
    /// range it would be one more, wherever they begin or end.
    fn or_lone_zero(&self, vector: &str, seen: &str) -> String {
        lone_zero(vector, &self.zero(), seen)
    }

    fn zero(&self) -> String {
        let zeros: Vec<String> =
            self.planes.iter().map(|plane| format!("0 * group({})", plane.base)).collect();
        zeros.join(" or on () ")
    }

    /// Something, where there is anything of what is picked in the range.
    fn seen(&self) -> String {
        self.sum("increase", "$__range", " @ end()", "")
    }

    /// Sums by `labels`, nothing where nothing is picked.
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

/// A vector, or `zero` where nothing is `seen`.
fn lone_zero(vector: &str, zero: &str, seen: &str) -> String {
    format!("{vector} or on () (({zero}) unless on () {seen})")
}

/// Labels with that of the cluster.
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

/// Reasons of what a policy refused: such a packet has a policy verdict beside its drop.
const REFUSED: &str = r#"reason=~"POLICY_DENIED|POLICY_DENY|AUTH_REQUIRED""#;

/// Drops by reason and by `labels`, each packet once. `hubble_drop_total` counts both records of a
/// refusal: the share that is policy verdicts is taken off again, where the metric of flows is there
/// to tell it. `function` is `rate` or `increase`.
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

/// What Retina forwards of the same pods. Of those it knows it tells that there are no drops.
pub(crate) fn forwarded_by_retina(scope: Scope, side: Side) -> String {
    format!("networkobservability_adv_forward_count{{{}}}", scope.retina(side))
}

/// Drops per second by reason, each packet once; zero where none of the flows is dropped.
pub(crate) fn reasons_rate(scope: Scope, side: Side) -> String {
    let matchers = scope.hubble(side);
    let drops = Counter::new("hubble_drop_total", &matchers).or_retina(
        "networkobservability_adv_drop_count",
        scope,
        side,
    );
    let retina = Plane::new("networkobservability_adv_drop_count", &scope.retina(side), "");
    let hubble = Plane::new("hubble_drop_total", &matchers, "");
    let rate = format!(
        "sum by (reason) ({} or (sum by (cluster, reason) ({}) unless on (cluster) group by (cluster) ({} @ end())))",
        drops_once("rate", RATE_WINDOW, &matchers, ""),
        retina.over("rate", RATE_WINDOW, "", "reason"),
        hubble.evidence,
    );
    let zero = format!(
        "0 * group(hubble_flows_processed_total{{{matchers}}}) or on () 0 * group({})",
        forwarded_by_retina(scope, side)
    );
    lone_zero(&rate, &zero, &drops.seen())
}

/// Drops in the range by reason and `labels`, each packet once.
pub(crate) fn reasons_increase(scope: Scope, side: Side, labels: &str) -> String {
    let drops = drops_once("increase", "$__range", &scope.hubble(side), labels);
    format!("sum by ({labels}, reason) ({drops})")
}
