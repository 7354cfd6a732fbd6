//! `GetFlows`: first flow, filters and end of an answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flow::filter::{CompiledFilterSet, FilterSet, FlowFilter};
use flow::{Flow, TimestampError};
use hubble_api::field_mask::FieldMask;
use hubble_api::pb::flow::{self as pb, LostEvent, LostEventSource};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::{GetFlowsRequest, GetFlowsResponse};
use hubble_api::pb::relay::{NodeState, NodeStatusEvent};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::decode::Decoder;
use super::refusal::{self, RequestError};
use super::relay::Relay;
use super::release::HubbleRelease;
use super::ring::ReadRecords;
use crate::clock;
use crate::cluster::NodeId;
use crate::record::EventRecord;

/// Number of records read from the rings at a time.
const BATCH: usize = 256;

/// Number of messages that wait for a slow client. Further ones stay in the rings, and are lost
/// there when they wrap.
const CHANNEL: usize = 256;

/// Minimum time between two lost-event messages of a node.
const LOST_EVENT_INTERVAL: Duration = Duration::from_secs(1);

type Sender = mpsc::Sender<Result<GetFlowsResponse, Status>>;

/// A checked request.
struct FlowsQuery {
    number: u64,
    follow: bool,
    first: bool,
    since_nanos: Option<i64>,
    until_nanos: Option<i64>,
    filters: CompiledFilterSet,
    mask: Option<FieldMask>,
}

/// Error: the client is gone.
struct Gone;

/// Starts to answer a request. An invalid request is answered as by a relay, which does not check
/// it: every connected node sends an error, and the stream ends normally.
pub(crate) fn get_flows(
    relay: &Arc<Relay>,
    request: GetFlowsRequest,
) -> mpsc::Receiver<Result<GetFlowsResponse, Status>> {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let relay = Arc::clone(relay);
    tokio::spawn(async move {
        let query = FlowsQuery::try_from_request(request, relay.release);
        // The client may be gone already.
        let _: Result<(), Gone> = match query {
            Ok(query) => FlowsStream::new(relay, query, sender).run().await,
            Err(error) => refuse(&relay, &sender, &error).await,
        };
    });
    receiver
}

async fn refuse(relay: &Relay, sender: &Sender, error: &RequestError) -> Result<(), Gone> {
    let connected = relay.connected();
    send_node_states(relay, sender).await?;
    let message = refusal::status_message(error);
    node_status(relay, sender, NodeState::NodeError, &connected, message).await
}

/// Sends the state of all nodes.
async fn send_node_states(relay: &Relay, sender: &Sender) -> Result<(), Gone> {
    let unavailable: Vec<NodeId> = relay.unavailable.iter().copied().collect();
    let none = String::new;
    node_status(relay, sender, NodeState::NodeConnected, &relay.connected(), none()).await?;
    node_status(relay, sender, NodeState::NodeUnavailable, &unavailable, none()).await
}

async fn node_status(
    relay: &Relay,
    sender: &Sender,
    state: NodeState,
    nodes: &[NodeId],
    message: String,
) -> Result<(), Gone> {
    if nodes.is_empty() {
        return Ok(());
    }
    let event = NodeStatusEvent {
        state_change: state as i32,
        node_names: nodes.iter().map(|&node| relay.node_name(node)).collect(),
        message,
    };
    let response = GetFlowsResponse {
        node_name: relay.own_name(),
        time: Some(timestamp(clock::now_nanos())),
        response_types: Some(ResponseTypes::NodeStatus(event)),
    };
    sender.send(Ok(response)).await.map_err(|_| Gone)
}

impl FlowsQuery {
    fn try_from_request(
        request: GetFlowsRequest,
        release: HubbleRelease,
    ) -> Result<Self, RequestError> {
        let mask = release.field_mask(&request);
        if request.first && request.follow {
            return Err(RequestError::FirstWithFollow);
        }
        let filters = FilterSet {
            allow: request.whitelist.into_iter().map(FlowFilter::from).collect(),
            deny: request.blacklist.into_iter().map(FlowFilter::from).collect(),
        };
        let filters = release.known(filters).compile()?;
        let mask = mask.map(|mask| FieldMask::new(&mask.paths)).transpose()?;
        Ok(Self {
            number: request.number,
            follow: request.follow,
            first: request.first,
            since_nanos: request.since.as_ref().map(unix_nanos).transpose()?,
            until_nanos: request.until.as_ref().map(unix_nanos).transpose()?,
            filters,
            mask,
        })
    }

    fn passes(&self, flow: &Flow) -> bool {
        self.filters.matches(flow)
    }
}

fn unix_nanos(time: &Timestamp) -> Result<i64, TimestampError> {
    let time = flow::Timestamp::new(time.seconds, time.nanos)?;
    // Times before or after the representable range compare correctly at its ends.
    let end = if time.seconds() < 0 { i64::MIN } else { i64::MAX };
    Ok(time.unix_nanos().unwrap_or(end))
}

fn timestamp(nanos: i64) -> Timestamp {
    let time = flow::Timestamp::from_unix_nanos(nanos);
    Timestamp { seconds: time.seconds(), nanos: i32::try_from(time.nanos()).unwrap_or(0) }
}

/// Lost records of one node that are not yet reported to the client.
#[derive(Debug, Clone, Copy)]
struct Lost {
    count: u64,
    first_nanos: i64,
    last_nanos: i64,
    /// Earliest time for the report.
    due: Instant,
}

/// Start position of a reader.
struct Start {
    at: usize,
    /// Whether the reader looked beyond the oldest record.
    is_before_all: bool,
}

struct FlowsStream {
    relay: Arc<Relay>,
    query: FlowsQuery,
    sender: Sender,
    /// Number of delivered flows per node.
    delivered: Vec<u64>,
    lost: Vec<Option<Lost>>,
    /// Nodes whose part is complete.
    ended: BTreeSet<NodeId>,
}

impl FlowsStream {
    fn new(relay: Arc<Relay>, query: FlowsQuery, sender: Sender) -> Self {
        let nodes = relay.cluster.nodes.len();
        Self {
            relay,
            query,
            sender,
            delivered: vec![0; nodes],
            lost: vec![None; nodes],
            ended: BTreeSet::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Gone> {
        let connected = self.relay.connected();
        send_node_states(&self.relay, &self.sender).await?;
        if self.query.follow {
            self.follow(&connected).await
        } else {
            self.replay(&connected).await
        }
    }

    /// Sends the current content of the rings, from a copy. Nothing is lost while reading, except
    /// for the start marker of a reader that began one position before the oldest record of a full
    /// ring.
    async fn replay(&mut self, nodes: &[NodeId]) -> Result<(), Gone> {
        let mut records = Vec::new();
        for &node in nodes {
            let (oldest, mut kept) = self.relay.rings.snapshot(node);
            let start = self.start(&kept);
            if start.is_before_all && oldest > 0 {
                self.lose(node, 1);
            }
            records.extend(kept.drain(start.at..));
        }
        records.sort_by_key(|record| (record.time_nanos, record.sequence));
        for (at, record) in records.into_iter().enumerate() {
            if self.ended.len() == nodes.len() {
                break;
            }
            if at % BATCH == 0 {
                // A selective filter must not keep other tasks waiting.
                tokio::task::yield_now().await;
                self.report_lost(false).await?;
            }
            self.offer(record).await?;
        }
        // Losses gathered for less than a second are never reported.
        let all = !self.relay.release.gathers_lost_events();
        self.report_lost(all).await
    }

    /// Sends new records for as long as the client listens.
    async fn follow(&mut self, nodes: &[NodeId]) -> Result<(), Gone> {
        let mut written = self.relay.rings.subscribe();
        let mut cursor = self.relay.rings.newest(nodes);
        if self.query.number > 0 || self.query.since_nanos.is_some() {
            for &node in nodes {
                let (oldest, kept) = self.relay.rings.snapshot(node);
                let start = self.start(&kept);
                if start.is_before_all && oldest > 0 {
                    self.lose(node, 1);
                }
                cursor.start_at(node, oldest + u64::try_from(start.at).unwrap_or(0));
            }
        }
        loop {
            written.mark_unchanged();
            let batch = self.relay.rings.read(&mut cursor, BATCH);
            let drained = batch.drained;
            self.note_lost(&batch);
            for record in batch.records {
                self.offer(record).await?;
            }
            self.report_lost(false).await?;
            if self.ended.len() == nodes.len() {
                return self.report_lost(true).await;
            }
            if drained {
                tokio::select! {
                    changed = written.changed() => if changed.is_err() {
                        return Ok(());
                    },
                    () = self.lost_due() => {}
                    () = self.sender.closed() => return Err(Gone),
                }
            }
        }
    }

    /// The start position in one node's ring (`newRingReader` of `local_observer.go`).
    fn start(&self, records: &[EventRecord]) -> Start {
        let query = &self.query;
        if query.first && query.since_nanos.is_none() {
            return Start { at: 0, is_before_all: false };
        }
        let decoder = self.decoder();
        let passes = |record: &EventRecord| {
            !record.is_lost(self.relay.lose_every) && query.passes(&decoder.flow(record))
        };
        let found = if let Some(since) = query.since_nanos {
            // Back to the last record that is too old, within the requested number.
            let last =
                records.iter().rposition(|record| record.time_nanos < since && passes(record));
            last.map(|at| at + 1)
        } else if query.number == 0 {
            None
        } else {
            // As far back as needed for the requested number of matching flows.
            let mut found = 0;
            records.iter().rposition(|record| {
                found += u64::from(passes(record));
                found == query.number
            })
        };
        Start { at: found.unwrap_or(0), is_before_all: found.is_none() }
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder { cluster: &self.relay.cluster, seed: self.relay.seed }
    }

    /// Sends a record if it matches; ends its node's part where the query ends.
    async fn offer(&mut self, record: EventRecord) -> Result<(), Gone> {
        if self.ended.contains(&record.node) {
            return Ok(());
        }
        let at = usize::from(record.node.0);
        let delivered = self.delivered.get(at).copied().unwrap_or(0);
        let enough = !self.query.follow && self.query.number > 0 && delivered >= self.query.number;
        // Lost events are reported whatever their time.
        let is_lost = record.is_lost(self.relay.lose_every);
        let late = self.query.until_nanos.is_some_and(|until| record.time_nanos > until);
        if enough || (late && !is_lost) {
            self.ended.insert(record.node);
            return Ok(());
        }
        if is_lost {
            return self.perf_buffer_lost(record).await;
        }
        if self.query.since_nanos.is_some_and(|since| record.time_nanos < since) {
            return Ok(());
        }
        let flow = self.decoder().flow(&record);
        if !self.query.passes(&flow) {
            return Ok(());
        }
        if let Some(delivered) = self.delivered.get_mut(at) {
            *delivered += 1;
        }
        let mut message = pb::Flow::from(flow);
        self.relay.release.forget(&mut message);
        if let Some(mask) = &self.query.mask {
            message = mask.apply(&message);
        }
        self.send(GetFlowsResponse {
            // A mask without these fields removes them here too.
            node_name: message.node_name.clone(),
            time: message.time,
            response_types: Some(ResponseTypes::Flow(message)),
        })
        .await
    }

    async fn perf_buffer_lost(&mut self, record: EventRecord) -> Result<(), Gone> {
        let event = LostEvent {
            source: LostEventSource::PerfEventRingBuffer as i32,
            num_events_lost: 1,
            cpu: Some(0),
            ..LostEvent::default()
        };
        let node_name = self.relay.node_name(record.node);
        self.send(GetFlowsResponse {
            node_name,
            time: Some(timestamp(record.time_nanos)),
            response_types: Some(ResponseTypes::LostEvents(event)),
        })
        .await
    }

    fn note_lost(&mut self, batch: &ReadRecords) {
        for &(node, count) in &batch.lost {
            self.relay.count_lost(node, count);
            self.lose(node, count);
        }
    }

    fn lose(&mut self, node: NodeId, count: u64) {
        let now = clock::now_nanos();
        let gathers = self.relay.release.gathers_lost_events();
        let wait = if gathers { LOST_EVENT_INTERVAL } else { Duration::ZERO };
        if let Some(slot) = self.lost.get_mut(usize::from(node.0)) {
            let lost = slot.get_or_insert(Lost {
                count: 0,
                first_nanos: now,
                last_nanos: now,
                due: Instant::now() + wait,
            });
            lost.count += count;
            lost.last_nanos = now;
        }
    }

    /// Reports lost events that are due, or all of them.
    async fn report_lost(&mut self, all: bool) -> Result<(), Gone> {
        let nodes: Vec<NodeId> = self.relay.cluster.node_ids().collect();
        for node in nodes {
            let Some(slot) = self.lost.get_mut(usize::from(node.0)) else {
                continue;
            };
            let Some(lost) = slot.take_if(|lost| all || lost.due <= Instant::now()) else {
                continue;
            };
            let gathered = self.relay.release.gathers_lost_events();
            let times = gathered.then_some((lost.first_nanos, lost.last_nanos));
            let (messages, events) = if gathered { (1, lost.count) } else { (lost.count, 1) };
            for _ in 0..messages {
                let event = LostEvent {
                    source: LostEventSource::HubbleRingBuffer as i32,
                    num_events_lost: events,
                    cpu: None,
                    first: times.map(|(first, _)| timestamp(first)),
                    last: times.map(|(_, last)| timestamp(last)),
                };
                let node_name = self.relay.node_name(node);
                self.send(GetFlowsResponse {
                    node_name,
                    time: Some(timestamp(clock::now_nanos())),
                    response_types: Some(ResponseTypes::LostEvents(event)),
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn lost_due(&self) {
        match self.lost.iter().flatten().map(|lost| lost.due).min() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    async fn send(&mut self, message: GetFlowsResponse) -> Result<(), Gone> {
        self.sender.send(Ok(message)).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests;
