//! Prometheus' own API for its editors and for variables, forwarded unchanged. Only a short list of
//! reading paths is allowed.

use prometheus::HttpMethod;

use super::{Call, CallError, JSON, Reply, ReplyBody, params};
use crate::instance::Instance;

/// Whether `path` may be forwarded.
pub(super) fn is_passed(path: &[&str]) -> bool {
    match path {
        ["api", "v1", "labels" | "series" | "query" | "metadata"]
        | ["api", "v1", "status", "buildinfo"] => true,
        ["api", "v1", "label", name, "values"] => !name.is_empty(),
        _ => false,
    }
}

/// Forwards the call.
///
/// Errors: [`CallError::Query`], if Prometheus does not answer.
pub(super) async fn pass(
    instance: &Instance,
    path: &[&str],
    call: &Call,
) -> Result<Reply, CallError> {
    let prometheus = instance.prometheus_for(&call.identity)?;
    let mut params = params(&call.query);
    // These paths do not accept POST, so the fields of a form go into the URL.
    let only_get =
        matches!(path, ["api", "v1", "label" | "status", ..] | ["api", "v1", "metadata"]);
    let method = match call.method.as_str() {
        "POST" => {
            params.extend(super::params(&String::from_utf8_lossy(&call.body)));
            if only_get { HttpMethod::Get } else { HttpMethod::Post }
        }
        _ => HttpMethod::Get,
    };
    let is_list = matches!(path, ["api", "v1", "labels" | "series" | "label", ..]);
    if is_list && !params.iter().any(|(name, _)| name == "limit") {
        params.extend(prometheus.series_limit());
    }
    let passed_on = prometheus.pass(path, params, method).await?;
    Ok(Reply {
        status: passed_on.status.as_u16(),
        content_type: JSON,
        headers: Vec::new(),
        body: ReplyBody::Whole(passed_on.body),
    })
}
