//! Rows with the same question to the policies, found by the codes of their cells.
//!
//! Most rows differ from earlier ones in time, source port and little else. Only the first row of
//! each class becomes a flow that is prepared; no text is read to find its class.

use std::hash::BuildHasher as _;

use flow::Companion;
use flow::columns::{FlowColumns, REPLY_UNKNOWN, at};
use hashbrown::{DefaultHashBuilder, HashTable};

/// The classes of rows.
#[derive(Debug, Default)]
pub(crate) struct Distinct {
    /// Class of each row.
    pub(crate) class_of: Vec<u32>,
    /// First row of each class.
    pub(crate) first_rows: Vec<u32>,
}

/// Everything but the time that a verdict depends on, as numbers and codes. The tests compare it with
/// [`FlowColumns::FLOW_COLUMNS`] and name the columns that it leaves out.
type ClassKey = [u32; 42];

impl Distinct {
    /// Classes of all rows, in the order of their first rows.
    pub(crate) fn of(columns: &FlowColumns) -> Self {
        let hasher = DefaultHashBuilder::default();
        let mut classes: HashTable<u32> = HashTable::new();
        let mut distinct =
            Self { class_of: Vec::with_capacity(columns.len()), first_rows: Vec::new() };
        let rows = 0..u32::try_from(columns.len()).unwrap_or(u32::MAX);
        for row in rows {
            let key = key(columns, row as usize);
            let first_rows = &distinct.first_rows;
            let key_of = |class: &u32| self::key(columns, at(first_rows, *class as usize) as usize);
            let class = *classes
                .entry(
                    hasher.hash_one(key),
                    |class| key_of(class) == key,
                    |class| hasher.hash_one(key_of(class)),
                )
                .or_insert(u32::try_from(first_rows.len()).unwrap_or(u32::MAX))
                .get();
            if class as usize == distinct.first_rows.len() {
                distinct.first_rows.push(row);
            }
            distinct.class_of.push(class);
        }
        distinct
    }
}

fn key(columns: &FlowColumns, row: usize) -> ClassKey {
    let is_reply = at(columns.is_reply(), row);
    // Policy knows a connection's destination port. The other port and the TCP flags only show
    // whether the packet accompanies a connection.
    let ports = if is_reply == 1 { columns.source_port() } else { columns.destination_port() };
    let companion = Companion::of_row(columns, row);
    let companion = companion.map_or(0, |own| 1 + (own.kind as u32) * 2 + u32::from(own.was_asked));
    let number = |column: &[i32]| at(column, row).cast_unsigned();
    let byte = |column: &[u8]| u32::from(at(column, row));
    let code = |column: &[u32]| at(column, row);
    [
        companion << 1 | u32::from(Companion::may_row_be_answer(columns, row)),
        u32::from(at(ports, row)),
        u32::from((is_reply - REPLY_UNKNOWN).unsigned_abs()),
        number(columns.verdict()),
        number(columns.drop_reason()),
        number(columns.traffic_direction()),
        number(columns.event_type()),
        number(columns.trace_observation_point()),
        number(columns.trace_reason()),
        number(columns.l7_type()),
        byte(columns.parts()) << 16 | byte(columns.l4_protocol()) << 8 | byte(columns.l7_record()),
        byte(columns.icmp_type()) << 8 | byte(columns.icmp_code()),
        code(columns.source_identity()),
        code(columns.destination_identity()),
        code(columns.dns_rcode()),
        code(columns.http_code()),
        code(columns.source_ip()),
        code(columns.destination_ip()),
        code(columns.source_namespace()),
        code(columns.source_pod()),
        code(columns.source_cluster()),
        code(columns.destination_namespace()),
        code(columns.destination_pod()),
        code(columns.destination_cluster()),
        code(columns.source_service()),
        code(columns.source_service_namespace()),
        code(columns.destination_service()),
        code(columns.destination_service_namespace()),
        code(columns.dns_query()),
        code(columns.http_method()),
        code(columns.http_url()),
        code(columns.source_labels()),
        code(columns.destination_labels()),
        code(columns.source_names()),
        code(columns.destination_names()),
        code(columns.node_labels()),
        code(columns.dns_ips()),
        code(columns.http_headers()),
        code(columns.egress_allowed_by()),
        code(columns.ingress_allowed_by()),
        code(columns.egress_denied_by()),
        code(columns.ingress_denied_by()),
    ]
}
