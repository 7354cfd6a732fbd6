//! Who is behind a Service: what `EndpointSlices`, and `Endpoints` of which the cluster makes slices,
//! say. Source: `pkg/loadbalancer/reflectors/endpoints/endpoints.go`.

use crate::source::Node;

/// The address and port that the controllers of Gateway and Ingress write where nobody is. The agent
/// leaves it out.
const DUMMY: (&str, u16) = ("192.192.192.192", 9999);

/// Backends of a Service, by one document or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backends {
    /// Name of the Service.
    pub service: String,
    /// IP addresses, as written.
    pub addresses: Vec<String>,
    /// Name, protocol and number.
    pub ports: Vec<(String, u8, u16)>,
    /// Of `Endpoints`: where slices are at hand, these count.
    pub is_mirrored: bool,
    /// What is sent to the Service goes to Envoy: it is that of a Gateway or an Ingress.
    pub is_proxied: bool,
}

impl Backends {
    /// Those that an object names; none: it is about no Service.
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
