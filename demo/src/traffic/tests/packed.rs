//! The stored sample of the demo's flows, for judgements in the browser.

use std::path::Path;

use hubble_api::packed::Encoder;
use hubble_api::pb::observer::{GetFlowsResponse, get_flows_response::ResponseTypes};
use prost::Message as _;

use super::*;

/// Simulated seconds of each act.
const SECONDS: i64 = 20;
/// Flows per second of the simulation.
const RATE: f64 = 2_000.0;
/// Flows kept of each kind.
const OF_A_KIND: usize = 3;

/// The port of the server: the smaller one, as clients take theirs from the upper range.
fn server_port(flow: &Flow) -> u16 {
    let ports = flow.l4.as_ref().and_then(|l4| Some((l4.source_port()?, l4.destination_port()?)));
    ports.map_or(0, |(source, destination)| source.min(destination))
}

/// Everything of a flow that policies may look at, besides addresses and source ports.
fn kind(flow: &Flow) -> String {
    let request = match flow.l7.as_ref().and_then(|l7| l7.record.as_ref()) {
        Some(L7Record::Dns(dns)) => dns.query.clone(),
        Some(L7Record::Http(http)) => format!("{} {}", http.method, http.url),
        _ => String::new(),
    };
    let parts = [
        format!("{:?} {:?} {:?}", flow.verdict, message_type(flow), flow.traffic_direction),
        format!("{:?} {:?}", flow.trace_observation_point, flow.is_reply),
        format!("{} {} {}", workload(flow, true), workload(flow, false), server_port(flow)),
        request,
    ];
    parts.join(" ")
}

/// Flows of an act in packed form, of every kind that occurs.
fn packed(scenario: Scenario) -> Vec<u8> {
    let cluster = Cluster::pet_shop();
    let decoder = Decoder { cluster: &cluster, seed: 1 };
    let mut kinds: HashMap<String, usize> = HashMap::new();
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    for record in simulate(scenario, 1, RATE, SECONDS) {
        let flow = decoder.flow(&record);
        let count = kinds.entry(kind(&flow)).or_default();
        *count += 1;
        if *count > OF_A_KIND {
            continue;
        }
        let response_types = Some(ResponseTypes::Flow(flow.into()));
        let response = GetFlowsResponse { response_types, ..GetFlowsResponse::default() };
        stream.extend(encoder.push(&response.encode_to_vec()).unwrap().into_iter().flatten());
    }
    stream.extend(encoder.finish().into_iter().flatten());
    stream
}

/// The sample is what the simulation makes; `UPDATE_VECTORS=1` rewrites it.
#[test]
fn the_stored_sample_is_of_this_simulation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/packed");
    for scenario in Scenario::ALL {
        let path = folder.join(format!("petshop-{scenario}.bin"));
        let stream = packed(scenario);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(&path, &stream).unwrap();
        }
        let stored = std::fs::read(&path).unwrap();
        assert!(stored == stream, "{}: `UPDATE_VECTORS=1` rewrites it", path.display());
    }
}
