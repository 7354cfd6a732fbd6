//! Flows as a struct of arrays: one array per column of a flow table, with texts coded by a
//! dictionary that all columns share.
//!
//! Rows are added from a [`Flow`](crate::Flow) with [`FlowColumns::append_flow`], or directly from
//! the wire with a [`FlowRow`] and its [`RowLists`].

mod cells;
mod dictionary;
mod from_flow;
mod joined;
mod table;
#[cfg(test)]
mod tests;
mod to_flow;

pub use dictionary::{ABSENT, Dictionary, DictionaryFull, TextColumn};
pub use joined::{JoinedList, split};
pub use table::{Column, FlowColumns, FlowRow, RowLists};

use std::borrow::Cow;
use std::cmp::Reverse;

/// Time of a flow that carries none. It sorts before every other time.
pub const NO_TIME: i64 = i64::MIN;

/// Value of `is_reply` if the flow does not say; otherwise 0 or 1.
pub const REPLY_UNKNOWN: i8 = -1;

/// Values of [`FlowColumns::l4_protocol`]: the field number in `Layer4.protocol`, or 0.
pub mod l4_protocol {
    /// Flow without layer 4.
    pub const NONE: u8 = 0;
    /// Transmission Control Protocol.
    pub const TCP: u8 = 1;
    /// User Datagram Protocol.
    pub const UDP: u8 = 2;
    /// Internet Control Message Protocol for IPv4.
    pub const ICMPV4: u8 = 3;
    /// Internet Control Message Protocol for IPv6.
    pub const ICMPV6: u8 = 4;
    /// Stream Control Transmission Protocol.
    pub const SCTP: u8 = 5;
    /// Virtual Router Redundancy Protocol.
    pub const VRRP: u8 = 6;
    /// Internet Group Management Protocol.
    pub const IGMP: u8 = 7;
}

/// Values of [`FlowColumns::l7_record`]: the kind of `Layer7.record`.
pub mod l7_record {
    /// Flow without layer 7.
    pub const NONE: u8 = 0;
    /// Layer 7 without a record, or with one of an unknown kind.
    pub const UNKNOWN: u8 = 1;
    /// DNS query or answer.
    pub const DNS: u8 = 2;
    /// HTTP request or response.
    pub const HTTP: u8 = 3;
    /// Kafka request or response, which Cilium no longer records.
    pub const KAFKA: u8 = 4;
}

/// Bits of [`FlowColumns::parts`].
pub mod parts {
    /// The flow has a source.
    pub const SOURCE: u8 = 1;
    /// The flow has a destination.
    pub const DESTINATION: u8 = 2;
    /// The flow names the monitor event behind it.
    pub const EVENT_TYPE: u8 = 4;
}

/// Set of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColumnSet(u128);

/// Bounds of [`FlowColumns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnLimits {
    /// Maximum number of rows.
    pub max_flows: usize,
    /// Maximum size of the dictionary's texts, and of the uuids, in bytes.
    pub max_text_bytes: usize,
}

/// Error: a row does not fit any more. The columns are unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsFull {
    /// The bound on rows is reached.
    #[error("there are more than {max_flows} flows")]
    Flows {
        /// Bound, in rows.
        max_flows: usize,
    },
    /// The bound on text is reached.
    #[error("the texts of these flows take more than {max_text_bytes} bytes")]
    Text {
        /// Bound, in bytes.
        max_text_bytes: usize,
    },
}

/// Name of a network policy, in Hubble's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPolicyName<'a> {
    /// `CiliumNetworkPolicy`, `NetworkPolicy`, …; empty if the flow does not say.
    pub kind: Cow<'a, str>,
    /// Empty for a cluster-wide policy.
    pub namespace: Cow<'a, str>,
    /// `metadata.name`.
    pub name: Cow<'a, str>,
}

/// Name of a workload, in Hubble's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadName<'a> {
    /// `metadata.name`.
    pub name: Cow<'a, str>,
    /// `Deployment`, `DaemonSet`, …
    pub kind: Cow<'a, str>,
}

/// Cell of a row; the default value beyond the last row.
pub fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

impl ColumnSet {
    /// Set without columns.
    pub const EMPTY: Self = Self(0);
    /// Set of all columns.
    pub const ALL: Self = Self(u128::MAX);

    /// Set of the given columns.
    pub const fn of(columns: &[Column]) -> Self {
        let mut set = Self::EMPTY;
        let mut rest = columns;
        while let Some((&column, tail)) = rest.split_first() {
            set = set.with(column);
            rest = tail;
        }
        set
    }

    /// Columns read from the field `path` of a flow, or from a field within it.
    pub const fn read_from(path: &str) -> Self {
        let mut set = Self::EMPTY;
        let mut columns = Column::ALL;
        while let Some((&column, rest)) = columns.split_first() {
            let mut sources = column.sources();
            while let Some((source, others)) = sources.split_first() {
                if is_within(source, path) {
                    set = set.with(column);
                }
                sources = others;
            }
            columns = rest;
        }
        set
    }

    /// This set with `column`.
    #[must_use]
    pub const fn with(self, column: Column) -> Self {
        Self(self.0 | 1 << column as u32)
    }

    /// This set without `column`.
    #[must_use]
    pub const fn without(self, column: Column) -> Self {
        Self(self.0 & !(1 << column as u32))
    }

    /// This set without the columns of `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Columns in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set contains `column`.
    pub const fn contains(self, column: Column) -> bool {
        self.0 & 1 << column as u32 != 0
    }

    /// Whether the sets have a column in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Whether a path is `field` or lies within it.
const fn is_within(path: &str, field: &str) -> bool {
    let (mut path, mut field) = (path.as_bytes(), field.as_bytes());
    while let Some((byte, rest)) = field.split_first() {
        match path.split_first() {
            Some((own, tail)) if *own == *byte => path = tail,
            _ => return false,
        }
        field = rest;
    }
    matches!(path, [] | [b'.', ..])
}

impl Default for ColumnLimits {
    /// Ten times the most that a query may request, so that only hostile input reaches it.
    fn default() -> Self {
        Self { max_flows: 500_000, max_text_bytes: 128 << 20 }
    }
}

impl From<DictionaryFull> for ColumnsFull {
    fn from(DictionaryFull { max_text_bytes }: DictionaryFull) -> Self {
        Self::Text { max_text_bytes }
    }
}

impl FlowColumns {
    /// Columns that [`FlowColumns::stands_for`] reads.
    pub const STANDS_FOR_COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::AggregateIngressFlowCount,
        Column::AggregateEgressFlowCount,
        Column::AggregateUnknownDirectionFlowCount,
    ]);

    /// Number of flows that the record of `row` stands for; see
    /// [`Flow::stands_for`](crate::Flow::stands_for).
    pub fn stands_for(&self, row: usize) -> u64 {
        let counts = [
            self.aggregate_ingress_flow_count(),
            self.aggregate_egress_flow_count(),
            self.aggregate_unknown_direction_flow_count(),
        ];
        counts.map(|counts| u64::from(at(counts, row))).iter().sum::<u64>().max(1)
    }

    /// Rows sorted by time, newest first. Flows with equal times keep their order; flows without a
    /// time come last.
    pub fn newest_first(&self) -> Vec<u32> {
        let times = self.time_nanos();
        let mut rows: Vec<u32> = (0..).take(times.len()).collect();
        rows.sort_by_key(|&row| Reverse(times.get(row as usize).copied().unwrap_or(NO_TIME)));
        rows
    }

    /// Text of a code of any text column; empty for [`ABSENT`] and unknown codes.
    pub fn text(&self, code: u32) -> &str {
        self.dictionary().get(code).unwrap_or_default()
    }

    /// Items of a code of any list column.
    pub fn items(&self, code: u32) -> impl Iterator<Item = Cow<'_, str>> {
        split(self.text(code))
    }

    /// Policies of a code of `egress_allowed_by` and its siblings.
    pub fn policies(&self, code: u32) -> impl Iterator<Item = RecordedPolicyName<'_>> {
        let mut items = self.items(code);
        std::iter::from_fn(move || {
            Some(RecordedPolicyName {
                kind: items.next()?,
                namespace: items.next()?,
                name: items.next()?,
            })
        })
    }

    /// The HTTP headers of a code of `http_headers`: name and value.
    pub fn headers(&self, code: u32) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let mut items = self.items(code);
        std::iter::from_fn(move || Some((items.next()?, items.next()?)))
    }

    /// Workloads of a code of `source_workloads` or `destination_workloads`.
    pub fn workloads(&self, code: u32) -> impl Iterator<Item = WorkloadName<'_>> {
        let mut items = self.items(code);
        std::iter::from_fn(move || Some(WorkloadName { name: items.next()?, kind: items.next()? }))
    }
}
