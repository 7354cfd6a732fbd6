use super::backoff::Backoff;
use super::codec::RawCodec;
use super::error::ClientError;
use super::followed::Followed;
use super::metrics::OpenStream;
use super::wire_flow::{WireFlow, place};
use super::{RelayClient, classify};
use crate::pb;
use crate::pb::observer::get_flows_request::Experimental;
use crate::projection::{MessageHeader, MessageKind, RelayNotice};
use bytes::Bytes;
use flow::Timestamp;
use flow::filter::FilterSet;
use futures_util::stream::{Stream, unfold};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::consume_budget;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::codec::Streaming;
use tonic::codegen::http::uri::PathAndQuery;

/// Maximum number of retries if a connection breaks before the first message of an answer.
const MAX_QUERY_RETRIES: u32 = 3;
/// Maximum number of consecutive retries without a flow, if a following stream breaks.
const MAX_FOLLOW_RETRIES: u32 = 10;
/// Lifetime after which a broken stream counts as having been stable, even without a flow.
const STABLE_AFTER: Duration = Duration::from_mins(1);

/// Request for flows. The default requests everything that the relay has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowRequest {
    /// Maximum number of flows of each node, because a relay forwards the number unchanged; 0 for
    /// all.
    pub number: u64,
    /// Whether `number` counts from the oldest flow on, instead of back from the newest.
    pub first: bool,
    /// Time of the oldest flow to send.
    pub since: Option<Timestamp>,
    /// Time of the newest flow to send.
    pub until: Option<Timestamp>,
    /// Whether the stream continues with new flows, without end.
    pub follow: bool,
    /// Filters on the flows.
    pub filters: FilterSet,
    /// Paths of the fields of `Flow` to send; empty for all. Nodes before Cilium 1.14 send all
    /// fields in any case. Built by [`crate::release::mask_paths`].
    pub field_mask: Vec<String>,
}

/// Part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowMessage {
    /// A flow.
    Flow(WireFlow),
    /// A gap in the answer.
    Notice(RelayNotice),
}

/// Stream of the answer to a [`FlowRequest`]. Ends after the first error; what arrived before is
/// valid. Dropping it cancels the request at the relay.
///
/// The order is the relay's, which is only approximately chronological.
pub struct FlowStream {
    inner: Pin<Box<dyn Stream<Item = Result<FlowMessage, ClientError>> + Send>>,
}

/// Request that survives broken connections.
struct Source {
    client: RelayClient,
    request: FlowRequest,
    state: State,
    backoff: Backoff,
    /// Time limit of the whole answer; `None` while following.
    deadline: Option<Instant>,
    flows_received: u64,
    /// What was received, if the request follows.
    followed: Option<Followed>,
    /// Number of breaks of the stream.
    breaks: u32,
    _open: OpenStream,
}

enum State {
    /// Waiting for `wait` before connecting, `after_break` or for the first time.
    Connecting {
        after_break: bool,
        wait: Duration,
    },
    Streaming {
        streaming: Box<Streaming<Bytes>>,
        since: Instant,
    },
    Done,
}

impl FlowRequest {
    fn to_message(&self) -> pb::observer::GetFlowsRequest {
        let field_mask = (!self.field_mask.is_empty())
            .then(|| prost_types::FieldMask { paths: self.field_mask.clone() });
        pb::observer::GetFlowsRequest {
            number: self.number,
            first: self.first,
            follow: self.follow,
            blacklist: self.filters.deny.iter().map(Into::into).collect(),
            whitelist: self.filters.allow.iter().map(Into::into).collect(),
            since: self.since.map(timestamp),
            until: self.until.map(timestamp),
            // Nodes before 1.16 read the mask here; others ignore it, or read it second.
            experimental: field_mask
                .clone()
                .map(|field_mask| Experimental { field_mask: Some(field_mask) }),
            field_mask,
            extensions: None,
        }
    }
}

impl FlowStream {
    /// Stream of an answer. `followed`: what earlier streams of a following request have received.
    pub(super) fn new(
        client: RelayClient,
        request: FlowRequest,
        followed: Option<Followed>,
    ) -> Self {
        let deadline = (!request.follow).then(|| Instant::now() + client.request_timeout());
        let followed = request.follow.then(|| followed.unwrap_or_default());
        if !request.follow {
            client.retries().count_request();
        }
        let source = Source {
            _open: client.metrics().open(),
            client,
            state: State::Connecting { after_break: false, wait: Duration::ZERO },
            backoff: Backoff::new(retries(&request)),
            request,
            deadline,
            flows_received: 0,
            followed,
            breaks: 0,
        };
        let inner = unfold(source, |mut source| async {
            let item = source.next().await?;
            Some((item, source))
        });
        Self { inner: Box::pin(inner) }
    }
}

impl Stream for FlowStream {
    type Item = Result<FlowMessage, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for FlowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowStream").finish_non_exhaustive()
    }
}

impl Source {
    async fn next(&mut self) -> Option<Result<FlowMessage, ClientError>> {
        loop {
            // While the relay has data ready, nothing else would let other tasks run.
            consume_budget().await;
            let step = match &mut self.state {
                State::Done => return None,
                State::Connecting { after_break, wait } => {
                    let (after_break, wait) = (*after_break, std::mem::take(wait));
                    if !wait.is_zero() {
                        sleep(wait).await;
                    }
                    self.connect(after_break).await
                }
                State::Streaming { .. } => self.receive().await,
            };
            match step {
                Ok(None) => {}
                Ok(Some(message)) => return Some(Ok(message)),
                Err(error) => {
                    self.state = State::Done;
                    self.broke();
                    return Some(Err(error));
                }
            }
        }
    }

    fn broke(&self) {
        if let Some(followed) = &self.followed {
            followed.broke();
        }
    }

    async fn connect(&mut self, after_break: bool) -> Result<Option<FlowMessage>, ClientError> {
        let opened = self.client.open(self.request_from_here());
        match before(self.deadline, opened).await {
            None => Err(self.timed_out()),
            Some(Ok(streaming)) => {
                self.state =
                    State::Streaming { streaming: Box::new(streaming), since: Instant::now() };
                let resumed = RelayNotice::Resumed { breaks: self.breaks };
                Ok((self.breaks > 0).then_some(FlowMessage::Notice(resumed)))
            }
            // A first connection that fails is reported at once, because a user waits for it.
            Some(Err(status)) => self.retry_after(status, after_break).await,
        }
    }

    async fn receive(&mut self) -> Result<Option<FlowMessage>, ClientError> {
        let deadline = self.deadline;
        let State::Streaming { streaming, since } = &mut self.state else { return Ok(None) };
        let received = before(deadline, streaming.message()).await;
        if since.elapsed() >= STABLE_AFTER {
            self.backoff = Backoff::new(retries(&self.request));
        }
        match received {
            None => Err(self.timed_out()),
            Some(Ok(Some(message))) => self.message(message),
            Some(Ok(None)) if self.request.follow => {
                // A relay that shuts down ends its streams regularly.
                let status = tonic::Status::unavailable("the relay ended the stream");
                self.retry_after(status, true).await
            }
            Some(Ok(None)) => {
                self.state = State::Done;
                Ok(None)
            }
            Some(Err(status)) => self.retry_after(status, false).await,
        }
    }

    fn message(&mut self, message: Bytes) -> Result<Option<FlowMessage>, ClientError> {
        let malformed = |source| ClientError::Malformed {
            address: self.client.address(),
            flows_received: self.flows_received,
            source,
        };
        let header = MessageHeader::read(&message).map_err(malformed)?;
        match header.kind {
            // Messages of an unknown kind are not about flows.
            MessageKind::Empty => Ok(None),
            MessageKind::NodeStatus | MessageKind::LostEvents => {
                let notice = RelayNotice::read(&message, header).map_err(malformed)?;
                Ok(notice.map(FlowMessage::Notice))
            }
            MessageKind::Flow => {
                self.flows_received += 1;
                if self.breaks > 0 {
                    self.backoff = Backoff::new(retries(&self.request));
                }
                let (time, node_name) = (header.time, place(&message, header.node_name));
                let flow = WireFlow::new(message, time, node_name);
                let is_new = self.followed.as_ref().is_none_or(|followed| followed.is_new(&flow));
                Ok(is_new.then_some(FlowMessage::Flow(flow)))
            }
        }
    }

    /// Prepares the next attempt, if one may help. Errors: the failure, if none may.
    async fn retry_after(
        &mut self,
        status: tonic::Status,
        after_break: bool,
    ) -> Result<Option<FlowMessage>, ClientError> {
        let max_bytes = self.client.max_message_bytes();
        let error =
            classify::call_error(status, self.client.dialer(), max_bytes, self.flows_received)
                .await;
        let broke = matches!(error, ClientError::Broken { .. });
        let may_help = if self.request.follow {
            error.is_transient() && (after_break || broke || self.flows_received > 0)
        } else {
            // A second attempt would send the received part of the answer again.
            error.is_transient() && (after_break || broke) && self.flows_received == 0
        };
        if !may_help {
            return Err(error);
        }
        let Some(delay) = self.backoff.next_delay() else { return Err(error) };
        if self.deadline.is_some_and(|deadline| Instant::now() + delay >= deadline) {
            return Err(error);
        }
        if !self.request.follow && !self.client.retries().take_retry() {
            return Err(error);
        }
        self.client.metrics().retries.inc();
        // Followers receive the notice at once, not only when flows arrive again.
        let interrupted = matches!(self.state, State::Streaming { .. }) && self.request.follow;
        self.breaks += u32::from(interrupted);
        self.broke();
        self.state = State::Connecting { after_break: true, wait: delay };
        let notice =
            || FlowMessage::Notice(RelayNotice::Interrupted { reason: error.user_message() });
        Ok(interrupted.then(notice))
    }

    /// Request that continues after a break. It begins before the break, and what comes again is left
    /// out.
    fn request_from_here(&self) -> pb::observer::GetFlowsRequest {
        let mut request = self.request.to_message();
        if let Some(since) = self.followed.as_ref().and_then(Followed::since) {
            request.since = Some(timestamp(since));
            request.number = 0;
            request.first = false;
        }
        request
    }

    fn timed_out(&self) -> ClientError {
        self.client.timed_out(self.flows_received)
    }
}

impl RelayClient {
    async fn open(
        &self,
        request: pb::observer::GetFlowsRequest,
    ) -> Result<Streaming<Bytes>, tonic::Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel())
            .max_decoding_message_size(self.max_message_bytes());
        grpc.ready().await.map_err(|error| tonic::Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static("/observer.Observer/GetFlows");
        let request = tonic::Request::new(request);
        let response = grpc.server_streaming(request, path, RawCodec::default()).await?;
        Ok(response.into_inner())
    }
}

/// Result of `call`; `None` if the deadline, if there is one, has passed or passes first. A call that is
/// ready at once does not outlive its deadline either.
async fn before<T>(deadline: Option<Instant>, call: impl Future<Output = T>) -> Option<T> {
    match deadline {
        None => Some(call.await),
        Some(deadline) if Instant::now() >= deadline => None,
        Some(deadline) => timeout_at(deadline, call).await.ok(),
    }
}

fn retries(request: &FlowRequest) -> u32 {
    if request.follow { MAX_FOLLOW_RETRIES } else { MAX_QUERY_RETRIES }
}

fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds(), nanos: time.nanos().cast_signed() }
}
