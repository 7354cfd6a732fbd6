//! Judgements from columns, compared with judgements from the flows themselves.

use std::fs;
use std::path::{Path, PathBuf};

use cilium_policy::Settings;
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, RowLists};
use flow::{Endpoint, Flow, Layer4, Tcp, TcpFlags, Workload};
use hubble_api::json;
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_verdict::{JudgeFlows, Learned, lint, settings_from, suggest};
use proptest::prelude::*;
use prost::Message as _;

use super::super::distinct::Distinct;
use super::super::policy_files::{PolicyFile, PolicyFiles, sources};
use super::super::prepared::SETTINGS_FLOWS;
use super::packed;
use crate::table::Table;

fn vectors(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(folder)
}

/// The files below a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The flows of a file of `hubble observe -o jsonpb`; other lines are skipped.
fn flows(file: &Path) -> Vec<Flow> {
    let bytes = fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let responses =
        text.lines().filter_map(|line| json::read::<GetFlowsResponse>(line.as_bytes()).ok());
    let flows = responses.filter_map(|(response, _)| match response.response_types? {
        ResponseTypes::Flow(flow) => Flow::try_from(flow).ok(),
        _ => None,
    });
    flows.collect()
}

fn policies(files: &[PathBuf]) -> PolicyFiles {
    let read = |path: &PathBuf| {
        let text = fs::read(path).unwrap();
        let name = path.to_string_lossy().into_owned();
        // A change between the times of most vectors' flows.
        PolicyFile {
            name,
            text: String::from_utf8_lossy(&text).into_owned(),
            modified_ms: 1_700_000_000_000.0,
        }
    };
    PolicyFiles::new(files.iter().map(read).collect(), &[], f64::NAN).unwrap()
}

fn table(flows: &[Flow]) -> Table {
    let message = |flow: &Flow| {
        let flow = hubble_api::pb::flow::Flow::from(flow.clone());
        let response_types = Some(ResponseTypes::Flow(flow));
        GetFlowsResponse { response_types, ..GetFlowsResponse::default() }.encode_to_vec()
    };
    let mut table = Table::new();
    table.append(&packed(&flows.iter().map(message).collect::<Vec<_>>())).unwrap();
    table
}

/// Judges flows both ways. Returns the number of judged flows.
fn check(flows: &[Flow], policies: &mut PolicyFiles, with_fixes: bool) -> usize {
    let mut table = table(flows);
    assert_eq!(table.flows.len(), flows.len());
    table.prepare(policies);
    let of_flows = settings_from(flows.iter().take(SETTINGS_FLOWS), Settings::default());
    assert_eq!(*policies.set().settings(), of_flows);
    let learned = Learned::from_flows(flows);
    let by_columns = table.prepare(policies).prepared.judge(&policies.judge);
    let by_flows: Vec<_> =
        flows.iter().map(|flow| policies.judge.judge_flow(flow, &learned)).collect();
    assert_eq!(by_columns, by_flows);
    for (row, flow) in flows.iter().enumerate() {
        let of_row = table.flows.flow(row).unwrap();
        assert_eq!(
            policies.judge.explain_flow(&of_row, table.learned()),
            policies.judge.explain_flow(flow, &learned),
        );
    }
    if with_fixes {
        let (rows, of_rows) = table.newest(&hashbrown::HashSet::new());
        assert_eq!(rows, (0..flows.len()).collect::<Vec<_>>());
        let texts = sources(&policies.files);
        let names: Vec<&str> = policies.files.iter().map(|file| file.name.as_str()).collect();
        let found = |flows: &[Flow]| format!("{:?}", lint(&texts, &names, &policies.judge, flows));
        assert_eq!(found(&of_rows), found(flows));
        let settings = policies.set().settings();
        let fix = |flows: &[Flow]| format!("{:?}", suggest(&texts, settings, flows, &rows));
        assert_eq!(fix(&of_rows), fix(flows));
    }
    by_flows.iter().flatten().count()
}

#[test]
fn vectors_are_judged_from_columns_as_from_flows() {
    let mut judged = 0;
    for case in fs::read_dir(vectors("field")).unwrap().map(|entry| entry.unwrap().path()) {
        if !case.is_dir() {
            continue;
        }
        let mut policies = policies(&files(&case, ".yaml"));
        for file in files(&case, ".jsonl") {
            judged += check(&flows(&file), &mut policies, true);
        }
    }
    assert!(judged > 150, "{judged}");
    let mut of_lab = policies(&files(&vectors("policies-lab"), ".yaml"));
    for file in files(&vectors("policies-lab"), ".jsonl") {
        assert!(check(&flows(&file), &mut of_lab, true) > 0);
    }
    // Flows with arbitrary content: none is a connection, most cannot be judged.
    check(&flows(&vectors("flows").join("all-fields.jsonl")), &mut of_lab, false);
}

/// Columns of a flow that alone put no row into another class, with the reason.
const NOT_IN_THE_CLASS: [(Column, &str); 9] = [
    (Column::TimeNanos, "each row has its own time"),
    (Column::EventSubType, "no verdict depends on it: `verdicts_without_sub_type_and_workloads`"),
    (Column::SourcePort, "counts with others: `ports_and_flags_that_count`"),
    (Column::TcpFlags, "counts with others: `ports_and_flags_that_count`"),
    (Column::AggregateIngressFlowCount, "each row has its own number of flows"),
    (Column::AggregateEgressFlowCount, "each row has its own number of flows"),
    (Column::AggregateUnknownDirectionFlowCount, "each row has its own number of flows"),
    (Column::SourceWorkloads, "fixes and answers read the name from each flow; else as sub type"),
    (Column::DestinationWorkloads, "as `SourceWorkloads`"),
];

/// Number of classes of flows whose other columns are empty.
fn classes(columns: &[Column], flows: &[Flow]) -> usize {
    let mut rows = FlowColumns::only(ColumnSet::of(columns), ColumnLimits::default());
    for flow in flows {
        rows.append_flow(flow, &mut RowLists::default()).unwrap();
    }
    Distinct::of(&rows).first_rows.len()
}

#[test]
fn flows_that_differ_in_what_policies_use_differ_in_class() {
    let mut all = flows(&vectors("flows").join("all-fields.jsonl"));
    all.push(Flow::default());
    let used = Column::ALL.iter().filter(|own| FlowColumns::FLOW_COLUMNS.contains(**own));
    let left_out: Vec<Column> = used.copied().filter(|own| classes(&[*own], &all) == 1).collect();
    assert_eq!(left_out, NOT_IN_THE_CLASS.map(|(column, _)| column));
}

#[test]
fn ports_and_flags_that_count() {
    use Column::{DestinationPort, IsReply, L4Protocol, SourcePort};
    let check =
        |columns: &[Column], [one, other]: [(u16, u16, TcpFlags); 2], is_reply, expected| {
            let flows = [one, other].map(|(source_port, destination_port, flags)| Flow {
                l4: Some(Layer4::Tcp(Tcp { source_port, destination_port, flags: Some(flags) })),
                is_reply: Some(is_reply),
                ..Flow::default()
            });
            assert_eq!(classes(columns, &flows), expected, "{columns:?} {one:?} {other:?}");
        };
    let (syn, ack) = (TcpFlags::SYN, TcpFlags::ACK);
    // A reply comes from the connection's destination port.
    let ports = [IsReply, SourcePort, DestinationPort];
    check(&ports, [(80, 40_000, ack), (81, 40_000, ack)], true, 2);
    check(&ports, [(80, 40_000, ack), (80, 40_001, ack)], true, 1);
    check(&ports, [(40_000, 80, ack), (40_001, 80, ack)], false, 1);
    // A server's answer to a handshake, and a packet between the ports of server and client.
    let packet = [L4Protocol, Column::TcpFlags];
    check(&packet, [(1, 2, syn), (1, 2, syn | ack)], false, 2);
    check(&packet, [(1, 2, ack), (1, 2, ack | TcpFlags::PSH)], false, 1);
}

#[test]
fn verdicts_without_sub_type_and_workloads() {
    let check = |flows: &[Flow], mut policies: PolicyFiles| {
        let changed: Vec<Flow> = flows
            .iter()
            .cloned()
            .map(|mut flow| {
                flow.event_type.iter_mut().for_each(|event| event.sub_type += 1);
                let endpoints = [&mut flow.source, &mut flow.destination].into_iter().flatten();
                endpoints.for_each(|endpoint| endpoint.workloads = vec![Workload::default()]);
                flow
            })
            .collect();
        let settings = settings_from(flows, Settings::default());
        assert_eq!(settings_from(&changed, Settings::default()), settings);
        policies.fit(&settings);
        let [of_flows, of_changed] = [flows, &changed].map(|flows| {
            let learned = Learned::from_flows(flows);
            let judged = flows.iter().map(|flow| policies.judge.explain_flow(flow, &learned));
            judged.collect::<Vec<_>>()
        });
        assert_eq!(of_changed, of_flows);
        of_flows.iter().flatten().count()
    };
    let mut judged = 0;
    for case in fs::read_dir(vectors("field")).unwrap().map(|entry| entry.unwrap().path()) {
        if !case.is_dir() {
            continue;
        }
        for file in files(&case, ".jsonl") {
            judged += check(&flows(&file), policies(&files(&case, ".yaml")));
        }
    }
    assert!(judged > 150, "{judged}");
}

/// All flows of the vectors.
fn all_flows() -> Vec<Flow> {
    let files = [files(&vectors("field"), ".jsonl"), files(&vectors("policies-lab"), ".jsonl")];
    let all: Vec<Flow> = files.iter().flatten().flat_map(|file| flows(file)).collect();
    assert!(all.len() > 150);
    all
}

/// A flow mixed from two others: each bit of `choice` selects the source of one part.
fn mixed(one: &Flow, other: &Flow, choice: u32, ports: [u16; 2]) -> Flow {
    let mut flow = one.clone();
    let mut bits = 0..;
    let mut takes = || bits.next().is_some_and(|bit| choice >> bit & 1 == 1);
    macro_rules! parts {
        ($($part:ident)*) => {
            $(if takes() { flow.$part = other.$part.clone(); })*
        };
    }
    parts!(time verdict drop_reason_code drop_reason_desc traffic_direction event_type trace_reason
        trace_observation_point is_reply reply_mark ip l4 source destination node_labels source_names
        destination_names l7 source_service destination_service egress_allowed_by ingress_allowed_by
        egress_denied_by ingress_denied_by aggregate);
    if takes() {
        flow.source = Some(Endpoint::default());
    }
    if takes() {
        flow.event_type = Some(flow::CiliumEventType::default());
    }
    let [source_port, destination_port] = ports;
    match &mut flow.l4 {
        Some(Layer4::Tcp(tcp)) => {
            (tcp.source_port, tcp.destination_port) = (source_port, destination_port);
        }
        Some(Layer4::Udp(udp)) => {
            (udp.source_port, udp.destination_port) = (source_port, destination_port);
        }
        _ => {}
    }
    flow
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn flows_of_any_parts_are_judged_from_columns_as_from_flows(
        picks in proptest::collection::vec(
            (
                any::<prop::sample::Index>(),
                any::<prop::sample::Index>(),
                any::<u32>(),
                prop::sample::select(vec![[40_000, 53], [53, 40_000], [80, 45_000], [45_000, 8080]]),
            ),
            1..40,
        ),
        file in any::<prop::sample::Index>(),
    ) {
        let all = all_flows();
        let flows: Vec<Flow> = picks
            .iter()
            .map(|(one, other, choice, ports)| mixed(one.get(&all), other.get(&all), *choice, *ports))
            .collect();
        let texts = files(&vectors("field"), "policy.yaml");
        check(&flows, &mut policies(&[file.get(&texts).clone()]), false);
    }
}
