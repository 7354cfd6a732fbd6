//! Fields to group flows by, read from columns.

use std::borrow::Cow;
use std::fmt;

use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, REPLY_UNKNOWN, at, l4_protocol, l7_record};
use crate::{DropReason, MessageType, TrafficDirection, Verdict};

macro_rules! group_fields {
    ($($variant:ident $key:literal [$($column:ident),*],)*) => {
        /// Field to group flows by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GroupField {
            $(#[doc = concat!("`", $key, "`")] $variant,)*
        }

        impl GroupField {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Name in a query, and of the label in its answer.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }

            /// Columns that [`GroupField::text`] reads.
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
        SourceIdentity, SourceLabels, SourceIp
    ],
    SourceNamespace "fromNamespace" [SourceNamespace],
    SourcePod "fromPod" [SourceNamespace, SourcePod],
    SourceWorkload "fromWorkload" [SourceWorkloads],
    SourceIp "fromIp" [SourceIp],
    SourceIdentity "fromIdentity" [SourceIdentity],
    Destination "destination" [
        DestinationNamespace, DestinationPod, DestinationNames, DestinationService,
        DestinationServiceNamespace, DestinationIdentity, DestinationLabels, DestinationIp
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
    /// Field with a given name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.key() == key)
    }

    /// Value of the field in the flow of `row`; empty if the flow does not have it.
    pub fn text(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        fn some<'c>(value: impl fmt::Display, is_set: bool) -> Cow<'c, str> {
            if is_set { value.to_string().into() } else { Cow::Borrowed("") }
        }
        let number = |number: u32| some(number, number != 0);
        let code = |codes: &[u32]| Cow::Borrowed(columns.text(at(codes, row)));
        match self {
            Self::Verdict => Verdict::from_number(at(columns.verdict(), row)).to_string().into(),
            Self::DropReason => {
                let reason = DropReason::from_number(at(columns.drop_reason(), row));
                some(reason, reason.is_known())
            }
            Self::Direction => {
                let direction = TrafficDirection::from_number(at(columns.traffic_direction(), row));
                some(direction, direction != TrafficDirection::Unknown)
            }
            Self::Protocol => protocol(columns, row).into(),
            Self::EventType => {
                let event = MessageType::from_number(at(columns.event_type(), row));
                some(event, event != MessageType::Unspec)
            }
            Self::Reply => match at(columns.is_reply(), row) {
                REPLY_UNKNOWN => "".into(),
                0 => "false".into(),
                _ => "true".into(),
            },
            Self::Node => code(columns.node_name()),
            Self::Source => EndpointRole::Source.name(columns, row).unwrap_or_default(),
            Self::Destination => EndpointRole::Destination.name(columns, row).unwrap_or_default(),
            Self::SourceNamespace => EndpointRole::Source.namespace(columns, row).into(),
            Self::DestinationNamespace => EndpointRole::Destination.namespace(columns, row).into(),
            Self::SourcePod => EndpointRole::Source.pod(columns, row),
            Self::DestinationPod => EndpointRole::Destination.pod(columns, row),
            Self::SourceWorkload => EndpointRole::Source.workload(columns, row),
            Self::DestinationWorkload => EndpointRole::Destination.workload(columns, row),
            Self::SourceIp => EndpointRole::Source.ip(columns, row).into(),
            Self::DestinationIp => EndpointRole::Destination.ip(columns, row).into(),
            Self::SourceIdentity => number(EndpointRole::Source.identity(columns, row)),
            Self::DestinationIdentity => number(EndpointRole::Destination.identity(columns, row)),
            Self::DestinationPort => number(EndpointRole::Destination.port(columns, row).into()),
            Self::DnsQuery => code(columns.dns_query()),
            Self::HttpMethod => code(columns.http_method()),
            Self::HttpStatus => number(at(columns.http_code(), row)),
            Self::Level => level(Verdict::from_number(at(columns.verdict(), row))).into(),
        }
    }
}

/// Colour of each verdict in tables, charts and the flows panel, most alarming first. They are
/// names of Grafana's colours, so that they follow the light or dark theme. A verdict without a
/// colour is not known.
pub const VERDICT_COLORS: [(Verdict, &str); 7] = [
    (Verdict::Dropped, "red"),
    (Verdict::Forwarded, "green"),
    (Verdict::Redirected, "blue"),
    (Verdict::Audit, "orange"),
    (Verdict::Error, "orange"),
    (Verdict::Traced, "purple"),
    (Verdict::Translated, "purple"),
];

/// Severity of a verdict, as a log level. Grafana's colours of these levels are those of the
/// verdicts: error red, warning orange, info green, debug blue.
pub const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Dropped => "error",
        Verdict::Audit | Verdict::Error => "warning",
        Verdict::Forwarded => "info",
        Verdict::Redirected => "debug",
        Verdict::Traced | Verdict::Translated => "trace",
        Verdict::Unknown | Verdict::Unrecognized(_) => "unknown",
    }
}

/// Name of the protocol, as in Hubble's metrics: of layer 7 if there is one, or else of layer 4;
/// empty if unknown.
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
