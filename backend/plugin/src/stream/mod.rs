//! Flows as they come, for Grafana Live: Explore's live mode and dashboards.
//!
//! A channel is one query of one user, and follows the relay on one stream for as long as Grafana
//! runs it. What it shows has one schema from its first message on.

mod batch;
mod channels;
mod feed;

use std::sync::Arc;

use bytes::Bytes;
use flow::TimeRange;
use flow::columns::ColumnSet;
use flow::filter::FilterSet;
use frames::{FLOW_LOG_COLUMNS, FLOW_TABLE_COLUMNS, FramePart};
use futures_util::Stream;
use query::{
    Fields, FlowSelection, FlowsForm, FlowsFormat, FlowsQuery, InvalidQuery, MAX_QUERY_BYTES,
};
use relay::now_ms;
use tokio_stream::wrappers::ReceiverStream;
use wording::{Notice, Severity};

use self::batch::Batch;
pub(crate) use self::channels::{ChannelKey, Channels, Ticket};
use crate::answers::QueryError;
use crate::instance::Instance;

/// Flows of the past that a stream begins with, of each node, where the query says nothing:
/// as many as `hubble observe` shows.
const DEFAULT_BACKLOG: u64 = 20;
const MAX_BACKLOG: u64 = 1_000;
/// Messages that wait for Grafana before batches do.
const WAITING_MESSAGES: usize = 2;

/// Why there is no such channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no live channel `{path}`: use `flows/` and 1 to 100 letters, digits, `-` and `_`")]
    Path { path: String },
    #[error("live channel `{path}` runs with another query")]
    OtherQuery { path: String },
    #[error("there are {0} live channels already: close some")]
    TooMany(usize),
    #[error("the query is larger than {} KiB", MAX_QUERY_BYTES >> 10)]
    TooLarge,
}

/// A query that can be followed.
#[derive(Debug, Clone)]
pub(crate) struct LiveQuery {
    form: FlowsForm,
    selection: FlowSelection,
    shape: Shape,
    /// Flows of the past, of each node; 0: all since `since_nanos`.
    backlog: u64,
    since_nanos: Option<i64>,
    notices: Vec<Notice>,
}

/// What is the same in all messages of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shape {
    ref_id: String,
    is_log: bool,
}

impl Shape {
    /// What is read of each flow.
    fn columns(&self) -> ColumnSet {
        if self.is_log { FLOW_LOG_COLUMNS } else { FLOW_TABLE_COLUMNS }
    }
}

struct Kind {
    query_type: Option<String>,
    ref_id: String,
    format: Option<String>,
}

impl Kind {
    fn peek(fields: &Fields) -> Result<Self, InvalidQuery> {
        Ok(Self {
            query_type: fields.peek_text("queryType")?,
            ref_id: fields.peek_text("refId")?.unwrap_or_default(),
            format: fields.peek_text("format")?,
        })
    }
}

/// Why a query cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidLiveQuery {
    #[error("a live query of type `{0}` is not known: use `flows`")]
    QueryType(String),
    #[error("format `packed` cannot be followed: use `table` or `logs`")]
    Packed,
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl LiveQuery {
    /// Reads a query. The shape is known of queries that cannot be used, too.
    fn read(instance: &Instance, json: &[u8]) -> (Shape, Result<Self, InvalidLiveQuery>) {
        let read = Fields::read(json).and_then(|fields| Ok((Kind::peek(&fields)?, fields)));
        let shape = read.as_ref().map_or_else(
            |_| Shape::default(),
            |(kind, _)| Shape {
                ref_id: kind.ref_id.clone(),
                is_log: kind.format.as_deref() == Some("logs"),
            },
        );
        let query = Self::read_as(instance, read, shape.clone());
        (shape, query)
    }

    fn read_as(
        instance: &Instance,
        read: Result<(Kind, Fields), InvalidQuery>,
        shape: Shape,
    ) -> Result<Self, InvalidLiveQuery> {
        let invalid = |error: InvalidQuery| InvalidLiveQuery::Query(error.into());
        let (kind, fields) = read.map_err(invalid)?;
        if let Some(other) = kind.query_type.filter(|kind| !kind.is_empty() && kind != "flows") {
            return Err(InvalidLiveQuery::QueryType(other));
        }
        let query = FlowsQuery::take(fields).map_err(invalid)?;
        if query.format == FlowsFormat::Packed {
            return Err(InvalidLiveQuery::Packed);
        }
        instance.relay()?;
        let selection = FlowSelection::new(&query.form).map_err(invalid)?;
        let selectors = &query.form.selectors;
        let all = TimeRange { from_nanos: 0, to_nanos: i64::MAX };
        let (range, _) = selectors.narrow(all, now_ms()).map_err(invalid)?;
        let since_nanos = Some(range.from_nanos).filter(|since| *since > 0);
        let backlog = match selectors.last.filter(|last| *last > 0) {
            Some(last) => last.min(MAX_BACKLOG),
            None if since_nanos.is_some() => 0,
            None => DEFAULT_BACKLOG,
        };
        let FlowsQuery { form, mut notices, .. } = query;
        let selectors = &form.selectors;
        for (is_set, name) in
            [(selectors.first.is_some(), "first"), (selectors.until.is_some(), "until")]
        {
            if is_set {
                let text = format!("`{name}` is not used: what is followed has no end");
                notices.push(Notice::info(text));
            }
        }
        Ok(Self { form, selection, shape, backlog, since_nanos, notices })
    }

    /// The filters for the relay, and notices about clusters.
    async fn filters(&self, instance: &Instance) -> (FilterSet, Vec<Notice>) {
        let Ok(source) = instance.flow_source() else {
            return (self.selection.filters.clone(), Vec::new());
        };
        let (form, of_clusters) = execution::resolve_clusters(source, &self.form).await;
        match FlowSelection::new(&form) {
            Ok(selection) => (selection.filters, of_clusters),
            // It was valid with one more condition.
            Err(_) => (self.selection.filters.clone(), of_clusters),
        }
    }

    fn executed(&self) -> String {
        format!("hubble observe --follow {}", self.selection.observe_flags).trim_end().to_owned()
    }
}

/// The first message for who subscribes: the schema, and what is wrong with the query, if
/// something is.
///
/// Errors: there is no such channel.
pub(crate) fn first_message(
    instance: &Instance,
    channels: &Channels,
    key: &ChannelKey,
    json: &Bytes,
) -> Result<Vec<u8>, Refusal> {
    key.check()?;
    channels.check(key, json)?;
    let (shape, query) = LiveQuery::read(instance, json);
    let mut batch = Batch::new(shape);
    match query {
        Ok(query) => {
            batch.meta.executed_query_string = query.executed();
            batch.meta.notices = query.notices;
        }
        Err(error) => {
            let text = message(&error);
            batch.meta.notices.push(Notice { severity: Severity::Error, text: text.clone() });
            batch.say(Severity::Error, text);
        }
    }
    Ok(batch.message(FramePart::Whole).unwrap_or_default())
}

/// Follows until the stream is dropped.
///
/// Errors: there is no such channel.
pub(crate) fn run(
    instance: Arc<Instance>,
    channels: &Arc<Channels>,
    key: &ChannelKey,
    json: &Bytes,
) -> Result<impl Stream<Item = Vec<u8>> + Send + use<>, Refusal> {
    key.check()?;
    let ticket = channels.enter(key, json)?;
    let (_, query) = LiveQuery::read(&instance, json);
    let (sender, receiver) = tokio::sync::mpsc::channel(WAITING_MESSAGES);
    tokio::spawn(async move {
        let _ticket: Ticket = ticket;
        match query {
            Ok(query) => feed::follow(&instance, &query, &sender).await,
            // LiveNotice to each subscriber. A stream that ended would be run again at once.
            Err(_) => sender.closed().await,
        }
    });
    Ok(ReceiverStream::new(receiver))
}

fn message(error: &InvalidLiveQuery) -> String {
    match error {
        InvalidLiveQuery::Query(error) => error.message(),
        other => wording::with_causes(other),
    }
}
