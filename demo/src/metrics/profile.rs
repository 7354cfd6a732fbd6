//! Metric configurations of a cluster. Each exports its own families and labels; no real cluster
//! has all families with all labels.
//!
//! Cilium's profiles are compared with recordings of its own metric handlers, Retina's with its
//! source (microsoft/retina at 532c5aa2b800).

use std::fmt;
use std::str::FromStr;

use super::{Family, quote_label};
use crate::cluster::{CLUSTER_NAME, Node};

/// The exporter of the metrics and its configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Azure's Advanced Container Networking Services: `flow`, `tcp`, `dns:query` and `drop` with
    /// the pod as context, HTTP with the labels that its policies of layer 7 bring. Scraped by
    /// Azure, `instance` is the node.
    #[default]
    Acns,
    /// The example of Cilium's documentation: no contexts except for HTTP. `instance` is an address
    /// with the port of the agent or of Hubble.
    Cilium,
    /// Everything that can be enabled, scraped through the `ServiceMonitor`s of Cilium's chart,
    /// which add `node`.
    All,
    /// Retina with pods in local context, without Cilium. Scraped by Azure.
    Retina,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::Acns, Self::Cilium, Self::All, Self::Retina];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acns => "acns",
            Self::Cilium => "cilium",
            Self::All => "all",
            Self::Retina => "retina",
        }
    }

    /// Whether the family is exported.
    pub(super) fn exports(self, family: Family) -> bool {
        let plane = family.name().split('_').next();
        match plane {
            Some("kube") => true,
            Some("networkobservability") => self == Self::Retina,
            _ => match self {
                Self::Retina => false,
                Self::All => true,
                Self::Cilium => {
                    !matches!(family, Family::HubblePolicyVerdicts | Family::HubbleFlowsToWorld)
                }
                Self::Acns => !matches!(
                    family,
                    Family::HubblePolicyVerdicts
                        | Family::HubbleFlowsToWorld
                        | Family::HubbleIcmp
                        | Family::HubblePortDistribution
                ),
            },
        }
    }

    /// Whether the family has the label.
    pub(super) fn has(self, family: Family, label: &str) -> bool {
        let is_context = matches!(label, "source" | "destination");
        match family {
            // The family's `source` is a buffer, not a context.
            Family::HubbleLostEvents => true,
            Family::HubbleHttpRequests | Family::HubbleHttpRequestDuration => {
                self == Self::All || !is_context
            }
            _ => self != Self::Cilium || !(is_context || label == "query"),
        }
    }

    /// `{cluster="…",instance="…"`: labels that a scrape of the node's exporter adds to this
    /// family.
    pub(super) fn scraped(self, family: Family, node: &Node) -> String {
        let mut text = format!("{{cluster=\"{CLUSTER_NAME}\"");
        match self {
            Self::Acns | Self::Retina => quote_label(&mut text, "instance", &node.name),
            Self::Cilium | Self::All => {
                let port = if family.name().starts_with("hubble_") { 9965 } else { 9962 };
                quote_label(&mut text, "instance", &format!("{}:{port}", node.ip));
            }
        }
        if self == Self::All {
            quote_label(&mut text, "node", &node.name);
        }
        text
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error for an unknown profile name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown profile `{0}`: use acns, cilium, all or retina")]
pub struct UnknownProfile(pub String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}
