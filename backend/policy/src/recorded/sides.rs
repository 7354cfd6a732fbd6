//! Which side of a record is the subject of policy.

use std::net::IpAddr;

use flow::{
    Companion, CompanionKind, Endpoint, Flow, Layer4, MessageType, Service, TrafficDirection,
};

use super::Learned;
use crate::{Direction, Identity, Label, Settings, Traffic};

/// A flow as policy sees it: the connection's direction, whoever sent this packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// Whom policy is asked about.
    pub subject: Identity,
    /// The other side.
    pub peer: Identity,
    /// The subject's direction.
    pub direction: Direction,
    /// The connection's destination port.
    pub traffic: Traffic,
    /// Whether this packet goes with the connection or against it.
    pub exchange: Exchange,
    /// Whether the subject is the sender of this packet.
    pub subject_is_sender: bool,
    /// What it is, where policy was asked about a packet that is no connection of its own.
    pub companion: Option<CompanionKind>,
}

/// Label key of the cluster.
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";

/// A packet's way in its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exchange {
    /// With the connection.
    Request,
    /// Against it: policy is not asked.
    Reply,
    /// The record does not say; taken as a request.
    Unknown,
}

/// Why a record cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Unjudged {
    /// Socket calls, debug captures and messages of the agent are before or beside policy.
    #[error("this kind of event is not about policy")]
    NotAPacket,
    /// It goes with a connection, or is the node's own affair.
    #[error("policy is not asked about {0}")]
    NotAsked(CompanionKind),
    /// No transport header.
    #[error("the record has no protocol and port")]
    NoTransport,
    /// No traffic direction.
    #[error("the record does not say whose side it was seen on")]
    NoDirection,
    /// No endpoints.
    #[error("the record does not say who talks")]
    NoEndpoints,
}

/// What a record says without its endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) direction: Direction,
    pub(super) exchange: Exchange,
    pub(super) traffic: Traffic,
    pub(super) subject_is_sender: bool,
    pub(super) companion: Option<CompanionKind>,
}

/// Everything of a record that an identity is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Party<'f> {
    endpoint: &'f Endpoint,
    address: &'f str,
    names: &'f [String],
    service: Option<&'f Service>,
}

impl Shape {
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
        let companion = match Companion::of(flow) {
            Some(Companion { kind, was_asked: false }) => return Err(Unjudged::NotAsked(kind)),
            companion => companion.map(|companion| companion.kind),
        };
        let direction = match flow.traffic_direction {
            TrafficDirection::Ingress => Direction::Ingress,
            TrafficDirection::Egress => Direction::Egress,
            _ => return Err(Unjudged::NoDirection),
        };
        let exchange = match flow.reply() {
            Some(true) => Exchange::Reply,
            Some(false) => Exchange::Request,
            None => Exchange::Unknown,
        };
        let is_reply = exchange == Exchange::Reply;
        let traffic = traffic(flow.l4.as_ref().ok_or(Unjudged::NoTransport)?, is_reply)
            .ok_or(Unjudged::NoTransport)?;
        // The direction is the connection's: an egress reply comes back to the subject.
        let subject_is_sender = (direction == Direction::Egress) != is_reply;
        Ok(Self { direction, exchange, traffic, subject_is_sender, companion })
    }

    /// Subject and peer of a record.
    pub(super) fn parties(self, flow: &Flow) -> Result<(Party<'_>, Party<'_>), Unjudged> {
        let (Some(source), Some(destination)) = (&flow.source, &flow.destination) else {
            return Err(Unjudged::NoEndpoints);
        };
        let ip = flow.ip.as_ref();
        let sender = Party {
            endpoint: source,
            address: ip.map_or("", |ip| &ip.source),
            names: &flow.source_names,
            service: flow.source_service.as_ref(),
        };
        let receiver = Party {
            endpoint: destination,
            address: ip.map_or("", |ip| &ip.destination),
            names: &flow.destination_names,
            service: flow.destination_service.as_ref(),
        };
        Ok(if self.subject_is_sender { (sender, receiver) } else { (receiver, sender) })
    }
}

impl Sides {
    /// Reads a record. Errors: why policy has nothing to say about it.
    pub fn of(flow: &Flow, learned: &Learned, settings: &Settings) -> Result<Self, Unjudged> {
        let shape = Shape::of(flow)?;
        let (subject, peer) = shape.parties(flow)?;
        let Shape { direction, exchange, traffic, subject_is_sender, companion } = shape;
        Ok(Self {
            subject: subject.identity(learned, settings),
            peer: peer.identity(learned, settings),
            direction,
            traffic,
            exchange,
            subject_is_sender,
            companion,
        })
    }
}

impl Party<'_> {
    pub(super) fn identity(&self, learned: &Learned, settings: &Settings) -> Identity {
        identity(
            self.endpoint,
            self.address.parse().ok(),
            self.names,
            self.service,
            (learned, settings),
        )
    }
}

fn identity(
    endpoint: &Endpoint,
    address: Option<IpAddr>,
    names: &[String],
    service: Option<&Service>,
    (learned, settings): (&Learned, &Settings),
) -> Identity {
    let mut labels: Vec<Label> = endpoint.labels.iter().map(|text| Label::parse(text)).collect();
    if labels.is_empty() {
        labels.extend(reserved(endpoint.identity));
    }
    let has = |key: &str| labels.iter().any(|label| label.key == key);
    if has("io.kubernetes.pod.namespace") && !has(CLUSTER) {
        // Agents always have it; some records are filtered.
        let name = if endpoint.cluster_name.is_empty() {
            &settings.cluster_name
        } else {
            &endpoint.cluster_name
        };
        labels.push(Label {
            key: CLUSTER.to_owned(),
            value: name.clone(),
            source: "k8s".to_owned(),
        });
    }
    let known = address.map(|address| learned.names(address)).unwrap_or_default();
    let names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase());
    let identity =
        Identity::recorded(labels, address).with_names(names.chain(known.iter().cloned()));
    match service {
        Some(service) if !service.name.is_empty() => {
            identity.with_service(&service.namespace, &service.name)
        }
        _ => identity,
    }
}

/// Labels of reserved identities, for records that carry the number alone.
fn reserved(identity: u32) -> Vec<Label> {
    let names: &[&str] = match identity {
        1 => &["host"],
        2 => &["world"],
        3 => &["unmanaged"],
        4 => &["health"],
        5 => &["init"],
        6 => &["remote-node"],
        7 => &["kube-apiserver", "remote-node"],
        8 => &["ingress"],
        9 => &["world-ipv4"],
        10 => &["world-ipv6"],
        _ => &[],
    };
    names
        .iter()
        .map(|name| Label {
            key: (*name).to_owned(),
            value: String::new(),
            source: "reserved".to_owned(),
        })
        .collect()
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

/// The connection of an echo reply is the echo request.
fn icmp_type(own: u8, is_reply: bool, [reply, request]: [u8; 2]) -> u16 {
    u16::from(if is_reply && own == reply { request } else { own })
}
