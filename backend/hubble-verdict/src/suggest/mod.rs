//! The smallest additions that let given flows pass: to the policies that are there where that
//! lets nothing else pass, else policies of their own. Proven by judging the flows again.

mod beside;
mod demand;
mod edits;
mod insert;
mod kubernetes;
mod lookups;
mod meant;
mod next;
mod parts;
mod place;
mod public;
mod refused;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use cilium_policy::{Judge, PolicySet, Position, Settings, SourceText, Verdict, sorted};
use flow::{Flow, L7Record};
use hashbrown::HashSet;

use crate::{Learned, Prepared, Sides, lookup::SearchLists, parties};
use demand::{RuleBody, RuleKey, SubjectKey, Wish, demand};
use lookups::{Lookups, MAX_QUERIES};
use meant::Means;
use next::Next;
use parts::{Harm, NOT_TRIED, Parts};
use public::Public;
use refused::{Pods, path_of};

/// Additions, and what comes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// Additions to policies that are there, in the order in which they are made.
    pub edits: Vec<Edit>,
    /// The texts that the edits change, by their index, as they are afterwards.
    pub texts: Vec<(usize, String)>,
    /// Policies to add, as YAML; empty where the edits are enough, nothing helps or nothing is
    /// needed.
    pub yaml: String,
    /// Flows that pass with the additions; indices of the flows that were asked for.
    pub fixed: Vec<usize>,
    /// Flows that no addition lets pass, and why.
    pub unfixed: Vec<Unfixed>,
    /// Flows beyond those that were asked for that would pass now too, as `source → destination
    /// port`; in words, everyone whom a rule for the whole world lets through.
    pub also_allowed: Vec<String>,
    /// What the flows that pass now meet next, and is still denied: the other side of their
    /// connection, the connection behind a name.
    pub still_denied: Vec<String>,
}

/// A text put into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Index of the source text.
    pub source: usize,
    /// The policy, as `Kind/namespace/name`.
    pub policy: String,
    /// The list that grows: `egress[1].toPorts[0].rules.dns`.
    pub list: String,
    /// Bytes before it, when the edits before it are made.
    pub offset: usize,
    /// What is put there; nothing is taken away.
    pub inserted: String,
}

/// A flow that no addition lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfixed {
    /// Its index.
    pub flow: usize,
    /// Why.
    pub reason: String,
}

/// By subject and by rule; both in order.
type Rules = Vec<(SubjectKey, Vec<(RuleKey, RuleBody)>)>;

/// Times that a suggestion is made without what did not help.
const MAX_ROUNDS: usize = 5;
/// Edits of one suggestion; beyond, rules go into policies of their own.
const MAX_EDITS: usize = 200;

/// Finds the smallest additions that let the flows at `wanted` pass. The answer lists which of
/// the other flows would pass too.
#[must_use]
pub fn suggest(
    texts: &[SourceText<'_>],
    settings: &Settings,
    flows: &[Flow],
    wanted: &[usize],
) -> Suggestion {
    let lists = |set: &PolicySet| SearchLists::of(flows.iter(), set);
    let asked = Asked {
        flows,
        wanted,
        worldwide: &[],
        is_question: false,
        is_one_of_many: wanted.len() > 1,
    };
    find(texts, settings, &asked, lists)
}

/// The same for flows that somebody asks about by name: each is to pass, and the lookups of `meant`
/// with their search lists. `worldwide`: those of them whose other side is the world itself.
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
    find(
        texts,
        settings,
        &Asked { flows, wanted, worldwide, is_question: true, is_one_of_many: false },
        lists,
    )
}

/// Flows that are to pass, among others.
struct Asked<'a> {
    flows: &'a [Flow],
    wanted: &'a [usize],
    /// Those whose other side is the world itself, not an address of it.
    worldwide: &'a [usize],
    /// They are steps of a question, and none of them was recorded.
    is_question: bool,
    /// Only those that some policy means to let through.
    is_one_of_many: bool,
}

fn find(
    texts: &[SourceText<'_>],
    settings: &Settings,
    &Asked { flows, wanted, worldwide, is_question, is_one_of_many }: &Asked<'_>,
    lists: impl Fn(&PolicySet) -> SearchLists,
) -> Suggestion {
    let learned = Learned::from_flows(flows);
    let before = Arc::new(PolicySet::read(texts, settings.clone()));
    let lists = lists(&before);
    let lookups = Lookups::of(flows, wanted, &learned, (&before, &lists), MAX_QUERIES);
    let mut prepared = Prepared::of(flows, &learned, settings);
    prepared.extend(&lookups.queries, &learned, settings);
    let proof = Proof { settings, prepared, refused: before.refused().len() };
    let old = proof.verdicts(&before);
    let judge = Judge::new(Arc::clone(&before));
    let mut suggestion = Suggestion::default();
    let mut asked = wanted.to_vec();
    let mut wish = Wish::new(&learned, &lists, Pods::of(flows, &before));
    let mut means = is_one_of_many.then(|| Means::of(texts, settings, flows, wanted, &judge));
    let named = |index: usize| {
        let flow = flows.get(index)?;
        let sides = Sides::of(flow, &learned, settings).ok()?;
        let (source, destination) = parties(flow, &sides);
        Some(format!("{source} → {destination} {}", sides.traffic))
    };
    let flow_at = |index: usize| Some((flows.get(index)?, worldwide.contains(&index)));
    let mut is_settled = false;
    // What does not let its flow pass stays out of the answer, and the rest is proven again.
    for round in 0..MAX_ROUNDS {
        let mut rules = Rules::new();
        asked.retain(|index| {
            let Some(flow) = flow_at(*index) else { return false };
            match demand(&judge, flow, &wish, means.as_mut(), &mut rules) {
                Ok(needs) => needs,
                Err(reason) => {
                    suggestion.unfixed.push(Unfixed { flow: *index, reason });
                    false
                }
            }
        });
        demand::keep_names(&mut rules);
        if rules.is_empty() {
            is_settled = true;
            break;
        }
        if round == 0 {
            wish.public = Public::of(&rules, &before);
            if wish.public.has_crowds() {
                continue;
            }
            rules = wish.public.widen(rules);
        }
        let mut parts = Parts::default();
        let (draft, passing) = best(&proof, texts, &before, rules.clone(), &asked, &old)
            .or_else(|| {
                parts = Parts::of(&rules, &mut |some| {
                    let apart = Draft { yaml: write::policies(some, &before), ..Draft::default() };
                    proof.passing(&apart, texts, &old).err()
                });
                best(&proof, texts, &before, parts.kept.clone(), &asked, &old)
            })
            .unwrap_or_default();
        let mut fixed = Vec::new();
        for index in &asked {
            // What is left out for its harm may be a part of what a flow needs.
            let mut own = Rules::new();
            let refused = flow_at(*index)
                .filter(|_| !parts.are_whole())
                .and_then(|flow| demand(&judge, flow, &wish, None, &mut own).err());
            let harm = refused.or_else(|| parts.lacks(&own).map(|dropped| dropped.sentence(named)));
            if harm.is_none() && lookups.pass(*index, &passing, &old) {
                fixed.push(*index);
                continue;
            }
            let reason = harm.unwrap_or_else(|| lookups.reason(*index).to_owned());
            suggestion.unfixed.push(Unfixed { flow: *index, reason });
        }
        if fixed.len() == asked.len() {
            suggestion.also_allowed = beyond(flows, (&fixed, &passing), is_question, named);
            suggestion.also_allowed.extend(public::everyone(parts.offered(&rules)));
            suggestion.also_allowed.extend(beside::unchecked(parts.offered(&rules), &before));
            let next = Next {
                judge: Judge::new(Arc::new(proof.set(&current(texts, &draft.texts), &draft.yaml))),
                texts,
                settings,
                flows,
                learned: &learned,
                lists: &lists,
            };
            suggestion.still_denied = next.still_denied(&fixed);
            suggestion.still_denied.extend(public::others(parts.offered(&rules)));
            suggestion.fixed = fixed;
            suggestion.texts = draft.texts;
            suggestion.edits = draft.edits;
            suggestion.yaml = draft.yaml;
            is_settled = true;
            break;
        }
        asked = fixed;
    }
    if !is_settled {
        let left = asked.iter().map(|flow| Unfixed { flow: *flow, reason: NOT_TRIED.to_owned() });
        suggestion.unfixed.extend(left);
    }
    sorted::sort(&mut suggestion.also_allowed);
    suggestion.also_allowed.dedup();
    suggestion
}

/// What passes beyond the flows that are fixed, as `named`. A record of what a question asks for is
/// not beyond it.
fn beyond(
    flows: &[Flow],
    (fixed, passing): (&[usize], &[usize]),
    is_question: bool,
    named: impl Fn(usize) -> Option<String>,
) -> Vec<String> {
    let said = |index: &usize| (named(*index), flows.get(*index).and_then(request));
    let asked: Vec<_> = fixed.iter().filter(|_| is_question).map(said).collect();
    let known: HashSet<usize> = fixed.iter().copied().collect();
    let others = passing.iter().filter(|index| !known.contains(*index)).map(said);
    let is_beyond = |(name, about): &(Option<String>, Option<String>)| {
        let is_same = |(own, request): &(Option<String>, Option<String>)| {
            own == name && (request.is_none() || request == about)
        };
        !asked.iter().any(is_same)
    };
    others.filter(is_beyond).filter_map(|(name, _)| name).collect()
}

/// The name or request that a record is about.
fn request(flow: &Flow) -> Option<String> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(dns.query.trim_end_matches('.').to_ascii_lowercase()),
        L7Record::Http(http) => Some(format!("{} {}", http.method, path_of(&http.url))),
        L7Record::Kafka(_) => None,
    }
}

/// The additions that let the most flows pass of those that are `asked` for: to what is there if
/// that lets the same pass and no more, else policies of their own. With the flows that pass. None:
/// either way, a flow that passes now would not.
fn best(
    proof: &Proof<'_>,
    texts: &[SourceText<'_>],
    before: &Arc<PolicySet>,
    rules: Rules,
    asked: &[usize],
    old: &[Option<Verdict>],
) -> Option<(Draft, Vec<usize>)> {
    let apart = Draft { yaml: write::policies(&rules, before), ..Draft::default() };
    let within = edits::make(texts, proof.settings, before, rules);
    let passes_apart = proof.passing(&apart, texts, old).ok();
    let passes_within = proof.passing(&within, texts, old).ok();
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

/// Additions that may become the answer.
#[derive(Default)]
struct Draft {
    edits: Vec<Edit>,
    /// By index of the source, in order.
    texts: Vec<(usize, String)>,
    yaml: String,
}

/// The texts with those that have changed in their places.
fn current<'t>(texts: &[SourceText<'t>], changed: &'t [(usize, String)]) -> Vec<SourceText<'t>> {
    texts
        .iter()
        .map(|text| match changed.iter().find(|(index, _)| *index == text.index) {
            Some((_, changed)) => SourceText { index: text.index, text: changed },
            None => *text,
        })
        .collect()
}

/// Judges all flows by texts that are made up.
struct Proof<'p> {
    settings: &'p Settings,
    prepared: Prepared,
    /// Documents that are refused before anything is added.
    refused: usize,
}

impl Proof<'_> {
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

    /// Flows that pass with a draft and did not before, in order. Errors: what it spoils.
    fn passing(
        &self,
        draft: &Draft,
        texts: &[SourceText<'_>],
        old: &[Option<Verdict>],
    ) -> Result<Vec<usize>, Harm> {
        let set = self.set(&current(texts, &draft.texts), &draft.yaml);
        // Those of the draft come last.
        if let Some(refused) = set.refused().get(self.refused..).and_then(<[_]>::last) {
            return Err(Harm::Refused(refused.refusal.to_string()));
        }
        let new = self.verdicts(&Arc::new(set));
        let allowed = Some(Verdict::Allowed);
        let denied = Some(Verdict::Denied);
        // What nobody can tell may pass now.
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
    /// Where the text is put, in the text before this edit.
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
