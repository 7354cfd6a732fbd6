//! The clock, and the times of flows.

use std::time::{SystemTime, UNIX_EPOCH};

use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use hubble_api::client::WireFlow;
use hubble_api::projection::Decoder;

/// The time now, in Unix milliseconds.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// The time of a flow in Unix nanoseconds: the message's, else, of old nodes, that inside of the
/// flow. `None`: the message cannot be read.
pub(crate) fn time_nanos(flow: &WireFlow) -> Option<i64> {
    if let Some(time) = flow.time() {
        return Some(time.unix_nanos().unwrap_or(NO_TIME));
    }
    let mut columns = FlowColumns::default();
    let mut decoder = Decoder::new(ColumnSet::of(&[Column::TimeNanos]));
    decoder.decode_with_header(flow.message(), flow.header(), &mut columns).ok()?;
    Some(columns.time_nanos().first().copied().unwrap_or(NO_TIME))
}
