//! General faults of a panel on a profile, independent of its numbers.

use std::collections::BTreeMap;

use crate::boards::{Panel, Selector};
use crate::flows::Act;
use crate::profile::{Families, Profile};
use crate::prometheus::Answer;

/// The answers of a panel's queries in a cluster.
pub(crate) type Answers = Vec<Result<Vec<Answer>, String>>;

/// Option of Hubble that enables a family of metrics.
const OPTIONS: [(&str, &str); 10] = [
    ("hubble_flows_processed_total", "flow"),
    ("hubble_drop_total", "drop"),
    ("hubble_tcp_flags_total", "tcp"),
    ("hubble_dns_", "dns"),
    ("hubble_icmp_total", "icmp"),
    ("hubble_policy_verdicts_total", "policy"),
    ("hubble_flows_to_world_total", "flows-to-world"),
    ("hubble_port_distribution_total", "port-distribution"),
    ("hubble_http_", "httpV2"),
    ("hubble_lost_events_total", "hubble.metrics.enabled"),
];

/// Panels that may be empty although their metric is scraped.
const OF_WINDOWS: [&str; 1] = [
    // A statistic of a family that Linux has too.
    "TCP Connection Resets",
];

/// The text that the panel must show because the selector selects nothing here; `None`: it can
/// select.
fn missing(selector: &Selector, families: &Families) -> Option<&'static str> {
    let Some(labels) = families.labels(&selector.metric) else {
        return match selector.metric.split('_').next() {
            Some("hubble") => OPTIONS
                .iter()
                .find(|(family, _)| selector.metric.starts_with(family))
                .map(|&(_, option)| option),
            Some("cilium") => Some("prometheus.enabled"),
            _ => Some("Retina"),
        };
    };
    // Without pod labels, Retina's metrics are in another context, with other directions.
    let of_pods = selector.metric.starts_with("networkobservability_adv_");
    let needed = if of_pods { &selector.named } else { &selector.needed };
    let lacking = needed.iter().find(|label| !labels.contains(*label))?;
    Some(match lacking.as_str() {
        "query" => "query",
        "source" => "sourceEgressContext",
        "destination" => "destinationIngressContext",
        label if label.starts_with("source_") || label.starts_with("destination_") => {
            "labelsContext"
        }
        // Retina's labels have prefixes in remote context.
        _ => "remoteContext",
    })
}

/// Whether any selector of the panel could select something. A counter without events does not
/// exist: a panel can only tell that from zero if another of its metrics exists.
pub(crate) fn can_tell(panel: &Panel, families: &Families) -> bool {
    panel.selectors.iter().any(|selector| missing(selector, families).is_none())
}

/// Whether the zero of a metric of which nothing is picked appears beside other series.
pub(crate) fn has_stray_zero(answers: &Answers) -> bool {
    let is_bare = |answer: &Answer| answer.labels.is_empty();
    let mut all = answers.iter().flatten().flatten();
    all.clone().any(is_bare) && all.any(|answer| !is_bare(answer))
}

/// The faults of a panel on a profile, over its acts.
pub(crate) fn of_panel<'a>(
    panel: &Panel,
    profile: Profile,
    families: impl Fn(Act) -> &'a Families,
    by_act: &BTreeMap<Act, Answers>,
) -> Vec<String> {
    let mut faults = vec![];
    for (act, answers) in by_act {
        let act = act.name();
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            faults.push(format!("{act}: {error}"));
        }
        let mut values = answers.iter().flatten().flatten().flat_map(|answer| &answer.values);
        if has_stray_zero(answers) {
            faults.push(format!("{act}: a zero beside other series"));
        }
        let is_wrong = |value: f64| {
            let is_share = (0.0..=1.0 + 1e-9).contains(&value);
            !value.is_finite() || panel.unit == "percentunit" && !is_share
        };
        if let Some(value) = values.find(|value| is_wrong(**value)) {
            faults.push(format!("{act}: {value} {}", panel.unit));
        }
    }
    let can_tell = |act| can_tell(panel, families(act));
    let is_empty = |act: Act| by_act[&act].iter().flatten().all(Vec::is_empty);
    if !Act::ALL.into_iter().any(can_tell) {
        if !Act::ALL.into_iter().all(is_empty) {
            faults.push("a value, although its metric is not scraped".to_owned());
        }
        // Selectors of the cluster's data plane, or else of the panel's.
        let own = |selector: &&Selector| {
            profile.is_cilium() != selector.metric.starts_with("networkobservability_")
        };
        let wanted = match panel.selectors.iter().find(own) {
            Some(selector) => missing(selector, families(Act::Chaos)).unwrap_or_default(),
            None if profile.is_cilium() => "Retina",
            None => "Hubble",
        };
        if !panel.when_empty.contains(wanted) {
            faults.push(format!("empty, and does not say `{wanted}`"));
        }
        return faults;
    }
    for act in Act::ALL.into_iter().filter(|act| can_tell(*act)) {
        if panel.kind == "stat" && is_empty(act) {
            faults.push(format!("{}: no data, where it is scraped", act.name()));
        }
    }
    let may_be_empty = OF_WINDOWS.contains(&panel.title.as_str());
    if panel.kind != "stat" && !may_be_empty && Act::ALL.into_iter().all(is_empty) {
        faults.push("always empty, although its metric is scraped".to_owned());
    }
    faults
}
