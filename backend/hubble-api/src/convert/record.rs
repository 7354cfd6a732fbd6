//! Conversion of flows.

use flow::{Layer4, Timestamp, Tunnel};

use super::FlowError;
use super::value::Value;
use crate::pb::flow as pb;

/// Reads a wire timestamp. Errors: outside of the years 1 to 9999, or nanoseconds outside of a
/// second.
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

/// Conversions of a flow in both directions, from one list of fields.
macro_rules! flow_fields {
    (
        same { $($same:ident)* }
        renamed { $($wire:ident = $own:ident)* }
        checked { $($checked:ident: $read:expr, $write:expr;)* }
    ) => {
        impl TryFrom<pb::Flow> for flow::Flow {
            type Error = FlowError;

            /// Errors: an invalid time; a port, ICMP type or ICMP code that is too large. Fields of
            /// old records (`drop_reason`, `reply`, `Summary`) are kept beside their successors.
            #[expect(deprecated, reason = "old records are read, and written as they were")]
            fn try_from(wire: pb::Flow) -> Result<Self, FlowError> {
                let pb::Flow { $($same,)* $($wire,)* $($checked,)* } = wire;
                Ok(Self {
                    $($checked: $checked.map($read).transpose()?,)*
                    $($same: Value::read($same),)*
                    $($own: Value::read($wire),)*
                })
            }
        }

        impl From<flow::Flow> for pb::Flow {
            #[expect(deprecated, reason = "old records are written as they were")]
            fn from(own: flow::Flow) -> Self {
                let flow::Flow { $($same,)* $($own,)* $($checked,)* } = own;
                Self {
                    $($checked: $checked.map($write),)*
                    $($same: Value::write($same),)*
                    $($wire: Value::write($own),)*
                }
            }
        }
    };
}

flow_fields! {
    same {
        uuid emitter verdict drop_reason_desc auth_type ethernet ip source destination node_name
        node_labels source_names destination_names l7 is_reply event_type source_service
        destination_service traffic_direction policy_match_type trace_observation_point
        trace_reason file ip_trace_id debug_capture_point interface proxy_port trace_context
        sock_xlate_point socket_cookie cgroup_id summary extensions egress_allowed_by
        ingress_allowed_by egress_denied_by ingress_denied_by policy_log aggregate
    }
    renamed {
        drop_reason = drop_reason_code
        reply = reply_mark
        r#type = flow_type
    }
    checked {
        time: |time| timestamp("time", time), wire_timestamp;
        l4: Layer4::try_from, Into::into;
        tunnel: Tunnel::try_from, Into::into;
    }
}

impl From<&flow::Flow> for pb::Flow {
    fn from(own: &flow::Flow) -> Self {
        own.clone().into()
    }
}
