//! Metric configurations on which dashboards and rules must be correct, and the labels of their
//! scrapes.

use std::collections::{BTreeMap, BTreeSet};

use crate::flows::{Act, Flow};
use crate::retina::Context;
use crate::series::{Labels, Series};
use crate::{cluster, retina, series};

/// A configuration of metrics and scraping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Profile {
    /// Azure's Advanced Container Networking Services over Cilium: pods as contexts, `instance` is
    /// the node. Its agents are older than 1.20 and count 12 lost events a minute without a loss.
    Acns,
    /// The example of Cilium's documentation: no contexts except for HTTP. Scraped by annotations,
    /// so `instance` is an address and a port.
    Documented,
    /// Everything that can be enabled, through the `ServiceMonitor`s of Cilium's chart: `instance`
    /// is an address and a port, `node` the node.
    All,
    /// Retina in local context, scraped by Azure.
    Retina,
    /// Retina in remote context, scraped by its own Helm chart's annotations.
    RetinaRemote,
}

impl Profile {
    pub(crate) const ALL: [Self; 5] =
        [Self::Acns, Self::Documented, Self::All, Self::Retina, Self::RetinaRemote];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Acns => "acns",
            Self::Documented => "documented",
            Self::All => "all",
            Self::Retina => "retina",
            Self::RetinaRemote => "retina-remote",
        }
    }

    /// Whether Hubble runs there.
    pub(crate) fn is_cilium(self) -> bool {
        matches!(self, Self::Acns | Self::Documented | Self::All)
    }

    /// The recorded series, and those that are counted here.
    pub(crate) fn series(self, act: Act, flows: &[Flow]) -> Series {
        let mut all = match self {
            Self::Acns => series::recorded(act, "pod-context"),
            Self::Documented => series::recorded(act, "documented"),
            Self::All => series::recorded(act, "all-pod-context"),
            Self::Retina => retina::count(flows, Context::Local),
            Self::RetinaRemote => retina::count(flows, Context::Remote),
        };
        if self.is_cilium() {
            all.extend(cluster::agents(flows));
        }
        if self == Self::Acns {
            all.extend(cluster::lost_events(flows));
        }
        all.extend(cluster::inventory(flows));
        all
    }

    /// The labels of a series after scraping, without empty ones.
    pub(crate) fn scraped(self, name: &str, labels: &Labels, cluster: &str) -> Labels {
        let mut scraped = labels.clone();
        let (job, port) = match name.split('_').next() {
            Some("hubble") => ("hubble", 9965),
            Some("cilium") => ("cilium-agent", 9962),
            Some("networkobservability") => ("retina", 10093),
            _ => ("kube-state-metrics", 8080),
        };
        let mut set = |name: &str, value: String| scraped.insert(name.to_owned(), value);
        set("cluster", cluster.to_owned());
        match labels.get("instance") {
            None => {
                set("job", job.to_owned());
                set("instance", format!("10.244.1.7:{port}"));
            }
            Some(_) if self == Self::Acns || self == Self::Retina => {
                let plane = if job == "cilium-agent" { "cilium" } else { job };
                set("job", format!("networkobservability-{plane}"));
            }
            Some(node) => {
                set("job", job.to_owned());
                set("instance", format!("{}:{port}", cluster::address(node)));
                if self == Self::All {
                    set("node", node.clone());
                }
            }
        }
        scraped.retain(|_, value| !value.is_empty());
        scraped
    }
}

/// The families of a profile and the labels that any of their series has.
#[derive(Debug, Default)]
pub(crate) struct Families(BTreeMap<String, BTreeSet<String>>);

impl Families {
    pub(crate) fn add(&mut self, name: &str, labels: &Labels) {
        let known = self.0.entry(name.to_owned()).or_default();
        known.extend(labels.keys().cloned());
    }

    /// The labels of a family that is exported.
    pub(crate) fn labels(&self, family: &str) -> Option<&BTreeSet<String>> {
        self.0.get(family)
    }
}
