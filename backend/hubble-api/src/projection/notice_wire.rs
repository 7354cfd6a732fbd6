//! Notices in their wire form.

use super::wire::{Reader, WireError};
use super::{
    LostEventSource, MessageHeader, MessageKind, NodeNames, ProjectionError, RelayNotice,
    WireTimestamp, for_parts,
};

/// Longest name or message that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// A `NodeStatusEvent` of relay.proto, while its fields arrive.
#[derive(Default)]
struct NodeStatus {
    state: i32,
    nodes: NodeNames,
    message: String,
}

/// A `LostEvent` of flow.proto, while its fields arrive.
#[derive(Default)]
struct LostEvents {
    source: i32,
    count: u64,
    first: Option<WireTimestamp>,
    last: Option<WireTimestamp>,
}

impl RelayNotice {
    /// Notice of a message with a known header; `None` for a flow.
    ///
    /// Errors: the message is malformed.
    pub fn read(
        message: &[u8],
        header: MessageHeader<'_>,
    ) -> Result<Option<Self>, ProjectionError> {
        match header.kind {
            MessageKind::Empty | MessageKind::Flow => Ok(None),
            MessageKind::NodeStatus => {
                let mut status = NodeStatus::default();
                for_parts(message, MessageKind::NodeStatus, |part, begins_anew| {
                    if begins_anew {
                        status = NodeStatus::default();
                    }
                    status.merge(part)
                })?;
                Ok(Some(status.into_notice()))
            }
            MessageKind::LostEvents => {
                let mut lost = LostEvents::default();
                for_parts(message, MessageKind::LostEvents, |part, begins_anew| {
                    if begins_anew {
                        lost = LostEvents::default();
                    }
                    lost.merge(part)
                })?;
                Ok(Some(lost.into_notice(header)))
            }
        }
    }
}

impl NodeStatus {
    fn merge(&mut self, mut reader: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = reader.field()? {
            match field.number {
                1 => self.state = field.int32()?,
                2 => self.nodes.add(shown(field.bytes()?)),
                3 => self.message = shown(field.bytes()?),
                _ => {}
            }
        }
        Ok(())
    }

    fn into_notice(self) -> RelayNotice {
        let Self { state, nodes, message } = self;
        match state {
            1 => RelayNotice::NodesConnected { nodes },
            2 => RelayNotice::NodesUnavailable { nodes },
            3 => RelayNotice::NodesGone { nodes },
            4 => RelayNotice::NodeError { nodes, message },
            state => RelayNotice::NodeState { state, nodes, message },
        }
    }
}

impl LostEvents {
    fn merge(&mut self, mut reader: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = reader.field()? {
            match field.number {
                1 => self.source = field.int32()?,
                2 => self.count = field.uint64()?,
                4 => WireTimestamp::merge(&mut self.first, field.message()?)?,
                5 => WireTimestamp::merge(&mut self.last, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Notice of the loss. An invalid time is left out, because the loss itself matters more.
    fn into_notice(self, header: MessageHeader<'_>) -> RelayNotice {
        let finish = |time: Option<WireTimestamp>| match time {
            Some(time) => time.finish("lost_events").ok(),
            None => header.time,
        };
        RelayNotice::FlowsLost {
            source: LostEventSource::from_number(self.source),
            count: self.count,
            node_name: shown(header.node_name),
            first: finish(self.first),
            last: finish(self.last),
        }
    }
}

/// Text of the relay in the form for messages: one line of limited length.
fn shown(text: &[u8]) -> String {
    let kept = text.get(..MAX_TEXT_BYTES).unwrap_or(text);
    let mut shown: String = String::from_utf8_lossy(kept)
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if kept.len() < text.len() {
        shown.push('…');
    }
    shown
}
