use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// First delay between two attempts.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// Longest delay between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Schedule of further attempts: delays of 0.5 s, 1 s, 2 s, 4 s, 5 s, 5 s, …, each varied by up to
/// 20 %, so that the panels of a dashboard do not all return at the same moment.
///
/// Own, and not the crate `backon`: its jitter only lengthens a delay, up to twice, while a user
/// waits.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    attempts_left: u32,
    next_delay: Duration,
    jitter: u64,
}

impl Backoff {
    /// Schedule with a number of further attempts.
    pub(super) fn new(attempts: u32) -> Self {
        // The seed of a hasher is the only randomness in the standard library.
        Self::with_seed(attempts, RandomState::new().build_hasher().finish())
    }

    fn with_seed(attempts: u32, seed: u64) -> Self {
        Self { attempts_left: attempts, next_delay: FIRST_DELAY, jitter: seed | 1 }
    }

    /// Delay before the next attempt; `None` after the last attempt.
    pub(super) fn next_delay(&mut self) -> Option<Duration> {
        self.attempts_left = self.attempts_left.checked_sub(1)?;
        let delay = self.next_delay;
        self.next_delay = (delay * 2).min(MAX_DELAY);
        Some(delay * self.next_percent() / 100)
    }

    /// Random percentage from 80 to 120, by xorshift.
    fn next_percent(&mut self) -> u32 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        80 + u32::try_from(self.jitter % 41).unwrap_or(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound_and_end() {
        for seed in 0..100 {
            let mut backoff = Backoff::with_seed(6, seed);
            let delays: Vec<u128> = std::iter::from_fn(|| backoff.next_delay())
                .map(|delay| delay.as_millis())
                .collect();
            let middles = [500, 1_000, 2_000, 4_000, 5_000, 5_000];
            assert_eq!(delays.len(), middles.len());
            for (delay, middle) in delays.into_iter().zip(middles) {
                assert!((middle * 4 / 5..=middle * 6 / 5).contains(&delay), "{delay} for {middle}");
            }
            assert_eq!(backoff.next_delay(), None);
        }
    }
}
