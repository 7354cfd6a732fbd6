//! A few recent flows, kept for a few seconds: what suggestions are made of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flow::TimeRange;
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns};
use flow::filter::FilterSet;
use hubble_api::projection::Decoder;
use relay::{Cached, NewestRequest, Relay, RelayError, now_ms};

/// Someone who types asks several times a second.
const TTL: Duration = Duration::from_secs(5);
/// Newest flows that are looked at, of each node and in all.
const FLOWS: usize = 4_000;
const WINDOW_MS: i64 = 3_600_000;

const COLUMNS: ColumnSet = ColumnSet::of(&[
    Column::SourceNamespace,
    Column::SourcePod,
    Column::SourceWorkloads,
    Column::SourceLabels,
    Column::SourceNames,
    Column::SourceIp,
    Column::SourcePort,
    Column::SourceIdentity,
    Column::DestinationNamespace,
    Column::DestinationPod,
    Column::DestinationWorkloads,
    Column::DestinationLabels,
    Column::DestinationNames,
    Column::DestinationIp,
    Column::DestinationPort,
    Column::DestinationIdentity,
    Column::HttpCode,
    Column::HttpMethod,
    Column::Interface,
    Column::SourceService,
    Column::SourceServiceNamespace,
    Column::SourceCluster,
    Column::DestinationService,
    Column::DestinationServiceNamespace,
    Column::DestinationCluster,
]);

/// The sample of a data source.
#[derive(Debug)]
pub(crate) struct SampleCache(Cached<Arc<Sample>>);

/// Recent flows.
#[derive(Debug)]
pub(super) struct Sample {
    columns: FlowColumns,
    /// What the relay could not give.
    pub(super) notices: Vec<String>,
}

/// An end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

impl Default for SampleCache {
    fn default() -> Self {
        Self(Cached::new(TTL))
    }
}

impl SampleCache {
    /// The sample; who asks while it is fetched waits for the same one.
    ///
    /// Errors: the relay has none.
    pub(super) async fn get(&self, relay: &Relay) -> Result<Arc<Sample>, RelayError> {
        self.0.get(async { fetch(relay).await.map(Arc::new) }).await
    }
}

async fn fetch(relay: &Relay) -> Result<Sample, RelayError> {
    let now_ms = now_ms();
    let request = NewestRequest {
        filters: FilterSet::default(),
        columns: COLUMNS,
        range: TimeRange::of_ms(now_ms - WINDOW_MS, now_ms),
        limit: FLOWS,
        oldest: false,
        now_ms,
    };
    let newest = relay.newest(&request).await?;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(COLUMNS);
    for flow in &newest.flows {
        // One that cannot be read has nothing to suggest.
        let _unreadable =
            decoder.decode_with_header(flow.message(), flow.header(), &mut columns).is_err();
    }
    let mut notices: Vec<String> = newest.broken.iter().map(ToString::to_string).collect();
    notices.extend(newest.notices.iter().filter_map(|notice| match notice {
        hubble_api::client::RelayNotice::NodesUnavailable { .. }
        | hubble_api::client::RelayNotice::NodeError { .. } => Some(notice.to_string()),
        _ => None,
    }));
    Ok(Sample { columns, notices })
}

impl Sample {
    /// The flows.
    pub(super) fn columns(&self) -> &FlowColumns {
        &self.columns
    }

    /// How many flows there are.
    pub(super) fn flows(&self) -> usize {
        self.columns.len()
    }

    /// Everything that `of` reads from the given sides of flows, each once, sorted; only of ends
    /// in `namespace`, if one is given.
    pub(super) fn collect(
        &self,
        sides: &[Side],
        namespace: Option<&str>,
        of: impl Fn(&FlowColumns, Side, usize, &mut BTreeSet<String>),
    ) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for &side in sides {
            let namespaces = match side {
                Side::Source => self.columns.source_namespace(),
                Side::Destination => self.columns.destination_namespace(),
            };
            for (row, &code) in namespaces.iter().enumerate() {
                if namespace.is_none_or(|namespace| self.columns.text(code) == namespace) {
                    of(&self.columns, side, row, &mut values);
                }
            }
        }
        values.remove("");
        values
    }
}
