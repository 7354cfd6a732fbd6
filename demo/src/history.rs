//! Simulated history: computed as fast as possible, and written as OpenMetrics for a Prometheus.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hubble::ring::Rings;
use crate::metrics::{Family, MetricType};
use crate::record::EventRecord;
use crate::scenario::Scenario;
use crate::state::ShopState;
use crate::traffic::SECOND;

/// Scrape interval of the samples, in nanoseconds.
const SCRAPE_INTERVAL: i64 = 15 * SECOND;

/// Options of the history before live operation.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Length of the history.
    pub span: Duration,
    /// File for the samples; `None`: fill only counters and rings.
    pub file: Option<PathBuf>,
    /// Time since the scenario's start.
    pub scenario_for: Duration,
    /// Scenario before that.
    pub before: Scenario,
}

impl HistoryOptions {
    pub(crate) fn span_nanos(&self) -> i64 {
        nanos(self.span)
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 2)
}

/// Reason why the history could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be created or written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The simulation was interrupted.
    #[error("the simulation was interrupted: {0}")]
    Interrupted(String),
}

/// One series over time: Unix nanoseconds and value.
type Points = Vec<(i64, f64)>;

/// Simulates the time up to `now_nanos`. Afterwards counters and rings are as if the shop had run
/// all the time.
pub(crate) fn write_history(
    options: &HistoryOptions,
    scenario: Scenario,
    now_nanos: i64,
    state: &mut ShopState,
    rings: &Rings,
) -> Result<(), HistoryError> {
    let began = now_nanos - nanos(options.scenario_for).min(options.span_nanos());
    state.simulation.switch(options.before);
    let mut series: BTreeMap<(Family, &'static str, String), Points> = BTreeMap::new();
    let no_losses = vec![0; state.simulation.nodes()];
    let mut records: Vec<EventRecord> = Vec::new();
    let mut at = state.simulation.now_nanos();
    let mut next_sample = (at.div_euclid(SCRAPE_INTERVAL) + 1) * SCRAPE_INTERVAL;
    while at < now_nanos {
        if at >= began && state.simulation.scenario() != scenario {
            state.simulation.switch(scenario);
        }
        let change = if at < began { began } else { now_nanos };
        at = next_sample.min(change).min(now_nanos);
        state.advance(at, &mut records);
        rings.append(records.drain(..));
        if at == next_sample {
            next_sample += SCRAPE_INTERVAL;
            if options.file.is_some() {
                for sample in state.metrics.samples(at, &no_losses) {
                    series
                        .entry((sample.family, sample.suffix, sample.labels))
                        .or_default()
                        .push((at, sample.value));
                }
            }
        }
    }
    if state.simulation.scenario() != scenario {
        state.simulation.switch(scenario);
    }
    match &options.file {
        None => Ok(()),
        Some(path) => write_file(path, &series)
            .map_err(|source| HistoryError::Write { path: path.clone(), source }),
    }
}

/// Writes `OpenMetrics` 1.0: each family once, each series' samples in order of time, `# EOF` at
/// the end.
fn write_file(
    path: &Path,
    series: &BTreeMap<(Family, &'static str, String), Points>,
) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write_open_metrics(&mut out, series)?;
    out.flush()
}

fn write_open_metrics(
    out: &mut impl Write,
    series: &BTreeMap<(Family, &'static str, String), Points>,
) -> io::Result<()> {
    let mut family = None;
    for ((of, suffix, labels), points) in series {
        let name = of.name();
        if family != Some(*of) {
            family = Some(*of);
            // The name of a counter's family has no `_total`, but its samples do.
            let base = match of.kind() {
                MetricType::Counter => name.strip_suffix("_total").unwrap_or(name),
                MetricType::Gauge | MetricType::Histogram => name,
            };
            writeln!(out, "# TYPE {base} {}", of.kind().name())?;
            writeln!(out, "# HELP {base} {}", of.help())?;
        }
        for &(at, value) in points {
            writeln!(
                out,
                "{name}{suffix}{labels} {value} {}.{:03}",
                at.div_euclid(SECOND),
                at.rem_euclid(SECOND) / 1_000_000
            )?;
        }
    }
    writeln!(out, "# EOF")
}

#[cfg(test)]
mod tests;
