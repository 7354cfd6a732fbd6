//! What the editors, variables and the flows panel ask beside queries, over HTTP-like calls.

mod flow_variables;
mod flows;
mod passthrough;
mod sample;
mod suggestions;
#[cfg(test)]
mod tests;
mod variables;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};

use self::flow_variables::InvalidPattern;
pub(crate) use self::sample::SampleCache;
use crate::instance::Instance;
use crate::prometheus::{ForwardedIdentity, Params, PrometheusError};
use crate::query::{InvalidQuery, QueryError};
use crate::relay::RelayError;

const JSON: &str = "application/json";
/// Largest body of a call: what editors send are queries and names.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    /// In capitals.
    pub(crate) method: String,
    /// Without slashes around it.
    pub(crate) path: String,
    /// As in the URL, still encoded.
    pub(crate) query: String,
    pub(crate) body: Bytes,
    /// The user who calls.
    pub(crate) identity: ForwardedIdentity,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// An HTTP status.
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// Whole, or piece by piece.
pub(crate) enum Body {
    Whole(Bytes),
    Chunks(BoxStream<'static, Bytes>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Chunks(_) => f.write_str("Chunks"),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("there is no resource `{0}`")]
    NotFound(String),
    #[error("resource `{path}` is asked for with {allowed}")]
    Method { path: String, allowed: &'static str },
    #[error("the request is larger than {} KiB", MAX_BODY_BYTES >> 10)]
    TooLarge,
    #[error("the request cannot be read: {0}")]
    Body(serde_json::Error),
    #[error("`{field}` is not a field that can be suggested for")]
    Field { field: String },
    #[error(
        "`{0}` is not a variable query; there are label_values(metric, label), label_names(), metrics(regex), query_result(query), namespaces(pattern), workloads(namespace, pattern), pods(namespace, workload, pattern), labels(namespace, workload, pattern), identities(namespace, workload, pattern), nodes(pattern), verdicts(pattern), drop_reasons(pattern)"
    )]
    Variable(String),
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl CallError {
    fn message(&self) -> String {
        match self {
            Self::Query(error) => error.message(),
            other => other.to_string(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Method { .. } => 405,
            Self::TooLarge => 413,
            Self::Body(_) | Self::Field { .. } | Self::Variable(_) | Self::Pattern(_) => 400,
            Self::Query(error) => error.status(),
        }
    }
}

impl From<InvalidQuery> for CallError {
    fn from(error: InvalidQuery) -> Self {
        Self::Query(error.into())
    }
}

impl From<RelayError> for CallError {
    fn from(error: RelayError) -> Self {
        Self::Query(error.into())
    }
}

impl From<PrometheusError> for CallError {
    fn from(error: PrometheusError) -> Self {
        Self::Query(error.into())
    }
}

impl Reply {
    fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: JSON,
            headers: Vec::new(),
            body: Body::Whole(value.to_string().into()),
        }
    }
}

/// Answers a call. Errors are answers too: `{"message": …}` with a status that fits.
pub(crate) async fn call(instance: &Instance, call: Call) -> Reply {
    match answer(instance, &call).await {
        Ok(reply) => reply,
        Err(error) => Reply::json(error.status(), &json!({ "message": error.message() })),
    }
}

async fn answer(instance: &Instance, call: &Call) -> Result<Reply, CallError> {
    if call.body.len() > MAX_BODY_BYTES {
        return Err(CallError::TooLarge);
    }
    let path: Vec<&str> = call.path.split('/').collect();
    match path.as_slice() {
        ["namespaces"] => {
            call.expect(&["GET"])?;
            let namespaces = instance.relay()?.namespaces().await?;
            Ok(suggestions::reply(namespaces, &[]))
        }
        ["nodes"] => {
            call.expect(&["GET"])?;
            suggestions::nodes(instance).await
        }
        ["suggestions"] => {
            call.expect(&["GET"])?;
            suggestions::suggestions(instance, &params(&call.query)).await
        }
        ["variables"] => {
            call.expect(&["POST"])?;
            variables::variables(instance, call).await
        }
        ["tag-keys"] => {
            call.expect(&["GET"])?;
            Ok(suggestions::tag_keys())
        }
        ["group-by-keys"] => {
            call.expect(&["GET"])?;
            Ok(suggestions::group_by_keys())
        }
        ["convert"] => {
            call.expect(&["POST"])?;
            Ok(Reply::json(200, &crate::query::convert(&call.body)?))
        }
        ["flows"] => {
            call.expect(&["POST"])?;
            flows::flows(instance, &call.body).await
        }
        path if passthrough::is_passed(path) => {
            call.expect(&["GET", "POST"])?;
            passthrough::pass(instance, path, call).await
        }
        _ => Err(CallError::NotFound(call.path.clone())),
    }
}

impl Call {
    fn expect(&self, methods: &'static [&'static str]) -> Result<(), CallError> {
        if methods.contains(&self.method.as_str()) {
            return Ok(());
        }
        let allowed = match methods {
            ["GET"] => "GET",
            ["POST"] => "POST",
            _ => "GET or POST",
        };
        Err(CallError::Method { path: self.path.clone(), allowed })
    }
}

/// Names and values of an URL's query or of a form.
fn params(encoded: &str) -> Params {
    form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
