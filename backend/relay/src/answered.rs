//! Whether any node answered: an empty answer of all nodes is not the same as none.

use hubble_api::client::{NodeNames, RelayNotices, is_refusal};

use crate::{Relay, RelayError};

/// Sentences of nodes that an error repeats.
const MAX_SENTENCES: usize = 3;

impl Relay {
    /// Looks at an answer without a single flow, of which the relay said `notices`.
    ///
    /// Errors: no node is connected, or each one that is gave an error instead of an answer; or
    /// neither is known.
    pub async fn check_answered(&self, notices: &RelayNotices) -> Result<(), RelayError> {
        let mut missing = notices.missing();
        let connected = match notices.connected() {
            Some(connected) => connected,
            // A relay without nodes says nothing of them, as does a node that is asked itself.
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
            Some(sentences) => Err(failure(&connected, &sentences)),
        }
    }
}

fn failure(nodes: &NodeNames, sentences: &[&str]) -> RelayError {
    let mut message = sentences.iter().take(MAX_SENTENCES).copied().collect::<Vec<_>>().join("; ");
    if sentences.len() > MAX_SENTENCES {
        message.push_str("; …");
    }
    let nodes = nodes.count();
    if sentences.iter().all(|sentence| is_refusal(sentence)) {
        RelayError::Refused { nodes, message }
    } else {
        RelayError::Failed { nodes, message }
    }
}
