//! What is allowed, and still not what its author meant.

mod dns;
mod duplicates;
mod left_out;
mod rules;
mod selectors;
mod text;
mod widened;

use crate::{PolicySet, Position, SourceText};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Names the lint, for good: `empty-direction`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, in one sentence.
    pub sentence: String,
    /// Index of the source text; none where no text is to blame.
    pub source: Option<usize>,
    /// Where.
    pub at: Position,
    /// `Kind/namespace/name`, or empty.
    pub policy: String,
    /// What the flows say to it, each as a line.
    pub evidence: Vec<String>,
    /// What to write instead, where that is mechanical.
    pub fix: Option<String>,
    /// Another place that it speaks of: index of the source text, and where.
    pub other: Option<(usize, Position)>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy does not do what it says.
    Error,
    /// It may do something else than it seems to.
    Warning,
    /// Good to know.
    Hint,
}

/// Findings of one run; a folder of generated policies may have any number.
const MAX_FINDINGS: usize = 10_000;

impl Finding {
    /// The sentence, with the other place that it speaks of; `name` names the files.
    #[must_use]
    pub fn text<'n>(&self, name: impl Fn(usize) -> Option<&'n str>) -> String {
        let Some((source, at)) = self.other else { return self.sentence.clone() };
        match name(source).filter(|name| !name.is_empty()) {
            Some(name) => format!("{} ({name}:{})", self.sentence, at.line),
            None => format!("{} (line {})", self.sentence, at.line),
        }
    }
}

/// Looks at policies and their texts. `names` are those of the files by the texts' indices; empty
/// where the texts are not files.
#[must_use]
pub fn lint(set: &PolicySet, texts: &[SourceText<'_>], names: &[&str]) -> Vec<Finding> {
    in_order(findings(set, texts, names, |_| false))
}

/// The findings of [`lint`], in no order, for callers who add to them. `is_kept` says of a label's
/// key whether identities are known to carry it: an agent may keep what others leave out.
pub fn findings(
    set: &PolicySet,
    texts: &[SourceText<'_>],
    names: &[&str],
    is_kept: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    refusals(set, &mut findings);
    for text in texts {
        text::lint(*text, set.settings(), &mut findings);
    }
    rules::lint(set, texts, names, &mut findings);
    selectors::lint(set, &mut findings);
    left_out::lint(set, is_kept, &mut findings);
    findings
}

/// Findings in the order of their places, as many as one run gives.
#[must_use]
pub fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    crate::sorted::sort_by(&mut findings, |one, other| {
        (one.source, one.at, one.severity, one.id, &one.sentence).cmp(&(
            other.source,
            other.at,
            other.severity,
            other.id,
            &other.sentence,
        ))
    });
    findings.truncate(MAX_FINDINGS);
    findings
}

/// Refused policies enforce nothing, which is worth more than an error in a log.
fn refusals(set: &PolicySet, findings: &mut Vec<Finding>) {
    use crate::{RefusalCase, RefusalClass};
    for refused in set.refused() {
        let id = match (refused.refusal.class, refused.refusal.case) {
            (RefusalClass::NotAPolicy | RefusalClass::Read, _) => continue,
            (RefusalClass::Syntax, _) => "not-yaml",
            (RefusalClass::UnknownKind, _) => "unknown-kind",
            (_, RefusalCase::RemovedField) => "removed-field",
            (_, RefusalCase::UnknownField) => "unknown-field",
            (_, RefusalCase::UnquotedBoolean) => "unquoted-boolean",
            (_, RefusalCase::WrongType) => "wrong-type",
            (_, RefusalCase::NoRules) => "empty-direction",
            (_, RefusalCase::TwoPeerKinds) => "two-peer-kinds",
            (_, RefusalCase::Other) => "refused",
        };
        let whole = if refused.refusal.is_in_specs {
            "; with it, every other entry of `specs` is refused too"
        } else {
            ""
        };
        findings.push(Finding {
            id,
            severity: Severity::Error,
            sentence: format!("{}: {}{whole}", refused.refusal.class.sentence(), refused.refusal),
            source: Some(refused.source),
            at: refused.refusal.at,
            policy: refused.name.clone(),
            evidence: Vec::new(),
            fix: (id == "empty-direction").then(|| "ingress:\n- {}".to_owned()),
            other: None,
        });
    }
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
