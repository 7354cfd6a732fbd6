//! Check that any node answered: an empty answer of all nodes differs from a missing answer.

use hubble_api::client::{NodeNames, RelayNotices, is_refusal};

use crate::{Relay, RelayError};

/// Maximum number of node messages that an error repeats.
const MAX_MESSAGES: usize = 3;

impl Relay {
    /// Checks an answer without flows, from the relay's `notices`.
    ///
    /// Errors: no node is connected, every connected node sent an error, or neither can be found
    /// out.
    pub async fn check_answered(&self, notices: &RelayNotices) -> Result<(), RelayError> {
        let mut missing = notices.missing();
        let connected = match notices.connected() {
            Some(connected) => connected,
            // The notices do not count nodes if the relay has none, or if a node is addressed
            // directly.
            None => match self.nodes().await {
                Ok(nodes) => {
                    let (connected, others): (Vec<_>, Vec<_>) =
                        nodes.into_iter().partition(|node| node.connected);
                    if missing.is_empty() {
                        missing = others.into_iter().map(|node| node.name).collect();
                    }
                    connected.into_iter().map(|node| node.name).collect()
                }
                Err(RelayError::Client(error)) if error.is_unimplemented() => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        if connected.is_empty() {
            return Err(RelayError::NoNode { missing });
        }
        match notices.failure_of_all(&connected) {
            None => Ok(()),
            Some(messages) => Err(failure(&connected, &messages)),
        }
    }
}

fn failure(nodes: &NodeNames, messages: &[&str]) -> RelayError {
    let mut message = messages.iter().take(MAX_MESSAGES).copied().collect::<Vec<_>>().join("; ");
    if messages.len() > MAX_MESSAGES {
        message.push_str("; …");
    }
    let nodes = nodes.count();
    if messages.iter().all(|text| is_refusal(text)) {
        RelayError::Refused { nodes, message }
    } else {
        RelayError::Failed { nodes, message }
    }
}
