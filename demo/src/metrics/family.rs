//! The metric families: name, help, type and labels.

use crate::cluster::CLUSTER_NAME;

/// The label `cluster` of what Retina exports: a cluster with the same traffic and without Cilium.
pub(super) const RETINA_CLUSTER_NAME: &str = "aks-pets-retina";

/// Type of a family in the exposition formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// The word behind `# TYPE`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $kind:ident, $help:literal, [$($label:literal),*];)*) => {
        /// A metric family.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Family {
            $($(#[$meta])* $variant,)*
        }

        impl Family {
            /// The cluster that exports it: Retina runs where Cilium does not.
            pub(crate) fn cluster(self) -> &'static str {
                if self.name().starts_with("networkobservability_") {
                    RETINA_CLUSTER_NAME
                } else {
                    CLUSTER_NAME
                }
            }

            /// Full name, `_total` included.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Counter, gauge or histogram.
            pub(crate) fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// One sentence for people.
            pub(crate) fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            /// Label names beside `cluster` and `instance`.
            pub(crate) fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($label),*],)* }
            }
        }
    };
}

families! {
    HubbleFlowsProcessed = "hubble_flows_processed_total", Counter, "Total number of flows processed",
        ["protocol", "type", "subtype", "verdict", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleDrop = "hubble_drop_total", Counter, "Number of drops",
        ["reason", "protocol", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleDnsQueries = "hubble_dns_queries_total", Counter, "Number of DNS queries observed",
        ["rcode", "qtypes", "ips_returned", "query", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleDnsResponses = "hubble_dns_responses_total", Counter, "Number of DNS responses observed",
        ["rcode", "qtypes", "ips_returned", "query", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleDnsResponseTypes = "hubble_dns_response_types_total", Counter, "Number of DNS response types observed",
        ["type", "qtypes", "query", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleHttpRequests = "hubble_http_requests_total", Counter, "Count of HTTP requests",
        ["method", "protocol", "status", "reporter", "source", "destination", "source_workload", "destination_workload", "source_namespace", "destination_namespace"];
    HubbleHttpRequestDuration = "hubble_http_request_duration_seconds", Histogram, "Quantiles of HTTP request duration in seconds",
        ["method", "reporter", "source", "destination", "source_workload", "destination_workload", "source_namespace", "destination_namespace"];
    HubbleTcpFlags = "hubble_tcp_flags_total", Counter, "TCP flag occurrences",
        ["flag", "family", "source", "destination", "source_namespace", "destination_namespace"];
    HubbleIcmp = "hubble_icmp_total", Counter, "Number of ICMP messages",
        ["family", "type", "source", "destination", "source_namespace", "destination_namespace"];
    HubblePortDistribution = "hubble_port_distribution_total", Counter, "Numbers of packets distributed by destination port",
        ["protocol", "port", "source", "destination"];
    HubblePolicyVerdicts = "hubble_policy_verdicts_total", Counter, "Total number of Cilium network policy verdicts",
        ["direction", "match", "action", "source", "destination"];
    HubbleLostEvents = "hubble_lost_events_total", Counter, "Number of lost events", ["source"];
    HubbleFlowsToWorld = "hubble_flows_to_world_total", Counter, "Total number of flows to reserved:world",
        ["protocol", "verdict", "source", "destination"];
    CiliumForwardCount = "cilium_forward_count_total", Counter, "Total forwarded packets, tagged by ingress/egress direction",
        ["direction", "k8s_app"];
    CiliumForwardBytes = "cilium_forward_bytes_total", Counter, "Total forwarded bytes, tagged by ingress/egress direction",
        ["direction", "k8s_app"];
    CiliumDropCount = "cilium_drop_count_total", Counter, "Total dropped packets, tagged by drop reason and ingress/egress direction",
        ["reason", "direction", "k8s_app"];
    CiliumDropBytes = "cilium_drop_bytes_total", Counter, "Total dropped bytes, tagged by drop reason and ingress/egress direction",
        ["reason", "direction", "k8s_app"];
    CiliumVersion = "cilium_version", Gauge, "Cilium version", ["version"];
    ForwardCount = "networkobservability_forward_count", Gauge, "Total forwarded packets", ["direction"];
    ForwardBytes = "networkobservability_forward_bytes", Gauge, "Total forwarded bytes", ["direction"];
    DropCount = "networkobservability_drop_count", Gauge, "Total dropped packets", ["reason", "direction"];
    DropBytes = "networkobservability_drop_bytes", Gauge, "Total dropped bytes", ["reason", "direction"];
    TcpState = "networkobservability_tcp_state", Gauge, "Number of active TCP connections by state", ["state"];
    TcpConnectionRemote = "networkobservability_tcp_connection_remote", Gauge, "Number of active TCP connections by remote address", ["address"];
    TcpConnectionStats = "networkobservability_tcp_connection_stats", Gauge, "TCP connection statistics", ["statistic_name"];
    UdpConnectionStats = "networkobservability_udp_connection_stats", Gauge, "UDP connection statistics", ["statistic_name"];
    InterfaceStats = "networkobservability_interface_stats", Gauge, "Interface statistics", ["interface_name", "statistic_name"];
    DnsRequestCount = "networkobservability_dns_request_count", Gauge, "Number of DNS requests",
        ["query", "query_type"];
    DnsResponseCount = "networkobservability_dns_response_count", Gauge, "Number of DNS responses",
        ["query", "query_type", "return_code", "num_response", "response"];
    AdvForwardCount = "networkobservability_adv_forward_count", Gauge, "Forwarded packets of a pod",
        ["direction", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    AdvForwardBytes = "networkobservability_adv_forward_bytes", Gauge, "Forwarded bytes of a pod",
        ["direction", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    AdvDropCount = "networkobservability_adv_drop_count", Gauge, "Dropped packets of a pod",
        ["reason", "direction", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    AdvDropBytes = "networkobservability_adv_drop_bytes", Gauge, "Dropped bytes of a pod",
        ["reason", "direction", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    AdvTcpFlagsCount = "networkobservability_adv_tcpflags_count", Gauge, "TCP flags of a pod's packets",
        ["flag", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    KubePodInfo = "kube_pod_info", Gauge, "Information about pod", [];
    KubePodOwner = "kube_pod_owner", Gauge, "Information about the Pod's owner", [];
    KubeNodeInfo = "kube_node_info", Gauge, "Information about a cluster node", [];
    KubeNamespaceStatusPhase = "kube_namespace_status_phase", Gauge, "kubernetes namespace status phase", [];
}
