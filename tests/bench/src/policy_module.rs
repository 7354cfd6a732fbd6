//! The panel's whole engine in Wasm, in Node.js, whose compiler is Chromium's: first verdicts from
//! packed bytes, the vectors as questions, and recorded flows after an edit. What it is asked is
//! written to a folder; `tests/bench/wasm/policy.mjs` asks and measures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cilium_policy::Traffic;
use hubble_api::packed::Encoder;
use hubble_api::pb;
use instructions::cluster::{WORKLOADS, flow, policies};
use policy_vectors::scenarios as vectors;
use prost::Message;
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::measure::Spread;
use crate::policy_engine::scenarios;
use crate::report::{BenchReport, Goal, Measurement};

const FILES: [&str; 4] = ["connectivity", "random_cilium", "random_k8s", "random_mixed"];

/// Flows of each packed stream; a table holds half a million at most.
const STREAMS: [u32; 3] = [50_000, 100_000, 500_000];
/// Policies of the first verdicts, as many as were resolved when Cilium's engine was timed.
const POLICIES: u32 = 193;

/// The two modules that the engine took the place of, in turns with it, with the same flows and
/// policies.
const FORMER: &[&str] = &[
    "decoder and policy engine as two modules (352f066), Node.js 20, two cores of an AMD EPYC under load: 50,000 flows 684 ms, 44.8 MB; 100,000 flows 1,305 ms, 70.8 MB",
    "the engine in turns with them: 167 ms, 13.2 MB; 364 ms, 23.6 MB",
];

/// What the script measured of one thing.
#[derive(Debug, serde::Deserialize)]
struct Measured {
    name: String,
    /// `ms`: the rounds are seconds. Else they are what the unit says.
    unit: String,
    /// Things done in a round; 0: the round itself counts.
    count: usize,
    /// Each round.
    rounds: Vec<f64>,
}

/// Measures everything.
pub(crate) fn run(report: &mut BenchReport) -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("k8snet-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = asked(&folder).and_then(|()| measure(&folder));
    fs::remove_dir_all(&folder)?;
    for own in measured? {
        let row = if own.count > 0 {
            Measurement::rate(own.name, "directions/s", own.count, &own.rounds)
                .goal(Goal::AtLeast(2e6))
        } else if own.unit == "MB" {
            Measurement::value(own.name, "MB", Spread::of(own.rounds))
        } else {
            let goal = own.name.contains("after an edit").then_some(Goal::AtMost(1000.0));
            let is_first = own.name.contains("from bytes to judged rows");
            let row = Measurement::milliseconds(own.name, &own.rounds);
            let row = if is_first { row.recorded(FORMER) } else { row };
            goal.map_or(row.clone(), |goal| row.goal(goal))
        };
        report.add(row);
    }
    Ok(())
}

/// Writes what the script asks.
fn asked(folder: &Path) -> Result<(), Failure> {
    for file in FILES {
        let scenarios = scenarios(file)?;
        let questions: Option<Vec<Value>> = scenarios.iter().map(questions).collect();
        let text = serde_json::to_vec(&questions.ok_or("a field of a scenario is missing")?)?;
        fs::write(folder.join(format!("{file}.json")), text)?;
    }
    for count in STREAMS {
        fs::write(folder.join(format!("flows-{count}.bin")), packed(count)?)?;
    }
    for port in ["8080", "8081"] {
        fs::write(folder.join(format!("policies-{port}.yaml")), policies(WORKLOADS, port))?;
    }
    fs::write(folder.join(format!("policies-{POLICIES}.yaml")), policies(POLICIES, "8080"))?;
    Ok(())
}

/// A packed stream of recorded flows.
fn packed(count: u32) -> Result<Vec<u8>, Failure> {
    let mut encoder = Encoder::new();
    let mut stream = Vec::new();
    for number in 0..count {
        let flow = pb::flow::Flow::from(flow(number));
        let response = pb::observer::GetFlowsResponse {
            response_types: Some(pb::observer::get_flows_response::ResponseTypes::Flow(flow)),
            ..Default::default()
        };
        stream.extend(encoder.push(&response.encode_to_vec())?.into_iter().flatten());
    }
    stream.extend(encoder.finish().unwrap_or_default());
    Ok(stream)
}

/// A scenario in the columns of the module's `Questions`.
fn questions(scenario: &Value) -> Option<Value> {
    let identities = scenario.get("identities")?.as_object()?;
    let lines = |labels: &Value| {
        let labels = labels.as_array()?.iter().filter_map(Value::as_str);
        Some(labels.collect::<Vec<_>>().join("\n"))
    };
    let index =
        |name: &Value| identities.keys().position(|own| Some(own.as_str()) == name.as_str());
    let mut columns: [Vec<usize>; 5] = Default::default();
    for flow in scenario.get("flows")?.as_array()? {
        let (from, to) = (index(flow.get("from")?)?, index(flow.get("to")?)?);
        let Traffic { protocol, port, .. } = vectors::traffic(flow)?;
        for (subject, peer, direction) in [(from, to, 1), (to, from, 0)] {
            for (column, value) in
                columns.iter_mut().zip([subject, peer, direction, protocol.into(), port.into()])
            {
                column.push(value);
            }
        }
    }
    let text = |key: &str, default: &str| {
        scenario.get(key).and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let is = |key: &str| scenario.get(key).and_then(Value::as_bool).unwrap_or(false);
    let settings = [
        format!("allow-localhost={}", if is("allowLocalhost") { "always" } else { "policy" }),
        format!("enable-ipv6={}", is("dualStack")),
        format!("cluster-name={}", text("clusterName", "default")),
        format!("enable-host-firewall={}", is("enableHostFirewall")),
        format!("enable-policy={}", text("mode", "default")),
        "enable-extended-ip-protocols=true".to_owned(),
        "services-are-empty=true".to_owned(),
        "cilium-release=main".to_owned(),
    ];
    let [subjects, peers, directions, protocols, ports] = columns;
    let mut out = Map::new();
    out.insert("policies".to_owned(), scenario.get("policies")?.clone());
    out.insert("settings".to_owned(), json!(settings));
    out.insert("dualStack".to_owned(), json!(is("dualStack")));
    out.insert("identities".to_owned(), identities.values().filter_map(lines).collect());
    for (name, column) in [
        ("subjects", subjects),
        ("peers", peers),
        ("directions", directions),
        ("protocols", protocols),
        ("ports", ports),
    ] {
        out.insert(name.to_owned(), json!(column));
    }
    Some(Value::Object(out))
}

fn measure(folder: &Path) -> Result<Vec<Measured>, Failure> {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect();
    let output = Command::new("node")
        .arg(root.join("tests/bench/wasm/policy.mjs"))
        .arg(folder)
        .args(FILES)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
