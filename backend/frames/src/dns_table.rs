//! Table of DNS names and the connections that followed: one row per connection, and one per name
//! without any.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, StringArray, TimestampNanosecondArray, UInt16Array, UInt32Array,
};
use flow::dns::{DnsConnection, DnsName};
use flow::summary::dns_rcode_name;
use serde_json::{Map, json};

use crate::flow_table::verdict_config;
use crate::{Field, FieldConfig, Frame, FrameType, Meta};

type DnsRow<'a> = (&'a DnsName, Option<&'a DnsConnection>);

/// Frame of the table. A name without connections counts as never tried only if the query `saw_all`
/// flows.
pub fn dns_table(names: &[DnsName], saw_all: bool, meta: Meta) -> Frame {
    let rows: Vec<DnsRow<'_>> = names
        .iter()
        .flat_map(|name| {
            let none = name.connections.is_empty().then_some((name, None));
            none.into_iter()
                .chain(name.connections.iter().map(move |connection| (name, Some(connection))))
        })
        .collect();
    let times = rows.iter().map(|(name, _)| name.last_nanos);
    let delays = rows.iter().map(|(name, connection)| {
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a time range")]
        connection
            .and_then(|connection| name.delay_nanos(connection))
            .map(|nanos| nanos as f64 / 1e6)
    });
    let ports = rows.iter().map(|(_, connection)| {
        connection.map(|connection| connection.port).filter(|&port| port != 0)
    });
    let verdicts = texts(&rows, |row| Some(verdict(row.1?).to_owned()));
    Frame {
        name: "dns connections".to_owned(),
        fields: vec![
            column("Time", 190, Arc::new(TimestampNanosecondArray::from_iter_values(times))),
            column("Name", 240, texts(&rows, |row| some(&row.0.name))),
            column("Answer", 150, texts(&rows, |row| Some(answer(row.0)))),
            column("Connection", 200, texts(&rows, |row| Some(connection(*row, saw_all)))),
            unit(column("After", 90, Arc::new(delays.collect::<Float64Array>())), "ms"),
            column("Client", 220, texts(&rows, |row| some(&row.0.client.name))),
            column("Client namespace", 140, texts(&rows, |row| some(&row.0.client.namespace))),
            column("Client workload", 160, texts(&rows, |row| some(&row.0.client.workload))),
            count("Queries", &rows, |row| Some(row.0.queries)),
            count("Refused queries", &rows, |row| Some(row.0.refused)),
            column("Answer IPs", 200, texts(&rows, |row| some(&joined(row.0)))),
            column("Destination IP", 130, texts(&rows, |row| some(&row.1?.ip))),
            column("Destination port", 90, Arc::new(ports.collect::<UInt16Array>())),
            column("Verdict", 130, verdicts).with_config(verdict_config(130)),
            column("Drop reason", 180, texts(&rows, |row| Some(row.1?.drop_reason?.to_string()))),
            count("Flows", &rows, |row| row.1.map(|own| own.forwarded + own.dropped)),
            count("Dropped", &rows, |row| row.1.map(|own| own.dropped)),
        ],
        meta: Meta {
            frame_type: Some(FrameType::Table),
            preferred_visualisation_type: Some("table"),
            ..meta
        },
    }
}

fn answer(name: &DnsName) -> String {
    match name.rcode {
        Some(0) if name.ips.is_empty() => "no address".to_owned(),
        Some(0) => dns_rcode(0),
        // If no rule allows the name, the proxy answers instead of the server.
        _ if name.refused > 0 => "refused by policy".to_owned(),
        Some(rcode) => dns_rcode(rcode),
        None => "no answer seen".to_owned(),
    }
}

fn dns_rcode(rcode: u32) -> String {
    dns_rcode_name(rcode).map_or_else(|| format!("rcode {rcode}"), str::to_owned)
}

fn joined(name: &DnsName) -> String {
    name.ips.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn connection((_, connection): DnsRow<'_>, saw_all: bool) -> String {
    let Some(DnsConnection { ip, port, protocol, .. }) = connection else {
        return if saw_all { "never tried" } else { "none seen" }.to_owned();
    };
    let place = match (*port, ip.contains(':')) {
        (0, _) => ip.clone(),
        (port, true) => format!("[{ip}]:{port}"),
        (port, false) => format!("{ip}:{port}"),
    };
    format!("{place} {protocol}")
}

fn verdict(connection: &DnsConnection) -> &'static str {
    match (connection.forwarded, connection.dropped) {
        (_, 0) => "FORWARDED",
        (0, _) => "DROPPED",
        _ => "PARTLY DROPPED",
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn texts<'r>(rows: &[DnsRow<'r>], text: impl Fn(&DnsRow<'r>) -> Option<String>) -> ArrayRef {
    Arc::new(rows.iter().map(text).collect::<StringArray>())
}

fn column(name: &str, width_px: u16, values: ArrayRef) -> Field {
    Field::new(name, values).nullable().with_config(FieldConfig {
        filterable: Some(true),
        custom: Map::from_iter([("width".to_owned(), json!(width_px))]),
        ..FieldConfig::default()
    })
}

fn count<'r>(
    name: &str,
    rows: &[DnsRow<'r>],
    number: impl Fn(&DnsRow<'r>) -> Option<u64>,
) -> Field {
    let numbers = rows.iter().map(|row| Some(u32::try_from(number(row)?).unwrap_or(u32::MAX)));
    unit(column(name, 90, Arc::new(numbers.collect::<UInt32Array>())), "short")
}

fn unit(field: Field, unit: &'static str) -> Field {
    let config = FieldConfig { unit: Some(unit), ..field.config.clone() };
    field.with_config(config)
}
