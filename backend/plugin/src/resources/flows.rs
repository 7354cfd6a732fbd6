//! Packed flows as raw bytes for the flows panel, newest first, slice by slice: the first rows are on the
//! screen while the relay still sends the rest. They take a third of the time of a frame through
//! Grafana.

use std::sync::Arc;

use ::budget::{Caller, Held, OutOfMemory};
use bytes::{BufMut as _, Bytes, BytesMut};
use execution::{Batches, Consumer, FlowSlices};
use flow::TimeRange;
use futures_util::{StreamExt, stream};
use hubble_api::client::WireFlow;
use query::{Fields, FlowsQuery, InvalidFields, InvalidQuery};
use relay::RelayError;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{Instrument as _, Span};

use super::{CallError, Reply, ReplyBody};
use crate::answers::{QueryError, policies};
use crate::budget::Budget;
use crate::instance::Instance;
use crate::metrics::{Outcome, SourceLabels};

/// Kinds of records. Each begins with its kind and the length of its content, in four bytes, the least
/// first.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// JSON, known before the first flow: `{"executed", "limit", "custom", "notices"}`.
    Head = 1,
    /// A batch of packed flows.
    Flows = 2,
    /// JSON, after the flows of a slice: `{"flows"}`, the number of flows so far.
    Slice = 3,
    /// JSON, after the last slice: `{"flows", "custom", "notices"}`. An answer without it broke off.
    End = 4,
}

/// Number of records that wait for a slow reader. All of the largest answer fit, so that its relay is
/// read without regard to the reader; their bytes count as held.
const WAITING_RECORDS: usize = 1_024;

/// A record that waits for its reader, with the memory that it holds.
type Waiting = Result<(Bytes, Held), CallError>;

/// Answers `POST flows`: `{"query", "from", "to"}`, times in Unix milliseconds.
///
/// Errors: [`CallError`], if there is nothing to show.
pub(super) async fn flows(instance: &Instance, body: &[u8]) -> Result<Reply, CallError> {
    let mut fields = super::body(body)?;
    let missing = |field, expected| InvalidFields::Missing { field, expected };
    let query = fields.take("query").ok_or(missing("query", "an object"))?;
    let from_ms = fields.whole("from")?.ok_or(missing("from", "a whole number"))?;
    let to_ms = fields.whole("to")?.ok_or(missing("to", "a whole number"))?;
    fields.no_rest()?;
    if from_ms > to_ms {
        return Err(InvalidQuery::TimeRange.into());
    }
    let query = FlowsQuery::take(Fields::of(query)?).map_err(InvalidQuery::from)?;
    let range = TimeRange::of_ms(from_ms, to_ms);
    let consumer = Consumer::Panel;
    let source = instance.flow_source(consumer)?;
    let caller = source.caller;
    let held = instance.budget.memory.hold(caller);
    let (slices, revision) = tokio::join!(
        FlowSlices::begin(source, &query, range, &held),
        policies::revision(instance, consumer)
    );
    let slices = slices.map_err(QueryError::from)?;
    let mut notices = Vec::new();
    let mut custom = Map::new();
    match revision {
        Ok((revision, freshness)) => {
            let facts = policies::facts(revision, freshness);
            custom.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        }
        Err(notice) => notices.push(notice),
    }
    let opening = json!({
        "executed": slices.executed(),
        "limit": slices.limit(),
        "custom": custom,
        "notices": notices,
    });
    let (sender, mut receiver) = mpsc::channel(WAITING_RECORDS);
    let answer = Answer {
        budget: instance.budget.clone(),
        labels: instance.metrics.labels.clone(),
        caller,
        sender,
    };
    // The task ends with the stream of the reply, or with this call.
    let mut task = JoinSet::new();
    task.spawn(answer.write(slices, opening).instrument(Span::current()));
    let first = receiver.recv().await.ok_or(RelayError::Stopped)??;
    let rest = stream::unfold((receiver, task), |(mut receiver, task)| async {
        let next = receiver.recv().await?;
        Some((next.ok(), (receiver, task)))
    });
    let first = stream::once(async { Some(first) });
    let chunks = first.chain(rest).filter_map(async |record| record.map(|(bytes, _held)| bytes));
    Ok(Reply {
        status: 200,
        content_type: "application/octet-stream",
        headers: Vec::new(),
        body: ReplyBody::Chunks(chunks.boxed()),
    })
}

/// The writer of an answer's records.
struct Answer {
    budget: Arc<Budget>,
    labels: SourceLabels,
    caller: Caller,
    sender: mpsc::Sender<Waiting>,
}

/// Reason why no more records are written.
enum Stop {
    /// The reader left.
    Gone,
    OutOfMemory(OutOfMemory),
}

impl From<OutOfMemory> for Stop {
    fn from(refused: OutOfMemory) -> Self {
        Self::OutOfMemory(refused)
    }
}

impl Answer {
    /// Writes all records, or an error before the first one.
    async fn write(self, mut slices: FlowSlices, opening: Value) {
        let mut counted = self.budget.metrics.answering(&self.labels, Some("flows"));
        let mut held = self.budget.memory.hold(self.caller);
        let mut opening = Some(opening);
        let refused = loop {
            let slice = match slices.next(&mut held).await {
                Ok(slice) => slice,
                // Only the first slice fails; a later error is a notice.
                Err(error) => {
                    let error = CallError::from(QueryError::from(error));
                    counted.outcome = Outcome::Failed(error.status());
                    let _gone = self.sender.send(Err(error)).await;
                    return;
                }
            };
            let is_last = slice.is_none();
            let written = self.slice(&mut slices, slice, opening.take(), held.bytes()).await;
            // Holding less never fails.
            let _freed = held.set(0);
            match written {
                Ok(()) if is_last => break None,
                Ok(()) => {}
                Err(Stop::Gone) => return,
                Err(Stop::OutOfMemory(refused)) => break Some(refused),
            }
        };
        let end = slices.end(refused).await;
        let end = json!({ "flows": end.flows, "custom": end.custom, "notices": end.notices });
        // A small record: the reader needs it most where memory is short.
        let end = (record(Kind::End, end.to_string().as_bytes()), held.another());
        if self.sender.send(Ok(end)).await.is_ok() {
            counted.outcome = Outcome::Answered;
        }
    }

    /// Writes the head, if it is not written yet, and the flows of a slice of so many bytes.
    async fn slice(
        &self,
        slices: &mut FlowSlices,
        slice: Option<Vec<WireFlow>>,
        opening: Option<Value>,
        bytes: usize,
    ) -> Result<(), Stop> {
        if let Some(opening) = opening {
            self.send(Kind::Head, opening.to_string().as_bytes()).await?;
        }
        let Some(slice) = slice else { return Ok(()) };
        let pack = || {
            slices.count(&slice);
            Batches::new(slice).collect::<Vec<Bytes>>()
        };
        let batches = self.budget.shaping.run(bytes, pack).await;
        for batch in batches {
            self.send(Kind::Flows, &batch).await?;
        }
        let flows = slices.flows();
        self.send(Kind::Slice, json!({ "flows": flows }).to_string().as_bytes()).await
    }

    async fn send(&self, kind: Kind, content: &[u8]) -> Result<(), Stop> {
        let mut held = self.budget.memory.hold(self.caller);
        let record = record(kind, content);
        held.set(record.len())?;
        self.sender.send(Ok((record, held))).await.map_err(|_gone| Stop::Gone)
    }
}

fn record(kind: Kind, content: &[u8]) -> Bytes {
    let mut record = BytesMut::with_capacity(5 + content.len());
    record.put_u8(kind as u8);
    // A batch has at most 16 MiB, and the JSON is smaller.
    record.put_u32_le(u32::try_from(content.len()).unwrap_or(u32::MAX));
    record.extend_from_slice(content);
    record.freeze()
}
