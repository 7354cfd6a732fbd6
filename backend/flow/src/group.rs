//! What flows can be grouped by, read from columns.

use std::borrow::Cow;

use crate::columns::{Column, ColumnSet, FlowColumns, REPLY_UNKNOWN, l4_protocol, l7_record};
use crate::{DropReason, MessageType, TrafficDirection, Verdict};

/// An end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where the packet comes from.
    Source,
    /// Where it goes to.
    Destination,
}

impl End {
    /// The columns that [`End::name`] reads.
    pub const NAME_COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::SourceNamespace,
        Column::SourcePod,
        Column::SourceNames,
        Column::SourceService,
        Column::SourceServiceNamespace,
        Column::SourceLabels,
        Column::SourceIp,
        Column::DestinationNamespace,
        Column::DestinationPod,
        Column::DestinationNames,
        Column::DestinationService,
        Column::DestinationServiceNamespace,
        Column::DestinationLabels,
        Column::DestinationIp,
    ]);

    fn code(self, columns: &FlowColumns, row: usize, of: [fn(&FlowColumns) -> &[u32]; 2]) -> u32 {
        let [source, destination] = of;
        let codes = match self {
            Self::Source => source(columns),
            Self::Destination => destination(columns),
        };
        at(codes, row)
    }

    /// The namespace of the pod; empty without one.
    pub fn namespace(self, columns: &FlowColumns, row: usize) -> &str {
        let of = [FlowColumns::source_namespace, FlowColumns::destination_namespace];
        columns.text(self.code(columns, row, of))
    }

    /// `namespace/pod`; empty where the end is no pod.
    pub fn pod(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        let of = [FlowColumns::source_pod, FlowColumns::destination_pod];
        let pod = columns.text(self.code(columns, row, of));
        if pod.is_empty() { Cow::Borrowed("") } else { joined(self.namespace(columns, row), pod) }
    }

    /// The name of the first workload; empty without one.
    pub fn workload(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        let of = [FlowColumns::source_workloads, FlowColumns::destination_workloads];
        let mut workloads = columns.workloads(self.code(columns, row, of));
        workloads.next().map_or(Cow::Borrowed(""), |workload| workload.name)
    }

    /// The address; empty without one.
    pub fn ip(self, columns: &FlowColumns, row: usize) -> &str {
        columns.text(self.code(columns, row, [FlowColumns::source_ip, FlowColumns::destination_ip]))
    }

    /// The security identity, 0 if none.
    pub fn identity(self, columns: &FlowColumns, row: usize) -> u32 {
        let of = [FlowColumns::source_identity, FlowColumns::destination_identity];
        self.code(columns, row, of)
    }

    /// The port, 0 if none.
    pub fn port(self, columns: &FlowColumns, row: usize) -> u16 {
        at(
            match self {
                Self::Source => columns.source_port(),
                Self::Destination => columns.destination_port(),
            },
            row,
        )
    }

    /// The name of the reserved identity (`world`, `host`, …); none for pods.
    pub fn reserved(self, columns: &FlowColumns, row: usize) -> Option<String> {
        let of = [FlowColumns::source_labels, FlowColumns::destination_labels];
        let labels = self.code(columns, row, of);
        columns.items(labels).find_map(|label| Some(label.strip_prefix("reserved:")?.to_owned()))
    }

    /// Whether it is named by its service: it is no pod and no DNS name is known.
    pub(crate) fn is_service(self, columns: &FlowColumns, row: usize) -> bool {
        let is_set = |of| !columns.text(self.code(columns, row, of)).is_empty();
        self.pod(columns, row).is_empty()
            && !is_set([FlowColumns::source_names, FlowColumns::destination_names])
            && is_set([FlowColumns::source_service, FlowColumns::destination_service])
    }

    /// How `hubble observe` names an end, without its port: the pod, else the DNS name, else the
    /// service, else the reserved identity, else the address.
    pub fn name(self, columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
        let pod = self.pod(columns, row);
        if !pod.is_empty() {
            return Some(pod);
        }
        let names = [FlowColumns::source_names, FlowColumns::destination_names];
        if let Some(name) = columns.items(self.code(columns, row, names)).next() {
            return Some(name);
        }
        let services = [FlowColumns::source_service, FlowColumns::destination_service];
        let service = columns.text(self.code(columns, row, services));
        if !service.is_empty() {
            let of =
                [FlowColumns::source_service_namespace, FlowColumns::destination_service_namespace];
            return Some(joined(columns.text(self.code(columns, row, of)), service));
        }
        // The world is no place: its address says more.
        let reserved = self.reserved(columns, row).filter(|name| !name.starts_with("world"));
        let ip = self.ip(columns, row);
        reserved.map(Cow::Owned).or_else(|| (!ip.is_empty()).then_some(Cow::Borrowed(ip)))
    }
}

fn joined<'t>(namespace: &str, name: &'t str) -> Cow<'t, str> {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

macro_rules! group_fields {
    ($($variant:ident $key:literal [$($column:ident),*],)*) => {
        /// A trait of flows that they can be grouped by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GroupField {
            $(#[doc = concat!("`", $key, "`")] $variant,)*
        }

        impl GroupField {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in a query, and of the label in an answer.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }

            /// The columns that [`GroupField::text`] reads.
            pub const fn columns(self) -> ColumnSet {
                match self {
                    $(Self::$variant => ColumnSet::of(&[$(Column::$column),*]),)*
                }
            }
        }
    };
}

group_fields! {
    Verdict "verdict" [Verdict],
    DropReason "dropReasonDesc" [DropReason],
    Direction "trafficDirection" [TrafficDirection],
    Protocol "protocol" [L4Protocol, L7Record],
    EventType "type" [EventType],
    Reply "reply" [IsReply],
    Node "nodeName" [NodeName],
    Source "source" [
        SourceNamespace, SourcePod, SourceNames, SourceService, SourceServiceNamespace,
        SourceLabels, SourceIp
    ],
    SourceNamespace "fromNamespace" [SourceNamespace],
    SourcePod "fromPod" [SourceNamespace, SourcePod],
    SourceWorkload "fromWorkload" [SourceWorkloads],
    SourceIp "fromIp" [SourceIp],
    SourceIdentity "fromIdentity" [SourceIdentity],
    Destination "destination" [
        DestinationNamespace, DestinationPod, DestinationNames, DestinationService,
        DestinationServiceNamespace, DestinationLabels, DestinationIp
    ],
    DestinationNamespace "toNamespace" [DestinationNamespace],
    DestinationPod "toPod" [DestinationNamespace, DestinationPod],
    DestinationWorkload "toWorkload" [DestinationWorkloads],
    DestinationIp "toIp" [DestinationIp],
    DestinationIdentity "toIdentity" [DestinationIdentity],
    DestinationPort "toPort" [DestinationPort],
    DnsQuery "dnsQuery" [DnsQuery],
    HttpMethod "httpMethod" [HttpMethod],
    HttpStatus "httpStatus" [HttpCode],
    Level "level" [Verdict],
}

impl GroupField {
    /// The field with this name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.key() == key)
    }

    /// What the flow of `row` says; empty where it says nothing.
    pub fn text(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        let some = |text: &str, is_set: bool| -> Cow<'_, str> {
            if is_set { text.to_owned().into() } else { Cow::Borrowed("") }
        };
        let number = |number: u32| some(&number.to_string(), number != 0);
        let code = |codes: &[u32]| Cow::Borrowed(columns.text(at(codes, row)));
        match self {
            Self::Verdict => Verdict::from_number(at(columns.verdict(), row)).to_string().into(),
            Self::DropReason => {
                let reason = DropReason::from_number(at(columns.drop_reason(), row));
                some(&reason.to_string(), reason.is_known())
            }
            Self::Direction => {
                let direction = TrafficDirection::from_number(at(columns.traffic_direction(), row));
                some(&direction.to_string(), direction != TrafficDirection::Unknown)
            }
            Self::Protocol => protocol(columns, row).into(),
            Self::EventType => {
                let event = MessageType::from_number(at(columns.event_type(), row));
                some(&event.to_string(), event != MessageType::Unspec)
            }
            Self::Reply => match at(columns.is_reply(), row) {
                REPLY_UNKNOWN => "".into(),
                0 => "false".into(),
                _ => "true".into(),
            },
            Self::Node => code(columns.node_name()),
            Self::Source => End::Source.name(columns, row).unwrap_or_default(),
            Self::Destination => End::Destination.name(columns, row).unwrap_or_default(),
            Self::SourceNamespace => End::Source.namespace(columns, row).into(),
            Self::DestinationNamespace => End::Destination.namespace(columns, row).into(),
            Self::SourcePod => End::Source.pod(columns, row),
            Self::DestinationPod => End::Destination.pod(columns, row),
            Self::SourceWorkload => End::Source.workload(columns, row),
            Self::DestinationWorkload => End::Destination.workload(columns, row),
            Self::SourceIp => End::Source.ip(columns, row).into(),
            Self::DestinationIp => End::Destination.ip(columns, row).into(),
            Self::SourceIdentity => number(End::Source.identity(columns, row)),
            Self::DestinationIdentity => number(End::Destination.identity(columns, row)),
            Self::DestinationPort => number(End::Destination.port(columns, row).into()),
            Self::DnsQuery => code(columns.dns_query()),
            Self::HttpMethod => code(columns.http_method()),
            Self::HttpStatus => number(at(columns.http_code(), row)),
            Self::Level => level(Verdict::from_number(at(columns.verdict(), row))).into(),
        }
    }
}

/// How grave a verdict is, as levels of logs are named.
pub const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Dropped | Verdict::Error => "error",
        Verdict::Audit => "warning",
        Verdict::Traced | Verdict::Translated => "debug",
        Verdict::Forwarded | Verdict::Redirected => "info",
        Verdict::Unknown | Verdict::Unrecognized(_) => "unknown",
    }
}

/// As Hubble's metrics name protocols: the one of layer 7 where there is any; empty if unknown.
pub fn protocol(columns: &FlowColumns, row: usize) -> &'static str {
    match at(columns.l7_record(), row) {
        l7_record::DNS => "DNS",
        l7_record::HTTP => "HTTP",
        l7_record::KAFKA => "Kafka",
        l7_record::UNKNOWN => "Unknown L7",
        _ => match at(columns.l4_protocol(), row) {
            l4_protocol::TCP => "TCP",
            l4_protocol::UDP => "UDP",
            l4_protocol::ICMPV4 => "ICMPv4",
            l4_protocol::ICMPV6 => "ICMPv6",
            l4_protocol::SCTP => "SCTP",
            l4_protocol::VRRP => "VRRP",
            l4_protocol::IGMP => "IGMP",
            _ => "",
        },
    }
}

fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}
