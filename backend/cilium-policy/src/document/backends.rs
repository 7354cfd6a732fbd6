//! Backends of Services, from `EndpointSlices`, and from `Endpoints` where the cluster mirrors them
//! to slices. Source: `pkg/loadbalancer/reflectors/endpoints/endpoints.go`.

use crate::source::Node;

/// The placeholder address and port that Gateway and Ingress controllers write without a backend.
/// The agent drops it.
const DUMMY: (&str, u16) = ("192.192.192.192", 9999);

/// The backends of a Service, from one document or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backends {
    /// The name of the Service.
    pub service: String,
    /// IP addresses, as written.
    pub addresses: Vec<String>,
    /// Port name, protocol and number.
    pub ports: Vec<(String, u8, u16)>,
    /// Whether they come from `Endpoints`: loaded slices count first.
    pub is_mirrored: bool,
    /// Whether Envoy receives the Service's traffic: the Service belongs to a Gateway or an
    /// Ingress.
    pub is_proxied: bool,
}

impl Backends {
    /// The backends in an object; empty if it describes no Service.
    pub fn read(kind: &str, node: &Node) -> Vec<Self> {
        match kind {
            "EndpointSlice" => {
                let service = node.text_at(&["metadata", "labels", "kubernetes.io/service-name"]);
                let endpoints = node.list_at(&["endpoints"]).iter();
                let addresses = endpoints.flat_map(|endpoint| endpoint.list_at(&["addresses"]));
                let addresses = addresses.filter_map(Node::as_str);
                vec![Self::of(service, addresses, node.list_at(&["ports"]), false)]
            }
            "Endpoints" => {
                let is_skipped = ["metadata", "labels", "endpointslice.kubernetes.io/skip-mirror"];
                if node.text_at(&is_skipped) == "true" {
                    return Vec::new();
                }
                let service = node.text_at(&["metadata", "name"]);
                let subsets = node.list_at(&["subsets"]).iter();
                let mut all = vec![Self::of(service, std::iter::empty(), &[], true)];
                all.extend(subsets.map(|subset| {
                    let lists = ["addresses", "notReadyAddresses"].into_iter();
                    let addresses = lists.flat_map(|list| subset.list_at(&[list]));
                    let addresses = addresses.map(|own| own.text_at(&["ip"]));
                    Self::of(service, addresses, subset.list_at(&["ports"]), true)
                }));
                all
            }
            _ => Vec::new(),
        }
    }

    fn of<'n>(
        service: &str,
        addresses: impl Iterator<Item = &'n str>,
        ports: &[Node],
        is_mirrored: bool,
    ) -> Self {
        let ports: Vec<(String, u8, u16)> = ports
            .iter()
            .filter_map(|own| {
                Some((own.text_at(&["name"]).to_owned(), own.protocol(), own.number_at("port")?))
            })
            .collect();
        let has_dummy = !ports.is_empty() && ports.iter().all(|(.., port)| *port == DUMMY.1);
        let all: Vec<&str> = addresses.collect();
        let is_dummy = |address: &&str| has_dummy && *address == DUMMY.0;
        Self {
            service: service.to_owned(),
            is_proxied: all.iter().any(is_dummy),
            addresses: all
                .into_iter()
                .filter(|address| !is_dummy(address))
                .map(str::to_owned)
                .collect(),
            ports,
            is_mirrored,
        }
    }
}
