//! The first step of every query about flows: filters, time range, and the equivalent command line.

use std::borrow::Cow;
use std::sync::Arc;

use budget::Held;
use chrono::{DateTime, SecondsFormat};
use flow::TimeRange;
use flow::filter::{FilterSet, PreparedFilters};
use query::{CelExpressions, ClusterNames, FlowSelection, FlowsForm, InvalidQuery};
use relay::now_ms;
use tokio::sync::Semaphore;
use wording::Notice;

use crate::{ExecutionError, FlowSource};

/// Sets of filters that are compiled at once. What they take is known afterwards, so few may be under way.
const COMPILED_AT_ONCE: usize = 2;
static COMPILING: Semaphore = Semaphore::const_new(COMPILED_AT_ONCE);

/// Filters that are ready for use, and the memory that their regular expressions take.
#[derive(Debug, Clone)]
pub struct HeldFilters {
    /// The filters.
    pub filters: Arc<PreparedFilters>,
    _held: Arc<Held>,
}

/// The selection to request from the relay.
#[derive(Debug)]
pub(crate) struct SelectedFlows {
    pub(crate) filters: HeldFilters,
    /// The time range, narrowed by the form.
    pub(crate) range: TimeRange,
    /// Time of the request, in Unix milliseconds.
    pub(crate) now_ms: i64,
    /// The equivalent `hubble observe …` line.
    pub(crate) executed: String,
    /// Notices about clusters and the range.
    pub(crate) notices: Vec<Notice>,
}

/// Selects the flows of `form` in `range`.
///
/// Errors: [`ExecutionError::Query`]; too little memory for the filters beside `held`.
pub(crate) async fn select(
    source: FlowSource<'_>,
    form: &FlowsForm,
    range: TimeRange,
    held: &Held,
) -> Result<SelectedFlows, ExecutionError> {
    select_more(source, form, range, held, |filters| filters).await
}

/// Selects the flows of `form` in `range`, and those that `more` adds to its filters.
///
/// Errors: as for [`select`].
pub(crate) async fn select_more(
    source: FlowSource<'_>,
    form: &FlowsForm,
    range: TimeRange,
    held: &Held,
    more: impl FnOnce(FilterSet) -> FilterSet,
) -> Result<SelectedFlows, ExecutionError> {
    let (form, of_clusters) = resolve_clusters(source, form).await;
    let FlowSelection { filters, observe_flags } =
        FlowSelection::new(&form).map_err(InvalidQuery::from)?;
    let now_ms = now_ms();
    let (range, narrowed) = form.selectors.narrow(range, now_ms).map_err(InvalidQuery::from)?;
    let executed = executed(&observe_flags, range);
    let notices = of_clusters.into_iter().chain(narrowed).collect();
    let filters = prepare(more(filters), form.into_owned(), source.cel, held.another()).await?;
    Ok(SelectedFlows { filters, range, now_ms, executed, notices })
}

/// Compiles the filters of a selection on a thread of its own: some regular expressions take milliseconds. `held`
/// grows by what they take.
///
/// Errors: as for [`query::prepare`]; [`ExecutionError::OutOfMemory`].
pub async fn prepare(
    filters: FilterSet,
    form: FlowsForm,
    cel: CelExpressions,
    mut held: Held,
) -> Result<HeldFilters, ExecutionError> {
    let mut all = filters.allow.iter().chain(&filters.deny);
    if all.all(|filter| filter.size().patterns == 0) {
        let prepared = query::prepare(filters, &form, cel).map_err(InvalidQuery::from)?;
        return Ok(HeldFilters { filters: Arc::new(prepared), _held: Arc::new(held) });
    }
    // The semaphore is never closed.
    let turn = COMPILING.acquire().await;
    let preparing = tokio::task::spawn_blocking(move || query::prepare(filters, &form, cel));
    let prepared = match preparing.await {
        Ok(prepared) => prepared.map_err(InvalidQuery::from)?,
        // The task is not aborted.
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    let here = prepared.here();
    held.grow(here.map_or(0, flow::filter::CompiledFilterSet::max_expression_bytes))?;
    drop(turn);
    Ok(HeldFilters { filters: Arc::new(prepared), _held: Arc::new(held) })
}

/// `form` with Hubble's names of clusters, and notices about clusters that the relay does not know.
pub async fn resolve_clusters<'f>(
    source: FlowSource<'_>,
    form: &'f FlowsForm,
) -> (Cow<'f, FlowsForm>, Vec<Notice>) {
    if !form.names_clusters() {
        return (Cow::Borrowed(form), Vec::new());
    }
    let FlowSource { relay, cluster, .. } = source;
    let known = relay.clusters().await;
    let is_recorded = relay.records_clusters().await;
    let mut form = form.clone();
    let notices = ClusterNames { own: cluster, known: &known, is_recorded }.resolve(&mut form);
    (Cow::Owned(form), notices)
}

/// The equivalent command line. `--until` is the last nanosecond of the range, because Hubble
/// includes it.
fn executed(observe_flags: &str, range: TimeRange) -> String {
    let time = |nanos: i64| {
        DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    };
    let (since, until) = (time(range.from_nanos), time(range.to_nanos));
    let line = format!("hubble observe --since {since} --until {until} {observe_flags}");
    line.trim_end().to_owned()
}
