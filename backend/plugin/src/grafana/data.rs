//! `pluginv2.Data`: queries in, frames out.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::BoxBody;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tower::Service;

use super::context::{NoDataSource, Target};
use super::instances::Instances;
use super::rpc::{self, Exchange};
use super::wire::{DataQuery, DataResponse, QueryDataRequest, QueryDataResponse};
use crate::prometheus::{ForwardedIdentity, HeadersOf};
use crate::query::{self, Answer, Envelope, Reader, Request as QueryRequest};

/// Queries of one request that run at once, unless Grafana says otherwise. Source: Grafana's
/// `concurrent_query_count`, default 10.
const DEFAULT_CONCURRENT_QUERIES: usize = 10;
const MAX_CONCURRENT_QUERIES: usize = 50;

/// The service. `QueryChunkedData` is not served: Grafana 12 to 13 asks for it only behind
/// feature toggles that are off, and falls back to `QueryData`.
#[derive(Debug, Clone)]
pub(crate) struct DataServer {
    pub(crate) instances: Arc<Instances>,
}

impl NamedService for DataServer {
    const NAME: &'static str = "pluginv2.Data";
}

impl Service<http::Request<BoxBody>> for DataServer {
    type Response = http::Response<BoxBody>;
    type Error = Infallible;
    type Future = Exchange;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<BoxBody>) -> Exchange {
        let instances = self.instances.clone();
        match request.uri().path() {
            "/pluginv2.Data/QueryData" => {
                rpc::unary(request, |request| query_data(instances, request))
            }
            path => rpc::unimplemented(path),
        }
    }
}

async fn query_data(
    instances: Arc<Instances>,
    request: Request<QueryDataRequest>,
) -> Result<Response<QueryDataResponse>, Status> {
    let traceparent = request
        .metadata()
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let request = request.into_inner();
    tracing::debug!(queries = request.queries.len(), traceparent, "query data");
    let concurrent_queries = request
        .plugin_context
        .as_ref()
        .and_then(|context| context.grafana_config.get("GF_CONCURRENT_QUERY_COUNT"))
        .and_then(|count| count.parse().ok())
        .unwrap_or(DEFAULT_CONCURRENT_QUERIES)
        .clamp(1, MAX_CONCURRENT_QUERIES);
    let target = Target::try_from(request.plugin_context)
        .map_err(|NoDataSource| Status::invalid_argument(NoDataSource.to_string()))?;
    let datasource_uid = target.uid.clone();
    let instance = instances.get(target);
    let headers = || request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let reader = reader(headers());
    let identity = ForwardedIdentity::new(headers(), HeadersOf::Grafana)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let envelopes = request
        .queries
        .into_iter()
        .map(|query| Envelope {
            identity: identity.clone(),
            datasource_uid: datasource_uid.clone(),
            ..Envelope::from(query)
        })
        .collect();
    let answers =
        query::run(instance, QueryRequest { envelopes, reader, concurrent_queries }).await;
    let responses = answers.into_iter().map(|(ref_id, answer)| (ref_id, answer.into())).collect();
    Ok(Response::new(QueryDataResponse { responses }))
}

/// Who reads the answers, as Grafana's headers say it. Source: `FromAlertHeaderName` in
/// `pkg/services/ngalert/models/constants.go`, `HeaderFromExpression` in
/// `pkg/services/query/query.go`; the second comes with the mark of a browser's header.
fn reader<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Reader {
    let mut reader = Reader::Panel;
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("http_").unwrap_or(&name) {
            "fromalert" if value == "true" => return Reader::AlertRule,
            "x-grafana-from-expr" if !value.is_empty() => reader = Reader::Expression,
            _ => {}
        }
    }
    reader
}

impl From<DataQuery> for Envelope {
    fn from(query: DataQuery) -> Self {
        let range = query.time_range.unwrap_or_default();
        Self {
            ref_id: query.ref_id,
            query_type: query.query_type,
            from_ms: range.from_epoch_ms,
            to_ms: range.to_epoch_ms,
            interval_ms: query.interval_ms,
            max_data_points: query.max_data_points,
            json: query.json,
            datasource_uid: String::new(),
            identity: ForwardedIdentity::default(),
        }
    }
}

impl From<Answer> for DataResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok(frames) => Self { frames, status: 200, ..Self::default() },
            Err(failure) => Self {
                error: failure.message,
                status: failure.status.into(),
                error_source: failure.source.as_str().to_owned(),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers() {
        let check = |headers: &[(&str, &str)], expected: Reader| {
            assert_eq!(reader(headers.iter().copied()), expected, "{headers:?}");
        };
        check(&[("http_X-Panel-Id", "4")], Reader::Panel);
        check(&[("FromAlert", "true")], Reader::AlertRule);
        check(&[("FromAlert", "false")], Reader::Panel);
        check(&[("http_X-Grafana-From-Expr", "true")], Reader::Expression);
        check(&[("X-Grafana-From-Expr", "true")], Reader::Expression);
        check(&[("X-Grafana-From-Expr", "true"), ("FromAlert", "true")], Reader::AlertRule);
    }
}
