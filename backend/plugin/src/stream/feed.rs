//! From the relay's stream to messages, at a pace that a browser keeps up with.

use std::pin::Pin;
use std::time::Duration;

use flow::Timestamp;
use frames::FramePart;
use futures_util::StreamExt;
use hubble_api::client::{
    FlowMessage, FlowRequest, FlowStream, RelayError, RelayNotice, RelayNotices,
};
use relay::{self, Plan, Relay, StartMarkers};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep, timeout};
use wording::{Notice, Severity};

use super::LiveQuery;
use super::batch::{Batch, MAX_FLOWS};
use crate::instance::Instance;

/// Time between two messages.
const PACE: Duration = Duration::from_millis(200);
/// Time between two words about flows that found no room.
const COUNT_PACE: Duration = Duration::from_secs(1);
/// First and longest wait before a relay that is gone is asked again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How long the relay may take to say of which nodes it knows.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where flows come from just now.
enum Source {
    Following(FlowStream),
    Waiting(Pin<Box<Sleep>>),
}

enum Event {
    Message(Option<Result<FlowMessage, RelayError>>),
    Waited,
    Tick,
}

/// Sends messages until the receiver is gone.
pub(super) async fn follow(instance: &Instance, query: &LiveQuery, sender: &Sender<Vec<u8>>) {
    let Ok(relay) = instance.relay() else { return };
    let mut batch = Batch::new(query.shape.clone());
    let (mut plan, mut request) = match begin(instance, relay, query, &mut batch).await {
        Ok(begun) => begun,
        Err(error) => {
            batch.say(Severity::Error, error.to_string());
            if let Ok(message) = batch.message(FramePart::Rows) {
                // A receiver that is gone needs no message.
                let _gone = sender.send(message).await;
            }
            return sender.closed().await;
        }
    };
    let mut source = Source::Following(relay.follow(request.clone()));
    let mut wait = FIRST_WAIT;
    let mut last_seen: Option<Timestamp> = None;
    let mut heard = Heard::default();
    let mut counted = Instant::now().checked_sub(COUNT_PACE);
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = {
            let next = async {
                match &mut source {
                    Source::Following(stream) => Event::Message(stream.next().await),
                    Source::Waiting(sleep) => {
                        sleep.await;
                        Event::Waited
                    }
                }
            };
            tokio::select! {
                () = sender.closed() => return,
                _ = ticks.tick() => Event::Tick,
                event = next => event,
            }
        };
        match event {
            Event::Message(Some(message)) if is_mask_refused(relay, &plan, &message) => {
                plan = plan.unmasked();
                request.field_mask.clear();
                go_on(&mut request, last_seen);
                heard = Heard::default();
                source = Source::Following(relay.follow(request.clone()));
            }
            Event::Message(Some(Ok(FlowMessage::Flow(flow)))) => {
                wait = FIRST_WAIT;
                heard.flows = true;
                last_seen = last_seen.max(flow.time());
                if plan.passes(&flow) {
                    batch.push(&flow);
                }
            }
            Event::Message(Some(Ok(FlowMessage::Notice(notice)))) => {
                heard.say(relay, &mut batch, notice).await;
            }
            Event::Message(ended) => {
                let reason = match ended {
                    Some(Err(error)) => error.user_message(),
                    _ => "the relay ended the stream".to_owned(),
                };
                let secs = wait.as_secs();
                batch.say(Severity::Warning, format!("{reason} (trying again in {secs} s)"));
                heard = Heard::default();
                source = Source::Waiting(Box::pin(sleep(wait)));
                wait = (wait * 2).min(MAX_WAIT);
            }
            Event::Waited => {
                go_on(&mut request, last_seen);
                source = Source::Following(relay.follow(request.clone()));
            }
            Event::Tick => {
                if counted.is_none_or(|counted| counted.elapsed() >= COUNT_PACE)
                    && count(&mut batch, &mut plan)
                {
                    counted = Some(Instant::now());
                }
                if batch.is_empty() {
                    continue;
                }
                // While Grafana takes no messages the batch waits, and its oldest flows go.
                let Ok(permit) = sender.try_reserve() else { continue };
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

/// How the relay is asked, and what there is to say about it.
async fn begin(
    instance: &Instance,
    relay: &Relay,
    query: &LiveQuery,
    batch: &mut Batch,
) -> Result<(Plan, FlowRequest), relay::RelayError> {
    let (filters, of_clusters) = query.filters(instance).await;
    for Notice { severity, text } in of_clusters {
        batch.say(severity, text);
    }
    let plan = relay.plan(&filters, query.shape.columns()).await?;
    for remark in plan.remarks() {
        batch.say(Severity::Info, remark.to_string());
    }
    let request = FlowRequest {
        follow: true,
        number: query.backlog,
        since: query.since_nanos.map(Timestamp::from_unix_nanos),
        ..plan.request()
    };
    Ok((plan, request))
}

/// Whether a message says that the mask of the request is refused.
fn is_mask_refused(relay: &Relay, plan: &Plan, message: &Result<FlowMessage, RelayError>) -> bool {
    match message {
        Ok(FlowMessage::Flow(_)) => false,
        Ok(FlowMessage::Notice(notice)) => plan.is_mask_refused(relay, notice),
        Err(error) => plan.is_mask_refused_by(relay, error),
    }
}

/// Asks on from the newest flow that came, where there was one.
fn go_on(request: &mut FlowRequest, last_seen: Option<Timestamp>) {
    if let Some(last_seen) = last_seen.map(Timestamp::one_nano_later) {
        (request.number, request.since) = (0, Some(last_seen));
    }
}

/// What the relay said on the connection that is on.
#[derive(Default)]
struct Heard {
    notices: RelayNotices,
    markers: StartMarkers,
    /// Whether a flow came.
    flows: bool,
    /// Whether the stream has said that no node answers.
    failed: bool,
}

impl Heard {
    /// Passes on what the relay says, and says where no node answers.
    async fn say(&mut self, relay: &Relay, batch: &mut Batch, notice: RelayNotice) {
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
                    batch.say(Severity::Warning, notice.to_string());
                }
                return;
            }
            _ => Severity::Warning,
        };
        batch.say(severity, notice.to_string());
        // A relay ends the stream at once where no node is left to follow.
        let is_end = matches!(notice, RelayNotice::Interrupted { .. });
        let may_be_all = matches!(notice, RelayNotice::NodeError { .. });
        self.notices.add(notice);
        if (is_end || may_be_all) && !self.flows && !self.failed {
            let checked = timeout(PATIENCE, relay.check_answered(&self.notices)).await;
            if let Ok(Err(error)) = checked {
                self.failed = true;
                batch.say(Severity::Error, error.to_string());
            }
        }
        if is_end {
            *self = Self::default();
        }
    }
}

/// The noun of a number of flows.
const fn noun(count: u64) -> &'static str {
    if count == 1 { "flow" } else { "flows" }
}

/// Says how many flows found no room; whether there was anything to say.
fn count(batch: &mut Batch, plan: &mut Plan) -> bool {
    let left_out = std::mem::take(&mut batch.left_out);
    let unreadable = std::mem::take(&mut batch.unreadable);
    if left_out > 0 {
        let pace_ms = PACE.as_millis();
        batch.say(
            Severity::Warning,
            format!(
                "{left_out} {} left out: more came than {MAX_FLOWS} in {pace_ms} ms, or than \
                 Grafana took; narrow the filter",
                noun(left_out)
            ),
        );
    }
    if unreadable > 0 {
        batch.say(Severity::Warning, format!("{unreadable} {} cannot be read", noun(unreadable)));
    }
    let let_through = plan.take_let_through();
    let has_more = let_through.is_some();
    if let Some(remark) = let_through {
        batch.say(Severity::Warning, remark.to_string());
    }
    left_out + unreadable > 0 || has_more
}
