//! Reasons for a flow's verdict, with the deciding lines of the policies.

use cilium_policy::{Direction, EntryId, Policy, PolicyId, PolicySet, Position, Verdict};
use hubble_verdict::{JudgeFlows, Judgement, Unjudged};
use serde::Serialize;

use super::location::PolicyLocation;
use super::policy_files::PolicyFiles;
use crate::table::Table;

/// Maximum number of listed rules of one kind; further ones are counted.
const MAX_RULES: usize = 40;

/// A judged flow, in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Explanation {
    /// The proof in the record and the policies' verdict.
    sentence: String,
    /// Agreement: `agrees`, `differs`, `cannot tell`; null if policy has no verdict on the flow.
    agreement: Option<&'static str>,
    /// Comparison of record and policies, in words.
    comparison: String,
    /// The policies' verdict: `allowed`, `denied`, `cannot tell`.
    #[cfg_attr(feature = "typescript", ts(type = "Computed | null"))]
    verdict: Option<&'static str>,
    #[serde(flatten)]
    reasons: Reasons,
    /// Hubble's policies beside those that decide here.
    attribution: Option<Attribution>,
}

/// Grounds of a verdict.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Reasons {
    /// Rules that decided, or the policies that turned the default to deny.
    deciding: Vec<Rule>,
    near_misses: Vec<Rule>,
    /// Rules that match too, with the reason why they did not count.
    lost: Vec<Rule>,
    /// Number of rules that are not listed above.
    more: usize,
    /// Facts that the flow lacks.
    missing: Vec<String>,
    /// Further notes.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Attribution {
    hubble: Vec<String>,
    ours: Vec<String>,
    /// Whether the two agree; null if that cannot be known.
    agrees: Option<bool>,
    sentence: &'static str,
}

/// A rule with its place.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Rule {
    policy: String,
    /// The rule's clause: `ingress[0]`; empty for the whole policy.
    clause: String,
    /// A note on the rule; may be empty.
    text: String,
    #[serde(flatten)]
    location: PolicyLocation,
}

/// A document that is not a policy, or that Cilium refuses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct RefusedDocument {
    name: String,
    /// Number of the document in its file, from 1.
    document: usize,
    reason: String,
    /// The refusing component, and the effect of the refusal.
    refusal: &'static str,
    /// Whether it is a policy. False: another kind of object, which is not an error among
    /// manifests.
    is_policy: bool,
    #[serde(flatten)]
    location: PolicyLocation,
}

/// A row that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no flow in row {row}")]
pub(crate) struct NoSuchRow {
    row: u32,
}

/// The reasons for the verdict on a row's flow.
///
/// Errors: the row does not exist.
pub(crate) fn explained(
    table: &mut Table,
    policies: &mut PolicyFiles,
    row: u32,
) -> Result<Explanation, NoSuchRow> {
    table.prepare(policies);
    let flow = table.flows.flow(row as usize).ok_or(NoSuchRow { row })?;
    let judgement = policies.judge.explain_flow(&flow, table.learned());
    Ok(Explanation::of(policies, judgement))
}

/// Refused documents of the files.
pub(crate) fn refused(policies: &PolicyFiles) -> Vec<RefusedDocument> {
    let documents = policies.set().refused().iter();
    documents
        .map(|refused| RefusedDocument {
            name: refused.name.clone(),
            document: refused.document,
            reason: refused.refusal.to_string(),
            refusal: refused.refusal.class.summary(),
            is_policy: refused.refusal.class.is_error(),
            location: PolicyLocation::of(policies, refused.source, refused.refusal.at),
        })
        .collect()
}

impl Explanation {
    /// A judgement in words.
    pub(super) fn of(policies: &PolicyFiles, judgement: Result<Judgement, Unjudged>) -> Self {
        let judgement = match judgement {
            Ok(judgement) => judgement,
            Err(why) => return Self::unjudged(why),
        };
        Self {
            sentence: format!(
                "Observed: {}. Computed: {}.",
                judgement.observed.why,
                judgement.sentence(policies.set())
            ),
            agreement: Some(judgement.agreement.name()),
            comparison: judgement.comparison(),
            verdict: Some(judgement.verdict.name()),
            reasons: Reasons::of(policies, &judgement),
            attribution: attribution(&judgement),
        }
    }

    fn unjudged(why: Unjudged) -> Self {
        Self {
            sentence: format!("Not judged: {why}."),
            agreement: None,
            comparison: String::new(),
            verdict: None,
            reasons: Reasons::default(),
            attribution: None,
        }
    }
}

impl Reasons {
    pub(crate) fn of(policies: &PolicyFiles, judgement: &Judgement) -> Self {
        let lists = RuleLists { policies, set: policies.set(), judgement };
        let mut more = 0;
        let mut listed = |mut rules: Vec<Rule>| {
            more += rules.len().saturating_sub(MAX_RULES);
            rules.truncate(MAX_RULES);
            rules
        };
        let (deciding, near_misses, lost) =
            (listed(lists.deciding()), listed(lists.near_misses()), listed(lists.lost()));
        let mut missing: Vec<String> =
            judgement.explanation.missing.iter().map(ToString::to_string).collect();
        if let Some(l7) = &judgement.l7 {
            missing.extend(l7.missing.iter().map(ToString::to_string));
        }
        Self { deciding, near_misses, lost, more, missing, notes: lists.notes() }
    }
}

/// Rules of a judgement, as they are listed.
struct RuleLists<'o> {
    policies: &'o PolicyFiles,
    set: &'o PolicySet,
    judgement: &'o Judgement,
}

impl RuleLists<'_> {
    fn deciding(&self) -> Vec<Rule> {
        let explanation = &self.judgement.explanation;
        let of_proxy = self.judgement.l7.as_ref().filter(|l7| !l7.rules.is_empty());
        if let Some(l7) = of_proxy {
            let text = if l7.verdict == Verdict::Allowed { "" } else { "does not allow it" };
            return l7
                .rules
                .iter()
                .filter_map(|rule| self.rule(rule.entry, Some(rule.at), text.to_owned()))
                .collect();
        }
        if !explanation.deciding.is_empty() {
            let rules = explanation.deciding.iter();
            return rules.filter_map(|rule| self.rule(rule.entry, None, String::new())).collect();
        }
        explanation
            .default_deny
            .iter()
            .filter_map(|by| {
                let policy = self.set.policies().get(by.policy)?;
                let at = self.first_rule(by.policy, self.judgement.connection.direction);
                Some(Rule {
                    policy: policy.name.to_string(),
                    clause: self.judgement.connection.direction.name().to_owned(),
                    text: "turns the default to deny".to_owned(),
                    location: self.location(policy, at.unwrap_or(policy.at)),
                })
            })
            .collect()
    }

    /// Position of a policy's first rule for a direction.
    fn first_rule(&self, policy: PolicyId, direction: Direction) -> Option<Position> {
        let mut entries = self.set.entries().iter();
        Some(entries.find(|entry| entry.policy == policy && entry.direction == direction)?.at)
    }

    fn near_misses(&self) -> Vec<Rule> {
        let traffic = self.judgement.connection.traffic;
        let by_policy = self.judgement.explanation.default_deny.iter();
        by_policy
            .flat_map(|by| &by.misses)
            .filter_map(|miss| self.rule(miss.entry, Some(miss.at), miss.miss.reason(traffic)))
            .collect()
    }

    fn lost(&self) -> Vec<Rule> {
        let lost = self.judgement.explanation.lost.iter();
        lost.filter_map(|lost| self.rule(lost.entry, None, lost.loss.reason().to_owned())).collect()
    }

    fn rule(&self, entry: EntryId, at: Option<Position>, text: String) -> Option<Rule> {
        let policy = self.set.policy_of(entry)?;
        let entry = self.set.get(entry)?;
        Some(Rule {
            policy: policy.name.to_string(),
            clause: entry.clause.to_string(),
            text,
            location: self.location(policy, at.unwrap_or(entry.at)),
        })
    }

    fn location(&self, policy: &Policy, at: Position) -> PolicyLocation {
        PolicyLocation::of(self.policies, policy.source, at)
    }

    /// Notes on policies without a namespace that may select the subject, and on settings that the
    /// verdict depends on.
    fn notes(&self) -> Vec<String> {
        let settings = self.judgement.dependences.iter().map(ToString::to_string);
        let unplaced = self.judgement.unplaced(self.set);
        unplaced.into_iter().chain(settings).collect()
    }
}

fn attribution(judgement: &Judgement) -> Option<Attribution> {
    let Judgement { hubble, ours, attribution, .. } = judgement;
    if hubble.is_empty() {
        return None;
    }
    Some(Attribution {
        hubble: hubble.iter().map(ToString::to_string).collect(),
        ours: ours.iter().map(ToString::to_string).collect(),
        agrees: *attribution,
        sentence: match attribution {
            Some(true) => "Hubble names policies that decide here too",
            Some(false) => "Hubble names a policy that does not decide here",
            None => "Hubble's names cannot be compared: policy was not asked about this packet",
        },
    })
}
