//! `/api/frontend/settings` and `/api/plugins/<id>/settings`: the settings that the page starts
//! with.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::Stage;
use super::answer::ApiError;
use crate::GRAFANA_VERSION;

/// The part of Grafana's frontend settings that its libraries read.
pub(super) async fn frontend(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let sources = stage.data_sources.all();
    let mut data_sources = Map::new();
    for source in &sources {
        let settings = &source.settings;
        let Some(plugin) = stage.plugins.get(&settings.kind) else {
            tracing::warn!(
                "data source `{}` is left out: its plugin `{}` is not in the preview",
                settings.name,
                settings.kind
            );
            continue;
        };
        let data_source = json!({
            "id": source.id,
            "uid": settings.uid,
            "type": settings.kind,
            "name": settings.name,
            "meta": plugin.meta,
            "module": plugin.meta.get("module"),
            "url": format!("/api/datasources/proxy/uid/{}", settings.uid),
            "isDefault": settings.is_default,
            "access": settings.access,
            "jsonData": settings.json_data,
            "readOnly": !settings.editable,
        });
        data_sources.insert(settings.name.clone(), data_source);
    }
    let default = sources.iter().find(|source| source.settings.is_default);
    let of_kind = |kind: &str| -> Map<String, Value> {
        let plugins = stage.plugins.values().filter(|plugin| plugin.kind == kind);
        plugins.map(|plugin| (plugin.id.clone(), Value::Object(plugin.meta.clone()))).collect()
    };
    Json(json!({
        "appUrl": stage.app_url,
        "appSubUrl": "",
        "buildInfo": {
            "version": GRAFANA_VERSION,
            "commit": "preview",
            "edition": "Open Source",
            "env": "production",
        },
        "datasources": data_sources,
        "defaultDatasource": default.map(|source| source.settings.name.clone()),
        "panels": of_kind("panel"),
        "apps": of_kind("app"),
        "featureToggles": {},
    }))
}

/// A plugin's plugin.json, completed as in Grafana.
///
/// Errors: the plugin is not in the folder.
pub(super) async fn plugin(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let plugin = stage.plugins.get(&id).ok_or_else(|| ApiError::not_found("Plugin not found"))?;
    let mut settings = plugin.meta.clone();
    settings.insert("enabled".to_owned(), Value::Bool(true));
    settings.insert("pinned".to_owned(), Value::Bool(true));
    settings.insert("jsonData".to_owned(), json!({}));
    settings.insert("secureJsonFields".to_owned(), json!({}));
    Ok(Json(Value::Object(settings)))
}
