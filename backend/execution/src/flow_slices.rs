//! Single flows in slices, newest first, for an answer that is shown while it is read.

use std::sync::Arc;

use budget::{Held, OutOfMemory};
use flow::TimeRange;
use flow::columns::{ColumnLimits, FlowColumns};
use hubble_api::client::WireFlow;
use hubble_api::projection::Decoder;
use query::FlowsQuery;
use relay::{NewestSlices, Relay};
use serde_json::{Map, Value};
use wording::Notice;

use crate::flows::{Asked, RowCounts};
use crate::{ExecutionError, FlowSource};

/// An answer in slices.
#[derive(Debug)]
pub struct FlowSlices {
    relay: Arc<Relay>,
    asked: Asked,
    /// `None`: the range has not begun.
    slices: Option<NewestSlices>,
    counts: RowCounts,
    flows: usize,
}

/// What an answer says after its last slice.
#[derive(Debug)]
pub struct FlowsEnd {
    /// Number of flows in all slices.
    pub flows: usize,
    /// Notices about gaps.
    pub notices: Vec<Notice>,
    /// Data for the frontend, as `meta.custom` of a frame.
    pub custom: Map<String, Value>,
}

impl FlowSlices {
    /// Selects the flows of `query`. The relay is asked with the first slice.
    ///
    /// Errors: the query is invalid, or its filters need more memory than is free beside `held`.
    pub async fn begin(
        source: FlowSource<'_>,
        query: &FlowsQuery,
        range: TimeRange,
        held: &Held,
    ) -> Result<Self, ExecutionError> {
        let mut asked = Asked::of(source, query, range, held).await?;
        let relay = source.relay.clone();
        let slices = (!asked.is_in_future()).then(|| relay.newest_in_slices(asked.request.clone()));
        Ok(Self { relay, asked, slices, counts: RowCounts::default(), flows: 0 })
    }

    /// The equivalent `hubble observe …` line.
    pub fn executed(&self) -> &str {
        &self.asked.executed
    }

    /// Maximum number of flows.
    pub fn limit(&self) -> usize {
        self.asked.request.limit
    }

    /// Number of flows in the slices so far.
    pub fn flows(&self) -> usize {
        self.flows
    }

    /// The flows of the next slice, newest first, which `held` holds; `None` after the last one.
    ///
    /// Errors: [`ExecutionError`], if there is nothing to show.
    pub async fn next(&mut self, held: &mut Held) -> Result<Option<Vec<WireFlow>>, ExecutionError> {
        let Some(slices) = &mut self.slices else { return Ok(None) };
        let flows = slices.next(held).await?;
        if let Some(flows) = &flows {
            self.flows += flows.len();
        }
        Ok(flows)
    }

    /// Counts the rows of a slice for the notices. Takes a microsecond a flow.
    pub fn count(&mut self, slice: &[WireFlow]) {
        let mut columns = FlowColumns::new(ColumnLimits::default());
        let mut decoder = Decoder::new(RowCounts::COLUMNS);
        for flow in slice {
            // The browser unpacks the flows and reports those that it cannot read.
            let _unreadable =
                decoder.decode_with_header(flow.message(), flow.header(), &mut columns).is_err();
        }
        self.counts.add(&columns, &columns.newest_first());
    }

    /// The notices about the whole answer. `refused`: the memory that a slice was refused.
    pub async fn end(mut self, refused: Option<OutOfMemory>) -> FlowsEnd {
        let flows = self.flows;
        let Some(slices) = self.slices else {
            return FlowsEnd { flows, notices: self.asked.take_notices(), custom: Map::new() };
        };
        let buffer_start = self.relay.buffer_start().await;
        let mut facts = slices.into_facts();
        if let Some(refused) = refused {
            facts.broken = Some(refused.into());
        }
        match self.asked.about(&facts, flows, &buffer_start).await {
            Ok((mut notices, custom)) => {
                notices.extend(self.counts.notices());
                FlowsEnd { flows, notices, custom }
            }
            // Answers for people have no required completeness.
            Err(error) => {
                let notices = vec![Notice::warning(error.message())];
                FlowsEnd { flows, notices, custom: Map::new() }
            }
        }
    }
}
