use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Longest delay before the second attempt.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// Longest delay between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(10);

/// Maximum number of retries that a client has saved up.
const MAX_SAVED_RETRIES: u32 = 10;
/// Number of requests that pay for one retry.
const REQUESTS_PER_RETRY: u32 = 10;

/// Schedule of further attempts: random delays of up to 1 s, 2 s, 4 s, 8 s, 10 s, 10 s, …, so that the panels
/// of a dashboard and the users of a relay do not all return at the same moment.
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
        let longest = self.next_delay;
        self.next_delay = (longest * 2).min(MAX_DELAY);
        Some(longest * self.next_thousandths() / 1_000)
    }

    /// Random number from 0 to 1,000, by xorshift.
    fn next_thousandths(&mut self) -> u32 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        u32::try_from(self.jitter % 1_001).unwrap_or(500)
    }
}

/// Budget of a client for retries: one for ten requests, and ten saved up. A relay that comes back after a
/// break gets at most a tenth more than its load, and not several times as much. Streams that follow are
/// outside: they are few, and their delays are long.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// Requests that have not paid for a retry yet.
    requests: AtomicU32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { requests: AtomicU32::new(MAX_SAVED_RETRIES * REQUESTS_PER_RETRY) }
    }
}

impl RetryBudget {
    /// Counts a request.
    pub(super) fn count_request(&self) {
        let counted =
            |requests| (requests < MAX_SAVED_RETRIES * REQUESTS_PER_RETRY).then_some(requests + 1);
        // Saved up enough: nothing changes.
        let _full = self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    }

    /// Takes a retry. Returns whether there was one.
    pub(super) fn take_retry(&self) -> bool {
        let paid = |requests: u32| requests.checked_sub(REQUESTS_PER_RETRY);
        self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_random_up_to_a_bound_that_doubles() {
        let longest = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000];
        let mut means = [0; 6];
        for seed in 0..1_000 {
            let mut backoff = Backoff::with_seed(6, RandomState::new().hash_one(seed));
            let delays: Vec<u128> = std::iter::from_fn(|| backoff.next_delay())
                .map(|delay| delay.as_millis())
                .collect();
            assert_eq!(delays.len(), longest.len());
            for ((delay, longest), mean) in delays.into_iter().zip(longest).zip(&mut means) {
                assert!(delay <= longest, "{delay} for {longest}");
                *mean += delay;
            }
            assert_eq!(backoff.next_delay(), None);
        }
        for (sum, longest) in means.into_iter().zip(longest) {
            let mean = sum / 1_000;
            assert!((longest * 4 / 10..longest * 6 / 10).contains(&mean), "{mean} for {longest}");
        }
    }

    #[test]
    fn retries_are_a_tenth_of_the_requests() {
        let budget = RetryBudget::default();
        let retries = |budget: &RetryBudget| (0..100).filter(|_| budget.take_retry()).count();
        assert_eq!(retries(&budget), 10, "saved up");
        for _ in 0..39 {
            budget.count_request();
        }
        assert_eq!(retries(&budget), 3);
        budget.count_request();
        assert_eq!(retries(&budget), 1);
        for _ in 0..1_000 {
            budget.count_request();
        }
        assert_eq!(retries(&budget), 10, "no more than that is saved up");
    }
}
