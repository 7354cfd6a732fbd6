//! The smallest additions that let given flows pass: to existing policies where that lets nothing
//! else pass, else as new policies. The proof is a second judgement of the flows.

mod bypassed;
mod edits;
mod insert;
mod intent;
mod kubernetes;
mod location;
mod lookups;
mod needed;
mod new_policies;
mod parts;
mod public;
mod reason;
mod remaining;
mod rule_yaml;
mod rules;
#[cfg(test)]
mod tests;
mod unfixable;

use std::sync::Arc;

use cilium_policy::{Judge, PolicySet, Position, Settings, SourceText, Verdict, sorted};
use flow::{Flow, L7Record};
use hashbrown::HashSet;

use crate::{Learned, Prepared, RecordedConnection, endpoint_names, lookup::SearchLists};
use intent::Intent;
use lookups::{Lookups, MAX_QUERIES};
use needed::{RuleContext, add_needed_rules};
use parts::{Harm, Parts};
use public::Public;
use remaining::RemainingDenials;
use rules::Rules;
use unfixable::{Pods, path_of};

pub use reason::UnfixedReason;

/// Additions and their effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// Additions to existing policies, in the order in which they are made.
    pub edits: Vec<Edit>,
    /// The changed texts with all edits, by index.
    pub texts: Vec<(usize, String)>,
    /// New policies, as YAML; empty where the edits suffice, nothing helps or nothing is needed.
    pub yaml: String,
    /// Requested flows that pass with the additions, as indices.
    pub fixed: Vec<usize>,
    /// Flows that no addition lets pass, with reasons.
    pub unfixed: Vec<Unfixed>,
    /// Other flows that would pass now too, as `source → destination port`; a rule for the whole
    /// world is described in words.
    pub also_allowed: Vec<String>,
    /// Denials that the passing flows meet next: at the other endpoint of their connection, or for the
    /// connection after a lookup.
    pub still_denied: Vec<String>,
}

/// A text to insert into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Index of the source text.
    pub source: usize,
    /// The policy, as `Kind/namespace/name`.
    pub policy: String,
    /// The extended list: `egress[1].toPorts[0].rules.dns`.
    pub list: String,
    /// Bytes before the insertion, in the text with the earlier edits.
    pub offset: usize,
    /// The inserted text; an edit removes nothing.
    pub inserted: String,
}

/// A flow that no addition lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfixed {
    /// Index of the flow.
    pub flow: usize,
    /// The reason.
    pub reason: UnfixedReason,
}

/// Maximum number of attempts, each without the additions that did not help.
const MAX_ROUNDS: usize = 5;
/// Maximum number of edits in one suggestion; further rules become new policies.
const MAX_EDITS: usize = 200;

/// The smallest additions that let the flows at `wanted` pass. The answer lists the other flows
/// that would pass too.
#[must_use]
pub fn suggest(
    texts: &[SourceText<'_>],
    settings: &Settings,
    flows: &[Flow],
    wanted: &[usize],
) -> Suggestion {
    let lists = |set: &PolicySet| SearchLists::of(flows.iter(), set);
    let request = FixRequest {
        flows,
        wanted,
        worldwide: &[],
        is_question: false,
        is_one_of_many: wanted.len() > 1,
    };
    smallest_additions(texts, settings, &request, lists)
}

/// The smallest additions for flows of a question by name: each is to pass, as are the lookups of
/// `meant` with their search lists. `worldwide`: flows whose peer is the world itself.
pub(crate) fn by_name(
    texts: &[SourceText<'_>],
    settings: &Settings,
    (flows, wanted, worldwide): (&[Flow], &[usize], &[usize]),
    meant: &[&str],
) -> Suggestion {
    let lists = |set: &PolicySet| {
        let mut lists = SearchLists::of(flows.iter(), set);
        for name in meant {
            lists.extend(name);
        }
        lists
    };
    smallest_additions(
        texts,
        settings,
        &FixRequest { flows, wanted, worldwide, is_question: true, is_one_of_many: false },
        lists,
    )
}

/// A request to let flows pass.
struct FixRequest<'a> {
    flows: &'a [Flow],
    wanted: &'a [usize],
    /// Flows whose peer is the world itself rather than one of its addresses.
    worldwide: &'a [usize],
    /// Whether the flows are steps of a question, without records.
    is_question: bool,
    /// Whether only flows that some policy intends to allow get additions.
    is_one_of_many: bool,
}

/// The smallest additions for a request.
fn smallest_additions(
    texts: &[SourceText<'_>],
    settings: &Settings,
    &FixRequest { flows, wanted, worldwide, is_question, is_one_of_many }: &FixRequest<'_>,
    lists: impl Fn(&PolicySet) -> SearchLists,
) -> Suggestion {
    let learned = Learned::from_flows(flows);
    let before = Arc::new(PolicySet::read(texts, settings.clone()));
    let lists = lists(&before);
    let lookups = Lookups::of(flows, wanted, &learned, (&before, &lists), MAX_QUERIES);
    let mut prepared = Prepared::of(flows, &learned, settings);
    prepared.extend(&lookups.queries, &learned, settings);
    let trial = Trial { settings, prepared, refused: before.refused().len() };
    let old = trial.verdicts(&before);
    let judge = Judge::new(Arc::clone(&before));
    let mut suggestion = Suggestion::default();
    let mut asked = wanted.to_vec();
    let mut context = RuleContext::new(&learned, &lists, Pods::of(flows, &before));
    let mut intent = is_one_of_many.then(|| Intent::of(texts, settings, flows, wanted, &judge));
    let named = |index: usize| {
        let flow = flows.get(index)?;
        let connection = RecordedConnection::of(flow, &learned, settings).ok()?;
        let (source, destination) = endpoint_names(flow, &connection);
        Some(format!("{source} → {destination} {}", connection.traffic))
    };
    let flow_at = |index: usize| Some((flows.get(index)?, worldwide.contains(&index)));
    let mut is_settled = false;
    // Additions that do not let their flow pass are left out, and the rest is proved again.
    for round in 0..MAX_ROUNDS {
        let mut rules = Rules::new();
        asked.retain(|index| {
            let Some(flow) = flow_at(*index) else { return false };
            match add_needed_rules(&judge, flow, &context, intent.as_mut(), &mut rules) {
                Ok(needs) => needs,
                Err(reason) => {
                    suggestion.unfixed.push(Unfixed { flow: *index, reason });
                    false
                }
            }
        });
        needed::keep_names(&mut rules);
        if rules.is_empty() {
            is_settled = true;
            break;
        }
        if round == 0 {
            context.public = Public::of(&rules, &before);
            if context.public.has_unlisted() {
                continue;
            }
            rules = context.public.widen(rules);
        }
        let mut parts = Parts::default();
        let (draft, passing) = best(&trial, texts, &before, rules.clone(), &asked, &old)
            .or_else(|| {
                parts = Parts::of(&rules, &mut |some| {
                    let apart =
                        Draft { yaml: new_policies::policies(some, &before), ..Draft::default() };
                    trial.passing(&apart, texts, &old).err()
                });
                best(&trial, texts, &before, parts.kept.clone(), &asked, &old)
            })
            .unwrap_or_default();
        let mut fixed = Vec::new();
        for index in &asked {
            // An addition left out for its harm may be a part of what a flow needs.
            let mut own = Rules::new();
            let refused = flow_at(*index)
                .filter(|_| !parts.are_whole())
                .and_then(|flow| add_needed_rules(&judge, flow, &context, None, &mut own).err());
            let harm = refused.or_else(|| parts.lacks(&own).map(|dropped| dropped.reason(named)));
            if harm.is_none() && lookups.pass(*index, &passing, &old) {
                fixed.push(*index);
                continue;
            }
            let reason = harm.unwrap_or_else(|| lookups.reason(*index));
            suggestion.unfixed.push(Unfixed { flow: *index, reason });
        }
        if fixed.len() == asked.len() {
            suggestion.also_allowed = beyond(flows, (&fixed, &passing), is_question, named);
            suggestion.also_allowed.extend(public::everyone(parts.offered(&rules)));
            suggestion.also_allowed.extend(bypassed::unchecked(parts.offered(&rules), &before));
            let remaining = RemainingDenials {
                judge: Judge::new(Arc::new(trial.set(&current(texts, &draft.texts), &draft.yaml))),
                texts,
                settings,
                flows,
                learned: &learned,
                lists: &lists,
            };
            suggestion.still_denied = remaining.still_denied(&fixed);
            suggestion.still_denied.extend(public::others(parts.offered(&rules)));
            suggestion.fixed = fixed;
            let Draft { edits, texts, yaml } = draft;
            (suggestion.edits, suggestion.texts, suggestion.yaml) = (edits, texts, yaml);
            is_settled = true;
            break;
        }
        asked = fixed;
    }
    if !is_settled {
        let left =
            asked.iter().map(|flow| Unfixed { flow: *flow, reason: UnfixedReason::NotTried });
        suggestion.unfixed.extend(left);
    }
    sorted::sort(&mut suggestion.also_allowed);
    suggestion.also_allowed.dedup();
    suggestion
}

/// Flows that pass beyond the fixed ones, as `named`. Records of a question's own connection do not
/// count.
fn beyond(
    flows: &[Flow],
    (fixed, passing): (&[usize], &[usize]),
    is_question: bool,
    named: impl Fn(usize) -> Option<String>,
) -> Vec<String> {
    let described = |index: &usize| (named(*index), flows.get(*index).and_then(request));
    let asked: Vec<_> = fixed.iter().filter(|_| is_question).map(described).collect();
    let known: HashSet<usize> = fixed.iter().copied().collect();
    let others = passing.iter().filter(|index| !known.contains(*index)).map(described);
    let is_beyond = |(name, about): &(Option<String>, Option<String>)| {
        let is_same = |(own, request): &(Option<String>, Option<String>)| {
            own == name && (request.is_none() || request == about)
        };
        !asked.iter().any(is_same)
    };
    others.filter(is_beyond).filter_map(|(name, _)| name).collect()
}

/// The name or request of a record.
fn request(flow: &Flow) -> Option<String> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(dns.query.trim_end_matches('.').to_ascii_lowercase()),
        L7Record::Http(http) => Some(format!("{} {}", http.method, path_of(&http.url))),
        L7Record::Kafka(_) => None,
    }
}

/// The additions that let most of the `asked` flows pass: to existing policies if that lets the
/// same flows pass and no more, else new policies. With the flows that pass. `None`: either way, a
/// flow that passes now would no longer pass.
fn best(
    trial: &Trial<'_>,
    texts: &[SourceText<'_>],
    before: &Arc<PolicySet>,
    rules: Rules,
    asked: &[usize],
    old: &[Option<Verdict>],
) -> Option<(Draft, Vec<usize>)> {
    let apart = Draft { yaml: new_policies::policies(&rules, before), ..Draft::default() };
    let within = edits::make(texts, trial.settings, before, rules);
    let passes_apart = trial.passing(&apart, texts, old).ok();
    let passes_within = trial.passing(&within, texts, old).ok();
    let is_as_good = !within.edits.is_empty()
        && passes_within.as_ref().is_some_and(|own| {
            passes_apart.as_ref().is_none_or(|apart| {
                own.iter().all(|flow| apart.binary_search(flow).is_ok() || asked.contains(flow))
                    && asked.iter().all(|flow| {
                        own.binary_search(flow).is_ok() || apart.binary_search(flow).is_err()
                    })
            })
        });
    let (draft, passing) = if is_as_good { (within, passes_within) } else { (apart, passes_apart) };
    Some((draft, passing?))
}

/// Candidate additions.
#[derive(Default)]
struct Draft {
    edits: Vec<Edit>,
    /// Changed texts by index of the source, in order.
    texts: Vec<(usize, String)>,
    yaml: String,
}

/// The texts, with the changed ones in place.
fn current<'t>(texts: &[SourceText<'t>], changed: &'t [(usize, String)]) -> Vec<SourceText<'t>> {
    texts
        .iter()
        .map(|text| match changed.iter().find(|(index, _)| *index == text.index) {
            Some((_, changed)) => SourceText { index: text.index, text: changed },
            None => *text,
        })
        .collect()
}

/// Judgement of all flows by candidate texts.
struct Trial<'p> {
    settings: &'p Settings,
    prepared: Prepared,
    /// Number of documents that are refused before any addition.
    refused: usize,
}

impl Trial<'_> {
    fn set(&self, texts: &[SourceText<'_>], yaml: &str) -> PolicySet {
        let mut all: Vec<SourceText<'_>> = texts.to_vec();
        let next = texts.iter().map(|text| text.index).max().map_or(0, |index| index + 1);
        all.push(SourceText { index: next, text: yaml });
        PolicySet::read(&all, self.settings.clone())
    }

    fn verdicts(&self, set: &Arc<PolicySet>) -> Vec<Option<Verdict>> {
        let answers = self.prepared.judge(&Judge::new(Arc::clone(set)));
        answers.into_iter().map(|answer| answer.ok().map(|own| own.verdict)).collect()
    }

    /// Flows that pass with a draft and did not before, in order. Errors: the harm that the draft
    /// does.
    fn passing(
        &self,
        draft: &Draft,
        texts: &[SourceText<'_>],
        old: &[Option<Verdict>],
    ) -> Result<Vec<usize>, Harm> {
        let set = self.set(&current(texts, &draft.texts), &draft.yaml);
        // The draft's documents come last.
        if let Some(refused) = set.refused().get(self.refused..).and_then(<[_]>::last) {
            return Err(Harm::Refused(refused.refusal.to_string()));
        }
        let new = self.verdicts(&Arc::new(set));
        let allowed = Some(Verdict::Allowed);
        let denied = Some(Verdict::Denied);
        // A flow with an unknown verdict may pass now.
        let is_worse = |(old, new): (&Option<Verdict>, &Option<Verdict>)| {
            (*old == allowed && *new != allowed) || (*old != denied && *new == denied)
        };
        if let Some(harmed) = old.iter().zip(&new).position(is_worse) {
            return Err(Harm::Flow(harmed));
        }
        let passes =
            old.iter().zip(&new).enumerate().filter(|(_, (o, n))| **o != allowed && **n == allowed);
        Ok(passes.map(|(index, _)| index).collect())
    }
}

impl Edit {
    /// Place of the insertion, in the text before this edit.
    #[must_use]
    pub fn at(&self, text: &str) -> Position {
        let head = text.get(..self.offset).unwrap_or(text);
        let line = cilium_policy::source::count(head.matches('\n').count()).saturating_add(1);
        let last = head.rsplit('\n').next().unwrap_or_default();
        Position {
            line,
            column: cilium_policy::source::count(last.chars().count()).saturating_add(1),
        }
    }
}
