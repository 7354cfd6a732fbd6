use super::layers::L4Draft;
use super::wire::{Reader, WireError};
use super::{Envelope, Projection, ProjectionError, WireTimestamp};
use flow::Timestamp;
use flow::columns::{Column, ColumnSet, FlowRow, JoinedList, NO_TIME, REPLY_UNKNOWN, RowLists};

const IP: ColumnSet = ColumnSet::read_from("IP");
const ETHERNET: ColumnSet = ColumnSet::read_from("ethernet");
const L4: ColumnSet = ColumnSet::read_from("l4");
const SOURCE: ColumnSet = ColumnSet::read_from("source");
const DESTINATION: ColumnSet = ColumnSet::read_from("destination");
const L7: ColumnSet = ColumnSet::read_from("l7");
const EVENT_TYPE: ColumnSet = ColumnSet::read_from("event_type");
const INTERFACE: ColumnSet = ColumnSet::read_from("interface");
const SOURCE_SERVICE: ColumnSet = ColumnSet::read_from("source_service");
const DESTINATION_SERVICE: ColumnSet = ColumnSet::read_from("destination_service");
const AGGREGATE: ColumnSet = ColumnSet::read_from("aggregate");
/// Messages that are read whole where one of their columns is wanted; the rest is emptied after.
const READ_WHOLE: [ColumnSet; 7] =
    [ETHERNET, L7, EVENT_TYPE, INTERFACE, SOURCE_SERVICE, DESTINATION_SERVICE, AGGREGATE];

/// Whether more is read than is wanted. Emptying it takes dozens of comparisons a row, which the
/// usual columns do without.
pub(super) fn reads_more(wanted: Projection) -> bool {
    READ_WHOLE.iter().any(|group| wanted.intersects(*group) && wanted.union(*group) != wanted)
}

/// A row while its fields come in, in any order and perhaps more than once: the last one counts.
pub(super) struct Draft<'a> {
    pub(super) wanted: Projection,
    pub(super) row: FlowRow<'a>,
    time: Option<WireTimestamp>,
    drop_reason_code: u32,
    is_reply: Option<bool>,
    reply_mark: bool,
    l4: L4Draft,
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
                4 if wanted.intersects(ETHERNET) => {
                    let ends = (&mut self.row.source_mac, &mut self.row.destination_mac);
                    two_texts(field.message()?, ends)?;
                }
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

    /// The row, once all of the message is read; emptied of what is not wanted if [`reads_more`].
    pub(super) fn finish(
        &mut self,
        envelope: Envelope<'a>,
        reads_more: bool,
    ) -> Result<&FlowRow<'a>, ProjectionError> {
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
        self.l4.finish(self.wanted, &mut self.row)?;
        if reads_more {
            self.row.keep_only(self.wanted);
        }
        Ok(&self.row)
    }

    fn ip(&mut self, mut ip: Reader<'a>) -> Result<(), WireError> {
        let wants = |column| self.wanted.contains(column);
        while let Some(field) = ip.field()? {
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
        let (labels, workloads) = match side {
            Side::Source => (&mut lists.source_labels, &mut lists.source_workloads),
            Side::Destination => (&mut lists.destination_labels, &mut lists.destination_workloads),
        };
        let wanted = self.wanted;
        let wants = |of_source, of_destination| match side {
            Side::Source => wanted.contains(of_source),
            Side::Destination => wanted.contains(of_destination),
        };
        let wants_labels = wants(Column::SourceLabels, Column::DestinationLabels);
        while let Some(field) = endpoint.field()? {
            match field.number {
                2 if wants(Column::SourceIdentity, Column::DestinationIdentity) => {
                    *identity = field.uint32()?;
                }
                3 if wants(Column::SourceNamespace, Column::DestinationNamespace) => {
                    *namespace = field.bytes()?;
                }
                4 if wants_labels => labels.push(field.bytes()?),
                5 if wants(Column::SourcePod, Column::DestinationPod) => *pod = field.bytes()?,
                6 if wants(Column::SourceWorkloads, Column::DestinationWorkloads) => {
                    workload(workloads, field.message()?)?;
                }
                7 if wants(Column::SourceCluster, Column::DestinationCluster) => {
                    *cluster = field.bytes()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn service(&mut self, side: Side, service: Reader<'a>) -> Result<(), WireError> {
        let name_and_namespace = match side {
            Side::Source => (&mut self.row.source_service, &mut self.row.source_service_namespace),
            Side::Destination => {
                (&mut self.row.destination_service, &mut self.row.destination_service_namespace)
            }
        };
        two_texts(service, name_and_namespace)
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
}

/// A message of which the fields 1 and 2 are texts.
fn two_texts<'a>(
    mut message: Reader<'a>,
    (first, second): (&mut &'a [u8], &mut &'a [u8]),
) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        match field.number {
            1 => *first = field.bytes()?,
            2 => *second = field.bytes()?,
            _ => {}
        }
    }
    Ok(())
}

fn workload(list: &mut JoinedList, workload: Reader<'_>) -> Result<(), WireError> {
    let (mut name, mut kind): (&[u8], &[u8]) = (&[], &[]);
    two_texts(workload, (&mut name, &mut kind))?;
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
