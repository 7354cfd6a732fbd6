//! The loop of a live channel: from the relay's stream to messages, at a rate that a browser can
//! handle.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use flow::Timestamp;
use frames::FramePart;
use futures_util::{FutureExt, StreamExt};
use hubble_api::client::{
    ClientError, FlowMessage, FlowRequest, FlowStream, Followed, RelayNotice, RelayNotices,
};
use relay::{self, Plan, Relay, StartMarkers};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep, timeout};
use wording::{Notice, Severity, count};

use super::batch::{LiveBatch, MAX_FLOWS};
use super::recent::RecentFlows;
use super::{LiveQuery, MessageFormat};
use crate::instance::Instance;

/// Time between two messages.
const PACE: Duration = Duration::from_millis(200);
/// Time between two notices about flows that did not fit.
const COUNT_PACE: Duration = Duration::from_secs(1);
/// First wait before reconnecting to a relay, and the longest one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Maximum time for the relay to list its nodes.
const MAX_NODES_WAIT: Duration = Duration::from_secs(3);

/// Current source of events.
enum FeedSource {
    Following(FlowStream),
    Waiting(Pin<Box<Sleep>>),
}

enum FeedEvent {
    Message(Option<Result<FlowMessage, ClientError>>),
    Waited,
    Tick,
}

/// Does the work of a stream. A panic ends in a row that says so; otherwise the stream would end, and viewers
/// would see that no flows come.
pub(super) async fn isolated(
    work: impl Future<Output = ()>,
    format: MessageFormat,
    sender: &Sender<Vec<u8>>,
) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        let text = "this stream crashed the plugin's task: please report it with the location from Grafana's log";
        end(LiveBatch::new(format), text.to_owned(), sender).await;
    }
}

/// Sends a last row with an error, and waits until the receiver is gone: Grafana would run a stream that ends
/// again.
async fn end(mut batch: LiveBatch, text: String, sender: &Sender<Vec<u8>>) {
    batch.add_notice(Severity::Error, text);
    if let Ok(message) = batch.message(FramePart::Rows) {
        // The receiver may be gone already.
        let _gone = sender.send(message).await;
    }
    sender.closed().await;
}

/// Sends messages until the receiver is gone.
pub(super) async fn follow(
    instance: &Instance,
    query: &LiveQuery,
    recent: &RecentFlows,
    sender: &Sender<Vec<u8>>,
) {
    let Ok(relay) = instance.relay() else { return };
    let mut batch = LiveBatch::new(query.format.clone());
    let (mut plan, mut request) = match begin(instance, relay, query, &mut batch).await {
        Ok(begun) => begun,
        Err(error) => return end(batch, error.to_string(), sender).await,
    };
    let followed = Followed::default();
    let mut source = FeedSource::Following(relay.follow(request.clone(), &followed));
    let mut wait = FIRST_WAIT;
    let mut messages = RelayMessages::default();
    let mut counted = Instant::now().checked_sub(COUNT_PACE);
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = {
            let next = async {
                match &mut source {
                    FeedSource::Following(stream) => FeedEvent::Message(stream.next().await),
                    FeedSource::Waiting(sleep) => {
                        sleep.await;
                        FeedEvent::Waited
                    }
                }
            };
            tokio::select! {
                () = sender.closed() => return,
                _ = ticks.tick() => FeedEvent::Tick,
                event = next => event,
            }
        };
        match event {
            FeedEvent::Message(Some(message)) if is_mask_refused(relay, &plan, &message) => {
                plan = plan.unmasked();
                request.field_mask.clear();
                messages = RelayMessages::default();
                source = FeedSource::Following(relay.follow(request.clone(), &followed));
            }
            FeedEvent::Message(Some(Ok(FlowMessage::Flow(flow)))) => {
                wait = FIRST_WAIT;
                messages.flows = true;
                if plan.passes(&flow) {
                    batch.push(&flow);
                }
            }
            FeedEvent::Message(Some(Ok(FlowMessage::Notice(notice)))) => {
                messages.add_notice(relay, &mut batch, notice).await;
            }
            FeedEvent::Message(ended) => {
                let reason = match ended {
                    Some(Err(error)) => error.user_message(),
                    _ => "the relay ended the stream".to_owned(),
                };
                let secs = wait.as_secs();
                batch.add_notice(Severity::Warning, format!("{reason} (trying again in {secs} s)"));
                messages = RelayMessages::default();
                source = FeedSource::Waiting(Box::pin(sleep(wait)));
                wait = (wait * 2).min(MAX_WAIT);
            }
            FeedEvent::Waited => {
                source = FeedSource::Following(relay.follow(request.clone(), &followed));
            }
            FeedEvent::Tick => {
                if counted.is_none_or(|counted| counted.elapsed() >= COUNT_PACE)
                    && add_counts(&mut batch, &mut plan)
                {
                    counted = Some(Instant::now());
                }
                if batch.is_empty() {
                    continue;
                }
                // While Grafana accepts no messages the batch waits, and its oldest flows are
                // dropped.
                let Ok(permit) = sender.try_reserve() else { continue };
                recent.add(batch.flows());
                match batch.message(FramePart::Rows) {
                    Ok(message) => permit.send(message),
                    Err(error) => {
                        tracing::error!(
                            reason = wording::with_causes(&error),
                            "a live message is bad"
                        );
                    }
                }
            }
        }
    }
}

/// The plan and request for the relay, with notices in the batch.
async fn begin(
    instance: &Instance,
    relay: &Relay,
    query: &LiveQuery,
    batch: &mut LiveBatch,
) -> Result<(Plan, FlowRequest), relay::RelayError> {
    let (filters, of_clusters) = query.filters(instance).await;
    for Notice { severity, text } in of_clusters {
        batch.add_notice(severity, text);
    }
    let plan = relay.plan(&filters.filters, query.format.columns()).await?;
    for notice in plan.notices() {
        batch.add_notice(Severity::Info, notice.to_string());
    }
    let request = FlowRequest {
        follow: true,
        number: query.backlog,
        since: query.since_nanos.map(Timestamp::from_unix_nanos),
        ..plan.request()
    };
    Ok((plan, request))
}

/// Whether a message refuses the mask of the request.
fn is_mask_refused(relay: &Relay, plan: &Plan, message: &Result<FlowMessage, ClientError>) -> bool {
    match message {
        Ok(FlowMessage::Flow(_)) => false,
        Ok(FlowMessage::Notice(notice)) => plan.is_mask_refused(relay, notice),
        Err(error) => plan.is_mask_refused_by(relay, error),
    }
}

/// Messages of the relay on the current connection.
#[derive(Default)]
struct RelayMessages {
    notices: RelayNotices,
    markers: StartMarkers,
    /// Whether a flow was received.
    flows: bool,
    /// Whether the batch has an error that no node answers.
    failed: bool,
}

impl RelayMessages {
    /// Adds the relay's notice to the batch, and an error if no node answers.
    async fn add_notice(&mut self, relay: &Relay, batch: &mut LiveBatch, notice: RelayNotice) {
        let severity = match &notice {
            RelayNotice::NodesConnected { .. } => {
                self.notices.add(notice);
                return;
            }
            RelayNotice::Resumed { .. } => Severity::Info,
            RelayNotice::FlowsLost { source, count, node_name, .. } => {
                let lost = self.markers.lost(node_name, *source, *count);
                if lost > 0 {
                    let mut notice = notice.clone();
                    if let RelayNotice::FlowsLost { count, .. } = &mut notice {
                        *count = lost;
                    }
                    batch.add_notice(Severity::Warning, notice.to_string());
                }
                return;
            }
            _ => Severity::Warning,
        };
        batch.add_notice(severity, notice.to_string());
        // A relay without nodes ends the stream at once.
        let is_end = matches!(notice, RelayNotice::Interrupted { .. });
        let may_be_all = matches!(notice, RelayNotice::NodeError { .. });
        self.notices.add(notice);
        if (is_end || may_be_all) && !self.flows && !self.failed {
            let checked = timeout(MAX_NODES_WAIT, relay.check_answered(&self.notices)).await;
            if let Ok(Err(error)) = checked {
                self.failed = true;
                batch.add_notice(Severity::Error, error.to_string());
            }
        }
        if is_end {
            *self = Self::default();
        }
    }
}

/// Adds notices about flows that did not fit. Returns whether there were any.
fn add_counts(batch: &mut LiveBatch, plan: &mut Plan) -> bool {
    let left_out = std::mem::take(&mut batch.left_out);
    let unreadable = std::mem::take(&mut batch.unreadable);
    if left_out > 0 {
        let pace_ms = PACE.as_millis();
        batch.add_notice(
            Severity::Warning,
            format!(
                "{} left out: more came than {MAX_FLOWS} in {pace_ms} ms, or than Grafana took; \
                 narrow the filter",
                count(left_out, "flow")
            ),
        );
    }
    if unreadable > 0 {
        batch.add_notice(Severity::Warning, format!("cannot read {}", count(unreadable, "flow")));
    }
    let let_through = plan.take_let_through();
    let has_more = let_through.is_some();
    if let Some(notice) = let_through {
        batch.add_notice(Severity::Warning, notice.to_string());
    }
    left_out + unreadable > 0 || has_more
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_in_a_row() {
        let (sender, mut receiver) = channel(1);
        let crashing = async {
            tokio::task::yield_now().await;
            panic!("a secret");
        };
        let stream =
            tokio::spawn(
                async move { isolated(crashing, MessageFormat::default(), &sender).await },
            );
        let row = String::from_utf8(receiver.recv().await.expect("a message")).unwrap();
        assert!(
            row.contains("this stream crashed the plugin's task") && !row.contains("secret"),
            "{row}"
        );
        assert!(receiver.recv().now_or_never().is_none(), "the stream stays");
        drop(receiver);
        stream.await.unwrap();
    }
}
