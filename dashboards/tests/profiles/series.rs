//! Series of an act: those that Cilium's handlers counted, and those that are counted here.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::flows::{Act, Flow, SAMPLES, SCRAPE_SECS, lines, node};

/// Label names and values.
pub(crate) type Labels = BTreeMap<String, String>;

/// Name and labels of a series. `instance` is the node that counted it, if any.
pub(crate) type Key = (String, Labels);

/// Series with a value for each sample of the act; `None` before the series begins.
pub(crate) type Series = BTreeMap<Key, [Option<f64>; SAMPLES]>;

pub(crate) fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[derive(Deserialize)]
struct Recorded {
    metric: Labels,
    values: Vec<(i64, f64)>,
}

/// The series that Cilium's handlers made of the act's flows in one of the configurations.
pub(crate) fn recorded(act: Act, profile: &str) -> Series {
    let recorded: Vec<Recorded> = lines(&format!("{}.{profile}", act.name()))
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = recorded.iter().filter_map(|one| Some(one.values.first()?.0)).min().unwrap();
    let mut series = Series::new();
    for Recorded { mut metric, values } in recorded {
        let name = metric.remove("__name__").unwrap();
        if let Some(instance) = metric.get_mut("instance") {
            *instance = node(instance).to_owned();
        }
        let mut samples = [None; SAMPLES];
        for (second, value) in values {
            samples[usize::try_from((second - first) / SCRAPE_SECS).unwrap()] = Some(value);
        }
        // A shorter act keeps its last values.
        for at in 1..SAMPLES {
            samples[at] = samples[at].or(samples[at - 1]);
        }
        series.insert((name, metric), samples);
    }
    series
}

/// A count of events, as a counter or as a gauge that only rises.
#[derive(Debug)]
pub(crate) struct Tally {
    first_millis: i64,
    added: BTreeMap<Key, [f64; SAMPLES]>,
}

impl Tally {
    /// An empty count of an act that begins with `first`.
    pub(crate) fn from(first: &Flow) -> Self {
        Self { first_millis: first.time.timestamp_millis(), added: BTreeMap::new() }
    }

    /// Adds to a series at the flow's time.
    pub(crate) fn add(&mut self, flow: &Flow, name: &str, labels: Labels, amount: f64) {
        let millis = flow.time.timestamp_millis() - self.first_millis;
        let at = usize::try_from(millis / (SCRAPE_SECS * 1_000)).unwrap().min(SAMPLES - 1);
        self.added.entry((name.to_owned(), labels)).or_default()[at] += amount;
    }

    pub(crate) fn series(self) -> Series {
        self.added
            .into_iter()
            .map(|(key, added)| {
                let mut total = 0.0;
                let samples = added.map(|amount| {
                    total += amount;
                    (total > 0.0).then_some(total)
                });
                (key, samples)
            })
            .collect()
    }
}
