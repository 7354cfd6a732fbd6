//! Where Hubble's memory begins: every node keeps its newest flows only (4,095 by default).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest};

use crate::clock::time_nanos;
use crate::{Relay, RelayError};

/// How long the start of the buffers stays true enough: they move on by themselves.
pub(crate) const TTL: Duration = Duration::from_secs(5);
/// How long an answer waits for it beside its flows. It is a remark, not the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Nodes of which the start is kept; a relay serves a few thousand.
const MAX_NODES: usize = 10_000;

/// The oldest flow of each node, in Unix nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BufferStart {
    oldest_nanos: BTreeMap<String, i64>,
}

impl BufferStart {
    fn add(&mut self, node_name: String, time_nanos: i64) {
        if self.oldest_nanos.len() < MAX_NODES || self.oldest_nanos.contains_key(&node_name) {
            let oldest = self.oldest_nanos.entry(node_name).or_insert(time_nanos);
            *oldest = time_nanos.min(*oldest);
        }
    }

    /// From when on all nodes have their flows, and the node that begins last.
    pub fn complete_since(&self) -> Option<(&str, i64)> {
        self.oldest_nanos
            .iter()
            .max_by_key(|(_, oldest_nanos)| **oldest_nanos)
            .map(|(node_name, oldest_nanos)| (node_name.as_str(), *oldest_nanos))
    }

    /// The oldest flow of each node, the newest of them first.
    pub fn latest(&self) -> Vec<(&str, i64)> {
        let mut nodes: Vec<(&str, i64)> =
            self.oldest_nanos.iter().map(|(name, nanos)| (name.as_str(), *nanos)).collect();
        nodes.sort_by_key(|(_, nanos)| std::cmp::Reverse(*nanos));
        nodes
    }

    /// The oldest flow of a node.
    pub fn oldest_of(&self, node_name: &str) -> Option<i64> {
        self.oldest_nanos.get(node_name).copied()
    }

    /// The oldest flow that any node has.
    pub fn oldest_nanos(&self) -> Option<i64> {
        self.oldest_nanos.values().copied().min()
    }

    /// How many nodes have flows.
    pub fn nodes(&self) -> usize {
        self.oldest_nanos.len()
    }
}

impl Relay {
    /// Where the buffers begin. Asked at most every few seconds; who comes meanwhile waits for
    /// the same answer.
    ///
    /// Errors: [`RelayError`]; `None`: the relay did not say in time.
    pub async fn buffer_start(&self) -> Result<Option<BufferStart>, RelayError> {
        let start = self.buffer_start.get(self.ask_buffer_start());
        tokio::time::timeout(PATIENCE, start).await.ok().transpose()
    }

    async fn ask_buffer_start(&self) -> Result<BufferStart, RelayError> {
        // The first flow of each node: `number` counts per node.
        let request = FlowRequest { number: 1, first: true, ..FlowRequest::default() };
        let mut stream = self.client.get_flows(request);
        let mut start = BufferStart::default();
        while let Some(message) = stream.next().await {
            if let FlowMessage::Flow(flow) = message?
                && let Some(time_nanos) = time_nanos(&flow)
            {
                start.add(String::from_utf8_lossy(flow.node_name()).into_owned(), time_nanos);
            }
        }
        Ok(start)
    }
}
