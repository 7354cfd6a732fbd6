//! `/api/datasources/uid/<uid>/resources/<path>`: forwards the request to the plugin unchanged and
//! streams the answer back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONTENT_SECURITY_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use plugin_protocol::{CallResourceRequest, CallResourceResponse, StringList, client};

use super::Stage;
use super::answer::ApiError;

/// Headers that belong to the connection, not to the message.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Calls the resource. If the client goes away, the stream is dropped, and the plugin notices.
///
/// Errors: the data source does not exist; the plugin is down, fails, or returns nothing.
pub(super) async fn call(
    State(stage): State<Arc<Stage>>,
    Path((uid, path)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let source = stage.data_source(&uid)?;
    let channel = stage.backend(&source)?;
    let url = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let request = CallResourceRequest {
        plugin_context: Some(stage.context(&source)),
        path,
        method: method.to_string(),
        url,
        headers: to_plugin(&headers),
        body,
    };
    let mut parts = client::call_resource(channel, request).await?;
    let first = parts
        .message()
        .await?
        .ok_or_else(|| ApiError::plugin_request("it returned nothing for a resource call"))?;
    let (head, first_body) = head(first)?;
    let rest = parts.map_ok(|part| part.body);
    let chunks = stream::once(async { Ok(first_body) }).chain(rest);
    let mut response = Response::new(Body::from_stream(chunks));
    (*response.status_mut(), *response.headers_mut()) = head;
    Ok(response)
}

fn to_plugin(headers: &HeaderMap) -> BTreeMap<String, StringList> {
    let mut to_plugin: BTreeMap<String, StringList> = BTreeMap::new();
    for (name, value) in headers {
        if HOP_BY_HOP.contains(&name.as_str()) {
            continue;
        }
        if let Ok(value) = value.to_str() {
            to_plugin.entry(name.to_string()).or_default().values.push(value.to_owned());
        }
    }
    to_plugin
}

/// Status and headers of the answer. `sandbox` keeps an answer that a browser opens from running as
/// the page, as in Grafana.
fn head(first: CallResourceResponse) -> Result<((StatusCode, HeaderMap), Bytes), ApiError> {
    let status = u16::try_from(first.code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| {
        ApiError::plugin_request(&format!("it returned status {} for a resource call", first.code))
    })?;
    let mut headers = HeaderMap::new();
    let sorted: BTreeMap<_, _> = first.headers.into_iter().collect();
    for (name, values) in sorted {
        let Ok(name) = name.parse::<HeaderName>() else { continue };
        if HOP_BY_HOP.contains(&name.as_str()) || name == SET_COOKIE {
            continue;
        }
        for value in values.values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(&name, value);
            }
        }
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    Ok(((status, headers), first.body))
}
