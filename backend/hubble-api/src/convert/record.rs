//! The flow itself.

use flow::{
    AuthType, DebugCapturePoint, DropReason, Extensions, FlowType, SocketTranslationPoint,
    Timestamp, TraceObservationPoint, TraceReason, TrafficDirection, Verdict,
};

use super::{FlowError, all};
use crate::pb::flow as pb;

/// Reads a wire timestamp. Errors: outside of the years 1 to 9999, or of a second.
pub(crate) fn timestamp(
    field: &'static str,
    time: prost_types::Timestamp,
) -> Result<Timestamp, FlowError> {
    let prost_types::Timestamp { seconds, nanos } = time;
    Timestamp::new(seconds, nanos).map_err(|source| FlowError::Time { field, source })
}

/// Writes a point in time.
pub(crate) fn wire_timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds(), nanos: time.nanos().cast_signed() }
}

impl TryFrom<pb::Flow> for flow::Flow {
    type Error = FlowError;

    /// Errors: a time that does not exist; a port, ICMP type or ICMP code that is too large.
    /// Fields that only old records have (`drop_reason`, `reply`, `Summary`) are kept beside
    /// those that took their place.
    #[expect(deprecated, reason = "old records are read, and written as they were")]
    fn try_from(wire: pb::Flow) -> Result<Self, FlowError> {
        let pb::Flow {
            time,
            verdict,
            drop_reason,
            ethernet,
            ip,
            l4,
            source,
            destination,
            r#type,
            node_name,
            source_names,
            destination_names,
            l7,
            reply,
            event_type,
            source_service,
            destination_service,
            traffic_direction,
            policy_match_type,
            trace_observation_point,
            drop_reason_desc,
            is_reply,
            debug_capture_point,
            interface,
            proxy_port,
            trace_context,
            sock_xlate_point,
            socket_cookie,
            cgroup_id,
            uuid,
            auth_type,
            trace_reason,
            node_labels,
            file,
            tunnel,
            ip_trace_id,
            emitter,
            egress_allowed_by,
            ingress_allowed_by,
            egress_denied_by,
            ingress_denied_by,
            policy_log,
            aggregate,
            summary,
            extensions,
        } = wire;
        Ok(Self {
            time: time.map(|time| timestamp("time", time)).transpose()?,
            uuid,
            emitter: emitter.map(Into::into),
            verdict: Verdict::from_number(verdict),
            drop_reason_code: drop_reason,
            drop_reason_desc: DropReason::from_number(drop_reason_desc),
            auth_type: AuthType::from_number(auth_type),
            ethernet: ethernet.map(Into::into),
            ip: ip.map(Into::into),
            l4: l4.map(TryInto::try_into).transpose()?,
            tunnel: tunnel.map(TryInto::try_into).transpose()?,
            source: source.map(Into::into),
            destination: destination.map(Into::into),
            flow_type: FlowType::from_number(r#type),
            node_name,
            node_labels,
            source_names,
            destination_names,
            l7: l7.map(Into::into),
            reply_mark: reply,
            is_reply,
            event_type: event_type.map(Into::into),
            source_service: source_service.map(Into::into),
            destination_service: destination_service.map(Into::into),
            traffic_direction: TrafficDirection::from_number(traffic_direction),
            policy_match_type,
            trace_observation_point: TraceObservationPoint::from_number(trace_observation_point),
            trace_reason: TraceReason::from_number(trace_reason),
            file: file.map(Into::into),
            ip_trace_id: ip_trace_id.map(Into::into),
            debug_capture_point: DebugCapturePoint::from_number(debug_capture_point),
            interface: interface.map(Into::into),
            proxy_port,
            trace_context: trace_context.map(Into::into),
            sock_xlate_point: SocketTranslationPoint::from_number(sock_xlate_point),
            socket_cookie,
            cgroup_id,
            summary,
            extensions: extensions
                .map(|prost_types::Any { type_url, value }| Extensions { type_url, value }),
            egress_allowed_by: all(egress_allowed_by),
            ingress_allowed_by: all(ingress_allowed_by),
            egress_denied_by: all(egress_denied_by),
            ingress_denied_by: all(ingress_denied_by),
            policy_log,
            aggregate: aggregate.map(Into::into),
        })
    }
}

impl From<flow::Flow> for pb::Flow {
    #[expect(deprecated, reason = "old records are written as they were")]
    fn from(own: flow::Flow) -> Self {
        let flow::Flow {
            time,
            uuid,
            emitter,
            verdict,
            drop_reason_code,
            drop_reason_desc,
            auth_type,
            ethernet,
            ip,
            l4,
            tunnel,
            source,
            destination,
            flow_type,
            node_name,
            node_labels,
            source_names,
            destination_names,
            l7,
            reply_mark,
            is_reply,
            event_type,
            source_service,
            destination_service,
            traffic_direction,
            policy_match_type,
            trace_observation_point,
            trace_reason,
            file,
            ip_trace_id,
            debug_capture_point,
            interface,
            proxy_port,
            trace_context,
            sock_xlate_point,
            socket_cookie,
            cgroup_id,
            summary,
            extensions,
            egress_allowed_by,
            ingress_allowed_by,
            egress_denied_by,
            ingress_denied_by,
            policy_log,
            aggregate,
        } = own;
        Self {
            time: time.map(wire_timestamp),
            verdict: verdict.number(),
            drop_reason: drop_reason_code,
            ethernet: ethernet.map(Into::into),
            ip: ip.map(Into::into),
            l4: l4.map(Into::into),
            source: source.map(Into::into),
            destination: destination.map(Into::into),
            r#type: flow_type.number(),
            node_name,
            source_names,
            destination_names,
            l7: l7.map(Into::into),
            reply: reply_mark,
            event_type: event_type.map(Into::into),
            source_service: source_service.map(Into::into),
            destination_service: destination_service.map(Into::into),
            traffic_direction: traffic_direction.number(),
            policy_match_type,
            trace_observation_point: trace_observation_point.number(),
            drop_reason_desc: drop_reason_desc.number(),
            is_reply,
            debug_capture_point: debug_capture_point.number(),
            interface: interface.map(Into::into),
            proxy_port,
            trace_context: trace_context.map(Into::into),
            sock_xlate_point: sock_xlate_point.number(),
            socket_cookie,
            cgroup_id,
            uuid,
            auth_type: auth_type.number(),
            trace_reason: trace_reason.number(),
            node_labels,
            file: file.map(Into::into),
            tunnel: tunnel.map(Into::into),
            ip_trace_id: ip_trace_id.map(Into::into),
            emitter: emitter.map(Into::into),
            egress_allowed_by: all(egress_allowed_by),
            ingress_allowed_by: all(ingress_allowed_by),
            egress_denied_by: all(egress_denied_by),
            ingress_denied_by: all(ingress_denied_by),
            policy_log,
            aggregate: aggregate.map(Into::into),
            summary,
            extensions: extensions
                .map(|Extensions { type_url, value }| prost_types::Any { type_url, value }),
        }
    }
}

impl From<&flow::Flow> for pb::Flow {
    fn from(own: &flow::Flow) -> Self {
        own.clone().into()
    }
}
