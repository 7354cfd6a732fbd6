//! Notices about an answer.

use serde::Serialize;

/// Notice about a gap in an answer, or a fact that its reader should know. Serialises as Grafana's
/// `Notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Severity of the notice.
    pub severity: Severity,
    /// Text for the reader.
    pub text: String,
}

/// Severity of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The answer is complete, and the notice explains it.
    Info,
    /// The answer may be incomplete.
    Warning,
    /// The query has no answer.
    Error,
}

impl Severity {
    /// Grafana's name of the severity.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Notice {
    /// Notice that explains a complete answer.
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into() }
    }

    /// Notice about a possible gap in the answer.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }
}
