//! Scans of all flows of a time range, one by one and without holding any.

use budget::Caller;
use flow::TimeRange;
use flow::Timestamp;
use flow::columns::ColumnSet;
use flow::filter::FilterSet;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayNotices, WireFlow};

use crate::{LostEvents, Plan, PlanNotice, Relay, RelayError};

/// Information about a scan beside its flows.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The relay's messages about itself and its nodes.
    pub notices: RelayNotices,
    /// Lost events of the range.
    pub lost: LostEvents,
    /// Notices about the plan.
    pub plan_notices: Vec<PlanNotice>,
    /// The error that ended the stream early, after some flows.
    pub broken: Option<RelayError>,
}

/// The flows to read.
#[derive(Debug)]
pub struct ScanRequest {
    /// Selected flows.
    pub filters: FilterSet,
    /// Columns to read of each flow; nodes need not send the rest.
    pub columns: ColumnSet,
    /// Time range.
    pub range: TimeRange,
    /// The caller, on whose account the scan runs.
    pub caller: Caller,
}

impl Relay {
    /// Calls `take` for every flow of the range, with the state that `begin` makes. A repeated
    /// request starts with a new state.
    ///
    /// Errors: [`RelayError`] if nothing came or no node answered; flows that came before an error
    /// count.
    pub async fn scan<T>(
        &self,
        request: &ScanRequest,
        begin: impl Fn() -> T,
        mut take: impl FnMut(&mut T, &WireFlow),
    ) -> Result<(Scanned, T), RelayError> {
        let mut plan = self.plan(&request.filters, request.columns).await?;
        let _permit = self.gate.enter(request.caller).await?;
        loop {
            let mut state = begin();
            match self.scan_once(request, &mut plan, &mut state, &mut take).await? {
                Some(mut scanned) => {
                    scanned.plan_notices = plan.into_notices();
                    return Ok((scanned, state));
                }
                None => plan = plan.unmasked(),
            }
        }
    }

    /// One request; `None`: the mask was refused.
    async fn scan_once<T>(
        &self,
        request: &ScanRequest,
        plan: &mut Plan,
        state: &mut T,
        take: &mut impl FnMut(&mut T, &WireFlow),
    ) -> Result<Option<Scanned>, RelayError> {
        let range = request.range;
        let mut stream = self.client.get_flows(FlowRequest {
            since: Some(Timestamp::from_unix_nanos(range.from_nanos)),
            until: Some(Timestamp::from_unix_nanos(range.to_nanos)),
            ..plan.request()
        });
        let mut scanned = Scanned::default();
        let mut came = false;
        while let Some(message) = stream.next().await {
            match message {
                Ok(FlowMessage::Flow(flow)) => {
                    came = true;
                    if plan.passes(&flow) {
                        take(state, &flow);
                    }
                }
                Ok(FlowMessage::Notice(notice)) => {
                    if plan.is_mask_refused(self, &notice) {
                        return Ok(None);
                    }
                    if !scanned.lost.take(&notice, range) {
                        scanned.notices.add(notice);
                    }
                }
                Err(error) if plan.is_mask_refused_by(self, &error) => return Ok(None),
                Err(error) if !came => return Err(error.into()),
                Err(error) => {
                    scanned.broken = Some(error.into());
                    scanned.lost.read_in_part();
                    break;
                }
            }
        }
        if !came {
            self.check_answered(&scanned.notices).await?;
        }
        Ok(Some(scanned))
    }
}
