//! Subject and peer of a record.

use std::net::IpAddr;

use cilium_policy::{Direction, Identity, Label, Settings, Traffic};
use flow::{
    Companion, CompanionKind, DropReason, Endpoint, Flow, Layer4, MessageType, Policy, Service,
    TrafficDirection,
};
use vocabulary::reserved;

use super::Learned;

/// A flow as policy sees it: in the connection's direction, whichever end sent this packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The subject of policy.
    pub subject: Identity,
    /// The peer.
    pub peer: Identity,
    /// The subject's direction.
    pub direction: Direction,
    /// The connection's destination port.
    pub traffic: Traffic,
    /// Whether this packet goes with the connection or against it.
    pub exchange: Exchange,
    /// Whether the subject is the source of this packet.
    pub subject_is_sender: bool,
    /// Kind of the packet, where policy decided about a packet without a connection of its own.
    pub companion: Option<CompanionKind>,
}

/// Label key of the cluster.
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
/// Label key of the namespace.
const NAMESPACE: &str = cilium_policy::identity_label::POD_NAMESPACE;
/// Key of the namespace's own label with its name.
const NAMESPACE_NAME: &str = "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name";

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
    #[error("this kind of event is not about policy")]
    NotAPacket,
    /// A packet that accompanies a connection, or traffic of the node itself.
    #[error("policy is not asked about {0}")]
    NotAsked(CompanionKind),
    /// An unknown direction, where it is not known either whether policy decided.
    #[error(
        "the record does not say which end opened this: it may be an answer, which passes without asking policy"
    )]
    MayBeAnswer,
    /// A missing transport header.
    #[error("the record has no protocol and port")]
    NoTransport,
    /// A missing traffic direction.
    #[error("the record does not say whose side it was seen on")]
    NoDirection,
    /// Missing endpoints.
    #[error("the record does not say who talks")]
    NoEndpoints,
}

/// A record's facts without its endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(super) direction: Direction,
    pub(super) exchange: Exchange,
    pub(super) traffic: Traffic,
    pub(super) subject_is_sender: bool,
    pub(super) companion: Option<CompanionKind>,
}

/// A record's facts from which an identity is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Party<'f> {
    endpoint: &'f Endpoint,
    address: &'f str,
    names: &'f [String],
    service: Option<&'f Service>,
    /// The pod's namespace, as far as the record has it.
    namespace: &'f str,
    /// Labels of the node, where the node is the subject of policy.
    node_labels: Option<&'f [String]>,
    /// Whether policy denied it as an address without a learned name.
    is_unnamed: bool,
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
        let subject_is_sender = (direction == Direction::Egress) != is_reply;
        Ok(Self { direction, exchange, traffic, subject_is_sender, companion })
    }

    /// Names of a record's subject: its pod, its address.
    pub(super) fn names_of_subject(self, flow: &Flow) -> [Option<String>; 2] {
        let ip = flow.ip.as_ref();
        let (endpoint, address) = if self.subject_is_sender {
            (&flow.source, ip.map(|ip| &ip.source))
        } else {
            (&flow.destination, ip.map(|ip| &ip.destination))
        };
        let pod = endpoint.as_ref().filter(|own| !own.pod_name.is_empty());
        let pod = pod.map(|own| format!("{}/{}", own.namespace, own.pod_name));
        [pod, address.filter(|own| !own.is_empty()).cloned()]
    }

    /// Subject and peer of a record.
    pub(super) fn parties(self, flow: &Flow) -> Result<(Party<'_>, Party<'_>), Unjudged> {
        let [sender, receiver] = ends(flow).ok_or(Unjudged::NoEndpoints)?;
        let (mut subject, mut peer) =
            if self.subject_is_sender { (sender, receiver) } else { (receiver, sender) };
        if subject.namespace.is_empty() {
            // Policies of a namespace select only its own pods.
            let (allowed, denied) = deciding_policies(flow, self.direction);
            let named = denied.iter().chain(allowed).find(|policy| !policy.namespace.is_empty());
            subject.namespace = named.map_or("", |policy| &policy.namespace);
        }
        subject.node_labels = Some(&flow.node_labels);
        peer.is_unnamed = self.direction == Direction::Egress
            && flow.verdict == flow::Verdict::Dropped
            && flow.drop_reason() == DropReason::POLICY_DENIED;
        Ok((subject, peer))
    }
}

impl Sides {
    /// Subject, peer and traffic of a record. Errors: why policy has no verdict on the record.
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

impl Sides {
    /// Both ends of a record, whether or not policy decided about it.
    pub(crate) fn ends(
        flow: &Flow,
        learned: &Learned,
        settings: &Settings,
    ) -> Option<[Identity; 2]> {
        Some(ends(flow)?.map(|party| party.identity(learned, settings)))
    }

    /// The Service, as `namespace/name`, whose own address is the destination: policy saw no
    /// backend of it.
    #[must_use]
    pub fn untranslated_service(&self) -> Option<String> {
        if self.direction != Direction::Egress || !self.peer.is_world() {
            return None;
        }
        let (namespace, name) = self.peer.services().first()?;
        Some(format!("{namespace}/{name}"))
    }
}

impl Party<'_> {
    pub(super) fn identity(&self, learned: &Learned, settings: &Settings) -> Identity {
        let address: Option<IpAddr> = self.address.parse().ok();
        let (labels, is_thin) = self.labels(settings);
        let is_unnamed = self.is_unnamed && do_labels_tell_names(&labels);
        let known = address.map(|address| learned.names(address)).unwrap_or_default();
        let names = self.names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        let mut identity =
            Identity::recorded(labels, address).with_names(names.chain(known.iter().cloned()));
        if is_thin {
            identity = identity.with_partial_labels();
        }
        if is_unnamed {
            identity = identity.without_learned_name();
        }
        match self.service {
            Some(service) if !service.name.is_empty() => {
                identity.with_service(&service.namespace, &service.name)
            }
            _ => identity,
        }
    }

    /// Labels of the party, and whether labels that policies may select by were not recorded.
    fn labels(&self, settings: &Settings) -> (Vec<Label>, bool) {
        let mut labels: Vec<Label> =
            self.endpoint.labels.iter().map(|text| recorded_label(text)).collect();
        // The identity was not known.
        labels.retain(|label| !(label.source == "reserved" && label.key == "unknown"));
        if labels.is_empty() {
            labels.extend(reserved_labels(self.endpoint.identity));
        }
        let is = |labels: &[Label], key: &str| labels.iter().any(|label| label.key == key);
        let k8s = |key: &str, value: &str| Label {
            key: key.to_owned(),
            value: value.to_owned(),
            source: "k8s".to_owned(),
        };
        if labels.iter().any(|label| label.source == "reserved" && label.key == "host") {
            let Some(node_labels) = self.node_labels else { return (labels, false) };
            labels.extend(node_labels.iter().map(|text| {
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                k8s(key, value)
            }));
            return (labels, node_labels.is_empty());
        }
        if !labels.iter().any(|label| label.source == "k8s") {
            return (labels, false);
        }
        let is_thin = !is(&labels, NAMESPACE);
        if is_thin && !self.namespace.is_empty() {
            labels.push(k8s(NAMESPACE, self.namespace));
            if !is(&labels, NAMESPACE_NAME) {
                labels.push(k8s(NAMESPACE_NAME, self.namespace));
            }
        }
        if is(&labels, NAMESPACE) && !is(&labels, CLUSTER) {
            // Agents always set the label; some records are filtered.
            let name = if self.endpoint.cluster_name.is_empty() {
                &settings.cluster_name
            } else {
                &self.endpoint.cluster_name
            };
            labels.push(k8s(CLUSTER, name));
        }
        (labels, is_thin)
    }
}

/// Both ends of a record, the source first.
fn ends(flow: &Flow) -> Option<[Party<'_>; 2]> {
    let (source, destination) = (flow.source.as_ref()?, flow.destination.as_ref()?);
    let ip = flow.ip.as_ref();
    let sender = Party {
        endpoint: source,
        address: ip.map_or("", |ip| &ip.source),
        names: &flow.source_names,
        service: flow.source_service.as_ref(),
        namespace: &source.namespace,
        node_labels: None,
        is_unnamed: false,
    };
    let receiver = Party {
        endpoint: destination,
        address: ip.map_or("", |ip| &ip.destination),
        names: &flow.destination_names,
        service: flow.destination_service.as_ref(),
        namespace: &destination.namespace,
        ..sender
    };
    Some([sender, receiver])
}

/// The side on which a record was seen; where it is not recorded, the direction of the policies
/// that the record names.
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

/// A recorded label. Some recorders leave out the label's source; it is a pod's then.
fn recorded_label(text: &str) -> Label {
    let key = text.split_once('=').map_or(text, |(key, _)| key);
    if key.contains(':') || key.starts_with('$') {
        return Label::parse(text);
    }
    Label { source: "k8s".to_owned(), ..Label::parse(&format!(":{text}")) }
}

/// Whether the labels of an address would show that a `toFQDNs` name led to it. Such an address has
/// an identity of its own: since Cilium 1.16 its labels name each `toFQDNs` (`fqdn:…`); before,
/// they name the address alone (`cidr:…`), and leave open whether a name led to it.
fn do_labels_tell_names(labels: &[Label]) -> bool {
    let has = |source: &str| labels.iter().any(|label| label.source == source);
    !has("cidr") || has("fqdn")
}

/// Labels of reserved identities, for records with the number alone.
fn reserved_labels(identity: u32) -> Vec<Label> {
    reserved::keys(identity)
        .map(|key| Label {
            key: key.to_owned(),
            value: String::new(),
            source: reserved::SOURCE.to_owned(),
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

/// The ICMP type of the connection: for an echo reply, that of the echo request.
fn icmp_type(own: u8, is_reply: bool, [reply, request]: [u8; 2]) -> u16 {
    u16::from(if is_reply && own == reply { request } else { own })
}
