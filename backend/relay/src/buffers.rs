//! The start of Hubble's memory: each node keeps only its newest flows (4,095 by default).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest};

use crate::clock::time_nanos;
use crate::{Relay, RelayError};

/// Time for which the start of the buffers is reused; it changes constantly.
pub(crate) const TTL: Duration = Duration::from_secs(5);
/// Maximum wait for the start of the buffers in addition to the flows; it only adds a notice.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Maximum number of nodes whose begin is kept; a relay serves a few thousand.
const MAX_NODES: usize = 10_000;

/// Time of each node's oldest flow, in Unix nanoseconds.
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

    /// The time from which on all nodes have their flows, and the node whose buffer begins last.
    pub fn complete_since(&self) -> Option<(&str, i64)> {
        self.oldest_nanos
            .iter()
            .max_by_key(|(_, oldest_nanos)| **oldest_nanos)
            .map(|(node_name, oldest_nanos)| (node_name.as_str(), *oldest_nanos))
    }

    /// The oldest flow of each node, latest first.
    pub fn latest(&self) -> Vec<(&str, i64)> {
        let mut nodes: Vec<(&str, i64)> =
            self.oldest_nanos.iter().map(|(name, nanos)| (name.as_str(), *nanos)).collect();
        nodes.sort_by_key(|(_, nanos)| std::cmp::Reverse(*nanos));
        nodes
    }

    /// Time of a node's oldest flow.
    pub fn oldest_of(&self, node_name: &str) -> Option<i64> {
        self.oldest_nanos.get(node_name).copied()
    }

    /// Time of the oldest flow of all nodes.
    pub fn oldest_nanos(&self) -> Option<i64> {
        self.oldest_nanos.values().copied().min()
    }

    /// Number of nodes with flows.
    pub fn nodes(&self) -> usize {
        self.oldest_nanos.len()
    }
}

impl Relay {
    /// The start of the nodes' buffers. The relay is asked at most once every few seconds;
    /// concurrent callers share the answer. `None`: the relay did not answer in time.
    ///
    /// Errors: [`RelayError`].
    pub async fn buffer_start(&self) -> Result<Option<BufferStart>, RelayError> {
        let answered = async {
            let asked = tokio::time::timeout(MAX_WAIT, self.ask_buffer_start()).await;
            asked.map_err(|_elapsed| None)?.map_err(Some)
        };
        match self.buffer_start.get(answered).await {
            Ok(start) => Ok(Some(start)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    async fn ask_buffer_start(&self) -> Result<BufferStart, RelayError> {
        // Requests the first flow of each node: `number` counts per node.
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
