//! Flows as they lie on the wire.

use crate::pb::observer::GetFlowsResponse;
use crate::pb::observer::get_flows_response::ResponseTypes;
use crate::projection::{MessageHeader, MessageKind, ProjectionError};
use bytes::Bytes;
use flow::Timestamp;
use prost::Message;
use std::ops::Range;

/// A flow as it came: the bytes of a `GetFlowsResponse` that holds one, of which only what stands
/// around the flow was read, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireFlow {
    message: Bytes,
    time: Option<Timestamp>,
    /// Where in `message` the node's name lies.
    node_name: Range<usize>,
}

impl WireFlow {
    /// Reads what stands around the flow in `message`. `None`: the message holds no flow.
    ///
    /// Errors: the message is malformed at its outermost level.
    pub fn read(message: Bytes) -> Result<Option<Self>, ProjectionError> {
        let MessageHeader { kind, time, node_name } = MessageHeader::read(&message)?;
        let node_name = place(&message, node_name);
        Ok((kind == MessageKind::Flow).then_some(Self { message, time, node_name }))
    }

    /// The flow in `message`, whose `time` and `node_name` were read from it.
    pub(super) fn new(message: Bytes, time: Option<Timestamp>, node_name: Range<usize>) -> Self {
        Self { message, time, node_name }
    }

    /// The bytes of the `GetFlowsResponse`.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// `GetFlowsResponse.time`; old nodes set only that inside of the flow.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// `GetFlowsResponse.node_name`; need not be UTF-8.
    pub fn node_name(&self) -> &[u8] {
        self.message.get(self.node_name.clone()).unwrap_or_default()
    }

    /// What stands around the flow, for [`Decoder::decode_with_header`](crate::projection::Decoder::decode_with_header).
    pub fn header(&self) -> MessageHeader<'_> {
        MessageHeader { kind: MessageKind::Flow, time: self.time, node_name: self.node_name() }
    }

    /// A copy in bytes of its own, which does not hold the large buffer that the flow came in.
    #[must_use]
    pub fn compacted(&self) -> Self {
        Self { message: Bytes::copy_from_slice(&self.message), ..self.clone() }
    }

    /// Everything that the flow carries. `None`: it cannot be read.
    pub fn flow(&self) -> Option<flow::Flow> {
        match GetFlowsResponse::decode(self.message.as_ref()).ok()?.response_types? {
            ResponseTypes::Flow(flow) => flow::Flow::try_from(flow).ok(),
            _ => None,
        }
    }
}

/// Where `part` lies in `message`, of which it is a part.
pub(super) fn place(message: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().checked_sub(message.as_ptr().addr());
    match start.filter(|start| start.saturating_add(part.len()) <= message.len()) {
        Some(start) => start..start + part.len(),
        // A name that the message does not hold is empty, and lies nowhere.
        None => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::flow::Flow;

    #[test]
    fn what_stands_around_a_flow_is_found() {
        let check = |node_name: &str, seconds: Option<i64>| {
            let time = seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 5 });
            let response = GetFlowsResponse {
                node_name: node_name.to_owned(),
                time,
                response_types: Some(ResponseTypes::Flow(Flow {
                    uuid: "a".to_owned(),
                    ..Flow::default()
                })),
            };
            let flow = WireFlow::read(response.encode_to_vec().into()).unwrap().unwrap();
            let expected = seconds.map(|seconds| Timestamp::new(seconds, 5).unwrap());
            for flow in [flow.compacted(), flow] {
                assert_eq!((flow.time(), flow.node_name()), (expected, node_name.as_bytes()));
                assert_eq!(flow.flow().unwrap().uuid, "a");
                assert_eq!(flow.header(), MessageHeader::read(flow.message()).unwrap());
            }
        };
        check("", None);
        check("aks-1", None);
        check("kind/größe", Some(7));
        let empty = GetFlowsResponse::default().encode_to_vec();
        assert_eq!(WireFlow::read(empty.into()), Ok(None));
        assert!(WireFlow::read(Bytes::from_static(&[0xff])).is_err());
    }
}
