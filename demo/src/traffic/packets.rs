//! Records of one packet on its way, as Cilium's datapath reports it with endpoint routes and
//! native routing (Azure CNI powered by Cilium): policy verdict and trace events in the endpoint's
//! program, a trace event at the node's interface, and drops.

use flow::{DropReason, TraceObservationPoint, TraceReason, TrafficDirection};

use super::path::{Fate, Packet, Path};
use super::{MonitorAggregation, Simulation};
use crate::cluster::{EndpointId, EndpointKind, NodeId};
use crate::record::{Event, EventRecord, PolicyAction, Transport};
use crate::scenario::{Decision, Proxy};

/// Time in the datapath of one node, in nanoseconds.
const HOP: i64 = 40_000;

impl Simulation {
    fn record(
        &self,
        path: &Path,
        node: NodeId,
        at: i64,
        packet: Packet,
        reply: bool,
    ) -> EventRecord {
        let (source, destination) =
            if reply { (path.server, path.client) } else { (path.client, path.server) };
        let (source_port, destination_port) = if reply {
            (path.server_port, path.client_port)
        } else {
            (path.client_port, path.server_port)
        };
        let client_side = path.client_node == Some(node)
            && self.cluster.endpoint(path.client).kind == EndpointKind::Pod;
        EventRecord {
            time_nanos: at,
            sequence: 0,
            node,
            source,
            destination,
            source_port,
            destination_port,
            transport: packet.transport,
            direction: TrafficDirection::Unknown,
            is_reply: None,
            event: Event::Drop { reason: DropReason::UNKNOWN },
            name: path.server_name.filter(|_| client_side),
            masqueraded: false,
            bytes: packet.bytes,
        }
    }

    /// A trace event. If conntrack's answer is unknown, so are direction and reply.
    fn trace(
        &mut self,
        mut record: EventRecord,
        point: TraceObservationPoint,
        reason: TraceReason,
        direction: TrafficDirection,
        proxy_port: u16,
    ) {
        if reason != TraceReason::Unknown {
            record.direction = direction;
            record.is_reply = Some(reason == TraceReason::Reply);
        }
        record.event = Event::Trace { point, reason, proxy_port };
        self.push(record);
    }

    /// A policy verdict, and the drop that follows a denial. Returns whether the packet continues.
    fn judge(
        &mut self,
        mut record: EventRecord,
        decision: &Decision,
        direction: TrafficDirection,
    ) -> bool {
        record.direction = direction;
        let (action, match_type, policies) = match decision {
            Decision::NotEnforced => return true,
            Decision::Allowed { match_type, by, proxy: None } => {
                (PolicyAction::Allowed, *match_type, by.clone())
            }
            Decision::Allowed { match_type, by, proxy: Some(_) } => {
                (PolicyAction::Redirected, *match_type, by.clone())
            }
            Decision::Denied { reason, match_type, by } => {
                (PolicyAction::Denied(*reason), *match_type, by.clone())
            }
        };
        let passes = decision.passes();
        let mut verdict = record.clone();
        verdict.is_reply = passes.then_some(false);
        verdict.event = Event::PolicyVerdict { action, match_type, policies };
        self.push(verdict);
        if let PolicyAction::Denied(reason) = action {
            record.time_nanos += 4_000;
            record.event = Event::Drop { reason };
            self.push(record);
        }
        passes
    }

    /// Sends a packet from the client to the server.
    pub(super) fn forward(&mut self, path: &Path, at: i64, packet: Packet) -> Fate {
        match self.leave_client(path, at, packet) {
            Fate::Dropped => Fate::Dropped,
            Fate::Arrived(at) => self.reach_server(path, at, packet),
        }
    }

    /// The client's node: out of the pod, to the proxy or the wire.
    pub(super) fn leave_client(&mut self, path: &Path, at: i64, packet: Packet) -> Fate {
        let kind = self.cluster.endpoint(path.client).kind;
        let (Some(node), EndpointKind::Pod) = (path.client_node, kind) else {
            return Fate::Arrived(at + path.wire);
        };
        let reason = if packet.first { TraceReason::New } else { TraceReason::Established };
        if self.aggregation == MonitorAggregation::None {
            let record = self.record(path, node, at, packet, false);
            self.trace(
                record,
                TraceObservationPoint::FromEndpoint,
                TraceReason::Unknown,
                TrafficDirection::Unknown,
                0,
            );
        }
        let at = at + HOP;
        if packet.first {
            let record = self.record(path, node, at, packet, false);
            if !self.judge(record, &path.egress, TrafficDirection::Egress) {
                return Fate::Dropped;
            }
        }
        let at = at + HOP / 4;
        let record = self.record(path, node, at, packet, false);
        if path.proxy().is_some() {
            self.trace(
                record,
                TraceObservationPoint::ToProxy,
                reason,
                TrafficDirection::Egress,
                path.proxy_port(),
            );
            return Fate::Arrived(at + HOP);
        }
        self.trace(record, TraceObservationPoint::ToStack, reason, TrafficDirection::Egress, 0);
        self.leave_node(path, node, at + HOP, packet, false)
    }

    /// The node's interface, for what leaves the node.
    fn leave_node(
        &mut self,
        path: &Path,
        node: NodeId,
        at: i64,
        packet: Packet,
        reply: bool,
    ) -> Fate {
        if path.same_node() {
            return Fate::Arrived(at + path.wire);
        }
        let mut record = self.record(path, node, at, packet, reply);
        let far = if reply { path.client_node } else { path.server_node };
        if far.is_none() && !reply {
            // The world sees the node's address; masquerading tracks the connection.
            record.masqueraded = true;
            let reason = if packet.first { TraceReason::New } else { TraceReason::Established };
            self.trace(
                record,
                TraceObservationPoint::ToNetwork,
                reason,
                TrafficDirection::Egress,
                0,
            );
        } else {
            self.trace(
                record,
                TraceObservationPoint::ToNetwork,
                TraceReason::Unknown,
                TrafficDirection::Unknown,
                0,
            );
        }
        Fate::Arrived(at + path.wire)
    }

    /// From the proxy of the client's node to the server's node.
    pub(super) fn proxy_to_server(&mut self, path: &Path, at: i64, packet: Packet) -> Fate {
        let Some(node) = path.client_node else {
            return self.reach_server(path, at, packet);
        };
        match self.leave_node(path, node, at, packet, false) {
            Fate::Dropped => Fate::Dropped,
            Fate::Arrived(at) => self.reach_server(path, at, packet),
        }
    }

    /// The server's node: into the pod.
    fn reach_server(&mut self, path: &Path, at: i64, packet: Packet) -> Fate {
        let kind = self.cluster.endpoint(path.server).kind;
        let (Some(node), EndpointKind::Pod | EndpointKind::Health) = (path.server_node, kind)
        else {
            return Fate::Arrived(at);
        };
        if self.aggregation == MonitorAggregation::None && !path.same_node() {
            let record = self.record(path, node, at, packet, false);
            self.trace(
                record,
                TraceObservationPoint::FromNetwork,
                TraceReason::Unknown,
                TrafficDirection::Unknown,
                0,
            );
        }
        if packet.first {
            let record = self.record(path, node, at, packet, false);
            if !self.judge(record, &path.ingress, TrafficDirection::Ingress) {
                return Fate::Dropped;
            }
        }
        let at = at + HOP / 4;
        let reason = if packet.first { TraceReason::New } else { TraceReason::Established };
        let record = self.record(path, node, at, packet, false);
        self.trace(record, TraceObservationPoint::ToEndpoint, reason, TrafficDirection::Ingress, 0);
        Fate::Arrived(at + HOP)
    }

    /// Sends a packet back to the client; returns its time of arrival.
    pub(super) fn reply(&mut self, path: &Path, at: i64, packet: Packet) -> i64 {
        let at = self.leave_server(path, at, packet);
        self.reach_client(path, at, packet)
    }

    /// Sends a packet back to the client's proxy; returns its time of arrival.
    pub(super) fn reply_to_proxy(&mut self, path: &Path, at: i64, packet: Packet) -> i64 {
        self.leave_server(path, at, packet)
    }

    fn leave_server(&mut self, path: &Path, at: i64, packet: Packet) -> i64 {
        let kind = self.cluster.endpoint(path.server).kind;
        let (Some(node), EndpointKind::Pod | EndpointKind::Health) = (path.server_node, kind)
        else {
            return at + path.wire;
        };
        if self.aggregation == MonitorAggregation::None {
            let record = self.record(path, node, at, packet, true);
            self.trace(
                record,
                TraceObservationPoint::FromEndpoint,
                TraceReason::Unknown,
                TrafficDirection::Unknown,
                0,
            );
        }
        let at = at + HOP;
        let record = self.record(path, node, at, packet, true);
        // Replies of a load-balanced service pass the reverse translation.
        let point = if self.cluster.endpoint(path.client).kind == EndpointKind::World {
            TraceObservationPoint::ToNetwork
        } else {
            TraceObservationPoint::ToStack
        };
        self.trace(record, point, TraceReason::Reply, TrafficDirection::Ingress, 0);
        if point == TraceObservationPoint::ToNetwork {
            return at + path.wire;
        }
        match self.leave_node(path, node, at + HOP, packet, true) {
            Fate::Arrived(at) => at,
            Fate::Dropped => at,
        }
    }

    /// The client's node: a reply into the pod.
    pub(super) fn reach_client(&mut self, path: &Path, at: i64, packet: Packet) -> i64 {
        let kind = self.cluster.endpoint(path.client).kind;
        let (Some(node), EndpointKind::Pod) = (path.client_node, kind) else {
            return at;
        };
        let record = self.record(path, node, at, packet, true);
        self.trace(
            record,
            TraceObservationPoint::ToEndpoint,
            TraceReason::Reply,
            TrafficDirection::Egress,
            0,
        );
        at + HOP
    }

    /// An access record of the proxy on the client's node.
    pub(super) fn access(&mut self, path: &Path, at: i64, reply: bool, event: Event) {
        let Some(node) = path.client_node else { return };
        let packet = Packet {
            transport: match path.proxy() {
                Some(Proxy::Dns) => Transport::Udp,
                _ => Transport::Tcp(None),
            },
            bytes: 0,
            first: false,
        };
        let mut record = self.record(path, node, at, packet, reply);
        record.direction = TrafficDirection::Egress;
        record.is_reply = Some(reply);
        record.event = event;
        self.push(record);
    }

    /// Socket load balancing: the pod connects to a service, the kernel chooses a backend.
    pub(super) fn socket(&mut self, path: &Path, at: i64, frontend: EndpointId, service_port: u16) {
        let kind = self.cluster.endpoint(path.client).kind;
        let (Some(node), EndpointKind::Pod) = (path.client_node, kind) else {
            return;
        };
        let transport = match path.server_port {
            53 => Transport::Udp,
            _ => Transport::Tcp(None),
        };
        let packet = Packet { transport, bytes: 0, first: false };
        for translated in [false, true] {
            let mut record = self.record(path, node, at, packet, false);
            if translated {
                record.time_nanos += 2_000;
            } else {
                record.destination = frontend;
                record.destination_port = service_port;
            }
            // The socket is not bound yet when the address is chosen.
            record.source_port = 0;
            record.event = Event::Socket { translated };
            self.push(record);
        }
    }
}
