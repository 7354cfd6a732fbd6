// Made from proto/ by `cargo xtask gen`; change it there.
/// Every message, nested ones after their parent.
pub static MESSAGES: &[&Message] = &[
    &FLOW_FLOW,
    &FLOW_EMITTER,
    &FLOW_FILEINFO,
    &FLOW_LAYER4,
    &FLOW_LAYER7,
    &FLOW_TRACECONTEXT,
    &FLOW_TRACEPARENT,
    &FLOW_ENDPOINT,
    &FLOW_WORKLOAD,
    &FLOW_TCP,
    &FLOW_IP,
    &FLOW_ETHERNET,
    &FLOW_TCPFLAGS,
    &FLOW_UDP,
    &FLOW_SCTP,
    &FLOW_ICMPV4,
    &FLOW_ICMPV6,
    &FLOW_VRRP,
    &FLOW_IGMP,
    &FLOW_TUNNEL,
    &FLOW_POLICY,
    &FLOW_EVENTTYPEFILTER,
    &FLOW_CILIUMEVENTTYPE,
    &FLOW_FLOWFILTER,
    &FLOW_FLOWFILTER_EXPERIMENTAL,
    &FLOW_DNS,
    &FLOW_HTTPHEADER,
    &FLOW_HTTP,
    &FLOW_KAFKA,
    &FLOW_SERVICE,
    &FLOW_IPTRACEID,
    &FLOW_LOSTEVENT,
    &FLOW_AGENTEVENT,
    &FLOW_AGENTEVENTUNKNOWN,
    &FLOW_TIMENOTIFICATION,
    &FLOW_POLICYUPDATENOTIFICATION,
    &FLOW_ENDPOINTREGENNOTIFICATION,
    &FLOW_ENDPOINTUPDATENOTIFICATION,
    &FLOW_IPCACHENOTIFICATION,
    &FLOW_SERVICEUPSERTNOTIFICATIONADDR,
    &FLOW_SERVICEUPSERTNOTIFICATION,
    &FLOW_SERVICEDELETENOTIFICATION,
    &FLOW_NETWORKINTERFACE,
    &FLOW_DEBUGEVENT,
    &FLOW_AGGREGATE,
    &RELAY_NODESTATUSEVENT,
    &OBSERVER_GETFLOWSRESPONSE,
    &OBSERVER_EXPORTEVENT,
];

/// `flow.Flow`.
pub static FLOW_FLOW: Message = Message {
    name: "flow.Flow",
    fields: &[
        one("time", "time", 1, FieldType::Timestamp),
        one("verdict", "verdict", 2, FieldType::Enum(&FLOW_VERDICT)),
        one("drop_reason", "dropReason", 3, FieldType::Uint32),
        one("ethernet", "ethernet", 4, FieldType::Message(&FLOW_ETHERNET)),
        one("IP", "IP", 5, FieldType::Message(&FLOW_IP)),
        one("l4", "l4", 6, FieldType::Message(&FLOW_LAYER4)),
        one("source", "source", 8, FieldType::Message(&FLOW_ENDPOINT)),
        one("destination", "destination", 9, FieldType::Message(&FLOW_ENDPOINT)),
        one("Type", "Type", 10, FieldType::Enum(&FLOW_FLOWTYPE)),
        one("node_name", "nodeName", 11, FieldType::String),
        many("source_names", "sourceNames", 13, FieldType::String),
        many("destination_names", "destinationNames", 14, FieldType::String),
        one("l7", "l7", 15, FieldType::Message(&FLOW_LAYER7)),
        one("reply", "reply", 16, FieldType::Bool),
        one("event_type", "eventType", 19, FieldType::Message(&FLOW_CILIUMEVENTTYPE)),
        one("source_service", "sourceService", 20, FieldType::Message(&FLOW_SERVICE)),
        one("destination_service", "destinationService", 21, FieldType::Message(&FLOW_SERVICE)),
        one("traffic_direction", "trafficDirection", 22, FieldType::Enum(&FLOW_TRAFFICDIRECTION)),
        one("policy_match_type", "policyMatchType", 23, FieldType::Uint32),
        one("trace_observation_point", "traceObservationPoint", 24, FieldType::Enum(&FLOW_TRACEOBSERVATIONPOINT)),
        one("drop_reason_desc", "dropReasonDesc", 25, FieldType::Enum(&FLOW_DROPREASON)),
        one("is_reply", "isReply", 26, FieldType::BoolValue),
        one("debug_capture_point", "debugCapturePoint", 27, FieldType::Enum(&FLOW_DEBUGCAPTUREPOINT)),
        one("interface", "interface", 28, FieldType::Message(&FLOW_NETWORKINTERFACE)),
        one("proxy_port", "proxyPort", 29, FieldType::Uint32),
        one("trace_context", "traceContext", 30, FieldType::Message(&FLOW_TRACECONTEXT)),
        one("sock_xlate_point", "sockXlatePoint", 31, FieldType::Enum(&FLOW_SOCKETTRANSLATIONPOINT)),
        one("socket_cookie", "socketCookie", 32, FieldType::Uint64),
        one("cgroup_id", "cgroupId", 33, FieldType::Uint64),
        one("uuid", "uuid", 34, FieldType::String),
        one("auth_type", "authType", 35, FieldType::Enum(&FLOW_AUTHTYPE)),
        one("trace_reason", "traceReason", 36, FieldType::Enum(&FLOW_TRACEREASON)),
        many("node_labels", "nodeLabels", 37, FieldType::String),
        one("file", "file", 38, FieldType::Message(&FLOW_FILEINFO)),
        one("tunnel", "tunnel", 39, FieldType::Message(&FLOW_TUNNEL)),
        one("ip_trace_id", "ipTraceId", 40, FieldType::Message(&FLOW_IPTRACEID)),
        one("emitter", "emitter", 41, FieldType::Message(&FLOW_EMITTER)),
        many("egress_allowed_by", "egressAllowedBy", 21_001, FieldType::Message(&FLOW_POLICY)),
        many("ingress_allowed_by", "ingressAllowedBy", 21_002, FieldType::Message(&FLOW_POLICY)),
        many("egress_denied_by", "egressDeniedBy", 21_004, FieldType::Message(&FLOW_POLICY)),
        many("ingress_denied_by", "ingressDeniedBy", 21_005, FieldType::Message(&FLOW_POLICY)),
        many("policy_log", "policyLog", 21_006, FieldType::String),
        one("aggregate", "aggregate", 21_007, FieldType::Message(&FLOW_AGGREGATE)),
        one("Summary", "Summary", 100_000, FieldType::String),
        one("extensions", "extensions", 150_000, FieldType::Any),
    ],
};

/// `flow.Emitter`.
pub static FLOW_EMITTER: Message = Message {
    name: "flow.Emitter",
    fields: &[
        one("name", "name", 1, FieldType::String),
        one("version", "version", 2, FieldType::String),
    ],
};

/// `flow.FileInfo`.
pub static FLOW_FILEINFO: Message = Message {
    name: "flow.FileInfo",
    fields: &[
        one("name", "name", 1, FieldType::String),
        one("line", "line", 2, FieldType::Uint32),
    ],
};

/// `flow.Layer4`.
pub static FLOW_LAYER4: Message = Message {
    name: "flow.Layer4",
    fields: &[
        one_of(0, "TCP", "TCP", 1, FieldType::Message(&FLOW_TCP)),
        one_of(0, "UDP", "UDP", 2, FieldType::Message(&FLOW_UDP)),
        one_of(0, "ICMPv4", "ICMPv4", 3, FieldType::Message(&FLOW_ICMPV4)),
        one_of(0, "ICMPv6", "ICMPv6", 4, FieldType::Message(&FLOW_ICMPV6)),
        one_of(0, "SCTP", "SCTP", 5, FieldType::Message(&FLOW_SCTP)),
        one_of(0, "VRRP", "VRRP", 6, FieldType::Message(&FLOW_VRRP)),
        one_of(0, "IGMP", "IGMP", 7, FieldType::Message(&FLOW_IGMP)),
    ],
};

/// `flow.Layer7`.
pub static FLOW_LAYER7: Message = Message {
    name: "flow.Layer7",
    fields: &[
        one("type", "type", 1, FieldType::Enum(&FLOW_L7FLOWTYPE)),
        one("latency_ns", "latencyNs", 2, FieldType::Uint64),
        one_of(0, "dns", "dns", 100, FieldType::Message(&FLOW_DNS)),
        one_of(0, "http", "http", 101, FieldType::Message(&FLOW_HTTP)),
        one_of(0, "kafka", "kafka", 102, FieldType::Message(&FLOW_KAFKA)),
    ],
};

/// `flow.TraceContext`.
pub static FLOW_TRACECONTEXT: Message = Message {
    name: "flow.TraceContext",
    fields: &[
        one("parent", "parent", 1, FieldType::Message(&FLOW_TRACEPARENT)),
    ],
};

/// `flow.TraceParent`.
pub static FLOW_TRACEPARENT: Message = Message {
    name: "flow.TraceParent",
    fields: &[
        one("trace_id", "traceId", 1, FieldType::String),
    ],
};

/// `flow.Endpoint`.
pub static FLOW_ENDPOINT: Message = Message {
    name: "flow.Endpoint",
    fields: &[
        one("ID", "ID", 1, FieldType::Uint32),
        one("identity", "identity", 2, FieldType::Uint32),
        one("namespace", "namespace", 3, FieldType::String),
        many("labels", "labels", 4, FieldType::String),
        one("pod_name", "podName", 5, FieldType::String),
        many("workloads", "workloads", 6, FieldType::Message(&FLOW_WORKLOAD)),
        one("cluster_name", "clusterName", 7, FieldType::String),
    ],
};

/// `flow.Workload`.
pub static FLOW_WORKLOAD: Message = Message {
    name: "flow.Workload",
    fields: &[
        one("name", "name", 1, FieldType::String),
        one("kind", "kind", 2, FieldType::String),
    ],
};

/// `flow.TCP`.
pub static FLOW_TCP: Message = Message {
    name: "flow.TCP",
    fields: &[
        one("source_port", "sourcePort", 1, FieldType::Uint32),
        one("destination_port", "destinationPort", 2, FieldType::Uint32),
        one("flags", "flags", 3, FieldType::Message(&FLOW_TCPFLAGS)),
    ],
};

/// `flow.IP`.
pub static FLOW_IP: Message = Message {
    name: "flow.IP",
    fields: &[
        one("source", "source", 1, FieldType::String),
        one("destination", "destination", 2, FieldType::String),
        one("ipVersion", "ipVersion", 3, FieldType::Enum(&FLOW_IPVERSION)),
        one("encrypted", "encrypted", 4, FieldType::Bool),
        one("source_xlated", "sourceXlated", 5, FieldType::String),
    ],
};

/// `flow.Ethernet`.
pub static FLOW_ETHERNET: Message = Message {
    name: "flow.Ethernet",
    fields: &[
        one("source", "source", 1, FieldType::String),
        one("destination", "destination", 2, FieldType::String),
    ],
};

/// `flow.TCPFlags`.
pub static FLOW_TCPFLAGS: Message = Message {
    name: "flow.TCPFlags",
    fields: &[
        one("FIN", "FIN", 1, FieldType::Bool),
        one("SYN", "SYN", 2, FieldType::Bool),
        one("RST", "RST", 3, FieldType::Bool),
        one("PSH", "PSH", 4, FieldType::Bool),
        one("ACK", "ACK", 5, FieldType::Bool),
        one("URG", "URG", 6, FieldType::Bool),
        one("ECE", "ECE", 7, FieldType::Bool),
        one("CWR", "CWR", 8, FieldType::Bool),
        one("NS", "NS", 9, FieldType::Bool),
    ],
};

/// `flow.UDP`.
pub static FLOW_UDP: Message = Message {
    name: "flow.UDP",
    fields: &[
        one("source_port", "sourcePort", 1, FieldType::Uint32),
        one("destination_port", "destinationPort", 2, FieldType::Uint32),
    ],
};

/// `flow.SCTP`.
pub static FLOW_SCTP: Message = Message {
    name: "flow.SCTP",
    fields: &[
        one("source_port", "sourcePort", 1, FieldType::Uint32),
        one("destination_port", "destinationPort", 2, FieldType::Uint32),
        one("chunk_type", "chunkType", 3, FieldType::Enum(&FLOW_SCTPCHUNKTYPE)),
    ],
};

/// `flow.ICMPv4`.
pub static FLOW_ICMPV4: Message = Message {
    name: "flow.ICMPv4",
    fields: &[
        one("type", "type", 1, FieldType::Uint32),
        one("code", "code", 2, FieldType::Uint32),
    ],
};

/// `flow.ICMPv6`.
pub static FLOW_ICMPV6: Message = Message {
    name: "flow.ICMPv6",
    fields: &[
        one("type", "type", 1, FieldType::Uint32),
        one("code", "code", 2, FieldType::Uint32),
    ],
};

/// `flow.VRRP`.
pub static FLOW_VRRP: Message = Message {
    name: "flow.VRRP",
    fields: &[
        one("type", "type", 1, FieldType::Uint32),
        one("vrid", "vrid", 2, FieldType::Uint32),
        one("priority", "priority", 3, FieldType::Uint32),
    ],
};

/// `flow.IGMP`.
pub static FLOW_IGMP: Message = Message {
    name: "flow.IGMP",
    fields: &[
        one("type", "type", 1, FieldType::Uint32),
        one("group_address", "groupAddress", 2, FieldType::String),
    ],
};

/// `flow.Tunnel`.
pub static FLOW_TUNNEL: Message = Message {
    name: "flow.Tunnel",
    fields: &[
        one("protocol", "protocol", 1, FieldType::Enum(&FLOW_TUNNEL_PROTOCOL)),
        one("IP", "IP", 2, FieldType::Message(&FLOW_IP)),
        one("l4", "l4", 3, FieldType::Message(&FLOW_LAYER4)),
        one("vni", "vni", 4, FieldType::Uint32),
    ],
};

/// `flow.Policy`.
pub static FLOW_POLICY: Message = Message {
    name: "flow.Policy",
    fields: &[
        one("name", "name", 1, FieldType::String),
        one("namespace", "namespace", 2, FieldType::String),
        many("labels", "labels", 3, FieldType::String),
        one("revision", "revision", 4, FieldType::Uint64),
        one("kind", "kind", 5, FieldType::String),
    ],
};

/// `flow.EventTypeFilter`.
pub static FLOW_EVENTTYPEFILTER: Message = Message {
    name: "flow.EventTypeFilter",
    fields: &[
        one("type", "type", 1, FieldType::Int32),
        one("match_sub_type", "matchSubType", 2, FieldType::Bool),
        one("sub_type", "subType", 3, FieldType::Int32),
    ],
};

/// `flow.CiliumEventType`.
pub static FLOW_CILIUMEVENTTYPE: Message = Message {
    name: "flow.CiliumEventType",
    fields: &[
        one("type", "type", 1, FieldType::Int32),
        one("sub_type", "subType", 2, FieldType::Int32),
    ],
};

/// `flow.FlowFilter`.
pub static FLOW_FLOWFILTER: Message = Message {
    name: "flow.FlowFilter",
    fields: &[
        many("source_ip", "sourceIp", 1, FieldType::String),
        many("source_pod", "sourcePod", 2, FieldType::String),
        many("destination_ip", "destinationIp", 3, FieldType::String),
        many("destination_pod", "destinationPod", 4, FieldType::String),
        many("verdict", "verdict", 5, FieldType::Enum(&FLOW_VERDICT)),
        many("event_type", "eventType", 6, FieldType::Message(&FLOW_EVENTTYPEFILTER)),
        many("source_fqdn", "sourceFqdn", 7, FieldType::String),
        many("destination_fqdn", "destinationFqdn", 8, FieldType::String),
        many("http_status_code", "httpStatusCode", 9, FieldType::String),
        many("source_label", "sourceLabel", 10, FieldType::String),
        many("destination_label", "destinationLabel", 11, FieldType::String),
        many("protocol", "protocol", 12, FieldType::String),
        many("source_port", "sourcePort", 13, FieldType::String),
        many("destination_port", "destinationPort", 14, FieldType::String),
        many("reply", "reply", 15, FieldType::Bool),
        many("source_service", "sourceService", 16, FieldType::String),
        many("destination_service", "destinationService", 17, FieldType::String),
        many("dns_query", "dnsQuery", 18, FieldType::String),
        many("source_identity", "sourceIdentity", 19, FieldType::Uint32),
        many("destination_identity", "destinationIdentity", 20, FieldType::Uint32),
        many("http_method", "httpMethod", 21, FieldType::String),
        many("http_path", "httpPath", 22, FieldType::String),
        many("tcp_flags", "tcpFlags", 23, FieldType::Message(&FLOW_TCPFLAGS)),
        many("node_name", "nodeName", 24, FieldType::String),
        many("ip_version", "ipVersion", 25, FieldType::Enum(&FLOW_IPVERSION)),
        many("source_workload", "sourceWorkload", 26, FieldType::Message(&FLOW_WORKLOAD)),
        many("destination_workload", "destinationWorkload", 27, FieldType::Message(&FLOW_WORKLOAD)),
        many("trace_id", "traceId", 28, FieldType::String),
        many("uuid", "uuid", 29, FieldType::String),
        many("traffic_direction", "trafficDirection", 30, FieldType::Enum(&FLOW_TRAFFICDIRECTION)),
        many("http_url", "httpUrl", 31, FieldType::String),
        many("http_header", "httpHeader", 32, FieldType::Message(&FLOW_HTTPHEADER)),
        many("drop_reason_desc", "dropReasonDesc", 33, FieldType::Enum(&FLOW_DROPREASON)),
        many("source_ip_xlated", "sourceIpXlated", 34, FieldType::String),
        many("interface", "interface", 35, FieldType::Message(&FLOW_NETWORKINTERFACE)),
        many("node_labels", "nodeLabels", 36, FieldType::String),
        many("source_cluster_name", "sourceClusterName", 37, FieldType::String),
        many("destination_cluster_name", "destinationClusterName", 38, FieldType::String),
        many("ip_trace_id", "ipTraceId", 39, FieldType::Uint64),
        many("encrypted", "encrypted", 40, FieldType::Bool),
        one("experimental", "experimental", 999, FieldType::Message(&FLOW_FLOWFILTER_EXPERIMENTAL)),
    ],
};

/// `flow.FlowFilter.Experimental`.
pub static FLOW_FLOWFILTER_EXPERIMENTAL: Message = Message {
    name: "flow.FlowFilter.Experimental",
    fields: &[
        many("cel_expression", "celExpression", 1, FieldType::String),
    ],
};

/// `flow.DNS`.
pub static FLOW_DNS: Message = Message {
    name: "flow.DNS",
    fields: &[
        one("query", "query", 1, FieldType::String),
        many("ips", "ips", 2, FieldType::String),
        one("ttl", "ttl", 3, FieldType::Uint32),
        many("cnames", "cnames", 4, FieldType::String),
        one("observation_source", "observationSource", 5, FieldType::String),
        one("rcode", "rcode", 6, FieldType::Uint32),
        many("qtypes", "qtypes", 7, FieldType::String),
        many("rrtypes", "rrtypes", 8, FieldType::String),
    ],
};

/// `flow.HTTPHeader`.
pub static FLOW_HTTPHEADER: Message = Message {
    name: "flow.HTTPHeader",
    fields: &[
        one("key", "key", 1, FieldType::String),
        one("value", "value", 2, FieldType::String),
    ],
};

/// `flow.HTTP`.
pub static FLOW_HTTP: Message = Message {
    name: "flow.HTTP",
    fields: &[
        one("code", "code", 1, FieldType::Uint32),
        one("method", "method", 2, FieldType::String),
        one("url", "url", 3, FieldType::String),
        one("protocol", "protocol", 4, FieldType::String),
        many("headers", "headers", 5, FieldType::Message(&FLOW_HTTPHEADER)),
    ],
};

/// `flow.Kafka`.
pub static FLOW_KAFKA: Message = Message {
    name: "flow.Kafka",
    fields: &[
        one("error_code", "errorCode", 1, FieldType::Int32),
        one("api_version", "apiVersion", 2, FieldType::Int32),
        one("api_key", "apiKey", 3, FieldType::String),
        one("correlation_id", "correlationId", 4, FieldType::Int32),
        one("topic", "topic", 5, FieldType::String),
    ],
};

/// `flow.Service`.
pub static FLOW_SERVICE: Message = Message {
    name: "flow.Service",
    fields: &[
        one("name", "name", 1, FieldType::String),
        one("namespace", "namespace", 2, FieldType::String),
    ],
};

/// `flow.IPTraceID`.
pub static FLOW_IPTRACEID: Message = Message {
    name: "flow.IPTraceID",
    fields: &[
        one("trace_id", "traceId", 1, FieldType::Uint64),
        one("ip_option_type", "ipOptionType", 2, FieldType::Uint32),
    ],
};

/// `flow.LostEvent`.
pub static FLOW_LOSTEVENT: Message = Message {
    name: "flow.LostEvent",
    fields: &[
        one("source", "source", 1, FieldType::Enum(&FLOW_LOSTEVENTSOURCE)),
        one("num_events_lost", "numEventsLost", 2, FieldType::Uint64),
        one("cpu", "cpu", 3, FieldType::Int32Value),
        one("first", "first", 4, FieldType::Timestamp),
        one("last", "last", 5, FieldType::Timestamp),
    ],
};

/// `flow.AgentEvent`.
pub static FLOW_AGENTEVENT: Message = Message {
    name: "flow.AgentEvent",
    fields: &[
        one("type", "type", 1, FieldType::Enum(&FLOW_AGENTEVENTTYPE)),
        one_of(0, "unknown", "unknown", 100, FieldType::Message(&FLOW_AGENTEVENTUNKNOWN)),
        one_of(0, "agent_start", "agentStart", 101, FieldType::Message(&FLOW_TIMENOTIFICATION)),
        one_of(0, "policy_update", "policyUpdate", 102, FieldType::Message(&FLOW_POLICYUPDATENOTIFICATION)),
        one_of(0, "endpoint_regenerate", "endpointRegenerate", 103, FieldType::Message(&FLOW_ENDPOINTREGENNOTIFICATION)),
        one_of(0, "endpoint_update", "endpointUpdate", 104, FieldType::Message(&FLOW_ENDPOINTUPDATENOTIFICATION)),
        one_of(0, "ipcache_update", "ipcacheUpdate", 105, FieldType::Message(&FLOW_IPCACHENOTIFICATION)),
        one_of(0, "service_upsert", "serviceUpsert", 106, FieldType::Message(&FLOW_SERVICEUPSERTNOTIFICATION)),
        one_of(0, "service_delete", "serviceDelete", 107, FieldType::Message(&FLOW_SERVICEDELETENOTIFICATION)),
    ],
};

/// `flow.AgentEventUnknown`.
pub static FLOW_AGENTEVENTUNKNOWN: Message = Message {
    name: "flow.AgentEventUnknown",
    fields: &[
        one("type", "type", 1, FieldType::String),
        one("notification", "notification", 2, FieldType::String),
    ],
};

/// `flow.TimeNotification`.
pub static FLOW_TIMENOTIFICATION: Message = Message {
    name: "flow.TimeNotification",
    fields: &[
        one("time", "time", 1, FieldType::Timestamp),
    ],
};

/// `flow.PolicyUpdateNotification`.
pub static FLOW_POLICYUPDATENOTIFICATION: Message = Message {
    name: "flow.PolicyUpdateNotification",
    fields: &[
        many("labels", "labels", 1, FieldType::String),
        one("revision", "revision", 2, FieldType::Uint64),
        one("rule_count", "ruleCount", 3, FieldType::Int64),
    ],
};

/// `flow.EndpointRegenNotification`.
pub static FLOW_ENDPOINTREGENNOTIFICATION: Message = Message {
    name: "flow.EndpointRegenNotification",
    fields: &[
        one("id", "id", 1, FieldType::Uint64),
        many("labels", "labels", 2, FieldType::String),
        one("error", "error", 3, FieldType::String),
    ],
};

/// `flow.EndpointUpdateNotification`.
pub static FLOW_ENDPOINTUPDATENOTIFICATION: Message = Message {
    name: "flow.EndpointUpdateNotification",
    fields: &[
        one("id", "id", 1, FieldType::Uint64),
        many("labels", "labels", 2, FieldType::String),
        one("error", "error", 3, FieldType::String),
        one("pod_name", "podName", 4, FieldType::String),
        one("namespace", "namespace", 5, FieldType::String),
    ],
};

/// `flow.IPCacheNotification`.
pub static FLOW_IPCACHENOTIFICATION: Message = Message {
    name: "flow.IPCacheNotification",
    fields: &[
        one("cidr", "cidr", 1, FieldType::String),
        one("identity", "identity", 2, FieldType::Uint32),
        one("old_identity", "oldIdentity", 3, FieldType::Uint32Value),
        one("host_ip", "hostIp", 4, FieldType::String),
        one("old_host_ip", "oldHostIp", 5, FieldType::String),
        one("encrypt_key", "encryptKey", 6, FieldType::Uint32),
        one("namespace", "namespace", 7, FieldType::String),
        one("pod_name", "podName", 8, FieldType::String),
    ],
};

/// `flow.ServiceUpsertNotificationAddr`.
pub static FLOW_SERVICEUPSERTNOTIFICATIONADDR: Message = Message {
    name: "flow.ServiceUpsertNotificationAddr",
    fields: &[
        one("ip", "ip", 1, FieldType::String),
        one("port", "port", 2, FieldType::Uint32),
    ],
};

/// `flow.ServiceUpsertNotification`.
pub static FLOW_SERVICEUPSERTNOTIFICATION: Message = Message {
    name: "flow.ServiceUpsertNotification",
    fields: &[
        one("id", "id", 1, FieldType::Uint32),
        one("frontend_address", "frontendAddress", 2, FieldType::Message(&FLOW_SERVICEUPSERTNOTIFICATIONADDR)),
        many("backend_addresses", "backendAddresses", 3, FieldType::Message(&FLOW_SERVICEUPSERTNOTIFICATIONADDR)),
        one("type", "type", 4, FieldType::String),
        one("traffic_policy", "trafficPolicy", 5, FieldType::String),
        one("name", "name", 6, FieldType::String),
        one("namespace", "namespace", 7, FieldType::String),
        one("ext_traffic_policy", "extTrafficPolicy", 8, FieldType::String),
        one("int_traffic_policy", "intTrafficPolicy", 9, FieldType::String),
    ],
};

/// `flow.ServiceDeleteNotification`.
pub static FLOW_SERVICEDELETENOTIFICATION: Message = Message {
    name: "flow.ServiceDeleteNotification",
    fields: &[
        one("id", "id", 1, FieldType::Uint32),
    ],
};

/// `flow.NetworkInterface`.
pub static FLOW_NETWORKINTERFACE: Message = Message {
    name: "flow.NetworkInterface",
    fields: &[
        one("index", "index", 1, FieldType::Uint32),
        one("name", "name", 2, FieldType::String),
    ],
};

/// `flow.DebugEvent`.
pub static FLOW_DEBUGEVENT: Message = Message {
    name: "flow.DebugEvent",
    fields: &[
        one("type", "type", 1, FieldType::Enum(&FLOW_DEBUGEVENTTYPE)),
        one("source", "source", 2, FieldType::Message(&FLOW_ENDPOINT)),
        one("hash", "hash", 3, FieldType::Uint32Value),
        one("arg1", "arg1", 4, FieldType::Uint32Value),
        one("arg2", "arg2", 5, FieldType::Uint32Value),
        one("arg3", "arg3", 6, FieldType::Uint32Value),
        one("message", "message", 7, FieldType::String),
        one("cpu", "cpu", 8, FieldType::Int32Value),
    ],
};

/// `flow.Aggregate`.
pub static FLOW_AGGREGATE: Message = Message {
    name: "flow.Aggregate",
    fields: &[
        one("ingress_flow_count", "ingressFlowCount", 1, FieldType::Uint32),
        one("egress_flow_count", "egressFlowCount", 2, FieldType::Uint32),
        one("unknown_direction_flow_count", "unknownDirectionFlowCount", 3, FieldType::Uint32),
    ],
};

/// `relay.NodeStatusEvent`.
pub static RELAY_NODESTATUSEVENT: Message = Message {
    name: "relay.NodeStatusEvent",
    fields: &[
        one("state_change", "stateChange", 1, FieldType::Enum(&RELAY_NODESTATE)),
        many("node_names", "nodeNames", 2, FieldType::String),
        one("message", "message", 3, FieldType::String),
    ],
};

/// `observer.GetFlowsResponse`.
pub static OBSERVER_GETFLOWSRESPONSE: Message = Message {
    name: "observer.GetFlowsResponse",
    fields: &[
        one_of(0, "flow", "flow", 1, FieldType::Message(&FLOW_FLOW)),
        one_of(0, "node_status", "nodeStatus", 2, FieldType::Message(&RELAY_NODESTATUSEVENT)),
        one_of(0, "lost_events", "lostEvents", 3, FieldType::Message(&FLOW_LOSTEVENT)),
        one("node_name", "nodeName", 1000, FieldType::String),
        one("time", "time", 1001, FieldType::Timestamp),
    ],
};

/// `observer.ExportEvent`.
pub static OBSERVER_EXPORTEVENT: Message = Message {
    name: "observer.ExportEvent",
    fields: &[
        one_of(0, "flow", "flow", 1, FieldType::Message(&FLOW_FLOW)),
        one_of(0, "node_status", "nodeStatus", 2, FieldType::Message(&RELAY_NODESTATUSEVENT)),
        one_of(0, "lost_events", "lostEvents", 3, FieldType::Message(&FLOW_LOSTEVENT)),
        one_of(0, "agent_event", "agentEvent", 4, FieldType::Message(&FLOW_AGENTEVENT)),
        one_of(0, "debug_event", "debugEvent", 5, FieldType::Message(&FLOW_DEBUGEVENT)),
        one("node_name", "nodeName", 1000, FieldType::String),
        one("time", "time", 1001, FieldType::Timestamp),
    ],
};

static FLOW_FLOWTYPE: Enum = Enum {
    values: &[
        (0, "UNKNOWN_TYPE"),
        (1, "L3_L4"),
        (2, "L7"),
        (3, "SOCK"),
    ],
};

static FLOW_AUTHTYPE: Enum = Enum {
    values: &[
        (0, "DISABLED"),
        (1, "SPIRE"),
        (2, "TEST_ALWAYS_FAIL"),
    ],
};

static FLOW_TRACEOBSERVATIONPOINT: Enum = Enum {
    values: &[
        (0, "UNKNOWN_POINT"),
        (1, "TO_PROXY"),
        (2, "TO_HOST"),
        (3, "TO_STACK"),
        (4, "TO_OVERLAY"),
        (5, "FROM_ENDPOINT"),
        (6, "FROM_PROXY"),
        (7, "FROM_HOST"),
        (8, "FROM_STACK"),
        (9, "FROM_OVERLAY"),
        (10, "FROM_NETWORK"),
        (11, "TO_NETWORK"),
        (12, "FROM_CRYPTO"),
        (13, "TO_CRYPTO"),
        (101, "TO_ENDPOINT"),
    ],
};

static FLOW_TRACEREASON: Enum = Enum {
    values: &[
        (0, "TRACE_REASON_UNKNOWN"),
        (1, "NEW"),
        (2, "ESTABLISHED"),
        (3, "REPLY"),
        (4, "RELATED"),
        (5, "REOPENED"),
        (6, "SRV6_ENCAP"),
        (7, "SRV6_DECAP"),
        (8, "ENCRYPT_OVERLAY"),
    ],
};

static FLOW_L7FLOWTYPE: Enum = Enum {
    values: &[
        (0, "UNKNOWN_L7_TYPE"),
        (1, "REQUEST"),
        (2, "RESPONSE"),
        (3, "SAMPLE"),
    ],
};

static FLOW_SCTPCHUNKTYPE: Enum = Enum {
    values: &[
        (0, "UNSUPPORTED"),
        (1, "INIT"),
        (2, "INIT_ACK"),
        (3, "SHUTDOWN"),
        (4, "SHUTDOWN_ACK"),
        (5, "SHUTDOWN_COMPLETE"),
        (6, "ABORT"),
    ],
};

static FLOW_IPVERSION: Enum = Enum {
    values: &[
        (0, "IP_NOT_USED"),
        (1, "IPv4"),
        (2, "IPv6"),
    ],
};

static FLOW_VERDICT: Enum = Enum {
    values: &[
        (0, "VERDICT_UNKNOWN"),
        (1, "FORWARDED"),
        (2, "DROPPED"),
        (3, "ERROR"),
        (4, "AUDIT"),
        (5, "REDIRECTED"),
        (6, "TRACED"),
        (7, "TRANSLATED"),
    ],
};

static FLOW_DROPREASON: Enum = Enum {
    values: &[
        (0, "DROP_REASON_UNKNOWN"),
        (130, "INVALID_SOURCE_MAC"),
        (131, "INVALID_DESTINATION_MAC"),
        (132, "INVALID_SOURCE_IP"),
        (133, "POLICY_DENIED"),
        (134, "INVALID_PACKET_DROPPED"),
        (135, "CT_TRUNCATED_OR_INVALID_HEADER"),
        (136, "CT_MISSING_TCP_ACK_FLAG"),
        (137, "CT_UNKNOWN_L4_PROTOCOL"),
        (138, "CT_CANNOT_CREATE_ENTRY_FROM_PACKET"),
        (139, "UNSUPPORTED_L3_PROTOCOL"),
        (140, "MISSED_TAIL_CALL"),
        (141, "ERROR_WRITING_TO_PACKET"),
        (142, "UNKNOWN_L4_PROTOCOL"),
        (143, "UNKNOWN_ICMPV4_CODE"),
        (144, "UNKNOWN_ICMPV4_TYPE"),
        (145, "UNKNOWN_ICMPV6_CODE"),
        (146, "UNKNOWN_ICMPV6_TYPE"),
        (147, "ERROR_RETRIEVING_TUNNEL_KEY"),
        (148, "ERROR_RETRIEVING_TUNNEL_OPTIONS"),
        (149, "INVALID_GENEVE_OPTION"),
        (150, "UNKNOWN_L3_TARGET_ADDRESS"),
        (151, "STALE_OR_UNROUTABLE_IP"),
        (152, "NO_MATCHING_LOCAL_CONTAINER_FOUND"),
        (153, "ERROR_WHILE_CORRECTING_L3_CHECKSUM"),
        (154, "ERROR_WHILE_CORRECTING_L4_CHECKSUM"),
        (155, "CT_MAP_INSERTION_FAILED"),
        (156, "INVALID_IPV6_EXTENSION_HEADER"),
        (157, "IP_FRAGMENTATION_NOT_SUPPORTED"),
        (158, "SERVICE_BACKEND_NOT_FOUND"),
        (160, "NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT"),
        (161, "FAILED_TO_INSERT_INTO_PROXYMAP"),
        (162, "REACHED_EDT_RATE_LIMITING_DROP_HORIZON"),
        (163, "UNKNOWN_CONNECTION_TRACKING_STATE"),
        (164, "LOCAL_HOST_IS_UNREACHABLE"),
        (165, "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"),
        (166, "UNSUPPORTED_L2_PROTOCOL"),
        (167, "NO_MAPPING_FOR_NAT_MASQUERADE"),
        (168, "UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE"),
        (169, "FIB_LOOKUP_FAILED"),
        (170, "ENCAPSULATION_TRAFFIC_IS_PROHIBITED"),
        (171, "INVALID_IDENTITY"),
        (172, "UNKNOWN_SENDER"),
        (173, "NAT_NOT_NEEDED"),
        (174, "IS_A_CLUSTERIP"),
        (175, "FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND"),
        (176, "FORBIDDEN_ICMPV6_MESSAGE"),
        (177, "DENIED_BY_LB_SRC_RANGE_CHECK"),
        (178, "SOCKET_LOOKUP_FAILED"),
        (179, "SOCKET_ASSIGN_FAILED"),
        (180, "PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL"),
        (181, "POLICY_DENY"),
        (182, "VLAN_FILTERED"),
        (183, "INVALID_VNI"),
        (184, "INVALID_TC_BUFFER"),
        (185, "NO_SID"),
        (186, "MISSING_SRV6_STATE"),
        (187, "NAT46"),
        (188, "NAT64"),
        (189, "AUTH_REQUIRED"),
        (190, "CT_NO_MAP_FOUND"),
        (191, "SNAT_NO_MAP_FOUND"),
        (192, "INVALID_CLUSTER_ID"),
        (193, "UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP"),
        (194, "NO_EGRESS_GATEWAY"),
        (195, "UNENCRYPTED_TRAFFIC"),
        (196, "TTL_EXCEEDED"),
        (197, "NO_NODE_ID"),
        (198, "DROP_RATE_LIMITED"),
        (199, "IGMP_HANDLED"),
        (200, "IGMP_SUBSCRIBED"),
        (201, "MULTICAST_HANDLED"),
        (202, "DROP_HOST_NOT_READY"),
        (203, "DROP_EP_NOT_READY"),
        (204, "DROP_NO_EGRESS_IP"),
        (205, "DROP_PUNT_PROXY"),
        (207, "DROP_FRAG_NOT_FOUND_WORLD"),
    ],
};

static FLOW_TRAFFICDIRECTION: Enum = Enum {
    values: &[
        (0, "TRAFFIC_DIRECTION_UNKNOWN"),
        (1, "INGRESS"),
        (2, "EGRESS"),
    ],
};

static FLOW_DEBUGCAPTUREPOINT: Enum = Enum {
    values: &[
        (0, "DBG_CAPTURE_POINT_UNKNOWN"),
        (4, "DBG_CAPTURE_DELIVERY"),
        (5, "DBG_CAPTURE_FROM_LB"),
        (6, "DBG_CAPTURE_AFTER_V46"),
        (7, "DBG_CAPTURE_AFTER_V64"),
        (8, "DBG_CAPTURE_PROXY_PRE"),
        (9, "DBG_CAPTURE_PROXY_POST"),
        (10, "DBG_CAPTURE_SNAT_PRE"),
        (11, "DBG_CAPTURE_SNAT_POST"),
    ],
};

static FLOW_LOSTEVENTSOURCE: Enum = Enum {
    values: &[
        (0, "UNKNOWN_LOST_EVENT_SOURCE"),
        (1, "PERF_EVENT_RING_BUFFER"),
        (2, "OBSERVER_EVENTS_QUEUE"),
        (3, "HUBBLE_RING_BUFFER"),
    ],
};

static FLOW_AGENTEVENTTYPE: Enum = Enum {
    values: &[
        (0, "AGENT_EVENT_UNKNOWN"),
        (2, "AGENT_STARTED"),
        (3, "POLICY_UPDATED"),
        (4, "POLICY_DELETED"),
        (5, "ENDPOINT_REGENERATE_SUCCESS"),
        (6, "ENDPOINT_REGENERATE_FAILURE"),
        (7, "ENDPOINT_CREATED"),
        (8, "ENDPOINT_DELETED"),
        (9, "IPCACHE_UPSERTED"),
        (10, "IPCACHE_DELETED"),
        (11, "SERVICE_UPSERTED"),
        (12, "SERVICE_DELETED"),
    ],
};

static FLOW_SOCKETTRANSLATIONPOINT: Enum = Enum {
    values: &[
        (0, "SOCK_XLATE_POINT_UNKNOWN"),
        (1, "SOCK_XLATE_POINT_PRE_DIRECTION_FWD"),
        (2, "SOCK_XLATE_POINT_POST_DIRECTION_FWD"),
        (3, "SOCK_XLATE_POINT_PRE_DIRECTION_REV"),
        (4, "SOCK_XLATE_POINT_POST_DIRECTION_REV"),
    ],
};

static FLOW_DEBUGEVENTTYPE: Enum = Enum {
    values: &[
        (0, "DBG_EVENT_UNKNOWN"),
        (1, "DBG_GENERIC"),
        (2, "DBG_LOCAL_DELIVERY"),
        (3, "DBG_ENCAP"),
        (4, "DBG_LXC_FOUND"),
        (5, "DBG_POLICY_DENIED"),
        (6, "DBG_CT_LOOKUP"),
        (7, "DBG_CT_LOOKUP_REV"),
        (8, "DBG_CT_MATCH"),
        (9, "DBG_CT_CREATED"),
        (10, "DBG_CT_CREATED2"),
        (11, "DBG_ICMP6_HANDLE"),
        (12, "DBG_ICMP6_REQUEST"),
        (13, "DBG_ICMP6_NS"),
        (14, "DBG_ICMP6_TIME_EXCEEDED"),
        (15, "DBG_CT_VERDICT"),
        (16, "DBG_DECAP"),
        (17, "DBG_PORT_MAP"),
        (18, "DBG_ERROR_RET"),
        (19, "DBG_TO_HOST"),
        (20, "DBG_TO_STACK"),
        (21, "DBG_PKT_HASH"),
        (22, "DBG_LB6_LOOKUP_FRONTEND"),
        (23, "DBG_LB6_LOOKUP_FRONTEND_FAIL"),
        (24, "DBG_LB6_LOOKUP_BACKEND_SLOT"),
        (25, "DBG_LB6_LOOKUP_BACKEND_SLOT_SUCCESS"),
        (26, "DBG_LB6_LOOKUP_BACKEND_SLOT_V2_FAIL"),
        (27, "DBG_LB6_LOOKUP_BACKEND_FAIL"),
        (28, "DBG_LB6_REVERSE_NAT_LOOKUP"),
        (29, "DBG_LB6_REVERSE_NAT"),
        (30, "DBG_LB4_LOOKUP_FRONTEND"),
        (31, "DBG_LB4_LOOKUP_FRONTEND_FAIL"),
        (32, "DBG_LB4_LOOKUP_BACKEND_SLOT"),
        (33, "DBG_LB4_LOOKUP_BACKEND_SLOT_SUCCESS"),
        (34, "DBG_LB4_LOOKUP_BACKEND_SLOT_V2_FAIL"),
        (35, "DBG_LB4_LOOKUP_BACKEND_FAIL"),
        (36, "DBG_LB4_REVERSE_NAT_LOOKUP"),
        (37, "DBG_LB4_REVERSE_NAT"),
        (38, "DBG_LB4_LOOPBACK_SNAT"),
        (39, "DBG_LB4_LOOPBACK_SNAT_REV"),
        (40, "DBG_CT_LOOKUP4"),
        (41, "DBG_RR_BACKEND_SLOT_SEL"),
        (42, "DBG_REV_PROXY_LOOKUP"),
        (43, "DBG_REV_PROXY_FOUND"),
        (44, "DBG_REV_PROXY_UPDATE"),
        (45, "DBG_L4_POLICY"),
        (46, "DBG_NETDEV_IN_CLUSTER"),
        (47, "DBG_NETDEV_ENCAP4"),
        (48, "DBG_CT_LOOKUP4_1"),
        (49, "DBG_CT_LOOKUP4_2"),
        (50, "DBG_CT_CREATED4"),
        (51, "DBG_CT_LOOKUP6_1"),
        (52, "DBG_CT_LOOKUP6_2"),
        (53, "DBG_CT_CREATED6"),
        (54, "DBG_SKIP_PROXY"),
        (55, "DBG_L4_CREATE"),
        (56, "DBG_IP_ID_MAP_FAILED4"),
        (57, "DBG_IP_ID_MAP_FAILED6"),
        (58, "DBG_IP_ID_MAP_SUCCEED4"),
        (59, "DBG_IP_ID_MAP_SUCCEED6"),
        (60, "DBG_LB_STALE_CT"),
        (61, "DBG_INHERIT_IDENTITY"),
        (62, "DBG_SK_LOOKUP4"),
        (63, "DBG_SK_LOOKUP6"),
        (64, "DBG_SK_ASSIGN"),
        (65, "DBG_L7_LB"),
        (66, "DBG_SKIP_POLICY"),
        (67, "DBG_LB6_LOOPBACK_SNAT"),
        (68, "DBG_LB6_LOOPBACK_SNAT_REV"),
    ],
};

static FLOW_TUNNEL_PROTOCOL: Enum = Enum {
    values: &[
        (0, "UNKNOWN"),
        (1, "VXLAN"),
        (2, "GENEVE"),
    ],
};

static RELAY_NODESTATE: Enum = Enum {
    values: &[
        (0, "UNKNOWN_NODE_STATE"),
        (1, "NODE_CONNECTED"),
        (2, "NODE_UNAVAILABLE"),
        (3, "NODE_GONE"),
        (4, "NODE_ERROR"),
    ],
};
