//! Rules on the profiles: each is evaluated, and exactly the expected alerts fire.

use std::collections::BTreeMap;

use dashboards::rule_files;
use serde_json::Value;

use crate::flows::{Act, DROP, Flow, POLICY_VERDICT};
use crate::profile::Profile;
use crate::prometheus::At;
use crate::timeline::{Cluster, PERIOD_SECS};
use crate::{World, clusters};

/// Minimum rate of drops in an act that fires an alert: more than one in five seconds.
const SPIKE: f64 = 0.2;

/// Titles and expressions of Grafana's alert rules, which need no recording rule.
fn alerts() -> Vec<(String, String)> {
    let files = rule_files().unwrap();
    let file = files.iter().find(|file| file.path().contains("alerting")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(file.text()).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    rules
        .iter()
        .map(|rule| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&rule["title"]), text(&rule["data"][0]["model"]["expr"]))
        })
        .collect()
}

/// Names and expressions of the recording rules.
fn records() -> Vec<(String, String)> {
    let files = rule_files().unwrap();
    let file = files.iter().find(|file| file.path().contains("prometheus/rules")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(file.text()).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    rules
        .iter()
        .map(|rule| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&rule["record"]), text(&rule["expr"]))
        })
        .collect()
}

/// Refused packets of an act, by namespace and direction, as the profile's metrics have them.
fn refused(profile: Profile, flows: &[Flow]) -> BTreeMap<(String, String), f64> {
    let mut refused = BTreeMap::new();
    for flow in flows.iter().filter(|flow| flow.drop_reason_desc == "POLICY_DENIED") {
        let kind = flow.event_type.kind;
        // Hubble counts a refused packet as a drop and as a policy verdict, Retina as a drop.
        if kind != DROP && !(kind == POLICY_VERDICT && profile.is_cilium()) {
            continue;
        }
        let (from, to) = (&flow.source, &flow.destination);
        let unknown =
            |namespace: &str| if namespace.is_empty() { "unknown" } else { namespace }.to_owned();
        let whose: Vec<(String, &str)> = match profile {
            Profile::Documented => vec![(String::new(), "")],
            Profile::Acns | Profile::All if flow.traffic_direction == "EGRESS" => {
                vec![(from.namespace.clone(), "egress")]
            }
            Profile::Acns | Profile::All => vec![(to.namespace.clone(), "ingress")],
            Profile::Retina => [(from, "egress"), (to, "ingress")]
                .into_iter()
                .filter(|(end, _)| end.is_local_pod())
                .map(|(end, direction)| (end.namespace.clone(), direction))
                .collect(),
            Profile::RetinaRemote => vec![(unknown(&to.namespace), "INGRESS")],
        };
        for (namespace, direction) in whose {
            *refused.entry((namespace, direction.to_owned())).or_default() += 1.0;
        }
    }
    refused
}

/// Expected alerts at the end of a cluster's time: alert, namespace, direction, and events in an
/// act.
fn wanted(world: &World, cluster: &Cluster) -> Vec<(String, String, String, f64)> {
    let is_rollout = cluster.acts.len() > 1;
    if !is_rollout {
        return vec![];
    }
    let period = f64::from(i32::try_from(PERIOD_SECS).unwrap());
    refused(cluster.profile, &world.flows[&Act::Chaos])
        .into_iter()
        .filter(|(_, count)| count / period > SPIKE)
        .map(|((namespace, direction), count)| {
            ("Policy drops rise".to_owned(), namespace, direction, count)
        })
        .collect()
}

/// The faults of the rules.
pub(crate) async fn faults(world: &World) -> Vec<String> {
    let mut faults = vec![];
    let period = f64::from(i32::try_from(PERIOD_SECS).unwrap());
    let all: Vec<Cluster> = Profile::ALL.into_iter().flat_map(clusters).collect();
    // Each time is queried once, for all clusters that end then.
    let mut moments: Vec<i64> = all.iter().map(Cluster::end_secs).collect();
    moments.sort_unstable();
    moments.dedup();
    for moment in moments {
        for (name, expr) in records() {
            let answer = world.prometheus.ask(&expr, At::Instant(moment)).await;
            match answer {
                Err(error) => faults.push(format!("{name}: {error}")),
                Ok(series) => {
                    for cluster in all.iter().filter(|one| one.end_secs() == moment) {
                        // Without policies nothing is dropped, and the proxy saw no names.
                        let is_quiet = cluster.acts == [(Act::Open, 7)];
                        let is_there =
                            series.iter().any(|one| one.labels["cluster"] == cluster.name);
                        if !is_there
                            && !(is_quiet && (name.contains("drop") || name.contains("dns")))
                        {
                            faults.push(format!("{name} has nothing of {}", cluster.name));
                        }
                    }
                }
            }
        }
        let mut begun: BTreeMap<String, Vec<(String, String, String, f64)>> = BTreeMap::new();
        for (title, expr) in alerts() {
            match world.prometheus.ask(&expr, At::Instant(moment)).await {
                Err(error) => faults.push(format!("{title}: {error}")),
                Ok(series) => {
                    for one in series {
                        let label = |name| one.labels.get(name).cloned().unwrap_or_default();
                        let (namespace, direction) = (label("namespace"), label("direction"));
                        let value = (one.values[0] * period).round();
                        begun.entry(label("cluster")).or_default().push((
                            title.clone(),
                            namespace,
                            direction,
                            value,
                        ));
                    }
                }
            }
        }
        for cluster in all.iter().filter(|one| one.end_secs() == moment) {
            let mut begun = begun.remove(&cluster.name).unwrap_or_default();
            begun.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let wanted = wanted(world, cluster);
            if begun != wanted {
                faults.push(format!("{}: {begun:?} begin, not {wanted:?}", cluster.name));
            }
        }
    }
    faults
}
