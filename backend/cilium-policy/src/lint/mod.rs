//! Lints: policies that are allowed, and probably not what their author meant.

mod dns;
mod duplicates;
mod finding;
mod left_out;
mod pod_selectors;
pub mod registry;
mod rules;
mod selectors;
mod severity;
mod text;
mod widened;

use self::registry::{
    EmptyDirection, NotYaml, Refused, RemovedField, TwoPeerKinds, UnknownField, UnknownKind,
    UnquotedBoolean, WrongType,
};
pub use self::{finding::Finding, severity::Severity};
use crate::{PolicySet, RefusalCase, RefusalClass, SourceText};

/// Most findings of one run: a folder of generated policies may have any number.
const MAX_FINDINGS: usize = 10_000;

/// Findings about policies and their texts. `names` are the files' names by the texts' indices; it is empty
/// where the texts are not files.
#[must_use]
pub fn lint(set: &PolicySet, texts: &[SourceText<'_>], names: &[&str]) -> Vec<Finding> {
    sorted_findings(unsorted_findings(set, texts, names, |_| false))
}

/// Findings of [`lint`] without an order, for callers that add findings. `is_kept` answers whether identities
/// are known to carry a label's key: an agent's option may keep labels that other agents leave out.
pub fn unsorted_findings(
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

/// Findings sorted by source text and position, 10,000 at most.
#[must_use]
pub fn sorted_findings(mut findings: Vec<Finding>) -> Vec<Finding> {
    crate::sorted::sort_by(&mut findings, |one, other| {
        (one.source, one.at, one.severity(), one.id(), &one.message).cmp(&(
            other.source,
            other.at,
            other.severity(),
            other.id(),
            &other.message,
        ))
    });
    findings.truncate(MAX_FINDINGS);
    findings
}

/// Refused policies, of which nothing is enforced.
fn refusals(set: &PolicySet, findings: &mut Vec<Finding>) {
    for refused in set.refused() {
        let refusal = &refused.refusal;
        let of: fn(String) -> Finding = match (refusal.class, refusal.case) {
            (RefusalClass::NotAPolicy | RefusalClass::Read, _) => continue,
            (RefusalClass::Syntax, _) => Finding::of::<NotYaml>,
            (RefusalClass::UnknownKind, _) => Finding::of::<UnknownKind>,
            (_, RefusalCase::RemovedField) => Finding::of::<RemovedField>,
            (_, RefusalCase::UnknownField) => Finding::of::<UnknownField>,
            (_, RefusalCase::UnquotedBoolean) => Finding::of::<UnquotedBoolean>,
            (_, RefusalCase::WrongType) => Finding::of::<WrongType>,
            (_, RefusalCase::NoRules) => Finding::of::<EmptyDirection>,
            (_, RefusalCase::TwoPeerKinds) => Finding::of::<TwoPeerKinds>,
            (_, RefusalCase::Other) => Finding::of::<Refused>,
        };
        let whole = if refusal.is_in_specs {
            "; with it, every other entry of `specs` is refused too"
        } else {
            ""
        };
        let mut finding = of(format!("{}: {refusal}{whole}", refusal.class.summary()));
        finding.source = Some(refused.source);
        finding.at = refusal.at;
        finding.policy.clone_from(&refused.name);
        finding.fix = (refusal.case == RefusalCase::NoRules).then(|| "ingress:\n- {}".to_owned());
        findings.push(finding);
    }
}
