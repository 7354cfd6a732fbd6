//! Resource calls of the editors, variables and the flows panel, over HTTP-like calls.

mod flow_variables;
mod flows;
mod passthrough;
mod sample;
mod status;
mod suggestions;
#[cfg(test)]
mod tests;
mod variables;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use prometheus::{ForwardedIdentity, Params, PrometheusError};
use query::{Fields, Flag, InvalidFields, InvalidPattern, InvalidQuery, variable_meant_or_list};
use relay::RelayError;
use serde_json::{Value, json};
use wording::{names, quote};

use self::flow_variables::MatchingTime;
pub(crate) use self::sample::{FlowSample, SampleCache};
use crate::answers::QueryError;
use crate::instance::Instance;
use crate::metrics::Limit;

const JSON: &str = "application/json";
/// The plugin's own resources.
const RESOURCES: [&str; 10] = [
    "namespaces",
    "nodes",
    "suggestions",
    "variables",
    "tag-keys",
    "group-by-keys",
    "convert",
    "flows",
    "live",
    "status",
];
/// Maximum size of a call's body, in bytes; editors send only queries and names.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A resource call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    /// HTTP method in capitals.
    pub(crate) method: String,
    /// Path without surrounding slashes.
    pub(crate) path: String,
    /// Query string as in the URL, still encoded.
    pub(crate) query: String,
    pub(crate) body: Bytes,
    /// The user who calls.
    pub(crate) identity: ForwardedIdentity,
    /// The user's login; empty for anonymous people.
    pub(crate) login: String,
    /// Whether the user may change dashboards.
    pub(crate) is_editor: bool,
}

/// The answer to a resource call.
#[derive(Debug)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Headers other than the content type.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: ReplyBody,
}

/// A body, whole or in pieces.
pub(crate) enum ReplyBody {
    Whole(Bytes),
    Chunks(BoxStream<'static, Bytes>),
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Chunks(_) => f.write_str("Chunks"),
        }
    }
}

/// Reason why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("there is no resource `{path}`{}", names::did_you_mean(names::suggested(.path, RESOURCES)))]
    NotFound { path: String },
    #[error("resource `{path}` accepts only {allowed}")]
    Method { path: String, allowed: &'static str },
    #[error("only Editors and Admins may read the status: it counts the work of all organisations")]
    Forbidden,
    #[error("the request is larger than {} KiB", MAX_BODY_BYTES >> 10)]
    TooLarge,
    #[error("the request is not a JSON object")]
    NoObject,
    #[error("the request cannot be read: {0}")]
    Json(serde_json::Error),
    #[error("there is no parameter `{name}`{}", names::did_you_mean_or(.name, "; there are", known.iter().copied()))]
    Parameter { name: String, known: &'static [&'static str] },
    #[error("parameter `{name}` is given twice")]
    Twice { name: &'static str },
    #[error("`limit` must be a whole number from 1 to {most}, not `{found}`")]
    Limit { found: String, most: usize },
    #[error("`{field}` is not a field with suggestions{}", names::did_you_mean_or(.field, "; there are", Flag::keys()))]
    Field { field: String },
    #[error("`{query}` is not a variable query{}", variable_meant_or_list(.query))]
    Variable { query: String },
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    #[error(transparent)]
    MatchingTime(#[from] MatchingTime),
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

    /// The limit that refused the call.
    fn limit(&self) -> Option<Limit> {
        match self {
            Self::TooLarge => Some(Limit::RequestSize),
            Self::Query(error) => error.limit(),
            _ => None,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Method { .. } => 405,
            Self::Forbidden => 403,
            Self::TooLarge => 413,
            Self::NoObject
            | Self::Json(_)
            | Self::Parameter { .. }
            | Self::Twice { .. }
            | Self::Limit { .. }
            | Self::Field { .. }
            | Self::Variable { .. }
            | Self::Pattern(_)
            | Self::MatchingTime(_) => 400,
            Self::Query(error) => match error.status() {
                // Grafana's page takes 401 for the end of its own session, and signs the user out. Its data
                // source proxy makes 400 of it, too.
                401 => 400,
                status => status,
            },
        }
    }
}

impl From<InvalidQuery> for CallError {
    fn from(error: InvalidQuery) -> Self {
        Self::Query(error.into())
    }
}

impl From<InvalidFields> for CallError {
    fn from(error: InvalidFields) -> Self {
        InvalidQuery::from(error).into()
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
            body: ReplyBody::Whole(value.to_string().into()),
        }
    }
}

/// Answers a call. An error becomes `{"message": …}` with a fitting status.
pub(crate) async fn call(instance: &Instance, call: Call) -> Reply {
    match answer(instance, &call).await {
        Ok(reply) => reply,
        Err(error) => {
            if let Some(limit) = error.limit() {
                instance.budget.metrics.refusals(limit).count();
            }
            Reply::json(error.status(), &json!({ "message": error.message() }))
        }
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
            let [] = named_params(&call.query, &[])?;
            let namespaces = instance.relay()?.namespaces().await?;
            Ok(suggestions::reply(namespaces, &[]))
        }
        ["nodes"] => {
            call.expect(&["GET"])?;
            let [] = named_params(&call.query, &[])?;
            suggestions::nodes(instance).await
        }
        ["suggestions"] => {
            call.expect(&["GET"])?;
            suggestions::suggestions(instance, &call.query).await
        }
        ["variables"] => {
            call.expect(&["POST"])?;
            let [] = named_params(&call.query, &[])?;
            variables::variables(instance, call).await
        }
        ["tag-keys"] => {
            call.expect(&["GET"])?;
            let [] = named_params(&call.query, &[])?;
            Ok(suggestions::tag_keys())
        }
        ["group-by-keys"] => {
            call.expect(&["GET"])?;
            let [] = named_params(&call.query, &[])?;
            Ok(suggestions::group_by_keys())
        }
        ["convert"] => {
            call.expect(&["POST"])?;
            let [] = named_params(&call.query, &[])?;
            Ok(Reply::json(200, &query::convert(&call.body).map_err(InvalidQuery::from)?))
        }
        ["flows"] => {
            call.expect(&["POST"])?;
            let [] = named_params(&call.query, &[])?;
            flows::flows(instance, &call.body).await
        }
        ["live"] => {
            call.expect(&["GET"])?;
            let [] = named_params(&call.query, &[])?;
            // Grafana passes no reason on with a refused subscription, so the page asks for it.
            let refusal = instance.live_limit_reached(&call.login).map(|limit| limit.to_string());
            Ok(Reply::json(200, &json!({ "refusal": refusal })))
        }
        ["status"] => {
            call.expect(&["GET"])?;
            let [] = named_params(&call.query, &[])?;
            if !call.is_editor {
                return Err(CallError::Forbidden);
            }
            Ok(status::status(instance).await)
        }
        path if passthrough::is_passed(path) => {
            call.expect(&["GET", "POST"])?;
            passthrough::pass(instance, path, call).await
        }
        _ => Err(CallError::NotFound { path: quote(&call.path) }),
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

/// The fields of a body.
///
/// Errors: the body is not a JSON object.
fn body(json: &[u8]) -> Result<Fields, CallError> {
    Fields::read(json).map_err(|error| match error {
        InvalidFields::NoObject => CallError::NoObject,
        InvalidFields::Json(cause) => CallError::Json(cause),
        other => other.into(),
    })
}

/// The values of the parameters `known`, in their order; an empty one counts as absent.
///
/// Errors: an unknown parameter, or a repeated one.
fn named_params<const N: usize>(
    query: &str,
    known: &'static [&'static str; N],
) -> Result<[Option<String>; N], CallError> {
    let mut given = params(query);
    if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(CallError::Parameter { name: quote(name), known });
    }
    let mut values = [const { None }; N];
    for (value, name) in values.iter_mut().zip(known) {
        let mut own = given.extract_if(.., |(own, _)| own == name).map(|(_, value)| value);
        *value = own.next().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if own.next().is_some() {
            return Err(CallError::Twice { name });
        }
    }
    Ok(values)
}

/// Names and values of a URL's query string or of a form.
fn params(encoded: &str) -> Params {
    form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
