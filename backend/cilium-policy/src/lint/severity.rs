//! Severities of findings.

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy does not do what it says.
    Error,
    /// The policy may do something else than it seems to.
    Warning,
    /// Good to know.
    Hint,
}

impl Severity {
    /// `error`, `warning`, `hint`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}
