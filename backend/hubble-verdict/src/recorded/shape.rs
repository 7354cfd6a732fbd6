//! Direction and traffic of a record's connection.

use cilium_policy::{Direction, Traffic};
use flow::{Companion, CompanionKind, Flow, Layer4, MessageType, Policy, TrafficDirection};

/// A packet's way in its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exchange {
    /// With the connection.
    Request,
    /// Against the connection; policy does not decide about replies.
    Reply,
    /// Not recorded; judged as a request.
    Unknown,
}

/// The reason why a record cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Unjudged {
    /// Socket calls, debug captures and agent messages, which occur before or beside policy.
    #[error("policy does not decide about this kind of event")]
    NotAPacket,
    /// A packet that accompanies a connection, or traffic of the node itself.
    #[error("policy is not asked about {0}")]
    NotAsked(CompanionKind),
    /// An unknown direction, where it is not known either whether policy decided.
    #[error(
        "the record does not show which endpoint opened the connection: it may be a reply, which policy does not check"
    )]
    MayBeAnswer,
    /// A missing transport header.
    #[error("the record has no protocol and port")]
    NoTransport,
    /// A missing traffic direction.
    #[error("the record has no traffic direction")]
    NoDirection,
    /// Missing endpoints.
    #[error("the record lacks its source or its destination")]
    NoEndpoints,
}

/// A record's facts without its endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(super) direction: Direction,
    pub(super) exchange: Exchange,
    pub(super) traffic: Traffic,
    pub(super) is_subject_source: bool,
    pub(super) companion: Option<CompanionKind>,
}

impl Shape {
    /// The facts of a record. Errors: the reason why policy has no verdict on the record.
    pub(super) fn of(flow: &Flow) -> Result<Self, Unjudged> {
        let event = flow.event_type.map(|event| event.message_type);
        if matches!(
            event,
            Some(
                MessageType::TraceSock
                    | MessageType::Debug
                    | MessageType::Capture
                    | MessageType::Agent
            )
        ) {
            return Err(Unjudged::NotAPacket);
        }
        if Companion::may_be_answer(flow) {
            return Err(Unjudged::MayBeAnswer);
        }
        let companion = match Companion::of(flow) {
            // A setting decides whether policy applies to this one.
            Some(Companion { kind: CompanionKind::FragmentationNeeded, .. }) => {
                Some(CompanionKind::FragmentationNeeded)
            }
            Some(Companion { kind, was_asked: false }) => return Err(Unjudged::NotAsked(kind)),
            companion => companion.map(|companion| companion.kind),
        };
        let direction = direction(flow).ok_or(Unjudged::NoDirection)?;
        let exchange = match flow.reply() {
            Some(true) => Exchange::Reply,
            Some(false) => Exchange::Request,
            None => Exchange::Unknown,
        };
        let is_reply = exchange == Exchange::Reply;
        let traffic = traffic(flow.l4.as_ref().ok_or(Unjudged::NoTransport)?, is_reply)
            .ok_or(Unjudged::NoTransport)?;
        // The direction is the connection's: an egress reply comes back to the subject.
        let is_subject_source = (direction == Direction::Egress) != is_reply;
        Ok(Self { direction, exchange, traffic, is_subject_source, companion })
    }

    /// Names of a record's subject: its pod, its address.
    pub(super) fn names_of_subject(self, flow: &Flow) -> [Option<String>; 2] {
        let ip = flow.ip.as_ref();
        let (endpoint, address) = if self.is_subject_source {
            (&flow.source, ip.map(|ip| &ip.source))
        } else {
            (&flow.destination, ip.map(|ip| &ip.destination))
        };
        let pod = endpoint.as_ref().filter(|own| !own.pod_name.is_empty());
        let pod = pod.map(|own| format!("{}/{}", own.namespace, own.pod_name));
        [pod, address.filter(|own| !own.is_empty()).cloned()]
    }
}

/// The direction of a record; where it is not recorded, the direction of the policies that the
/// record names.
fn direction(flow: &Flow) -> Option<Direction> {
    match flow.traffic_direction {
        TrafficDirection::Ingress => return Some(Direction::Ingress),
        TrafficDirection::Egress => return Some(Direction::Egress),
        _ => {}
    }
    let is_named = |direction| {
        let (allowed, denied) = deciding_policies(flow, direction);
        !allowed.is_empty() || !denied.is_empty()
    };
    match (is_named(Direction::Ingress), is_named(Direction::Egress)) {
        (true, false) => Some(Direction::Ingress),
        (false, true) => Some(Direction::Egress),
        _ => None,
    }
}

/// Policies that a record names for a direction: those that allowed, and those that denied.
pub(super) fn deciding_policies(flow: &Flow, direction: Direction) -> (&[Policy], &[Policy]) {
    match direction {
        Direction::Ingress => (&flow.ingress_allowed_by, &flow.ingress_denied_by),
        Direction::Egress => (&flow.egress_allowed_by, &flow.egress_denied_by),
    }
}

/// The connection's destination port; for ICMP, the type.
fn traffic(l4: &Layer4, is_reply: bool) -> Option<Traffic> {
    let port = |source: u16, destination: u16| if is_reply { source } else { destination };
    Some(match l4 {
        Layer4::Tcp(tcp) => Traffic::new(6, port(tcp.source_port, tcp.destination_port)),
        Layer4::Udp(udp) => Traffic::new(17, port(udp.source_port, udp.destination_port)),
        Layer4::Sctp(sctp) => Traffic::new(132, port(sctp.source_port, sctp.destination_port)),
        Layer4::Icmpv4(icmp) => {
            Traffic::new(1, icmp_type(icmp.icmp_type, is_reply, [0, 8])).with_code(icmp.code)
        }
        Layer4::Icmpv6(icmp) => {
            Traffic::new(58, icmp_type(icmp.icmp_type, is_reply, [129, 128])).with_code(icmp.code)
        }
        Layer4::Vrrp(_) => Traffic::new(112, 0),
        Layer4::Igmp(_) => Traffic::new(2, 0),
        Layer4::Unknown => return None,
    })
}

/// The ICMP type of the connection: for an echo reply, that of the echo request.
fn icmp_type(own: u8, is_reply: bool, [reply, request]: [u8; 2]) -> u16 {
    u16::from(if is_reply && own == reply { request } else { own })
}
