//! Which monitor event a flow came from.

use crate::enums::wire_enum;

/// The monitor event behind a flow. Source: flow.proto `Flow.event_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CiliumEventType {
    /// Message type of the monitor.
    pub message_type: MessageType,
    /// Depends on the message type: observation point of a trace, code of a drop, capture point.
    pub sub_type: i32,
}

wire_enum! {
    /// Message types of Cilium's monitor, by the names that `hubble observe --type` takes.
    /// Source: pkg/monitor/api/types.go.
    MessageType, "event type" {
        /// Not known.
        Unspec = 0, "unspec";
        /// A packet was dropped; the sub type is the drop code.
        Drop = 1, "drop";
        /// Debug message.
        Debug = 2, "debug";
        /// Debug capture of a packet; the sub type is the capture point.
        Capture = 3, "capture";
        /// A packet passed an observation point, which is the sub type.
        Trace = 4, "trace";
        /// A policy decided.
        PolicyVerdict = 5, "policy-verdict";
        /// A socket call was translated.
        TraceSock = 7, "trace-sock";
        /// The L7 proxy logged a message.
        L7 = 129, "l7";
        /// The agent notified of something.
        Agent = 130, "agent";
    }
}
