//! The same flows for the module in Node.js: `tests/vectors/packed/` holds the results of this
//! native build. `UPDATE_VECTORS=1` rewrites them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::flows::{mixed, records_of_two_packets};
use super::pack;
use crate::captions::TextColumn;
use crate::table::Table;
use crate::view::{View, ViewCache};
use crate::view_spec::ViewSpec;

const COLUMNS: &[&str] =
    &["source", "destination", "destinationPort", "summary", "verdict", "policy"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/packed")
}

/// The browser's expected results for `packed`.
fn expected(packed: &[u8]) -> Value {
    let mut table = Table::new();
    table.append(packed).unwrap();
    let strings: Vec<&str> = table.captions.dictionary().iter().collect();
    let cells: serde_json::Map<String, Value> = TextColumn::OF_FLOW
        .into_iter()
        .map(|column| {
            let texts: Vec<&str> =
                table.captions.codes(column).iter().map(|&code| strings[code as usize]).collect();
            (column.name().to_owned(), json!(texts))
        })
        .collect();
    let view = |text: &str, sort: &str, descending: bool, fold: bool| {
        let spec = json!({
            "text": text, "columns": COLUMNS, "verdicts": [], "agreements": [], "conditions": [],
            "fold": fold, "groupBy": [], "groupSort": "flows",
            "sort": sort, "descending": descending,
        });
        let read: ViewSpec = serde_json::from_value(spec.clone()).unwrap();
        let view = View::new(&table, &mut ViewCache::default(), &read);
        let counts: serde_json::Map<String, Value> = view
            .verdict_counts
            .iter()
            .map(|&(code, count)| (strings[code as usize].to_owned(), json!(count)))
            .collect();
        json!({
            "spec": spec,
            "rows": view.rows,
            "packetEnds": view.packet_ends,
            "counts": counts,
        })
    };
    let records: Vec<Value> = (0..u32::try_from(table.flows.len()).unwrap())
        .map(|row| json!(table.record(row).unwrap()))
        .collect();
    json!({
        "flows": table.flows.len(),
        // As texts: JSON has no NaN, and reading numbers of this length back rounds them.
        "timesNanos": table.flows.time_nanos().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "sourcePorts": table.flows.source_port(),
        "destinationPorts": table.flows.destination_port(),
        "cells": cells,
        "views": [
            view("", "time", true, false),
            view("", "source", false, false),
            view("", "destinationPort", true, false),
            view("dropped", "time", false, false),
            view("github a", "summary", false, false),
            view("", "time", true, true),
            view("no such text", "time", true, false),
        ],
        "records": records,
    })
}

#[test]
fn the_committed_vectors_are_what_this_build_makes() {
    for (name, messages) in [("mixed", mixed()), ("records", records_of_two_packets())] {
        let packed = pack(&messages);
        let expected = format!("{}\n", serde_json::to_string_pretty(&expected(&packed)).unwrap());
        let (bin, json) =
            (folder().join(format!("{name}.bin")), folder().join(format!("{name}.json")));
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&bin, &packed).unwrap();
            std::fs::write(&json, &expected).unwrap();
        }
        assert_eq!(std::fs::read(&bin).unwrap(), packed, "{name}.bin");
        assert_eq!(std::fs::read_to_string(&json).unwrap(), expected, "{name}.json");
    }
}
