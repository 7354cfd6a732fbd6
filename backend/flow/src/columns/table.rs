use std::fmt;

use super::cells::{Cells, next_room};
use super::{
    ABSENT, ColumnLimits, ColumnSet, ColumnsFull, Dictionary, JoinedList, NO_TIME, REPLY_UNKNOWN,
    TextColumn,
};

/// Writes, from one list of columns, the column names, the row, the table and its accessors, so
/// that none of them can miss a column.
macro_rules! columns {
    (
        numbers { $( $(#[doc = $number_doc:literal])* $Number:ident $number:ident: $number_type:ty = $absent:expr; )* }
        texts { $( $(#[doc = $text_doc:literal])* $Text:ident $text:ident; )* }
        lists { $( $(#[doc = $list_doc:literal])* $List:ident $list:ident; )* }
    ) => {
        /// The columns of [`FlowColumns`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Column {
            $( $(#[doc = $number_doc])* $Number, )*
            $( $(#[doc = $text_doc])* $Text, )*
            $( $(#[doc = $list_doc])* $List, )*
            /// `Flow.uuid`.
            Uuid,
        }

        impl Column {
            /// Every column.
            pub const ALL: &'static [Self] = &[
                $( Self::$Number, )* $( Self::$Text, )* $( Self::$List, )* Self::Uuid,
            ];

            /// The columns that hold a dictionary code of one text.
            pub const TEXTS: ColumnSet = ColumnSet::of(&[$( Self::$Text, )*]);

            /// The columns that hold a dictionary code of a list.
            pub const LISTS: ColumnSet = ColumnSet::of(&[$( Self::$List, )*]);

            /// The name of its accessor.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$Number => stringify!($number), )*
                    $( Self::$Text => stringify!($text), )*
                    $( Self::$List => stringify!($list), )*
                    Self::Uuid => "uuid",
                }
            }
        }

        /// One flow on its way into [`FlowColumns`]: everything but the lists, texts borrowed
        /// from wherever they lie. They need not be UTF-8.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct FlowRow<'a> {
            $( $(#[doc = $number_doc])* pub $number: $number_type, )*
            $( $(#[doc = $text_doc])* pub $text: &'a [u8], )*
            /// `Flow.uuid`.
            pub uuid: &'a [u8],
        }

        impl Default for FlowRow<'_> {
            fn default() -> Self {
                Self { $( $number: $absent, )* $( $text: &[], )* uuid: &[] }
            }
        }

        impl FlowRow<'_> {
            /// Empties what stands outside of `columns`.
            pub fn keep_only(&mut self, columns: ColumnSet) {
                $(
                    if !columns.contains(Column::$Number) {
                        self.$number = $absent;
                    }
                )*
                $(
                    if !columns.contains(Column::$Text) {
                        self.$text = &[];
                    }
                )*
                if !columns.contains(Column::Uuid) {
                    self.uuid = &[];
                }
            }
        }

        /// The lists of one flow. Kept apart from [`FlowRow`] so that their room is used again
        /// from row to row.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct RowLists {
            $( $(#[doc = $list_doc])* pub $list: JoinedList, )*
        }

        impl RowLists {
            /// Takes all items out of all lists.
            pub fn clear(&mut self) {
                $( self.$list.clear(); )*
            }

            /// Takes the items out of the lists outside of `columns`.
            pub fn keep_only(&mut self, columns: ColumnSet) {
                $(
                    if !columns.contains(Column::$List) {
                        self.$list.clear();
                    }
                )*
            }
        }

        /// Flows as a struct of arrays. All arrays have the same length.
        #[derive(Clone)]
        pub struct FlowColumns {
            limits: ColumnLimits,
            len: usize,
            dictionary: Dictionary,
            uuid: TextColumn,
            $( $number: Cells<$number_type>, )*
            $( $text: Cells<u32>, )*
            $( $list: Cells<u32>, )*
        }

        impl FlowColumns {
            /// Columns without rows.
            pub fn new(limits: ColumnLimits) -> Self {
                Self {
                    limits,
                    len: 0,
                    dictionary: Dictionary::new(limits.max_text_bytes),
                    uuid: TextColumn::default(),
                    $( $number: Cells::new($absent), )*
                    $( $text: Cells::new(ABSENT), )*
                    $( $list: Cells::new(ABSENT), )*
                }
            }

            /// Adds a row at the end. It is added whole or not at all.
            ///
            /// Errors: a bound of [`ColumnLimits`] is reached.
            pub fn append(&mut self, row: &FlowRow<'_>, lists: &RowLists) -> Result<(), ColumnsFull> {
                let ColumnLimits { max_flows, max_text_bytes } = self.limits;
                if self.len() >= max_flows {
                    return Err(ColumnsFull::Flows { max_flows });
                }
                if !self.uuid.has_room_for(row.uuid, max_text_bytes) {
                    return Err(ColumnsFull::Text { max_text_bytes });
                }
                if self.time_nanos.room() <= self.len {
                    self.grow();
                }
                let mark = self.dictionary.mark();
                if let Err(full) = self.set_codes(row, lists) {
                    self.dictionary.take_back(mark);
                    $( self.$text.unset(self.len); )*
                    $( self.$list.unset(self.len); )*
                    return Err(full);
                }
                $( self.$number.set(self.len, row.$number); )*
                self.uuid.push(row.uuid);
                self.len += 1;
                Ok(())
            }

            /// Most texts of most rows are empty. They are passed over: looking them up compares no
            /// bytes at the dangling address of an empty slice, which costs more than comparing
            /// many (a masked load there takes a microcode assist).
            fn set_codes(&mut self, row: &FlowRow<'_>, lists: &RowLists) -> Result<(), ColumnsFull> {
                $(
                    if !row.$text.is_empty() {
                        let above = self.$text.above(self.len);
                        let code = self.dictionary.code_after(above, row.$text)?;
                        self.$text.set(self.len, code);
                    }
                )*
                $(
                    let joined = lists.$list.as_bytes();
                    if !joined.is_empty() {
                        let above = self.$list.above(self.len);
                        let code = self.dictionary.code_after(above, joined)?;
                        self.$list.set(self.len, code);
                    }
                )*
                Ok(())
            }

            #[cold]
            fn grow(&mut self) {
                let room = next_room(self.len).min(self.limits.max_flows);
                $( self.$number.grow(room); )*
                $( self.$text.grow(room); )*
                $( self.$list.grow(room); )*
            }

            /// The codes of a text or list column; `None` for a column of numbers and for the uuid.
            pub fn codes_of(&self, column: Column) -> Option<&[u32]> {
                match column {
                    $( Column::$Text => Some(self.$text()), )*
                    $( Column::$List => Some(self.$list()), )*
                    _ => None,
                }
            }

            $(
                $(#[doc = $number_doc])*
                pub fn $number(&self) -> &[$number_type] {
                    self.$number.first(self.len)
                }
            )*
            $(
                $(#[doc = $text_doc])* /// By row, a code of [`FlowColumns::dictionary`].
                pub fn $text(&self) -> &[u32] {
                    self.$text.first(self.len)
                }
            )*
            $(
                $(#[doc = $list_doc])* /// By row, a code of [`FlowColumns::dictionary`].
                pub fn $list(&self) -> &[u32] {
                    self.$list.first(self.len)
                }
            )*
        }

        impl fmt::Debug for FlowColumns {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("FlowColumns")
                    .field("limits", &self.limits)
                    .field("dictionary", &self.dictionary)
                    .field("uuid", &self.uuid)
                    $( .field(stringify!($number), &self.$number()) )*
                    $( .field(stringify!($text), &self.$text()) )*
                    $( .field(stringify!($list), &self.$list()) )*
                    .finish_non_exhaustive()
            }
        }
    };
}

columns! {
    numbers {
        /// Unix time in nanoseconds, [`NO_TIME`] if there is none. Source: `Flow.time`, else the
        /// time of the message around it.
        TimeNanos time_nanos: i64 = NO_TIME;
        /// Number of a `Verdict`.
        Verdict verdict: i32 = 0;
        /// Number of a `DropReason`, 0 if none. Source: `Flow.drop_reason_desc`, else the
        /// deprecated `Flow.drop_reason`, which also carries reasons that have no name yet.
        DropReason drop_reason: i32 = 0;
        /// Number of a `TrafficDirection`.
        TrafficDirection traffic_direction: i32 = 0;
        /// Number of a `FlowType`. Source: `Flow.Type`.
        FlowType flow_type: i32 = 0;
        /// Number of a monitor message type. Source: `CiliumEventType.type`.
        EventType event_type: i32 = 0;
        /// Meaning depends on the event type. Source: `CiliumEventType.sub_type`.
        EventSubType event_sub_type: i32 = 0;
        /// Number of a `TraceObservationPoint`.
        TraceObservationPoint trace_observation_point: i32 = 0;
        /// Number of a `TraceReason`.
        TraceReason trace_reason: i32 = 0;
        /// Number of a `DebugCapturePoint`.
        DebugCapturePoint debug_capture_point: i32 = 0;
        /// Number of a `SocketTranslationPoint`.
        SockXlatePoint sock_xlate_point: i32 = 0;
        /// How much of a policy matched. Source: `Flow.policy_match_type`.
        PolicyMatchType policy_match_type: u32 = 0;
        /// Number of an `AuthType`.
        AuthType auth_type: i32 = 0;
        /// 1 reply, 0 not, [`REPLY_UNKNOWN`] if the flow does not say. Source: `Flow.is_reply`,
        /// else a true `Flow.reply`, which old records carry.
        IsReply is_reply: i8 = REPLY_UNKNOWN;
        /// Port of the proxy that a flow was redirected to, 0 if none.
        ProxyPort proxy_port: u32 = 0;
        /// Source: `NetworkInterface.index`.
        InterfaceIndex interface_index: u32 = 0;
        /// Number of an `IPVersion`.
        IpVersion ip_version: i32 = 0;
        /// 1 if the packet was encrypted. Source: `IP.encrypted`.
        Encrypted encrypted: u8 = 0;
        /// A number of [`l4_protocol`](super::l4_protocol).
        L4Protocol l4_protocol: u8 = 0;
        /// TCP, UDP or SCTP port, 0 if none.
        SourcePort source_port: u16 = 0;
        /// TCP, UDP or SCTP port, 0 if none.
        DestinationPort destination_port: u16 = 0;
        /// [`TcpFlags::bits`](crate::TcpFlags::bits).
        TcpFlags tcp_flags: u16 = 0;
        /// Type of an `ICMPv4` or `ICMPv6` message; 0 is one of them, so ask for the protocol first.
        IcmpType icmp_type: u8 = 0;
        /// Code of an `ICMPv4` or `ICMPv6` message.
        IcmpCode icmp_code: u8 = 0;
        /// Cilium identity of the source, 0 unknown.
        SourceIdentity source_identity: u32 = 0;
        /// Cilium identity of the destination, 0 unknown.
        DestinationIdentity destination_identity: u32 = 0;
        /// Number of an `L7FlowType`.
        L7Type l7_type: i32 = 0;
        /// A number of [`l7_record`](super::l7_record).
        L7Record l7_record: u8 = 0;
        /// Time from request to response in nanoseconds, only on responses. Source:
        /// `Layer7.latency_ns`.
        L7LatencyNanos l7_latency_nanos: u64 = 0;
        /// DNS return code; 0 is "No Error", so ask for the record first.
        DnsRcode dns_rcode: u32 = 0;
        /// Time to live of a DNS answer in seconds.
        DnsTtlSecs dns_ttl_secs: u32 = 0;
        /// HTTP status code, 0 on requests.
        HttpCode http_code: u32 = 0;
        /// Ingress flows that this record stands for, 0 if it is not an aggregate.
        AggregateIngressFlowCount aggregate_ingress_flow_count: u32 = 0;
        /// Egress flows that this record stands for, 0 if it is not an aggregate.
        AggregateEgressFlowCount aggregate_egress_flow_count: u32 = 0;
        /// Flows of unknown direction that this record stands for, 0 if it is not an aggregate.
        AggregateUnknownDirectionFlowCount aggregate_unknown_direction_flow_count: u32 = 0;
    }
    texts {
        /// Source: `IP.source`.
        SourceIp source_ip;
        /// Source: `IP.destination`.
        DestinationIp destination_ip;
        /// Source: `Ethernet.source`.
        SourceMac source_mac;
        /// Source: `Ethernet.destination`.
        DestinationMac destination_mac;
        /// Source: `Flow.source.namespace`.
        SourceNamespace source_namespace;
        /// Source: `Flow.source.pod_name`.
        SourcePod source_pod;
        /// Source: `Flow.source.cluster_name`.
        SourceCluster source_cluster;
        /// Source: `Flow.destination.namespace`.
        DestinationNamespace destination_namespace;
        /// Source: `Flow.destination.pod_name`.
        DestinationPod destination_pod;
        /// Source: `Flow.destination.cluster_name`.
        DestinationCluster destination_cluster;
        /// Source: `Flow.source_service.name`.
        SourceService source_service;
        /// Source: `Flow.source_service.namespace`.
        SourceServiceNamespace source_service_namespace;
        /// Source: `Flow.destination_service.name`.
        DestinationService destination_service;
        /// Source: `Flow.destination_service.namespace`.
        DestinationServiceNamespace destination_service_namespace;
        /// Source: `Flow.node_name`, else the node of the message around it.
        NodeName node_name;
        /// Source: `NetworkInterface.name`.
        Interface interface;
        /// Source: `DNS.query`.
        DnsQuery dns_query;
        /// Source: `DNS.observation_source`.
        DnsObservationSource dns_observation_source;
        /// Source: `HTTP.method`.
        HttpMethod http_method;
        /// Source: `HTTP.url`.
        HttpUrl http_url;
        /// Source: `HTTP.protocol`.
        HttpProtocol http_protocol;
    }
    lists {
        /// Source: `Flow.source.labels`.
        SourceLabels source_labels;
        /// Source: `Flow.destination.labels`.
        DestinationLabels destination_labels;
        /// Name and kind of each workload by turns. Source: `Flow.source.workloads`.
        SourceWorkloads source_workloads;
        /// Name and kind of each workload by turns. Source: `Flow.destination.workloads`.
        DestinationWorkloads destination_workloads;
        /// DNS names of the source IP. Source: `Flow.source_names`.
        SourceNames source_names;
        /// DNS names of the destination IP. Source: `Flow.destination_names`.
        DestinationNames destination_names;
        /// Source: `DNS.ips`.
        DnsIps dns_ips;
        /// Source: `DNS.cnames`.
        DnsCnames dns_cnames;
        /// Source: `DNS.qtypes`.
        DnsQtypes dns_qtypes;
        /// Kind, namespace and name of each policy by turns. Source: `Flow.egress_allowed_by`.
        EgressAllowedBy egress_allowed_by;
        /// Kind, namespace and name of each policy by turns. Source: `Flow.ingress_allowed_by`.
        IngressAllowedBy ingress_allowed_by;
        /// Kind, namespace and name of each policy by turns. Source: `Flow.egress_denied_by`.
        EgressDeniedBy egress_denied_by;
        /// Kind, namespace and name of each policy by turns. Source: `Flow.ingress_denied_by`.
        IngressDeniedBy ingress_denied_by;
        /// Log lines of the policies that matched. Source: `Flow.policy_log`.
        PolicyLog policy_log;
    }
}

impl FlowColumns {
    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is no flow.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The texts behind the codes of all text and list columns.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// `Flow.uuid`, one text per row: no two are alike, so a dictionary would not help.
    pub fn uuid(&self) -> &TextColumn {
        &self.uuid
    }
}

impl Default for FlowColumns {
    fn default() -> Self {
        Self::new(ColumnLimits::default())
    }
}
