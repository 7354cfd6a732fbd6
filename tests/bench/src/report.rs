//! Report of a bench: rows on the terminal as they are measured, and a bench's rows as JSON in
//! `target/bench/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{Race, Spread};

/// Goal of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Minimum of the median.
    AtLeast(f64),
    /// Maximum of the median.
    AtMost(f64),
}

/// One measurement.
#[derive(Debug, Clone)]
pub(crate) struct Measurement {
    /// Short description.
    pub(crate) name: String,
    /// The unit of `ours` and `peer`.
    pub(crate) unit: &'static str,
    pub(crate) ours: Spread,
    /// Name of the peer and its result.
    pub(crate) peer: Option<(&'static str, Spread)>,
    /// Speed in relation to the peer, round by round.
    pub(crate) ratio: Option<Spread>,
    pub(crate) goal: Option<Goal>,
    /// Figures recorded elsewhere, with version and machine.
    pub(crate) recorded: &'static [&'static str],
}

impl Measurement {
    /// Rate per second, with `count` things per round.
    pub(crate) fn rate(name: String, unit: &'static str, count: usize, rounds: &[f64]) -> Self {
        let per_second = |rounds: &[f64]| Spread::of(rounds.iter().map(|s| amount(count) / s));
        Self::value(name, unit, per_second(rounds))
    }

    /// Milliseconds per round.
    pub(crate) fn milliseconds(name: String, rounds: &[f64]) -> Self {
        Self::value(name, "ms", Spread::of(rounds.iter().map(|s| s * 1e3)))
    }

    /// Any number.
    pub(crate) fn value(name: String, unit: &'static str, ours: Spread) -> Self {
        Self { name, unit, ours, peer: None, ratio: None, goal: None, recorded: &[] }
    }

    /// Rate per second beside a peer that does the same.
    pub(crate) fn rate_race(
        name: String,
        unit: &'static str,
        count: usize,
        race: &Race,
        peer: &'static str,
    ) -> Self {
        let theirs = Self::rate(String::new(), unit, count, &race.peer).ours;
        let own = Self::rate(name, unit, count, &race.ours);
        Self { peer: Some((peer, theirs)), ratio: Some(race.ratio()), ..own }
    }

    /// Milliseconds per round beside a peer that does the same.
    pub(crate) fn milliseconds_race(name: String, race: &Race, peer: &'static str) -> Self {
        let theirs = Self::milliseconds(String::new(), &race.peer).ours;
        let own = Self::milliseconds(name, &race.ours);
        Self { peer: Some((peer, theirs)), ratio: Some(race.ratio()), ..own }
    }

    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub(crate) fn recorded(self, recorded: &'static [&'static str]) -> Self {
        Self { recorded, ..self }
    }

    fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => self.ours.median >= least,
            Goal::AtMost(most) => self.ours.median <= most,
        })
    }
}

/// A count as a float for divisions.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
pub(crate) fn amount(count: usize) -> f64 {
    count as f64
}

/// The rows of one bench.
#[derive(Debug)]
pub(crate) struct BenchReport {
    name: &'static str,
    rows: Vec<Measurement>,
}

impl BenchReport {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new() }
    }

    /// Prints a row and keeps it.
    pub(crate) fn add(&mut self, row: Measurement) {
        let goal = match (row.goal, row.is_met()) {
            (Some(Goal::AtLeast(least)), Some(met)) => format!("≥ {} {}", short(least), word(met)),
            (Some(Goal::AtMost(most)), Some(met)) => format!("≤ {} {}", short(most), word(met)),
            _ => String::new(),
        };
        println!("  {:<58} {:>26} {:<14} {goal}", row.name, three(row.ours), row.unit);
        if let (Some((peer, theirs)), Some(ratio)) = (row.peer, row.ratio) {
            println!(
                "    {:<56} {:>26} {:<14} {} times",
                format!("beside {peer}"),
                three(theirs),
                row.unit,
                three(ratio)
            );
        }
        for line in row.recorded {
            println!("    recorded: {line}");
        }
        self.rows.push(row);
    }

    /// Writes the JSON.
    ///
    /// Errors: the file cannot be written.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let folder = folder();
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", self.name));
        let rows: Vec<Value> = self.rows.iter().map(as_json).collect();
        let page = json!({"bench": self.name, "machine": machine(), "rows": rows});
        fs::write(&path, format!("{page:#}\n"))?;
        println!("  → {}", path.display());
        Ok(())
    }
}

fn as_json(row: &Measurement) -> Value {
    let spread = |s: Spread| json!({"min": s.min, "median": s.median, "max": s.max});
    let goal = row.goal.map(|goal| match goal {
        Goal::AtLeast(least) => json!({"atLeast": least}),
        Goal::AtMost(most) => json!({"atMost": most}),
    });
    json!({
        "name": row.name,
        "unit": row.unit,
        "ours": spread(row.ours),
        "peer": row.peer.map(|(name, own)| json!({"name": name, "value": spread(own)})),
        "ratio": row.ratio.map(spread),
        "goal": goal,
        "met": row.is_met(),
        "recorded": row.recorded,
    })
}

/// `target/bench` in any target folder: the binary is two folders below it.
fn folder() -> PathBuf {
    let binary = std::env::current_exe().unwrap_or_default();
    let target = binary.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("target"));
    target.join("bench")
}

/// Description of the machine in one line.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "{model}, {count} processors, load {load}; release without link-time optimisation; least / median / most of the rounds"
    )
}

fn word(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

fn three(spread: Spread) -> String {
    format!("{} / {} / {}", short(spread.min), short(spread.median), short(spread.max))
}

/// Three significant digits, with a letter for thousands.
fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    match scaled.abs() {
        v if v >= 100.0 => format!("{scaled:.0}{suffix}"),
        v if v >= 10.0 => format!("{scaled:.1}{suffix}"),
        _ => format!("{scaled:.2}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        fn check(value: f64, expect: &str) {
            assert_eq!(short(value), expect);
        }
        check(0.254, "0.25");
        check(12.34, "12.3");
        check(1234.0, "1234");
        check(48_300.0, "48.3k");
        check(5_000_000.0, "5.00M");
        check(2.5e9, "2.50G");
    }

    #[test]
    fn the_median_decides_on_a_goal() {
        let ours = Spread { min: 1.0, median: 4.0, max: 9.0 };
        let row = |goal| Measurement::value(String::new(), "ms", ours).goal(goal).is_met();
        assert_eq!(row(Goal::AtMost(3.0)), Some(false));
        assert_eq!(row(Goal::AtMost(4.0)), Some(true));
        assert_eq!(row(Goal::AtLeast(4.1)), Some(false));
    }
}
