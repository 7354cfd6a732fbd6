//! Texts of table cells, each distinct text stored once.

use std::fmt::Write as _;
use std::hash::Hash;

use flow::EndpointRole;
use flow::columns::{ABSENT, Dictionary, DictionaryFull, FlowColumns, at, l4_protocol, l7_record};
use flow::group::protocol;
use flow::summary::{policy_lists, put_policies, put_summary, put_type};
use flow::{DropReason, TrafficDirection, Verdict};
use hashbrown::HashMap;

/// Maximum size of all cells' texts, in bytes. Cells repeat the columns' texts, so this bound is as
/// far away as the columns' own.
const MAX_TEXT_BYTES: usize = 128 << 20;

/// The table's text columns, as codes of one dictionary.
#[derive(Debug)]
pub(crate) struct Captions {
    dictionary: Dictionary,
    columns: [Vec<u32>; TextColumn::OF_FLOW.len()],
    judged: [Vec<u32>; TextColumn::OF_POLICIES.len()],
    seen: Seen,
}

/// A text column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextColumn {
    /// Hubble's verdict: `FORWARDED`, `DROPPED`, …
    Verdict,
    /// Traffic direction: `INGRESS` or `EGRESS`; empty if the flow has none.
    Direction,
    /// Source: pod, Service, DNS names or address, the first that is known; an address with its
    /// reserved identity.
    Source,
    /// Destination, as [`TextColumn::Source`].
    Destination,
    /// Address of the source.
    SourceIp,
    /// Address of the destination.
    DestinationIp,
    /// Protocol: `TCP`, `UDP`, …, or the L7 protocol.
    Protocol,
    /// Hubble's summary of a DNS or HTTP message, else the TCP flags or the ICMP type of a packet.
    Summary,
    /// The monitor's drop reason: `Policy denied`.
    DropReason,
    /// Policies that Hubble names: those that denied the flow, else those that allowed it.
    Policy,
    /// Type of the record, among the several of a packet: `policy-verdict`, `drop`, `to-endpoint`,
    /// `dns-request`, …
    Type,
    /// Way of the packet in its connection: `reply` or `request`; empty if the flow does not have
    /// it.
    Reply,
    /// Node that recorded the flow.
    Node,
    /// Comparison of record and policies: `agrees`, `differs`, `cannot tell`; empty if policy has
    /// no verdict on the flow, or no policies are loaded.
    Agreement,
    /// The policies' verdict: `allowed`, `denied`, `cannot tell`; empty as in
    /// [`TextColumn::Agreement`].
    Computed,
    /// The rule or default that decides [`TextColumn::Computed`].
    DecidedBy,
}

impl TextColumn {
    /// Columns that follow from the flows alone, in the order in which [`Captions`] stores them.
    pub(crate) const OF_FLOW: [Self; 13] = [
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

    /// Columns that follow from flows and policies, in the order in which [`Captions`] stores them.
    pub(crate) const OF_POLICIES: [Self; 3] = [Self::Agreement, Self::Computed, Self::DecidedBy];

    /// All columns.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::OF_FLOW.into_iter().chain(Self::OF_POLICIES)
    }

    /// Name of the column in the panel.
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
            Self::Agreement => "agreement",
            Self::Computed => "computed",
            Self::DecidedBy => "decidedBy",
        }
    }

    /// The column with a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|column| column.name() == name)
    }
}

impl Captions {
    /// Captions without rows.
    pub(crate) fn new() -> Self {
        Self {
            dictionary: Dictionary::new(MAX_TEXT_BYTES),
            columns: Default::default(),
            judged: Default::default(),
            seen: Seen::default(),
        }
    }

    /// The texts behind all codes.
    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The codes of `column`, by row.
    pub(crate) fn codes(&self, column: TextColumn) -> &[u32] {
        self.columns.iter().chain(&self.judged).nth(column as usize).map_or(&[], Vec::as_slice)
    }

    /// The code of a text.
    ///
    /// Errors: the texts exceed their bound.
    #[cfg(feature = "policies")]
    pub(crate) fn intern(&mut self, text: &str) -> Result<u32, DictionaryFull> {
        self.dictionary.intern(text.as_bytes())
    }

    /// Replaces the columns of policy: codes by row, in the order of [`TextColumn::OF_POLICIES`].
    #[cfg(feature = "policies")]
    pub(crate) fn set_judged(&mut self, columns: [Vec<u32>; TextColumn::OF_POLICIES.len()]) {
        self.judged = columns;
    }

    /// Adds the cells of the rows that `flows` gained since the last call.
    ///
    /// Errors: the texts exceed their bound.
    pub(crate) fn extend(&mut self, flows: &FlowColumns) -> Result<(), DictionaryFull> {
        let written = self.codes(TextColumn::Verdict).len();
        for codes in &mut self.columns {
            codes.reserve_exact(flows.len().saturating_sub(written));
        }
        for row in written..flows.len() {
            for (column, codes) in TextColumn::OF_FLOW.into_iter().zip(&mut self.columns) {
                let code = self.seen.code(column, flows, row, &mut self.dictionary)?;
                codes.push(code);
            }
        }
        Ok(())
    }
}

/// Codes of cells by their source values, so that no text is built twice.
#[derive(Debug, Default)]
struct Seen {
    numbers: HashMap<(TextColumn, i64), u32>,
    codes: HashMap<(TextColumn, [u32; 8]), u32>,
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
        let of = |codes: [u32; 8]| (column, codes);
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
                let numbers = [
                    at(flows.flow_type(), row).cast_unsigned(),
                    at(flows.event_type(), row).cast_unsigned(),
                    at(flows.event_sub_type(), row).cast_unsigned(),
                    at(flows.l7_record(), row).into(),
                    at(flows.l7_type(), row).cast_unsigned(),
                    0,
                    0,
                    0,
                ];
                once(&mut self.codes, of(numbers), dictionary, text, |text| {
                    put_type(text, flows, row);
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
                    text.push_str(protocol(flows, row));
                })
            }
            TextColumn::Node => Self::same(dictionary, flows, at(flows.node_name(), row)),
            TextColumn::SourceIp => Self::same(dictionary, flows, at(flows.source_ip(), row)),
            TextColumn::DestinationIp => {
                Self::same(dictionary, flows, at(flows.destination_ip(), row))
            }
            TextColumn::Source | TextColumn::Destination => {
                let role = if column == TextColumn::Source {
                    EndpointRole::Source
                } else {
                    EndpointRole::Destination
                };
                once(&mut self.codes, of(role.shown_codes(flows, row)), dictionary, text, |text| {
                    text.push_str(&role.shown(flows, row, 0).unwrap_or_default());
                })
            }
            TextColumn::Policy => {
                let lists = policy_lists(flows, row);
                let [a, b] = lists;
                once(&mut self.codes, of([a, b, 0, 0, 0, 0, 0, 0]), dictionary, text, |text| {
                    put_policies(text, flows, lists);
                })
            }
            TextColumn::Summary => self.summary(flows, row, dictionary),
            // These depend on the policies too: see `Captions::set_judged`.
            TextColumn::Agreement | TextColumn::Computed | TextColumn::DecidedBy => Ok(ABSENT),
        }
    }

    /// Code of a text that the columns hold verbatim.
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
        let l4 = at(flows.l4_protocol(), row);
        match at(flows.l7_record(), row) {
            l7_record::NONE if l4 == l4_protocol::TCP => {
                let key = (TextColumn::Summary, i64::from(at(flows.tcp_flags(), row)));
                once(&mut self.numbers, key, dictionary, text, |text| {
                    put_summary(text, flows, row);
                })
            }
            l7_record::NONE if l4 == l4_protocol::ICMPV4 || l4 == l4_protocol::ICMPV6 => {
                let (icmp_type, icmp_code) =
                    (at(flows.icmp_type(), row), at(flows.icmp_code(), row));
                let of = [l4.into(), icmp_type.into(), icmp_code.into(), 0, 0, 0, 0, 0];
                once(&mut self.codes, (TextColumn::Summary, of), dictionary, text, |text| {
                    put_summary(text, flows, row);
                })
            }
            l7_record::DNS | l7_record::HTTP => {
                // L7 messages differ in latency and TTL: only the dictionary stores them.
                text.clear();
                put_summary(text, flows, row);
                dictionary.intern(text.as_bytes())
            }
            _ => Ok(ABSENT),
        }
    }
}

/// Appends the printed form; writing to a `String` cannot fail.
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
