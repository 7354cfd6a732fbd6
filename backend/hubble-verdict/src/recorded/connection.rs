//! The connection that a record shows, with subject and peer.

use std::net::IpAddr;

use cilium_policy::{Access, Direction, Identity, Label, Settings, Traffic};
use flow::{CompanionKind, DropReason, Endpoint, Flow, Service};
use vocabulary::reserved;

use super::{
    Learned,
    shape::{Exchange, Shape, Unjudged, deciding_policies},
};

/// A flow as policy sees it: in the connection's direction, also where the packet is a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedConnection {
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
    pub is_subject_source: bool,
    /// Kind of the packet, where policy decided about a packet without a connection of its own.
    pub companion: Option<CompanionKind>,
}

/// Label key of the cluster.
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
/// Label key of the namespace.
const NAMESPACE: &str = cilium_policy::identity_label::POD_NAMESPACE;
/// Key of the namespace's own label with its name.
const NAMESPACE_NAME: &str = "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name";

/// A record's facts from which an identity is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordedEndpoint<'f> {
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
    /// Subject and peer of a record.
    pub(super) fn subject_and_peer(
        self,
        flow: &Flow,
    ) -> Result<(RecordedEndpoint<'_>, RecordedEndpoint<'_>), Unjudged> {
        let [source, destination] = endpoints(flow).ok_or(Unjudged::NoEndpoints)?;
        let (mut subject, mut peer) =
            if self.is_subject_source { (source, destination) } else { (destination, source) };
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

impl RecordedConnection {
    /// Subject, peer and traffic of a record. Errors: why policy has no verdict on the record.
    pub fn of(flow: &Flow, learned: &Learned, settings: &Settings) -> Result<Self, Unjudged> {
        let shape = Shape::of(flow)?;
        let (subject, peer) = shape.subject_and_peer(flow)?;
        let Shape { direction, exchange, traffic, is_subject_source, companion } = shape;
        Ok(Self {
            subject: subject.identity(learned, settings),
            peer: peer.identity(learned, settings),
            direction,
            traffic,
            exchange,
            is_subject_source,
            companion,
        })
    }

    /// The record as a question for a judge, with the named ports unknown.
    pub(crate) const fn access(&self) -> Access<'static, &Identity> {
        Access::new(&self.subject, &self.peer, self.direction, self.traffic)
    }
}

impl RecordedConnection {
    /// Identities of a record's source and destination, whether or not policy decided about it.
    pub(crate) fn identities(
        flow: &Flow,
        learned: &Learned,
        settings: &Settings,
    ) -> Option<[Identity; 2]> {
        Some(endpoints(flow)?.map(|endpoint| endpoint.identity(learned, settings)))
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

impl RecordedEndpoint<'_> {
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

    /// Labels of the endpoint, and whether labels that policies may select by were not recorded.
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

/// Source and destination of a record.
fn endpoints(flow: &Flow) -> Option<[RecordedEndpoint<'_>; 2]> {
    let (from, to) = (flow.source.as_ref()?, flow.destination.as_ref()?);
    let ip = flow.ip.as_ref();
    let source = RecordedEndpoint {
        endpoint: from,
        address: ip.map_or("", |ip| &ip.source),
        names: &flow.source_names,
        service: flow.source_service.as_ref(),
        namespace: &from.namespace,
        node_labels: None,
        is_unnamed: false,
    };
    let destination = RecordedEndpoint {
        endpoint: to,
        address: ip.map_or("", |ip| &ip.destination),
        names: &flow.destination_names,
        service: flow.destination_service.as_ref(),
        namespace: &to.namespace,
        ..source
    };
    Some([source, destination])
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
