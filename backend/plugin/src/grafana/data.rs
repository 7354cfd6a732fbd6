//! Calls with queries: queries in, frames out.

use ::budget::Shaping;
use execution::{Consumer, QueryContext};
use plugin_protocol::{DataQuery, DataResponse, QueryDataRequest, QueryDataResponse, Status};
use prometheus::{ForwardedIdentity, HeaderOrigin};
use query::ReadQuery;

use super::context::CalledDataSource;
use super::instances::Instances;
use crate::answers::{self, QueryAnswer, Request, RequestQuery};

/// Default for the number of queries of one request that run in parallel. Source: Grafana's
/// `concurrent_query_count`, default 10.
const DEFAULT_CONCURRENT_QUERIES: usize = 10;
const MAX_CONCURRENT_QUERIES: usize = 50;

/// Answers a call with queries.
///
/// Errors: the call names no data source, or the user's own headers cannot be forwarded.
pub(super) async fn query(
    instances: &Instances,
    request: QueryDataRequest,
) -> Result<QueryDataResponse, Status> {
    tracing::debug!(queries = request.queries.len(), "query data");
    let concurrent_queries = request
        .plugin_context
        .as_ref()
        .and_then(|context| context.grafana_config.get("GF_CONCURRENT_QUERY_COUNT"))
        .and_then(|count| count.parse().ok())
        .unwrap_or(DEFAULT_CONCURRENT_QUERIES)
        .clamp(1, MAX_CONCURRENT_QUERIES);
    let target = CalledDataSource::try_from(request.plugin_context)?;
    let datasource_uid = target.uid.clone();
    let instance = instances.get(target);
    let headers = || request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let consumer = consumer(headers());
    let identity = ForwardedIdentity::new(headers(), HeaderOrigin::Grafana)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let bytes = request.queries.iter().map(|query| query.json.len()).sum();
    let queries = request
        .queries
        .into_iter()
        .map(|query| read_query(query, &datasource_uid, &identity, &instance.budget.shaping))
        .collect();
    let request = Request { queries, consumer, concurrent_queries, bytes };
    let answers = answers::run(instance, request).await;
    let responses = answers.iter().map(|(ref_id, answer)| (ref_id.clone(), response(answer)));
    Ok(QueryDataResponse { responses: responses.collect() })
}

/// The consumer of the answers, by Grafana's headers. Source: `FromAlertHeaderName` in
/// `pkg/services/ngalert/models/constants.go`, `HeaderFromExpression` in
/// `pkg/services/query/query.go`; the second has the prefix of a browser's header.
fn consumer<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Consumer {
    let mut consumer = Consumer::Panel;
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix("http_").unwrap_or(&name) {
            "fromalert" if value == "true" => return Consumer::AlertRule,
            "x-grafana-from-expr" if !value.is_empty() => consumer = Consumer::Expression,
            _ => {}
        }
    }
    consumer
}

/// The query, read once into its typed value.
fn read_query(
    query: DataQuery,
    datasource_uid: &str,
    identity: &ForwardedIdentity,
    shaping: &Shaping,
) -> RequestQuery {
    let range = query.time_range.unwrap_or_default();
    RequestQuery {
        read: ReadQuery::read(&query.json, &query.query_type),
        ref_id: query.ref_id,
        identity: identity.clone(),
        context: QueryContext {
            from_ms: range.from_epoch_ms,
            to_ms: range.to_epoch_ms,
            interval_ms: query.interval_ms,
            max_data_points: query.max_data_points,
            datasource_uid: datasource_uid.to_owned(),
            shaping: shaping.clone(),
        },
    }
}

fn response(answer: &QueryAnswer) -> DataResponse {
    match answer {
        Ok(answer) => {
            DataResponse { frames: answer.frames.clone(), status: 200, ..DataResponse::default() }
        }
        Err(failure) => DataResponse {
            error: failure.message.clone(),
            status: failure.status.into(),
            error_source: failure.source.as_str().to_owned(),
            ..DataResponse::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers() {
        let check = |headers: &[(&str, &str)], expected: Consumer| {
            assert_eq!(consumer(headers.iter().copied()), expected, "{headers:?}");
        };
        check(&[("http_X-Panel-Id", "4")], Consumer::Panel);
        check(&[("FromAlert", "true")], Consumer::AlertRule);
        check(&[("FromAlert", "false")], Consumer::Panel);
        check(&[("http_X-Grafana-From-Expr", "true")], Consumer::Expression);
        check(&[("X-Grafana-From-Expr", "true")], Consumer::Expression);
        check(&[("X-Grafana-From-Expr", "true"), ("FromAlert", "true")], Consumer::AlertRule);
    }
}
