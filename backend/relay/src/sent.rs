//! Flows near a slice's lower end: the next slice's request reaches beyond that end and sends them again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hubble_api::client::WireFlow;

/// Flows that were sent, and that a later request may bring again.
#[derive(Debug, Default)]
pub(crate) struct SentFlows {
    hasher: RandomState,
    /// Time and hash of each.
    flows: Vec<(i64, u64)>,
    /// Number of flows by hash that the present request has not brought again.
    expected: HashMap<u64, u32>,
}

impl SentFlows {
    /// Remembers a flow. A record that a node holds twice is two flows.
    pub(crate) fn add(&mut self, time_nanos: i64, flow: &WireFlow) {
        let hash = self.hash(flow);
        self.flows.push((time_nanos, hash));
    }

    /// Forgets the flows after `until_nanos`: later requests do not reach them.
    pub(crate) fn keep_until(&mut self, until_nanos: i64) {
        self.flows.retain(|(time_nanos, _)| *time_nanos <= until_nanos);
    }

    /// Begins a request.
    pub(crate) fn begin(&mut self) {
        self.expected.clear();
        for (_, hash) in &self.flows {
            *self.expected.entry(*hash).or_default() += 1;
        }
    }

    /// Whether this flow of the present request was sent before. Each sent flow accounts for one.
    pub(crate) fn holds(&mut self, flow: &WireFlow) -> bool {
        if self.expected.is_empty() {
            return false;
        }
        let hash = self.hash(flow);
        match self.expected.get_mut(&hash).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
    }

    fn hash(&self, flow: &WireFlow) -> u64 {
        // The message contains the node's name.
        self.hasher.hash_one(flow.message())
    }
}
