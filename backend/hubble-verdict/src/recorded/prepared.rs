//! Many flows, made ready once: after an edit of the policies, only what is distinct among them is
//! judged again.

use cilium_policy::{Identity, Judge, Settings, UnixTime};
use flow::{Flow, Timestamp};
use hashbrown::HashMap;

use super::{
    JudgeRecords, Learned, Observed, Recorded, Summary, Unjudged, at_time, request,
    sides::{Party, Shape},
};

/// Flows, ready to be judged by any set of policies with the same cluster name.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    identities: Vec<Identity>,
    questions: Vec<Question>,
    /// The question of each flow.
    flows: Vec<Result<u32, Unjudged>>,
    /// When each flow was recorded, in Unix nanoseconds; [`NO_TIME`] where that is not known.
    times: Vec<i64>,
    /// How many flows each stands for.
    weights: Vec<u64>,
    identity_ids: HashMap<Identity, u32>,
    question_ids: HashMap<Question, u32>,
}

/// Stands for the time of a flow that has none: no change is later.
const NO_TIME: i64 = i64::MAX;

/// What is asked about a flow; flows that ask the same get the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    subject: u32,
    peer: u32,
    shape: Shape,
    observed: Observed,
    request: Option<Recorded>,
}

impl Prepared {
    /// Makes flows ready.
    #[must_use]
    pub fn of(flows: &[Flow], learned: &Learned, settings: &Settings) -> Self {
        let mut prepared = Self::default();
        prepared.extend(flows, learned, settings);
        prepared
    }

    /// Makes more flows ready, behind those that are there. What was learned since about the
    /// addresses of earlier flows does not reach them any more.
    pub fn extend(&mut self, flows: &[Flow], learned: &Learned, settings: &Settings) {
        let Self {
            identities,
            questions,
            flows: asked_before,
            times,
            weights,
            identity_ids,
            question_ids,
        } = self;
        let mut parties: HashMap<Party<'_>, u32> = HashMap::new();
        for flow in flows {
            let asked = Shape::of(flow).and_then(|shape| {
                let (subject, peer) = shape.parties(flow)?;
                let mut intern = |party: Party<'_>| -> u32 {
                    let identity = party.identity(learned, settings);
                    if let Some(known) = identity_ids.get(&identity) {
                        return *known;
                    }
                    let id = index(identities.len());
                    identities.push(identity.clone());
                    identity_ids.insert(identity, id);
                    id
                };
                let subject = *parties.entry(subject).or_insert_with(|| intern(subject));
                let peer = *parties.entry(peer).or_insert_with(|| intern(peer));
                let observed = Observed::of(flow, shape, learned, settings);
                let question = Question { subject, peer, shape, observed, request: request(flow) };
                if let Some(known) = question_ids.get(&question) {
                    return Ok(*known);
                }
                let id = index(questions.len());
                questions.push(question.clone());
                question_ids.insert(question, id);
                Ok(id)
            });
            asked_before.push(asked);
            times.push(flow.time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME));
            weights.push(flow.stands_for());
        }
    }

    /// Adds a flow that could not be read, so that indices stay those of the flows.
    pub fn push_unread(&mut self) {
        self.flows.push(Err(Unjudged::NoEndpoints));
        self.times.push(NO_TIME);
        self.weights.push(1);
    }

    /// How many flows the record at an index stands for.
    pub(crate) fn stands_for(&self, index: usize) -> u64 {
        self.weights.get(index).copied().unwrap_or(1)
    }

    /// Number of flows, unreadable ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether no flow was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Whom policy was asked about, with the number of flows.
    pub(crate) fn subjects(&self) -> Vec<(&Identity, u64)> {
        let mut counts = vec![0_u64; self.identities.len()];
        for (asked, weight) in self.flows.iter().zip(&self.weights) {
            let question = asked.ok().and_then(|asked| self.questions.get(asked as usize));
            let subject = question.map(|question| question.subject as usize);
            if let Some(count) = subject.and_then(|subject| counts.get_mut(subject)) {
                *count = count.saturating_add(*weight);
            }
        }
        self.identities.iter().zip(counts).filter(|(_, flows)| *flows > 0).collect()
    }

    /// Distinct questions among the flows.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Judges every flow; the answers are in the flows' order.
    #[must_use]
    pub fn judge(&self, judge: &mut Judge) -> Vec<Result<Summary, Unjudged>> {
        let are_dated = judge.set().is_dated();
        let mut changes = Vec::new();
        let answers: Vec<Result<Summary, Unjudged>> = self
            .questions
            .iter()
            .map(|question| {
                let Question { shape, observed, request, .. } = question;
                let parties = [question.subject, question.peer];
                let [subject, peer] = parties.map(|party| self.identities.get(party as usize));
                let parties = subject.zip(peer);
                if are_dated {
                    let last = parties.map(|parties| judge.changed(parties, shape.direction));
                    changes.push(last.unwrap_or_default());
                }
                let (subject, peer) = parties.ok_or(Unjudged::NoEndpoints)?;
                Ok(judge.summarize((subject, peer), *shape, observed, request.as_ref()))
            })
            .collect();
        let answer = |asked: u32| answers.get(asked as usize).copied();
        if !are_dated {
            let answers = self.flows.iter();
            return answers
                .map(|asked| answer((*asked)?).unwrap_or(Err(Unjudged::NoEndpoints)))
                .collect();
        }
        self.flows
            .iter()
            .zip(&self.times)
            .map(|(asked, time)| {
                let asked = (*asked)?;
                let summary = answer(asked).unwrap_or(Err(Unjudged::NoEndpoints))?;
                let last = changes.get(asked as usize).copied().unwrap_or_default();
                let time = (*time != NO_TIME).then(|| UnixTime::from_nanos(*time));
                Ok(at_time(last, summary, time))
            })
            .collect()
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
