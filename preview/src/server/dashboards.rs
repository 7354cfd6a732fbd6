//! `/api/search` and `/api/dashboards/uid/<uid>`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Stage;
use super::answer::ApiError;
use crate::provisioning::Dashboard;
use wording::with_causes;

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    query: String,
    tag: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Lists dashboards with `query` in their title and with `tag`. An unreadable file is logged.
pub(super) async fn search(
    State(stage): State<Arc<Stage>>,
    Query(search): Query<Search>,
) -> Json<Vec<Value>> {
    if search.kind.is_some_and(|kind| kind != "dash-db") {
        return Json(Vec::new());
    }
    let needle = search.query.to_lowercase();
    let mut found = Vec::new();
    for dashboard in stage.dashboards.list() {
        match dashboard {
            Err(error) => tracing::error!("a dashboard is left out: {}", with_causes(&error)),
            Ok(dashboard) => {
                let tagged = search.tag.as_ref().is_none_or(|tag| dashboard.tags.contains(tag));
                if tagged && dashboard.title.to_lowercase().contains(&needle) {
                    found.push(hit(&dashboard));
                }
            }
        }
    }
    Json(found)
}

fn hit(dashboard: &Dashboard) -> Value {
    json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": dashboard.tags,
        "type": "dash-db",
        "url": format!("/d/{}", dashboard.uid),
        "folderTitle": dashboard.folder,
        "isStarred": false,
    })
}

/// One dashboard with the metadata of a provisioned one.
///
/// Errors: no file has this uid; a file cannot be read.
pub(super) async fn by_uid(
    State(stage): State<Arc<Stage>>,
    Path(uid): Path<String>,
) -> Result<Json<Value>, ApiError> {
    match stage.dashboards.by_uid(&uid) {
        Err(error) => Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, with_causes(&error))),
        Ok(None) => Err(ApiError::not_found("Dashboard not found")),
        Ok(Some(dashboard)) => {
            let meta = json!({
                "type": "db",
                "url": format!("/d/{}", dashboard.uid),
                "folderTitle": dashboard.folder,
                "provisioned": true,
                "canSave": false,
                "canEdit": false,
                "canStar": false,
            });
            Ok(Json(json!({ "dashboard": dashboard.json, "meta": meta })))
        }
    }
}
