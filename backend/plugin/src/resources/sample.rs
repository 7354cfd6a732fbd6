//! A sample of recent flows, kept for a few seconds as the source of suggestions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::budget::{CacheMetrics, Caller, Memory};
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns};
use flow::filter::PreparedFilters;
use flow::{EndpointRole, TimeRange};
use hubble_api::projection::Decoder;
use relay::{Cached, ERRORS_KEPT, NewestRequest, Relay, RelayError, now_ms};

/// Time for which a sample is reused; a typing user asks several times a second.
const TTL: Duration = Duration::from_secs(5);
/// Number of newest flows in a sample, per node and in all.
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
pub(crate) struct SampleCache(Cached<Arc<FlowSample>, RelayError>);

/// Recent flows.
#[derive(Debug)]
pub(crate) struct FlowSample {
    columns: FlowColumns,
    /// Notices about missing flows.
    pub(super) notices: Vec<String>,
}

impl SampleCache {
    /// No sample yet. Uses count in `uses`.
    pub(crate) fn counted(uses: CacheMetrics) -> Self {
        Self(Cached::new(TTL, ERRORS_KEPT).counted(uses))
    }

    /// The sample; concurrent callers share one request, and its error.
    ///
    /// Errors: the relay has none.
    pub(crate) async fn get(
        &self,
        relay: &Arc<Relay>,
        caller: Caller,
        memory: &Memory,
    ) -> Result<Arc<FlowSample>, RelayError> {
        self.0.get(async { fetch(relay, caller, memory).await.map(Arc::new) }).await
    }
}

async fn fetch(
    relay: &Arc<Relay>,
    caller: Caller,
    memory: &Memory,
) -> Result<FlowSample, RelayError> {
    let now_ms = now_ms();
    let request = NewestRequest {
        filters: Arc::new(PreparedFilters::of_all_flows()),
        columns: COLUMNS,
        range: TimeRange::of_ms(now_ms - WINDOW_MS, now_ms),
        limit: FLOWS,
        oldest: false,
        now_ms,
        caller,
    };
    let newest = relay.newest(&request, &mut memory.hold(caller)).await?;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(COLUMNS);
    for flow in &newest.flows {
        // An unreadable flow is skipped.
        let _unreadable =
            decoder.decode_with_header(flow.message(), flow.header(), &mut columns).is_err();
    }
    let mut notices: Vec<String> = newest.broken.iter().map(ToString::to_string).collect();
    notices.extend(newest.notices.iter().filter_map(|notice| match notice {
        hubble_api::client::RelayNotice::NodesUnavailable { .. }
        | hubble_api::client::RelayNotice::NodeError { .. } => Some(notice.to_string()),
        _ => None,
    }));
    Ok(FlowSample { columns, notices })
}

impl FlowSample {
    /// The flows as columns.
    pub(super) fn columns(&self) -> &FlowColumns {
        &self.columns
    }

    /// Number of flows.
    pub(super) fn flows(&self) -> usize {
        self.columns.len()
    }

    /// The values that `of` reads from the given endpoints, sorted and without duplicates; if a
    /// namespace is given, only from endpoints in it.
    pub(super) fn collect(
        &self,
        roles: &[EndpointRole],
        namespace: Option<&str>,
        of: impl Fn(&FlowColumns, EndpointRole, usize, &mut BTreeSet<String>),
    ) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        for &role in roles {
            for row in 0..self.columns.len() {
                let own = role.namespace(&self.columns, row);
                if namespace.is_none_or(|namespace| own == namespace) {
                    of(&self.columns, role, row, &mut values);
                }
            }
        }
        values.remove("");
        values
    }
}
