//! Many flows, made ready once: after an edit of the policies, only what is distinct among them is
//! judged again.

use flow::Flow;
use hashbrown::HashMap;

use super::{
    Learned, Observed, Recorded, Summary, Unjudged, request,
    sides::{Party, Shape},
};
use crate::{Identity, Judge, Settings};

/// Flows, ready to be judged by any set of policies with the same cluster name.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    identities: Vec<Identity>,
    questions: Vec<Question>,
    /// The question of each flow.
    flows: Vec<Result<u32, Unjudged>>,
}

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
        let mut parties: HashMap<Party<'_>, u32> = HashMap::new();
        let mut identities: HashMap<Identity, u32> = HashMap::new();
        let mut questions: HashMap<Question, u32> = HashMap::new();
        for flow in flows {
            let asked = Shape::of(flow).and_then(|shape| {
                let (subject, peer) = shape.parties(flow)?;
                let mut intern = |party: Party<'_>| -> u32 {
                    let identity = party.identity(learned, settings);
                    if let Some(known) = identities.get(&identity) {
                        return *known;
                    }
                    let id = index(prepared.identities.len());
                    prepared.identities.push(identity.clone());
                    identities.insert(identity, id);
                    id
                };
                let subject = *parties.entry(subject).or_insert_with(|| intern(subject));
                let peer = *parties.entry(peer).or_insert_with(|| intern(peer));
                let observed = Observed::of(flow, shape);
                let question = Question { subject, peer, shape, observed, request: request(flow) };
                if let Some(known) = questions.get(&question) {
                    return Ok(*known);
                }
                let id = index(prepared.questions.len());
                prepared.questions.push(question.clone());
                questions.insert(question, id);
                Ok(id)
            });
            prepared.flows.push(asked);
        }
        prepared
    }

    /// Flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Distinct questions among the flows.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Judges every flow; the answers are in the flows' order.
    #[must_use]
    pub fn judge(&self, judge: &mut Judge) -> Vec<Result<Summary, Unjudged>> {
        let answers: Vec<Option<Summary>> = self
            .questions
            .iter()
            .map(|question| {
                let subject = self.identities.get(question.subject as usize)?;
                let peer = self.identities.get(question.peer as usize)?;
                let Question { shape, observed, request, .. } = question;
                Some(judge.summarize((subject, peer), *shape, observed, request.as_ref()))
            })
            .collect();
        self.flows
            .iter()
            .map(|asked| {
                let answer = answers.get((*asked)? as usize).copied().flatten();
                answer.ok_or(Unjudged::NoEndpoints)
            })
            .collect()
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
