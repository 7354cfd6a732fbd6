//! Live flows for Grafana Live: Explore's live mode and dashboards.
//!
//! A channel is one query, shared by its viewers. It follows the relay on one stream for as long as Grafana
//! runs it, and its schema stays the same from the first message on. A stream carries no identity: the
//! relay knows no users, and the person who opened it counts for the limit only.

mod batch;
mod canonical;
mod channels;
mod feed;
mod recent;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use execution::{Consumer, HeldFilters};
use flow::TimeRange;
use flow::columns::ColumnSet;
use frames::{FLOW_LOG_COLUMNS, FLOW_TABLE_COLUMNS, FramePart};
use futures_util::Stream;
use query::{
    Fields, FlowSelection, FlowsForm, FlowsFormat, FlowsQuery, InvalidFields, InvalidQuery,
};
use relay::now_ms;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;
use wording::{Notice, Severity};

use self::batch::LiveBatch;
use self::canonical::CanonicalQuery;
use self::channels::RunningStream;
pub(crate) use self::channels::{ChannelKey, ChannelLimits, Channels, LimitReached};
use crate::answers::QueryError;
use crate::instance::Instance;
use crate::metrics::Limit;

/// Default number of past flows from each node at the start of a stream, as in `hubble observe`.
const DEFAULT_BACKLOG: u64 = 20;
const MAX_BACKLOG: u64 = 1_000;
/// Number of messages that wait for Grafana before batches start to wait.
const WAITING_MESSAGES: usize = 2;

/// Reason why a channel is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedChannel {
    #[error(
        "`{path}` is not a live channel: use `flows/` and the SHA-256 of the query's canonical JSON in \
         lower-case hexadecimal digits; a page that is older than the plugin has to be reloaded"
    )]
    Path { path: String },
    #[error(
        "live channel `{path}` is for another query: its name has to be the SHA-256 of the query's \
         canonical JSON"
    )]
    OtherQuery { path: String },
    #[error(transparent)]
    Query(#[from] InvalidFields),
    #[error(transparent)]
    Limit(#[from] LimitReached),
}

impl RefusedChannel {
    /// The limit that refused the channel.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limit(_) => Some(Limit::LiveChannels),
            Self::Query(InvalidFields::TooLarge) => Some(Limit::RequestSize),
            Self::Path { .. } | Self::OtherQuery { .. } | Self::Query(_) => None,
        }
    }
}

/// A query that can be followed.
#[derive(Debug, Clone)]
pub(crate) struct LiveQuery {
    form: FlowsForm,
    /// The filters, unless the form names clusters: these are resolved anew for each stream.
    filters: HeldFilters,
    observe_flags: String,
    format: MessageFormat,
    /// Number of past flows from each node; 0: all since `since_nanos`.
    backlog: u64,
    since_nanos: Option<i64>,
    notices: Vec<Notice>,
}

/// Properties that all messages of a channel share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MessageFormat {
    ref_id: String,
    is_log: bool,
}

impl MessageFormat {
    /// The columns to read of each flow.
    fn columns(&self) -> ColumnSet {
        if self.is_log { FLOW_LOG_COLUMNS } else { FLOW_TABLE_COLUMNS }
    }
}

/// Fields that are read before the query itself.
struct QueryHead {
    query_type: Option<String>,
    ref_id: String,
    format: Option<String>,
}

impl QueryHead {
    fn peek(fields: &Fields) -> Result<Self, InvalidFields> {
        Ok(Self {
            query_type: fields.peek_text("queryType")?,
            ref_id: fields.peek_text("refId")?.unwrap_or_default(),
            format: fields.peek_text("format")?,
        })
    }
}

/// Reason why a query cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidLiveQuery {
    #[error("query type `{0}` cannot be followed: use `flows`")]
    QueryType(String),
    #[error("format `packed` cannot be followed: use `table` or `logs`")]
    Packed,
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl InvalidLiveQuery {
    fn query(error: impl Into<InvalidQuery>) -> Self {
        Self::Query(QueryError::from(error.into()))
    }
}

impl LiveQuery {
    /// Reads a query. The message format is known even if the query cannot be used.
    async fn read(
        instance: &Instance,
        json: &[u8],
    ) -> (MessageFormat, Result<Self, InvalidLiveQuery>) {
        let read = Fields::read(json).and_then(|fields| Ok((QueryHead::peek(&fields)?, fields)));
        let format = read.as_ref().map_or_else(
            |_| MessageFormat::default(),
            |(head, _)| MessageFormat {
                ref_id: head.ref_id.clone(),
                is_log: head.format.as_deref() == Some("logs"),
            },
        );
        let query = Self::read_as(instance, read, format.clone()).await;
        (format, query)
    }

    async fn read_as(
        instance: &Instance,
        read: Result<(QueryHead, Fields), InvalidFields>,
        format: MessageFormat,
    ) -> Result<Self, InvalidLiveQuery> {
        let (head, fields) = read.map_err(InvalidLiveQuery::query)?;
        if let Some(other) =
            head.query_type.filter(|query_type| !query_type.is_empty() && query_type != "flows")
        {
            return Err(InvalidLiveQuery::QueryType(other));
        }
        let query = FlowsQuery::take(fields).map_err(InvalidLiveQuery::query)?;
        if query.format == FlowsFormat::Packed {
            return Err(InvalidLiveQuery::Packed);
        }
        let cel = instance.flow_source(Consumer::Panel)?.cel;
        let FlowSelection { filters, observe_flags } =
            FlowSelection::new(&query.form).map_err(InvalidLiveQuery::query)?;
        let memory = instance.budget.memory.hold(instance.caller(Consumer::Panel));
        let filters = execution::prepare(filters, query.form.clone(), cel, memory).await;
        let filters = filters.map_err(QueryError::from)?;
        let selectors = &query.form.selectors;
        let all = TimeRange { from_nanos: 0, to_nanos: i64::MAX };
        let (range, _) = selectors.narrow(all, now_ms()).map_err(InvalidLiveQuery::query)?;
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
                let text = format!("`{name}` is not used: a live query has no end");
                notices.push(Notice::info(text));
            }
        }
        Ok(Self { form, filters, observe_flags, format, backlog, since_nanos, notices })
    }

    /// The filters for the relay, and notices about clusters.
    async fn filters(&self, instance: &Instance) -> (HeldFilters, Vec<Notice>) {
        let Ok(source) = instance.flow_source(Consumer::Panel) else {
            return (self.filters.clone(), Vec::new());
        };
        let (form, of_clusters) = execution::resolve_clusters(source, &self.form).await;
        // Without names of clusters the form is as it was.
        if let Cow::Owned(form) = form
            && let Ok(FlowSelection { filters, .. }) = FlowSelection::new(&form)
            && let held = instance.budget.memory.hold(source.caller)
            && let Ok(filters) = execution::prepare(filters, form, source.cel, held).await
        {
            return (filters, of_clusters);
        }
        // The query was valid with the additional condition.
        (self.filters.clone(), of_clusters)
    }

    fn executed(&self) -> String {
        format!("hubble observe --follow {}", self.observe_flags).trim_end().to_owned()
    }
}

/// The first message for a subscriber: the schema, and the query's error if there is one, or the newest flows
/// of a channel that runs already.
///
/// Errors: [`RefusedChannel`].
pub(crate) async fn first_message(
    instance: &Instance,
    key: &ChannelKey,
    login: &str,
    json: &[u8],
) -> Result<Vec<u8>, RefusedChannel> {
    let query = CanonicalQuery::read(&key.path, json)?;
    let recent = instance.budget.live.allow(key, login, Instant::now())?;
    let (format, query) = LiveQuery::read(instance, query.json()).await;
    let mut batch = LiveBatch::new(format);
    match query {
        Ok(query) => {
            batch.meta.executed_query_string = query.executed();
            batch.meta.notices = query.notices;
            for flow in recent.flows() {
                batch.push(&flow);
            }
        }
        Err(error) => {
            let text = message(&error);
            batch.meta.notices.push(Notice { severity: Severity::Error, text: text.clone() });
            batch.add_notice(Severity::Error, text);
        }
    }
    Ok(batch.message(FramePart::Whole).unwrap_or_default())
}

/// Follows until the stream is dropped.
///
/// Errors: [`RefusedChannel`].
pub(crate) fn run(
    instance: Arc<Instance>,
    key: &ChannelKey,
    login: &str,
    json: &[u8],
) -> Result<impl Stream<Item = Vec<u8>> + Send + use<>, RefusedChannel> {
    let query = CanonicalQuery::read(&key.path, json)?;
    let running = instance.budget.live.enter(key, login, Instant::now())?;
    let (sender, receiver) = tokio::sync::mpsc::channel(WAITING_MESSAGES);
    let feed = async move {
        let running: RunningStream = running;
        let (_, query) = LiveQuery::read(&instance, query.json()).await;
        match query {
            Ok(query) => {
                let work = feed::follow(&instance, &query, &running.recent, &sender);
                feed::isolated(work, query.format.clone(), &sender).await;
            }
            // Each subscriber gets the error in its first message. Grafana would restart a stream
            // that ends at once.
            Err(_) => sender.closed().await,
        }
    };
    tokio::spawn(feed.in_current_span());
    Ok(ReceiverStream::new(receiver))
}

fn message(error: &InvalidLiveQuery) -> String {
    match error {
        InvalidLiveQuery::Query(error) => error.message(),
        other => wording::with_causes(other),
    }
}
