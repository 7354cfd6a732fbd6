//! Benches of the policy engine on vectors that Cilium's own engine answered, beside a naive model:
//! filter, sort, first match, over the same entries.

pub(crate) mod recorded;

use std::{fs::File, hint::black_box, io::Read, path::Path, sync::Arc};

use cilium_policy::{
    Access, ClassId, Direction, Documents, Identity, Judge, Label, NamedPorts, PolicySet, Settings,
    SourceText, Traffic,
};
use flate2::read::GzDecoder;
use policy_vectors::{naive::naive, scenarios as vectors};
use serde_json::Value;

use crate::measure::{Spread, race, rounds};
use crate::report::{BenchReport, Goal, Measurement, amount};
use crate::{Failure, HEAP};

const ROUNDS: usize = 15;
/// Minimum number of directions in one round: small files are repeated.
const DIRECTIONS: usize = 200_000;
/// Number of policies that are compiled together, as many as in the measurement of Cilium's engine.
const POLICIES: usize = 193;
const IDENTITIES: usize = 19;

const LOOKUP: &[&str] = &[
    "Cilium 1.21.0-dev (4df675e3c5a7), EndpointPolicy.Lookup as a library, one core of an AMD EPYC: 348–610 ns, 1.6–2.9 M/s",
    "the same, LookupFlow (one shot): about 165 µs a direction",
];
const RESOLVE: &[&str] = &[
    "Cilium 1.21.0-dev (4df675e3c5a7), one core of an AMD EPYC: 15–27 ms to resolve 19 identities for 193 policies",
];

/// Runs all benches of this area.
pub(crate) fn run(report: &mut BenchReport) -> Result<(), Failure> {
    for file in ["connectivity", "random_cilium", "random_k8s", "random_mixed"] {
        judging(report, file)?;
    }
    compiling(report)?;
    memory(report)?;
    recorded::run(report);
    Ok(())
}

/// One scenario, ready for questions.
struct PreparedScenario {
    documents: Documents,
    settings: Settings,
    set: Arc<PolicySet>,
    judge: Judge,
    questions: Vec<Question>,
}

struct Question {
    subject: ClassId,
    peer: ClassId,
    identities: [Identity; 2],
    labels: [Vec<Label>; 2],
    direction: Direction,
    traffic: Traffic,
    named: Vec<(String, u8, u16)>,
}

pub(crate) fn scenarios(file: &str) -> Result<Vec<Value>, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/policy");
    let path = folder.join(format!("{file}.jsonl.gz"));
    let mut text = String::new();
    GzDecoder::new(File::open(&path)?).read_to_string(&mut text)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn sources(scenario: &Value) -> Vec<SourceText<'_>> {
    scenario
        .get("policies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, text)| Some(SourceText { index, text: text.as_str()? }))
        .collect()
}

fn ready(scenario: &Value) -> Option<PreparedScenario> {
    let settings = vectors::settings(scenario);
    let documents = Documents::read(&sources(scenario), &settings);
    let set = Arc::new(PolicySet::compile(documents.clone(), settings.clone()));
    let judge = Judge::new(Arc::clone(&set));
    let identities = vectors::identities(scenario)?;
    let mut questions = Vec::new();
    for flow in scenario.get("flows")?.as_array()? {
        let from = identities.get(flow.get("from")?.as_str()?)?;
        let to = identities.get(flow.get("to")?.as_str()?)?;
        let traffic = vectors::traffic(flow)?;
        let named = vectors::named_ports(flow);
        for (subject, peer, direction) in
            [(from, to, Direction::Egress), (to, from, Direction::Ingress)]
        {
            questions.push(Question {
                subject: judge.class(subject),
                peer: judge.class(peer),
                identities: [subject.clone(), peer.clone()],
                labels: [subject.labels().to_vec(), peer.labels().to_vec()],
                direction,
                traffic,
                named: named.clone(),
            });
        }
    }
    Some(PreparedScenario { documents, settings, set, judge, questions })
}

fn judging(report: &mut BenchReport, file: &str) -> Result<(), Failure> {
    let scenarios = scenarios(file)?;
    let asked: Option<Vec<PreparedScenario>> = scenarios.iter().map(ready).collect();
    let mut asked = asked.ok_or("a field of a scenario is missing")?;
    let once: usize = asked.iter().map(|own| own.questions.len()).sum();
    let times = DIRECTIONS.div_ceil(once.max(1));
    let count = once * times;

    // The naive model has no cache that an earlier question could have filled.
    let by_naive = |asked: &[PreparedScenario]| {
        for own in asked {
            for q in &own.questions {
                let [subject, peer] = &q.labels;
                black_box(naive(&own.set, subject, peer, q.direction, q.traffic, &q.named));
            }
        }
    };
    let mut copy: Vec<PreparedScenario> = scenarios.iter().filter_map(ready).collect();
    let decided = race(
        ROUNDS,
        || {
            for _ in 0..times {
                for own in &mut asked {
                    for q in &own.questions {
                        let access = Access::new(q.subject, q.peer, q.direction, q.traffic)
                            .with_named_ports(NamedPorts::Known(&q.named));
                        black_box(own.judge.decide(access));
                    }
                }
            }
        },
        || (0..times).for_each(|_| by_naive(&copy)),
    );
    report.add(
        Measurement::rate_race(
            format!("{file}: judged, deciding rule included"),
            "directions/s",
            count,
            &decided,
            "the naive model",
        )
        .goal(Goal::AtLeast(5e6))
        .recorded(LOOKUP),
    );
    let looked_up = rounds(ROUNDS, || {
        for _ in 0..times {
            for own in &mut copy {
                for q in &own.questions {
                    let [subject, peer] = &q.identities;
                    let access = Access::new(subject, peer, q.direction, q.traffic)
                        .with_named_ports(NamedPorts::Known(&q.named));
                    black_box(own.judge.judge(access));
                }
            }
        }
    });
    report.add(
        Measurement::rate(
            format!("{file}: the same, both identities looked up by their labels"),
            "directions/s",
            count,
            &looked_up,
        )
        .goal(Goal::AtLeast(5e6)),
    );
    let cold = rounds(3, || {
        for own in &asked {
            let set = PolicySet::compile(own.documents.clone(), own.settings.clone());
            let judge = Judge::new(Arc::new(set));
            for q in &own.questions {
                let [subject, peer] = &q.identities;
                let access = Access::new(subject, peer, q.direction, q.traffic)
                    .with_named_ports(NamedPorts::Known(&q.named));
                black_box(judge.judge(access));
            }
        }
    });
    report.add(Measurement::rate(
        format!("{file}: the same, once each from nothing, compiling included"),
        "directions/s",
        once,
        &cold,
    ));
    Ok(())
}

/// `count` policies from the vectors, each with its own name.
fn texts(count: usize) -> Result<(Vec<String>, Vec<Value>), Failure> {
    let mut scenarios = scenarios("connectivity")?;
    scenarios.extend(self::scenarios("random_cilium")?);
    let mut texts: Vec<String> = Vec::new();
    let documents: Vec<&str> = scenarios
        .iter()
        .flat_map(|scenario| sources(scenario).into_iter().map(|source| source.text))
        .flat_map(|text| text.split("\n---\n"))
        .filter(|text| {
            let source = SourceText { index: 0, text };
            let read = Documents::read(&[source], &Settings::default());
            read.policies.len() == 1 && read.refused.is_empty()
        })
        .collect();
    while texts.len() < count {
        for document in &documents {
            if texts.len() == count {
                break;
            }
            texts.push(named(document, texts.len()).ok_or("a policy without a name")?);
        }
    }
    Ok((texts, scenarios))
}

/// Renames a policy, because a cluster holds only one object with a name.
fn named(document: &str, number: usize) -> Option<String> {
    let renamed = document.replacen("\n  name: ", &format!("\n  name: n{number}-"), 1);
    if renamed != document {
        return Some(renamed);
    }
    let renamed = document.replacen("\"name\":\"", &format!("\"name\":\"n{number}-"), 1);
    (renamed != document).then_some(renamed)
}

fn compiling(report: &mut BenchReport) -> Result<(), Failure> {
    let (texts, scenarios) = texts(POLICIES)?;
    let sources: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let settings = vectors::settings(scenarios.first().ok_or("no scenario")?);
    let identities: Vec<Identity> = scenarios
        .iter()
        .filter_map(vectors::identities)
        .flat_map(std::collections::BTreeMap::into_values)
        .fold(Vec::new(), |mut distinct, identity| {
            if distinct.len() < IDENTITIES && !distinct.contains(&identity) {
                distinct.push(identity);
            }
            distinct
        });
    let documents = Documents::read(&sources, &settings);
    let (policies, rules) = (documents.policies.len(), documents.entries.len());
    let mut copies: Vec<Documents> = (0..=ROUNDS).map(|_| documents.clone()).collect();
    let compiled = rounds(ROUNDS, || {
        let documents = copies.pop().unwrap_or_default();
        black_box(resolve(PolicySet::compile(documents, settings.clone()), &identities));
    });
    report.add(
        Measurement::milliseconds(
            format!(
                "{policies} policies ({rules} rules) × {} identities, every pair and direction",
                identities.len()
            ),
            &compiled,
        )
        .goal(Goal::AtMost(3.0))
        .recorded(RESOLVE),
    );
    let read = rounds(ROUNDS, || {
        black_box(Documents::read(&sources, &settings));
    });
    let bytes: usize = texts.iter().map(String::len).sum();
    report.add(Measurement::milliseconds(
        format!("their texts read, {} KB of YAML and JSON", bytes / 1000),
        &read,
    ));
    Ok(())
}

/// Judges every identity against every other, in both directions.
fn resolve(set: PolicySet, identities: &[Identity]) -> Judge {
    let judge = Judge::new(Arc::new(set));
    let classes: Vec<ClassId> = identities.iter().map(|own| judge.class(own)).collect();
    for subject in &classes {
        for peer in &classes {
            for direction in [Direction::Ingress, Direction::Egress] {
                let traffic = Traffic::new(6, 80);
                let _decision = judge.decide(Access::new(*subject, *peer, direction, traffic));
            }
        }
    }
    judge
}

/// Heap bytes of a compiled set per rule: constant if memory is linear.
fn memory(report: &mut BenchReport) -> Result<(), Failure> {
    let mut first = None;
    for count in [POLICIES, 10 * POLICIES, 50 * POLICIES] {
        let (texts, scenarios) = texts(count)?;
        let sources: Vec<SourceText<'_>> =
            texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
        let settings = vectors::settings(scenarios.first().ok_or("no scenario")?);
        let before = HEAP.current_usage();
        let set = PolicySet::read(&sources, settings);
        let bytes = HEAP.current_usage().saturating_sub(before);
        let per_rule = amount(bytes) / amount(set.entries().len().max(1));
        let limit = 1.1 * *first.get_or_insert(per_rule);
        report.add(
            Measurement::value(
                format!(
                    "heap of {} policies with {} rules, documents included",
                    set.policies().len(),
                    set.entries().len()
                ),
                "bytes/rule",
                Spread::of([per_rule]),
            )
            .goal(Goal::AtMost(limit)),
        );
    }
    Ok(())
}
