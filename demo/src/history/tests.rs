use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::HubbleRelease;
use crate::cluster::{Cluster, NodeId};
use crate::hubble::ring::RingCapacity;
use crate::metrics::{Metrics, Profile};
use crate::traffic::{MonitorAggregation, Simulation};

const NOW: i64 = 1_786_968_007 * SECOND;

struct Past {
    state: ShopState,
    rings: Rings,
    text: String,
}

fn past(name: &str, seed: u64) -> Past {
    let path = std::env::temp_dir().join(format!("petshop-{name}-{}", std::process::id()));
    let options = HistoryOptions {
        span: Duration::from_mins(3),
        file: Some(path.clone()),
        scenario_for: Duration::from_mins(1),
        before: Scenario::Open,
    };
    let cluster = Arc::new(Cluster::pet_shop());
    let rings = Rings::new(3, RingCapacity::DEFAULT);
    let start = NOW - options.span_nanos();
    let aggregation = MonitorAggregation::Medium;
    let mut state = ShopState {
        simulation: Simulation::new(
            Arc::clone(&cluster),
            Scenario::Chaos,
            aggregation,
            seed,
            500.0,
            start,
        ),
        metrics: Metrics::new(cluster, Profile::Acns, HubbleRelease::Main),
        lose_every: None,
    };
    write_history(&options, Scenario::Chaos, NOW, &mut state, &rings).expect("a history");
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(path).expect("ours to remove");
    Past { state, rings, text }
}

/// Samples of every series, as seconds and value.
fn series(text: &str) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (rest, at) = line.rsplit_once(' ').expect("a time");
        let (name, value) = rest.rsplit_once(' ').expect("a value");
        series
            .entry(name.to_owned())
            .or_default()
            .push((at.parse().expect("seconds"), value.parse().expect("a number")));
    }
    series
}

#[test]
fn the_past_is_open_metrics() {
    let past = past("open-metrics", 1);
    assert!(past.text.ends_with("# EOF\n"));
    let mut families = Vec::new();
    let mut current = String::new();
    for line in past.text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert!(!name.ends_with("_total"), "{name}");
            assert!(!families.contains(&name.to_owned()), "{name} twice");
            families.push(name.to_owned());
            current = name.to_owned();
            assert!(matches!(kind, "counter" | "gauge" | "histogram"));
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&current), "{line} under {current}");
        }
    }
    for (name, points) in series(&past.text) {
        assert!(points.is_sorted_by(|a, b| a.0 < b.0), "{name}: not in order");
        assert!(points.iter().all(|(at, _)| at % 15.0 == 0.0), "{name}: not on the interval");
        let counter = name.contains("_total{") || name.contains("_bucket{");
        assert!(!counter || points.is_sorted_by(|a, b| a.1 <= b.1), "{name}: runs backwards");
    }
}

#[test]
fn the_scenario_begins_at_its_set_time() {
    let past = past("begins", 1);
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let began = (NOW / SECOND - 60) as f64;
    let drops: Vec<(f64, f64)> = series(&past.text)
        .into_iter()
        .filter(|(name, _)| name.starts_with("hubble_drop_total") && name.contains("POLICY_DENIED"))
        .flat_map(|(_, points)| points)
        .collect();
    assert!(drops.iter().any(|(_, value)| *value > 0.0));
    assert!(drops.iter().all(|(at, _)| *at >= began), "a drop before the scenario");
    assert_eq!(past.state.simulation.scenario(), Scenario::Chaos);
    assert_eq!(past.state.simulation.now_nanos(), NOW);
}

#[test]
fn the_rings_hold_the_newest() {
    let past = past("rings", 1);
    for node in [NodeId(0), NodeId(1), NodeId(2)] {
        let fill = past.rings.fill(node).expect("a ring");
        assert_eq!(fill.len, 4_095);
        let (_, newest) = fill.span_nanos.expect("records");
        assert!(newest <= NOW && newest > NOW - SECOND);
    }
}

#[test]
fn the_past_is_the_same_every_time() {
    let (first, again, other) = (past("same-1", 5), past("same-2", 5), past("same-3", 6));
    assert_eq!(first.text, again.text);
    assert_ne!(first.text, other.text);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let options = HistoryOptions {
        span: Duration::from_secs(1),
        file: Some(PathBuf::from("/nowhere/history.txt")),
        scenario_for: Duration::from_secs(1),
        before: Scenario::Open,
    };
    let cluster = Arc::new(Cluster::pet_shop());
    let mut state = ShopState {
        simulation: Simulation::new(
            Arc::clone(&cluster),
            Scenario::Open,
            MonitorAggregation::Medium,
            1,
            10.0,
            NOW - SECOND,
        ),
        metrics: Metrics::new(cluster, Profile::Acns, HubbleRelease::Main),
        lose_every: None,
    };
    let rings = Rings::new(3, RingCapacity::DEFAULT);
    let error = write_history(&options, Scenario::Open, NOW, &mut state, &rings).unwrap_err();
    assert_eq!(error.to_string(), "cannot write `/nowhere/history.txt`");
}
