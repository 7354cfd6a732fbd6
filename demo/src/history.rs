//! The past: simulated as fast as the machine can, and written down as OpenMetrics so that a
//! Prometheus can be given it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hubble::ring::Rings;
use crate::metrics::{Family, Kind};
use crate::record::Record;
use crate::scenario::Scenario;
use crate::shop::State;
use crate::traffic::SECOND;

/// How far the samples are apart, in nanoseconds: the scrape interval.
const SCRAPE_INTERVAL: i64 = 15 * SECOND;

/// What to live through before going live.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// How far back it begins.
    pub span: Duration,
    /// Where the samples go; `None` fills counters and rings alone.
    pub file: Option<PathBuf>,
    /// How long ago the scenario began.
    pub scenario_for: Duration,
    /// What was on before it.
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

/// Why the history could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be made or written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The simulation was cut off.
    #[error("the simulation was interrupted: {0}")]
    Interrupted(String),
}

/// One series over time: nanoseconds since the Unix epoch, value.
type Points = Vec<(i64, f64)>;

/// Lives through the past up to `now_nanos`. Counters and rings are as if the shop had run all
/// the time.
pub(crate) fn write_history(
    options: &HistoryOptions,
    scenario: Scenario,
    now_nanos: i64,
    state: &mut State,
    rings: &Rings,
) -> Result<(), HistoryError> {
    let began = now_nanos - nanos(options.scenario_for).min(options.span_nanos());
    state.simulation.switch(options.before);
    let mut series: BTreeMap<(Family, &'static str, String), Points> = BTreeMap::new();
    let no_losses = vec![0; state.simulation.nodes()];
    let mut records: Vec<Record> = Vec::new();
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

/// `OpenMetrics` 1.0: each family once, each series' samples in order of time, `# EOF` at the end.
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
            // A counter's family goes without `_total`, its samples with it.
            let base = match of.kind() {
                Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
                Kind::Gauge | Kind::Histogram => name,
            };
            writeln!(out, "# TYPE {base} {}", of.kind().word())?;
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
