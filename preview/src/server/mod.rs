//! The HTTP paths of Grafana that the page and the plugin's frontend call; all others are refused
//! with a message.

mod answer;
mod dashboards;
mod data_sources;
mod query;
mod resources;
mod settings;
#[cfg(test)]
mod tests;
mod time_range;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use plugin_protocol::{Channel, PluginContext, User};
use serde_json::{Value, json};
use tower_http::services::{ServeDir, ServeFile};

use crate::GRAFANA_VERSION;
use crate::dist::Plugin;
use crate::provisioning::Dashboards;
use crate::sources::{DataSource, DataSources};
use answer::ApiError;

/// Maximum size of a body, in bytes. Grafana accepts more, the plugin does not.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// State that the handlers share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) plugins: BTreeMap<String, Plugin>,
    /// Connections to the running backends, by plugin id.
    pub(crate) backends: BTreeMap<String, Channel>,
    pub(crate) data_sources: DataSources,
    pub(crate) dashboards: Dashboards,
    /// URL of the page, `http://127.0.0.1:3000/`.
    pub(crate) app_url: String,
}

// === impl Stage ===

impl Stage {
    /// The data source with this uid.
    ///
    /// Errors: it does not exist.
    fn data_source(&self, uid: &str) -> Result<DataSource, ApiError> {
        self.data_sources.get(uid).ok_or_else(|| ApiError::not_found("Data source not found"))
    }

    /// The connection to the backend of a data source.
    ///
    /// Errors: its plugin is not installed here, or has no backend.
    fn backend(&self, source: &DataSource) -> Result<Channel, ApiError> {
        let kind = &source.settings.kind;
        self.backends.get(kind).cloned().ok_or_else(|| {
            ApiError::not_found(format!("Plugin not found: the preview has no backend `{kind}`"))
        })
    }

    /// The context that Grafana 12.4 sends with each call.
    fn context(&self, source: &DataSource) -> PluginContext {
        let plugin_id = source.settings.kind.clone();
        let executable = self.plugins.get(&plugin_id).and_then(|plugin| plugin.executable.as_ref());
        let grafana_config = [
            ("GF_APP_URL", self.app_url.as_str()),
            ("GF_CONCURRENT_QUERY_COUNT", "10"),
            ("GF_LIVE_CLIENT_QUEUE_MAX_SIZE", "4194304"),
            ("GF_RESPONSE_LIMIT", "0"),
        ];
        PluginContext {
            org_id: 1,
            plugin_version: executable.map(|e| e.version.clone()).unwrap_or_default(),
            plugin_id,
            user: Some(User {
                login: "admin".to_owned(),
                name: "admin".to_owned(),
                email: "admin@localhost".to_owned(),
                role: "Admin".to_owned(),
            }),
            data_source_instance_settings: Some(source.instance_settings()),
            grafana_config: grafana_config.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            user_agent: format!("Grafana/{GRAFANA_VERSION}"),
        }
    }
}

/// All routes: the API, each plugin's folder, and the page for everything else.
pub(crate) fn router(stage: Arc<Stage>, page: &Path) -> Router {
    // Other methods on these paths are refused like unknown paths.
    let only = |methods: MethodRouter<Arc<Stage>>| methods.fallback(refuse);
    let resources = get(resources::call).post(resources::call).put(resources::call);
    let data_source = get(data_sources::read).put(data_sources::save);
    let api = Router::new()
        .route("/health", only(get(health)))
        .route("/frontend/settings", only(get(settings::frontend)))
        .route("/plugins/:id/settings", only(get(settings::plugin)))
        .route("/ds/query", only(post(query::query)))
        .route("/datasources/uid/:uid", only(data_source))
        .route("/datasources/uid/:uid/health", only(get(data_sources::health)))
        .route("/datasources/uid/:uid/resources/*path", only(resources))
        .route("/search", only(get(dashboards::search)))
        .route("/dashboards/uid/:uid", only(get(dashboards::by_uid)))
        .fallback(refuse)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let mut router = Router::new().nest("/api", api);
    for plugin in stage.plugins.values() {
        let path = format!("/public/plugins/{}", plugin.id);
        router = router.nest_service(&path, ServeDir::new(&plugin.dir));
    }
    // The browser interprets the page's own paths (`/d/…`, `/explore`).
    let page_files = ServeDir::new(page).fallback(ServeFile::new(page.join("index.html")));
    router
        .nest_service("/public", ServeDir::new(page.join("public")))
        .fallback_service(page_files)
        .layer(middleware::from_fn(same_origin))
        .layer(middleware::from_fn(revalidate))
        .with_state(stage)
}

/// The current time in Unix milliseconds.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Grafana's answer to health checks.
async fn health() -> Json<Value> {
    Json(json!({ "database": "ok", "version": GRAFANA_VERSION, "commit": "preview" }))
}

async fn refuse(method: Method, uri: axum::extract::OriginalUri) -> ApiError {
    let path = uri.path();
    ApiError::not_found(format!("the preview does not serve `{method} {path}`; Grafana may"))
}

/// Grafana's CSRF check: a browser may write only from the page's own origin.
async fn same_origin(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_foreign(request.headers()) {
        return ApiError::new(StatusCode::FORBIDDEN, "origin not allowed").into_response();
    }
    next.run(request).await
}

/// Whether a browser reports that the request comes from another origin.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority).map(http::uri::Authority::as_str);
    origin.is_none() || origin != text(HOST)
}

/// Makes a rebuilt plugin or page show at the next load.
async fn revalidate(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}
