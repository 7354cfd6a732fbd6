//! The world outside: hosts with DNS names, customers, and unroutable addresses.

use std::net::Ipv4Addr;

use super::{Builder, EndpointId, EndpointKind, Stray};
use crate::scenario::label_sets_of_host;

/// A host that pods reach by its DNS name.
#[derive(Debug)]
pub(crate) struct ExternalHost {
    /// DNS name without the trailing dot.
    pub(crate) name: &'static str,
    /// CNAMEs in the DNS answer.
    pub(crate) cnames: &'static [&'static str],
    /// Time to live of the answer, in seconds.
    pub(crate) ttl_secs: u32,
    /// The host as `reserved:world`.
    pub(crate) world: EndpointId,
    /// The host under the identities that the `toFQDNs` selectors of any act give it.
    pub(crate) named: Vec<EndpointId>,
}

/// Name, address, CNAMEs, TTL in seconds.
type HostSpec = (&'static str, [u8; 4], &'static [&'static str], u32);

const HOSTS: &[HostSpec] = &[
    (
        "graph.microsoft.com",
        [20, 190, 152, 88],
        &["ags.privatelink.msidentity.com.", "www.tm.prd.ags.akadns.net."],
        120,
    ),
    (
        "developer.microsoft.com",
        [23, 45, 149, 11],
        &["developer.microsoft.com-c-3.edgekey.net."],
        300,
    ),
    (
        "www.microsoft.com",
        [23, 192, 18, 101],
        &["www.microsoft.com-c-3.edgekey.net.", "e13678.dscb.akamaiedge.net."],
        60,
    ),
    ("api.github.com", [140, 82, 112, 6], &[], 60),
    ("www.google.com", [142, 250, 72, 100], &[], 300),
    ("www.bing.com", [13, 107, 21, 200], &["www-www.bing.com.trafficmanager.net."], 30),
    ("management.azure.com", [20, 37, 158, 0], &["arm-frontdoor-prod.trafficmanager.net."], 30),
];

/// First of the identities that are local to a node and stand for CIDRs and DNS names.
const FIRST_LOCAL_IDENTITY: u32 = 1 << 24;

impl Builder {
    pub(super) fn hosts(&mut self) -> Vec<ExternalHost> {
        let mut label_sets: Vec<Vec<String>> = Vec::new();
        HOSTS
            .iter()
            .map(|&(name, ip, cnames, ttl_secs)| {
                let ip = Ipv4Addr::from(ip);
                let world =
                    self.reserved(EndpointKind::World, 2, &["reserved:world"], ip.to_string());
                let named = label_sets_of_host(name)
                    .into_iter()
                    .map(|labels| {
                        let known = label_sets.iter().position(|known| *known == labels);
                        let at = known.unwrap_or(label_sets.len());
                        let identity = (FIRST_LOCAL_IDENTITY + 1..).nth(at).unwrap_or(u32::MAX);
                        let texts: Vec<&str> = labels.iter().map(String::as_str).collect();
                        let id =
                            self.reserved(EndpointKind::World, identity, &texts, ip.to_string());
                        if known.is_none() {
                            label_sets.push(labels);
                        }
                        id
                    })
                    .collect();
                ExternalHost { name, cnames, ttl_secs, world, named }
            })
            .collect()
    }

    /// Customers from the networks that RFC 5737 reserves for documentation.
    pub(super) fn customers(&mut self) -> Vec<EndpointId> {
        (0..48_u8)
            .map(|at| {
                let last = 10 + at * 5;
                let ip = match at % 3 {
                    0 => Ipv4Addr::new(203, 0, 113, last),
                    1 => Ipv4Addr::new(198, 51, 100, last),
                    _ => Ipv4Addr::new(192, 0, 2, last),
                };
                self.reserved(EndpointKind::World, 2, &["reserved:world"], ip.to_string())
            })
            .collect()
    }

    /// `solicitors`: pods that send IPv6 router solicitations.
    pub(super) fn stray(&mut self, solicitors: &[EndpointId]) -> Stray {
        let unknown = ["reserved:unknown"];
        let link_locals = solicitors
            .iter()
            .zip(0x80_u16..)
            .filter_map(|(&pod, last)| {
                let (node, identity, labels, cluster) = {
                    let pod = self.endpoints.get(usize::from(pod.0))?;
                    (pod.node, pod.identity, pod.labels.clone(), pod.cluster)
                };
                // The datapath knows the endpoint but the ipcache has no such address: identity and
                // labels, but no name.
                let ip = format!("fe80::a8c1:aff:fef4:{last:x}");
                let id = self.reserved(EndpointKind::LinkLocal, identity, &[], ip);
                let endpoint = self.endpoints.get_mut(usize::from(id.0))?;
                endpoint.node = node;
                endpoint.labels = labels;
                endpoint.cluster = cluster;
                Some(id)
            })
            .collect();
        Stray {
            former_pod: self.reserved(
                EndpointKind::Unroutable,
                0,
                &unknown,
                "10.244.3.17".to_owned(),
            ),
            link_locals,
            all_routers: self.reserved(EndpointKind::LinkLocal, 0, &unknown, "ff02::2".to_owned()),
        }
    }

    pub(super) fn kube_apiserver(&mut self) -> EndpointId {
        self.reserved(
            EndpointKind::KubeApiServer,
            7,
            &["reserved:kube-apiserver", "reserved:world"],
            "20.62.134.7".to_owned(),
        )
    }

    pub(super) fn upstream_dns(&mut self) -> EndpointId {
        self.reserved(EndpointKind::World, 2, &["reserved:world"], "168.63.129.16".to_owned())
    }
}
