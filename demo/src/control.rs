//! HTTP server beside the relay: metrics, scenario switch, health.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::exposition;
use crate::scenario::Scenario;
use crate::state::SharedShop;

/// Answer about scenarios.
#[derive(Debug, Serialize)]
struct ScenarioAnswer {
    scenario: Scenario,
    scenarios: [Scenario; Scenario::ALL.len()],
}

/// Answer to a failed request.
#[derive(Debug, Serialize)]
struct ErrorAnswer {
    message: String,
}

/// Serves until the stop signal.
///
/// Errors: the listener failed.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<SharedShop>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/scenario", get(scenario))
        .route("/scenario/:name", put(switch))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(shared);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // A dropped sender means that the shop is gone: stop as well.
            let _: Result<_, _> = stopped.wait_for(|stop| *stop).await;
        })
        .await
}

async fn metrics(State(shared): State<Arc<SharedShop>>) -> impl IntoResponse {
    let text = exposition(&shared.samples());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

async fn scenario(State(shared): State<Arc<SharedShop>>) -> Json<ScenarioAnswer> {
    answer(&shared)
}

fn answer(shared: &SharedShop) -> Json<ScenarioAnswer> {
    Json(ScenarioAnswer { scenario: shared.lock().simulation.scenario(), scenarios: Scenario::ALL })
}

async fn switch(
    State(shared): State<Arc<SharedShop>>,
    Path(name): Path<String>,
) -> Result<Json<ScenarioAnswer>, (StatusCode, Json<ErrorAnswer>)> {
    let scenario: Scenario = name.parse().map_err(|error: crate::UnknownScenario| {
        (StatusCode::NOT_FOUND, Json(ErrorAnswer { message: error.to_string() }))
    })?;
    shared.switch(scenario).map_err(|error| {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(ErrorAnswer { message: wording::with_causes(&error) }),
        )
    })?;
    tracing::info!(%scenario, "scenario switched");
    Ok(answer(&shared))
}
