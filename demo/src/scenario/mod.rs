//! The lab's acts, and the decisions of their manifests for a connection.

mod manifests;
mod policies;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cilium_policy::MatchType;
use flow::DropReason;
use serde::{Deserialize, Serialize};

pub(crate) use manifests::Manifest;
pub(crate) use policies::{Policies, label_sets_of_host};

use crate::cluster::EndpointId;
use crate::record::RecordedPolicy;

/// An act of the lab: the set of applied policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scenario {
    /// Act 0: no policies, everything passes.
    Open,
    /// Act 1: zero trust for each service of the shop.
    Policies,
    /// Act 2: `order-service` may reach Microsoft's hosts by name.
    Fqdn,
    /// Act 3: ingress to `store-front` is cut.
    Chaos,
    /// Act 4: names, DNS and HTTP rules for `store-front`.
    Combined,
    /// Final state of the lab: all of its files applied one after the other, none removed.
    Lab,
}

impl Scenario {
    /// All acts in the lab's order.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Policies, Self::Fqdn, Self::Chaos, Self::Combined, Self::Lab];

    /// The name on the command line and in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Policies => "policies",
            Self::Fqdn => "fqdn",
            Self::Chaos => "chaos",
            Self::Combined => "combined",
            Self::Lab => "lab",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error for an unknown scenario name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scenario `{0}`: use open, policies, fqdn, chaos, combined or lab")]
pub struct UnknownScenario(pub String);

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == text)
            .ok_or_else(|| UnknownScenario(text.to_owned()))
    }
}

/// Layer 4 protocol and destination port of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Port {
    Tcp(u16),
    Udp(u16),
    /// ICMP echo request.
    Echo,
}

/// A connection as policies see it: its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) source: EndpointId,
    /// For an external host whose name the node has seen: the endpoint with its `fqdn:` label.
    pub(crate) destination: EndpointId,
    pub(crate) port: Port,
}

/// A proxy on the client's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Proxy {
    Dns,
    Envoy,
}

/// Decision of one endpoint's policies for a connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// No policy selects the local endpoint in this direction: the datapath checks nothing and
    /// reports no verdict.
    NotEnforced,
    /// An entry of the policy map allows the connection, perhaps through a proxy.
    Allowed { match_type: Option<MatchType>, by: Arc<[RecordedPolicy]>, proxy: Option<Proxy> },
    /// An entry of the policy map denies the connection, or no entry matches; then Hubble names no
    /// policy.
    Denied { reason: DropReason, match_type: Option<MatchType>, by: Arc<[RecordedPolicy]> },
}

impl Decision {
    /// Whether the connection may be opened.
    pub(crate) fn passes(&self) -> bool {
        !matches!(self, Self::Denied { .. })
    }

    /// The proxy that the connection goes through.
    pub(crate) fn proxy(&self) -> Option<Proxy> {
        match self {
            Self::Allowed { proxy, .. } => *proxy,
            Self::NotEnforced | Self::Denied { .. } => None,
        }
    }
}

impl Port {
    /// The port as policies count it: for ICMP, the type.
    pub(crate) fn traffic(self) -> cilium_policy::Traffic {
        let (protocol, port) = match self {
            Self::Tcp(port) => (6, port),
            Self::Udp(port) => (17, port),
            Self::Echo => (1, 8),
        };
        cilium_policy::Traffic::new(protocol, port)
    }
}
