//! Errors in the format of Grafana's HTTP API: a status and `{"message": …}`.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use tonic::{Code, Status};

/// An error answer.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// Grafana's id for this kind of error, if it has one.
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

    /// The failure of a whole call to the plugin. The cause is logged and also part of the answer,
    /// where Grafana only logs it.
    pub(crate) fn plugin_request(cause: &str) -> Self {
        tracing::error!("a request to a plugin failed: {cause}");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: format!("An error occurred within the plugin: {cause}"),
            message_id: Some("plugin.requestFailureError"),
        }
    }

    /// The message.
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

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unavailable => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                message: "Plugin unavailable: its backend has ended; restart the preview"
                    .to_owned(),
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
