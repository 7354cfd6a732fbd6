//! The flows that a scan reads.

use std::sync::Arc;

use budget::Caller;
use flow::TimeRange;
use flow::columns::ColumnSet;
use flow::filter::PreparedFilters;

/// The flows to read.
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// Selected flows.
    pub filters: Arc<PreparedFilters>,
    /// Columns to read of each flow, beside the time; nodes need not send the rest.
    pub columns: ColumnSet,
    /// Time range.
    pub range: TimeRange,
    /// The caller, on whose account the scan runs.
    pub caller: Caller,
}
