//! Arbitrary messages do not panic, do not leave half a row, and yield the same columns as prost if
//! prost accepts the message.
//!
//! `cargo xtask fuzz projection`

#![no_main]

use flow::Timestamp;
use flow::columns::{FlowColumns, RowLists};
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::projection::{Decoded, Decoder, Projection};
use libfuzzer_sys::fuzz_target;
use prost::Message;

/// Columns by way of prost; `None` if it refuses the message.
fn by_vocabulary(message: &[u8]) -> Option<FlowColumns> {
    let response = GetFlowsResponse::decode(message).ok()?;
    let time = response.time.map(|time| Timestamp::new(time.seconds, time.nanos));
    let time = time.transpose().ok()?;
    let mut columns = FlowColumns::default();
    if let Some(ResponseTypes::Flow(wire)) = response.response_types {
        let mut flow = flow::Flow::try_from(wire).ok()?;
        flow.time = flow.time.or(time);
        if flow.node_name.is_empty() {
            flow.node_name = response.node_name;
        }
        columns.append_flow(&flow, &mut RowLists::default()).ok()?;
    }
    Some(columns)
}

fn content(columns: &FlowColumns) -> String {
    let texts: Vec<&str> = columns.dictionary().iter().collect();
    format!("{columns:?} {texts:?}")
}

fuzz_target!(|message: &[u8]| {
    let mut columns = FlowColumns::default();
    let decoded = Decoder::new(Projection::ALL).decode(message, &mut columns);
    assert_eq!(columns.len(), usize::from(decoded == Ok(Decoded::Flow)));
    if decoded.is_err() {
        assert!(columns.dictionary().is_empty());
    }
    if let Some(expected) = by_vocabulary(message) {
        assert!(decoded.is_ok(), "{decoded:?}");
        assert_eq!(content(&columns), content(&expected));
    }
});
