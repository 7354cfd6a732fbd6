//! The metric families: name, help, type and labels.

/// Type of a family in the exposition formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricType {
    Counter,
    Gauge,
    Histogram,
}

impl MetricType {
    /// The type's name after `# TYPE`.
    pub(crate) fn name(self) -> &'static str {
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
            /// Full name, including `_total`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Counter, gauge or histogram.
            pub(crate) fn kind(self) -> MetricType {
                match self { $(Self::$variant => MetricType::$kind,)* }
            }

            /// Help text, one sentence.
            pub(crate) fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            /// Label names other than those of a scrape, as far as a profile has them.
            pub(crate) fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($label),*],)* }
            }
        }
    };
}

families! {
    HubbleFlowsProcessed = "hubble_flows_processed_total", Counter, "Total number of flows processed",
        ["protocol", "type", "subtype", "verdict", "source", "destination"];
    HubbleDrop = "hubble_drop_total", Counter, "Number of drops",
        ["reason", "protocol", "source", "destination"];
    HubbleDnsQueries = "hubble_dns_queries_total", Counter, "Number of DNS queries observed",
        ["rcode", "qtypes", "ips_returned", "query", "source", "destination"];
    HubbleDnsResponses = "hubble_dns_responses_total", Counter, "Number of DNS responses observed",
        ["rcode", "qtypes", "ips_returned", "query", "source", "destination"];
    HubbleDnsResponseTypes = "hubble_dns_response_types_total", Counter, "Number of DNS response types observed",
        ["type", "qtypes", "query", "source", "destination"];
    HubbleHttpRequests = "hubble_http_requests_total", Counter, "Count of HTTP requests",
        ["method", "protocol", "status", "reporter", "traffic_direction", "source", "destination", "source_ip", "destination_ip", "source_workload", "destination_workload", "source_namespace", "destination_namespace"];
    HubbleHttpRequestDuration = "hubble_http_request_duration_seconds", Histogram, "Quantiles of HTTP request duration in seconds",
        ["method", "reporter", "traffic_direction", "source", "destination", "source_ip", "destination_ip", "source_workload", "destination_workload", "source_namespace", "destination_namespace"];
    HubbleTcpFlags = "hubble_tcp_flags_total", Counter, "TCP flag occurrences",
        ["flag", "family", "source", "destination"];
    HubbleIcmp = "hubble_icmp_total", Counter, "Number of ICMP messages",
        ["family", "type", "source", "destination"];
    HubblePortDistribution = "hubble_port_distribution_total", Counter, "Numbers of packets distributed by destination port",
        ["protocol", "port"];
    HubblePolicyVerdicts = "hubble_policy_verdicts_total", Counter, "Total number of Cilium network policy verdicts",
        ["direction", "match", "action", "source", "destination"];
    HubbleLostEvents = "hubble_lost_events_total", Counter, "Number of lost events", ["source"];
    HubbleFlowsToWorld = "hubble_flows_to_world_total", Counter, "Total number of flows to reserved:world",
        ["protocol", "verdict", "port", "source"];
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
    DnsRequestCount = "networkobservability_dns_request_count", Counter, "Total number of DNS requests", [];
    DnsResponseCount = "networkobservability_dns_response_count", Counter, "Total number of DNS responses", [];
    AdvDnsRequestCount = "networkobservability_adv_dns_request_count", Counter, "Total number of DNS query packets",
        ["query_type", "query", "ip", "namespace", "podname", "workload_kind", "workload_name"];
    AdvDnsResponseCount = "networkobservability_adv_dns_response_count", Counter, "Total number of DNS response packets",
        ["return_code", "query_type", "query", "response", "num_response", "ip", "namespace", "podname", "workload_kind", "workload_name"];
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
