//! Timeline of repeated acts, so that rates are exact. An act with the pause after it takes 19
//! scrapes, a window of 300 s holds the 20 samples around them, and `rate` is the act's count
//! divided by [`PERIOD_SECS`], at any time after the first round.

use std::fmt::Write as _;

use crate::flows::{Act, SAMPLES, SCRAPE_SECS};
use crate::profile::Profile;
use crate::series::Series;

/// Start of the first act: 2023-11-14 22:00 UTC, at the edge of a block of Prometheus.
pub(crate) const START_SECS: i64 = 1_699_999_200;

/// Number of scrapes in a round.
const ROUND: i64 = 19;

/// Length of a round: an act's count divided by it is the rate.
pub(crate) const PERIOD_SECS: i64 = ROUND * SCRAPE_SECS;

/// Window of rates.
pub(crate) const WINDOW_SECS: i64 = PERIOD_SECS + SCRAPE_SECS;

/// Number of rounds in the dashboard's range.
pub(crate) const SHOWN: i64 = 4;

/// Length of that range. `increase` over it is [`SHOWN`] acts, extrapolated from its samples to its
/// whole length.
pub(crate) const RANGE_SECS: i64 = SHOWN * PERIOD_SECS + SCRAPE_SECS;

/// Seconds between a sample and a query: never at the edge of a window, where Prometheus 2 and 3
/// count differently.
const OFF_SECS: i64 = 7;

/// A cluster and its events: acts, and how often they are played.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) profile: Profile,
    pub(crate) acts: Vec<(Act, u32)>,
}

impl Cluster {
    /// The same act all the time.
    pub(crate) fn steady(profile: Profile, act: Act) -> Self {
        let name = format!("{}-{}", profile.name(), act.name());
        Self { name, profile, acts: vec![(act, 7)] }
    }

    /// More than an hour without policies, then ten minutes of chaos.
    pub(crate) fn rollout(profile: Profile) -> Self {
        let name = format!("{}-rollout", profile.name());
        Self { name, profile, acts: vec![(Act::Open, 16), (Act::Chaos, 2)] }
    }

    /// The time of the last query.
    pub(crate) fn end_secs(&self) -> i64 {
        let rounds: i64 = self.acts.iter().map(|&(_, rounds)| i64::from(rounds)).sum();
        START_SECS + (rounds * ROUND - 1) * SCRAPE_SECS + OFF_SECS
    }

    /// Appends the cluster's samples, in `OpenMetrics` without types. `series` are those of each
    /// act.
    pub(crate) fn write(&self, text: &mut String, series: &[(Act, &Series)]) {
        let of = |act: Act| series.iter().find(|(one, _)| *one == act).unwrap().1;
        let mut keys: Vec<_> = self.acts.iter().flat_map(|&(act, _)| of(act).keys()).collect();
        keys.sort();
        keys.dedup();
        for (name, labels) in keys {
            let scraped = self.profile.scraped(name, labels, &self.name);
            let scraped: Vec<String> =
                scraped.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
            let head = format!("{name}{{{}}}", scraped.join(","));
            let is_counted = !is_level(name);
            let key = (name.clone(), labels.clone());
            let (mut before, mut begun, mut at_secs) = (0.0, false, START_SECS);
            for &(act, rounds) in &self.acts {
                let samples = of(act).get(&key);
                for _ in 0..rounds {
                    let mut value = 0.0;
                    for step in 0..usize::try_from(ROUND).unwrap() {
                        if let Some(now) = samples.and_then(|all| all[step.min(SAMPLES - 1)]) {
                            (value, begun) = (now, true);
                        }
                        if begun {
                            writeln!(text, "{head} {} {at_secs}", before + value).unwrap();
                        }
                        at_secs += SCRAPE_SECS;
                    }
                    if is_counted {
                        before += value;
                    }
                }
            }
        }
    }
}

/// Whether a metric is a level, which does not add up from round to round.
fn is_level(name: &str) -> bool {
    let levels = ["_info", "_tcp_state", "_tcp_connection_remote", "_udp_connection_stats"];
    levels.iter().any(|level| name.ends_with(level))
}
