//! `GetFlows`: where to start, what to pass, when to stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flow::filter::{CompiledFilterSet, FilterSet, FilterSetError, FlowFilter};
use flow::{Flow, TimestampError};
use hubble_api::pb::flow::{self as pb, LostEvent, LostEventSource};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::{GetFlowsRequest, GetFlowsResponse};
use hubble_api::pb::relay::{NodeState, NodeStatusEvent};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::decode::Decoder;
use super::field_mask::{FieldMask, InvalidFieldMask};
use super::relay::Relay;
use super::ring::Batch;
use crate::clock;
use crate::cluster::NodeId;
use crate::record::Record;

/// Records that are read from the rings at a time.
const BATCH: usize = 256;

/// Messages that wait for a slow client. What does not fit stays in the rings, and is lost
/// there when they wrap.
const CHANNEL: usize = 256;

/// A node tells of lost events at most this often.
const LOST_EVENT_INTERVAL: Duration = Duration::from_secs(1);

type Sender = mpsc::Sender<Result<GetFlowsResponse, Status>>;

/// A request that has been checked.
struct Query {
    number: u64,
    follow: bool,
    first: bool,
    since_nanos: Option<i64>,
    until_nanos: Option<i64>,
    filters: CompiledFilterSet,
    mask: Option<FieldMask>,
}

/// Why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("first cannot be specified with follow")]
    FirstWithFollow,
    #[error("invalid filter")]
    Filter(#[from] FilterSetError),
    #[error("invalid time")]
    Time(#[from] TimestampError),
    #[error(transparent)]
    FieldMask(#[from] InvalidFieldMask),
}

/// The client went away.
struct Gone;

/// Checks a request and starts to answer it. Errors: `first` with `follow`, a filter that does
/// not parse, a time out of range, a field that no flow has.
pub(crate) fn get_flows(
    relay: &Arc<Relay>,
    request: GetFlowsRequest,
) -> Result<mpsc::Receiver<Result<GetFlowsResponse, Status>>, RequestError> {
    let query = Query::try_from_request(request)?;
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let relay = Arc::clone(relay);
    tokio::spawn(async move {
        let mut stream = Stream::new(relay, query, sender);
        // A client that is gone needs no answer.
        let _: Result<(), Gone> = stream.run().await;
    });
    Ok(receiver)
}

impl Query {
    fn try_from_request(request: GetFlowsRequest) -> Result<Self, RequestError> {
        if request.first && request.follow {
            return Err(RequestError::FirstWithFollow);
        }
        let filters = FilterSet {
            allow: request.whitelist.into_iter().map(FlowFilter::from).collect(),
            deny: request.blacklist.into_iter().map(FlowFilter::from).collect(),
        }
        .compile()?;
        // As nodes up to 1.18 do: the mask that was an experiment, where there is no other.
        let is_set = |mask: &prost_types::FieldMask| !mask.paths.is_empty();
        let experimental = request.experimental.and_then(|experimental| experimental.field_mask);
        let mask = match request.field_mask.filter(is_set).or(experimental) {
            Some(mask) if !mask.paths.is_empty() => Some(FieldMask::new(&mask.paths)?),
            _ => None,
        };
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
    // The far past and the far future compare right at the ends of the range.
    let end = if time.seconds() < 0 { i64::MIN } else { i64::MAX };
    Ok(time.unix_nanos().unwrap_or(end))
}

fn timestamp(nanos: i64) -> Timestamp {
    let time = flow::Timestamp::from_unix_nanos(nanos);
    Timestamp { seconds: time.seconds(), nanos: i32::try_from(time.nanos()).unwrap_or(0) }
}

/// Lost records of one node that its client has not heard of yet.
#[derive(Debug, Clone, Copy)]
struct Lost {
    count: u64,
    first_nanos: i64,
    last_nanos: i64,
    /// When the client may hear of them.
    due: Instant,
}

struct Stream {
    relay: Arc<Relay>,
    query: Query,
    sender: Sender,
    /// Flows delivered, per node.
    delivered: Vec<u64>,
    lost: Vec<Option<Lost>>,
    /// Nodes from which nothing more is wanted.
    ended: BTreeSet<NodeId>,
}

impl Stream {
    fn new(relay: Arc<Relay>, query: Query, sender: Sender) -> Self {
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
        let unavailable: Vec<NodeId> = self.relay.unavailable.iter().copied().collect();
        self.node_status(NodeState::NodeConnected, &connected).await?;
        self.node_status(NodeState::NodeUnavailable, &unavailable).await?;

        if self.query.follow {
            self.follow(&connected).await
        } else {
            self.replay(&connected).await
        }
    }

    /// Sends what the rings hold now, from a copy: nothing is lost while it is read.
    async fn replay(&mut self, nodes: &[NodeId]) -> Result<(), Gone> {
        let mut records = Vec::new();
        for &node in nodes {
            let (_, mut kept) = self.relay.rings.snapshot(node);
            records.extend(kept.drain(self.start(&kept)..));
        }
        records.sort_by_key(|record| (record.time_nanos, record.sequence));
        for (at, record) in records.into_iter().enumerate() {
            if self.ended.len() == nodes.len() {
                break;
            }
            if at % BATCH == 0 {
                // A filter that passes little must not keep others waiting.
                tokio::task::yield_now().await;
            }
            self.offer(record).await?;
        }
        Ok(())
    }

    /// Sends what the rings get, for as long as the client listens.
    async fn follow(&mut self, nodes: &[NodeId]) -> Result<(), Gone> {
        let mut written = self.relay.rings.subscribe();
        let mut cursor = self.relay.rings.newest(nodes);
        if self.query.number > 0 || self.query.since_nanos.is_some() {
            for &node in nodes {
                let (oldest, kept) = self.relay.rings.snapshot(node);
                let skipped = u64::try_from(self.start(&kept)).unwrap_or(0);
                cursor.start_at(node, oldest + skipped);
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
            self.tell_lost(false).await?;
            if self.ended.len() == nodes.len() {
                return self.tell_lost(true).await;
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

    /// Where to start in what one node's ring holds (`newRingReader` of `local_observer.go`).
    fn start(&self, records: &[Record]) -> usize {
        let query = &self.query;
        if let Some(since) = query.since_nanos {
            return records.partition_point(|record| record.time_nanos < since);
        }
        if query.first || query.number == 0 {
            return 0;
        }
        // As far back as it takes to pass the filters so many times.
        let decoder = self.decoder();
        let mut found = 0;
        records
            .iter()
            .rposition(|record| {
                let lost = record.is_lost(self.relay.lose_every);
                found += u64::from(!lost && query.passes(&decoder.flow(record)));
                found == query.number
            })
            .unwrap_or(0)
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder { cluster: &self.relay.cluster, seed: self.relay.seed }
    }

    /// Sends a record if the query wants it; ends its node's part where the query ends.
    async fn offer(&mut self, record: Record) -> Result<(), Gone> {
        if self.ended.contains(&record.node) {
            return Ok(());
        }
        let at = usize::from(record.node.0);
        let delivered = self.delivered.get(at).copied().unwrap_or(0);
        let enough = !self.query.follow && self.query.number > 0 && delivered >= self.query.number;
        let late = self.query.until_nanos.is_some_and(|until| record.time_nanos > until);
        if enough || late {
            self.ended.insert(record.node);
            return Ok(());
        }
        if self.query.since_nanos.is_some_and(|since| record.time_nanos < since) {
            return Ok(());
        }
        if record.is_lost(self.relay.lose_every) {
            return self.perf_buffer_lost(record).await;
        }
        let flow = self.decoder().flow(&record);
        if !self.query.passes(&flow) {
            return Ok(());
        }
        if let Some(delivered) = self.delivered.get_mut(at) {
            *delivered += 1;
        }
        let mut message = pb::Flow::from(flow);
        if let Some(mask) = &self.query.mask {
            message = mask.apply(&message);
        }
        self.send(GetFlowsResponse {
            // A mask that leaves these out leaves them out here, too.
            node_name: message.node_name.clone(),
            time: message.time,
            response_types: Some(ResponseTypes::Flow(message)),
        })
        .await
    }

    async fn perf_buffer_lost(&mut self, record: Record) -> Result<(), Gone> {
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

    fn note_lost(&mut self, batch: &Batch) {
        let now = clock::now_nanos();
        for &(node, count) in &batch.lost {
            self.relay.count_lost(node, count);
            if let Some(slot) = self.lost.get_mut(usize::from(node.0)) {
                let lost = slot.get_or_insert(Lost {
                    count: 0,
                    first_nanos: now,
                    last_nanos: now,
                    due: Instant::now() + LOST_EVENT_INTERVAL,
                });
                lost.count += count;
                lost.last_nanos = now;
            }
        }
    }

    /// Tells of lost events whose time has come, or of all.
    async fn tell_lost(&mut self, all: bool) -> Result<(), Gone> {
        let nodes: Vec<NodeId> = self.relay.cluster.node_ids().collect();
        for node in nodes {
            let Some(slot) = self.lost.get_mut(usize::from(node.0)) else {
                continue;
            };
            let Some(lost) = slot.take_if(|lost| all || lost.due <= Instant::now()) else {
                continue;
            };
            let event = LostEvent {
                source: LostEventSource::HubbleRingBuffer as i32,
                num_events_lost: lost.count,
                cpu: None,
                first: Some(timestamp(lost.first_nanos)),
                last: Some(timestamp(lost.last_nanos)),
            };
            let node_name = self.relay.node_name(node);
            self.send(GetFlowsResponse {
                node_name,
                time: Some(timestamp(clock::now_nanos())),
                response_types: Some(ResponseTypes::LostEvents(event)),
            })
            .await?;
        }
        Ok(())
    }

    async fn lost_due(&self) {
        match self.lost.iter().flatten().map(|lost| lost.due).min() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    async fn node_status(&mut self, state: NodeState, nodes: &[NodeId]) -> Result<(), Gone> {
        if nodes.is_empty() {
            return Ok(());
        }
        let event = NodeStatusEvent {
            state_change: state as i32,
            node_names: nodes.iter().map(|&node| self.relay.node_name(node)).collect(),
            message: String::new(),
        };
        let node_name = self.relay.own_name();
        self.send(GetFlowsResponse {
            node_name,
            time: Some(timestamp(clock::now_nanos())),
            response_types: Some(ResponseTypes::NodeStatus(event)),
        })
        .await
    }

    async fn send(&mut self, message: GetFlowsResponse) -> Result<(), Gone> {
        self.sender.send(Ok(message)).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests;
