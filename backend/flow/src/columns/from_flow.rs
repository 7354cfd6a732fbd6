use super::{
    ColumnsFull, FlowColumns, FlowRow, NO_TIME, REPLY_UNKNOWN, RowLists, l4_protocol, l7_record,
    parts,
};
use crate::{Endpoint, Flow, Icmp, L7Record, Layer4, Layer7, Policy, Timestamp, Workload};

impl FlowColumns {
    /// Adds a flow at the end, completely or not at all.
    ///
    /// `lists` is a buffer that is reused from flow to flow; its content is overwritten.
    ///
    /// Errors: a bound of [`ColumnLimits`](super::ColumnLimits) is reached.
    pub fn append_flow(&mut self, flow: &Flow, lists: &mut RowLists) -> Result<(), ColumnsFull> {
        let row = FlowRow::of(flow, lists);
        self.append(&row, lists)
    }
}

impl<'a> FlowRow<'a> {
    /// Row of a flow. Its lists replace the content of `lists`.
    pub fn of(flow: &'a Flow, lists: &mut RowLists) -> Self {
        lists.clear();
        let mut row = Self {
            time_nanos: flow.time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME),
            verdict: flow.verdict.number(),
            drop_reason: flow.drop_reason().number(),
            traffic_direction: flow.traffic_direction.number(),
            flow_type: flow.flow_type.number(),
            trace_observation_point: flow.trace_observation_point.number(),
            trace_reason: flow.trace_reason.number(),
            debug_capture_point: flow.debug_capture_point.number(),
            sock_xlate_point: flow.sock_xlate_point.number(),
            policy_match_type: flow.policy_match_type,
            auth_type: flow.auth_type.number(),
            is_reply: flow.reply().map_or(REPLY_UNKNOWN, i8::from),
            proxy_port: flow.proxy_port,
            node_name: flow.node_name.as_bytes(),
            uuid: flow.uuid.as_bytes(),
            ..Self::default()
        };
        if let Some(ethernet) = &flow.ethernet {
            row.source_mac = ethernet.source.as_bytes();
            row.destination_mac = ethernet.destination.as_bytes();
        }
        if let Some(event_type) = &flow.event_type {
            row.parts |= parts::EVENT_TYPE;
            row.event_type = event_type.message_type.number();
            row.event_sub_type = event_type.sub_type;
        }
        if let Some(interface) = &flow.interface {
            row.interface_index = interface.index;
            row.interface = interface.name.as_bytes();
        }
        if let Some(ip) = &flow.ip {
            row.source_ip = ip.source.as_bytes();
            row.destination_ip = ip.destination.as_bytes();
            row.ip_version = ip.ip_version.number();
            row.encrypted = u8::from(ip.encrypted);
        }
        if let Some(l4) = &flow.l4 {
            row.set_l4(l4);
        }
        if let Some(source) = &flow.source {
            row.parts |= parts::SOURCE;
            row.source_identity = source.identity;
            row.source_namespace = source.namespace.as_bytes();
            row.source_pod = source.pod_name.as_bytes();
            row.source_cluster = source.cluster_name.as_bytes();
        }
        if let Some(destination) = &flow.destination {
            row.parts |= parts::DESTINATION;
            row.destination_identity = destination.identity;
            row.destination_namespace = destination.namespace.as_bytes();
            row.destination_pod = destination.pod_name.as_bytes();
            row.destination_cluster = destination.cluster_name.as_bytes();
        }
        if let Some(service) = &flow.source_service {
            row.source_service = service.name.as_bytes();
            row.source_service_namespace = service.namespace.as_bytes();
        }
        if let Some(service) = &flow.destination_service {
            row.destination_service = service.name.as_bytes();
            row.destination_service_namespace = service.namespace.as_bytes();
        }
        if let Some(l7) = &flow.l7 {
            row.set_l7(l7);
        }
        if let Some(aggregate) = &flow.aggregate {
            row.aggregate_ingress_flow_count = aggregate.ingress_flow_count;
            row.aggregate_egress_flow_count = aggregate.egress_flow_count;
            row.aggregate_unknown_direction_flow_count = aggregate.unknown_direction_flow_count;
        }
        lists.fill(flow);
        row
    }

    fn set_l4(&mut self, l4: &Layer4) {
        self.source_port = l4.source_port().unwrap_or(0);
        self.destination_port = l4.destination_port().unwrap_or(0);
        self.l4_protocol = match l4 {
            Layer4::Unknown => l4_protocol::NONE,
            Layer4::Tcp(tcp) => {
                self.tcp_flags = tcp.flags.unwrap_or_default().bits();
                l4_protocol::TCP
            }
            Layer4::Udp(_) => l4_protocol::UDP,
            Layer4::Icmpv4(icmp) => {
                self.set_icmp(*icmp);
                l4_protocol::ICMPV4
            }
            Layer4::Icmpv6(icmp) => {
                self.set_icmp(*icmp);
                l4_protocol::ICMPV6
            }
            Layer4::Sctp(_) => l4_protocol::SCTP,
            Layer4::Vrrp(_) => l4_protocol::VRRP,
            Layer4::Igmp(_) => l4_protocol::IGMP,
        };
    }

    fn set_icmp(&mut self, icmp: Icmp) {
        self.icmp_type = icmp.icmp_type;
        self.icmp_code = icmp.code;
    }

    fn set_l7(&mut self, l7: &'a Layer7) {
        self.l7_type = l7.l7_type.number();
        self.l7_latency_nanos = l7.latency_ns;
        self.l7_record = match &l7.record {
            None => l7_record::UNKNOWN,
            Some(L7Record::Dns(dns)) => {
                self.dns_query = dns.query.as_bytes();
                self.dns_observation_source = dns.observation_source.as_bytes();
                self.dns_rcode = dns.rcode;
                self.dns_ttl_secs = dns.ttl;
                l7_record::DNS
            }
            Some(L7Record::Http(http)) => {
                self.http_code = http.code;
                self.http_method = http.method.as_bytes();
                self.http_url = http.url.as_bytes();
                self.http_protocol = http.protocol.as_bytes();
                l7_record::HTTP
            }
            Some(L7Record::Kafka(_)) => l7_record::KAFKA,
        };
    }
}

impl RowLists {
    fn fill(&mut self, flow: &Flow) {
        fn texts(list: &mut super::JoinedList, texts: &[String]) {
            for text in texts {
                list.push(text.as_bytes());
            }
        }
        fn workloads(list: &mut super::JoinedList, workloads: &[Workload]) {
            for workload in workloads {
                list.push(workload.name.as_bytes());
                list.push(workload.kind.as_bytes());
            }
        }
        fn policies(list: &mut super::JoinedList, policies: &[Policy]) {
            for policy in policies {
                list.push(policy.kind.as_bytes());
                list.push(policy.namespace.as_bytes());
                list.push(policy.name.as_bytes());
            }
        }

        if let Some(Endpoint { labels, workloads: owners, .. }) = &flow.source {
            texts(&mut self.source_labels, labels);
            workloads(&mut self.source_workloads, owners);
        }
        if let Some(Endpoint { labels, workloads: owners, .. }) = &flow.destination {
            texts(&mut self.destination_labels, labels);
            workloads(&mut self.destination_workloads, owners);
        }
        texts(&mut self.source_names, &flow.source_names);
        texts(&mut self.destination_names, &flow.destination_names);
        if let Some(Layer7 { record: Some(L7Record::Dns(dns)), .. }) = &flow.l7 {
            texts(&mut self.dns_ips, &dns.ips);
            texts(&mut self.dns_cnames, &dns.cnames);
            texts(&mut self.dns_qtypes, &dns.qtypes);
        }
        if let Some(Layer7 { record: Some(L7Record::Http(http)), .. }) = &flow.l7 {
            for header in &http.headers {
                self.http_headers.push(header.key.as_bytes());
                self.http_headers.push(header.value.as_bytes());
            }
        }
        texts(&mut self.node_labels, &flow.node_labels);
        policies(&mut self.egress_allowed_by, &flow.egress_allowed_by);
        policies(&mut self.ingress_allowed_by, &flow.ingress_allowed_by);
        policies(&mut self.egress_denied_by, &flow.egress_denied_by);
        policies(&mut self.ingress_denied_by, &flow.ingress_denied_by);
        texts(&mut self.policy_log, &flow.policy_log);
    }
}
