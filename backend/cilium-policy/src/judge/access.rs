//! The question that a judge answers: one direction of a flow.

use crate::{Direction, Protocol};

/// One direction of a flow between a subject and a peer. Both are identities (`I` is
/// [`&Identity`](crate::Identity)), or ids of their classes (`I` is [`ClassId`](crate::ClassId)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'p, I> {
    /// The endpoint whose policies decide.
    pub subject: I,
    /// The other endpoint.
    pub peer: I,
    /// The direction, seen from the subject.
    pub direction: Direction,
    /// The protocol and destination port.
    pub traffic: Traffic,
    /// The destination's named ports.
    pub named_ports: NamedPorts<'p>,
}

/// The traffic of a flow: protocol and destination port, or ICMP type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic {
    /// The protocol number of the IP header: 6 TCP, 17 UDP, 132 SCTP, 1 ICMP, 58 `ICMPv6`.
    pub protocol: u8,
    /// The destination port; for ICMP, the type; 0 for protocols with neither.
    pub port: u16,
    /// The ICMP code; `None` if it is unknown, or for other protocols.
    pub code: Option<u8>,
}

/// The destination's named ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NamedPorts<'p> {
    /// Unknown: a flow record does not carry them.
    #[default]
    Unknown,
    /// The complete list of name, protocol and number.
    Known(&'p [(String, u8, u16)]),
}

impl<I> Access<'_, I> {
    /// An access to a destination whose named ports are unknown.
    #[must_use]
    pub const fn new(subject: I, peer: I, direction: Direction, traffic: Traffic) -> Self {
        Self { subject, peer, direction, traffic, named_ports: NamedPorts::Unknown }
    }

    /// The same access with the destination's named ports.
    #[must_use]
    pub fn with_named_ports(self, named_ports: NamedPorts<'_>) -> Access<'_, I> {
        let Self { subject, peer, direction, traffic, .. } = self;
        Access { subject, peer, direction, traffic, named_ports }
    }
}

impl Traffic {
    /// Traffic to a port of a protocol; for ICMP, a type without a known code.
    #[must_use]
    pub const fn new(protocol: u8, port: u16) -> Self {
        Self { protocol, port, code: None }
    }

    /// The same traffic with an ICMP code.
    #[must_use]
    pub const fn with_code(self, code: u8) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Whether it is the ICMP message for a packet too large for the path.
    #[must_use]
    pub const fn is_fragmentation_needed(self) -> bool {
        matches!(self, Self { protocol: 1, port: 3, code: Some(4) })
    }
}

impl std::fmt::Display for Traffic {
    /// The traffic in words, as `80/TCP` or `ICMP type 8`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let protocol = Protocol::Number(self.protocol);
        match self.protocol {
            1 | 58 => write!(f, "{} type {}", protocol.name(), self.port),
            6 | 17 | 132 => write!(f, "{}/{}", self.port, protocol.name()),
            number => match protocol.name() {
                "unknown protocol" => write!(f, "IP protocol {number}"),
                name => f.write_str(name),
            },
        }
    }
}
