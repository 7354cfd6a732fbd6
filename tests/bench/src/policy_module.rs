//! The panel's whole engine in Wasm, in Node.js, whose compiler is Chromium's: first verdicts from
//! packed bytes, the vectors as questions, and recorded flows after an edit. Its input is written to
//! a folder; `tests/bench/wasm/policy.mjs` runs and measures. The first verdicts are measured
//! natively too, beside a peer.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use cilium_policy::{Judge, Settings, SourceText, Traffic};
use flow::Flow;
use frontend_wasm::{FlowTable, Policies};
use hubble_api::packed::{Encoder, batches};
use hubble_api::pb;
use hubble_verdict::{JudgeFlows, Learned, settings_from};
use instructions::cluster::{WORKLOADS, flow, policies};
use policy_vectors::scenarios as vectors;
use prost::Message;
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::measure::{Spread, race};
use crate::policy_engine::scenarios;
use crate::report::{BenchReport, Goal, Measurement};

const FILES: [&str; 4] = ["connectivity", "random_cilium", "random_k8s", "random_mixed"];

/// Flows of each packed stream; a table holds half a million at most.
const STREAMS: [u32; 3] = [50_000, 100_000, 500_000];
/// Policies of the first verdicts, as many as were resolved when Cilium's engine was timed.
const POLICIES: u32 = 193;

/// Rounds of the first verdicts.
const FIRST_ROUNDS: usize = 5;

/// A measurement of the script.
#[derive(Debug, serde::Deserialize)]
struct Measured {
    name: String,
    /// Unit of the rounds; `ms` means that they are in seconds.
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
    let measured = write_input(&folder).and_then(|()| measure(&folder));
    fs::remove_dir_all(&folder)?;
    for own in measured? {
        let row = if own.count > 0 {
            Measurement::rate(own.name, "directions/s", own.count, &own.rounds)
                .goal(Goal::AtLeast(2e6))
        } else if own.unit == "MB" {
            Measurement::value(own.name, "MB", Spread::of(own.rounds))
        } else {
            let goal = own.name.contains("after an edit").then_some(Goal::AtMost(1000.0));
            let row = Measurement::milliseconds(own.name, &own.rounds);
            goal.map_or(row.clone(), |goal| row.goal(goal))
        };
        report.add(row);
    }
    first_verdicts(report)
}

/// Measures the first verdicts of the engine, compiled natively, beside the plain way: every message
/// is decoded and judged by itself.
fn first_verdicts(report: &mut BenchReport) -> Result<(), Failure> {
    let text = policies(POLICIES, "8080");
    for count in STREAMS.into_iter().take(2) {
        let stream = packed(count)?;
        if by_engine(&stream, &text) != Some(count as usize)
            || by_message(&stream, &text) != Some(count as usize)
        {
            return Err("a flow was not judged".into());
        }
        let raced = race(
            FIRST_ROUNDS,
            || {
                black_box(by_engine(&stream, &text));
            },
            || {
                black_box(by_message(&stream, &text));
            },
        );
        report.add(Measurement::milliseconds_race(
            format!("{count} flows, {POLICIES} policies: the same, compiled natively"),
            &raced,
            "every message decoded and judged by itself",
        ));
    }
    Ok(())
}

/// Number of rows that the engine judges.
fn by_engine(stream: &[u8], text: &str) -> Option<usize> {
    let mut table = FlowTable::new();
    table.append(stream).ok()?;
    let (names, texts) = (vec!["a.yaml".to_owned()], vec![text.to_owned()]);
    let mut policies = Policies::new(names, texts, &[f64::NAN], Vec::new(), None).ok()?;
    table.judge(&mut policies).ok()?;
    Some(table.codes("decidedBy").ok()?.into_iter().filter(|code| *code != 0).count())
}

/// Number of messages that are judged one by one.
fn by_message(stream: &[u8], text: &str) -> Option<usize> {
    let mut flows = Vec::new();
    for batch in batches(stream) {
        for message in batch.ok()?.messages() {
            let response = pb::observer::GetFlowsResponse::decode(message.ok()?).ok()?;
            let pb::observer::get_flows_response::ResponseTypes::Flow(flow) =
                response.response_types?
            else {
                continue;
            };
            flows.push(Flow::try_from(flow).ok()?);
        }
    }
    let texts = [SourceText { index: 0, text }];
    let settings = settings_from(&flows, Settings::default());
    let judge = Judge::read(&texts, settings);
    let learned = Learned::from_flows(&flows);
    Some(flows.iter().filter(|flow| judge.judge_flow(flow, &learned).is_ok()).count())
}

/// Writes the script's input.
fn write_input(folder: &Path) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_and_peer_judge_every_flow() {
        let (stream, text) = (packed(600).unwrap_or_default(), policies(POLICIES, "8080"));
        assert_eq!((by_engine(&stream, &text), by_message(&stream, &text)), (Some(600), Some(600)));
    }
}
