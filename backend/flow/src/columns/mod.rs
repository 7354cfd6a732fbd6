//! Flows as a struct of arrays: what a table of flows shows, one array per column, texts coded
//! by a dictionary that all columns share.
//!
//! A row comes from a [`Flow`](crate::Flow) by [`FlowColumns::append_flow`], or straight from
//! the wire by way of a [`FlowRow`] and its [`RowLists`].

mod cells;
mod dictionary;
mod from_flow;
mod joined;
mod table;
#[cfg(test)]
mod tests;

pub use dictionary::{ABSENT, Dictionary, DictionaryFull, TextColumn};
pub use joined::{JoinedList, split};
pub use table::{Column, FlowColumns, FlowRow, RowLists};

use std::borrow::Cow;
use std::cmp::Reverse;

/// The time of a flow that carries none. It sorts before every other.
pub const NO_TIME: i64 = i64::MIN;

/// `is_reply` of a flow that does not say; 0 and 1 are its answers.
pub const REPLY_UNKNOWN: i8 = -1;

/// Number of a [`FlowColumns::l4_protocol`]: the field number in `Layer4.protocol`, 0 for none.
pub mod l4_protocol {
    /// The flow carries no layer 4.
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

/// Number of a [`FlowColumns::l7_record`]: what `Layer7.record` holds.
pub mod l7_record {
    /// The flow carries no layer 7.
    pub const NONE: u8 = 0;
    /// A layer 7 whose record is absent or of a kind that is not known here.
    pub const UNKNOWN: u8 = 1;
    /// A DNS query or answer.
    pub const DNS: u8 = 2;
    /// An HTTP request or response.
    pub const HTTP: u8 = 3;
    /// A Kafka request or response, which Cilium no longer records.
    pub const KAFKA: u8 = 4;
}

/// A set of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColumnSet(u128);

/// How much [`FlowColumns`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnLimits {
    /// Rows.
    pub max_flows: usize,
    /// Bytes of the dictionary's texts, and of the uuids.
    pub max_text_bytes: usize,
}

/// A row does not fit any more; the columns are as they were before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsFull {
    /// As many flows as were allowed.
    #[error("there are more than {max_flows} flows")]
    Flows {
        /// The bound.
        max_flows: usize,
    },
    /// As much text as was allowed.
    #[error("the texts of these flows take more than {max_text_bytes} bytes")]
    Text {
        /// The bound.
        max_text_bytes: usize,
    },
}

/// A network policy as Hubble names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName<'a> {
    /// `CiliumNetworkPolicy`, `NetworkPolicy`, …; empty where the flow does not say.
    pub kind: Cow<'a, str>,
    /// Empty for a cluster-wide policy.
    pub namespace: Cow<'a, str>,
    /// `metadata.name`.
    pub name: Cow<'a, str>,
}

/// A workload as Hubble names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadName<'a> {
    /// `metadata.name`.
    pub name: Cow<'a, str>,
    /// `Deployment`, `DaemonSet`, …
    pub kind: Cow<'a, str>,
}

/// The cell of a row; beyond the last row the empty one, 0.
pub fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

impl ColumnSet {
    /// No column.
    pub const EMPTY: Self = Self(0);
    /// Every column.
    pub const ALL: Self = Self(u128::MAX);

    /// The set of these columns.
    pub const fn of(columns: &[Column]) -> Self {
        let mut set = Self::EMPTY;
        let mut rest = columns;
        while let Some((&column, tail)) = rest.split_first() {
            set = set.with(column);
            rest = tail;
        }
        set
    }

    /// The columns that are read from the field `path` of a flow, or from a field within it.
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

    /// This set and `column`.
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

    /// What stands in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `column` stands in the set.
    pub const fn contains(self, column: Column) -> bool {
        self.0 & 1 << column as u32 != 0
    }

    /// Whether the sets share a column.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Whether a path names `field` or one within it.
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
    /// Ten times what a query may ask for, so that only hostile input meets it.
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
    /// What [`FlowColumns::stands_for`] reads.
    pub const STANDS_FOR_COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::AggregateIngressFlowCount,
        Column::AggregateEgressFlowCount,
        Column::AggregateUnknownDirectionFlowCount,
    ]);

    /// How many flows the record of `row` stands for, as [`Flow::stands_for`](crate::Flow::stands_for).
    pub fn stands_for(&self, row: usize) -> u64 {
        let counts = [
            self.aggregate_ingress_flow_count(),
            self.aggregate_egress_flow_count(),
            self.aggregate_unknown_direction_flow_count(),
        ];
        counts.map(|counts| u64::from(at(counts, row))).iter().sum::<u64>().max(1)
    }

    /// The rows in the order of a table, newest first. Flows of one time keep the order in which
    /// they came; flows without a time come last.
    pub fn newest_first(&self) -> Vec<u32> {
        let times = self.time_nanos();
        let mut rows: Vec<u32> = (0..).take(times.len()).collect();
        rows.sort_by_key(|&row| Reverse(times.get(row as usize).copied().unwrap_or(NO_TIME)));
        rows
    }

    /// The text of a code of any text column; empty for [`ABSENT`] and for a foreign code.
    pub fn text(&self, code: u32) -> &str {
        self.dictionary().get(code).unwrap_or_default()
    }

    /// The items of a code of any list column.
    pub fn items(&self, code: u32) -> impl Iterator<Item = Cow<'_, str>> {
        split(self.text(code))
    }

    /// The policies of a code of `egress_allowed_by` and its like.
    pub fn policies(&self, code: u32) -> impl Iterator<Item = PolicyName<'_>> {
        let mut items = self.items(code);
        std::iter::from_fn(move || {
            Some(PolicyName { kind: items.next()?, namespace: items.next()?, name: items.next()? })
        })
    }

    /// The workloads of a code of `source_workloads` or `destination_workloads`.
    pub fn workloads(&self, code: u32) -> impl Iterator<Item = WorkloadName<'_>> {
        let mut items = self.items(code);
        std::iter::from_fn(move || Some(WorkloadName { name: items.next()?, kind: items.next()? }))
    }
}
