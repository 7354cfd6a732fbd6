//! Record of all answers of a run, by kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::outcome::Outcome;

/// Maximum number of wrong answers of a kind that are kept as examples.
const MAX_EXAMPLES: usize = 5;

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A load of Flow Logs while nothing else is asked.
    OneLoad,
    /// One of 20 loads of Flow Logs at once.
    TwentyLoads,
    /// A load of Flow Logs, all panels.
    FlowLogs,
    /// A load of Pod Flows (Namespace), all panels.
    PodFlows,
    /// A panel that asks the relay.
    FlowPanel,
    /// A panel that asks Prometheus.
    PrometheusPanel,
    /// An alert rule on flows.
    FlowRule,
    /// An alert rule on metrics.
    MetricsRule,
    Health,
    /// A query whose whole answer is known.
    Known,
    /// A subscription to a live table, or what is wrong with its stream.
    Live,
}

impl Kind {
    /// The name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneLoad => "one load of Flow Logs alone",
            Self::TwentyLoads => "20 loads of Flow Logs at once",
            Self::FlowLogs => "load of Flow Logs",
            Self::PodFlows => "load of Pod Flows (Namespace)",
            Self::FlowPanel => "panel on flows",
            Self::PrometheusPanel => "panel on metrics",
            Self::FlowRule => "alert rule on flows",
            Self::MetricsRule => "alert rule on metrics",
            Self::Health => "health",
            Self::Known => "known answer",
            Self::Live => "live table",
        }
    }
}

/// The answers of a kind.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answers {
    /// Time of each answer, refusals included; sorted in [`Record::answers`].
    took: Vec<Duration>,
    pub(crate) right: usize,
    pub(crate) refused: BTreeMap<String, usize>,
    pub(crate) wrong: usize,
    pub(crate) examples: Vec<String>,
    /// Work that a browser gave up at the next refresh.
    pub(crate) cancelled: usize,
}

impl Answers {
    /// The time within which this share of the answers came, in percent.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.took.len() * percent).div_ceil(100).max(1);
        self.took.get(rank - 1).copied()
    }

    /// The longest time.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.took.last().copied()
    }

    /// The number of answers.
    pub(crate) fn len(&self) -> usize {
        self.took.len()
    }
}

/// The record, which all tasks share.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<BTreeMap<Kind, Answers>>);

impl Record {
    /// Adds an answer.
    pub(crate) fn add(&self, kind: Kind, took: Duration, outcome: Outcome) {
        let mut record = self.lock();
        let answers = record.entry(kind).or_default();
        answers.took.push(took);
        match outcome {
            Outcome::Right => answers.right += 1,
            Outcome::Refused(sentence) => *answers.refused.entry(sentence).or_default() += 1,
            Outcome::Wrong(what) => {
                answers.wrong += 1;
                if answers.examples.len() < MAX_EXAMPLES && !answers.examples.contains(&what) {
                    answers.examples.push(what);
                }
            }
        }
    }

    /// Adds work that was given up.
    pub(crate) fn cancel(&self, kind: Kind) {
        self.lock().entry(kind).or_default().cancelled += 1;
    }

    /// All answers by kind, times sorted.
    pub(crate) fn answers(&self) -> BTreeMap<Kind, Answers> {
        let mut answers = self.lock().clone();
        for answers in answers.values_mut() {
            answers.took.sort_unstable();
        }
        answers
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Kind, Answers>> {
        // Numbers and texts, whole whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let check = |count: u64, percent, expected: Option<u64>| {
            let record = Record::default();
            for millis in (1..=count).rev() {
                record.add(Kind::Health, Duration::from_millis(millis), Outcome::Right);
            }
            let answers = record.answers().remove(&Kind::Health).unwrap_or_default();
            assert_eq!(answers.percentile(percent), expected.map(Duration::from_millis));
        };
        check(0, 99, None);
        check(1, 50, Some(1));
        check(20, 99, Some(20));
        check(100, 99, Some(99));
        check(100, 50, Some(50));
        check(1_000, 99, Some(990));
    }
}
