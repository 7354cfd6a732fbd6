//! Packets that accompany a connection: replies, errors and housekeeping of the network.
//!
//! The datapath lets them pass without consulting policy, as long as it knows their connection.
//! Otherwise it takes them for a new connection: policy then refuses a server's replies, and a rule
//! that allows the client's port would do harm. Source: bpf/lib/conntrack.h, bpf/lib/policy.h,
//! bpf/lib/icmp6.h, `bpf/bpf_lxc.c`.

use std::fmt;

use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, REPLY_UNKNOWN, at, l4_protocol, l7_record};
use crate::{DropReason, Flow, Layer4, MessageType, TcpFlags, TraceReason, Verdict};

/// Packet that accompanies a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Companion {
    /// Kind of the packet.
    pub kind: CompanionKind,
    /// Whether policy was consulted all the same, because the datapath knew no connection for the
    /// packet.
    pub was_asked: bool,
}

/// Kind of a packet that accompanies a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// Traffic of a pod to itself, for example through a Service.
    OwnService,
    /// `ICMPv6` neighbour solicitations and advertisements.
    Neighbours,
    /// ICMP 3/4. Passes without a rule, unless `allow-icmp-frag-needed` is off.
    FragmentationNeeded,
    /// ICMP error, or another packet that connection tracking relates to a connection.
    Related,
    /// A kernel's messages to the routers and multicast groups of its link (IGMP, MLD, router
    /// discovery).
    LinkTalk,
    /// Reply to a ping.
    EchoReply,
    /// TCP SYN and ACK of a server.
    Handshake,
    /// TCP RST of a server.
    Reset,
    /// Packet from a server's port to a client's port.
    ServerPort,
}

/// Fields of a packet that identify it as a companion.
struct Packet<'p> {
    ips: [&'p str; 2],
    l4_protocol: u8,
    ports: [u16; 2],
    /// TCP flags; empty if not known.
    flags: TcpFlags,
    icmp: [u8; 2],
    is_reply: Option<bool>,
    event: MessageType,
    verdict: Verdict,
    drop_reason: DropReason,
    trace_reason: TraceReason,
}

/// Address under which a pod sees itself when it reaches itself through a Service. Source:
/// daemon/infraendpoints/cell.go.
const SERVICE_LOOPBACK: [&str; 2] = ["169.254.42.1", "fe80::1"];
/// First port that Linux assigns to clients.
const FIRST_CLIENT_PORT: u16 = 32_768;
/// Port of DNS servers.
const DNS_PORT: u16 = 53;
/// First port open to programs without privileges; DNS clients use no lower one.
const FIRST_UNPRIVILEGED_PORT: u16 = 1_024;

impl Companion {
    /// Columns that [`Companion::of_row`] reads.
    pub const COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::SourceIp,
        Column::DestinationIp,
        Column::L4Protocol,
        Column::SourcePort,
        Column::DestinationPort,
        Column::TcpFlags,
        Column::IcmpType,
        Column::IcmpCode,
        Column::IsReply,
        Column::EventType,
        Column::Verdict,
        Column::DropReason,
        Column::TraceReason,
        Column::L7Record,
    ]);

    /// Companion of a flow; `None` if the flow is part of a connection, as far as the record shows.
    #[must_use]
    pub fn of(flow: &Flow) -> Option<Self> {
        Packet::of(flow)?.companion()
    }

    /// Whether a flow may be a reply as well as the start of an exchange: the record does not show
    /// that policy was consulted, and neither its fields nor its ports settle it.
    #[must_use]
    pub fn may_be_answer(flow: &Flow) -> bool {
        Packet::of(flow).is_some_and(|packet| packet.may_be_answer())
    }

    /// Companion of the flow in a row, as [`Companion::of`].
    pub fn of_row(columns: &FlowColumns, row: usize) -> Option<Self> {
        Packet::of_row(columns, row)?.companion()
    }

    /// As [`Companion::may_be_answer`], for the flow of a row.
    pub fn may_row_be_answer(columns: &FlowColumns, row: usize) -> bool {
        Packet::of_row(columns, row).is_some_and(|packet| packet.may_be_answer())
    }
}

impl<'p> Packet<'p> {
    /// As [`Packet::of`], for the flow of a row.
    fn of_row(columns: &'p FlowColumns, row: usize) -> Option<Self> {
        let l4_protocol = at(columns.l4_protocol(), row);
        let has_no_header = matches!(l4_protocol, l4_protocol::NONE | l4_protocol::VRRP);
        if at(columns.l7_record(), row) != l7_record::NONE || has_no_header {
            return None;
        }
        Some(Self {
            ips: [
                EndpointRole::Source.ip(columns, row),
                EndpointRole::Destination.ip(columns, row),
            ],
            l4_protocol,
            ports: [
                EndpointRole::Source.port(columns, row),
                EndpointRole::Destination.port(columns, row),
            ],
            flags: TcpFlags::from_bits_truncate(at(columns.tcp_flags(), row)),
            icmp: [at(columns.icmp_type(), row), at(columns.icmp_code(), row)],
            is_reply: match at(columns.is_reply(), row) {
                REPLY_UNKNOWN => None,
                is_reply => Some(is_reply == 1),
            },
            event: MessageType::from_number(at(columns.event_type(), row)),
            verdict: Verdict::from_number(at(columns.verdict(), row)),
            drop_reason: DropReason::from_number(at(columns.drop_reason(), row)),
            trace_reason: TraceReason::from_number(at(columns.trace_reason(), row)),
        })
    }

    /// Packet of a flow; `None` for L7 messages and records without a transport header.
    fn of(flow: &'p Flow) -> Option<Self> {
        if flow.l7.is_some() {
            return None;
        }
        let l4 = flow.l4.as_ref()?;
        let (protocol, flags, icmp) = match l4 {
            Layer4::Tcp(tcp) => (l4_protocol::TCP, tcp.flags.unwrap_or_default(), [0; 2]),
            Layer4::Udp(_) => (l4_protocol::UDP, TcpFlags::EMPTY, [0; 2]),
            Layer4::Sctp(_) => (l4_protocol::SCTP, TcpFlags::EMPTY, [0; 2]),
            Layer4::Icmpv4(icmp) => {
                (l4_protocol::ICMPV4, TcpFlags::EMPTY, [icmp.icmp_type, icmp.code])
            }
            Layer4::Icmpv6(icmp) => {
                (l4_protocol::ICMPV6, TcpFlags::EMPTY, [icmp.icmp_type, icmp.code])
            }
            Layer4::Igmp(_) => (l4_protocol::IGMP, TcpFlags::EMPTY, [0; 2]),
            Layer4::Vrrp(_) | Layer4::Unknown => return None,
        };
        let ip = flow.ip.as_ref();
        Some(Self {
            ips: ip.map_or(["", ""], |ip| [&ip.source, &ip.destination]),
            l4_protocol: protocol,
            ports: [l4.source_port().unwrap_or(0), l4.destination_port().unwrap_or(0)],
            flags,
            icmp,
            is_reply: flow.reply(),
            event: flow.event_type.map_or(MessageType::Unspec, |event| event.message_type),
            verdict: flow.verdict,
            drop_reason: flow.drop_reason(),
            trace_reason: flow.trace_reason,
        })
    }

    fn companion(&self) -> Option<Companion> {
        let kind = self.kind()?;
        let was_asked = self.is_refused_by_policy()
            || match kind {
                CompanionKind::Neighbours | CompanionKind::FragmentationNeeded => false,
                CompanionKind::LinkTalk => true,
                // Connection tracking follows it like any other packet, but policy is skipped.
                CompanionKind::OwnService => self.event == MessageType::PolicyVerdict,
                _ => self.event == MessageType::PolicyVerdict || self.is_tracked_request(),
            };
        Some(Companion { kind, was_asked })
    }

    fn kind(&self) -> Option<CompanionKind> {
        let [icmp_type, icmp_code] = self.icmp;
        match (self.l4_protocol, icmp_type) {
            (l4_protocol::ICMPV6, 135 | 136) => return Some(CompanionKind::Neighbours),
            (l4_protocol::ICMPV6, 130..=134 | 137 | 143) | (l4_protocol::IGMP, _) => {
                return Some(CompanionKind::LinkTalk);
            }
            (l4_protocol::ICMPV4, 3) if icmp_code == 4 => {
                return Some(CompanionKind::FragmentationNeeded);
            }
            _ => {}
        }
        if self.trace_reason == TraceReason::Related {
            return Some(CompanionKind::Related);
        }
        let [source, destination] = self.ips;
        let is_own = !source.is_empty() && source == destination;
        if is_own || self.ips.iter().any(|ip| SERVICE_LOOPBACK.contains(ip)) {
            return Some(CompanionKind::OwnService);
        }
        // A known reply is judged with its connection.
        if self.is_reply == Some(true) {
            return None;
        }
        match (self.l4_protocol, icmp_type) {
            (l4_protocol::ICMPV4, 3 | 11 | 12) | (l4_protocol::ICMPV6, 1..=4) => {
                Some(CompanionKind::Related)
            }
            (l4_protocol::ICMPV4, 0) | (l4_protocol::ICMPV6, 129) => Some(CompanionKind::EchoReply),
            (l4_protocol::TCP, _) => self.tcp(),
            (l4_protocol::UDP | l4_protocol::SCTP, _) => {
                self.is_from_server().then_some(CompanionKind::ServerPort)
            }
            _ => None,
        }
    }

    fn tcp(&self) -> Option<CompanionKind> {
        if self.flags.contains(TcpFlags::SYN | TcpFlags::ACK) {
            return Some(CompanionKind::Handshake);
        }
        if self.flags.contains(TcpFlags::SYN) || !self.is_from_server() {
            return None;
        }
        let is_reset = self.flags.contains(TcpFlags::RST);
        Some(if is_reset { CompanionKind::Reset } else { CompanionKind::ServerPort })
    }

    /// Whether the ports look like those of a reply and no other field contradicts it. If both
    /// ports may belong to clients, the greater one counts as the client's, but only for TCP
    /// packets without SYN.
    fn is_from_server(&self) -> bool {
        let [source, destination] = self.ports;
        let opens_nothing = !self.flags.is_empty() && !self.flags.contains(TcpFlags::SYN);
        let limit = if opens_nothing { destination } else { FIRST_CLIENT_PORT };
        let is_to_client = destination >= FIRST_CLIENT_PORT
            || (self.l4_protocol == l4_protocol::UDP
                && source == DNS_PORT
                && destination >= FIRST_UNPRIVILEGED_PORT);
        self.is_reply.is_none() && source != 0 && source < limit && is_to_client
    }

    fn may_be_answer(&self) -> bool {
        if self.is_refused_by_policy()
            || self.event == MessageType::PolicyVerdict
            || self.is_reply.is_some()
        {
            return false;
        }
        let [source, destination] = self.ports;
        match self.kind() {
            // A guess from the ports.
            Some(kind) => kind == CompanionKind::ServerPort,
            None if !matches!(self.l4_protocol, l4_protocol::UDP | l4_protocol::SCTP) => false,
            None if source == 0 || destination == 0 => false,
            // The lower port is the server's, unless it is a client port; well-known ports are
            // servers'.
            None => {
                source == destination
                    || destination >= FIRST_CLIENT_PORT
                    || (source < destination && destination >= FIRST_UNPRIVILEGED_PORT)
            }
        }
    }

    fn is_refused_by_policy(&self) -> bool {
        self.verdict == Verdict::Audit
            || (self.verdict == Verdict::Dropped
                && matches!(self.drop_reason, DropReason::POLICY_DENIED | DropReason::POLICY_DENY))
    }

    /// Whether connection tracking took the packet for the forward direction of a connection.
    const fn is_tracked_request(&self) -> bool {
        matches!(self.trace_reason, TraceReason::New | TraceReason::Established)
    }
}

impl CompanionKind {
    /// Whether the packet goes in the reverse direction of its connection.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::EchoReply | Self::Handshake | Self::Reset | Self::ServerPort)
    }
}

impl fmt::Display for CompanionKind {
    /// Words that fit "policy is not asked about …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnService => "a pod's own traffic through a Service",
            Self::Neighbours => "the neighbour discovery of IPv6",
            Self::FragmentationNeeded => {
                "ICMP fragmentation needed, which the agent lets pass without a rule unless `allow-icmp-frag-needed` is off"
            }
            Self::Related => "an ICMP error of a connection",
            Self::LinkTalk => "a kernel's messages to the routers and multicast groups of its link",
            Self::EchoReply => "the answer to a ping",
            Self::Handshake => "the answer of a server (SYN and ACK)",
            Self::Reset => "the answer of a server (RST)",
            Self::ServerPort => "a likely answer, from the port of a server to the port of a client",
        })
    }
}

#[cfg(test)]
mod tests;
