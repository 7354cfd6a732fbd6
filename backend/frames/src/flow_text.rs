//! Texts of flows: one short text for each column that is not a plain value.

use std::borrow::Cow;

use flow::columns::{FlowColumns, at};
use flow::summary::{policy_lists, put_policies, put_summary, put_type};
use flow::{DropReason, MessageType, TcpFlags, TrafficDirection};

/// Name of the drop reason in the enum, which is also its label value in `hubble_drop_total`.
pub(crate) fn drop_reason_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let reason = DropReason::from_number(at(columns.drop_reason(), row));
    reason.is_known().then(|| reason.to_string().into())
}

pub(crate) fn direction_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let direction = TrafficDirection::from_number(at(columns.traffic_direction(), row));
    (direction != TrafficDirection::Unknown).then(|| direction.to_string().into())
}

/// Name of the protocol, as in Hubble's metrics: of layer 7 if there is one, or else of layer 4.
pub(crate) fn protocol_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let name = flow::group::protocol(columns, row);
    (!name.is_empty()).then(|| name.into())
}

/// Summary of the message or packet; for a policy verdict, the kind of its match.
pub(crate) fn summary_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_summary(&mut text, columns, row);
    if MessageType::from_number(at(columns.event_type(), row)) == MessageType::PolicyVerdict {
        let between = if text.is_empty() { "" } else { ", " };
        text.extend([between, "match ", &policy_match(at(columns.policy_match_type(), row))]);
    }
    (!text.is_empty()).then(|| text.into())
}

/// Type of the record, as printed by `hubble observe`.
pub(crate) fn type_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_type(&mut text, columns, row);
    (!text.is_empty()).then(|| text.into())
}

/// Policies that Hubble names for the flow. A default deny has none.
pub(crate) fn policy_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let mut text = String::new();
    put_policies(&mut text, columns, policy_lists(columns, row));
    (!text.is_empty()).then(|| text.into())
}

pub(crate) fn tcp_flags_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let flags = TcpFlags::from_bits_truncate(at(columns.tcp_flags(), row));
    (!flags.is_empty()).then(|| flags.to_string().into())
}

/// Name of a `PolicyMatchType`. Source: pkg/monitor/api/types.go.
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
