mod cells;
mod files;
mod flows;
mod vectors;
mod views;
#[cfg(feature = "policies")]
use hubble_api::packed::Encoder;
use hubble_api::pb::observer::GetFlowsResponse;
use prost::Message;

use crate::table::Table;

/// A packed stream of these messages.
fn pack(messages: &[GetFlowsResponse]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut stream = Vec::new();
    for message in messages {
        if let Some(batch) = encoder.push(&message.encode_to_vec()).unwrap() {
            stream.extend_from_slice(&batch);
        }
    }
    if let Some(batch) = encoder.finish() {
        stream.extend_from_slice(&batch);
    }
    stream
}

fn table(messages: &[GetFlowsResponse]) -> Table {
    let mut table = Table::new();
    table.append(&pack(messages)).unwrap();
    table
}
