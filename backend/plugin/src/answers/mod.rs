//! Answers to the queries of a request: each is executed by itself, and its frames encoded.

mod error;
mod policies;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use execution::{ExecutionError, QueryContext, Reader};
use frames::Frame;
use futures_util::FutureExt;
use prometheus::ForwardedIdentity;
use query::{
    FlowsFormat, InvalidQuery, PoliciesQuery, PromqlFormat, PromqlQuery, Query, ReadQuery,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(crate) use self::error::QueryError;
use crate::instance::Instance;

/// Queries of one request at most: a dashboard panel has 26 letters to name them by.
const MAX_QUERIES: usize = 200;

/// One request of Grafana.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) queries: Vec<RequestQuery>,
    pub(crate) reader: Reader,
    pub(crate) concurrent_queries: usize,
}

/// A query of a request.
#[derive(Debug)]
pub(crate) struct RequestQuery {
    /// The query. Errors: it cannot be read.
    pub(crate) read: Result<ReadQuery, InvalidQuery>,
    pub(crate) ref_id: String,
    /// The user who asks.
    pub(crate) identity: ForwardedIdentity,
    pub(crate) context: QueryContext,
}

/// The answer to one query: encoded frames, or a failure.
pub(crate) type Answer = Result<Vec<Bytes>, Failure>;

/// A query that failed, as its user reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// An HTTP status.
    pub(crate) status: u16,
    pub(crate) source: FailureSource,
}

/// Whose fault it was; Grafana counts them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureSource {
    /// Ours.
    Plugin,
    /// The relay's, Prometheus', or the user's.
    Downstream,
}

impl FailureSource {
    /// Grafana's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let source = match &error {
            QueryError::Execution(ExecutionError::Frame(_)) => FailureSource::Plugin,
            _ => FailureSource::Downstream,
        };
        Self { message: error.message(), status: error.status(), source }
    }
}

/// Runs all queries of a request side by side. Each is its own task: one that fails, panics or is
/// slow takes no other down. Dropping the future stops them all, and with them their calls to
/// relay and Prometheus.
pub(crate) async fn run(instance: Arc<Instance>, request: Request) -> Vec<(String, Answer)> {
    let tables = count_tables(&request.queries);
    let permits = Arc::new(Semaphore::new(request.concurrent_queries));
    let mut tasks = JoinSet::new();
    let mut answers = Vec::with_capacity(request.queries.len());
    for (index, asked) in request.queries.into_iter().enumerate() {
        if index >= MAX_QUERIES {
            answers.push((asked.ref_id, Err(too_many_queries())));
            continue;
        }
        let (instance, permits) = (instance.clone(), permits.clone());
        let facts = RequestFacts { reader: request.reader, tables };
        tasks.spawn(async move {
            let permit = permits.acquire_owned().await;
            let ref_id = asked.ref_id.clone();
            let answer = Box::pin(isolated(answer(&instance, asked, facts))).await;
            drop(permit);
            (ref_id, answer)
        });
    }
    while let Some(joined) = tasks.join_next().await {
        // The tasks catch their own panics, and are aborted all together only.
        if let Ok(answered) = joined {
            answers.push(answered);
        }
    }
    answers
}

/// Facts about a request that its queries depend on.
#[derive(Debug, Clone, Copy)]
struct RequestFacts {
    reader: Reader,
    /// PromQL queries in format table: beside others, a value column bears its ref id.
    tables: usize,
}

/// Turns a panic into a failure of this query alone. Grafana would show "request canceled" for
/// the whole panel, and the cause only at its debug level.
async fn isolated(answer: impl Future<Output = Answer>) -> Answer {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_panic| {
        Err(Failure {
            message:
                "this query broke the plugin; the place stands in Grafana's log, please report it"
                    .to_owned(),
            status: 500,
            source: FailureSource::Plugin,
        })
    })
}

async fn answer(instance: &Instance, asked: RequestQuery, facts: RequestFacts) -> Answer {
    let ref_id = asked.ref_id.clone();
    let frames = frames(instance, asked, facts).await?;
    let encoded: Result<Vec<Bytes>, _> =
        frames.iter().map(|frame| frames::encode(&ref_id, frame)).collect();
    encoded.map_err(|error| QueryError::from(ExecutionError::from(error)).into())
}

/// How many of these queries are PromQL in format table and shown.
fn count_tables(queries: &[RequestQuery]) -> usize {
    let is_table = |asked: &&RequestQuery| {
        matches!(
            &asked.read,
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
    asked: RequestQuery,
    facts: RequestFacts,
) -> Result<Vec<Frame>, QueryError> {
    let RequestQuery { read, ref_id, identity, context } = asked;
    if context.from_ms > context.to_ms {
        return Err(InvalidQuery::TimeRange.into());
    }
    let ReadQuery { mut query, notices, .. } = read?;
    let RequestFacts { reader, tables } = facts;
    if reader != Reader::Panel {
        query.as_numbers();
    }
    let source = || instance.flow_source();
    let mut frames = match &query {
        Query::Flows(query) if query.format == FlowsFormat::Packed => {
            let flows = execution::flows(source()?, &context, query);
            let (frames, revision) = tokio::join!(flows, policies::revision(instance));
            let mut frames = frames?;
            policies::name_revision(&mut frames, revision.as_deref());
            frames
        }
        Query::Flows(query) => execution::flows(source()?, &context, query).await?,
        Query::FlowMetrics(query) => {
            execution::flow_metrics(source()?, &context, query, reader).await?
        }
        Query::ServiceMap(query) => execution::service_map(source()?, &context, query).await?,
        Query::FlowAnnotations(query) => {
            execution::flow_annotations(source()?, &context, query).await?
        }
        Query::DnsConnections(query) => {
            execution::dns_connections(source()?, &context, query).await?
        }
        Query::Policies(PoliciesQuery) => policies::frames(instance).await?,
        Query::Promql(query) => {
            let prometheus = instance.prometheus()?.on_behalf_of(&identity);
            let is_one_of_several = query.format == PromqlFormat::Table && tables > 1;
            let value_name =
                if is_one_of_several { format!("Value #{ref_id}") } else { "Value".to_owned() };
            execution::promql(&prometheus, &context, query, &value_name, reader).await?
        }
    };
    if let Some(first) = frames.first_mut() {
        first.meta.notices.splice(0..0, notices);
    }
    Ok(frames)
}

fn too_many_queries() -> Failure {
    Failure {
        message: format!("a request may hold {MAX_QUERIES} queries"),
        status: 400,
        source: FailureSource::Downstream,
    }
}
