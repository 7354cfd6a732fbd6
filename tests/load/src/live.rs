//! Viewers of live tables. As in Grafana, all viewers of one channel share its stream.

use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use plugin_protocol::{PluginContext, RunStreamRequest, SubscribeStreamRequest, client};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::timeout_at;

use crate::grafana::Grafana;
use crate::outcome::{self, Outcome};
use crate::record::Kind;

/// Number of different live queries.
pub(crate) const QUERIES: usize = 5;
/// Texts of notices that a healthy relay gives no reason for.
const BROKEN: &str = "trying again in";

/// Numbers of a live table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LiveCounts {
    pub(crate) messages: u64,
    pub(crate) rows: u64,
}

fn query(number: usize) -> Value {
    let filters: [Value; QUERIES] = [
        json!({}),
        json!({ "verdict": ["DROPPED"] }),
        json!({ "protocol": ["dns"] }),
        json!({ "namespace": ["pets"] }),
        json!({ "toPort": ["80", "443"] }),
    ];
    let filter = filters.get(number % QUERIES).cloned().unwrap_or_default();
    json!({ "queryType": "flows", "format": "table", "follow": true, "filter": filter })
}

/// The channel of a query: the hash of its canonical JSON, which this crate's maps are in.
fn path(query: &Value) -> String {
    format!("flows/{}", HEXLOWER.encode(&Sha256::digest(query.to_string())))
}

/// A viewer subscribes to the live table with this number.
pub(crate) async fn subscribe(grafana: &Grafana, context: PluginContext, number: usize) {
    let query = query(number);
    let request = SubscribeStreamRequest {
        plugin_context: Some(context),
        path: path(&query),
        data: Bytes::from(query.to_string()),
    };
    let started = Instant::now();
    let outcome = match client::subscribe_stream(grafana.channel.clone(), request).await {
        Ok(answer) if answer.status == 0 => Outcome::Right,
        Ok(answer) => outcome::of_error(&String::from_utf8_lossy(&answer.data)),
        Err(status) => outcome::of_status(&status),
    };
    grafana.record.add(Kind::Live, started.elapsed(), outcome);
}

/// Reads the stream of the live table with this number until `end`.
pub(crate) async fn run(
    grafana: Grafana,
    context: PluginContext,
    number: usize,
    end: tokio::time::Instant,
) -> LiveCounts {
    let query = query(number);
    let request = RunStreamRequest {
        plugin_context: Some(context),
        path: path(&query),
        data: Bytes::from(query.to_string()),
    };
    let mut counts = LiveCounts::default();
    let wrong = |what: String| grafana.record.add(Kind::Live, Duration::ZERO, Outcome::Wrong(what));
    let mut stream = match client::run_stream(grafana.channel.clone(), request).await {
        Ok(stream) => stream,
        Err(status) => {
            wrong(status.message().to_owned());
            return counts;
        }
    };
    while let Ok(packet) = timeout_at(end, stream.message()).await {
        let packet = match packet {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                wrong("a live stream ended".to_owned());
                return counts;
            }
            Err(status) => {
                wrong(status.message().to_owned());
                return counts;
            }
        };
        let message: Value = serde_json::from_slice(&packet.data).unwrap_or_default();
        let columns = message["data"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        // The last column holds notices; a row without one is a flow.
        let rows = columns.last().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            wrong("a live message without rows".to_owned());
        }
        counts.messages += 1;
        for row in rows {
            match row.as_str() {
                None => counts.rows += 1,
                Some(notice) if notice.contains(BROKEN) => wrong(notice.to_owned()),
                Some(_) => {}
            }
        }
    }
    counts
}
