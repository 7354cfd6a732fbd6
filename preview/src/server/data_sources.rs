//! `/api/datasources/uid/<uid>`: read, save, health.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use plugin_protocol::{CheckHealthRequest, HealthStatus, client};
use serde_json::{Value, json};

use super::answer::ApiError;
use super::{Stage, now_ms};
use crate::provisioning::ProvisionedDataSource;
use crate::sources::UpdateError;

/// Reads a data source.
///
/// Errors: it does not exist.
pub(super) async fn read(
    State(stage): State<Arc<Stage>>,
    Path(uid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(stage.data_source(&uid)?.to_api()))
}

/// Saves a data source in memory. The files stay unchanged and apply again after a restart.
///
/// Errors: those of [`UpdateError`].
pub(super) async fn save(
    State(stage): State<Arc<Stage>>,
    Path(uid): Path<String>,
    edited: Result<Json<ProvisionedDataSource>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(edited) = edited?;
    let saved = stage.data_sources.update(&uid, edited, now_ms()).map_err(|error| {
        let status = match error {
            UpdateError::NotFound => StatusCode::NOT_FOUND,
            UpdateError::ReadOnly => StatusCode::FORBIDDEN,
        };
        ApiError::new(status, error.to_string())
    })?;
    Ok(Json(json!({
        "datasource": saved.to_api(),
        "id": saved.id,
        "message": "Datasource updated",
        "name": saved.settings.name,
    })))
}

/// Save & test: the plugin's own check. 200 if it reports OK, else 400.
///
/// Errors: the data source does not exist; the plugin is down or fails.
pub(super) async fn health(
    State(stage): State<Arc<Stage>>,
    Path(uid): Path<String>,
) -> Result<Response, ApiError> {
    let source = stage.data_source(&uid)?;
    let channel = stage.backend(&source)?;
    let request = CheckHealthRequest {
        plugin_context: Some(stage.context(&source)),
        headers: std::collections::BTreeMap::new(),
    };
    let answer = client::check_health(channel, request).await?;
    let mut body = json!({ "message": answer.message, "status": answer.status().as_str_name() });
    if !answer.json_details.is_empty() {
        let details: Value = serde_json::from_slice(&answer.json_details)
            .map_err(|error| ApiError::plugin_request(&format!("health details: {error}")))?;
        if let Value::Object(body) = &mut body {
            body.insert("details".to_owned(), details);
        }
    }
    let ok = answer.status() == HealthStatus::Ok;
    let status = if ok { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, Json(body)).into_response())
}
