//! Errors as Grafana's HTTP API words them: a status and `{"message": …}`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::backend::Unavailable;

/// An error answer.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// Grafana's id of the kind of error, where it has one.
    message_id: Option<&'static str>,
}

// === impl ApiError ===

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), message_id: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// A call to the plugin failed as a whole; the cause is logged, and said in the answer too,
    /// where Grafana says it in its log alone.
    pub(crate) fn plugin_request(cause: &str) -> Self {
        tracing::error!("a request to a plugin failed: {cause}");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: format!("An error occurred within the plugin: {cause}"),
            message_id: Some("plugin.requestFailureError"),
        }
    }

    /// What happened, in words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), format!("bad request data: {}", rejection.body_text()))
    }
}

impl From<Unavailable> for ApiError {
    fn from(error: Unavailable) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: format!("Plugin unavailable: {error}"),
            message_id: Some("plugin.unavailable"),
        }
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unavailable => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                message: "Plugin unavailable: the connection to its backend broke".to_owned(),
                message_id: Some("plugin.unavailable"),
            },
            Code::Unimplemented => Self {
                status: StatusCode::NOT_FOUND,
                message: "method not implemented".to_owned(),
                message_id: Some("plugin.notImplemented"),
            },
            _ => Self::plugin_request(status.message()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "message": self.message });
        if let (Some(id), Value::Object(body)) = (self.message_id, &mut body) {
            body.insert("messageId".to_owned(), json!(id));
            body.insert("statusCode".to_owned(), json!(self.status.as_u16()));
        }
        (self.status, Json(body)).into_response()
    }
}
