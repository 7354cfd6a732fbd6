//! Scans of all flows of a time range, in batches of rows. Requests that differ only in their columns
//! share one.

use std::sync::Arc;

use budget::Held;
use flow::TimeRange;
use flow::Timestamp;
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayNotices};

use crate::batch::{BatchReader, batch_bytes};
use crate::shared_scans::{BATCHES_AT_ONCE, Listeners, Piece, ScanEnd};
use crate::{LostEvents, Plan, PlanNotice, Relay, RelayError, ScanRequest};

/// Information about a scan beside its flows.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The relay's messages about itself and its nodes.
    pub notices: RelayNotices,
    /// Lost events of the range.
    pub lost: LostEvents,
    /// Number of unreadable messages.
    pub unreadable: usize,
    /// Notices about the plan.
    pub plan_notices: Vec<PlanNotice>,
    /// The error that ended the stream early, after some flows.
    pub broken: Option<RelayError>,
}

impl Relay {
    /// Calls `take` for every flow of the range, with the state that `begin` makes, and columns and row
    /// of the flow. A repeated request starts with a new state. `held` grows by the state's `size` in
    /// bytes, from the first flows on: a query that waits holds nothing.
    ///
    /// Errors: [`RelayError`] if nothing came, no node answered, or the memory is used up; flows that came
    /// before an error of the relay count.
    #[tracing::instrument(level = "debug", name = "relay scan", skip_all, fields(otel.kind = "client"))]
    pub async fn scan<T>(
        self: &Arc<Self>,
        request: &ScanRequest,
        held: &mut Held,
        begin: impl Fn() -> T,
        take: impl Fn(&mut T, &FlowColumns, usize),
        size: impl Fn(&T) -> usize,
    ) -> Result<(Scanned, T), RelayError> {
        let mut plan = self.plan(&request.filters, request.columns).await?;
        let mut pieces = self.scans.join(self, request, held);
        let before = held.bytes();
        let (mut state, mut scanned) = (begin(), Scanned::default());
        loop {
            match pieces.next().await {
                Some(Piece::Rows(columns)) => {
                    for row in rows_within(&columns, request.range) {
                        take(&mut state, &columns, row);
                    }
                    held.set(before.saturating_add(size(&state)))?;
                }
                Some(Piece::Notice(notice)) => {
                    if !scanned.lost.take(&notice, request.range) {
                        scanned.notices.add(notice);
                    }
                }
                Some(Piece::Again) => {
                    (state, scanned) = (begin(), Scanned::default());
                    plan = plan.unmasked();
                }
                Some(Piece::End(end)) => {
                    let ScanEnd { broken, unreadable, let_through } = end?;
                    if broken.is_some() {
                        scanned.lost.read_in_part();
                    }
                    let plan_notices = plan.into_notices().into_iter().chain(let_through);
                    scanned.plan_notices = plan_notices.collect();
                    (scanned.broken, scanned.unreadable) = (broken, unreadable);
                    return Ok((scanned, state));
                }
                None => return Err(RelayError::Stopped),
            }
        }
    }

    /// Reads the flows for all `listeners`, in the range of `request`.
    pub(crate) async fn read_for(
        &self,
        listeners: &Listeners,
        request: &ScanRequest,
        mut held: Held,
    ) -> Result<ScanEnd, RelayError> {
        let _permit = self.gate.enter(request.caller).await?;
        let columns = listeners.columns().with(Column::TimeNanos);
        let mut plan = self.plan(&request.filters, columns).await?;
        loop {
            if let Some(end) =
                self.read_once(listeners, request, columns, &mut plan, &mut held).await?
            {
                return Ok(end);
            }
            plan = plan.unmasked();
            listeners.send(Piece::Again).await;
        }
    }

    /// One request; `None`: the mask was refused.
    async fn read_once(
        &self,
        listeners: &Listeners,
        request: &ScanRequest,
        columns: ColumnSet,
        plan: &mut Plan,
        held: &mut Held,
    ) -> Result<Option<ScanEnd>, RelayError> {
        let mut stream = self.client.get_flows(FlowRequest {
            since: Some(Timestamp::from_unix_nanos(request.range.from_nanos)),
            until: Some(Timestamp::from_unix_nanos(request.range.to_nanos)),
            ..plan.request()
        });
        let mut batch = BatchReader::new(columns);
        let mut notices = RelayNotices::default();
        let (mut came, mut broken) = (false, None);
        while let Some(message) = stream.next().await {
            match message {
                Ok(FlowMessage::Flow(flow)) => {
                    came = true;
                    if plan.passes(&flow)
                        && let Some(full) = batch.take(&flow)
                    {
                        held.set(held.bytes().max(batch_bytes(&full) * BATCHES_AT_ONCE))?;
                        listeners.send(Piece::Rows(Arc::new(full))).await;
                    }
                }
                Ok(FlowMessage::Notice(notice)) => {
                    if plan.is_mask_refused(self, &notice) {
                        return Ok(None);
                    }
                    notices.add(notice.clone());
                    listeners.send(Piece::Notice(notice)).await;
                }
                Err(error) if plan.is_mask_refused_by(self, &error) => return Ok(None),
                Err(error) if !came => return Err(error.into()),
                Err(error) => {
                    broken = Some(error.into());
                    break;
                }
            }
        }
        if !came {
            self.check_answered(&notices).await?;
        }
        let unreadable = batch.unreadable();
        listeners.send(Piece::Rows(Arc::new(batch.finish()))).await;
        Ok(Some(ScanEnd { broken, unreadable, let_through: plan.take_let_through() }))
    }
}

/// The rows of `range`. Flows without a time are in every range, as for the nodes.
fn rows_within(columns: &FlowColumns, range: TimeRange) -> impl Iterator<Item = usize> {
    columns.time_nanos().iter().enumerate().filter_map(move |(row, time_nanos)| {
        let is_within =
            *time_nanos == NO_TIME || (range.from_nanos..=range.to_nanos).contains(time_nanos);
        is_within.then_some(row)
    })
}
