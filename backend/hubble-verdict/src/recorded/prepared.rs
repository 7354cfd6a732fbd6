//! Many flows, prepared once: after an edit of the policies, only the distinct questions among the
//! flows are judged again.

use std::hash::{BuildHasher as _, Hash};

use cilium_policy::{ClassId, Identity, Judge, Settings, UnixTime};
use flow::{Flow, Timestamp};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::{
    JudgeRecords, Learned, Observed, RecordedRequest, Summary, Unjudged, at_time,
    connection::RecordedEndpoint, request, shape::Shape,
};

/// Flows, ready to be judged by any set of policies with the same cluster name.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    identities: Vec<Identity>,
    questions: Vec<PreparedQuestion>,
    /// Question of each flow.
    flows: Vec<Result<u32, Unjudged>>,
    /// Recording time of each flow, in Unix nanoseconds; [`NO_TIME`] where it is not known.
    times: Vec<i64>,
    /// Number of flows that each record stands for.
    weights: Vec<u64>,
    /// Indices of `identities` and `questions`, by hash.
    identity_ids: Ids,
    question_ids: Ids,
}

/// Indices of a list's distinct items, found by hash; no item is stored twice.
#[derive(Debug, Clone, Default)]
struct Ids {
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Ids {
    /// The index of `item`, which is appended to `items` unless it is there.
    fn of<T: Eq + Hash>(&mut self, item: T, items: &mut Vec<T>) -> u32 {
        let Self { ids, hasher } = self;
        let hash = hasher.hash_one(&item);
        let is_it = |id: &u32| items.get(*id as usize) == Some(&item);
        if let Some(known) = ids.find(hash, is_it) {
            return *known;
        }
        let id = index(items.len());
        items.push(item);
        ids.insert_unique(hash, id, |id| {
            items.get(*id as usize).map_or(0, |own| hasher.hash_one(own))
        });
        id
    }
}

/// The time of a flow without time: no change is later.
const NO_TIME: i64 = i64::MAX;

/// The question about a flow; flows with the same question get the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PreparedQuestion {
    subject: u32,
    peer: u32,
    shape: Shape,
    observed: Observed,
    request: Option<RecordedRequest>,
}

impl Prepared {
    /// Flows, prepared.
    #[must_use]
    pub fn of(flows: &[Flow], learned: &Learned, settings: &Settings) -> Self {
        let mut prepared = Self::default();
        prepared.extend(flows, learned, settings);
        prepared
    }

    /// Prepares more flows and appends them. Names that are learned later for addresses of earlier
    /// flows no longer reach those flows.
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
        let mut endpoints: HashMap<RecordedEndpoint<'_>, u32> = HashMap::new();
        for flow in flows {
            let asked = Shape::of(flow).and_then(|shape| {
                let (subject, peer) = shape.subject_and_peer(flow)?;
                let mut intern = |endpoint: RecordedEndpoint<'_>| -> u32 {
                    identity_ids.of(endpoint.identity(learned, settings), identities)
                };
                let subject = *endpoints.entry(subject).or_insert_with(|| intern(subject));
                let peer = *endpoints.entry(peer).or_insert_with(|| intern(peer));
                let observed = Observed::of(flow, shape, learned, settings);
                let question =
                    PreparedQuestion { subject, peer, shape, observed, request: request(flow) };
                Ok(question_ids.of(question, questions))
            });
            asked_before.push(asked);
            times.push(flow.time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME));
            weights.push(flow.stands_for());
        }
    }

    /// The flows of many rows, each with the same question as one of these flows: a row has the
    /// index of that flow, its own recording time, and the number of flows that it stands for.
    #[must_use]
    pub fn spread(self, rows: impl IntoIterator<Item = (u32, Option<Timestamp>, u64)>) -> Self {
        let Self { identities, questions, flows: distinct, .. } = self;
        let rows = rows.into_iter();
        let (rows_at_least, _) = rows.size_hint();
        let mut spread = Self {
            identities,
            questions,
            flows: Vec::with_capacity(rows_at_least),
            times: Vec::with_capacity(rows_at_least),
            weights: Vec::with_capacity(rows_at_least),
            ..Self::default()
        };
        for (index, time, weight) in rows {
            let asked = distinct.get(index as usize).copied();
            spread.flows.push(asked.unwrap_or(Err(Unjudged::NoEndpoints)));
            spread.times.push(time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME));
            spread.weights.push(weight);
        }
        spread
    }

    /// Number of flows that the record at an index stands for.
    pub(crate) fn stands_for(&self, index: usize) -> u64 {
        self.weights.get(index).copied().unwrap_or(1)
    }

    /// Number of flows, unreadable ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Subjects, with the number of their flows.
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

    /// Number of distinct questions among the flows.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Judgements of all flows, in the flows' order.
    #[must_use]
    pub fn judge(&self, judge: &Judge) -> Vec<Result<Summary, Unjudged>> {
        let are_dated = judge.set().is_dated();
        let mut changes = Vec::new();
        let classes: Vec<ClassId> =
            self.identities.iter().map(|identity| judge.class(identity)).collect();
        let answers: Vec<Result<Summary, Unjudged>> = self
            .questions
            .iter()
            .map(|question| {
                let PreparedQuestion { shape, observed, request, .. } = question;
                let indices = [question.subject, question.peer];
                let [subject, peer] = indices.map(|index| self.identities.get(index as usize));
                let identities = subject.zip(peer);
                if are_dated {
                    let last = identities.map(|both| judge.changed(both, shape.direction));
                    changes.push(last.unwrap_or_default());
                }
                let (subject, peer) = identities.ok_or(Unjudged::NoEndpoints)?;
                let ids = indices.map(|index| classes.get(index as usize));
                let [subject_id, peer_id] = ids.map(|id| id.copied().unwrap_or(ClassId::UNKNOWN));
                let classified = [(subject, subject_id), (peer, peer_id)];
                Ok(judge.summarize(classified, *shape, observed, request.as_ref()))
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
