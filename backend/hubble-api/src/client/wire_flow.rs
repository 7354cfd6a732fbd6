//! Flows in their wire form.

use crate::pb::observer::GetFlowsResponse;
use crate::pb::observer::get_flows_response::ResponseTypes;
use crate::projection::{MessageHeader, MessageKind, ProjectionError};
use bytes::Bytes;
use flow::Timestamp;
use prost::Message;
use std::ops::Range;

/// Flow in its wire form: the bytes of a `GetFlowsResponse`, with its header already read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireFlow {
    message: Bytes,
    time: Option<Timestamp>,
    /// Range of the node's name within `message`.
    node_name: Range<usize>,
}

impl WireFlow {
    /// Reads the header of `message`. `None` if the message does not contain a flow.
    ///
    /// Errors: the message is malformed at its outermost level.
    pub fn read(message: Bytes) -> Result<Option<Self>, ProjectionError> {
        let MessageHeader { kind, time, node_name } = MessageHeader::read(&message)?;
        let node_name = place(&message, node_name);
        Ok((kind == MessageKind::Flow).then_some(Self { message, time, node_name }))
    }

    /// Flow in `message`, with the `time` and `node_name` from its header.
    pub(super) fn new(message: Bytes, time: Option<Timestamp>, node_name: Range<usize>) -> Self {
        Self { message, time, node_name }
    }

    /// Bytes of the `GetFlowsResponse`.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// `GetFlowsResponse.time`; old nodes set only the time within the flow.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// `GetFlowsResponse.node_name`; need not be UTF-8.
    pub fn node_name(&self) -> &[u8] {
        self.message.get(self.node_name.clone()).unwrap_or_default()
    }

    /// Header for [`Decoder::decode_with_header`](crate::projection::Decoder::decode_with_header).
    pub fn header(&self) -> MessageHeader<'_> {
        MessageHeader { kind: MessageKind::Flow, time: self.time, node_name: self.node_name() }
    }

    /// Copy in a buffer of its own, which releases the larger buffer that the flow arrived in.
    #[must_use]
    pub fn compacted(&self) -> Self {
        Self { message: Bytes::copy_from_slice(&self.message), ..self.clone() }
    }

    /// Decoded flow; `None` if it is not valid.
    pub fn flow(&self) -> Option<flow::Flow> {
        match GetFlowsResponse::decode(self.message.as_ref()).ok()?.response_types? {
            ResponseTypes::Flow(flow) => flow::Flow::try_from(flow).ok(),
            _ => None,
        }
    }
}

/// Range of `part` within `message`.
pub(super) fn place(message: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().checked_sub(message.as_ptr().addr());
    match start.filter(|start| start.saturating_add(part.len()) <= message.len()) {
        Some(start) => start..start + part.len(),
        // An absent name is empty and has an empty range.
        None => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::flow::Flow;

    #[test]
    fn the_header_of_a_flow_is_found() {
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
