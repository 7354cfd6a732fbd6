use hubble_api::pb::flow::layer7::Record;
use hubble_api::pb::flow::{Flow, Http, Layer7};

use super::flows::{flow, message, mixed};
use super::table;
use crate::file::Selection;
use crate::table::Table;
use crate::view_spec::Column;

const COLUMNS: [&str; 6] =
    ["time", "verdict", "source", "destinationPort", "summary", "dropReason"];

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn csv(table: &Table, rows: &[u32], names: &[&str]) -> String {
    let columns: Vec<Column> = names.iter().map(|name| Column::from_name(name).unwrap()).collect();
    let (flows, captions) = (&table.flows, &table.captions);
    let selection = Selection { flows, captions, rows, columns: &columns };
    String::from_utf8(selection.csv(b',', &strings(names)).unwrap()).unwrap()
}

#[test]
fn a_file_has_the_rows_and_columns_that_are_shown_in_their_order() {
    let table = table(&mixed());
    assert_eq!(
        csv(&table, &[9, 1, 5], &COLUMNS),
        "time,verdict,source,destinationPort,summary,dropReason\r\n\
         2026-08-22T10:00:00.800000123Z,FORWARDED,10.244.1.17 (host),,ICMPv4 type 8 code 0,\r\n\
         2026-08-22T10:00:00.250000123Z,DROPPED,pets/store-front-6f7d9c5b8-x2x4z,8080,\
         TCP Flags: SYN,POLICY_DENIED\r\n\
         2026-08-22T10:00:00.420000123Z,FORWARDED,,53,\
         \"DNS Answer \"\"23.37.1.2,23.37.1.3\"\" CNAMEs: \"\"learn.microsoft.com.edgekey.net.\"\" \
         TTL: 30 (Query learn.microsoft.com. A)\",\r\n"
    );
    assert_eq!(csv(&table, &[99], &["verdict"]), "verdict\r\n", "no such row");
}

#[test]
fn json_lines_are_the_records_in_the_order_asked_for() {
    let mut table = table(&mixed());
    table.append(&super::pack(&mixed())).unwrap();
    let lines = |rows: &[u32]| String::from_utf8(table.records(rows).unwrap()).unwrap();
    let rows = [25, 3, 14, 3, 0];
    let expected = rows.map(|row| table.record(row).unwrap() + "\n").concat();
    assert_eq!(lines(&rows), expected);
    assert_eq!(lines(&[]), "");
    assert_eq!(table.records(&[0, 99]).unwrap_err().to_string(), "there is no flow in row 99");
}

#[test]
fn a_row_has_values_by_the_names_of_flags() {
    let table = table(&mixed());
    let values = table.values(1).unwrap();
    let check = |key: &str, expected: Option<&str>| {
        assert_eq!(values.get(key).map(AsRef::as_ref), expected, "{key}: {values:?}");
    };
    check("verdict", Some("DROPPED"));
    check("dropReasonDesc", Some("POLICY_DENIED"));
    check("fromPod", Some("pets/store-front-6f7d9c5b8-x2x4z"));
    check("fromWorkload", Some("store-front"));
    check("toNamespace", Some("pets"));
    check("fromPort", Some("41320"));
    check("toPort", Some("8080"));
    check("dnsQuery", None);
    assert_eq!(table.values(99), None);
}

/// The cell of a flow with an untrusted URL.
fn url_cell(url: &str) -> String {
    let http = Http { protocol: url.to_owned(), ..Http::default() };
    let l7 = Layer7 { r#type: 1, record: Some(Record::Http(http)), ..Layer7::default() };
    let table = table(&[message(Flow { l7: Some(l7), ..flow(0) })]);
    let csv = csv(&table, &[0], &["summary", "verdict"]);
    csv.split_once("\r\n").unwrap().1.to_owned()
}

#[test]
fn a_spreadsheet_takes_no_cell_for_a_formula() {
    let check = |url: &str, expected: &str| {
        assert_eq!(url_cell(url), format!("{expected},FORWARDED\r\n"), "{url}");
    };
    check("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0  ");
    check("+1", "'+1  ");
    check("-1", "'-1  ");
    check("@SUM(A1)", "'@SUM(A1)  ");
    check("\t=1", "'\t=1  ");
    check("\r=1", "\"'\r=1  \"");
    check("\n=1", "\"'\n=1  \"");
    check("＝1", "'＝1  ");
    check("a=1", "a=1  ");
    check("a\r\n\"b\",c", "\"a\r\n\"\"b\"\",c  \"");
}
