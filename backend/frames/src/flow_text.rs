//! What a flow says in words: one short text for each column that is not a plain value.

use std::borrow::Cow;

use flow::columns::{FlowColumns, at};
use flow::summary::{policy_lists, put_policies, put_summary, put_type};
use flow::{DropReason, MessageType, TcpFlags, TrafficDirection};

/// The enum's name, which is what `hubble_drop_total` calls it too.
pub(crate) fn drop_reason_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let reason = DropReason::from_number(at(columns.drop_reason(), row));
    reason.is_known().then(|| reason.to_string().into())
}

pub(crate) fn direction_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let direction = TrafficDirection::from_number(at(columns.traffic_direction(), row));
    (direction != TrafficDirection::Unknown).then(|| direction.to_string().into())
}

/// As Hubble's metrics name protocols: the one of layer 7 where there is any.
pub(crate) fn protocol_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let name = flow::group::protocol(columns, row);
    (!name.is_empty()).then(|| name.into())
}

/// The summary of the message or packet; of a policy verdict, what it matched by.
pub(crate) fn summary_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_summary(&mut text, columns, row);
    if MessageType::from_number(at(columns.event_type(), row)) == MessageType::PolicyVerdict {
        let between = if text.is_empty() { "" } else { ", " };
        text.extend([between, "match ", &policy_match(at(columns.policy_match_type(), row))]);
    }
    (!text.is_empty()).then(|| text.into())
}

/// What kind of record it is, as `hubble observe` prints it.
pub(crate) fn type_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_type(&mut text, columns, row);
    (!text.is_empty()).then(|| text.into())
}

/// The policies that Hubble names for this flow. A default deny has none.
pub(crate) fn policy_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_policies(&mut text, columns, policy_lists(columns, row));
    (!text.is_empty()).then(|| text.into())
}

pub(crate) fn tcp_flags_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let flags = TcpFlags::from_bits_truncate(at(columns.tcp_flags(), row));
    (!flags.is_empty()).then(|| flags.to_string().into())
}

/// Names of `PolicyMatchType`. Source: pkg/monitor/api/types.go.
fn policy_match(number: u32) -> String {
    match number {
        0 => "none".to_owned(),
        1 => "L3-Only".to_owned(),
        2 => "L3-L4".to_owned(),
        3 => "L4-Only".to_owned(),
        4 => "all".to_owned(),
        5 => "L3-Proto".to_owned(),
        6 => "Proto-Only".to_owned(),
        number => number.to_string(),
    }
}

pub(crate) fn some_text(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}
