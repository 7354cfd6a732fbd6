//! The lab's acts, and what each decides for a connection.
//!
//! Traffic asks through [`PolicySet`] alone, so that another judge can take the table's place.

mod manifests;
mod pattern;
mod policies;
mod table;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use flow::TrafficDirection;
use serde::{Deserialize, Serialize};

pub(crate) use manifests::Manifest;
pub(crate) use pattern::dns_pattern_matches;
pub(crate) use policies::scenario_policies;
pub(crate) use table::PolicyTable;

use crate::cluster::{Cluster, EndpointId, HostId};
use crate::record::{MatchType, PolicyName};

/// One act of the lab: which policies are applied.
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
}

impl Scenario {
    /// All acts in the lab's order.
    pub const ALL: [Self; 5] =
        [Self::Open, Self::Policies, Self::Fqdn, Self::Chaos, Self::Combined];

    /// The name on the command line and in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Policies => "policies",
            Self::Fqdn => "fqdn",
            Self::Chaos => "chaos",
            Self::Combined => "combined",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scenario `{0}`: use open, policies, fqdn, chaos or combined")]
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

/// What a policy set needs to know of a connection: its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) source: EndpointId,
    pub(crate) destination: EndpointId,
    pub(crate) port: Port,
    /// The external host that the destination is, when it is one.
    pub(crate) host: Option<HostId>,
    /// The node's DNS proxy has seen the host's name resolve to this address.
    pub(crate) name_seen: bool,
}

impl Connection {
    /// A connection to an address that no name led to.
    pub(crate) fn direct(source: EndpointId, destination: EndpointId, port: Port) -> Self {
        Self { source, destination, port, host: None, name_seen: false }
    }
}

/// Rules that a proxy enforces on a redirected connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum L7Rules {
    /// DNS name patterns (`matchPattern`, `matchName`).
    Dns(&'static [&'static str]),
    /// Method and path, both exact.
    Http(&'static [(&'static str, &'static str)]),
}

impl L7Rules {
    /// Whether a query for `name` (no trailing dot) may pass.
    pub(crate) fn allows_query(self, name: &str) -> bool {
        match self {
            Self::Dns(patterns) => patterns.iter().any(|p| dns_pattern_matches(p, name)),
            Self::Http(_) => false,
        }
    }

    /// Whether a request may pass. `path` includes the query string, as Envoy sees it.
    pub(crate) fn allows_request(self, method: &str, path: &str) -> bool {
        match self {
            Self::Http(rules) => rules.iter().any(|&(m, p)| m == method && p == path),
            Self::Dns(_) => false,
        }
    }
}

/// What one side says to a connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// No policy selects the local endpoint in this direction: the datapath asks nothing and
    /// reports no verdict.
    NotEnforced,
    /// A rule allows it.
    Allowed { match_type: MatchType, by: Arc<[PolicyName]> },
    /// A rule allows it through a proxy.
    Redirected { match_type: MatchType, by: Arc<[PolicyName]>, rules: L7Rules },
    /// Policies select the endpoint and no rule allows it. Hubble names nobody for that.
    DefaultDeny,
}

impl Decision {
    /// Whether the connection may be opened.
    pub(crate) fn passes(&self) -> bool {
        !matches!(self, Self::DefaultDeny)
    }
}

/// The policies in force.
pub(crate) trait PolicySet: fmt::Debug + Send + Sync {
    /// What the local endpoint's side says: the source for egress, the destination for ingress.
    fn decide(
        &self,
        cluster: &Cluster,
        connection: &Connection,
        direction: TrafficDirection,
    ) -> Decision;

    /// The `toFQDNs` selector that gives the host's address an identity of its own.
    fn fqdn_selector(&self, name: &str) -> Option<&'static str>;
}
