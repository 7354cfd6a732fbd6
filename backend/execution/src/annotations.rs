//! Drops as annotations: for each pair of source and destination, the first and the last drop.

use std::collections::HashMap;

use budget::Held;
use flow::EndpointRole;
use flow::TimeRange;
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use flow::dedup::PacketDedup;
use flow::group::protocol;
use flow::{DropReason, Verdict};
use frames::{DropAnnotation, Frame, drop_annotations};
use query::FlowAnnotationsQuery;
use wording::{Notice, count};

use crate::scan::{Fold, Rows, scan};
use crate::select::select;
use crate::{ExecutionError, FlowSource, QueryContext};

/// Maximum number of pairs that are counted separately.
const MAX_PAIRS: usize = 10_000;

const COLUMNS: ColumnSet = EndpointRole::NAME_COLUMNS
    .union(PacketDedup::COLUMNS)
    .union(FlowColumns::STANDS_FOR_COLUMNS)
    .union(ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::DropReason,
        Column::L7Record,
        Column::TrafficDirection,
    ]));

type DropPair = (String, String, u16, &'static str, i32);

/// Drops, collected by pair.
#[derive(Debug, Default)]
struct Drops {
    pairs: HashMap<DropPair, DropAnnotation>,
    dedup: PacketDedup,
    left_out: u64,
}

/// Size of a pair with its texts, in bytes.
const PAIR_BYTES: usize = 512;

impl Fold for Drops {
    fn bytes(&self) -> usize {
        self.pairs.len().saturating_mul(PAIR_BYTES).saturating_add(self.dedup.bytes())
    }

    fn add(&mut self, columns: &FlowColumns, row: usize) {
        let time_nanos = columns.time_nanos().get(row).copied().unwrap_or(NO_TIME);
        let verdict = columns.verdict().get(row).copied().unwrap_or_default();
        if time_nanos == NO_TIME
            || Verdict::from_number(verdict) != Verdict::Dropped
            || self.dedup.is_duplicate(columns, row)
        {
            return;
        }
        let name = |role: EndpointRole| role.name(columns, row).unwrap_or_default().into_owned();
        let reason = columns.drop_reason().get(row).copied().unwrap_or_default();
        let port = EndpointRole::Destination.port(columns, row);
        let flows = columns.stands_for(row);
        let pair = (
            name(EndpointRole::Source),
            name(EndpointRole::Destination),
            port,
            protocol(columns, row),
            reason,
        );
        if !self.pairs.contains_key(&pair) && self.pairs.len() >= MAX_PAIRS {
            self.left_out += flows;
            return;
        }
        let drop = self.pairs.entry(pair).or_insert_with_key(|pair| DropAnnotation {
            source: pair.0.clone(),
            destination: pair.1.clone(),
            port,
            protocol: pair.3,
            reason: DropReason::from_number(reason),
            namespaces: [EndpointRole::Source, EndpointRole::Destination]
                .map(|role| role.namespace(columns, row).to_owned()),
            first_nanos: time_nanos,
            last_nanos: time_nanos,
            drops: 0,
        });
        drop.first_nanos = drop.first_nanos.min(time_nanos);
        drop.last_nanos = drop.last_nanos.max(time_nanos);
        drop.drops += flows;
    }
}

/// Reads the relay's drops and returns them as annotations.
///
/// Errors: [`ExecutionError`], if there is nothing to show.
pub async fn flow_annotations(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &FlowAnnotationsQuery,
    held: &mut Held,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let selected = select(source, &query.form, range, held).await?;
    let rows = Rows { columns: COLUMNS, timeless: "left out" };
    let (scan, Drops { pairs, left_out, .. }) =
        scan(source, selected, rows, held, Drops::default).await?;
    let mut notices = Vec::new();
    let mut drops: Vec<DropAnnotation> = pairs.into_values().collect();
    if left_out > 0 {
        notices.push(Notice::warning(format!(
            "{} left out, because there are more than {MAX_PAIRS} pairs: narrow the filter",
            count(left_out, "drop")
        )));
    }
    if drops.len() > query.limit {
        notices.push(Notice::info(format!(
            "showing the {} with the most drops of {}",
            count(query.limit, "pair"),
            drops.len()
        )));
        drops.sort_by(|a, b| (b.drops, a.first_nanos).cmp(&(a.drops, b.first_nanos)));
        drops.truncate(query.limit);
    }
    drops.sort_by(|a, b| {
        (a.first_nanos, &a.source, &a.destination, a.port).cmp(&(
            b.first_nanos,
            &b.source,
            &b.destination,
            b.port,
        ))
    });
    let meta = scan.meta(&query.notices, notices, drops.is_empty(), Vec::new());
    Ok(vec![drop_annotations(&drops, meta)])
}
