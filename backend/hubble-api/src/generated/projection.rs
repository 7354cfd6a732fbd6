// Made from proto/ by `cargo xtask gen`; change it there.
const IP: ColumnSet = ColumnSet::read_from("IP");
const AGGREGATE: ColumnSet = ColumnSet::read_from("aggregate");
const DESTINATION: ColumnSet = ColumnSet::read_from("destination");
const DESTINATION_SERVICE: ColumnSet = ColumnSet::read_from("destination_service");
const ETHERNET: ColumnSet = ColumnSet::read_from("ethernet");
const EVENT_TYPE: ColumnSet = ColumnSet::read_from("event_type");
const INTERFACE: ColumnSet = ColumnSet::read_from("interface");
const L4: ColumnSet = ColumnSet::read_from("l4");
const L7: ColumnSet = ColumnSet::read_from("l7");
const SOURCE: ColumnSet = ColumnSet::read_from("source");
const SOURCE_SERVICE: ColumnSet = ColumnSet::read_from("source_service");

/// Numbers of the fields of `Flow` that are read by hand.
mod number {
    pub(super) const TIME: u32 = 1;
    pub(super) const DROP_REASON: u32 = 3;
    pub(super) const L4: u32 = 6;
    pub(super) const SOURCE: u32 = 8;
    pub(super) const DESTINATION: u32 = 9;
    pub(super) const L7: u32 = 15;
    pub(super) const REPLY: u32 = 16;
    pub(super) const EVENT_TYPE: u32 = 19;
    pub(super) const DROP_REASON_DESC: u32 = 25;
    pub(super) const IS_REPLY: u32 = 26;
}

/// Numbers of the fields of `flow`, and the columns that are read from each.
const FLOW_FIELDS: &[(u32, ColumnSet)] = &[
    (1, ColumnSet::read_from("time")),
    (2, ColumnSet::read_from("verdict")),
    (3, ColumnSet::read_from("drop_reason")),
    (4, ColumnSet::read_from("ethernet")),
    (5, ColumnSet::read_from("IP")),
    (6, ColumnSet::read_from("l4")),
    (8, ColumnSet::read_from("source")),
    (9, ColumnSet::read_from("destination")),
    (10, ColumnSet::read_from("Type")),
    (11, ColumnSet::read_from("node_name")),
    (13, ColumnSet::read_from("source_names")),
    (14, ColumnSet::read_from("destination_names")),
    (15, ColumnSet::read_from("l7")),
    (16, ColumnSet::read_from("reply")),
    (19, ColumnSet::read_from("event_type")),
    (20, ColumnSet::read_from("source_service")),
    (21, ColumnSet::read_from("destination_service")),
    (22, ColumnSet::read_from("traffic_direction")),
    (23, ColumnSet::read_from("policy_match_type")),
    (24, ColumnSet::read_from("trace_observation_point")),
    (25, ColumnSet::read_from("drop_reason_desc")),
    (26, ColumnSet::read_from("is_reply")),
    (27, ColumnSet::read_from("debug_capture_point")),
    (28, ColumnSet::read_from("interface")),
    (29, ColumnSet::read_from("proxy_port")),
    (31, ColumnSet::read_from("sock_xlate_point")),
    (34, ColumnSet::read_from("uuid")),
    (35, ColumnSet::read_from("auth_type")),
    (36, ColumnSet::read_from("trace_reason")),
    (37, ColumnSet::read_from("node_labels")),
    (21_001, ColumnSet::read_from("egress_allowed_by")),
    (21_002, ColumnSet::read_from("ingress_allowed_by")),
    (21_004, ColumnSet::read_from("egress_denied_by")),
    (21_005, ColumnSet::read_from("ingress_denied_by")),
    (21_006, ColumnSet::read_from("policy_log")),
    (21_007, ColumnSet::read_from("aggregate")),
];

/// Numbers of the fields of `destination`, and the columns that are read from each.
const DESTINATION_FIELDS: &[(u32, ColumnSet)] = &[
    (2, ColumnSet::read_from("destination.identity")),
    (3, ColumnSet::read_from("destination.namespace")),
    (4, ColumnSet::read_from("destination.labels")),
    (5, ColumnSet::read_from("destination.pod_name")),
    (6, ColumnSet::read_from("destination.workloads")),
    (7, ColumnSet::read_from("destination.cluster_name")),
];

/// Numbers of the fields of `source`, and the columns that are read from each.
const SOURCE_FIELDS: &[(u32, ColumnSet)] = &[
    (2, ColumnSet::read_from("source.identity")),
    (3, ColumnSet::read_from("source.namespace")),
    (4, ColumnSet::read_from("source.labels")),
    (5, ColumnSet::read_from("source.pod_name")),
    (6, ColumnSet::read_from("source.workloads")),
    (7, ColumnSet::read_from("source.cluster_name")),
];

impl<'a> RowBuilder<'a> {
    /// `Flow`.
    #[inline]
    pub(super) fn flow_field(&mut self, field: Field<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        match field.number {
            2 if wants(Column::Verdict) => self.row.verdict = field.int32()?,
            4 if wanted.intersects(ETHERNET) => self.ethernet(field.message()?)?,
            5 if wanted.intersects(IP) => self.ip(field.message()?)?,
            8 if wanted.intersects(SOURCE) => self.source(field.message()?, lists)?,
            9 if wanted.intersects(DESTINATION) => self.destination(field.message()?, lists)?,
            10 if wants(Column::FlowType) => self.row.flow_type = field.int32()?,
            11 if wants(Column::NodeName) => self.row.node_name = field.bytes()?,
            13 if wants(Column::SourceNames) => lists.source_names.push(field.bytes()?),
            14 if wants(Column::DestinationNames) => lists.destination_names.push(field.bytes()?),
            19 if wanted.intersects(EVENT_TYPE) => self.event_type(field.message()?)?,
            20 if wanted.intersects(SOURCE_SERVICE) => self.source_service(field.message()?)?,
            21 if wanted.intersects(DESTINATION_SERVICE) => self.destination_service(field.message()?)?,
            22 if wants(Column::TrafficDirection) => self.row.traffic_direction = field.int32()?,
            23 if wants(Column::PolicyMatchType) => self.row.policy_match_type = field.uint32()?,
            24 if wants(Column::TraceObservationPoint) => self.row.trace_observation_point = field.int32()?,
            27 if wants(Column::DebugCapturePoint) => self.row.debug_capture_point = field.int32()?,
            28 if wanted.intersects(INTERFACE) => self.interface(field.message()?)?,
            29 if wants(Column::ProxyPort) => self.row.proxy_port = field.uint32()?,
            31 if wants(Column::SockXlatePoint) => self.row.sock_xlate_point = field.int32()?,
            34 if wants(Column::Uuid) => self.row.uuid = field.bytes()?,
            35 if wants(Column::AuthType) => self.row.auth_type = field.int32()?,
            36 if wants(Column::TraceReason) => self.row.trace_reason = field.int32()?,
            37 if wants(Column::NodeLabels) => lists.node_labels.push(field.bytes()?),
            21_001 if wants(Column::EgressAllowedBy) => policy(&mut lists.egress_allowed_by, field.message()?)?,
            21_002 if wants(Column::IngressAllowedBy) => policy(&mut lists.ingress_allowed_by, field.message()?)?,
            21_004 if wants(Column::EgressDeniedBy) => policy(&mut lists.egress_denied_by, field.message()?)?,
            21_005 if wants(Column::IngressDeniedBy) => policy(&mut lists.ingress_denied_by, field.message()?)?,
            21_006 if wants(Column::PolicyLog) => lists.policy_log.push(field.bytes()?),
            21_007 if wanted.intersects(AGGREGATE) => self.aggregate(field.message()?)?,
            _ => {}
        }
        Ok(())
    }

    /// `IP`.
    pub(super) fn ip(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::SourceIp) => self.row.source_ip = field.bytes()?,
                2 if wants(Column::DestinationIp) => self.row.destination_ip = field.bytes()?,
                3 if wants(Column::IpVersion) => self.row.ip_version = field.int32()?,
                4 if wants(Column::Encrypted) => self.row.encrypted = u8::from(field.bool()?),
                _ => {}
            }
        }
        Ok(())
    }

    /// `Aggregate`.
    pub(super) fn aggregate(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::AggregateIngressFlowCount) => self.row.aggregate_ingress_flow_count = field.uint32()?,
                2 if wants(Column::AggregateEgressFlowCount) => self.row.aggregate_egress_flow_count = field.uint32()?,
                3 if wants(Column::AggregateUnknownDirectionFlowCount) => self.row.aggregate_unknown_direction_flow_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Endpoint`.
    pub(super) fn destination(&mut self, mut message: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field_of(self.fields.destination)? {
            match field.number {
                2 if wants(Column::DestinationIdentity) => self.row.destination_identity = field.uint32()?,
                3 if wants(Column::DestinationNamespace) => self.row.destination_namespace = field.bytes()?,
                4 if wants(Column::DestinationLabels) => lists.destination_labels.push(field.bytes()?),
                5 if wants(Column::DestinationPod) => self.row.destination_pod = field.bytes()?,
                6 if wants(Column::DestinationWorkloads) => workload(&mut lists.destination_workloads, field.message()?)?,
                7 if wants(Column::DestinationCluster) => self.row.destination_cluster = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Service`.
    pub(super) fn destination_service(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::DestinationService) => self.row.destination_service = field.bytes()?,
                2 if wants(Column::DestinationServiceNamespace) => self.row.destination_service_namespace = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Ethernet`.
    pub(super) fn ethernet(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::SourceMac) => self.row.source_mac = field.bytes()?,
                2 if wants(Column::DestinationMac) => self.row.destination_mac = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `CiliumEventType`.
    pub(super) fn event_type(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::EventType) => self.row.event_type = field.int32()?,
                2 if wants(Column::EventSubType) => self.row.event_sub_type = field.int32()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `NetworkInterface`.
    pub(super) fn interface(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::InterfaceIndex) => self.row.interface_index = field.uint32()?,
                2 if wants(Column::Interface) => self.row.interface = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Layer7`.
    #[inline]
    pub(super) fn l7_field(&mut self, field: Field<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        match field.number {
            1 if wants(Column::L7Type) => self.row.l7_type = field.int32()?,
            2 if wants(Column::L7LatencyNanos) => self.row.l7_latency_nanos = field.uint64()?,
            _ => {}
        }
        Ok(())
    }

    /// `DNS`.
    pub(super) fn l7_dns(&mut self, mut message: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::DnsQuery) => self.row.dns_query = field.bytes()?,
                2 if wants(Column::DnsIps) => lists.dns_ips.push(field.bytes()?),
                3 if wants(Column::DnsTtlSecs) => self.row.dns_ttl_secs = field.uint32()?,
                4 if wants(Column::DnsCnames) => lists.dns_cnames.push(field.bytes()?),
                5 if wants(Column::DnsObservationSource) => self.row.dns_observation_source = field.bytes()?,
                6 if wants(Column::DnsRcode) => self.row.dns_rcode = field.uint32()?,
                7 if wants(Column::DnsQtypes) => lists.dns_qtypes.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(())
    }

    /// `HTTP`.
    pub(super) fn l7_http(&mut self, mut message: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::HttpCode) => self.row.http_code = field.uint32()?,
                2 if wants(Column::HttpMethod) => self.row.http_method = field.bytes()?,
                3 if wants(Column::HttpUrl) => self.row.http_url = field.bytes()?,
                4 if wants(Column::HttpProtocol) => self.row.http_protocol = field.bytes()?,
                5 if wants(Column::HttpHeaders) => httpheader(&mut lists.http_headers, field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Endpoint`.
    pub(super) fn source(&mut self, mut message: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field_of(self.fields.source)? {
            match field.number {
                2 if wants(Column::SourceIdentity) => self.row.source_identity = field.uint32()?,
                3 if wants(Column::SourceNamespace) => self.row.source_namespace = field.bytes()?,
                4 if wants(Column::SourceLabels) => lists.source_labels.push(field.bytes()?),
                5 if wants(Column::SourcePod) => self.row.source_pod = field.bytes()?,
                6 if wants(Column::SourceWorkloads) => workload(&mut lists.source_workloads, field.message()?)?,
                7 if wants(Column::SourceCluster) => self.row.source_cluster = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `Service`.
    pub(super) fn source_service(&mut self, mut message: Reader<'a>) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = message.field()? {
            match field.number {
                1 if wants(Column::SourceService) => self.row.source_service = field.bytes()?,
                2 if wants(Column::SourceServiceNamespace) => self.row.source_service_namespace = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }
}
