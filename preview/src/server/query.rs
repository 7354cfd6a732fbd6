//! `/api/ds/query`: queries grouped by data source, frames as JSON, per-query status and errors.
//!
//! Source: Grafana `pkg/services/query`, `pkg/api/ds_query.go` (400 as soon as one query has an
//! error), grafana-plugin-sdk-go `backend/json.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use http::StatusCode;
use plugin_protocol::{DataQuery, DataResponse, QueryDataRequest, TimeRange, client};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::ApiError;
use super::{Stage, now_ms, time_range};
use crate::frames::{self, FrameJson};
use wording::with_causes;

/// Grafana's defaults for a query without these fields.
const DEFAULT_MAX_DATA_POINTS: i64 = 100;
const DEFAULT_INTERVAL_MS: i64 = 1_000;

#[derive(Debug, Deserialize)]
pub(super) struct Body {
    from: Value,
    to: Value,
    #[serde(default)]
    queries: Vec<Map<String, Value>>,
}

#[derive(Debug, Serialize)]
struct Results {
    results: BTreeMap<String, QueryResult>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_source: Option<String>,
    status: u16,
    frames: Vec<FrameJson>,
}

/// Runs all queries; those of one data source go to its plugin in one request.
///
/// Errors: a body of another format, an unknown data source, and, as in Grafana, the failure of the
/// only request.
pub(super) async fn query(
    State(stage): State<Arc<Stage>>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(body) = body?;
    let time_range = TimeRange { from_epoch_ms: time(&body.from)?, to_epoch_ms: time(&body.to)? };
    let mut groups: BTreeMap<String, Vec<DataQuery>> = BTreeMap::new();
    for query in body.queries {
        let (uid, query) = data_query(query, time_range)?;
        groups.entry(uid).or_default().push(query);
    }
    if groups.is_empty() {
        return Err(ApiError::bad_request("No queries found"));
    }
    let alone = groups.len() == 1;
    let answers = groups.into_iter().map(|(uid, queries)| {
        let ref_ids: Vec<_> = queries.iter().map(|query| query.ref_id.clone()).collect();
        let stage = &stage;
        async move { (ref_ids, ask(stage, &uid, queries).await) }
    });
    let mut results = BTreeMap::new();
    for (ref_ids, answer) in join_all(answers).await {
        match answer {
            Ok(answer) => results.extend(answer),
            Err(error) if alone => return Err(error),
            Err(error) => {
                results.extend(ref_ids.into_iter().map(|id| (id, QueryResult::failed(&error))));
            }
        }
    }
    let failed = results.values().any(|result| result.error.is_some());
    let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, Json(Results { results })).into_response())
}

fn time(value: &Value) -> Result<i64, ApiError> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    time_range::parse(&text, now_ms()).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// One query of the body, with the uid of its data source.
fn data_query(
    query: Map<String, Value>,
    time_range: TimeRange,
) -> Result<(String, DataQuery), ApiError> {
    let text = |key: &str| query.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| query.get(key).and_then(Value::as_i64).filter(|value| *value > 0);
    let ref_id = text("refId").unwrap_or_else(|| "A".to_owned());
    let uid = match query.get("datasource") {
        Some(Value::Object(source)) => source.get("uid").and_then(Value::as_str),
        Some(Value::String(uid)) => Some(uid.as_str()),
        _ => None,
    };
    let uid = match uid {
        None | Some("") => {
            return Err(ApiError::bad_request(format!("query `{ref_id}` has no data source uid")));
        }
        Some("__expr__" | "-100") => {
            return Err(ApiError::bad_request(format!(
                "query `{ref_id}` is an expression, which only Grafana can compute"
            )));
        }
        Some(uid) => uid.to_owned(),
    };
    let data_query = DataQuery {
        ref_id,
        max_data_points: number("maxDataPoints").unwrap_or(DEFAULT_MAX_DATA_POINTS),
        interval_ms: number("intervalMs").unwrap_or(DEFAULT_INTERVAL_MS),
        time_range: Some(time_range),
        query_type: text("queryType").unwrap_or_default(),
        json: Value::Object(query).to_string().into_bytes(),
    };
    Ok((uid, data_query))
}

async fn ask(
    stage: &Stage,
    uid: &str,
    queries: Vec<DataQuery>,
) -> Result<BTreeMap<String, QueryResult>, ApiError> {
    let source = stage.data_source(uid)?;
    let channel = stage.backend(&source)?;
    let request = QueryDataRequest {
        plugin_context: Some(stage.context(&source)),
        headers: BTreeMap::new(),
        queries,
    };
    let answer = client::query_data(channel, request).await?;
    let mut results = BTreeMap::new();
    for (ref_id, response) in answer.responses {
        // One unreadable frame fails the whole request, as in Grafana.
        let result = QueryResult::read(response)
            .map_err(|error| ApiError::plugin_request(&with_causes(&error)))?;
        results.insert(ref_id, result);
    }
    Ok(results)
}

// === impl QueryResult ===

impl QueryResult {
    fn read(response: DataResponse) -> Result<Self, frames::FrameError> {
        let frames = response.frames.iter().map(frames::read).collect::<Result<_, _>>()?;
        let failed = !response.error.is_empty();
        let stated = u16::try_from(response.status).ok().filter(|status| *status >= 100);
        let source = if response.error_source.is_empty() {
            "plugin".to_owned()
        } else {
            response.error_source
        };
        Ok(Self {
            error: failed.then_some(response.error),
            error_source: failed.then_some(source),
            status: stated.unwrap_or(if failed { 500 } else { 200 }),
            frames,
        })
    }

    fn failed(error: &ApiError) -> Self {
        Self {
            error: Some(error.message().to_owned()),
            error_source: Some("plugin".to_owned()),
            status: error.status().as_u16(),
            frames: Vec::new(),
        }
    }
}
