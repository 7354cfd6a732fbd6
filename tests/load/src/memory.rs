//! The plugin's resident memory over time.

use std::time::Duration;

use tokio::time::{Instant, interval};

/// Pace of the samples.
const PACE: Duration = Duration::from_millis(500);

/// Samples of the resident memory, in KiB.
#[derive(Debug, Default)]
pub(crate) struct Resident(Vec<u64>);

impl Resident {
    /// Samples until `end`. `read` returns KiB.
    pub(crate) async fn sample(end: Instant, read: impl Fn() -> u64) -> Self {
        let mut ticks = interval(PACE);
        let mut samples = Vec::new();
        while ticks.tick().await < end {
            samples.push(read());
        }
        Self(samples)
    }

    /// Growth of the average from the middle third to the last, in percent.
    pub(crate) fn growth(&self) -> f64 {
        let third = self.0.len() / 3;
        let (_, rest) = self.0.split_at(third);
        let (middle, last) = rest.split_at(third);
        let (middle, last) = (average(middle), average(last));
        if middle > 0.0 { (last / middle - 1.0) * 100.0 } else { 0.0 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "KiB of memory are below 2^53")]
fn average(samples: &[u64]) -> f64 {
    samples.iter().sum::<u64>() as f64 / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_last_two_thirds() {
        let check = |samples: &[u64], expected: f64| {
            let growth = Resident(samples.to_vec()).growth();
            assert!((growth - expected).abs() < 0.01, "{samples:?}: {growth}");
        };
        check(&[], 0.0);
        check(&[100], 0.0);
        check(&[50, 100, 100], 0.0);
        check(&[50, 50, 100, 100, 110, 130], 20.0);
        check(&[50, 50, 100, 100, 50, 50], -50.0);
    }
}
