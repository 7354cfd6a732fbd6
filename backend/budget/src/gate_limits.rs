//! The limits of a gate.

use std::time::Duration;

/// The limits of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// Maximum number of permits in use; at least 1.
    pub permits: usize,
    /// Maximum number of permits of one organisation, whose work may never end; at least 1.
    pub permits_per_org: usize,
    /// Number of permits that only alert rules may use. One permit always remains for people.
    pub kept_for_alerts: usize,
    /// Maximum number of pieces of work that wait.
    pub waiting: usize,
    /// Maximum number of them of one organisation and purpose.
    pub waiting_per_org: usize,
    /// Maximum time of waiting.
    pub patience: Duration,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self {
            permits: 12,
            permits_per_org: usize::MAX,
            kept_for_alerts: 2,
            waiting: 1_000,
            waiting_per_org: 500,
            patience: Duration::from_secs(10),
        }
    }
}

impl GateLimits {
    /// Number of permits that people may use.
    pub(crate) fn for_people(self) -> usize {
        self.permits.saturating_sub(self.kept_for_alerts).max(1)
    }
}
