//! Transport headers.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::SctpChunkType;

/// Transport header of a packet. Source: flow.proto `Layer4`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Layer4 {
    /// Transport header of a protocol that is not listed here.
    #[default]
    Unknown,
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Udp),
    /// ICMP for IPv4.
    Icmpv4(Icmp),
    /// ICMP for IPv6.
    Icmpv6(Icmp),
    /// SCTP.
    Sctp(Sctp),
    /// VRRP.
    Vrrp(Vrrp),
    /// IGMP.
    Igmp(Igmp),
}

/// TCP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tcp {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// TCP flags; absent for L7 observations.
    pub flags: Option<TcpFlags>,
}

/// UDP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Udp {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
}

/// SCTP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Sctp {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Type of the packet's first chunk.
    pub chunk_type: SctpChunkType,
}

/// ICMP or `ICMPv6` header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// Message type.
    pub icmp_type: u8,
    /// Message code.
    pub code: u8,
}

/// VRRP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Vrrp {
    /// Message type.
    pub vrrp_type: u32,
    /// Virtual router id.
    pub vrid: u32,
    /// Priority; 255 belongs to the owner of the address.
    pub priority: u32,
}

/// IGMP header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Igmp {
    /// Message type.
    pub igmp_type: u32,
    /// Multicast group.
    pub group_address: String,
}

/// Set of TCP flags.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(u16);

impl Layer4 {
    /// Protocol name in Hubble's spelling (`TCP`, `ICMPv4`); `None` for an unknown one.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Tcp(_) => Some("TCP"),
            Self::Udp(_) => Some("UDP"),
            Self::Icmpv4(_) => Some("ICMPv4"),
            Self::Icmpv6(_) => Some("ICMPv6"),
            Self::Sctp(_) => Some("SCTP"),
            Self::Vrrp(_) => Some("VRRP"),
            Self::Igmp(_) => Some("IGMP"),
        }
    }

    /// Port of the sender; `None` if the protocol has no ports.
    #[must_use]
    pub const fn source_port(&self) -> Option<u16> {
        match self {
            Self::Tcp(tcp) => Some(tcp.source_port),
            Self::Udp(udp) => Some(udp.source_port),
            Self::Sctp(sctp) => Some(sctp.source_port),
            Self::Unknown | Self::Icmpv4(_) | Self::Icmpv6(_) | Self::Vrrp(_) | Self::Igmp(_) => {
                None
            }
        }
    }

    /// Port of the receiver; `None` if the protocol has no ports.
    #[must_use]
    pub const fn destination_port(&self) -> Option<u16> {
        match self {
            Self::Tcp(tcp) => Some(tcp.destination_port),
            Self::Udp(udp) => Some(udp.destination_port),
            Self::Sctp(sctp) => Some(sctp.destination_port),
            Self::Unknown | Self::Icmpv4(_) | Self::Icmpv6(_) | Self::Vrrp(_) | Self::Igmp(_) => {
                None
            }
        }
    }
}

impl TcpFlags {
    /// Set without flags.
    pub const EMPTY: Self = Self(0);
    /// End of data.
    pub const FIN: Self = Self(1);
    /// Opening of a connection.
    pub const SYN: Self = Self(1 << 1);
    /// Abort of a connection.
    pub const RST: Self = Self(1 << 2);
    /// Request to pass the data on at once.
    pub const PSH: Self = Self(1 << 3);
    /// Acknowledgement.
    pub const ACK: Self = Self(1 << 4);
    /// Valid urgent pointer.
    pub const URG: Self = Self(1 << 5);
    /// Congestion experienced.
    pub const ECE: Self = Self(1 << 6);
    /// Congestion window reduced.
    pub const CWR: Self = Self(1 << 7);
    /// Nonce sum.
    pub const NS: Self = Self(1 << 8);

    /// Every flag with its name, in the order of `flow.proto`.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::FIN, "FIN"),
        (Self::SYN, "SYN"),
        (Self::RST, "RST"),
        (Self::PSH, "PSH"),
        (Self::ACK, "ACK"),
        (Self::URG, "URG"),
        (Self::ECE, "ECE"),
        (Self::CWR, "CWR"),
        (Self::NS, "NS"),
    ];

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no flags are set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Union of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Flags as bits: FIN is bit 0, NS is bit 8, as in the header.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Set of the given bits; bits above NS are dropped.
    #[must_use]
    pub const fn from_bits_truncate(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// Names of the flags that are set, in the order of `flow.proto`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for TcpFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Display for TcpFlags {
    /// Format of `hubble observe`: `SYN, ACK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for name in self.names() {
            write!(f, "{separator}{name}")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpFlags({self})")
    }
}
