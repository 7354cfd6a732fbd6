//! Support for Hubble's API by releases of Cilium: filters, fields of a flow, and field masks.
//!
//! A relay forwards requests to its nodes including the fields that it does not know itself, so the
//! releases of the nodes count. A node ignores unknown fields of a filter, which makes the filter
//! match more, and refuses a mask with an unknown path. Source: the history of Cilium's
//! `api/v1/flow/flow.proto`, `api/v1/observer/observer.proto` and `pkg/hubble/filters`.

mod columns;
mod filter;
#[cfg(test)]
mod tests;

pub use columns::{columns_since, mask_paths};
pub use filter::{SupportedFilters, UnsupportedCondition, supported_filters};

use std::fmt;

/// Release of Cilium. Its patch releases share one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// Major version: the 1 of 1.18.
    pub major: u32,
    /// Minor version: the 18 of 1.18.
    pub minor: u32,
}

/// Suffixes of versions that precede the release with their number.
const BEFORE_RELEASE: [&str; 7] = ["dev", "pre", "rc", "snapshot", "alpha", "beta", "nightly"];

impl Release {
    /// First release with field masks, then as an experiment.
    pub const MASKED: Self = Self::new(1, 14);

    const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads a version in the form that nodes report: `cilium v1.18.2+g5bd307a8`, `1.18.2`. A
    /// pre-release such as `1.18.0-rc.1` counts as the release before. `None` if the text has no
    /// version.
    pub fn read(version: &str) -> Option<Self> {
        version.split_ascii_whitespace().find_map(|word| {
            let word = word.strip_prefix('v').unwrap_or(word);
            let (major, rest) = word.split_once('.')?;
            let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
            let (minor, rest) = rest.split_at_checked(end)?;
            let release = Self::new(major.parse().ok()?, minor.parse().ok()?);
            let rest = rest.split_once('+').map_or(rest, |(before, _)| before);
            let is_before = rest.split_once('-').is_some_and(|(_, suffix)| {
                BEFORE_RELEASE.iter().any(|known| suffix.starts_with(known))
            });
            let minor = release.minor.saturating_sub(u32::from(is_before));
            Some(Self { minor, ..release })
        })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
