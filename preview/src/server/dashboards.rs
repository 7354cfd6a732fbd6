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
    tag: Option<String>,
}

/// Lists dashboards, those with `tag` if one is given. An unreadable file is logged.
pub(super) async fn search(
    State(stage): State<Arc<Stage>>,
    Query(search): Query<Search>,
) -> Json<Vec<Value>> {
    let mut found = Vec::new();
    for dashboard in stage.dashboards.list() {
        match dashboard {
            Err(error) => tracing::error!("a dashboard is left out: {}", with_causes(&error)),
            Ok(dashboard) => {
                if search.tag.as_ref().is_none_or(|tag| dashboard.tags.contains(tag)) {
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
