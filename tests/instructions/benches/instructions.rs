//! Instructions of the hot paths, counted by Callgrind: `cargo xtask test` fails if a path exceeds its
//! recorded count by more than 3 %.
//!
//! Counts do not depend on the machine's load, so that a regression of some percent is seen where a
//! timing would not show it. Inputs are built outside of what is counted.

#![expect(
    missing_docs,
    clippy::disallowed_methods,
    reason = "what the macros of gungraun write is public, without docs, and ends the process"
)]

use std::hint::black_box;
use std::sync::Arc;

use ::prometheus::AnswerReader;
use bytes::Bytes;
use cilium_policy::{Judge, PolicySet, Settings, SourceText};
use flow::columns::{ColumnLimits, ColumnSet, FlowColumns};
use flow::filter::{CompiledFilterSet, FilterSet, FlowFilter};
use flow::{Flow, Verdict};
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::projection::Decoder;
use hubble_verdict::{Learned, Prepared};
use instructions::{cluster, prometheus::matrix, wire};
use prost::Message as _;

/// Flows of one count.
const FLOWS: usize = 1_000;

/// Share of a count by which it may be exceeded, in percent.
const TOLERANCE_PERCENT: u64 = 3;

/// Instructions as they were counted last. A count that falls is lowered here with the change that
/// made it fall; one is raised only by a commit of its own, with the reason.
mod counted {
    pub(super) const PROJECTION: u64 = 11_687_147;
    pub(super) const FILTER: u64 = 5_547_213;
    pub(super) const COMPILE: u64 = 21_908_342;
    pub(super) const JUDGE: u64 = 15_888_624;
    pub(super) const PROMETHEUS: u64 = 9_245_247;
}

fn at_most(counted: u64) -> LibraryBenchmarkConfig {
    let most = counted + counted * TOLERANCE_PERCENT / 100;
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, most)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn messages() -> Vec<Bytes> {
    wire::messages(FLOWS).iter().map(|message| message.encode_to_vec().into()).collect()
}

// Flows from the wire to all columns.
#[library_benchmark(config = at_most(counted::PROJECTION))]
#[bench::all_columns(messages())]
fn projection(messages: Vec<Bytes>) -> FlowColumns {
    let mut decoder = Decoder::new(ColumnSet::ALL);
    let mut columns = FlowColumns::new(ColumnLimits::default());
    for message in &messages {
        drop(black_box(decoder.decode(message, &mut columns)));
    }
    columns
}

fn filtered() -> Option<(CompiledFilterSet, Vec<Flow>)> {
    let dropped = FlowFilter { verdict: vec![Verdict::Dropped], ..FlowFilter::default() };
    let pods = || vec!["pets/".to_owned()];
    let set = FilterSet {
        allow: vec![
            FlowFilter { source_pod: pods(), ..dropped.clone() },
            FlowFilter { destination_pod: pods(), ..dropped },
        ],
        ..FilterSet::default()
    };
    let flows =
        wire::messages(FLOWS).into_iter().filter_map(|message| match message.response_types {
            Some(ResponseTypes::Flow(flow)) => Flow::try_from(flow).ok(),
            _ => None,
        });
    Some((set.compile().ok()?, flows.collect()))
}

// Flows that a filter of source and destination lets through.
#[library_benchmark(config = at_most(counted::FILTER))]
#[bench::two_endpoints(filtered())]
fn filter(input: Option<(CompiledFilterSet, Vec<Flow>)>) -> usize {
    let Some((set, flows)) = black_box(input) else { return 0 };
    flows.iter().filter(|flow| set.matches(flow)).count()
}

fn policies() -> String {
    cluster::policies(cluster::WORKLOADS, "8080")
}

fn set_of(policies: &str) -> PolicySet {
    PolicySet::read(&[SourceText { index: 0, text: policies }], Settings::default())
}

// Policies from YAML to compiled rules.
#[library_benchmark(config = at_most(counted::COMPILE))]
#[bench::sixty_policies(policies())]
fn compile(policies: String) -> PolicySet {
    set_of(black_box(&policies))
}

fn recorded() -> (Judge, Prepared) {
    let settings = Settings::default();
    let flows: Vec<Flow> = (0..10_000).map(cluster::flow).collect();
    let prepared = Prepared::of(&flows, &Learned::from_flows(&flows), &settings);
    (Judge::new(Arc::new(set_of(&policies()))), prepared)
}

// Verdicts about recorded flows.
#[library_benchmark(config = at_most(counted::JUDGE))]
#[bench::ten_thousand_flows(recorded())]
fn judge((judge, prepared): (Judge, Prepared)) -> usize {
    black_box(prepared.judge(&judge)).len()
}

fn answer() -> Vec<u8> {
    matrix(20, 1_000).unwrap_or_default()
}

// An answer of Prometheus from JSON to columns.
#[library_benchmark(config = at_most(counted::PROMETHEUS))]
#[bench::twenty_series(answer())]
fn prometheus(json: Vec<u8>) -> usize {
    let mut reader = AnswerReader::new(usize::MAX);
    for piece in json.chunks(64 << 10) {
        if reader.feed(piece).is_err() {
            return 0;
        }
    }
    black_box(reader.finish()).map_or(0, |read| read.series_total)
}

library_benchmark_group!(
    name = hot_paths,
    benchmarks = [projection, filter, compile, judge, prometheus]
);
main!(library_benchmark_groups = hot_paths);
