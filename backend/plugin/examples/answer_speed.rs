//! How fast an answer of Prometheus becomes columns, beside a pass of the same JSON reader that
//! keeps nothing. Reads nothing and sends nothing.
//!
//! `cargo run --release -p plugin --example answer_speed`

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

#[expect(dead_code, reason = "the parser alone is measured here, not what is made of it")]
#[path = "../src/prometheus/answer.rs"]
mod answer;

const SERIES: usize = 400;
const POINTS: usize = 1_000;
const ROUNDS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let json = matrix()?;
    println!("{SERIES} series of {POINTS} points, {} bytes, {ROUNDS} rounds", json.len());
    let (mut columns, mut ignored) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same machine.
    for _ in 0..ROUNDS {
        columns.push(timed(|| points(&json))?);
        ignored.push(timed(|| serde_json::from_slice::<IgnoredAny>(&json).map(|_| 0))?);
    }
    let columns = show("columns", columns);
    let ignored = show("ignored", ignored);
    println!("ratio of medians {:.2}", columns.as_secs_f64() / ignored.as_secs_f64());
    Ok(())
}

fn timed(
    pass: impl FnOnce() -> Result<usize, serde_json::Error>,
) -> Result<Duration, serde_json::Error> {
    let start = Instant::now();
    let points = pass()?;
    let took = start.elapsed();
    black_box(points);
    Ok(took)
}

fn points(json: &[u8]) -> Result<usize, serde_json::Error> {
    let answer: answer::Envelope<answer::ResultData> = serde_json::from_slice(json)?;
    Ok(match &answer.data {
        Some(answer::ResultData::Matrix(series)) => {
            series.iter().map(|series| series.values.len()).sum()
        }
        _ => 0,
    })
}

/// Prints best, median and worst; the median.
fn show(name: &str, mut took: Vec<Duration>) -> Duration {
    took.sort();
    let at = |index: usize| took.get(index).copied().unwrap_or_default();
    let median = at(took.len() / 2);
    println!("{name}: best {:?}, median {median:?}, worst {:?}", at(0), at(took.len() - 1));
    median
}

/// A dashboard's answer: values of nine digits or so, every 15 s.
fn matrix() -> Result<Vec<u8>, std::fmt::Error> {
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for series in 0..SERIES {
        let comma = if series == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"metric":{{"__name__":"hubble_drop_total","cluster":"aks-1","instance":"10.0.0.{series}:9965","job":"hubble","namespace":"ns-{series}","pod":"cilium-{series}","reason":"Policy denied"}},"values":["#
        )?;
        for point in 0..POINTS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let comma = if point == 0 { "" } else { "," };
            let secs = 1_700_000_000 + 15 * point;
            write!(
                json,
                r#"{comma}[{secs},"{}.{:06}"]"#,
                random >> 60,
                (random >> 32) % 1_000_000
            )?;
        }
        json.push_str("]}");
    }
    json.push_str("]}}");
    Ok(json.into_bytes())
}
