//! Notices about an answer.

use serde::Serialize;

/// A fact that an answer lacks, or that its reader should know. Serialises as Grafana's `Notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How much it weighs.
    pub severity: Severity,
    /// A sentence for the reader.
    pub text: String,
}

/// The weight of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The answer is complete; this explains it.
    Info,
    /// The answer may lack something.
    Warning,
    /// There is no answer.
    Error,
}

impl Severity {
    /// Grafana's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Notice {
    /// A notice that explains a complete answer.
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into() }
    }

    /// A notice that something may be missing.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }
}
