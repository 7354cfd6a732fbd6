//! Directions judged in a second, on vectors: `speed FILE…`. Prints one line per file and one for
//! compiling; the deciding rule is part of each answer.

#[path = "vectors/run.rs"]
#[expect(dead_code, reason = "shared with the judging of vectors; speed needs its readers only")]
mod run;

use std::{fs::File, hint::black_box, io::Read, process::ExitCode, sync::Arc, time::Instant};

use flate2::read::GzDecoder;
use policy::{ClassId, Direction, Judge, NamedPorts, PolicySet, SourceText, Traffic};
use serde_json::Value;

/// How often each question is asked.
const ROUNDS: usize = 50;
/// Policies that are compiled together.
const POLICIES: usize = 193;

struct Question {
    subject: ClassId,
    peer: ClassId,
    direction: Direction,
    traffic: Traffic,
    named: Vec<(String, u8, u16)>,
}

fn main() -> ExitCode {
    for file in std::env::args().skip(1) {
        let Some((questions, per_second, text_bytes, compile_ms, policies)) = measure(&file) else {
            eprintln!("`{file}` is no file of scenarios");
            return ExitCode::from(2);
        };
        println!(
            "{file} directions={questions} directions_per_second={per_second:.0} policies={policies} text_bytes={text_bytes} compile_ms={compile_ms:.2}"
        );
    }
    ExitCode::SUCCESS
}

fn measure(file: &str) -> Option<(usize, f64, usize, f64, usize)> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.read_to_end(&mut bytes).ok()?;
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).ok()?;
    let scenarios: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let mut judged = 0;
    let mut seconds = 0.0;
    for scenario in &scenarios {
        let mut judge = Judge::new(Arc::new(run::policies(scenario)?));
        let identities = run::identities(scenario)?;
        let mut questions = Vec::new();
        for flow in scenario.get("flows")?.as_array()? {
            let from = judge.class(identities.get(flow.get("from")?.as_str()?)?);
            let to = judge.class(identities.get(flow.get("to")?.as_str()?)?);
            let traffic = run::traffic(flow)?;
            let named = run::named_ports(flow);
            for (subject, peer, direction) in
                [(from, to, Direction::Egress), (to, from, Direction::Ingress)]
            {
                questions.push(Question {
                    subject,
                    peer,
                    direction,
                    traffic,
                    named: named.clone(),
                });
            }
        }
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for q in &questions {
                let named = NamedPorts::Known(&q.named);
                black_box(judge.decide(q.subject, q.peer, q.direction, q.traffic, named));
            }
        }
        seconds += start.elapsed().as_secs_f64();
        judged += questions.len() * ROUNDS;
    }
    let (compile_ms, policies, text_bytes) = compile(&scenarios)?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_second = judged as f64 / seconds;
    Some((judged, per_second, text_bytes, compile_ms, policies))
}

/// Milliseconds to compile up to 193 policies and to resolve the identities of a scenario,
/// reading not included.
fn compile(scenarios: &[Value]) -> Option<(f64, usize, usize)> {
    let mut texts: Vec<String> = Vec::new();
    let mut number = 0;
    for scenario in scenarios {
        for text in scenario.get("policies")?.as_array()? {
            if texts.len() >= POLICIES {
                break;
            }
            for document in text.as_str()?.split("\n---\n") {
                // One name each: a cluster holds one object of a name.
                let renamed = document.replacen("\n  name: ", &format!("\n  name: n{number}-"), 1);
                number += 1;
                if texts.len() < POLICIES {
                    texts.push(renamed);
                }
            }
        }
    }
    let sources: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let settings = run::settings(scenarios.first()?);
    let documents = policy::Documents::read(&sources, &settings);
    let identities = run::identities(scenarios.first()?)?;
    let mut best = f64::MAX;
    for _ in 0..20 {
        let documents = documents.clone();
        let start = Instant::now();
        let set = Arc::new(PolicySet::compile(documents, settings.clone()));
        let mut judge = Judge::new(set);
        let classes: Vec<ClassId> = identities.values().map(|own| judge.class(own)).collect();
        for subject in &classes {
            for peer in &classes {
                for direction in [Direction::Ingress, Direction::Egress] {
                    let traffic = Traffic { protocol: 6, port: 80 };
                    black_box(judge.decide(
                        *subject,
                        *peer,
                        direction,
                        traffic,
                        NamedPorts::Unknown,
                    ));
                }
            }
        }
        best = best.min(start.elapsed().as_secs_f64() * 1000.0);
    }
    let bytes = texts.iter().map(String::len).sum();
    Some((best, documents.policies.len(), bytes))
}
