//! The figures of a run beside its goals.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::record::{Answers, Kind};

/// A figure and its goal.
#[derive(Debug)]
pub(crate) struct Goal {
    what: String,
    wanted: String,
    found: String,
    met: bool,
    /// Whether the run fails if the goal is missed.
    counts: bool,
}

/// The goals of a run.
#[derive(Debug, Default)]
pub(crate) struct Goals(Vec<Goal>);

impl Goals {
    /// Adds a goal that every run has to meet.
    pub(crate) fn add(&mut self, what: &str, wanted: &str, found: impl fmt::Display, met: bool) {
        self.0.push(Goal {
            what: what.to_owned(),
            wanted: wanted.to_owned(),
            found: found.to_string(),
            met,
            counts: true,
        });
    }

    /// Adds a time limit. `counts`: the run fails if it is exceeded or nothing was measured.
    pub(crate) fn time(
        &mut self,
        what: String,
        found: Option<Duration>,
        limit: Duration,
        counts: bool,
    ) {
        self.0.push(Goal {
            what,
            wanted: format!("≤ {}", seconds(limit)),
            found: found.map_or_else(|| "nothing measured".to_owned(), seconds),
            met: found.is_some_and(|found| found <= limit),
            counts,
        });
    }

    /// Whether all goals that count are met.
    pub(crate) fn are_met(&self) -> bool {
        self.0.iter().all(|goal| goal.met || !goal.counts)
    }

    /// Prints the goals as a table.
    pub(crate) fn print(&self) {
        let rows = self.0.iter().map(|goal| {
            let verdict = match (goal.met, goal.counts) {
                (true, _) => "met",
                (false, true) => "MISSED",
                (false, false) => "missed (does not count here)",
            };
            [&goal.what, &goal.wanted, &goal.found, verdict].map(str::to_owned)
        });
        print_table(["figure", "goal", "found", ""], rows);
    }
}

/// Prints all answers by kind, the sentences of refusals, and examples of wrong answers.
pub(crate) fn print_answers(answers: &BTreeMap<Kind, Answers>) {
    let time = |time: Option<Duration>| time.map_or_else(String::new, seconds);
    let rows = answers.iter().map(|(kind, answers)| {
        [
            kind.name().to_owned(),
            answers.len().to_string(),
            answers.right.to_string(),
            answers.refused.values().sum::<usize>().to_string(),
            answers.wrong.to_string(),
            answers.cancelled.to_string(),
            time(answers.percentile(50)),
            time(answers.percentile(99)),
            time(answers.longest()),
        ]
    });
    let heads =
        ["kind", "answers", "right", "refused", "wrong", "given up", "p50", "p99", "longest"];
    print_table(heads, rows);
    println!();
    for (kind, answers) in answers {
        for (sentence, count) in &answers.refused {
            println!("{}: {count} times: {sentence}", kind.name());
        }
        for example in &answers.examples {
            println!("{}: WRONG: {}", kind.name(), example);
        }
    }
}

/// Prints rows as a Markdown table.
fn print_table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let rows: Vec<[String; N]> = rows.collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let head = heads.get(at).map_or(0, |head| head.chars().count());
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(head)
    };
    let line = |cells: [&str; N]| {
        let mut line = String::from("|");
        for (at, cell) in cells.into_iter().enumerate() {
            let width = width(at);
            line = format!("{line} {cell:width$} |");
        }
        println!("{line}");
    };
    line(heads);
    line([" --- "; N].map(str::trim));
    for row in &rows {
        line(row.each_ref().map(String::as_str));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
