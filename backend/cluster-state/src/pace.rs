//! Times of listing and watching.

use std::time::Duration;

/// Times of listing and watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Time limit for connecting.
    pub connect_within: Duration,
    /// Time limit for an answer to begin.
    pub answer_within: Duration,
    /// Length of a watch, which is then begun again from where it ended, in whole seconds.
    pub watch_for: Duration,
    /// Longest silence of a watch; longer than it may last.
    pub silence: Duration,
    /// Wait after the first failure; each further one doubles it.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
    /// Wait after an answer that only the user can change: a missing right, a missing resource.
    pub lasting_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(30),
            watch_for: Duration::from_mins(1),
            silence: Duration::from_secs(75),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            lasting_wait: Duration::from_mins(1),
        }
    }
}

impl Pace {
    /// Wait after a number of failures.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.longest_wait)
    }
}
