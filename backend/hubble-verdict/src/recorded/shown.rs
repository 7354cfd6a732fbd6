//! Agent settings that recorded flows show.

use std::borrow::Borrow;
use std::net::IpAddr;

use cilium_policy::{Families, Settings};
use flow::{Endpoint, Flow};
use vocabulary::reserved;

/// Prefix of the cluster label.
const CLUSTER: &str = "k8s:io.cilium.k8s.policy.cluster=";
/// Maximum number of clusters.
const MAX_CLUSTERS: usize = 64;

/// Settings that the records show: the cluster name, and the enabled address families.
#[must_use]
pub fn settings_from<'f>(
    flows: impl IntoIterator<Item = &'f Flow>,
    settings: Settings,
) -> Settings {
    settings_from_counted(flows.into_iter().map(|flow| (flow, 1)), settings)
}

/// As [`settings_from`], for flows with the number of times that each occurs.
#[must_use]
pub fn settings_from_counted<F: Borrow<Flow>>(
    flows: impl IntoIterator<Item = (F, usize)>,
    mut settings: Settings,
) -> Settings {
    let mut clusters: Vec<(String, usize)> = Vec::new();
    let mut worlds = Worlds::default();
    for (flow, times) in flows {
        let flow = flow.borrow();
        let ip = flow.ip.as_ref();
        for (endpoint, address) in [
            (&flow.source, ip.map_or("", |ip| &*ip.source)),
            (&flow.destination, ip.map_or("", |ip| &*ip.destination)),
        ] {
            let Some(endpoint) = endpoint else { continue };
            worlds.add(endpoint, address);
            // Agents can be configured to leave the label out (`labels` of cilium-config).
            let label = endpoint.labels.iter().find_map(|label| label.strip_prefix(CLUSTER));
            let name = label.unwrap_or(&endpoint.cluster_name);
            let has_room = clusters.len() < MAX_CLUSTERS;
            match clusters.iter_mut().find(|(known, _)| *known == name) {
                _ if name.is_empty() => {}
                Some((_, count)) => *count = count.saturating_add(times),
                None if has_room => clusters.push((name.to_owned(), times)),
                None => {}
            }
        }
    }
    if let Some((name, _)) = clusters.into_iter().max_by_key(|(_, count)| *count) {
        settings.cluster_name = name;
    }
    worlds.apply(&mut settings);
    settings
}

/// Labels of the world in the flows. Source: pkg/labels/cidr.go `getWorldLabel`.
#[derive(Debug, Default)]
struct Worlds {
    /// Whether `world-ipv4` or `world-ipv6` occurs: both families are enabled.
    is_split: bool,
    /// Whether `world` occurs at an IPv4 address: only IPv4 is enabled.
    is_ipv4: bool,
    /// Whether `world` occurs at an IPv6 address: only IPv6 is enabled.
    is_ipv6: bool,
}

impl Worlds {
    fn add(&mut self, endpoint: &Endpoint, address: &str) {
        let is = |name: &str| {
            let is_it = |label: &String| label.strip_prefix("reserved:") == Some(name);
            endpoint.labels.iter().any(is_it)
                || (endpoint.labels.is_empty()
                    && reserved::keys(endpoint.identity).any(|key| key == name))
        };
        self.is_split |= is("world-ipv4") || is("world-ipv6");
        if (self.is_ipv4 && self.is_ipv6) || !is("world") {
            return;
        }
        match address.parse() {
            Ok(IpAddr::V4(_)) => self.is_ipv4 = true,
            Ok(IpAddr::V6(_)) => self.is_ipv6 = true,
            Err(_) => {}
        }
    }

    fn apply(&self, settings: &mut Settings) {
        (settings.ipv4, settings.ipv6, settings.families) =
            match (self.is_split, self.is_ipv4, self.is_ipv6) {
                (false, false, false) => return,
                (false, true, false) => (true, false, Families::Shown),
                (false, false, true) => (false, true, Families::Shown),
                (true, false, false) => (true, true, Families::Shown),
                // The flows are of several clusters, or of before and after a change: both labels
                // apply where the address decides.
                _ => (true, true, Families::Contradictory),
            };
    }
}
