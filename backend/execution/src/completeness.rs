//! Gaps of an answer: the part of its time range that Hubble has forgotten, lost events, and the
//! relay's messages about its nodes.

use flow::TimeRange;
use hubble_api::client::{RelayNotice, RelayNotices};
use relay::{
    BufferStart, CountedOver, LostEvents, MAX_LOSS_NODES, NodeLoss, PlanNotice, Relay, RelayError,
};
use serde_json::{Map, Value, json};
use wording::{Notice, count, time_text};

use crate::{ExecutionError, RequiredCompleteness};

/// Maximum number of nodes that a notice lists, and of nodes with a notice of their own.
const MAX_NODES_SHOWN: usize = 5;

/// Everything known about an answer's gaps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Completeness {
    pub(crate) notices: Vec<Notice>,
    /// The same for the frontend, as `meta.custom` of a frame.
    pub(crate) custom: Map<String, Value>,
    /// Texts of `notices` by kind, also for `meta.custom`.
    pub(crate) marks: Map<String, Value>,
    /// Whether events of the time range were lost.
    pub(crate) is_lossy: bool,
    /// The losses of each node.
    losses: Vec<NodeLoss>,
    lost_of_others: u64,
}

impl Completeness {
    /// Collects the gaps from the relay's messages. `reaches_memory` is false if the answer was cut
    /// before the oldest flows; then the start of the buffers does not matter.
    pub(crate) async fn of(
        relay: &Relay,
        range: TimeRange,
        now_ms: i64,
        lost: &LostEvents,
        start: &Result<Option<BufferStart>, RelayError>,
        reaches_memory: bool,
    ) -> Self {
        let known = start.as_ref().ok().and_then(Option::as_ref);
        let losses = relay.losses(lost, range, known, now_ms.saturating_mul(1_000_000)).await;
        let mut custom = Map::new();
        if let Some(memory) = known.and_then(|start| memory(range, start)) {
            custom.insert("memory".to_owned(), memory);
        }
        let is_lossy = !losses.is_empty() || lost.of_others > 0;
        if !losses.is_empty() {
            custom.insert("lost".to_owned(), lost_json(&losses));
        }
        let mut notices = loss_notices(&losses);
        if lost.of_others > 0 {
            notices.push(Notice::warning(format!(
                "up to {} lost on nodes beyond the first {MAX_LOSS_NODES}, which are counted together",
                count(lost.of_others, "event")
            )));
        }
        let mut marks = Map::new();
        mark(&mut marks, INCOMPLETE, &notices);
        let buffer_start = reaches_memory.then(|| buffer_start_notice(range, start)).flatten();
        if custom.contains_key("memory") {
            mark(&mut marks, REWORDED, buffer_start.as_slice());
        }
        notices.extend(buffer_start);
        let certificates = relay.certificates_that_end().await;
        if !certificates.is_empty() {
            custom.insert("certificates".to_owned(), json!(certificates));
        }
        notices.extend(certificates.into_iter().map(Notice::warning));
        Self { notices, custom, marks, is_lossy, losses, lost_of_others: lost.of_others }
    }

    /// Checks an answer against the completeness that its consumer needs. `gaps` are the gaps beside lost
    /// events, in words.
    ///
    /// Errors: [`ExecutionError::Incomplete`].
    pub(crate) fn check(
        &self,
        required: RequiredCompleteness,
        gaps: impl IntoIterator<Item = String>,
    ) -> Result<(), ExecutionError> {
        let RequiredCompleteness::Whole { max_lost_share } = required else { return Ok(()) };
        let too_many = |loss: &&NodeLoss| loss.share.is_none_or(|share| share > max_lost_share);
        let lost = self.losses.iter().find(too_many).map(loss_text);
        let of_others = (self.lost_of_others > 0)
            .then(|| format!("{} lost on further nodes", count(self.lost_of_others, "event")));
        match gaps.into_iter().chain(lost).chain(of_others).next() {
            Some(reason) => Err(ExecutionError::Incomplete { reason }),
            None => Ok(()),
        }
    }
}

/// The gaps of an answer beside lost events: nodes that did not send all of their flows, and the error that
/// ended the answer.
pub(crate) fn gaps(
    notices: &RelayNotices,
    broken: Option<&RelayError>,
    unreadable_flows: usize,
) -> Vec<String> {
    let mut gaps: Vec<String> = broken.iter().map(|error| incomplete(error).text).collect();
    gaps.extend(relay_notices(notices).into_iter().map(|notice| notice.text));
    gaps.extend((unreadable_flows > 0).then(|| unreadable(unreadable_flows).text));
    gaps
}

/// Key of the texts about flows that the answer may lack.
pub(crate) const INCOMPLETE: &str = "incomplete";
/// Key of the texts that the flows panel replaces by its own when it shows no flows.
pub(crate) const REWORDED: &str = "reworded";

/// Lists the texts of `notices` under `key`, so that the frontend can distinguish them.
pub(crate) fn mark(marks: &mut Map<String, Value>, key: &str, notices: &[Notice]) {
    if notices.is_empty() {
        return;
    }
    let texts = notices.iter().map(|notice| json!(notice.text));
    if let Value::Array(marked) = marks.entry(key).or_insert_with(|| json!([])) {
        marked.extend(texts);
    }
}

/// A notice that an empty answer may lack flows, if that is so.
pub(crate) fn empty_notice(is_lossy: bool, misses_nodes: bool) -> Option<Notice> {
    let reason = match (is_lossy, misses_nodes) {
        (false, false) => return None,
        (true, false) => "events were lost",
        (false, true) => "flows of some nodes are missing",
        (true, true) => "events were lost, and flows of some nodes are missing",
    };
    Some(Notice::warning(format!("no flows were found, but some may be missing: {reason}")))
}

/// The start of Hubble's memory and the time range, in Unix milliseconds.
fn memory(range: TimeRange, start: &BufferStart) -> Option<Value> {
    let begins_nanos = start.oldest_nanos()?;
    let (_, complete_nanos) = start.complete_since()?;
    Some(json!({
        "begins": begins_nanos.div_euclid(1_000_000),
        "completeSince": complete_nanos.div_euclid(1_000_000),
        "complete": range.from_nanos >= complete_nanos,
        "rangeBegin": range.from_nanos.div_euclid(1_000_000),
        "rangeEnd": range.end_ms(),
        "forgotten": range.to_nanos < begins_nanos,
    }))
}

fn lost_json(losses: &[NodeLoss]) -> Value {
    let nodes = losses.iter().take(MAX_NODES_SHOWN).map(|loss| {
        let since = match loss.over {
            CountedOver::Since(nanos) => Some(nanos.div_euclid(1_000_000)),
            CountedOver::Range | CountedOver::Part => None,
        };
        let is_part = loss.over != CountedOver::Range;
        json!({
            "node": loss.node_name,
            "events": loss.events(),
            "share": loss.share,
            "part": is_part,
            "since": since,
        })
    });
    let events = losses.iter().fold(0_u64, |sum, loss| sum.saturating_add(loss.events()));
    json!({ "events": events, "nodes": nodes.collect::<Vec<_>>() })
}

fn loss_notices(losses: &[NodeLoss]) -> Vec<Notice> {
    let (shown, others) = losses.split_at(losses.len().min(MAX_NODES_SHOWN));
    let mut notices: Vec<Notice> =
        shown.iter().map(|loss| Notice::warning(loss_text(loss))).collect();
    if !others.is_empty() {
        let events = others.iter().fold(0_u64, |sum, loss| sum.saturating_add(loss.events()));
        notices.push(Notice::warning(format!(
            "{} lost on {} more nodes",
            count(events, "event"),
            others.len()
        )));
    }
    notices
}

fn loss_text(loss: &NodeLoss) -> String {
    let mut text = format!("{} lost", count(loss.events(), "event"));
    if !loss.node_name.is_empty() {
        text.extend([" on node `", &loss.node_name, "`"]);
    }
    if let Some(share) = loss.share {
        text.extend([", ", &percent(share), " of its events in the time range (an estimate)"]);
    }
    match loss.over {
        CountedOver::Range => {}
        CountedOver::Since(nanos) => {
            text.extend([
                ", counted since ",
                &time_text(nanos),
                ", where reading stopped at the limit",
            ]);
        }
        CountedOver::Part => text.push_str(", counted in the part of the time range that was read"),
    }
    let sources = loss.by_source.iter().map(|(source, events)| match loss.by_source.len() {
        1 => source.to_string(),
        _ => format!("{events}: {source}"),
    });
    text.extend([": ", &sources.collect::<Vec<_>>().join("; ")]);
    text
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        percent if percent < 0.01 => "less than 0.01 %".to_owned(),
        percent if percent < 1.0 => format!("about {percent:.2} %"),
        percent if percent < 10.0 => format!("about {percent:.1} %"),
        percent => format!("about {percent:.0} %"),
    }
}

/// A notice about the start of Hubble's memory, if that is within or after `range`.
fn buffer_start_notice(
    range: TimeRange,
    start: &Result<Option<BufferStart>, RelayError>,
) -> Option<Notice> {
    let start = match start {
        Ok(Some(start)) => start,
        Ok(None) => return Some(cannot_tell_start("the relay did not answer in time")),
        Err(error) => return Some(cannot_tell_start(&error.to_string())),
    };
    let (last_node, complete_since_nanos) = start.complete_since()?;
    if range.from_nanos >= complete_since_nanos {
        return None;
    }
    let complete_since = time_text(complete_since_nanos);
    let text = match start.oldest_nanos() {
        Some(oldest_nanos) if range.to_nanos < oldest_nanos => {
            let end = time_text(range.end_ms().saturating_mul(1_000_000));
            return Some(Notice::warning(format!(
                "this range ended at {end}; Hubble's memory begins at {}",
                time_text(oldest_nanos)
            )));
        }
        Some(oldest_nanos) if start.nodes() > 1 => format!(
            "Hubble's buffers begin at {} and are complete from {complete_since} on (node `{last_node}`); \
             earlier flows of the time range are gone{}",
            time_text(oldest_nanos),
            by_node(start)
        ),
        _ => format!(
            "Hubble's buffer begins at {complete_since} (node `{last_node}`); earlier flows of the time range are gone"
        ),
    };
    Some(Notice::info(text))
}

/// The start of each node's buffer, latest first; the sentence already has the first and the last.
fn by_node(start: &BufferStart) -> String {
    let nodes = start.latest();
    if nodes.len() <= 2 {
        return String::new();
    }
    let shown: Vec<String> = nodes
        .iter()
        .take(MAX_NODES_SHOWN)
        .map(|(node_name, oldest_nanos)| format!("`{node_name}` {}", time_text(*oldest_nanos)))
        .collect();
    let more = match nodes.len().saturating_sub(MAX_NODES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; by node: {}{more}", shown.join(", "))
}

fn cannot_tell_start(reason: &str) -> Notice {
    Notice::info(format!("cannot tell where Hubble's buffers begin: {reason}"))
}

/// A notice that the answer ended early.
pub(crate) fn incomplete(error: &RelayError) -> Notice {
    Notice::warning(format!("the answer is incomplete: {error}"))
}

/// The relay's messages about its nodes, as notices.
pub(crate) fn relay_notices(relay: &RelayNotices) -> Vec<Notice> {
    let mut notices: Vec<Notice> = relay
        .iter()
        .filter(|notice| !matches!(notice, RelayNotice::NodesConnected { .. }))
        .map(|notice| Notice::warning(notice.to_string()))
        .collect();
    if relay.more() > 0 {
        let text = format!("{} further notices of the relay are not shown", relay.more());
        notices.push(Notice::warning(text));
    }
    notices
}

/// Notices about the plan of the request.
pub(crate) fn plan_notices(plan_notices: &[PlanNotice]) -> impl Iterator<Item = Notice> {
    plan_notices.iter().map(|notice| match notice {
        PlanNotice::LetThrough { .. } => Notice::warning(notice.to_string()),
        _ => Notice::info(notice.to_string()),
    })
}

pub(crate) fn unreadable(flows: usize) -> Notice {
    Notice::warning(match flows {
        1 => "1 flow cannot be read and is left out".to_owned(),
        _ => format!("{flows} flows cannot be read and are left out"),
    })
}

/// A notice about flows without a time, if there are any; `fate` completes the sentence.
pub(crate) fn without_time(flows: usize, fate: &str) -> Option<Notice> {
    let text = match flows {
        0 => return None,
        1 => format!("1 flow has no time and is {fate}"),
        _ => format!("{flows} flows have no time and are {fate}"),
    };
    Some(Notice::warning(text))
}
