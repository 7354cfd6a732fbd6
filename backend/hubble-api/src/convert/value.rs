//! Values of fields that differ only in type between `flow` and the wire.

use flow::filter::EventTypeFilter;
use flow::{
    Aggregate, AuthType, CiliumEventType, DebugCapturePoint, DropReason, Emitter, Endpoint,
    Ethernet, Extensions, FileInfo, FlowType, HttpHeader, Ip, IpTraceId, IpVersion, Layer7,
    NetworkInterface, Policy, Service, SocketTranslationPoint, TcpFlags, TraceContext,
    TraceObservationPoint, TraceReason, TrafficDirection, Verdict, Workload,
};

use crate::pb::flow as pb;

/// Value with another type on the wire.
pub(super) trait Value {
    /// Type of the field in `pb`.
    type Wire;

    fn read(wire: Self::Wire) -> Self;
    fn write(self) -> Self::Wire;
}

impl<T: Value> Value for Option<T> {
    type Wire = Option<T::Wire>;

    fn read(wire: Self::Wire) -> Self {
        wire.map(T::read)
    }

    fn write(self) -> Self::Wire {
        self.map(T::write)
    }
}

impl<T: Value> Value for Vec<T> {
    type Wire = Vec<T::Wire>;

    fn read(wire: Self::Wire) -> Self {
        wire.into_iter().map(T::read).collect()
    }

    fn write(self) -> Self::Wire {
        self.into_iter().map(T::write).collect()
    }
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Value for $type {
            type Wire = Self;

            fn read(wire: Self) -> Self {
                wire
            }

            fn write(self) -> Self {
                self
            }
        }
    )*};
}

macro_rules! enumerations {
    ($($own:ty)*) => {$(
        impl Value for $own {
            type Wire = i32;

            fn read(wire: i32) -> Self {
                Self::from_number(wire)
            }

            fn write(self) -> i32 {
                self.number()
            }
        }
    )*};
}

macro_rules! messages {
    ($($own:ty = $wire:ty,)*) => {$(
        impl Value for $own {
            type Wire = $wire;

            fn read(wire: $wire) -> Self {
                wire.into()
            }

            fn write(self) -> $wire {
                self.into()
            }
        }
    )*};
}

plain! { String bool u32 u64 }

enumerations! {
    AuthType DebugCapturePoint DropReason FlowType IpVersion SocketTranslationPoint
    TraceObservationPoint TraceReason TrafficDirection Verdict
}

messages! {
    Aggregate = pb::Aggregate,
    CiliumEventType = pb::CiliumEventType,
    Emitter = pb::Emitter,
    Endpoint = pb::Endpoint,
    Ethernet = pb::Ethernet,
    EventTypeFilter = pb::EventTypeFilter,
    FileInfo = pb::FileInfo,
    HttpHeader = pb::HttpHeader,
    Ip = pb::Ip,
    IpTraceId = pb::IpTraceId,
    Layer7 = pb::Layer7,
    NetworkInterface = pb::NetworkInterface,
    Policy = pb::Policy,
    Service = pb::Service,
    TcpFlags = pb::TcpFlags,
    TraceContext = pb::TraceContext,
    Workload = pb::Workload,
}

impl Value for Extensions {
    type Wire = prost_types::Any;

    fn read(prost_types::Any { type_url, value }: prost_types::Any) -> Self {
        Self { type_url, value }
    }

    fn write(self) -> prost_types::Any {
        let Self { type_url, value } = self;
        prost_types::Any { type_url, value }
    }
}
