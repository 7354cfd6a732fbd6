//! Queries executed: a typed query in, encoded frames out.

mod annotations;
mod clusters;
mod completeness;
mod dns;
mod flows;
mod group_name;
mod metrics;
mod policies;
mod promql;
mod rows;
mod service_map;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wording::Notice;

pub(crate) use self::clusters::resolve as resolve_clusters;
pub(crate) use self::flows::{Batches, packed_stream};
use crate::instance::Instance;
use crate::settings::InvalidSettings;
use frames::{self, Frame};
use prometheus::{ForwardedIdentity, InvalidMinStep, PrometheusError};
use query::{InvalidQuery, PoliciesQuery, PromqlFormat, PromqlQuery, Query, ReadQuery};
use relay::RelayError;

/// Queries of one request at most: a dashboard panel has 26 letters to name them by.
const MAX_QUERIES: usize = 200;

/// One request of Grafana.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) queries: Vec<Asked>,
    pub(crate) reader: Reader,
    pub(crate) concurrent_queries: usize,
}

/// Who reads the answers of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person, on a panel or in Explore.
    Panel,
    /// Grafana's expressions, which take series and numbers.
    Expression,
    /// An alert rule: expressions that nobody looks at.
    AlertRule,
}

/// A query of a request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The query. Errors: it cannot be read.
    pub(crate) read: Result<ReadQuery, InvalidQuery>,
    pub(crate) around: Around,
}

/// What stands around every query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    pub(crate) ref_id: String,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) interval_ms: i64,
    pub(crate) max_data_points: i64,
    /// Of the data source that is asked, for links that ask it again.
    pub(crate) datasource_uid: String,
    /// The user who asks.
    pub(crate) identity: ForwardedIdentity,
}

/// Encoded frames, or why there are none.
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

/// Why a query has no frames.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error(transparent)]
    Settings(#[from] Arc<InvalidSettings>),
    #[error(transparent)]
    Model(#[from] InvalidQuery),
    #[error(transparent)]
    MinStep(#[from] InvalidMinStep),
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("the answer cannot be given to Grafana")]
    Frame(#[from] frames::BadFrame),
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

impl QueryError {
    /// The HTTP status that Grafana should see.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Settings(_) | Self::Model(_) | Self::MinStep(_) => 400,
            Self::Prometheus(error) => error.status(),
            Self::Relay(error) => error.status(),
            Self::Frame(_) => 500,
        }
    }

    /// What the user reads. Upstream's errors say their cause in their own words already; for
    /// the rest the causes follow.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Prometheus(error) => error.to_string(),
            Self::Relay(error) => error.to_string(),
            Self::Settings(_) | Self::Model(_) | Self::MinStep(_) | Self::Frame(_) => {
                wording::with_causes(self)
            }
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let source = match &error {
            QueryError::Frame(_) => FailureSource::Plugin,
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
            answers.push((asked.around.ref_id, Err(too_many_queries())));
            continue;
        }
        let (instance, permits) = (instance.clone(), permits.clone());
        let beside = Beside { reader: request.reader, tables };
        tasks.spawn(async move {
            let permit = permits.acquire_owned().await;
            let ref_id = asked.around.ref_id.clone();
            let answer = Box::pin(isolated(answer(&instance, asked, beside))).await;
            drop(permit);
            (ref_id, answer)
        });
    }
    while let Some(joined) = tasks.join_next().await {
        // The tasks catch their own panics and nobody aborts them one by one.
        if let Ok(answered) = joined {
            answers.push(answered);
        }
    }
    answers
}

/// What a query should know of its request.
#[derive(Debug, Clone, Copy)]
struct Beside {
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

async fn answer(instance: &Instance, asked: Asked, beside: Beside) -> Answer {
    let Asked { read, around } = asked;
    if around.from_ms > around.to_ms {
        return Err(QueryError::from(InvalidQuery::TimeRange).into());
    }
    let read = read.map_err(QueryError::from)?;
    let frames = frames(instance, &around, read, beside).await?;
    let encoded: Result<Vec<Bytes>, _> =
        frames.iter().map(|frame| frames::encode(&around.ref_id, frame)).collect();
    encoded.map_err(|error| QueryError::Frame(error).into())
}

/// How many of these queries are PromQL in format table and shown.
fn count_tables(queries: &[Asked]) -> usize {
    let is_table = |asked: &&Asked| {
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
    around: &Around,
    read: ReadQuery,
    beside: Beside,
) -> Result<Vec<Frame>, QueryError> {
    let ReadQuery { mut query, notices, .. } = read;
    if beside.reader != Reader::Panel {
        query.as_numbers();
    }
    let mut frames = match query {
        Query::Flows(query) => flows::frames(instance, around, &query).await?,
        Query::FlowMetrics(query) => {
            metrics::frames(instance, around, &query, beside.reader).await?
        }
        Query::ServiceMap(query) => service_map::frames(instance, around, &query).await?,
        Query::FlowAnnotations(query) => annotations::frames(instance, around, &query).await?,
        Query::DnsConnections(query) => dns::frames(instance, around, &query).await?,
        Query::Policies(PoliciesQuery) => policies::frames(instance).await?,
        Query::Promql(query) => {
            let is_one_of_several = query.format == PromqlFormat::Table && beside.tables > 1;
            let value_name = if is_one_of_several {
                format!("Value #{}", around.ref_id)
            } else {
                "Value".to_owned()
            };
            promql::frames(instance, around, &query, &value_name, beside.reader).await?
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

/// A notice for each of Prometheus' own.
fn upstream_notices(warnings: &[String], infos: &[String]) -> Vec<Notice> {
    let warnings = warnings.iter().map(|text| Notice::warning(text.as_str()));
    warnings.chain(infos.iter().map(|text| Notice::info(text.as_str()))).collect()
}
