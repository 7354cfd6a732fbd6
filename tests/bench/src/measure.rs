//! Rounds of our code and a peer's in turn, so that other load on the machine affects both.

use std::time::{Duration, Instant};

/// Least, median and most of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of some values; all zeros without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        Self { min: at(0), median: at(values.len() / 2), max: at(values.len().saturating_sub(1)) }
    }
}

/// Seconds of each round, for our code and the peer's.
#[derive(Debug, Clone)]
pub(crate) struct Race {
    pub(crate) ours: Vec<f64>,
    pub(crate) peer: Vec<f64>,
}

impl Race {
    /// The peer's time divided by ours, round by round.
    pub(crate) fn ratio(&self) -> Spread {
        Spread::of(self.ours.iter().zip(&self.peer).map(|(ours, peer)| peer / ours))
    }

    /// Our time divided by the peer's, round by round.
    pub(crate) fn share(&self) -> Spread {
        Spread::of(self.ours.iter().zip(&self.peer).map(|(ours, peer)| ours / peer))
    }
}

/// Runs both in turn, after one uncounted round of each.
pub(crate) fn race(rounds: usize, mut ours: impl FnMut(), mut peer: impl FnMut()) -> Race {
    ours();
    peer();
    let mut race = Race { ours: Vec::new(), peer: Vec::new() };
    for _ in 0..rounds {
        race.ours.push(seconds(&mut ours));
        race.peer.push(seconds(&mut peer));
    }
    race
}

/// Seconds of each round of code without a peer.
pub(crate) fn rounds(rounds: usize, mut ours: impl FnMut()) -> Vec<f64> {
    ours();
    (0..rounds).map(|_| seconds(&mut ours)).collect()
}

fn seconds(work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    // The clock's resolution, so that nothing is divided by zero.
    start.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_least_median_and_most() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { min: 1.0, median: 2.0, max: 3.0 });
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let race = Race { ours: vec![1.0, 2.0], peer: vec![10.0, 10.0] };
        assert_eq!(race.ratio(), Spread { min: 5.0, median: 10.0, max: 10.0 });
        assert_eq!(race.share(), Spread { min: 0.1, median: 0.2, max: 0.2 });
    }
}
