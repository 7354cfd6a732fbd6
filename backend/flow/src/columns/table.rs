use std::fmt;

use super::cells::{Cells, Zeros, next_room};
use super::{
    ABSENT, ColumnLimits, ColumnSet, ColumnsFull, Dictionary, JoinedList, NO_TIME, REPLY_UNKNOWN,
    TextColumn,
};

/// Generates the column names, the row, the table and its accessors from one list of columns, so
/// that none of them can miss a column.
macro_rules! columns {
    (
        numbers { $( $(#[doc = $number_doc:literal])* $Number:ident $number:ident: $number_type:ty = $absent:expr,
            from [$($number_source:literal),+] $(since $number_since:literal)?; )* }
        texts { $( $(#[doc = $text_doc:literal])* $Text:ident $text:ident
            from [$($text_source:literal),+] $(since $text_since:literal)?; )* }
        lists { $( $(#[doc = $list_doc:literal])* $List:ident $list:ident
            from [$($list_source:literal),+] $(since $list_since:literal)?; )* }
    ) => {
        /// Columns of [`FlowColumns`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Column {
            $( $(#[doc = $number_doc])* #[doc = concat!("Source: " $(, "`", $number_source, "` ")+)] $Number, )*
            $( $(#[doc = $text_doc])* #[doc = concat!("Source: " $(, "`", $text_source, "` ")+)] $Text, )*
            $( $(#[doc = $list_doc])* #[doc = concat!("Source: " $(, "`", $list_source, "` ")+)] $List, )*
            /// `Flow.uuid`.
            Uuid,
        }

        impl Column {
            /// Every column.
            pub const ALL: &'static [Self] = &[
                $( Self::$Number, )* $( Self::$Text, )* $( Self::$List, )* Self::Uuid,
            ];

            /// Name of the accessor.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$Number => stringify!($number), )*
                    $( Self::$Text => stringify!($text), )*
                    $( Self::$List => stringify!($list), )*
                    Self::Uuid => "uuid",
                }
            }

            /// Fields of a flow that the column is read from, as paths of a field mask that start
            /// at `flow.Flow` in flow.proto. The first field with a value counts.
            pub const fn sources(self) -> &'static [&'static str] {
                match self {
                    $( Self::$Number => &[$($number_source),+], )*
                    $( Self::$Text => &[$($text_source),+], )*
                    $( Self::$List => &[$($list_source),+], )*
                    Self::Uuid => &["uuid"],
                }
            }

            /// First minor release of Cilium 1 whose flows have it; 0 for fields that always
            /// existed. Source: the history of `api/v1/flow/flow.proto`.
            pub const fn since_minor(self) -> u32 {
                match self {
                    $( $( Self::$Number => $number_since, )? )*
                    $( $( Self::$Text => $text_since, )? )*
                    $( $( Self::$List => $list_since, )? )*
                    Self::Uuid => 14,
                    _ => 0,
                }
            }
        }

        /// Flow to be added to [`FlowColumns`]: everything but the lists, with borrowed texts that
        /// need not be UTF-8.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct FlowRow<'a> {
            $( $(#[doc = $number_doc])* #[doc = concat!("Source: " $(, "`", $number_source, "` ")+)] pub $number: $number_type, )*
            $( $(#[doc = $text_doc])* #[doc = concat!("Source: " $(, "`", $text_source, "` ")+)] pub $text: &'a [u8], )*
            /// `Flow.uuid`.
            pub uuid: &'a [u8],
        }

        impl Default for FlowRow<'_> {
            fn default() -> Self {
                Self { $( $number: $absent, )* $( $text: &[], )* uuid: &[] }
            }
        }

        impl FlowRow<'_> {
            /// Resets all fields outside of `columns`.
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

        /// Lists of one flow, apart from [`FlowRow`] so that their buffers are reused from row to
        /// row.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct RowLists {
            $( $(#[doc = $list_doc])* #[doc = concat!("Source: " $(, "`", $list_source, "` ")+)] pub $list: JoinedList, )*
        }

        impl RowLists {
            /// Empties all lists.
            pub fn clear(&mut self) {
                $( self.$list.clear(); )*
            }

            /// Empties the lists outside of `columns`.
            pub fn keep_only(&mut self, columns: ColumnSet) {
                $(
                    if !columns.contains(Column::$List) {
                        self.$list.clear();
                    }
                )*
            }
        }

        /// Flows as a struct of arrays, all of the same length but for empty ones of
        /// [`FlowColumns::only`].
        #[derive(Clone)]
        pub struct FlowColumns {
            limits: ColumnLimits,
            len: usize,
            /// Rows that there is room for.
            room: usize,
            zeros: Zeros,
            dictionary: Dictionary,
            uuid: TextColumn,
            $( $number: Cells<$number_type>, )*
            $( $text: Cells<u32>, )*
            $( $list: Cells<u32>, )*
        }

        impl FlowColumns {
            /// Columns without rows, bounded by `limits`.
            pub fn new(limits: ColumnLimits) -> Self {
                Self::with(limits, Zeros::new(true), |_| true)
            }

            /// Columns without rows, of which only `columns` and the time are ever filled. Arrays to
            /// which nothing is written may stay empty: read them by [`at`](super::at).
            pub fn only(columns: ColumnSet, limits: ColumnLimits) -> Self {
                let columns = columns.with(Column::TimeNanos);
                Self::with(limits, Zeros::new(false), |column| columns.contains(column))
            }

            fn with(
                limits: ColumnLimits,
                zeros: Zeros,
                is_filled: impl Fn(Column) -> bool,
            ) -> Self {
                Self {
                    limits,
                    len: 0,
                    room: 0,
                    zeros,
                    dictionary: Dictionary::new(limits.max_text_bytes),
                    uuid: TextColumn::default(),
                    $( $number: Cells::new($absent, is_filled(Column::$Number)), )*
                    $( $text: Cells::new(ABSENT, is_filled(Column::$Text)), )*
                    $( $list: Cells::new(ABSENT, is_filled(Column::$List)), )*
                }
            }

            /// Adds a row at the end, completely or not at all.
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
                if self.room <= self.len {
                    self.grow(next_room(self.len));
                }
                let mark = self.dictionary.mark();
                if let Err(full) = self.set_codes(row, lists) {
                    self.dictionary.take_back(mark);
                    $( self.$text.unset(self.len); )*
                    $( self.$list.unset(self.len); )*
                    return Err(full);
                }
                $( self.$number.set(self.len, row.$number, self.room); )*
                self.uuid.push(row.uuid);
                self.len += 1;
                Ok(())
            }

            /// Sets the codes of a row, skipping empty texts, as most texts are. Looking one up
            /// would compare zero bytes at the dangling address of an empty slice, which costs more
            /// than comparing many: a masked load there takes a microcode assist.
            fn set_codes(&mut self, row: &FlowRow<'_>, lists: &RowLists) -> Result<(), ColumnsFull> {
                $(
                    if !row.$text.is_empty() {
                        let above = self.$text.above(self.len);
                        let code = self.dictionary.code_after(above, row.$text)?;
                        self.$text.set(self.len, code, self.room);
                    }
                )*
                $(
                    let joined = lists.$list.as_bytes();
                    if !joined.is_empty() {
                        let above = self.$list.above(self.len);
                        let code = self.dictionary.code_after(above, joined)?;
                        self.$list.set(self.len, code, self.room);
                    }
                )*
                Ok(())
            }

            /// Makes room for that many more rows at once, as far as there may be as many.
            pub fn reserve(&mut self, rows: usize) {
                let room = self.len.saturating_add(rows);
                if self.room < room {
                    self.grow(room);
                }
            }

            #[cold]
            fn grow(&mut self, room: usize) {
                let room = room.min(self.limits.max_flows);
                self.room = room;
                self.zeros.grow(room);
                $( self.$number.grow(room); )*
                $( self.$text.grow(room); )*
                $( self.$list.grow(room); )*
            }

            $(
                $(#[doc = $number_doc])* #[doc = concat!("Source: " $(, "`", $number_source, "` ")+)]
                pub fn $number(&self) -> &[$number_type] {
                    self.$number.first(self.len, &self.zeros)
                }
            )*
            $(
                $(#[doc = $text_doc])* #[doc = concat!("Source: " $(, "`", $text_source, "` ")+)] /// By row, a code of [`FlowColumns::dictionary`].
                pub fn $text(&self) -> &[u32] {
                    self.$text.first(self.len, &self.zeros)
                }
            )*
            $(
                $(#[doc = $list_doc])* #[doc = concat!("Source: " $(, "`", $list_source, "` ")+)] /// By row, a code of [`FlowColumns::dictionary`].
                pub fn $list(&self) -> &[u32] {
                    self.$list.first(self.len, &self.zeros)
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
        /// Unix time in nanoseconds; [`NO_TIME`] if absent. Source: `Flow.time`, or else the
        /// time of the message around it.
        TimeNanos time_nanos: i64 = NO_TIME, from ["time"];
        /// Number of a `Verdict`.
        Verdict verdict: i32 = 0, from ["verdict"];
        /// Number of a `DropReason`; 0 if absent. Source: `Flow.drop_reason_desc`, or else
        /// the deprecated `Flow.drop_reason`, which also carries reasons without a name.
        DropReason drop_reason: i32 = 0, from ["drop_reason_desc", "drop_reason"];
        /// Number of a `TrafficDirection`.
        TrafficDirection traffic_direction: i32 = 0, from ["traffic_direction"];
        /// Number of a `FlowType`.
        FlowType flow_type: i32 = 0, from ["Type"];
        /// Number of a monitor message type.
        EventType event_type: i32 = 0, from ["event_type.type"];
        /// Sub type, whose meaning depends on the event type.
        EventSubType event_sub_type: i32 = 0, from ["event_type.sub_type"];
        /// Number of a `TraceObservationPoint`.
        TraceObservationPoint trace_observation_point: i32 = 0, from ["trace_observation_point"];
        /// Number of a `TraceReason`.
        TraceReason trace_reason: i32 = 0, from ["trace_reason"] since 16;
        /// Number of a `DebugCapturePoint`.
        DebugCapturePoint debug_capture_point: i32 = 0, from ["debug_capture_point"];
        /// Number of a `SocketTranslationPoint`.
        SockXlatePoint sock_xlate_point: i32 = 0, from ["sock_xlate_point"];
        /// Specificity of the matching policy rule; see `Flow::policy_match_type`.
        PolicyMatchType policy_match_type: u32 = 0, from ["policy_match_type"];
        /// Number of an `AuthType`.
        AuthType auth_type: i32 = 0, from ["auth_type"] since 14;
        /// 1 for a reply, 0 otherwise, [`REPLY_UNKNOWN`] if the flow does not say. Source:
        /// `Flow.is_reply`, or else a true `Flow.reply`, which old records carry.
        IsReply is_reply: i8 = REPLY_UNKNOWN, from ["is_reply", "reply"];
        /// Port of the proxy that the flow was redirected to; 0 if absent.
        ProxyPort proxy_port: u32 = 0, from ["proxy_port"];
        InterfaceIndex interface_index: u32 = 0, from ["interface.index"];
        /// Number of an `IPVersion`.
        IpVersion ip_version: i32 = 0, from ["IP.ipVersion"];
        /// 1 if the packet was encrypted.
        Encrypted encrypted: u8 = 0, from ["IP.encrypted"];
        /// A number of [`l4_protocol`](super::l4_protocol).
        L4Protocol l4_protocol: u8 = 0, from ["l4"];
        /// TCP, UDP or SCTP port; 0 if absent.
        SourcePort source_port: u16 = 0,
            from ["l4.TCP.source_port", "l4.UDP.source_port", "l4.SCTP.source_port"];
        /// TCP, UDP or SCTP port; 0 if absent.
        DestinationPort destination_port: u16 = 0,
            from ["l4.TCP.destination_port", "l4.UDP.destination_port", "l4.SCTP.destination_port"];
        /// [`TcpFlags::bits`](crate::TcpFlags::bits).
        TcpFlags tcp_flags: u16 = 0, from ["l4.TCP.flags"];
        /// Type of an `ICMPv4` or `ICMPv6` message. 0 is a valid type, so check the protocol first.
        IcmpType icmp_type: u8 = 0, from ["l4.ICMPv4.type", "l4.ICMPv6.type"];
        /// Code of an `ICMPv4` or `ICMPv6` message.
        IcmpCode icmp_code: u8 = 0, from ["l4.ICMPv4.code", "l4.ICMPv6.code"];
        /// Cilium identity of the source; 0 if unknown.
        SourceIdentity source_identity: u32 = 0, from ["source.identity"];
        /// Cilium identity of the destination; 0 if unknown.
        DestinationIdentity destination_identity: u32 = 0, from ["destination.identity"];
        /// Number of an `L7FlowType`.
        L7Type l7_type: i32 = 0, from ["l7.type"];
        /// A number of [`l7_record`](super::l7_record).
        L7Record l7_record: u8 = 0, from ["l7"];
        /// Time from request to response, in nanoseconds; only on responses.
        L7LatencyNanos l7_latency_nanos: u64 = 0, from ["l7.latency_ns"];
        /// DNS return code. 0 is "No Error", so check the record first.
        DnsRcode dns_rcode: u32 = 0, from ["l7.dns.rcode"];
        /// Time to live of a DNS answer in seconds.
        DnsTtlSecs dns_ttl_secs: u32 = 0, from ["l7.dns.ttl"];
        /// HTTP status code; 0 on requests.
        HttpCode http_code: u32 = 0, from ["l7.http.code"];
        /// Number of ingress flows that this record stands for; 0 if it is not an aggregate.
        AggregateIngressFlowCount aggregate_ingress_flow_count: u32 = 0,
            from ["aggregate.ingress_flow_count"] since 19;
        /// Number of egress flows that this record stands for; 0 if it is not an aggregate.
        AggregateEgressFlowCount aggregate_egress_flow_count: u32 = 0,
            from ["aggregate.egress_flow_count"] since 19;
        /// Number of flows of unknown direction that this record stands for; 0 if it is not an
        /// aggregate.
        AggregateUnknownDirectionFlowCount aggregate_unknown_direction_flow_count: u32 = 0,
            from ["aggregate.unknown_direction_flow_count"] since 19;
        /// Bits of [`parts`](super::parts): messages that the flow holds, where policy tells an
        /// empty one from an absent one.
        Parts parts: u8 = 0, from ["source", "destination", "event_type"];
    }
    texts {
        SourceIp source_ip from ["IP.source"];
        DestinationIp destination_ip from ["IP.destination"];
        SourceMac source_mac from ["ethernet.source"];
        DestinationMac destination_mac from ["ethernet.destination"];
        SourceNamespace source_namespace from ["source.namespace"];
        SourcePod source_pod from ["source.pod_name"];
        SourceCluster source_cluster from ["source.cluster_name"] since 16;
        DestinationNamespace destination_namespace from ["destination.namespace"];
        DestinationPod destination_pod from ["destination.pod_name"];
        DestinationCluster destination_cluster from ["destination.cluster_name"] since 16;
        SourceService source_service from ["source_service.name"];
        SourceServiceNamespace source_service_namespace from ["source_service.namespace"];
        DestinationService destination_service from ["destination_service.name"];
        DestinationServiceNamespace destination_service_namespace
            from ["destination_service.namespace"];
        /// Node name. Source: `Flow.node_name`, or else the node of the message around it.
        NodeName node_name from ["node_name"];
        Interface interface from ["interface.name"];
        DnsQuery dns_query from ["l7.dns.query"];
        DnsObservationSource dns_observation_source from ["l7.dns.observation_source"];
        HttpMethod http_method from ["l7.http.method"];
        HttpUrl http_url from ["l7.http.url"];
        HttpProtocol http_protocol from ["l7.http.protocol"];
    }
    lists {
        SourceLabels source_labels from ["source.labels"];
        DestinationLabels destination_labels from ["destination.labels"];
        /// Name and kind of each workload, alternating.
        SourceWorkloads source_workloads from ["source.workloads"];
        /// Name and kind of each workload, alternating.
        DestinationWorkloads destination_workloads from ["destination.workloads"];
        /// DNS names of the source IP.
        SourceNames source_names from ["source_names"];
        /// DNS names of the destination IP.
        DestinationNames destination_names from ["destination_names"];
        DnsIps dns_ips from ["l7.dns.ips"];
        DnsCnames dns_cnames from ["l7.dns.cnames"];
        DnsQtypes dns_qtypes from ["l7.dns.qtypes"];
        /// Kind, namespace and name of each policy, in turn.
        EgressAllowedBy egress_allowed_by from ["egress_allowed_by"] since 15;
        /// Kind, namespace and name of each policy, in turn.
        IngressAllowedBy ingress_allowed_by from ["ingress_allowed_by"] since 15;
        /// Kind, namespace and name of each policy, in turn.
        EgressDeniedBy egress_denied_by from ["egress_denied_by"] since 16;
        /// Kind, namespace and name of each policy, in turn.
        IngressDeniedBy ingress_denied_by from ["ingress_denied_by"] since 16;
        /// Log lines of the policies that matched.
        PolicyLog policy_log from ["policy_log"] since 18;
        /// Labels of the node, as `key=value`.
        NodeLabels node_labels from ["node_labels"] since 16;
        /// Name and value of each HTTP header by turns.
        HttpHeaders http_headers from ["l7.http.headers"];
    }
}

impl FlowColumns {
    /// Number of flows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no flows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Dictionary of all text and list columns.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// `Flow.uuid`, one text per row. All differ, so a dictionary would not help.
    pub fn uuid(&self) -> &TextColumn {
        &self.uuid
    }
}

impl Default for FlowColumns {
    fn default() -> Self {
        Self::new(ColumnLimits::default())
    }
}
