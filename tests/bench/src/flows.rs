//! Benches of flows from the wire to columns: beside prost, beside only draining the relay's
//! stream, and beside the real `hubble` that `HUBBLE` names.

pub(crate) mod relay;

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Instant;

use bytes::Bytes;
use flow::Verdict;
use flow::aggregate::{Aggregation, AggregationLimits, Buckets};
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, RowLists};
use flow::dedup::PacketDedup;
use flow::filter::{FilterSet, FlowFilter};
use flow::group::GroupField;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayClient, RelayConfig};
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::projection::Decoder;
use hubble_api::release::{Release, mask_paths};
use instructions::wire;
use prost::Message;

use crate::measure::{Spread, race, rounds};
use crate::report::{BenchReport, Goal, Measurement};
use crate::{Failure, HEAP};

const FLOWS: usize = 20_000;
const ROUNDS: usize = 15;
/// Number of flows for the memory measurement.
const COUNTED: usize = 1_000_000;

/// The columns that a browser's table shows first.
const SHOWN: ColumnSet = ColumnSet::of(&[
    Column::TimeNanos,
    Column::Verdict,
    Column::DropReason,
    Column::SourceNamespace,
    Column::SourcePod,
    Column::SourceIp,
    Column::DestinationNamespace,
    Column::DestinationPod,
    Column::DestinationIp,
    Column::DestinationPort,
    Column::L4Protocol,
]);

/// Release of the bench's relay.
const RELEASE: Release = Release { major: 1, minor: 19 };

const RECORDED: &[&str] = &[
    "hubble 1.19.4 observe -o jsonpb, 50,000 flows of 962 B, relay beside it on 2 cores: 29–30 k flows/s",
];

/// Runs all benches of this area.
pub(crate) fn run(report: &mut BenchReport) -> Result<(), Failure> {
    let flows = wire::messages(FLOWS);
    let messages: Vec<Bytes> = flows.iter().map(|flow| flow.encode_to_vec().into()).collect();
    projection(report, &messages);
    filters(report, &flows)?;
    counting(report, &messages);
    get_flows(report, flows)
}

fn room() -> FlowColumns {
    FlowColumns::new(ColumnLimits::default())
}

fn project(messages: &[Bytes], columns: ColumnSet) -> FlowColumns {
    let mut decoder = Decoder::new(columns);
    let mut columns = room();
    for message in messages {
        drop(black_box(decoder.decode(message, &mut columns)));
    }
    columns
}

fn long_way(messages: &[Bytes]) -> FlowColumns {
    let (mut columns, mut lists) = (room(), RowLists::default());
    for message in messages {
        let Ok(message) = GetFlowsResponse::decode(message.clone()) else { continue };
        let Some(ResponseTypes::Flow(flow)) = message.response_types else { continue };
        let Ok(flow) = flow::Flow::try_from(flow) else { continue };
        let _ = black_box(columns.append_flow(&flow, &mut lists));
    }
    columns
}

fn projection(report: &mut BenchReport, messages: &[Bytes]) {
    for (name, columns) in [("11 columns", SHOWN), ("all columns", ColumnSet::ALL)] {
        let race = race(
            ROUNDS,
            || drop(black_box(project(messages, columns))),
            || drop(black_box(long_way(messages))),
        );
        let ratio = race.ratio();
        let name = format!("wire to {name}");
        let peer = "prost, then columns";
        report.add(Measurement::rate_race(name.clone(), "flows/s", messages.len(), &race, peer));
        let row = Measurement::value(format!("{name}, times faster than {peer}"), "times", ratio);
        report.add(if columns == SHOWN { row.goal(Goal::AtLeast(3.0)) } else { row });
    }
}

fn filters(report: &mut BenchReport, flows: &[GetFlowsResponse]) -> Result<(), Failure> {
    let flows: Vec<flow::Flow> = flows
        .iter()
        .filter_map(|message| match &message.response_types {
            Some(ResponseTypes::Flow(flow)) => flow::Flow::try_from(flow.clone()).ok(),
            _ => None,
        })
        .collect();
    let namespace = |filter: FlowFilter| FlowFilter { verdict: vec![Verdict::Dropped], ..filter };
    let set = FilterSet {
        allow: vec![
            namespace(FlowFilter { source_pod: vec!["pets/".to_owned()], ..FlowFilter::default() }),
            namespace(FlowFilter {
                destination_pod: vec!["pets/".to_owned()],
                ..FlowFilter::default()
            }),
        ],
        deny: vec![FlowFilter { destination_port: vec!["53".to_owned()], ..FlowFilter::default() }],
    };
    let compiled = set.compile()?;
    let seconds = rounds(ROUNDS, || {
        black_box(flows.iter().filter(|flow| compiled.matches(flow)).count());
    });
    let name = "filter: -n pets --verdict DROPPED --not --to-port 53".to_owned();
    let row = Measurement::rate(name, "flows/s", flows.len(), &seconds);
    report.add(row.goal(Goal::AtLeast(5e6)));
    Ok(())
}

/// Counting as in `flowMetrics`: batches are decoded, counted and dropped.
fn counting(report: &mut BenchReport, messages: &[Bytes]) {
    let fields = [GroupField::SourceWorkload, GroupField::DestinationWorkload];
    let columns = fields
        .iter()
        .fold(PacketDedup::COLUMNS.with(Column::TimeNanos).with(Column::Verdict), |set, field| {
            set.union(field.columns())
        });
    let buckets = Buckets { start_nanos: 0, step_nanos: i64::MAX, count: 1 };
    let mut counts =
        Aggregation::new(buckets, AggregationLimits { max_groups: 1_000, max_peers: 500_000 });
    let (mut decoder, mut dedup) = (Decoder::new(columns), PacketDedup::default());
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let start = Instant::now();
    let mut batch = room();
    for message in messages.iter().cycle().take(COUNTED) {
        drop(black_box(decoder.decode(message, &mut batch)));
        if batch.len() < 1_024 {
            continue;
        }
        for row in 0..batch.len() {
            if dedup.is_duplicate(&batch, row) {
                continue;
            }
            let key: Vec<String> =
                fields.iter().map(|field| field.text(&batch, row).into_owned()).collect();
            let time_nanos = batch.time_nanos().get(row).copied().unwrap_or_default();
            counts.add(&key, time_nanos, 1, false, None);
        }
        batch = room();
    }
    let seconds = start.elapsed().as_secs_f64();
    black_box(&counts);
    #[expect(clippy::cast_precision_loss, reason = "bytes of a heap")]
    let mebibytes = (HEAP.peak_usage().saturating_sub(before)) as f64 / f64::from(1 << 20);
    report.add(Measurement::rate(
        "1 M flows by pair of workloads".to_owned(),
        "flows/s",
        COUNTED,
        &[seconds],
    ));
    let row =
        Measurement::value("the same, most memory".to_owned(), "MiB", Spread::of([mebibytes]));
    report.add(row.goal(Goal::AtMost(150.0)));
}

fn get_flows(report: &mut BenchReport, flows: Vec<GetFlowsResponse>) -> Result<(), Failure> {
    let count = flows.len();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let address = runtime.block_on(relay::start(flows))?;
    let client = {
        let _within = runtime.enter();
        RelayClient::new(&RelayConfig::new(address.to_string()))?
    };
    let ask = |mut each: Box<dyn FnMut(&Bytes)>| {
        runtime.block_on(async {
            // The fields that the data source requests from nodes of Cilium 1.19; `hubble -o
            // jsonpb` needs all fields.
            let field_mask = mask_paths(SHOWN, RELEASE);
            let mut stream = client.get_flows(FlowRequest { field_mask, ..FlowRequest::default() });
            while let Some(message) = stream.next().await {
                if let Ok(FlowMessage::Flow(flow)) = message {
                    each(flow.message());
                }
            }
        });
    };
    let to_columns = || {
        let (mut decoder, mut columns) = (Decoder::new(SHOWN), room());
        ask(Box::new(move |message| drop(black_box(decoder.decode(message, &mut columns)))));
    };
    let race_drain = race(ROUNDS, to_columns, || {
        ask(Box::new(|message| {
            black_box(message.len());
        }));
    });
    let peer = "the same stream, drained";
    let name = "GetFlows to columns".to_owned();
    report.add(Measurement::milliseconds_race(name, &race_drain, peer));
    let share = race_drain.share();
    let row = Measurement::value(
        format!("GetFlows to columns, times the time of {peer}"),
        "times",
        share,
    );
    report.add(row.goal(Goal::AtMost(1.3)));

    let name = "GetFlows to columns, times faster than hubble -o jsonpb".to_owned();
    let Some(hubble) = std::env::var_os("HUBBLE") else {
        let seconds = rounds(ROUNDS, to_columns);
        let row = Measurement::rate(
            "GetFlows to columns (HUBBLE names no peer)".to_owned(),
            "flows/s",
            count,
            &seconds,
        );
        report.add(row.recorded(RECORDED));
        return Ok(());
    };
    let observe = || {
        let mut command = Command::new(&hubble);
        command.args(["observe", "-o", "jsonpb", "--last", "20000", "--server"]);
        command.arg(address.to_string()).stdout(Stdio::null());
        drop(black_box(command.status()));
    };
    let race = race(5, to_columns, observe);
    let row = Measurement::rate_race(
        "GetFlows to columns".to_owned(),
        "flows/s",
        count,
        &race,
        "hubble observe -o jsonpb",
    );
    report.add(row.recorded(RECORDED));
    report.add(Measurement::value(name, "times", race.ratio()).goal(Goal::AtLeast(10.0)));
    Ok(())
}
