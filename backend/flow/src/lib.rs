//! Hubble's flows: records, columns, filters, aggregations.
//!
//! Names and numbers follow Cilium's `flow.proto` (release in `proto/VERSION`). A `Flow` holds
//! every field of a record, so that it can be written back without loss. No IO, no clock, no
//! protobuf.

pub mod aggregate;
pub mod columns;
mod companion;
pub mod dedup;
pub mod dns;
mod drop_reason;
mod endpoint;
mod endpoint_role;
mod enums;
mod event;
pub mod filter;
pub mod group;
mod l4;
mod l7;
pub mod packets;
mod range;
mod record;
pub mod service_map;
pub mod summary;
#[cfg(test)]
mod tests;
mod time;

pub use companion::{Companion, CompanionKind};
pub use drop_reason::DropReason;
pub use endpoint::{Endpoint, Policy, Service, Workload};
pub use endpoint_role::EndpointRole;
pub use enums::{
    AuthType, DebugCapturePoint, FlowType, IpVersion, L7FlowType, SctpChunkType,
    SocketTranslationPoint, TraceObservationPoint, TraceReason, TrafficDirection, TunnelProtocol,
    UnknownName, Verdict,
};
pub use event::{CiliumEventType, MessageType};
pub use l4::{Icmp, Igmp, Layer4, Sctp, Tcp, TcpFlags, Udp, Vrrp};
pub use l7::{Dns, Http, HttpHeader, Kafka, L7Record, Layer7};
pub use range::TimeRange;
pub use record::{
    Aggregate, Emitter, Ethernet, Extensions, FileInfo, Flow, Ip, IpTraceId, NetworkInterface,
    TraceContext, TraceParent, Tunnel,
};
pub use time::{Timestamp, TimestampError};
