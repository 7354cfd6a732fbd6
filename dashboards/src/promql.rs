//! PromQL out of small pieces.

use crate::scope::{Scope, Side};

/// The window of rates, as wide as the scrape interval needs.
const RATE_WINDOW: &str = "$__rate_interval";

/// A counter, as each data plane that may run exports it. Where a cluster has the first, the
/// others are not looked at there: they count the same packets.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    planes: Vec<Plane>,
}

/// The selector of one data plane's metric.
#[derive(Debug, Clone)]
struct Plane {
    selector: String,
    /// Label for the pod, made of `namespace` and `podname`; Hubble's metrics have it as it is.
    pod: Option<&'static str>,
    /// Labels of Hubble's, and what they are called here.
    renamed: &'static [(&'static str, &'static str)],
}

impl Plane {
    fn new(metric: &str, matchers: &str) -> Self {
        Self { selector: format!("{metric}{{{matchers}}}"), pod: None, renamed: &[] }
    }

    /// The function's answer with Hubble's labels, as far as `labels` ask for them.
    fn over(&self, function: &str, window: &str, at: &str, labels: &str) -> String {
        let mut vector = format!("{function}({}[{window}]{at})", self.selector);
        if let Some(label) = self.pod {
            vector = format!(r#"label_join({vector}, "{label}", "/", "namespace", "podname")"#);
        }
        for (label, its) in self.renamed {
            if labels.split(", ").any(|asked| asked == *label) {
                vector = format!(r#"label_replace({vector}, "{label}", "$1", "{its}", "(.*)")"#);
            }
        }
        vector
    }
}

impl Counter {
    /// The metric in Cilium's and Hubble's words.
    pub(crate) fn new(metric: &str, matchers: &str) -> Self {
        Self { planes: vec![Plane::new(metric, matchers)] }
    }

    /// Where the metrics so far are not there, this one.
    pub(crate) fn or(self, metric: &str, matchers: &str) -> Self {
        self.or_renamed(metric, matchers, &[])
    }

    /// Where the metrics so far are not there, this one, which has other names for some labels:
    /// Hubble's, its own.
    pub(crate) fn or_renamed(
        mut self,
        metric: &str,
        matchers: &str,
        renamed: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.planes.push(Plane { renamed, ..Plane::new(metric, matchers) });
        self
    }

    /// Where the metrics so far are not there, Retina's of pods.
    pub(crate) fn or_retina(mut self, metric: &str, scope: Scope, side: Side) -> Self {
        self.planes
            .push(Plane { pod: Some(side.label()), ..Plane::new(metric, &scope.retina(side)) });
        self
    }

    /// Per second, summed by `labels` (comma separated, none for one number).
    pub(crate) fn rate(&self, labels: &str) -> String {
        self.sum("rate", RATE_WINDOW, "", labels)
    }

    /// In the whole range.
    pub(crate) fn increase(&self, labels: &str) -> String {
        self.sum("increase", "$__range", "", labels)
    }

    /// Per second of the ten largest in the range. They are chosen once for the whole range:
    /// chosen at each step anew, a hundred would come and go.
    pub(crate) fn rate_of_top(&self, labels: &str) -> String {
        let rate = self.rate(labels);
        let top = self.sum("increase", "$__range", " @ end()", labels);
        format!("{rate} and topk(10, {top} > 0)")
    }

    /// How many values of `label` counted anything in the range.
    pub(crate) fn active(&self, label: &str) -> String {
        format!("count({} >= 1)", self.increase(label))
    }

    fn sum(&self, function: &str, window: &str, at: &str, labels: &str) -> String {
        if let [plane] = self.planes.as_slice() {
            return format!("{} ({})", sum_by(labels), plane.over(function, window, at, labels));
        }
        let inner = match labels {
            "" => "cluster".to_owned(),
            labels if labels.split(", ").any(|label| label == "cluster") => labels.to_owned(),
            labels => format!("cluster, {labels}"),
        };
        let planes: Vec<String> = self
            .planes
            .iter()
            .map(|plane| {
                format!("{} ({})", sum_by(&inner), plane.over(function, window, at, labels))
            })
            .collect();
        format!("{} ({})", sum_by(labels), planes.join(" or on (cluster) "))
    }
}

fn sum_by(labels: &str) -> String {
    if labels.is_empty() { "sum".into() } else { format!("sum by ({labels})") }
}

/// What of `asked` got no `answered`, by `labels` that both have. What never got an answer at all
/// counts in full.
pub(crate) fn unanswered(asked: &str, answered: &str) -> String {
    format!("clamp_min({asked} - ({answered} or {asked} * 0), 0)")
}

/// The share of `part` in `whole`, 0 to 1. A whole without a part has the share 0.
pub(crate) fn share(part: &str, whole: &str) -> String {
    format!("({part} or {whole} * 0) / ({whole} > 0)")
}
