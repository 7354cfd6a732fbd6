//! A connection's path through the cluster, and its packets.

use flow::{TcpFlags, TrafficDirection};

use super::{MILLISECOND, Simulation};
use crate::cluster::{EndpointId, HostId, NodeId};
use crate::record::Transport;
use crate::scenario::{Connection, Decision, Port, Proxy};

/// Ports of the DNS proxy and of Envoy, the same on each node for the life of an agent.
const DNS_PROXY_PORT: u16 = 41_973;
const ENVOY_PORT: u16 = 15_204;

/// A connection in progress, with the decisions of both endpoints' policies.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) client: EndpointId,
    pub(super) server: EndpointId,
    pub(super) client_port: u16,
    pub(super) server_port: u16,
    /// The connection as policies see it.
    pub(super) connection: Connection,
    pub(super) egress: Decision,
    pub(super) ingress: Decision,
    /// Name of the server, if the DNS proxy of the client's node has seen it resolve.
    pub(super) server_name: Option<HostId>,
    pub(super) client_node: Option<NodeId>,
    pub(super) server_node: Option<NodeId>,
    /// One-way latency between the two nodes, in nanoseconds.
    pub(super) wire: i64,
}

/// Delivery of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Arrived at this time, in Unix nanoseconds.
    Arrived(i64),
    Dropped,
}

impl Path {
    /// The proxy on the client's node, if the connection goes through one.
    pub(super) fn proxy(&self) -> Option<Proxy> {
        self.egress.proxy()
    }

    pub(super) fn proxy_port(&self) -> u16 {
        match self.proxy() {
            Some(Proxy::Dns) => DNS_PROXY_PORT,
            Some(Proxy::Envoy) => ENVOY_PORT,
            None => 0,
        }
    }

    /// Whether the policies of both endpoints allow the connection.
    pub(super) fn is_open(&self) -> bool {
        self.egress.passes() && self.ingress.passes()
    }

    pub(super) fn same_node(&self) -> bool {
        self.client_node.is_some() && self.client_node == self.server_node
    }
}

/// One packet of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) transport: Transport,
    pub(super) bytes: u32,
    /// Whether this is the first packet of a connection or of a retry, which policies check and
    /// report.
    pub(super) first: bool,
}

impl Packet {
    pub(super) fn tcp(flags: TcpFlags, bytes: u32) -> Self {
        Self { transport: Transport::Tcp(Some(flags)), bytes, first: flags == TcpFlags::SYN }
    }

    pub(super) fn udp(bytes: u32) -> Self {
        Self { transport: Transport::Udp, bytes, first: true }
    }
}

impl Simulation {
    /// Looks a connection up in the policies of both endpoints.
    pub(super) fn open_path(&mut self, connection: Connection) -> Path {
        let Connection { source: client, destination: server, port } = connection;
        let egress = self.policies.decide(connection, TrafficDirection::Egress);
        let ingress = self.policies.decide(connection, TrafficDirection::Ingress);
        let cluster = &self.cluster;
        let client_node = cluster.endpoint(client).node;
        let server_node = cluster.endpoint(server).node;
        let wire = match (client_node, server_node) {
            (Some(a), Some(b)) if a == b => self.span(10_000, 60_000),
            (Some(_), Some(_)) => self.span(250_000, 900_000),
            _ => self.span(4 * MILLISECOND, 40 * MILLISECOND),
        };
        Path {
            client,
            server,
            client_port: self.ephemeral_port(client),
            server_port: match port {
                Port::Tcp(port) | Port::Udp(port) => port,
                Port::Echo => 0,
            },
            connection,
            egress,
            ingress,
            server_name: None,
            client_node,
            server_node,
            wire,
        }
    }
}
