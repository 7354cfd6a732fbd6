//! All flows of a time range, one after the other: nothing is held.

use flow::TimeRange;
use flow::Timestamp;
use flow::columns::ColumnSet;
use flow::filter::FilterSet;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayNotices, WireFlow};

use crate::{LostEvents, Plan, Relay, RelayError, Remark};

/// What a scan found beside the flows.
#[derive(Debug, Default)]
pub struct Scanned {
    /// What the relay says about itself.
    pub notices: RelayNotices,
    /// Events of the range that were lost.
    pub lost: LostEvents,
    /// What there is to say about how it was asked.
    pub remarks: Vec<Remark>,
    /// Why the stream ended early, if it did and something had come before.
    pub broken: Option<RelayError>,
}

/// Which flows to read.
#[derive(Debug)]
pub struct ScanRequest {
    /// Which flows.
    pub filters: FilterSet,
    /// What is read of each flow; the rest need not be sent.
    pub columns: ColumnSet,
    /// When they happened.
    pub range: TimeRange,
}

impl Relay {
    /// Hands every flow of the range to `take`, with what `begin` makes; that is made anew if the
    /// relay has to be asked again.
    ///
    /// Errors: [`RelayError`] when nothing came, or no node answered; what came before an error
    /// counts.
    pub async fn scan<T>(
        &self,
        request: &ScanRequest,
        begin: impl Fn() -> T,
        mut take: impl FnMut(&mut T, &WireFlow),
    ) -> Result<(Scanned, T), RelayError> {
        let mut plan = self.plan(&request.filters, request.columns).await?;
        loop {
            let mut state = begin();
            match self.scan_once(request, &mut plan, &mut state, &mut take).await? {
                Some(mut scanned) => {
                    scanned.remarks = plan.into_remarks();
                    return Ok((scanned, state));
                }
                None => plan = plan.unmasked(),
            }
        }
    }

    /// `None`: the mask was refused.
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
