//! Findings, which only a lint can make.

use super::{registry::Lint, severity::Severity};
use crate::{Policy, Position};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    id: &'static str,
    severity: Severity,
    /// The finding in one sentence.
    pub message: String,
    /// Index of the source text; none where the finding is about flows alone.
    pub source: Option<usize>,
    /// Place in the source text.
    pub at: Position,
    /// `Kind/namespace/name`, or empty.
    pub policy: String,
    /// Evidence from flows, a line each.
    pub evidence: Vec<String>,
    /// YAML to write instead, where it follows from the finding.
    pub fix: Option<String>,
    /// Second place that the message refers to: index of the source text, and position.
    pub other: Option<(usize, Position)>,
}

impl Finding {
    /// A finding of a lint, without a place.
    #[inline]
    #[must_use]
    pub fn of<L: Lint>(message: String) -> Self {
        Self::new(L::ID, L::SEVERITY, message)
    }

    const fn new(id: &'static str, severity: Severity, message: String) -> Self {
        Self {
            id,
            severity,
            message,
            source: None,
            at: Position { line: 0, column: 0 },
            policy: String::new(),
            evidence: Vec::new(),
            fix: None,
            other: None,
        }
    }

    /// The finding with another severity than its lint usually has: one of [`Lint::OTHERS`].
    #[must_use]
    pub const fn graded(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The finding at a place of a policy; without a policy, no text is named.
    #[must_use]
    pub fn in_policy(mut self, policy: Option<&Policy>, at: Position) -> Self {
        self.source = policy.map(|policy| policy.source);
        self.policy = policy.map(|policy| policy.name.to_string()).unwrap_or_default();
        self.at = at;
        self
    }

    /// The finding with what flows say.
    #[must_use]
    pub fn with_evidence(mut self, evidence: Vec<String>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Id of the lint: `empty-direction`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// Severity of the finding.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether a lint made it.
    #[inline]
    #[must_use]
    pub fn is<L: Lint>(&self) -> bool {
        self.id == L::ID
    }

    /// The message, with its second place; `name` gives the names of files.
    #[must_use]
    pub fn text<'n>(&self, name: impl Fn(usize) -> Option<&'n str>) -> String {
        let Some((source, at)) = self.other else { return self.message.clone() };
        match name(source).filter(|name| !name.is_empty()) {
            Some(name) => format!("{} ({name}:{})", self.message, at.line),
            None => format!("{} (line {})", self.message, at.line),
        }
    }
}
