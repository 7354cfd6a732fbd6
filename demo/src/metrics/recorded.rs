//! Comparison of our metrics with recordings of Cilium's own metric handlers
//! (`tests/vectors/metrics`): families, label names, fixed label values, and the endpoint that is
//! named.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value as Json;

use super::tests::{START, labels};
use super::*;
use crate::scenario::Scenario;
use crate::traffic::{MonitorAggregation, SECOND, Simulation};

/// Long enough for each kind of event, in seconds.
const SECS: i64 = 15;

/// Labels with fixed values of Cilium's, in contrast to names of objects.
const WORDS: [&str; 16] = [
    "action",
    "direction",
    "family",
    "flag",
    "le",
    "match",
    "method",
    "protocol",
    "qtypes",
    "rcode",
    "reason",
    "reporter",
    "subtype",
    "traffic_direction",
    "type",
    "verdict",
];

/// Labels that name an endpoint.
const ENDPOINTS: [&str; 6] = [
    "source",
    "destination",
    "source_namespace",
    "destination_namespace",
    "source_workload",
    "destination_workload",
];

/// Labels of a family's series.
#[derive(Debug, Default, PartialEq, Eq)]
struct FamilyLabels {
    names: BTreeSet<String>,
    /// Label and fixed value.
    words: BTreeSet<(String, String)>,
    /// Labels with a named endpoint, for each kind of series.
    endpoints: BTreeSet<Vec<String>>,
}

impl FamilyLabels {
    fn add(&mut self, labels: &BTreeMap<String, String>) {
        for (name, value) in labels {
            // Labels that a scrape adds.
            if ["cluster", "instance", "node", "__name__"].contains(&name.as_str()) {
                continue;
            }
            self.names.insert(name.clone());
            if WORDS.contains(&name.as_str()) {
                self.words.insert((name.clone(), value.clone()));
            }
        }
        let named = ENDPOINTS
            .iter()
            .filter(|name| labels.get(**name).is_some_and(|value| !value.is_empty()));
        self.endpoints.insert(named.map(|name| (*name).to_owned()).collect());
    }
}

type FamilyLabelsByName = BTreeMap<String, FamilyLabels>;

fn recorded(profile: &str) -> FamilyLabelsByName {
    let mut looks = FamilyLabelsByName::new();
    for act in ["open", "chaos", "combined"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/vectors/metrics")
            .join(format!("{act}.{profile}.jsonl.gz"));
        let packed = std::fs::read(path).expect("a recording");
        let mut text = String::new();
        GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("a text");
        for line in text.lines() {
            let series: Json = serde_json::from_str(line).expect("JSON");
            let labels: BTreeMap<String, String> =
                serde_json::from_value(series["metric"].clone()).expect("labels");
            looks.entry(labels["__name__"].clone()).or_default().add(&labels);
        }
    }
    looks
}

/// The labels that the acts' records produce in each of some profiles.
fn written<const N: usize>(profiles: [Profile; N]) -> [FamilyLabelsByName; N] {
    let mut looks = profiles.map(|_| FamilyLabelsByName::new());
    for scenario in [Scenario::Open, Scenario::Chaos, Scenario::Combined] {
        let cluster = Arc::new(Cluster::pet_shop());
        let mut all = profiles
            .map(|profile| Metrics::new(Arc::clone(&cluster), profile, HubbleRelease::Main));
        let mut simulation =
            Simulation::new(cluster, scenario, MonitorAggregation::Medium, 1, 2_000.0, START);
        let end = START + SECS * SECOND;
        simulation.advance(end, |record| {
            for metrics in &mut all {
                metrics.count(&record);
            }
        });
        for (metrics, looks) in all.iter().zip(&mut looks) {
            for sample in metrics.samples(end, &[0; 3]) {
                let name = format!("{}{}", sample.family.name(), sample.suffix);
                if name.starts_with("hubble_") {
                    looks.entry(name).or_default().add(&labels(&sample));
                }
            }
        }
    }
    looks
}

#[test]
fn families_and_labels_match_the_recorded_handlers() {
    let profiles = [Profile::Acns, Profile::Cilium, Profile::All];
    let recordings = ["pod-context", "documented", "all-pod-context"];
    let looks = profiles.into_iter().zip(written(profiles)).zip(recordings);
    for ((profile, mut written), recording) in looks {
        let mut recorded = recorded(recording);
        if profile == Profile::Acns {
            // Missing from this recording, whose labels are those of the documented example.
            let http = |name: &str| name.starts_with("hubble_http_");
            let documented = self::recorded("documented");
            recorded.extend(documented.into_iter().filter(|(name, _)| http(name)));
        }
        for (name, recorded) in &recorded {
            let written = written.remove(name);
            let written = written.unwrap_or_else(|| panic!("{profile}: no {name}"));
            assert_eq!(written.names, recorded.names, "{profile}: {name}");
            let lacks: Vec<_> = recorded.words.difference(&written.words).collect();
            assert!(lacks.is_empty(), "{profile}: {name} never says {lacks:?}");
            let lacks: Vec<_> = recorded.endpoints.difference(&written.endpoints).collect();
            let other: Vec<_> = written.endpoints.difference(&recorded.endpoints).collect();
            assert!(
                lacks.is_empty() && other.is_empty(),
                "{profile}: {name} names {other:?} and not {lacks:?}"
            );
        }
        assert!(written.is_empty(), "{profile}: {:?}", written.keys());
    }
}
