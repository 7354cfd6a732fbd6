//! Why a flow is judged as it is, with the lines of the policies that say so.

use cilium_policy::{Direction, EntryId, Policy, PolicyId, PolicySet, Position, Verdict};
use hubble_verdict::{JudgeFlows, Judgement, Unjudged};
use serde::Serialize;

use super::place::Place;
use super::policy_files::PolicyFiles;
use crate::table::Table;

/// Rules of one kind that are listed; the rest is counted.
const MAX_RULES: usize = 40;

/// A flow judged, in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "Explanation"))]
pub(crate) struct Explained {
    /// What the record proves and what the policies say.
    sentence: String,
    /// `agrees`, `differs`, `cannot tell`; none where policy has nothing to say about the flow.
    agreement: Option<&'static str>,
    /// How the two compare.
    comparison: String,
    /// `allowed`, `denied`, `cannot tell`.
    #[cfg_attr(feature = "typescript", ts(type = "Computed | null"))]
    verdict: Option<&'static str>,
    #[serde(flatten)]
    reasons: Reasons,
    /// What Hubble names beside what decides here.
    attribution: Option<Attribution>,
}

/// What a verdict rests on.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Reasons {
    /// Rules that decided, or the policies that turned the default to deny.
    deciding: Vec<Rule>,
    near_misses: Vec<Rule>,
    /// Rules that match too, and why they did not count.
    lost: Vec<Rule>,
    /// Rules that are not listed above.
    more: usize,
    /// Facts that the flow does not carry.
    missing: Vec<String>,
    /// What else should be known.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Attribution {
    hubble: Vec<String>,
    ours: Vec<String>,
    /// How the two compare; none where that cannot be told.
    agrees: Option<bool>,
    sentence: &'static str,
}

/// A rule where it stands.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Rule {
    policy: String,
    /// `ingress[0]`; empty where the whole policy is meant.
    clause: String,
    /// What to know of it; may be empty.
    text: String,
    #[serde(flatten)]
    place: Place,
}

/// A document that is no policy, or that Cilium refuses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct RefusedDocument {
    name: String,
    /// Number of the document in its file, from 1.
    document: usize,
    reason: String,
    /// Who refuses it, and what becomes of it.
    refusal: &'static str,
    /// False: another kind of object, which is no error among manifests.
    is_policy: bool,
    #[serde(flatten)]
    place: Place,
}

/// A row that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no flow in row {row}")]
pub(crate) struct NoSuchRow {
    row: u32,
}

/// Explains the verdict about the flow of a row.
///
/// Errors: there is no such row.
pub(crate) fn explained(
    table: &mut Table,
    policies: &mut PolicyFiles,
    row: u32,
) -> Result<Explained, NoSuchRow> {
    table.prepare(policies);
    let flow = table.flows.flow(row as usize).ok_or(NoSuchRow { row })?;
    let judgement = match policies.judge.explain_flow(&flow, table.learned()) {
        Ok(judgement) => judgement,
        Err(why) => return Ok(Explained::unjudged(why)),
    };
    Ok(Explained {
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
    })
}

/// What was refused of the files.
pub(crate) fn refused(policies: &PolicyFiles) -> Vec<RefusedDocument> {
    let documents = policies.set().refused().iter();
    documents
        .map(|refused| RefusedDocument {
            name: refused.name.clone(),
            document: refused.document,
            reason: refused.refusal.to_string(),
            refusal: refused.refusal.class.sentence(),
            is_policy: refused.refusal.class.is_error(),
            place: Place::of(policies, refused.source, refused.refusal.at),
        })
        .collect()
}

impl Explained {
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
        let own = Own { policies, set: policies.set(), judgement };
        let mut more = 0;
        let mut listed = |mut rules: Vec<Rule>| {
            more += rules.len().saturating_sub(MAX_RULES);
            rules.truncate(MAX_RULES);
            rules
        };
        let (deciding, near_misses, lost) =
            (listed(own.deciding()), listed(own.near_misses()), listed(own.lost()));
        let mut missing: Vec<String> =
            judgement.explanation.missing.iter().map(ToString::to_string).collect();
        if let Some(l7) = &judgement.l7 {
            missing.extend(l7.missing.iter().map(ToString::to_string));
        }
        Self { deciding, near_misses, lost, more, missing, notes: own.notes() }
    }
}

struct Own<'o> {
    policies: &'o PolicyFiles,
    set: &'o PolicySet,
    judgement: &'o Judgement,
}

impl Own<'_> {
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
                let at = self.first_rule(by.policy, self.judgement.sides.direction);
                Some(Rule {
                    policy: policy.name.to_string(),
                    clause: self.judgement.sides.direction.name().to_owned(),
                    text: "turns the default to deny".to_owned(),
                    place: self.place(policy, at.unwrap_or(policy.at)),
                })
            })
            .collect()
    }

    /// Where a policy begins to speak of a direction.
    fn first_rule(&self, policy: PolicyId, direction: Direction) -> Option<Position> {
        let mut entries = self.set.entries().iter();
        Some(entries.find(|entry| entry.policy == policy && entry.direction == direction)?.at)
    }

    fn near_misses(&self) -> Vec<Rule> {
        let traffic = self.judgement.sides.traffic;
        let by_policy = self.judgement.explanation.default_deny.iter();
        by_policy
            .flat_map(|by| &by.misses)
            .filter_map(|miss| self.rule(miss.entry, Some(miss.at), miss.miss.sentence(traffic)))
            .collect()
    }

    fn lost(&self) -> Vec<Rule> {
        let lost = self.judgement.explanation.lost.iter();
        lost.filter_map(|lost| self.rule(lost.entry, None, lost.loss.sentence().to_owned()))
            .collect()
    }

    fn rule(&self, entry: EntryId, at: Option<Position>, text: String) -> Option<Rule> {
        let policy = self.set.policy_of(entry)?;
        let entry = self.set.get(entry)?;
        Some(Rule {
            policy: policy.name.to_string(),
            clause: entry.clause.to_string(),
            text,
            place: self.place(policy, at.unwrap_or(entry.at)),
        })
    }

    fn place(&self, policy: &Policy, at: Position) -> Place {
        Place::of(self.policies, policy.source, at)
    }

    /// What the policies without a namespace would have to do with it, and settings that it hangs
    /// on.
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
