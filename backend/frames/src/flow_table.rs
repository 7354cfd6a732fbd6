//! Flows as a table: one row per flow, newest first, in the columns that the panels expect.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, StringBuilder, TimestampNanosecondArray, UInt16Array, UInt32Array,
};
use flow::EndpointRole;
use flow::Verdict;
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME, REPLY_UNKNOWN, at};
use flow::group::VERDICT_COLORS;
use flow::summary::TYPE_COLUMNS;
use serde_json::{Map, Value, json};

use crate::flow_text::{
    direction_text, drop_reason_text, policy_text, protocol_text, some_text, summary_text,
    tcp_flags_text, type_text,
};
use crate::{Field, FieldConfig, Frame, FrameType, Meta};

/// Columns that the table reads.
pub const FLOW_TABLE_COLUMNS: ColumnSet =
    EndpointRole::SHOWN_COLUMNS.union(TYPE_COLUMNS).union(ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::DropReason,
        Column::TrafficDirection,
        Column::PolicyMatchType,
        Column::IsReply,
        Column::L4Protocol,
        Column::SourcePort,
        Column::DestinationPort,
        Column::TcpFlags,
        Column::IcmpType,
        Column::IcmpCode,
        Column::L7LatencyNanos,
        Column::DnsRcode,
        Column::DnsTtlSecs,
        Column::HttpCode,
        Column::NodeName,
        Column::DnsQuery,
        Column::DnsObservationSource,
        Column::HttpMethod,
        Column::HttpUrl,
        Column::HttpProtocol,
        Column::SourceWorkloads,
        Column::DestinationWorkloads,
        Column::DnsIps,
        Column::DnsCnames,
        Column::DnsQtypes,
        Column::EgressAllowedBy,
        Column::IngressAllowedBy,
        Column::EgressDeniedBy,
        Column::IngressDeniedBy,
        Column::Uuid,
    ]));

/// Table of the given `rows` of `columns`, in that order.
pub fn flow_table(columns: &FlowColumns, rows: &[u32], meta: Meta) -> Frame {
    let table = Table { columns, rows };
    let source = endpoint_fields(&table, EndpointRole::Source);
    let destination = endpoint_fields(&table, EndpointRole::Destination);
    let EndpointFields { name: source, port: source_port, parts: source_parts } = source;
    let EndpointFields { name: destination, port: destination_port, parts: destination_parts } =
        destination;
    let mut fields = Vec::with_capacity(26);
    // The first columns fit a screen and summarise the flow; their parts follow, for filtering.
    fields.push(time_field(&table));
    fields.push(verdict_field(&table));
    fields.extend([source, destination, destination_port]);
    fields.push(column("Drop reason", 150, table.texts(drop_reason_text)));
    fields.push(column("Summary", 220, table.texts(summary_text)));
    fields.push(column("Type", 120, table.texts(type_text)));
    fields.push(column("Policy", 240, table.texts(policy_text)));
    fields.push(column("Direction", 95, table.texts(direction_text)));
    fields.push(column("Protocol", 85, table.texts(protocol_text)));
    fields.extend(source_parts);
    fields.push(source_port);
    fields.extend(destination_parts);
    fields.push(column("Reply", 70, table.reply()));
    fields.push(column("TCP flags", 100, table.texts(tcp_flags_text)));
    fields.push(number_column(
        "Source identity",
        table.numbers(|row| at(columns.source_identity(), row)),
    ));
    fields.push(number_column(
        "Destination identity",
        table.numbers(|row| at(columns.destination_identity(), row)),
    ));
    fields.push(column("Node", 150, table.codes(columns.node_name())));
    fields.push(uuid_field(&table));
    Frame {
        name: "flows".to_owned(),
        fields,
        meta: Meta {
            frame_type: Some(FrameType::Table),
            preferred_visualisation_type: Some("table"),
            ..meta
        },
    }
}

struct Table<'a> {
    columns: &'a FlowColumns,
    rows: &'a [u32],
}

/// Fields of the table for one endpoint: its display name, its port, and the parts of the name.
struct EndpointFields {
    name: Field,
    port: Field,
    parts: [Field; 4],
}

fn endpoint_fields(table: &Table<'_>, role: EndpointRole) -> EndpointFields {
    let title = match role {
        EndpointRole::Source => "Source",
        EndpointRole::Destination => "Destination",
    };
    let named = |part: &str| format!("{title} {part}");
    EndpointFields {
        name: column(title, 220, table.texts(|columns, row| role.shown(columns, row, 0))),
        port: column(named("port"), 75, table.ports(role)),
        parts: [
            column(
                named("namespace"),
                140,
                table.texts(|columns, row| some_text(role.namespace(columns, row))),
            ),
            column(
                named("pod"),
                220,
                table.texts(|columns, row| some_text(role.pod_name(columns, row))),
            ),
            column(
                named("workload"),
                160,
                table.texts(|columns, row| workload(columns, row, role)),
            ),
            column(named("IP"), 130, table.texts(|columns, row| some_text(role.ip(columns, row)))),
        ],
    }
}

/// Field with times to the millisecond, because a second has several flows.
fn time_field(table: &Table<'_>) -> Field {
    let field = column("Time", 190, table.time());
    let config = FieldConfig { unit: Some("time:YYYY-MM-DD HH:mm:ss.SSS"), ..field.config.clone() };
    field.with_config(config)
}

fn workload(columns: &FlowColumns, row: usize, role: EndpointRole) -> Option<Cow<'_, str>> {
    let mut workloads = role.workloads(columns, row);
    let first = workloads.next()?.name;
    let others: Vec<_> = workloads.map(|workload| workload.name).collect();
    if others.is_empty() {
        return Some(first);
    }
    Some(format!("{first}, {}", others.join(", ")).into())
}

impl Table<'_> {
    fn row_indexes(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|&row| row as usize)
    }

    fn texts<'c>(
        &'c self,
        text: impl Fn(&'c FlowColumns, usize) -> Option<Cow<'c, str>>,
    ) -> ArrayRef {
        let mut builder = StringBuilder::with_capacity(self.rows.len(), self.rows.len() * 16);
        for row in self.row_indexes() {
            builder.append_option(text(self.columns, row));
        }
        Arc::new(builder.finish())
    }

    fn codes(&self, codes: &[u32]) -> ArrayRef {
        self.texts(|columns, row| some_text(columns.text(at(codes, row))))
    }

    fn time(&self) -> ArrayRef {
        let times = self.columns.time_nanos();
        Arc::new(
            self.row_indexes()
                .map(|row| Some(at(times, row)).filter(|&time| time != NO_TIME))
                .collect::<TimestampNanosecondArray>(),
        )
    }

    fn ports(&self, role: EndpointRole) -> ArrayRef {
        Arc::new(
            self.row_indexes()
                .map(|row| Some(role.port(self.columns, row)).filter(|&port| port != 0))
                .collect::<UInt16Array>(),
        )
    }

    fn numbers(&self, number: impl Fn(usize) -> u32) -> ArrayRef {
        Arc::new(
            self.row_indexes()
                .map(|row| Some(number(row)).filter(|&number| number != 0))
                .collect::<UInt32Array>(),
        )
    }

    fn reply(&self) -> ArrayRef {
        let replies = self.columns.is_reply();
        Arc::new(
            self.row_indexes()
                .map(|row| match at(replies, row) {
                    REPLY_UNKNOWN => None,
                    reply => Some(reply == 1),
                })
                .collect::<BooleanArray>(),
        )
    }
}

fn column(name: impl Into<String>, width_px: u16, values: ArrayRef) -> Field {
    Field::new(name, values).nullable().with_config(FieldConfig {
        filterable: Some(true),
        custom: Map::from_iter([("width".to_owned(), json!(width_px))]),
        ..FieldConfig::default()
    })
}

/// Column for a number that is a name, like an identity, and so has no thousands separators.
fn number_column(name: &str, values: ArrayRef) -> Field {
    let field = column(name, 130, values);
    let config = FieldConfig { decimals: Some(0), unit: Some("none"), ..field.config.clone() };
    field.with_config(config)
}

fn verdict_field(table: &Table<'_>) -> Field {
    let field = column(
        "Verdict",
        120,
        table.texts(|columns, row| {
            Some(Verdict::from_number(at(columns.verdict(), row)).to_string().into())
        }),
    );
    field.with_config(verdict_config(120))
}

/// Field configuration that shows verdicts in their colours.
pub(crate) fn verdict_config(width_px: u16) -> FieldConfig {
    let options: Map<String, Value> = VERDICT_COLORS
        .iter()
        .enumerate()
        .map(|(index, (verdict, color))| {
            (verdict.to_string(), json!({ "color": color, "index": index }))
        })
        .collect();
    FieldConfig {
        filterable: Some(true),
        mappings: vec![Map::from_iter([
            ("type".to_owned(), json!("value")),
            ("options".to_owned(), Value::Object(options)),
        ])],
        custom: Map::from_iter([
            ("width".to_owned(), json!(width_px)),
            ("cellOptions".to_owned(), json!({ "type": "color-text" })),
        ]),
        ..FieldConfig::default()
    }
}

/// Colour of a verdict with a given name; `None` for other names.
pub(crate) fn verdict_color(name: &str) -> Option<&'static str> {
    let known = VERDICT_COLORS.iter().find(|(verdict, _)| verdict.to_string() == name);
    known.map(|(_, color)| *color)
}

/// Field with the uuid, which identifies a row for links and is too long to show. Grafana up to
/// 12.1 hides it by `hidden`, later versions by `hideFrom`.
fn uuid_field(table: &Table<'_>) -> Field {
    let uuids = table.columns.uuid();
    let field =
        Field::new("uuid", table.texts(|_, row| uuids.get(row).and_then(some_text))).nullable();
    let custom =
        json!({ "hidden": true, "hideFrom": { "viz": true, "legend": true, "tooltip": true } });
    let Value::Object(custom) = custom else { return field };
    field.with_config(FieldConfig { custom, ..FieldConfig::default() })
}
