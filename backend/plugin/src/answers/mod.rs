//! Answers to the queries of a request. Each query is executed and its frames encoded in a task of
//! its own.

mod error;
pub(crate) mod policies;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ::budget::Held;
use bytes::Bytes;
use execution::{Consumer, ExecutionError, QueryContext};
use frames::Frame;
use futures_util::FutureExt;
use prometheus::ForwardedIdentity;
use query::{
    FlowsFormat, InvalidQuery, PoliciesQuery, PromqlFormat, PromqlQuery, Query, ReadQuery,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use wording::quote;

pub(crate) use self::error::QueryError;
use crate::instance::Instance;
use crate::metrics::{Limit, Outcome};

/// Maximum number of queries in one request; a dashboard panel names its queries by 26 letters.
const MAX_QUERIES: usize = 200;
/// Bytes of a request from which they are part of the memory budget; dashboards send a few KiB.
const LARGE_REQUEST_BYTES: usize = 64 << 10;
/// Bytes of a typed query for each byte of its JSON, the JSON itself included.
const QUERY_FACTOR: usize = 4;

/// A request of Grafana.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) queries: Vec<RequestQuery>,
    pub(crate) consumer: Consumer,
    pub(crate) concurrent_queries: usize,
    /// Bytes of the queries' JSON.
    pub(crate) bytes: usize,
}

/// A query of a request.
#[derive(Debug)]
pub(crate) struct RequestQuery {
    /// The query, or the error of reading it.
    pub(crate) read: Result<ReadQuery, InvalidQuery>,
    pub(crate) ref_id: String,
    /// The user who sent the request.
    pub(crate) identity: ForwardedIdentity,
    pub(crate) context: QueryContext,
}

/// The answer to one query: encoded frames, or a failure.
pub(crate) type QueryAnswer = Result<EncodedFrames, QueryFailure>;

/// Frames as Grafana reads them.
#[derive(Debug)]
pub(crate) struct EncodedFrames {
    pub(crate) frames: Vec<Bytes>,
    /// The memory that they hold.
    _held: Held,
}

/// A failed query, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryFailure {
    pub(crate) message: String,
    /// HTTP status.
    pub(crate) status: u16,
    pub(crate) source: FailureSource,
}

/// Origin of a failure; Grafana counts the two separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureSource {
    /// The plugin.
    Plugin,
    /// The relay, Prometheus, or the user.
    Downstream,
}

impl FailureSource {
    /// Grafana's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }
}

impl QueryFailure {
    /// Writes a line about the query of the present span, and marks the span. The message may quote the
    /// query, so neither has it.
    fn log(&self) {
        let span = Span::current();
        span.record("status", self.status);
        span.record("otel.status_code", "ERROR");
        tracing::debug!(source = self.source.as_str(), "query failed");
    }
}

impl From<QueryError> for QueryFailure {
    fn from(error: QueryError) -> Self {
        let source = match &error {
            QueryError::Execution(ExecutionError::Frame(_)) => FailureSource::Plugin,
            _ => FailureSource::Downstream,
        };
        Self { message: error.message(), status: error.status(), source }
    }
}

/// Runs all queries of a request in parallel. Each is a task of its own, so a query that fails,
/// panics or is slow does not affect the others. Dropping the future stops all tasks and their
/// calls to the relay and Prometheus.
pub(crate) async fn run(instance: Arc<Instance>, request: Request) -> Vec<(String, QueryAnswer)> {
    let mut held = instance.budget.memory.hold(instance.caller(request.consumer));
    if request.bytes >= LARGE_REQUEST_BYTES
        && let Err(error) = held.set(request.bytes.saturating_mul(QUERY_FACTOR))
    {
        let failure = QueryFailure::from(QueryError::from(ExecutionError::from(error)));
        let refused = request.queries.into_iter().map(|query| (query.ref_id, Err(failure.clone())));
        return refused.collect();
    }
    let tables = count_tables(&request.queries);
    let permits = Arc::new(Semaphore::new(request.concurrent_queries));
    let mut tasks = JoinSet::new();
    let mut answers = Vec::with_capacity(request.queries.len());
    for (index, query) in request.queries.into_iter().enumerate() {
        if index >= MAX_QUERIES {
            instance.budget.metrics.refusals(Limit::RequestQueries).count();
            answers.push((query.ref_id, Err(too_many_queries())));
            continue;
        }
        let (instance, permits) = (instance.clone(), permits.clone());
        let facts = RequestFacts { consumer: request.consumer, tables };
        let query_type = query.read.as_ref().ok().map(|read| read.query.query_type());
        let span = tracing::error_span!(
            "query",
            refId = quote(&query.ref_id),
            queryType = query_type,
            status = Empty,
            otel.status_code = Empty,
        );
        let answer = async move {
            let (metrics, source) = (&instance.budget.metrics, &instance.metrics.labels);
            let mut counted = metrics.answering(source, query_type);
            let permit = permits.acquire_owned().await;
            let ref_id = query.ref_id.clone();
            let answer = Box::pin(isolated(answer(&instance, query, facts))).await;
            drop(permit);
            counted.outcome = match &answer {
                Ok(_) => Outcome::Answered,
                Err(failure) => Outcome::Failed(failure.status),
            };
            drop(counted);
            if let Err(failure) = &answer {
                failure.log();
            }
            (ref_id, answer)
        };
        tasks.spawn(answer.instrument(span));
    }
    while let Some(joined) = tasks.join_next().await {
        // The tasks catch their own panics and are only aborted all together.
        if let Ok(answered) = joined {
            answers.push(answered);
        }
    }
    answers
}

/// Facts about a request that its queries depend on.
#[derive(Debug, Clone, Copy)]
struct RequestFacts {
    consumer: Consumer,
    /// Number of PromQL queries in format table: with several, a value column is named after its
    /// ref id.
    tables: usize,
}

/// Turns a panic into a failure of this query alone. Otherwise Grafana would show "request
/// canceled" for the whole panel, and the cause only at its debug level.
async fn isolated<T>(
    answer: impl Future<Output = Result<T, QueryFailure>>,
) -> Result<T, QueryFailure> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_panic| {
        Err(QueryFailure {
            message:
                "this query crashed the plugin's task: please report it with the location from Grafana's log"
                    .to_owned(),
            status: 500,
            source: FailureSource::Plugin,
        })
    })
}

async fn answer(instance: &Instance, query: RequestQuery, facts: RequestFacts) -> QueryAnswer {
    encoded(instance, query, facts).await.map_err(|error| {
        if let Some(limit) = error.limit() {
            instance.budget.metrics.refusals(limit).count();
        }
        error.into()
    })
}

async fn encoded(
    instance: &Instance,
    query: RequestQuery,
    facts: RequestFacts,
) -> Result<EncodedFrames, QueryError> {
    let ref_id = query.ref_id.clone();
    let mut held = instance.budget.memory.hold(instance.caller(facts.consumer));
    let frames = frames(instance, query, facts, &mut held).await?;
    let bytes = frames.iter().map(Frame::bytes).sum();
    Ok(instance.budget.shaping.run(bytes, || encode(&ref_id, frames, held)).await?)
}

/// Encodes frames, each of which is freed before the next. The bytes are held until Grafana has them.
fn encode(
    ref_id: &str,
    frames: Vec<Frame>,
    mut held: Held,
) -> Result<EncodedFrames, ExecutionError> {
    // The frames, and the largest of them a second time.
    let sizes = || frames.iter().map(Frame::bytes);
    held.set(sizes().sum::<usize>() + sizes().max().unwrap_or(0))?;
    let mut encoded = Vec::with_capacity(frames.len());
    for frame in frames {
        encoded.push(frames::encode(ref_id, &frame)?);
    }
    // The answer, and its copy in the message.
    held.set(encoded.iter().map(Bytes::len).sum::<usize>() * 2)?;
    Ok(EncodedFrames { frames: encoded, _held: held })
}

/// The number of visible PromQL queries in format table.
fn count_tables(queries: &[RequestQuery]) -> usize {
    let is_table = |query: &&RequestQuery| {
        matches!(
            &query.read,
            Ok(ReadQuery {
                query: Query::Promql(PromqlQuery { format: PromqlFormat::Table, .. }),
                is_hidden: false,
                ..
            })
        )
    };
    queries.iter().filter(is_table).count()
}

async fn frames(
    instance: &Instance,
    query: RequestQuery,
    facts: RequestFacts,
    held: &mut Held,
) -> Result<Vec<Frame>, QueryError> {
    let RequestQuery { read, ref_id, identity, context } = query;
    if context.from_ms > context.to_ms {
        return Err(InvalidQuery::TimeRange.into());
    }
    let ReadQuery { mut query, notices, .. } = read?;
    let RequestFacts { consumer, tables } = facts;
    if consumer != Consumer::Panel {
        query.as_numbers();
    }
    let source = || instance.flow_source(consumer);
    let mut frames = match &query {
        Query::Flows(query) if query.format == FlowsFormat::Packed => {
            let flows = execution::flows(source()?, &context, query, held);
            let (frames, revision) = tokio::join!(flows, policies::revision(instance, consumer));
            let mut frames = frames?;
            policies::name_revision(&mut frames, revision);
            frames
        }
        Query::Flows(query) => execution::flows(source()?, &context, query, held).await?,
        Query::FlowMetrics(query) => {
            execution::flow_metrics(source()?, &context, query, consumer, held).await?
        }
        Query::ServiceMap(query) => {
            execution::service_map(source()?, &context, query, held).await?
        }
        Query::FlowAnnotations(query) => {
            execution::flow_annotations(source()?, &context, query, held).await?
        }
        Query::DnsConnections(query) => {
            execution::dns_connections(source()?, &context, query, held).await?
        }
        Query::Policies(PoliciesQuery) => policies::frames(instance, consumer).await?,
        Query::Promql(query) => {
            let prometheus = instance.prometheus()?;
            let prometheus = prometheus.on_behalf_of(instance.caller(consumer), &identity);
            let is_one_of_several = query.format == PromqlFormat::Table && tables > 1;
            let value_name =
                if is_one_of_several { format!("Value #{ref_id}") } else { "Value".to_owned() };
            execution::promql(&prometheus, &context, query, &value_name, consumer).await?
        }
    };
    if let Some(first) = frames.first_mut() {
        first.meta.notices.splice(0..0, notices);
    }
    Ok(frames)
}

fn too_many_queries() -> QueryFailure {
    QueryFailure {
        message: format!("a request may hold at most {MAX_QUERIES} queries"),
        status: 400,
        source: FailureSource::Downstream,
    }
}
