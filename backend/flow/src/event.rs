//! Monitor events behind flows.

use crate::enums::wire_enum;

/// Monitor event behind a flow. Source: flow.proto `Flow.event_type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CiliumEventType {
    /// Message type of the monitor.
    pub message_type: MessageType,
    /// Sub type, whose meaning depends on the message type: observation point of a trace, code of a
    /// drop, capture point.
    pub sub_type: i32,
}

wire_enum! {
    /// Message types of Cilium's monitor, by the names that `hubble observe --type` takes.
    /// Source: pkg/monitor/api/types.go.
    MessageType, "event type" {
        /// Not known.
        Unspec = 0, "unspec";
        /// Dropped packet; the sub type is the drop code.
        Drop = 1, "drop";
        /// Debug message.
        Debug = 2, "debug";
        /// Debug capture of a packet; the sub type is the capture point.
        Capture = 3, "capture";
        /// Packet at an observation point; the sub type is that point.
        Trace = 4, "trace";
        /// Decision of a policy.
        PolicyVerdict = 5, "policy-verdict";
        /// Translated socket call.
        TraceSock = 7, "trace-sock";
        /// Message logged by the L7 proxy.
        L7 = 129, "l7";
        /// Notification of the agent.
        Agent = 130, "agent";
    }
}
