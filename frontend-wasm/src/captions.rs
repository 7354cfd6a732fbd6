//! What a table cell says of a flow, each distinct text stored once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;

use flow::columns::{ABSENT, Dictionary, DictionaryFull, FlowColumns, l4_protocol, l7_record};
use flow::{DropReason, FlowType, L7FlowType, TrafficDirection, Verdict};

/// Bound on the texts of all cells. Cells repeat what the columns hold, so that this is as far
/// away as the bound of the columns.
const MAX_TEXT_BYTES: usize = 128 << 20;

/// The table's columns that hold text, as codes of one dictionary.
#[derive(Debug)]
pub(crate) struct Captions {
    dictionary: Dictionary,
    columns: [Vec<u32>; TextColumn::ALL.len()],
    seen: Seen,
}

/// A column of the table that holds text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextColumn {
    /// `FORWARDED`, `DROPPED`, …
    Verdict,
    /// `INGRESS` or `EGRESS`; empty where the flow does not say.
    Direction,
    /// Pod, service, DNS names, reserved identity or address, the first that is known.
    Source,
    /// As [`TextColumn::Source`].
    Destination,
    /// Address of the sender.
    SourceIp,
    /// Address of the receiver.
    DestinationIp,
    /// `TCP`, `UDP`, …, or the L7 protocol.
    Protocol,
    /// Hubble's summary of a DNS or HTTP message, or the TCP flags of a packet.
    Summary,
    /// The monitor's text: `Policy denied`.
    DropReason,
    /// The policies that Hubble names, those that denied first.
    Policy,
    /// `L3_L4`, `L7`, `SOCK`.
    Type,
    /// `reply` or `request`; empty where the flow does not say.
    Reply,
    /// The node that saw the flow.
    Node,
}

impl TextColumn {
    /// Every column, in the order in which [`Captions`] stores them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Verdict,
        Self::Direction,
        Self::Source,
        Self::Destination,
        Self::SourceIp,
        Self::DestinationIp,
        Self::Protocol,
        Self::Summary,
        Self::DropReason,
        Self::Policy,
        Self::Type,
        Self::Reply,
        Self::Node,
    ];

    /// The name that the panel calls it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Direction => "direction",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::SourceIp => "sourceIp",
            Self::DestinationIp => "destinationIp",
            Self::Protocol => "protocol",
            Self::Summary => "summary",
            Self::DropReason => "dropReason",
            Self::Policy => "policy",
            Self::Type => "type",
            Self::Reply => "reply",
            Self::Node => "node",
        }
    }

    /// The column of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }
}

impl Captions {
    /// No rows yet.
    pub(crate) fn new() -> Self {
        Self {
            dictionary: Dictionary::new(MAX_TEXT_BYTES),
            columns: Default::default(),
            seen: Seen::default(),
        }
    }

    /// The texts behind all codes.
    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The codes of `column`, by row.
    pub(crate) fn codes(&self, column: TextColumn) -> &[u32] {
        self.columns.get(column as usize).map_or(&[], Vec::as_slice)
    }

    /// Writes the cells of the rows that `flows` gained since the last call.
    ///
    /// Errors: the texts outgrow their bound.
    pub(crate) fn extend(&mut self, flows: &FlowColumns) -> Result<(), DictionaryFull> {
        let written = self.codes(TextColumn::Verdict).len();
        for row in written..flows.len() {
            for (column, codes) in TextColumn::ALL.into_iter().zip(&mut self.columns) {
                let code = self.seen.code(column, flows, row, &mut self.dictionary)?;
                codes.push(code);
            }
        }
        Ok(())
    }
}

/// Codes of cells by the values that they are made of, so that no text is made twice.
#[derive(Debug, Default)]
struct Seen {
    numbers: HashMap<(TextColumn, i64), u32>,
    codes: HashMap<(TextColumn, [u32; 7]), u32>,
    text: String,
}

impl Seen {
    fn code(
        &mut self,
        column: TextColumn,
        flows: &FlowColumns,
        row: usize,
        dictionary: &mut Dictionary,
    ) -> Result<u32, DictionaryFull> {
        let number = |number: i64| (column, number);
        let of = |codes: [u32; 7]| (column, codes);
        let text = &mut self.text;
        match column {
            TextColumn::Verdict => {
                let verdict = at(flows.verdict(), row);
                once(&mut self.numbers, number(verdict.into()), dictionary, text, |text| {
                    put(text, Verdict::from_number(verdict));
                })
            }
            TextColumn::Direction => {
                let direction = at(flows.traffic_direction(), row);
                once(&mut self.numbers, number(direction.into()), dictionary, text, |text| {
                    if direction != TrafficDirection::Unknown.number() {
                        put(text, TrafficDirection::from_number(direction));
                    }
                })
            }
            TextColumn::DropReason => {
                let reason = at(flows.drop_reason(), row);
                once(&mut self.numbers, number(reason.into()), dictionary, text, |text| {
                    if reason != DropReason::UNKNOWN.number() {
                        put(text, DropReason::from_number(reason));
                    }
                })
            }
            TextColumn::Type => {
                let flow_type = at(flows.flow_type(), row);
                once(&mut self.numbers, number(flow_type.into()), dictionary, text, |text| {
                    if flow_type != FlowType::Unknown.number() {
                        put(text, FlowType::from_number(flow_type));
                    }
                })
            }
            TextColumn::Reply => {
                let is_reply = at(flows.is_reply(), row);
                once(&mut self.numbers, number(is_reply.into()), dictionary, text, |text| {
                    text.push_str(match is_reply {
                        0 => "request",
                        1 => "reply",
                        _ => "",
                    });
                })
            }
            TextColumn::Protocol => {
                let l4 = at(flows.l4_protocol(), row);
                let l7 = at(flows.l7_record(), row);
                let key = number(i64::from(l7) << 8 | i64::from(l4));
                once(&mut self.numbers, key, dictionary, text, |text| {
                    text.push_str(protocol(l4, l7));
                })
            }
            TextColumn::Node => Self::same(dictionary, flows, at(flows.node_name(), row)),
            TextColumn::SourceIp => Self::same(dictionary, flows, at(flows.source_ip(), row)),
            TextColumn::DestinationIp => {
                Self::same(dictionary, flows, at(flows.destination_ip(), row))
            }
            TextColumn::Source => {
                let peer = Peer::source(flows, row);
                once(&mut self.codes, of(peer.key()), dictionary, text, |text| {
                    peer.put(text, flows);
                })
            }
            TextColumn::Destination => {
                let peer = Peer::destination(flows, row);
                once(&mut self.codes, of(peer.key()), dictionary, text, |text| {
                    peer.put(text, flows);
                })
            }
            TextColumn::Policy => {
                let lists = [
                    at(flows.egress_denied_by(), row),
                    at(flows.ingress_denied_by(), row),
                    at(flows.egress_allowed_by(), row),
                    at(flows.ingress_allowed_by(), row),
                ];
                let [a, b, c, d] = lists;
                once(&mut self.codes, of([a, b, c, d, 0, 0, 0]), dictionary, text, |text| {
                    put_policies(text, flows, lists);
                })
            }
            TextColumn::Summary => self.summary(flows, row, dictionary),
        }
    }

    /// The code of a text that the columns hold as it is.
    fn same(
        dictionary: &mut Dictionary,
        flows: &FlowColumns,
        code: u32,
    ) -> Result<u32, DictionaryFull> {
        dictionary.intern(flows.text(code).as_bytes())
    }

    fn summary(
        &mut self,
        flows: &FlowColumns,
        row: usize,
        dictionary: &mut Dictionary,
    ) -> Result<u32, DictionaryFull> {
        let text = &mut self.text;
        match at(flows.l7_record(), row) {
            l7_record::NONE if at(flows.l4_protocol(), row) == l4_protocol::TCP => {
                let flags = at(flows.tcp_flags(), row);
                let key = (TextColumn::Summary, i64::from(flags));
                once(&mut self.numbers, key, dictionary, text, |text| {
                    if flags != 0 {
                        put(
                            text,
                            format_args!(
                                "TCP Flags: {}",
                                flow::TcpFlags::from_bits_truncate(flags)
                            ),
                        );
                    }
                })
            }
            l7_record::DNS | l7_record::HTTP => {
                // L7 messages differ in latency and TTL: no memory of them, the dictionary alone.
                text.clear();
                put_l7(text, flows, row);
                dictionary.intern(text.as_bytes())
            }
            _ => Ok(ABSENT),
        }
    }
}

/// One end of a flow.
struct Peer {
    namespace: u32,
    pod: u32,
    service_namespace: u32,
    service: u32,
    names: u32,
    identity: u32,
    ip: u32,
}

impl Peer {
    fn source(flows: &FlowColumns, row: usize) -> Self {
        Self {
            namespace: at(flows.source_namespace(), row),
            pod: at(flows.source_pod(), row),
            service_namespace: at(flows.source_service_namespace(), row),
            service: at(flows.source_service(), row),
            names: at(flows.source_names(), row),
            identity: at(flows.source_identity(), row),
            ip: at(flows.source_ip(), row),
        }
    }

    fn destination(flows: &FlowColumns, row: usize) -> Self {
        Self {
            namespace: at(flows.destination_namespace(), row),
            pod: at(flows.destination_pod(), row),
            service_namespace: at(flows.destination_service_namespace(), row),
            service: at(flows.destination_service(), row),
            names: at(flows.destination_names(), row),
            identity: at(flows.destination_identity(), row),
            ip: at(flows.destination_ip(), row),
        }
    }

    fn key(&self) -> [u32; 7] {
        let &Self { namespace, pod, service_namespace, service, names, identity, ip } = self;
        [namespace, pod, service_namespace, service, names, identity, ip]
    }

    /// The order of `hubble observe`: pod, service, DNS names, address. An address of a reserved
    /// identity says which.
    fn put(&self, text: &mut String, flows: &FlowColumns) {
        let join = |text: &mut String, namespace: u32, name: u32| {
            if namespace != ABSENT {
                put(text, format_args!("{}/", flows.text(namespace)));
            }
            text.push_str(flows.text(name));
        };
        if self.pod != ABSENT {
            join(text, self.namespace, self.pod);
        } else if self.service != ABSENT {
            join(text, self.service_namespace, self.service);
        } else if self.names != ABSENT {
            put_list(text, flows, self.names);
        } else {
            text.push_str(flows.text(self.ip));
            if let Some(name) = reserved_identity(self.identity) {
                let space = if text.is_empty() { "" } else { " " };
                put(text, format_args!("{space}({name})"));
            }
        }
    }
}

/// Name of an identity that means the same in every cluster. Source: pkg/identity
/// `ReservedIdentity…`.
const fn reserved_identity(identity: u32) -> Option<&'static str> {
    Some(match identity {
        1 => "host",
        2 => "world",
        3 => "unmanaged",
        4 => "health",
        5 => "init",
        6 => "remote-node",
        7 => "kube-apiserver",
        8 => "ingress",
        9 => "world-ipv4",
        10 => "world-ipv6",
        _ => return None,
    })
}

const fn protocol(l4: u8, l7: u8) -> &'static str {
    match (l7, l4) {
        (l7_record::DNS, _) => "DNS",
        (l7_record::HTTP, _) => "HTTP",
        (l7_record::KAFKA, _) => "Kafka",
        (_, l4_protocol::TCP) => "TCP",
        (_, l4_protocol::UDP) => "UDP",
        (_, l4_protocol::ICMPV4) => "ICMPv4",
        (_, l4_protocol::ICMPV6) => "ICMPv6",
        (_, l4_protocol::SCTP) => "SCTP",
        (_, l4_protocol::VRRP) => "VRRP",
        (_, l4_protocol::IGMP) => "IGMP",
        _ => "",
    }
}

/// The summary that Hubble's own parsers write. Source: pkg/hubble/parser/seven `dnsSummary`,
/// `httpSummary`.
fn put_l7(text: &mut String, flows: &FlowColumns, row: usize) {
    let l7_type = L7FlowType::from_number(at(flows.l7_type(), row));
    match (at(flows.l7_record(), row), l7_type) {
        (l7_record::DNS, L7FlowType::Request) => {
            put(text, format_args!("DNS Query {} ", flows.text(at(flows.dns_query(), row))));
            put_list(text, flows, at(flows.dns_qtypes(), row));
        }
        (l7_record::DNS, L7FlowType::Response) => {
            text.push_str("DNS Answer ");
            let rcode = at(flows.dns_rcode(), row);
            let (ips, cnames) = (at(flows.dns_ips(), row), at(flows.dns_cnames(), row));
            if rcode == 0 {
                if ips != ABSENT {
                    text.push('"');
                    put_list(text, flows, ips);
                    text.push_str("\" ");
                }
                if cnames != ABSENT {
                    text.push_str("CNAMEs: \"");
                    put_list(text, flows, cnames);
                    text.push_str("\" ");
                }
            } else {
                match rcode_name(rcode) {
                    Some(name) => put(text, format_args!("RCode: {name} ")),
                    None => put(text, format_args!("RCode: {rcode} ")),
                }
            }
            let seen_by = if flows.text(at(flows.dns_observation_source(), row)) == "proxy" {
                "Proxy"
            } else {
                "Query"
            };
            let ttl_secs = at(flows.dns_ttl_secs(), row);
            let query = flows.text(at(flows.dns_query(), row));
            put(text, format_args!("TTL: {ttl_secs} ({seen_by} {query} "));
            put_list(text, flows, at(flows.dns_qtypes(), row));
            text.push(')');
        }
        (l7_record::HTTP, L7FlowType::Response) => {
            let millis = at(flows.l7_latency_nanos(), row) / 1_000_000;
            let code = at(flows.http_code(), row);
            put(
                text,
                format_args!("{} {code} {millis}ms (", flows.text(at(flows.http_protocol(), row))),
            );
            put_request(text, flows, row);
            text.push(')');
        }
        (l7_record::HTTP, _) => {
            put(text, format_args!("{} ", flows.text(at(flows.http_protocol(), row))));
            put_request(text, flows, row);
        }
        _ => {}
    }
}

fn put_request(text: &mut String, flows: &FlowColumns, row: usize) {
    let method = flows.text(at(flows.http_method(), row));
    put(text, format_args!("{method} {}", flows.text(at(flows.http_url(), row))));
}

/// Name of a DNS response code. Source: IANA, DNS RCODEs, in Hubble's spelling.
const fn rcode_name(rcode: u32) -> Option<&'static str> {
    Some(match rcode {
        0 => "No Error",
        1 => "Format Error",
        2 => "Server Failure",
        3 => "Non-Existent Domain",
        4 => "Not Implemented",
        5 => "Query Refused",
        _ => return None,
    })
}

fn put_policies(text: &mut String, flows: &FlowColumns, lists: [u32; 4]) {
    for code in lists {
        for policy in flows.policies(code) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            if !policy.namespace.is_empty() {
                put(text, format_args!("{}/", policy.namespace));
            }
            text.push_str(&policy.name);
        }
    }
}

fn put_list(text: &mut String, flows: &FlowColumns, code: u32) {
    for (position, item) in flows.items(code).enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(&item);
    }
}

/// Appends what prints; a `String` takes everything.
fn put(text: &mut String, what: impl std::fmt::Display) {
    let _never_fails = write!(text, "{what}");
}

fn once<K: Eq + Hash>(
    seen: &mut HashMap<K, u32>,
    key: K,
    dictionary: &mut Dictionary,
    text: &mut String,
    write: impl FnOnce(&mut String),
) -> Result<u32, DictionaryFull> {
    if let Some(&code) = seen.get(&key) {
        return Ok(code);
    }
    text.clear();
    write(text);
    let code = dictionary.intern(text.as_bytes())?;
    seen.insert(key, code);
    Ok(code)
}

/// The value of `row`; all columns have one for every row.
fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}
