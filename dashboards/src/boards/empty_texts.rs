//! Texts of empty panels: nothing happened, or the setting that turns the metric on.

/// Packets that the nodes forward.
pub(super) const NODE_TRAFFIC: &str = "If the panel shows no error: no packets recorded. Cilium's agents export these with prometheus.enabled=true, Retina with the plugin packetforward.";

/// Packets that the nodes drop.
pub(super) const NODE_DROPS: &str = "If the panel shows no error: no drops recorded. Cilium's agents export these with prometheus.enabled=true, Retina with the plugin dropreason.";

/// Sockets of the nodes.
pub(super) const CONNECTIONS: &str = "If the panel shows no error: no connections recorded. Only Retina exports these, with the plugin linuxutil.";

/// Network interfaces of the nodes.
pub(super) const INTERFACES: &str = "If the panel shows no error: nothing recorded. Only Retina exports this, on Linux nodes, with the plugin linuxutil.";

/// Windows nodes.
pub(super) const WINDOWS: &str = "If the panel shows no error: nothing recorded. Only Retina exports this, on Windows nodes, with the plugin hnsstats.";

/// `hubble_lost_events_total`.
pub(super) const LOST: &str = "If the panel shows no error: no lost events recorded. Hubble exports them when any metric is in hubble.metrics.enabled.";

/// `hubble_flows_processed_total`, by pods.
pub(super) const FLOWS: &str = "If the panel shows no error: no flows recorded. It needs flow, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled; Azure's managed Prometheus leaves hubble_flows_processed_total out unless networkobservabilityHubble = \"hubble.*\" stands in the keep list of ama-metrics-settings-configmap. Retina counts pods with remoteContext: false.";

/// `hubble_flows_processed_total`, by labels that only Hubble has.
pub(super) const HUBBLE_FLOWS: &str = "If the panel shows no error: no flows recorded. Only Hubble exports these, with flow, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled; Azure's managed Prometheus leaves hubble_flows_processed_total out unless networkobservabilityHubble = \"hubble.*\" stands in the keep list of ama-metrics-settings-configmap.";

/// `hubble_drop_total` or `hubble_flows_processed_total`, by pods.
pub(super) const DROPS: &str = "If the panel shows no error: no drops recorded. It needs flow and drop, each with sourceEgressContext=pod and destinationIngressContext=pod, in hubble.metrics.enabled; with flow, a panel without drops shows 0. Retina counts pods with remoteContext: false.";

/// `hubble_drop_total`, by both ends.
pub(super) const HUBBLE_DROPS: &str = "If the panel shows no error: no drops recorded. Only Hubble exports these, with drop, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled.";

/// `hubble_tcp_flags_total`.
pub(super) const TCP: &str = "If the panel shows no error: nothing recorded. Only Hubble exports this, with tcp, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled.";

/// `hubble_dns_…_total` of nodes.
pub(super) const DNS: &str = "If the panel shows no error: nothing recorded. Hubble sees DNS only where a policy has DNS rules (toFQDNs, rules.dns), and exports it when dns:query is in hubble.metrics.enabled; Retina with the plugin dns, by names with pod-level metrics and remoteContext: false.";

/// `hubble_dns_queries_total` by pods.
pub(super) const DNS_OF_PODS: &str = "If the panel shows no error: nothing recorded. Only Hubble exports this by pod, where a policy has DNS rules (toFQDNs, rules.dns), with dns, query, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled.";

/// `hubble_dns_responses_total` by namespace.
pub(super) const DNS_OF_NAMESPACE: &str = "If the panel shows no error: nothing recorded for the namespaces. Hubble sees DNS only where a policy has DNS rules, and names the client's namespace with dns, query, labelsContext=destination_namespace and sourceEgressContext=pod in hubble.metrics.enabled.";

/// `hubble_dns_responses_total` by server.
pub(super) const DNS_SERVERS: &str = "If the panel shows no error: no errors recorded. Hubble sees DNS only where a policy has DNS rules, and names the server with dns, query, labelsContext=destination_namespace and sourceEgressContext=pod in hubble.metrics.enabled.";

/// `hubble_policy_verdicts_total`.
pub(super) const VERDICTS: &str = "If the panel shows no error: no policy verdicts recorded. Hubble exports them with policy, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled; Azure's Advanced Container Networking Services do not offer this metric.";

/// `hubble_http_…`.
pub(super) const HTTP: &str = "If the panel shows no error: no HTTP recorded. Hubble sees HTTP only where a policy has HTTP rules, and exports it with httpV2 and labelsContext=source_ip, source_namespace, source_workload, destination_ip, destination_namespace, destination_workload in hubble.metrics.enabled (on AKS: --acns-advanced-networkpolicies L7).";

/// Layer 7 flows in `hubble_flows_processed_total`.
pub(super) const L7_FLOWS: &str = "If the panel shows no error: no requests recorded. Hubble sees them only where a policy has layer 7 rules, with flow, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled. Azure's managed Prometheus leaves hubble_flows_processed_total out unless networkobservabilityHubble = \"hubble.*\" stands in the keep list of ama-metrics-settings-configmap.";

/// `hubble_icmp_total`.
pub(super) const ICMP: &str = "If the panel shows no error: nothing recorded. Hubble exports ICMP with icmp, sourceEgressContext=pod and destinationIngressContext=pod in hubble.metrics.enabled.";

/// `hubble_flows_to_world_total`.
pub(super) const WORLD: &str = "If the panel shows no error: nothing recorded. Hubble exports this with flows-to-world, any-drop and sourceEgressContext=pod in hubble.metrics.enabled.";

/// Flows that Hubble remembers.
pub(super) const REMEMBERED: &str = "If the panel shows no error: Hubble remembers no such flows in this range; the notice says where its memory begins.";

/// Shares of flows that Hubble remembers.
pub(super) const REMEMBERED_ENOUGH: &str = "If the panel shows no error: Hubble remembers too few such flows in this range for a share; the notice says where its memory begins.";
