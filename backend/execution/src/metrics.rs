//! Counts of flows, over time or over the whole range, grouped by their fields.

use std::collections::BTreeMap;

use budget::Held;
use flow::EndpointRole;
use flow::aggregate::{Aggregation, AggregationLimits, Buckets, Cell, FlowGroup};
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use flow::dedup::PacketDedup;
use flow::group::GroupField;
use flow::{TimeRange, Verdict};
use frames::{
    FlowSeries, FlowSeriesShape, Frame, flow_log_volume, flow_numbers, flow_ranking,
    flow_time_series,
};
use query::{FlowMetric, FlowMetricsFormat, FlowMetricsQuery};
use relay::BufferStart;
use wording::{Notice, count};

use crate::group_name::group_name;
use crate::scan::{Fold, Rows, scan};
use crate::select::select;
use crate::{Consumer, ExecutionError, FlowSource, QueryContext};

/// Maximum number of groups that are counted separately; the rest are counted as `other`.
const MAX_GROUPS: usize = 1_000;
/// Maximum number of cells in all groups, 64 bytes each.
const MAX_CELLS: usize = 500_000;
/// Maximum number of distinct pairs in all cells, 16 bytes each.
const MAX_PEERS: usize = 500_000;
/// Maximum number of points in a series.
const MAX_BUCKETS: i64 = 2_000;
/// Shortest known part of a bucket that yields a value, in seconds. In a shorter part, an absent
/// flow looks like silence and a single one like a storm.
const MIN_BUCKET_SECS: f64 = 1.0;

fn columns(query: &FlowMetricsQuery) -> ColumnSet {
    let own = PacketDedup::COLUMNS
        .union(FlowColumns::STANDS_FOR_COLUMNS)
        .union(ColumnSet::of(&[Column::TimeNanos, Column::Verdict]));
    let grouped = query.group_by.iter().fold(own, |set, field| set.union(field.columns()));
    if query.metric == FlowMetric::DistinctPeers {
        grouped.union(EndpointRole::NAME_COLUMNS)
    } else {
        grouped
    }
}

fn metric_name(metric: FlowMetric) -> &'static str {
    match metric {
        FlowMetric::Count => "count",
        FlowMetric::Rate => "rate",
        FlowMetric::DropRatio => "drop ratio",
        FlowMetric::DistinctPeers => "distinct peers",
    }
}

fn metric_unit(metric: FlowMetric) -> &'static str {
    match metric {
        FlowMetric::Count | FlowMetric::DistinctPeers => "short",
        FlowMetric::Rate => "eps",
        FlowMetric::DropRatio => "percentunit",
    }
}

/// A notice that says how missing flows affect the numbers.
fn lower_bound(metric: FlowMetric) -> Notice {
    let text = match metric {
        FlowMetric::DropRatio => "each ratio covers the received flows only: others are missing",
        FlowMetric::Count | FlowMetric::Rate | FlowMetric::DistinctPeers => {
            "each number is a lower bound: flows are missing"
        }
    };
    Notice::warning(text)
}

/// The value of a cell that covers `secs` seconds; `None` if it is unknown.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn value(metric: FlowMetric, cell: &Cell, secs: f64, min_flows: u64) -> Option<f64> {
    match metric {
        FlowMetric::Count => Some(cell.flows as f64),
        FlowMetric::Rate => (secs > 0.0).then(|| cell.flows as f64 / secs),
        FlowMetric::DropRatio => {
            (cell.flows >= min_flows.max(1)).then(|| cell.dropped as f64 / cell.flows as f64)
        }
        FlowMetric::DistinctPeers => Some(cell.peers() as f64),
    }
}

/// Counts in progress.
struct Counter<'q> {
    query: &'q FlowMetricsQuery,
    /// Buffer for the texts of a row's group, reused for each row.
    key: Vec<String>,
    dedup: PacketDedup,
    counts: Aggregation,
    seconds: u64,
}

impl<'q> Counter<'q> {
    fn new(query: &'q FlowMetricsQuery, buckets: Buckets, limits: AggregationLimits) -> Self {
        Self {
            query,
            key: Vec::with_capacity(query.group_by.len()),
            dedup: PacketDedup::default(),
            counts: Aggregation::new(buckets, limits),
            seconds: 0,
        }
    }
}

impl Fold for Counter<'_> {
    fn bytes(&self) -> usize {
        self.counts.bytes().saturating_add(self.dedup.bytes())
    }

    fn add(&mut self, columns: &FlowColumns, row: usize) {
        if self.dedup.is_duplicate(columns, row) {
            self.seconds += 1;
            return;
        }
        self.key.clear();
        let texts = self.query.group_by.iter().map(|field| field.text(columns, row));
        self.key.extend(texts.map(std::borrow::Cow::into_owned));
        let verdict = columns.verdict().get(row).copied().unwrap_or_default();
        let time_nanos = columns.time_nanos().get(row).copied().unwrap_or(NO_TIME);
        let is_dropped = Verdict::from_number(verdict) == Verdict::Dropped;
        let names = (self.query.metric == FlowMetric::DistinctPeers).then(|| {
            let name = |role: EndpointRole| role.name(columns, row).unwrap_or_default();
            (name(EndpointRole::Source), name(EndpointRole::Destination))
        });
        let peers = names.as_ref().map(|(from, to)| (from.as_ref(), to.as_ref()));
        self.counts.add(&self.key, time_nanos, columns.stands_for(row), is_dropped, peers);
    }
}

/// The buckets of a range, aligned to their step. The step grows until they are few enough.
fn buckets(format: FlowMetricsFormat, range: TimeRange, interval_ms: i64) -> Buckets {
    let TimeRange { from_nanos, to_nanos } = range;
    let span_nanos = to_nanos.saturating_sub(from_nanos).max(1);
    let (start_nanos, step_nanos, count) = match format {
        FlowMetricsFormat::Top | FlowMetricsFormat::Long => {
            (from_nanos, span_nanos.saturating_add(1), 1)
        }
        FlowMetricsFormat::TimeSeries => {
            let span_ms = span_nanos.div_euclid(1_000_000);
            let least_ms = span_ms.div_euclid(MAX_BUCKETS - 2).saturating_add(1);
            let step_nanos = interval_ms.max(least_ms).max(1).saturating_mul(1_000_000);
            let start_nanos = from_nanos.div_euclid(step_nanos).saturating_mul(step_nanos);
            let count = to_nanos.saturating_sub(start_nanos).div_euclid(step_nanos) + 1;
            (start_nanos, step_nanos, count)
        }
    };
    Buckets { start_nanos, step_nanos, count: usize::try_from(count).unwrap_or(1) }
}

/// Counts the relay's flows and returns the counts as frames.
///
/// Errors: [`ExecutionError`], if there is nothing to show.
pub async fn flow_metrics(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &FlowMetricsQuery,
    consumer: Consumer,
    held: &mut Held,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let selected = select(source, &query.form, range, held).await?;
    let buckets = buckets(query.format, selected.range, context.interval_ms);
    let max_groups = (MAX_CELLS / buckets.count.max(1)).clamp(query.top, MAX_GROUPS);
    let limits = AggregationLimits { max_groups, max_peers: MAX_PEERS };
    let rows = Rows { columns: columns(query), timeless: "not counted" };
    let begin = || Counter::new(query, buckets, limits);
    let (scan, Counter { counts, seconds, .. }) = scan(source, selected, rows, held, begin).await?;
    let mut made = Vec::new();
    if seconds > 0 {
        made.push(Notice::info(format!(
            "{} recorded both as a policy verdict and as a drop, counted once",
            count(seconds, "packet")
        )));
    }
    if counts.uncounted_peers > 0 {
        made.push(Notice::warning(format!(
            "there are more than {MAX_PEERS} distinct pairs: the numbers of peers are too low"
        )));
    }
    let range = scan.range;
    let start = scan.start.as_ref();
    let known_from_nanos = start.and_then(BufferStart::oldest_nanos).unwrap_or(i64::MIN);
    // Earlier than this, some nodes have forgotten their flows and others have not.
    let is_forgotten = start
        .and_then(BufferStart::complete_since)
        .is_some_and(|(_, complete_nanos)| range.from_nanos < complete_nanos);
    let covered = Covered {
        buckets,
        from_nanos: range.from_nanos.max(known_from_nanos),
        to_nanos: range.to_nanos.saturating_add(1).min(scan.now_ms.saturating_mul(1_000_000)),
    };
    let (groups, other) = counts
        .top(query.top, |cell| value(query.metric, cell, 1.0, query.min_flows).unwrap_or(-1.0));
    let is_empty = groups.iter().chain(&other).all(|group| group.total().flows == 0);
    let misses_flows = scan.is_lossy() || scan.misses_nodes || is_forgotten || scan.is_broken;
    let mut shown = Vec::new();
    if !is_empty && misses_flows {
        shown.push(lower_bound(query.metric));
    }
    if other.is_some() {
        shown.push(Notice::info(format!(
            "showing {} groups; all others are counted as `other`",
            groups.len()
        )));
    }
    let known = known_buckets(query.metric, groups.iter().chain(&other), covered);
    let series = series(query, &groups, other.as_ref(), covered, start, known);
    let left_out = (groups.len() + usize::from(other.is_some())).saturating_sub(series.len());
    shown.extend(left_out_notice(query, left_out));
    let shape = FlowSeriesShape {
        name: metric_name(query.metric),
        unit: metric_unit(query.metric),
        step_ms: u64::try_from(buckets.step_nanos / 1_000_000).unwrap_or(1),
        times_nanos: (0..known).map(|index| covered.begin(index)).collect(),
    };
    let meta = scan.meta(&query.notices, made, is_empty, shown);
    Ok(match query.format {
        // Grafana's logs volume in Explore takes series of counts by log level. Alert rules read a
        // frame without fields as "no data".
        FlowMetricsFormat::TimeSeries
            if consumer == Consumer::Panel && query.group_by == [GroupField::Level] =>
        {
            flow_log_volume(shape, series, meta)
        }
        FlowMetricsFormat::TimeSeries => flow_time_series(&shape, series, meta),
        FlowMetricsFormat::Top => flow_numbers(&shape, series, meta),
        FlowMetricsFormat::Long => {
            let keys: Vec<&str> = query.group_by.iter().map(|field| field.key()).collect();
            flow_ranking(&shape, &keys, &series, meta)
        }
    })
}

/// A notice about groups that have too few flows for a drop ratio, if there are any.
fn left_out_notice(query: &FlowMetricsQuery, left_out: usize) -> Option<Notice> {
    if query.metric != FlowMetric::DropRatio || left_out == 0 {
        return None;
    }
    let (groups, have, are) =
        if left_out == 1 { ("group", "has", "is") } else { ("groups", "have", "are") };
    Some(Notice::info(format!(
        "{left_out} {groups} with fewer than {} flows {have} no drop ratio and {are} left out \
         (`minFlows`)",
        query.min_flows
    )))
}

/// The part of each bucket in which flows can be known.
#[derive(Debug, Clone, Copy)]
struct Covered {
    buckets: Buckets,
    from_nanos: i64,
    to_nanos: i64,
}

impl Covered {
    fn begin(&self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        let Buckets { start_nanos, step_nanos, .. } = self.buckets;
        start_nanos.saturating_add(index.saturating_mul(step_nanos))
    }

    /// Seconds of a bucket in which flows can be known. 0 or less: it lies before the buffers'
    /// begin or in the future.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a time range")]
    fn secs(&self, index: usize) -> f64 {
        let begin = self.begin(index).max(self.from_nanos);
        let end = self.begin(index.saturating_add(1)).min(self.to_nanos);
        end.saturating_sub(begin) as f64 / 1e9
    }

    /// Whether the known part of a bucket is too short for a value: the last bucket has only begun,
    /// or the first is nearly forgotten.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a step")]
    fn is_sliver(&self, index: usize) -> bool {
        let step_secs = self.buckets.step_nanos as f64 / 1e9;
        self.buckets.count > 1 && self.secs(index) < MIN_BUCKET_SECS.min(step_secs)
    }
}

/// The number of buckets to return. The last one is left out if it has only begun: an alert rule
/// takes the last value of a series and would find none. It stays if it already holds flows.
fn known_buckets<'g>(
    metric: FlowMetric,
    mut groups: impl Iterator<Item = &'g FlowGroup>,
    covered: Covered,
) -> usize {
    let count = covered.buckets.count;
    let is_ratio = matches!(metric, FlowMetric::Rate | FlowMetric::DropRatio);
    let last = count.saturating_sub(1);
    let is_left_out = covered.is_sliver(last)
        && (is_ratio || groups.all(|group| group.cells.last().is_none_or(|cell| cell.flows == 0)));
    count - usize::from(is_left_out)
}

fn series(
    query: &FlowMetricsQuery,
    groups: &[FlowGroup],
    other: Option<&FlowGroup>,
    covered: Covered,
    start: Option<&BufferStart>,
    known: usize,
) -> Vec<FlowSeries> {
    let of_node = query.group_by.iter().position(|field| *field == GroupField::Node);
    let values = |group: &FlowGroup| -> Vec<Option<f64>> {
        // A node's own memory applies if the group belongs to a single node.
        let oldest_nanos = of_node
            .and_then(|index| group.key.get(index))
            .and_then(|node_name| start?.oldest_of(node_name))
            .unwrap_or(i64::MIN);
        let covered = Covered { from_nanos: covered.from_nanos.max(oldest_nanos), ..covered };
        let cells = group.cells.iter().enumerate().take(known);
        cells
            .map(|(index, cell)| {
                let secs = covered.secs(index);
                let is_known = secs > 0.0 && !covered.is_sliver(index);
                // A count is unknown, not 0, where no flow could be seen. A moment has no rate.
                if !is_known && (cell.flows == 0 || query.metric == FlowMetric::Rate) {
                    None
                } else {
                    value(query.metric, cell, secs, query.min_flows)
                }
            })
            .collect()
    };
    let mut series: Vec<FlowSeries> = groups
        .iter()
        .map(|group| FlowSeries {
            name: group_name(&query.group_by, &group.key),
            labels: query
                .group_by
                .iter()
                .zip(&group.key)
                .map(|(field, text)| (field.key().to_owned(), text.clone()))
                .collect(),
            values: values(group),
        })
        .collect();
    if let Some(other) = other {
        let labels: BTreeMap<String, String> = query
            .group_by
            .iter()
            .map(|field| (field.key().to_owned(), "other".to_owned()))
            .collect();
        series.push(FlowSeries { name: Some("other".to_owned()), labels, values: values(other) });
    }
    if query.min_flows > 0 {
        // A group without a value gets no series.
        series.retain(|one| one.values.iter().any(Option::is_some));
    }
    if series.is_empty() && query.group_by.is_empty() {
        let none =
            FlowGroup { key: Vec::new(), cells: vec![Cell::default(); covered.buckets.count] };
        series.push(FlowSeries { name: None, labels: BTreeMap::new(), values: values(&none) });
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_null() {
        const SECOND: i64 = 1_000_000_000;
        /// Checks three buckets of two seconds from the epoch on, with 0, 6 and `last` flows.
        fn check(metric: FlowMetric, covered_ms: [i64; 2], last: u64, expected: &[Option<f64>]) {
            let query = FlowMetricsQuery {
                form: query::FlowsForm::default(),
                metric,
                group_by: vec![],
                format: FlowMetricsFormat::TimeSeries,
                top: 1,
                min_flows: 0,
                notices: vec![],
            };
            let cells = [0, 6, last].map(|flows| {
                let mut cell = Cell::default();
                cell.flows = flows;
                cell
            });
            let groups = [FlowGroup { key: vec![], cells: cells.into() }];
            let [from_nanos, to_nanos] = covered_ms.map(|ms| ms * 1_000_000);
            let buckets = Buckets { start_nanos: 0, step_nanos: 2 * SECOND, count: 3 };
            let covered = Covered { buckets, from_nanos, to_nanos };
            let known = known_buckets(metric, groups.iter(), covered);
            let series = series(&query, &groups, None, covered, None, known);
            assert_eq!(series[0].values, expected, "{metric:?} {covered:?} {last}");
        }
        use FlowMetric::{Count, DropRatio, Rate};
        check(Rate, [0, 6_000], 2, &[Some(0.0), Some(3.0), Some(1.0)]);
        check(DropRatio, [0, 6_000], 0, &[None, Some(0.0), None]);
        // The last bucket has only begun: its flows are counted, but it has no rate.
        check(Rate, [0, 5_000], 2, &[Some(0.0), Some(3.0), Some(2.0)]);
        check(Rate, [0, 4_500], 2, &[Some(0.0), Some(3.0)]);
        check(DropRatio, [0, 4_000], 0, &[None, Some(0.0)]);
        check(Count, [0, 4_500], 2, &[Some(0.0), Some(6.0), Some(2.0)]);
        check(Count, [0, 4_500], 0, &[Some(0.0), Some(6.0)]);
        // The first bucket is no longer in the buffers.
        check(Count, [1_500, 6_000], 0, &[None, Some(6.0), Some(0.0)]);
        check(Count, [3_000, 6_000], 0, &[None, Some(6.0), Some(0.0)]);
        check(Rate, [3_000, 6_000], 0, &[None, Some(6.0), Some(0.0)]);
        check(Rate, [3_500, 6_000], 0, &[None, None, Some(0.0)]);
    }
}
