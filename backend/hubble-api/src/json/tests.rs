//! Recorded lines, spellings, and refused input.

use std::path::Path;

use flow::Flow;
use flow::filter::{FilterSet, FlowFilter};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JsonRecord, Line, RecordForm, Skipped, read, read_line, write};
use crate::arbitrary;
use crate::pb::flow as pb;
use crate::pb::observer::{ExportEvent, GetFlowsResponse, export_event, get_flows_response};

/// Lines of a vector file.
fn vectors(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Reads a line, converts its flow to the `flow` crate and back, and compares the written line with
/// the input.
fn check_round_trip(line: &str) {
    let Line { record, skipped } = read_line(line.as_bytes()).unwrap();
    assert_eq!(skipped, Skipped::default(), "{line}");
    let expected: Value = serde_json::from_str(line).unwrap();
    let written: Value = serde_json::from_str(&record.write().unwrap()).unwrap();
    assert_eq!(written, expected);
    if let Some(flow) = record.into_flow() {
        let flow = pb::Flow::from(flow.unwrap());
        let written: Value = serde_json::from_str(&write(&flow).unwrap()).unwrap();
        assert_eq!(&written, expected.get("flow").unwrap_or(&expected));
    }
}

#[test]
fn recorded_flows_come_back_as_they_were() {
    for (name, lines) in [
        ("basic-sample-10-flows.json", 10),
        ("basic-sample-330-dns-flows.json", 330),
        ("basic-sample-348-http-flows.json", 348),
        ("basic-sample-400-icmpv4-flows.json", 18),
        ("basic-sample-400-l7-redirected-flows.json", 400),
    ] {
        let text = vectors(&format!("flows/{name}"));
        assert_eq!(text.lines().count(), lines, "{name}");
        text.lines().for_each(check_round_trip);
    }
}

#[test]
fn every_field_comes_back_as_hubble_writes_it() {
    vectors("flows/all-fields.jsonl").lines().for_each(check_round_trip);
}

/// Reads a line that the real `hubble` has read, and compares the written line with Hubble's.
fn check_as_hubble(vector: &str) {
    let vector: Value = serde_json::from_str(vector).unwrap();
    let line = vector["line"].as_str().unwrap();
    let written = read_line(line.as_bytes())
        .ok()
        .map_or(Value::Null, |line| serde_json::from_str(&line.record.write().unwrap()).unwrap());
    assert_eq!(written, vector["hubble"], "{line}");
}

#[test]
fn spellings_are_read_as_hubble_reads_them() {
    vectors("flows/spellings.jsonl").lines().for_each(check_as_hubble);
}

/// Filters of one list of an answer.
fn filters(json: &Value) -> Vec<FlowFilter> {
    let read_one = |filter: &Value| {
        let (wire, skipped) = read::<pb::FlowFilter>(filter.to_string().as_bytes()).unwrap();
        assert_eq!(skipped, Skipped::default());
        let written: Value = serde_json::from_str(&write(&wire).unwrap()).unwrap();
        let again = read::<pb::FlowFilter>(written.to_string().as_bytes()).unwrap().0;
        assert_eq!(again, wire);
        FlowFilter::from(wire)
    };
    json.as_array().unwrap().iter().map(read_one).collect()
}

/// Applies the filters of one file to the flows of another, and compares with Hubble's answers.
fn check_answers(flows: &str, answers: &str) {
    let flows: Vec<Flow> = vectors(flows)
        .lines()
        .map(|line| read_line(line.as_bytes()).unwrap().record.into_flow().unwrap().unwrap())
        .collect();
    let mut wrong = Vec::new();
    for answer in vectors(answers).lines() {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let set = FilterSet { allow: filters(&answer["allow"]), deny: filters(&answer["deny"]) };
        let compiled = set.compile();
        let matches = compiled.as_ref().map_or(Value::Null, |set| {
            flows.iter().filter(|flow| set.matches(flow)).map(|flow| flow.uuid.as_str()).collect()
        });
        if matches != answer["matches"] {
            wrong.push(format!("{answer}\n  here: {matches} {:?}", compiled.err()));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn filters_judge_as_hubbles_do() {
    check_answers("filters/flows.jsonl", "filters/answers.jsonl");
    check_answers("filters/random-flows.jsonl", "filters/random-answers.jsonl");
}

proptest! {
    #[test]
    fn a_flow_survives_json(flow in arbitrary::flow()) {
        let written = write(&pb::Flow::from(&flow))?;
        let (back, skipped) = read::<pb::Flow>(written.as_bytes())?;
        prop_assert_eq!(skipped, Skipped::default());
        prop_assert_eq!(Flow::try_from(back)?, flow);
    }

    #[test]
    fn a_line_survives_json(flow in arbitrary::flow(), node_name in "\\PC{0,8}") {
        let event = ExportEvent {
            node_name,
            time: flow.time.map(crate::convert::wire_timestamp),
            response_types: Some(export_event::ResponseTypes::Flow(flow.into())),
        };
        let line = read_line(write(&event)?.as_bytes())?;
        prop_assert_eq!(line.record, JsonRecord(RecordForm::Event(Box::new(event))));
    }

    #[test]
    fn arbitrary_lines_do_not_panic(line in "\\PC{0,64}") {
        let _ = read_line(line.as_bytes());
    }
}

#[test]
fn a_relays_answer_is_written_like_an_exporters() {
    let response = GetFlowsResponse {
        node_name: "default/node-1".to_owned(),
        time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 120_000_000 }),
        response_types: Some(get_flows_response::ResponseTypes::Flow(pb::Flow {
            verdict: 2,
            drop_reason_desc: 133,
            is_reply: Some(false),
            socket_cookie: u64::MAX,
            ..pb::Flow::default()
        })),
    };
    let written: Value = serde_json::from_str(&write(&response).unwrap()).unwrap();
    let expected = json!({
        "flow": {
            "verdict": "DROPPED",
            "drop_reason_desc": "POLICY_DENIED",
            "is_reply": false,
            "socket_cookie": "18446744073709551615",
        },
        "node_name": "default/node-1",
        "time": "2023-11-14T22:13:20.120Z",
    });
    assert_eq!(written, expected);
}

#[test]
fn foreign_objects_are_not_known() {
    let check = |json: Value, is_known: bool| {
        let line = read_line(json.to_string().as_bytes()).unwrap();
        assert_eq!(line.record.is_known(), is_known, "{json}");
    };
    check(json!({"flow": {"verdict": "DROPPED"}, "kubernetes": {}}), true);
    check(json!({"verdict": "FORWARDED", "Summary": "TCP Flags: SYN"}), true);
    check(json!({"lost_events": {}}), true);
    check(json!({}), false);
    check(json!({"flow": {}}), false);
    check(json!({"time": "2024-01-01T00:00:00Z", "level": "info", "msg": "started"}), false);
    check(json!({"node_name": "n", "log": "{}", "time": "2024-01-01T00:00:00Z"}), false);
}

#[test]
fn every_kind_of_line_is_read_and_written() {
    for line in [
        json!({}),
        json!({"flow": {}}),
        json!({"verdict": "FORWARDED", "Type": "L3_L4", "Summary": "TCP Flags: SYN"}),
        json!({"node_status": {
            "state_change": "NODE_UNAVAILABLE", "node_names": ["a", "b"], "message": "gone",
        }}),
        json!({"lost_events": {
            "source": "HUBBLE_RING_BUFFER", "num_events_lost": "12", "cpu": 0,
            "first": "2024-01-01T00:00:00Z", "last": "2024-01-01T00:00:00.000000001Z",
        }, "node_name": "n", "time": "0001-01-01T00:00:00Z"}),
        json!({"agent_event": {
            "type": "POLICY_UPDATED",
            "policy_update": {"labels": ["k8s:a=b"], "revision": "5", "rule_count": "-1"},
        }}),
        json!({"agent_event": {
            "type": "IPCACHE_UPSERTED",
            "ipcache_update": {"cidr": "10.0.0.0/8", "identity": 7, "old_identity": 0},
        }}),
        json!({"debug_event": {
            "type": "DBG_CT_LOOKUP4_1", "hash": 0, "arg1": 4_294_967_295_u32, "cpu": -1,
        }}),
        json!({"flow": {"verdict": 99, "extensions": {"@type": "x/flow.Workload", "name": "w"}}}),
        json!({"flow": {"extensions": {
            "@type": "type.googleapis.com/google.protobuf.Timestamp",
            "value": "1970-01-01T00:00:00Z",
        }}}),
        json!({"flow": {"extensions": {"@type": "example.com/unknown", "value": "AP8="}}}),
        json!({"flow": {"extensions": {}}}),
    ] {
        check_round_trip(&line.to_string());
    }
}

#[test]
fn a_bare_flow_is_distinguished_from_an_event() {
    let is_bare = |line: Value| {
        matches!(
            read_line(line.to_string().as_bytes()).unwrap().record,
            JsonRecord(RecordForm::Flow(_))
        )
    };
    assert!(is_bare(json!({"time": "2021-01-01T00:00:00Z", "node_name": "n", "verdict": 1})));
    assert!(!is_bare(json!({"time": "2021-01-01T00:00:00Z", "node_name": "n"})));
    assert!(!is_bare(json!({"flow": {"verdict": 1}, "verdict": 1})));
    assert!(!is_bare(json!({"what": 1})));
}

#[track_caller]
fn check_reads_as(json: &str, expected: pb::Flow) {
    let (flow, skipped) = read::<pb::Flow>(json.as_bytes()).unwrap();
    assert_eq!((flow, skipped), (expected, Skipped::default()));
}

#[test]
fn other_spellings_mean_the_same() {
    let flow = pb::Flow::default;
    check_reads_as(r#"{"nodeName": "n"}"#, pb::Flow { node_name: "n".to_owned(), ..flow() });
    check_reads_as(r#"{"verdict": 2}"#, pb::Flow { verdict: 2, ..flow() });
    check_reads_as(r#"{"verdict": 2.0}"#, pb::Flow { verdict: 2, ..flow() });
    check_reads_as(r#"{"proxy_port": "15001"}"#, pb::Flow { proxy_port: 15001, ..flow() });
    check_reads_as(r#"{"proxy_port": 15e3}"#, pb::Flow { proxy_port: 15000, ..flow() });
    check_reads_as(r#"{"socket_cookie": 5}"#, pb::Flow { socket_cookie: 5, ..flow() });
    check_reads_as(r#"{"is_reply": null, "l4": null, "policy_log": null}"#, flow());
    check_reads_as(r#"{"is_reply": false}"#, pb::Flow { is_reply: Some(false), ..flow() });
    let time = |seconds, nanos| pb::Flow {
        time: Some(prost_types::Timestamp { seconds, nanos }),
        ..flow()
    };
    check_reads_as(r#"{"time": "1970-01-01T01:00:00.5+01:00"}"#, time(0, 500_000_000));
    check_reads_as(r#"{"time": "1969-12-31T23:59:59.999999999Z"}"#, time(-1, 999_999_999));
}

#[test]
fn times_have_as_few_digits_as_hold_them() {
    for (seconds, nanos, text) in [
        (0, 0, "1970-01-01T00:00:00Z"),
        (0, 100_000_000, "1970-01-01T00:00:00.100Z"),
        (0, 1_000, "1970-01-01T00:00:00.000001Z"),
        (0, 1, "1970-01-01T00:00:00.000000001Z"),
        (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
        (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
    ] {
        let flow = pb::Flow {
            time: Some(prost_types::Timestamp { seconds, nanos }),
            ..pb::Flow::default()
        };
        assert_eq!(write(&flow).unwrap(), format!(r#"{{"time":"{text}"}}"#));
    }
}

#[test]
fn additions_of_a_newer_hubble_are_skipped_and_reported() {
    let line = json!({"flow": {
        "verdict": "PONDERED",
        "weather": {"sun": [1, 2, {"deep": null}]},
        "source": {"mood": "good", "identity": 5},
        "extensions": {"@type": "example.com/unknown", "a": 1},
    }, "extra": 1});
    let line = read_line(line.to_string().as_bytes()).unwrap();
    let mut names = line.skipped.names;
    names.sort();
    assert_eq!(
        names,
        [
            "fields of unknown",
            "flow.Endpoint.mood",
            "flow.Flow.verdict: PONDERED",
            "flow.Flow.weather",
            "observer.ExportEvent.extra",
        ]
    );
    assert_eq!(line.skipped.count, 5);
    let flow = line.record.into_flow().unwrap().unwrap();
    assert_eq!(flow.source.unwrap().identity, 5);
    assert_eq!(flow.extensions.unwrap().type_url, "example.com/unknown");
}

#[test]
fn skipped_names_are_bounded() {
    let fields: serde_json::Map<String, Value> =
        (0..1000).map(|n| (format!("{n}{}", "x".repeat(200)), Value::Null)).collect();
    let skipped = read_line(Value::Object(fields).to_string().as_bytes()).unwrap().skipped;
    assert_eq!((skipped.count, skipped.names.len()), (1000, 16));
    assert!(skipped.names.iter().all(|name| name.len() < 100));
}

fn check_refused(json: &str, reason: &str) {
    let error = read::<pb::Flow>(json.as_bytes()).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.starts_with(reason), "{json}: {source}");
}

#[test]
fn lines_that_are_not_records_are_refused_with_the_position() {
    check_refused("", "EOF while parsing");
    check_refused("[]", "invalid type: sequence, expected an object with the fields of flow.Flow");
    check_refused("{} {}", "trailing characters");
    check_refused(r#"{"verdict": 1, "verdict": 1}"#, "duplicate field `verdict`");
    check_refused(r#"{"node_name": 1, "node_name": "n"}"#, "invalid type: integer `1`");
    check_refused(
        r#"{"l4": {"TCP": {}, "UDP": {}}}"#,
        "`UDP` conflicts with another field of its `oneof`",
    );
    check_refused(r#"{"proxy_port": -1}"#, "-1 does not fit into 32 bits");
    check_refused(r#"{"proxy_port": 4294967296}"#, "4294967296 does not fit into 32 bits");
    check_refused(r#"{"proxy_port": 1.5}"#, "invalid value: floating point `1.5`");
    check_refused(r#"{"socket_cookie": " 5"}"#, "invalid value: string \" 5\"");
    check_refused(r#"{"socket_cookie": 1e19}"#, "invalid value: floating point");
    check_refused(r#"{"time": "yesterday"}"#, "invalid value: string \"yesterday\"");
    check_refused(r#"{"time": "2021-01-01 00:00:00Z"}"#, "invalid value: string");
    check_refused(r#"{"time": "2021-01-01T00:00:60Z"}"#, "invalid value: string");
    check_refused(r#"{"time": "2021-01-01T00:00:00.0000000001Z"}"#, "invalid value: string");
    check_refused(r#"{"policy_log": [null]}"#, "invalid type: null");
    check_refused(r#"{"is_reply": "true"}"#, "invalid type: string \"true\"");
    check_refused(r#"{"extensions": {"@type": 5}}"#, "`@type` is not the name of a type");
    check_refused(&"[".repeat(1000), "invalid type: sequence");
    let deep = format!(r#"{{"extensions": {{"x": {}}}}}"#, "[".repeat(1000));
    check_refused(&deep, "recursion limit exceeded");
}

#[test]
fn a_time_that_does_not_exist_is_not_written() {
    let flow = pb::Flow {
        time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..pb::Flow::default()
    };
    assert!(write(&flow).is_err());
}
