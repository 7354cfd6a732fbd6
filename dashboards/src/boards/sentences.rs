//! What an empty panel says: nothing happened, or the setting that turns its metric on.

/// Packets that the nodes forward.
pub(super) const NODE_TRAFFIC: &str = "No packets recorded. Cilium's agents export these with prometheus.enabled=true, Retina with the plugin packetforward.";

/// Packets that the nodes drop.
pub(super) const NODE_DROPS: &str = "No drops recorded. Cilium's agents export these with prometheus.enabled=true, Retina with the plugin dropreason.";

/// Sockets of the nodes.
pub(super) const CONNECTIONS: &str =
    "No connections recorded. Only Retina exports these, with the plugin linuxutil.";

/// Network interfaces of the nodes.
pub(super) const INTERFACES: &str =
    "Nothing recorded. Only Retina exports this, on Linux nodes, with the plugin linuxutil.";

/// Windows nodes.
pub(super) const WINDOWS: &str =
    "Nothing recorded. Only Retina exports this, on Windows nodes, with the plugin hnsstats.";

/// `hubble_lost_events_total`.
pub(super) const LOST: &str =
    "No lost events recorded. Hubble exports them when any metric is in hubble.metrics.enabled.";

/// `hubble_flows_processed_total`.
pub(super) const FLOWS: &str = "No flows recorded. Azure's managed Prometheus leaves hubble_flows_processed_total out unless networkobservabilityHubble = \"hubble.*\" stands in the keep list of ama-metrics-settings-configmap; elsewhere put flow into hubble.metrics.enabled.";

/// `hubble_drop_total`.
pub(super) const DROPS: &str =
    "No drops recorded. Hubble exports them when drop is in hubble.metrics.enabled.";

/// `hubble_tcp_flags_total`.
pub(super) const TCP: &str =
    "Nothing recorded. Hubble exports TCP flags when tcp is in hubble.metrics.enabled.";

/// `hubble_dns_…_total`.
pub(super) const DNS: &str = "Nothing recorded. Hubble sees DNS only where a policy has DNS rules (toFQDNs, rules.dns), and exports it when dns:query is in hubble.metrics.enabled; Retina with the plugin dns.";

/// `hubble_policy_verdicts_total`.
pub(super) const VERDICTS: &str = "No policy verdicts recorded. Hubble exports them when policy is in hubble.metrics.enabled; Azure's Advanced Container Networking Services do not offer this metric.";

/// `hubble_http_…`.
pub(super) const HTTP: &str = "No HTTP recorded. Hubble sees HTTP only where a policy has HTTP rules, and exports it when httpV2 is in hubble.metrics.enabled (on AKS: --acns-advanced-networkpolicies L7).";

/// Layer 7 flows in `hubble_flows_processed_total`.
pub(super) const L7_FLOWS: &str = "No requests recorded. Hubble sees them only where a policy has layer 7 rules. Azure's managed Prometheus leaves hubble_flows_processed_total out unless networkobservabilityHubble = \"hubble.*\" stands in the keep list of ama-metrics-settings-configmap.";

/// `hubble_icmp_total`.
pub(super) const ICMP: &str =
    "Nothing recorded. Hubble exports ICMP when icmp is in hubble.metrics.enabled.";

/// `hubble_flows_to_world_total`.
pub(super) const WORLD: &str =
    "Nothing recorded. Hubble exports this when flows-to-world is in hubble.metrics.enabled.";

/// Flows that Hubble remembers.
pub(super) const REMEMBERED: &str = "No such flows in what Hubble remembers of this range; the notice says where its memory begins.";

/// Shares of flows that Hubble remembers.
pub(super) const REMEMBERED_ENOUGH: &str = "Too few such flows for a share in what Hubble remembers of this range; the notice says where its memory begins.";
