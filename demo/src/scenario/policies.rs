//! The lab's manifests, act by act, as tables.
//!
//! Each row is one manifest of the networking lab for AKS, read as Cilium reads it:
//! - `ingress: []` turns nothing on, so the combined policy leaves ingress open;
//! - `fromEndpoints: []` turns default deny on and allows nobody, which is the cut of act 3;
//! - an HTTP path is matched whole, so `/` covers the list of products and nothing below it.

use super::Scenario;
use crate::cluster::{GITHUB_SELECTOR, MICROSOFT_SELECTOR};

/// Who may be at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Pods of a workload in `pets`.
    Workload(&'static str),
    /// `kube-system/coredns`.
    KubeDns,
    /// `fromEntities: [world]`.
    World,
    /// A `toFQDNs` selector.
    Fqdn(&'static str),
}

/// Ports that a rule opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    Tcp(&'static [u16]),
    Udp(&'static [u16]),
    /// `protocol: ANY`: TCP, UDP and SCTP.
    Any(&'static [u16]),
}

/// Layer 7 part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    None,
    Dns(&'static [&'static str]),
    Http(&'static [(&'static str, &'static str)]),
}

/// One allowed combination of peers and ports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allow {
    pub(super) peers: &'static [Peer],
    pub(super) ports: Ports,
    pub(super) rules: Rules,
}

/// One `CiliumNetworkPolicy`. A direction that is `None` is not enforced by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    /// Workload in `pets` that the endpoint selector selects.
    pub(super) subject: &'static str,
    pub(super) ingress: Option<&'static [Allow]>,
    pub(super) egress: Option<&'static [Allow]>,
}

/// Namespace of every policy of the lab.
pub(super) const POLICY_NAMESPACE: &str = "pets";

const fn tcp(peers: &'static [Peer], ports: &'static [u16]) -> Allow {
    Allow { peers, ports: Ports::Tcp(ports), rules: Rules::None }
}

const RABBITMQ: Policy = Policy {
    name: "allow-rabbitmq-traffic",
    subject: "rabbitmq",
    ingress: Some(&[tcp(&[Peer::Workload("order-service")], &[5672, 15672])]),
    // `egress: []` beside an ingress section: egress stays open.
    egress: None,
};

const ORDER_SERVICE: Policy = Policy {
    name: "allow-order-service-traffic",
    subject: "order-service",
    ingress: Some(&[tcp(&[Peer::Workload("store-front")], &[3000])]),
    egress: Some(&[tcp(&[Peer::Workload("rabbitmq")], &[5672])]),
};

const PRODUCT_SERVICE: Policy = Policy {
    name: "allow-product-service-traffic",
    subject: "product-service",
    ingress: Some(&[tcp(&[Peer::Workload("store-front")], &[3002])]),
    egress: Some(&[tcp(&[Peer::Workload("ai-service")], &[5001])]),
};

const STORE_FRONT_EGRESS: &[Allow] = &[
    tcp(&[Peer::Workload("order-service")], &[3000]),
    tcp(&[Peer::Workload("product-service")], &[3002]),
];

const STORE_FRONT: Policy = Policy {
    name: "allow-store-front-traffic",
    subject: "store-front",
    ingress: Some(&[tcp(&[Peer::World], &[8080])]),
    egress: Some(STORE_FRONT_EGRESS),
};

/// Act 3: the same policy with `ingress: [{fromEndpoints: []}]`.
const STORE_FRONT_CUT: Policy = Policy { ingress: Some(&[]), ..STORE_FRONT };

const MICROSOFT_NAMES: &[&str] = &[
    "rabbitmq.pets.svc.cluster.local",
    "*.microsoft.com",
    "*.microsoft.com.cluster.local",
    "*.microsoft.com.pets.svc.cluster.local",
    "*.microsoft.com.*.*.internal.cloudapp.net",
    "*.microsoft.com.svc.cluster.local",
];

/// Act 2: replaces act 1's policy of the same name. It has no ingress section, and no rule
/// for the queue's port.
const ORDER_SERVICE_FQDN: Policy = Policy {
    name: "allow-order-service-traffic",
    subject: "order-service",
    ingress: None,
    egress: Some(&[
        Allow {
            peers: &[Peer::KubeDns, Peer::Workload("rabbitmq")],
            ports: Ports::Udp(&[53]),
            rules: Rules::Dns(MICROSOFT_NAMES),
        },
        tcp(&[Peer::Fqdn(MICROSOFT_SELECTOR)], &[443]),
    ]),
};

/// Act 4.
const COMBINED: Policy = Policy {
    name: "combined-fqdn-l7-policy",
    subject: "store-front",
    ingress: None,
    egress: Some(&[
        Allow {
            peers: &[Peer::KubeDns],
            ports: Ports::Any(&[53]),
            rules: Rules::Dns(&[
                "rabbitmq.pets.svc.cluster.local",
                "*.microsoft.com",
                "*.microsoft.com.cluster.local",
                "*.microsoft.com.pets.svc.cluster.local",
                "*.microsoft.com.*.*.internal.cloudapp.net",
                "*.microsoft.com.svc.cluster.local",
                "*.pets.svc.cluster.local",
                "*.svc.cluster.local",
            ]),
        },
        tcp(&[Peer::Fqdn(MICROSOFT_SELECTOR)], &[80, 443]),
        tcp(&[Peer::Fqdn(GITHUB_SELECTOR)], &[443]),
        Allow {
            peers: &[Peer::Workload("product-service")],
            ports: Ports::Tcp(&[3002]),
            rules: Rules::Http(&[("GET", "/")]),
        },
    ]),
};

/// The policies that an act has in force.
pub(crate) fn scenario_policies(scenario: Scenario) -> super::PolicyTable {
    let policies: &'static [Policy] = match scenario {
        Scenario::Open => &[],
        Scenario::Policies => &[RABBITMQ, ORDER_SERVICE, PRODUCT_SERVICE, STORE_FRONT],
        Scenario::Fqdn => &[RABBITMQ, ORDER_SERVICE_FQDN, PRODUCT_SERVICE, STORE_FRONT],
        Scenario::Chaos => &[RABBITMQ, ORDER_SERVICE, PRODUCT_SERVICE, STORE_FRONT_CUT],
        Scenario::Combined => &[COMBINED],
    };
    super::PolicyTable::new(policies)
}
