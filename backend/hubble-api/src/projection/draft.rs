use super::wire::{Reader, WireError};
use super::{Envelope, Projection, ProjectionError, WireTimestamp};
use flow::columns::{
    Column, ColumnSet, FlowRow, JoinedList, NO_TIME, REPLY_UNKNOWN, RowLists, l4_protocol,
    l7_record,
};
use flow::{TcpFlags, Timestamp};

const IP: ColumnSet =
    ColumnSet::of(&[Column::SourceIp, Column::DestinationIp, Column::IpVersion, Column::Encrypted]);
const L4: ColumnSet = ColumnSet::of(&[
    Column::L4Protocol,
    Column::SourcePort,
    Column::DestinationPort,
    Column::TcpFlags,
    Column::IcmpType,
    Column::IcmpCode,
]);
const SOURCE: ColumnSet = ColumnSet::of(&[
    Column::SourceIdentity,
    Column::SourceNamespace,
    Column::SourcePod,
    Column::SourceCluster,
    Column::SourceLabels,
    Column::SourceWorkloads,
]);
const DESTINATION: ColumnSet = ColumnSet::of(&[
    Column::DestinationIdentity,
    Column::DestinationNamespace,
    Column::DestinationPod,
    Column::DestinationCluster,
    Column::DestinationLabels,
    Column::DestinationWorkloads,
]);
const L7: ColumnSet = ColumnSet::of(&[
    Column::L7Type,
    Column::L7Record,
    Column::L7LatencyNanos,
    Column::DnsQuery,
    Column::DnsObservationSource,
    Column::DnsRcode,
    Column::DnsTtlSecs,
    Column::DnsIps,
    Column::DnsCnames,
    Column::DnsQtypes,
    Column::HttpCode,
    Column::HttpMethod,
    Column::HttpUrl,
    Column::HttpProtocol,
]);
const EVENT_TYPE: ColumnSet = ColumnSet::of(&[Column::EventType, Column::EventSubType]);
const INTERFACE: ColumnSet = ColumnSet::of(&[Column::InterfaceIndex, Column::Interface]);
const SOURCE_SERVICE: ColumnSet =
    ColumnSet::of(&[Column::SourceService, Column::SourceServiceNamespace]);
const DESTINATION_SERVICE: ColumnSet =
    ColumnSet::of(&[Column::DestinationService, Column::DestinationServiceNamespace]);
const AGGREGATE: ColumnSet = ColumnSet::of(&[
    Column::AggregateIngressFlowCount,
    Column::AggregateEgressFlowCount,
    Column::AggregateUnknownDirectionFlowCount,
]);

/// A row while its fields come in, in any order and perhaps more than once: the last one counts.
pub(super) struct Draft<'a> {
    wanted: Projection,
    row: FlowRow<'a>,
    time: Option<WireTimestamp>,
    drop_reason_code: u32,
    is_reply: Option<bool>,
    reply_mark: bool,
    l4: L4Draft,
}

#[derive(Clone, Copy, Default)]
struct L4Draft {
    protocol: u8,
    source_port: u32,
    destination_port: u32,
    tcp_flags: u16,
    icmp_type: u32,
    icmp_code: u32,
}

/// Which of a flow's two sides an endpoint or service is.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

impl<'a> Draft<'a> {
    pub(super) fn new(wanted: Projection) -> Self {
        Self {
            wanted,
            row: FlowRow::default(),
            time: None,
            drop_reason_code: 0,
            is_reply: None,
            reply_mark: false,
            l4: L4Draft::default(),
        }
    }

    /// Reads a `Flow`, or the next part of one. Field numbers: flow.proto.
    pub(super) fn flow(
        &mut self,
        mut flow: Reader<'a>,
        lists: &mut RowLists,
    ) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = flow.field()? {
            match field.number {
                1 if wants(Column::TimeNanos) => {
                    WireTimestamp::merge(&mut self.time, field.message()?)?;
                }
                2 if wants(Column::Verdict) => self.row.verdict = field.int32()?,
                3 if wants(Column::DropReason) => self.drop_reason_code = field.uint32()?,
                5 if wanted.intersects(IP) => self.ip(field.message()?)?,
                6 if wanted.intersects(L4) => self.l4.layer4(field.message()?)?,
                8 if wanted.intersects(SOURCE) => {
                    self.endpoint(Side::Source, field.message()?, lists)?;
                }
                9 if wanted.intersects(DESTINATION) => {
                    self.endpoint(Side::Destination, field.message()?, lists)?;
                }
                10 if wants(Column::FlowType) => self.row.flow_type = field.int32()?,
                11 if wants(Column::NodeName) => self.row.node_name = field.bytes()?,
                13 if wants(Column::SourceNames) => lists.source_names.push(field.bytes()?),
                14 if wants(Column::DestinationNames) => {
                    lists.destination_names.push(field.bytes()?);
                }
                15 if wanted.intersects(L7) => self.layer7(field.message()?, lists)?,
                16 if wants(Column::IsReply) => self.reply_mark = field.bool()?,
                19 if wanted.intersects(EVENT_TYPE) => self.event_type(field.message()?)?,
                20 if wanted.intersects(SOURCE_SERVICE) => {
                    self.service(Side::Source, field.message()?)?;
                }
                21 if wanted.intersects(DESTINATION_SERVICE) => {
                    self.service(Side::Destination, field.message()?)?;
                }
                22 if wants(Column::TrafficDirection) => {
                    self.row.traffic_direction = field.int32()?;
                }
                23 if wants(Column::PolicyMatchType) => {
                    self.row.policy_match_type = field.uint32()?;
                }
                24 if wants(Column::TraceObservationPoint) => {
                    self.row.trace_observation_point = field.int32()?;
                }
                25 if wants(Column::DropReason) => self.row.drop_reason = field.int32()?,
                26 if wants(Column::IsReply) => self.bool_value(field.message()?)?,
                27 if wants(Column::DebugCapturePoint) => {
                    self.row.debug_capture_point = field.int32()?;
                }
                28 if wanted.intersects(INTERFACE) => self.interface(field.message()?)?,
                29 if wants(Column::ProxyPort) => self.row.proxy_port = field.uint32()?,
                31 if wants(Column::SockXlatePoint) => {
                    self.row.sock_xlate_point = field.int32()?;
                }
                34 if wants(Column::Uuid) => self.row.uuid = field.bytes()?,
                35 if wants(Column::AuthType) => self.row.auth_type = field.int32()?,
                36 if wants(Column::TraceReason) => self.row.trace_reason = field.int32()?,
                21_001 if wants(Column::EgressAllowedBy) => {
                    policy(&mut lists.egress_allowed_by, field.message()?)?;
                }
                21_002 if wants(Column::IngressAllowedBy) => {
                    policy(&mut lists.ingress_allowed_by, field.message()?)?;
                }
                21_004 if wants(Column::EgressDeniedBy) => {
                    policy(&mut lists.egress_denied_by, field.message()?)?;
                }
                21_005 if wants(Column::IngressDeniedBy) => {
                    policy(&mut lists.ingress_denied_by, field.message()?)?;
                }
                21_006 if wants(Column::PolicyLog) => lists.policy_log.push(field.bytes()?),
                21_007 if wanted.intersects(AGGREGATE) => self.aggregate(field.message()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The row, once all of the message is read.
    pub(super) fn finish(mut self, envelope: Envelope<'a>) -> Result<FlowRow<'a>, ProjectionError> {
        if self.wanted.contains(Column::TimeNanos) {
            let time = match self.time {
                Some(time) => Some(time.finish("flow.time")?),
                None => envelope.time,
            };
            self.row.time_nanos = time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME);
        }
        if self.wanted.contains(Column::NodeName) && self.row.node_name.is_empty() {
            self.row.node_name = envelope.node_name;
        }
        if self.row.drop_reason == 0 {
            self.row.drop_reason = i32::try_from(self.drop_reason_code).unwrap_or(i32::MAX);
        }
        self.row.is_reply = match self.is_reply {
            Some(is_reply) => i8::from(is_reply),
            None if self.reply_mark => 1,
            None => REPLY_UNKNOWN,
        };
        self.l4.finish(&mut self.row)?;
        if self.wanted != ColumnSet::ALL {
            self.drop_unwanted();
        }
        Ok(self.row)
    }

    /// Submessages are read whole; what nobody asked for goes here, in one place.
    fn drop_unwanted(&mut self) {
        let unwanted = |column| !self.wanted.contains(column);
        let empty = FlowRow::default();
        macro_rules! drop_unwanted {
            ($($Column:ident $field:ident,)*) => {
                $( if unwanted(Column::$Column) { self.row.$field = empty.$field; } )*
            };
        }
        drop_unwanted! {
            SourceIp source_ip, DestinationIp destination_ip, IpVersion ip_version, Encrypted encrypted,
            L4Protocol l4_protocol, SourcePort source_port, DestinationPort destination_port,
            TcpFlags tcp_flags, IcmpType icmp_type, IcmpCode icmp_code,
            SourceIdentity source_identity, SourceNamespace source_namespace, SourcePod source_pod,
            SourceCluster source_cluster,
            DestinationIdentity destination_identity, DestinationNamespace destination_namespace,
            DestinationPod destination_pod, DestinationCluster destination_cluster,
            L7Type l7_type, L7Record l7_record, L7LatencyNanos l7_latency_nanos,
            DnsQuery dns_query, DnsObservationSource dns_observation_source, DnsRcode dns_rcode,
            DnsTtlSecs dns_ttl_secs, HttpCode http_code, HttpMethod http_method, HttpUrl http_url,
            HttpProtocol http_protocol, EventType event_type, EventSubType event_sub_type,
            InterfaceIndex interface_index, Interface interface,
            SourceService source_service, SourceServiceNamespace source_service_namespace,
            DestinationService destination_service,
            DestinationServiceNamespace destination_service_namespace,
            AggregateIngressFlowCount aggregate_ingress_flow_count,
            AggregateEgressFlowCount aggregate_egress_flow_count,
            AggregateUnknownDirectionFlowCount aggregate_unknown_direction_flow_count,
        }
    }

    fn ip(&mut self, mut ip: Reader<'a>) -> Result<(), WireError> {
        while let Some(field) = ip.field()? {
            match field.number {
                1 => self.row.source_ip = field.bytes()?,
                2 => self.row.destination_ip = field.bytes()?,
                3 => self.row.ip_version = field.int32()?,
                4 => self.row.encrypted = u8::from(field.bool()?),
                _ => {}
            }
        }
        Ok(())
    }

    fn endpoint(
        &mut self,
        side: Side,
        mut endpoint: Reader<'a>,
        lists: &mut RowLists,
    ) -> Result<(), WireError> {
        let (identity, namespace, pod, cluster) = match side {
            Side::Source => (
                &mut self.row.source_identity,
                &mut self.row.source_namespace,
                &mut self.row.source_pod,
                &mut self.row.source_cluster,
            ),
            Side::Destination => (
                &mut self.row.destination_identity,
                &mut self.row.destination_namespace,
                &mut self.row.destination_pod,
                &mut self.row.destination_cluster,
            ),
        };
        let (labels, workloads, labels_column, workloads_column) = match side {
            Side::Source => (
                &mut lists.source_labels,
                &mut lists.source_workloads,
                Column::SourceLabels,
                Column::SourceWorkloads,
            ),
            Side::Destination => (
                &mut lists.destination_labels,
                &mut lists.destination_workloads,
                Column::DestinationLabels,
                Column::DestinationWorkloads,
            ),
        };
        let wants_labels = self.wanted.contains(labels_column);
        let wants_workloads = self.wanted.contains(workloads_column);
        while let Some(field) = endpoint.field()? {
            match field.number {
                2 => *identity = field.uint32()?,
                3 => *namespace = field.bytes()?,
                4 if wants_labels => labels.push(field.bytes()?),
                5 => *pod = field.bytes()?,
                6 if wants_workloads => workload(workloads, field.message()?)?,
                7 => *cluster = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn service(&mut self, side: Side, mut service: Reader<'a>) -> Result<(), WireError> {
        let (name, namespace) = match side {
            Side::Source => (&mut self.row.source_service, &mut self.row.source_service_namespace),
            Side::Destination => {
                (&mut self.row.destination_service, &mut self.row.destination_service_namespace)
            }
        };
        while let Some(field) = service.field()? {
            match field.number {
                1 => *name = field.bytes()?,
                2 => *namespace = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn event_type(&mut self, mut event_type: Reader<'a>) -> Result<(), WireError> {
        while let Some(field) = event_type.field()? {
            match field.number {
                1 => self.row.event_type = field.int32()?,
                2 => self.row.event_sub_type = field.int32()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `google.protobuf.BoolValue`: there, it tells; its own field may be left out for false.
    fn bool_value(&mut self, mut value: Reader<'a>) -> Result<(), WireError> {
        let is_reply = self.is_reply.get_or_insert(false);
        while let Some(field) = value.field()? {
            if field.number == 1 {
                *is_reply = field.bool()?;
            }
        }
        Ok(())
    }

    fn interface(&mut self, mut interface: Reader<'a>) -> Result<(), WireError> {
        while let Some(field) = interface.field()? {
            match field.number {
                1 => self.row.interface_index = field.uint32()?,
                2 => self.row.interface = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn aggregate(&mut self, mut aggregate: Reader<'a>) -> Result<(), WireError> {
        while let Some(field) = aggregate.field()? {
            match field.number {
                1 => self.row.aggregate_ingress_flow_count = field.uint32()?,
                2 => self.row.aggregate_egress_flow_count = field.uint32()?,
                3 => self.row.aggregate_unknown_direction_flow_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn layer7(&mut self, mut layer7: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        if self.row.l7_record == l7_record::NONE {
            self.row.l7_record = l7_record::UNKNOWN;
        }
        while let Some(field) = layer7.field()? {
            match field.number {
                1 => self.row.l7_type = field.int32()?,
                2 => self.row.l7_latency_nanos = field.uint64()?,
                100 => {
                    self.set_record(l7_record::DNS, lists);
                    self.dns(field.message()?, lists)?;
                }
                101 => {
                    self.set_record(l7_record::HTTP, lists);
                    self.http(field.message()?)?;
                }
                102 => {
                    self.set_record(l7_record::KAFKA, lists);
                    field.bytes()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Of the records of a `oneof`, only the last kind that was sent counts.
    fn set_record(&mut self, record: u8, lists: &mut RowLists) {
        if self.row.l7_record == record {
            return;
        }
        let empty = FlowRow::default();
        self.row = FlowRow {
            l7_record: record,
            dns_query: empty.dns_query,
            dns_observation_source: empty.dns_observation_source,
            dns_rcode: empty.dns_rcode,
            dns_ttl_secs: empty.dns_ttl_secs,
            http_code: empty.http_code,
            http_method: empty.http_method,
            http_url: empty.http_url,
            http_protocol: empty.http_protocol,
            ..self.row
        };
        lists.dns_ips.clear();
        lists.dns_cnames.clear();
        lists.dns_qtypes.clear();
    }

    fn dns(&mut self, mut dns: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        let wants = |column| self.wanted.contains(column);
        while let Some(field) = dns.field()? {
            match field.number {
                1 => self.row.dns_query = field.bytes()?,
                2 if wants(Column::DnsIps) => lists.dns_ips.push(field.bytes()?),
                3 => self.row.dns_ttl_secs = field.uint32()?,
                4 if wants(Column::DnsCnames) => lists.dns_cnames.push(field.bytes()?),
                5 => self.row.dns_observation_source = field.bytes()?,
                6 => self.row.dns_rcode = field.uint32()?,
                7 if wants(Column::DnsQtypes) => lists.dns_qtypes.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(())
    }

    fn http(&mut self, mut http: Reader<'a>) -> Result<(), WireError> {
        while let Some(field) = http.field()? {
            match field.number {
                1 => self.row.http_code = field.uint32()?,
                2 => self.row.http_method = field.bytes()?,
                3 => self.row.http_url = field.bytes()?,
                4 => self.row.http_protocol = field.bytes()?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl L4Draft {
    fn layer4(&mut self, mut layer4: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = layer4.field()? {
            let protocol = match field.number {
                1 => l4_protocol::TCP,
                2 => l4_protocol::UDP,
                3 => l4_protocol::ICMPV4,
                4 => l4_protocol::ICMPV6,
                5 => l4_protocol::SCTP,
                6 => l4_protocol::VRRP,
                7 => l4_protocol::IGMP,
                _ => continue,
            };
            // Of the protocols of a `oneof`, only the last kind that was sent counts.
            if protocol != self.protocol {
                *self = Self { protocol, ..Self::default() };
            }
            self.header(field.message()?)?;
        }
        Ok(())
    }

    fn header(&mut self, mut header: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = header.field()? {
            match (self.protocol, field.number) {
                (l4_protocol::TCP | l4_protocol::UDP | l4_protocol::SCTP, 1) => {
                    self.source_port = field.uint32()?;
                }
                (l4_protocol::TCP | l4_protocol::UDP | l4_protocol::SCTP, 2) => {
                    self.destination_port = field.uint32()?;
                }
                (l4_protocol::TCP, 3) => self.tcp_flags(field.message()?)?,
                (l4_protocol::ICMPV4 | l4_protocol::ICMPV6, 1) => {
                    self.icmp_type = field.uint32()?;
                }
                (l4_protocol::ICMPV4 | l4_protocol::ICMPV6, 2) => {
                    self.icmp_code = field.uint32()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The fields of `TCPFlags` count from 1 in the order of the bits of [`TcpFlags`].
    fn tcp_flags(&mut self, mut flags: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = flags.field()? {
            if let 1..=9 = field.number {
                let bit = 1u16 << (field.number - 1);
                if field.bool()? {
                    self.tcp_flags |= bit;
                } else {
                    self.tcp_flags &= !bit;
                }
            }
        }
        Ok(())
    }

    fn finish(self, row: &mut FlowRow<'_>) -> Result<(), ProjectionError> {
        fn fit<T: TryFrom<u32>>(
            field: &'static str,
            value: u32,
            max: u32,
        ) -> Result<T, ProjectionError> {
            T::try_from(value).map_err(|_| ProjectionError::OutOfRange { field, value, max })
        }

        row.l4_protocol = self.protocol;
        row.source_port = fit("l4.source_port", self.source_port, u16::MAX.into())?;
        row.destination_port = fit("l4.destination_port", self.destination_port, u16::MAX.into())?;
        row.tcp_flags = TcpFlags::from_bits_truncate(self.tcp_flags).bits();
        row.icmp_type = fit("l4.icmp.type", self.icmp_type, u8::MAX.into())?;
        row.icmp_code = fit("l4.icmp.code", self.icmp_code, u8::MAX.into())?;
        Ok(())
    }
}

fn workload(list: &mut JoinedList, mut workload: Reader<'_>) -> Result<(), WireError> {
    let (mut name, mut kind): (&[u8], &[u8]) = (&[], &[]);
    while let Some(field) = workload.field()? {
        match field.number {
            1 => name = field.bytes()?,
            2 => kind = field.bytes()?,
            _ => {}
        }
    }
    list.push(name);
    list.push(kind);
    Ok(())
}

fn policy(list: &mut JoinedList, mut policy: Reader<'_>) -> Result<(), WireError> {
    let (mut kind, mut namespace, mut name): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    while let Some(field) = policy.field()? {
        match field.number {
            1 => name = field.bytes()?,
            2 => namespace = field.bytes()?,
            5 => kind = field.bytes()?,
            _ => {}
        }
    }
    list.push(kind);
    list.push(namespace);
    list.push(name);
    Ok(())
}
