//! Batches of a live channel: the content of one message, within bounds.

use std::collections::VecDeque;

use flow::columns::{ColumnLimits, FlowColumns, NO_TIME};
use frames::{BadFrame, FramePart, LiveNotice, Meta, live_json, live_log, live_table};
use hubble_api::client::WireFlow;
use hubble_api::projection::Decoder;
use relay::now_ms;
use wording::Severity;

use super::MessageFormat;

/// Maximum number of flows in one message. At five messages a second this is more than a person can
/// read, and little enough for a browser.
pub(super) const MAX_FLOWS: usize = 500;
/// Maximum size of waiting flows, in bytes.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// Maximum size of a message, in bytes. Grafana disconnects a browser with 4 MiB waiting (`[live]
/// client_queue_max_size`).
const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Maximum number of notices in one message.
const MAX_NOTICES: usize = 20;

/// The flows since the last message.
#[derive(Debug)]
pub(super) struct LiveBatch {
    format: MessageFormat,
    pub(super) meta: Meta,
    flows: VecDeque<WireFlow>,
    bytes: usize,
    notices: Vec<LiveNotice>,
    earlier_notices: u64,
    /// Number of flows that did not fit and are not yet in a notice.
    pub(super) left_out: u64,
    /// Number of unreadable flows that are not yet in a notice.
    pub(super) unreadable: u64,
}

impl LiveBatch {
    pub(super) fn new(format: MessageFormat) -> Self {
        Self {
            format,
            meta: Meta::default(),
            flows: VecDeque::new(),
            bytes: 0,
            notices: Vec::new(),
            earlier_notices: 0,
            left_out: 0,
            unreadable: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.notices.is_empty()
    }

    /// The flows since the last message, oldest first by their arrival.
    pub(super) fn flows(&self) -> impl Iterator<Item = &WireFlow> {
        self.flows.iter()
    }

    /// Adds a flow; drops the oldest ones where the room is full.
    pub(super) fn push(&mut self, flow: &WireFlow) {
        self.bytes += flow.message().len();
        self.flows.push_back(flow.compacted());
        while self.flows.len() > MAX_FLOWS || self.bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.flows.pop_front() else { break };
            self.bytes -= oldest.message().len();
            self.left_out += 1;
        }
    }

    /// Adds a row with a notice.
    pub(super) fn add_notice(&mut self, severity: Severity, text: String) {
        if self.notices.len() < MAX_NOTICES {
            self.earlier_notices += 1;
            let time_nanos = now_ms().saturating_mul(1_000_000);
            self.notices.push(LiveNotice {
                time_nanos,
                severity,
                text,
                number: self.earlier_notices,
            });
        }
    }

    /// Takes the message, oldest flow first, and empties the batch.
    ///
    /// Errors: [`BadFrame`].
    pub(super) fn message(&mut self, part: FramePart) -> Result<Vec<u8>, BadFrame> {
        let mut decoder = Decoder::new(self.format.columns());
        let mut columns = FlowColumns::new(ColumnLimits {
            max_flows: MAX_FLOWS,
            max_text_bytes: 4 * MAX_WAITING_BYTES,
        });
        for flow in self.flows.drain(..) {
            if decoder.decode_with_header(flow.message(), flow.header(), &mut columns).is_err() {
                self.unreadable += 1;
            }
        }
        self.bytes = 0;
        let notices = std::mem::take(&mut self.notices);
        let mut rows = oldest_first(&columns);
        loop {
            let shown = if self.format.is_log { live_log } else { live_table };
            let frame = shown(&columns, &rows, &notices, self.meta.clone())?;
            let message = live_json(&self.format.ref_id, &frame, part)?;
            if message.len() <= MAX_MESSAGE_BYTES || rows.is_empty() {
                return Ok(message);
            }
            // The newest half of the rows.
            let cut = rows.len().div_ceil(2);
            rows.drain(..cut);
            self.left_out += cut as u64;
        }
    }
}

fn oldest_first(columns: &FlowColumns) -> Vec<u32> {
    let mut rows = columns.newest_first();
    rows.reverse();
    // Flows without a time were last and would be first after the reversal.
    let no_time = rows.iter().take_while(|&&row| {
        columns.time_nanos().get(row as usize).is_none_or(|&time| time == NO_TIME)
    });
    let count = no_time.count();
    rows.rotate_left(count);
    rows
}

#[cfg(test)]
mod tests {
    use hubble_api::pb::flow::Flow;
    use hubble_api::pb::observer::GetFlowsResponse;
    use hubble_api::pb::observer::get_flows_response::ResponseTypes;
    use prost::Message;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_message_begins_with_its_oldest_flow() {
        let mut batch = LiveBatch::new(MessageFormat::default());
        for secs in [3, 1, 0, 2] {
            let time = (secs > 0).then_some(prost_types::Timestamp { seconds: secs, nanos: 0 });
            let flow = Flow { time, ..Flow::default() };
            let response = GetFlowsResponse {
                response_types: Some(ResponseTypes::Flow(flow)),
                ..GetFlowsResponse::default()
            };
            let flow = WireFlow::read(response.encode_to_vec().into()).unwrap();
            batch.push(&flow.expect("a flow"));
        }
        let message: Value =
            serde_json::from_slice(&batch.message(FramePart::Rows).unwrap()).unwrap();
        // A flow without a time counts as the newest.
        assert_eq!(message["data"]["values"][0], json!([1_000, 2_000, 3_000, null]));
        assert!(batch.is_empty());
    }
}
