use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, LargeStringArray, StringArray,
    StringDictionaryBuilder, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Field as ArrowField, Int32Type, Schema};
use flow::columns::{FlowColumns, RowLists};
use flow::{
    CiliumEventType, Dns, DropReason, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4,
    Layer7, MessageType, Policy, Tcp, TcpFlags, Timestamp, TraceObservationPoint, TrafficDirection,
    Udp, Verdict, Workload,
};
use prometheus::{BucketCells, ExemplarSeries, Series};
use serde_json::json;

use super::*;
use crate::golden::contract;

fn field(name: &str, values: ArrayRef) -> Field {
    Field::new(name, values)
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn check_refused(fields: Vec<Field>, expected: &str) {
    let frame = Frame { name: "f".to_owned(), fields, meta: Meta::default() };
    assert_eq!(encode("A", &frame).unwrap_err().to_string(), expected);
}

#[test]
fn columns_that_grafana_refuses_are_errors() {
    let mut dictionary = StringDictionaryBuilder::<Int32Type>::new();
    dictionary.append_value("a");
    let types: [(ArrayRef, &str); 5] = [
        (Arc::new(dictionary.finish()), "Dictionary(Int32, Utf8)"),
        (Arc::new(LargeStringArray::from(vec!["a"])), "LargeUtf8"),
        (Arc::new(Date32Array::from(vec![1])), "Date32"),
        (Arc::new(TimestampMillisecondArray::from(vec![1])), "Timestamp(ms)"),
        (
            Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC")),
            "Timestamp(ns, \"UTC\")",
        ),
    ];
    for (values, data_type) in types {
        check_refused(
            vec![field("x", values)],
            &format!(
                "field `x` of frame `f` has the column type {data_type}, which Grafana cannot read"
            ),
        );
    }
    check_refused(
        vec![field("a", floats(&[1.0, 2.0])), field("b", floats(&[1.0]))],
        "field `b` of frame `f` has 1 values, the first field has 2",
    );
    check_refused(
        vec![field("a", floats(&[1.0])), field("a", floats(&[1.0]))],
        "frame `f` has two fields `a`",
    );
    let ok = Frame {
        fields: vec![
            field("a", Arc::new(Int32Array::from(vec![1]))),
            field("b", floats(&[f64::NAN])),
        ],
        ..Frame::default()
    };
    assert!(encode("A", &ok).is_ok());
}

#[test]
fn metadata_that_go_cannot_read_is_found() {
    let check_meta = |meta: serde_json::Value, expected: Option<&str>| {
        let metadata = [("meta".to_owned(), meta.to_string())];
        let schema = Schema::new_with_metadata(Vec::<ArrowField>::new(), metadata);
        let refused = contract::metadata(&schema).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), expected, "{meta}");
    };
    check_meta(json!({}), None);
    check_meta(json!([]), Some("metadata `meta` of `frame` is not an object"));
    check_meta(json!({ "unknown": 1, "custom": [1] }), None);
    check_meta(json!({ "type": 1 }), Some("metadata `meta.type` of `frame` is not a string"));
    check_meta(json!({ "typeVersion": [0, 1] }), None);
    for bad in [json!([0.5, 1]), json!("0.1"), json!([-1, 1])] {
        check_meta(
            json!({ "typeVersion": bad }),
            Some("metadata `meta.typeVersion` of `frame` is not a list of whole numbers"),
        );
    }
    check_meta(json!({ "notices": [{ "severity": "info", "text": "a", "inspect": 1 }] }), None);
    for notice in [
        json!({ "severity": "info", "text": "a", "inspect": "meta" }),
        json!({ "severity": "bad", "text": "a" }),
        json!({ "text": "a" }),
        json!({ "severity": "info", "text": 1 }),
        json!("a"),
    ] {
        check_meta(
            json!({ "notices": [notice] }),
            Some("metadata `meta.notices` of `frame` is not a list of notices"),
        );
    }
    let check_field = |key: &str, value: serde_json::Value, expected: Option<&str>| {
        let metadata = [(key.to_owned(), value.to_string())];
        let field =
            ArrowField::new("x", arrow::datatypes::DataType::Utf8, true).with_metadata(metadata);
        let refused =
            contract::metadata(&Schema::new(vec![field])).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), expected, "{value}");
    };
    check_field("labels", json!({ "a": "b" }), None);
    check_field(
        "labels",
        json!({ "a": 1 }),
        Some("metadata `labels` of `x` is not an object of strings"),
    );
    check_field("config", json!({ "interval": 1.5, "filterable": true, "decimals": 2 }), None);
    check_field(
        "config",
        json!({ "filterable": 1 }),
        Some("metadata `config.filterable` of `x` is not true or false"),
    );
    check_field(
        "config",
        json!({ "decimals": 70_000 }),
        Some("metadata `config.decimals` of `x` is not a whole number"),
    );
    check_field(
        "config",
        json!({ "links": {} }),
        Some("metadata `config.links` of `x` is not a list of objects"),
    );
    check_field(
        "config",
        json!({ "unit": 1 }),
        Some("metadata `config.unit` of `x` is not a string"),
    );
    check_field(
        "ARROW:extension:name",
        json!("x"),
        Some("metadata `ARROW:extension:name` of `x` is not read by Grafana"),
    );
}

fn render(frames: &[Frame]) -> String {
    let mut text = String::new();
    for frame in frames {
        text.push_str(&golden::render(&encode("A", frame).unwrap(), 20));
        text.push('\n');
    }
    text
}

fn endpoint(namespace: &str, pod: &str, workload: &str, identity: u32) -> Endpoint {
    Endpoint {
        identity,
        namespace: namespace.to_owned(),
        pod_name: pod.to_owned(),
        workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
        ..Endpoint::default()
    }
}

fn flows() -> Vec<Flow> {
    let at = |nanos: i64| Some(Timestamp::from_unix_nanos(1_700_000_000_000_000_000 + nanos));
    let dropped = Flow {
        time: at(3),
        verdict: Verdict::Dropped,
        drop_reason_desc: DropReason::POLICY_DENIED,
        traffic_direction: TrafficDirection::Ingress,
        event_type: Some(CiliumEventType { message_type: MessageType::PolicyVerdict, sub_type: 0 }),
        ip: Some(Ip {
            source: "10.0.0.1".to_owned(),
            destination: "10.0.0.2".to_owned(),
            ..Ip::default()
        }),
        l4: Some(Layer4::Tcp(Tcp {
            source_port: 40_000,
            destination_port: 3_000,
            flags: Some(TcpFlags::SYN),
        })),
        source: Some(endpoint("pets", "store-front-0", "store-front", 10_001)),
        destination: Some(endpoint("pets", "order-service-0", "order-service", 10_002)),
        ingress_denied_by: vec![Policy {
            name: "deny-store".to_owned(),
            namespace: "pets".to_owned(),
            kind: "CiliumNetworkPolicy".to_owned(),
            ..Policy::default()
        }],
        is_reply: Some(false),
        node_name: "aks-1".to_owned(),
        uuid: "u-3".to_owned(),
        ..Flow::default()
    };
    let dns = Flow {
        time: at(1),
        verdict: Verdict::Forwarded,
        event_type: Some(CiliumEventType { message_type: MessageType::L7, sub_type: 0 }),
        l4: Some(Layer4::Udp(Udp { source_port: 53, destination_port: 5_353 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Response,
            record: Some(L7Record::Dns(Dns {
                query: "api.github.com.".to_owned(),
                qtypes: vec!["A".to_owned()],
                rcode: 5,
                ..Dns::default()
            })),
            ..Layer7::default()
        }),
        source: Some(endpoint("kube-system", "coredns-0", "coredns", 7)),
        destination: Some(Endpoint {
            identity: 7,
            labels: vec!["reserved:kube-apiserver".to_owned()],
            ..Endpoint::default()
        }),
        uuid: "u-1".to_owned(),
        ..Flow::default()
    };
    let http = Flow {
        time: at(2),
        verdict: Verdict::Redirected,
        event_type: Some(CiliumEventType { message_type: MessageType::Trace, sub_type: 1 }),
        trace_observation_point: TraceObservationPoint::ToProxy,
        l7: Some(Layer7 {
            l7_type: L7FlowType::Response,
            latency_ns: 12_000_000,
            record: Some(L7Record::Http(Http {
                code: 503,
                method: "GET".to_owned(),
                url: "http://order-service/orders?<script>".to_owned(),
                ..Http::default()
            })),
        }),
        destination_names: vec!["api.github.com".to_owned()],
        ip: Some(Ip { destination: "140.82.0.1".to_owned(), ..Ip::default() }),
        uuid: "u-2".to_owned(),
        ..Flow::default()
    };
    vec![dns, dropped, http, Flow::default()]
}

fn columns(flows: &[Flow]) -> FlowColumns {
    let mut columns = FlowColumns::default();
    for flow in flows {
        columns.append_flow(flow, &mut RowLists::default()).unwrap();
    }
    columns
}

#[test]
fn flow_table_schema_and_rows() {
    let columns = columns(&flows());
    let meta = Meta {
        executed_query_string: "hubble observe".to_owned(),
        notices: vec![Notice::warning("no flows from node `aks-2`")],
        ..Meta::default()
    };
    let frame = flow_table(&columns, &columns.newest_first(), meta);
    insta::assert_snapshot!(render(&[frame]));
}

#[test]
fn an_empty_flow_table_keeps_its_fields() {
    let frame = flow_table(&FlowColumns::default(), &[], Meta::default());
    let text = render(&[frame]);
    assert!(
        text.contains("- Time: Timestamp(ns)") && text.ends_with("rows:\n(0 rows)\n\n"),
        "{text}"
    );
}

#[test]
fn files_of_policies() {
    let file = |name: &str, modified_ms| PolicyFileRow {
        name: name.to_owned(),
        text: "kind: CiliumNetworkPolicy\n".to_owned(),
        modified_ms,
    };
    let files =
        [file("web/allow.yaml", Some(1_700_000_000_123)), file("data source settings", None)];
    let meta = Meta { notices: vec![Notice::warning("one was left out")], ..Meta::default() };
    insta::assert_snapshot!(render(&[
        policy_files(&files, Some(1_700_000_000_456), Some("pets"), meta),
        policy_files(&[], None, None, Meta::default())
    ]));
}

#[test]
fn packed_frames_are_base64_in_slices() {
    let packed: Vec<u8> = (0..49_152 * 2 + 5).map(|n: u32| n.to_le_bytes()[0]).collect();
    let frame = packed_flows(&packed, 7, Meta::default());
    let cells = frame.fields[0].values.as_any().downcast_ref::<StringArray>().unwrap();
    let lengths: Vec<usize> = cells.iter().map(|cell| cell.unwrap().len()).collect();
    assert_eq!(lengths, [65_536, 65_536, 8]);
    let decoded: Vec<u8> = cells
        .iter()
        .flat_map(|cell| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, cell.unwrap())
                .unwrap()
        })
        .collect();
    assert!(decoded == packed);
    insta::assert_snapshot!(render(&[
        packed_flows(b"abc", 1, Meta::default()),
        packed_flows(b"", 0, Meta::default())
    ]));
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn series(pairs: &[(&str, &str)], samples: &[(i64, f64)]) -> Series {
    Series {
        labels: labels(pairs),
        times_nanos: samples.iter().map(|sample| sample.0 * 1_000_000_000).collect(),
        values: samples.iter().map(|sample| sample.1).collect(),
        cells: BucketCells::default(),
    }
}

fn query(legend: &str) -> SeriesQuery<'_> {
    SeriesQuery {
        expr: "sum(x)",
        step_ms: 15_000,
        legend: Legend::new(legend),
        value_name: "Value",
    }
}

fn two_series() -> Vec<Series> {
    vec![
        series(&[("__name__", "up"), ("job", "a")], &[(15, 1.0), (30, f64::NAN)]),
        series(&[("reason", "POLICY_DENIED")], &[(15, f64::INFINITY)]),
    ]
}

#[test]
fn range_vectors_are_timeseries_multi() {
    let notices = vec![Notice::warning("a warning")];
    insta::assert_snapshot!(render(&time_series(&query(""), two_series(), notices)));
}

#[test]
fn an_answer_without_series_is_a_frame_without_fields() {
    let frames = time_series(&query(""), Vec::new(), Vec::new());
    insta::assert_snapshot!(render(&frames));
}

#[test]
fn instant_vectors_are_numeric_multi() {
    let samples = vec![series(&[("a", "b")], &[(15, 2.0)])];
    insta::assert_snapshot!(render(&vector(&query("__auto"), samples, "vector", Vec::new())));
}

#[test]
fn tables_have_label_columns_and_unique_names() {
    let samples = vec![
        series(&[("Time", "t"), ("Value", "v"), ("ns", "pets")], &[(15, 2.0)]),
        series(&[("reason", "x")], &[(15, 3.0), (30, 4.0)]),
    ];
    insta::assert_snapshot!(render(&[table(&query(""), &samples, "matrix", Vec::new())]));
}

#[test]
fn classic_histograms_become_rows_of_their_own_counts() {
    let buckets = vec![
        series(&[("le", "+Inf")], &[(15, 10.0), (30, 12.0)]),
        series(&[("le", "0.5")], &[(15, 4.0), (30, 13.0)]),
        series(&[("le", "1")], &[(15, 9.0)]),
        series(&[("le", "1"), ("job", "b")], &[(15, 1.0)]),
        series(&[("job", "plain")], &[(15, 1.0)]),
    ];
    insta::assert_snapshot!(render(&heatmap(&query(""), buckets, Vec::new())));
}

/// If a bucket is unknown, the bucket above it is counted from the last known one.
#[test]
fn unknown_buckets() {
    let buckets = vec![
        series(&[("le", "1")], &[(15, 4.0), (30, f64::NAN), (45, f64::INFINITY)]),
        series(&[("le", "2")], &[(15, f64::NAN), (30, 6.0), (45, f64::INFINITY)]),
        series(&[("le", "3")], &[(15, 9.0), (30, 10.0), (45, f64::INFINITY)]),
    ];
    let text = render(&heatmap(&query(""), buckets, Vec::new()));
    let (_, rows) = text.split_once("rows:\n").unwrap();
    assert_eq!(
        rows.trim_end(),
        "15000000000 | 4 | null | 5\n\
         30000000000 | null | 6 | 4\n\
         45000000000 | inf | null | null\n\
         (3 rows)"
    );
}

#[test]
fn native_histograms_are_not_rows_of_a_table() {
    let mut native = series(&[("job", "a")], &[]);
    native.cells = BucketCells {
        times_nanos: vec![15_000_000_000],
        lower: vec![0.5],
        upper: vec![1.0],
        counts: vec![3.0],
        layouts: vec![0],
    };
    let alone = table(&query(""), std::slice::from_ref(&native), "matrix", Vec::new());
    assert!(alone.fields.is_empty());
    let beside = [native, series(&[("job", "b")], &[(15, 1.0)])];
    let beside = table(&query(""), &beside, "matrix", Vec::new());
    assert_eq!(beside.fields.len(), 3);
    for frame in [alone, beside] {
        assert_eq!(
            frame.meta.notices,
            [Notice::warning(
                "1 series are native histograms, which a table cannot show: use another format, or a function such as `histogram_quantile`"
            )]
        );
    }
}

#[test]
fn native_histograms_become_cells() {
    let mut native = series(&[("job", "a")], &[]);
    native.cells = BucketCells {
        times_nanos: vec![15_000_000_000; 2],
        lower: vec![0.5, 1.0],
        upper: vec![1.0, 2.0],
        counts: vec![3.0, 4.0],
        layouts: vec![0, 0],
    };
    insta::assert_snapshot!(render(&time_series(&query(""), vec![native], Vec::new())));
}

#[test]
fn exemplars_are_annotations() {
    let read: Vec<ExemplarSeries> = serde_json::from_value(json!([{
        "seriesLabels": { "job": "a" },
        "exemplars": [
            { "labels": { "traceID": "t2" }, "value": "6", "timestamp": 31.5 },
            { "labels": { "traceID": "t1" }, "value": "5", "timestamp": 15 }
        ]
    }]))
    .unwrap();
    let frame = exemplars(&query(""), &read).unwrap();
    insta::assert_snapshot!(render(&[frame]));
    assert!(exemplars(&query(""), &[]).is_none());
}

/// One sample of each of 20 series with a label of 8 MiB, which a table repeats in every row.
#[test]
fn tables_are_cut_where_labels_would_fill_the_memory() {
    let long = "x".repeat(8 << 20);
    let many: Vec<Series> = (0..20).map(|n| series(&[("long", &long)], &[(n, 1.0)])).collect();
    let frame = table(&query(""), &many, "matrix", Vec::new());
    assert_eq!(frame.fields[0].values.len(), 8);
    assert_eq!(
        frame.meta.notices,
        [Notice::warning(
            "showing the first 8 of 20 rows: the labels of all would take too much memory; aggregate the expression, or show time series"
        )]
    );
}

#[test]
fn names_of_series_are_cut() {
    let long = "ä".repeat(1 << 20);
    let labels = [("a", long.as_str())];
    let template = "{{a}}".repeat(800);
    for format in ["", "{{a}}", "x{{a}}y", &template, &long] {
        let frames = time_series(&query(format), vec![series(&labels, &[(1, 1.0)])], Vec::new());
        let name = frames[0].fields[1].config.display_name_from_ds.as_deref().unwrap();
        assert!((1_000..=1_027).contains(&name.len()) && name.ends_with('…'), "{}", name.len());
    }
}

#[test]
fn legends() {
    let check = |format: &str, pairs: &[(&str, &str)], expected: Option<&str>| {
        let frames = time_series(&query(format), vec![series(pairs, &[(1, 1.0)])], Vec::new());
        let name = frames[0].fields[1].config.display_name_from_ds.as_deref();
        assert_eq!(name, expected, "{format}");
    };
    let up = [("__name__", "up"), ("job", "a")];
    check("", &up, Some(r#"up{job="a"}"#));
    check("", &[("__name__", "up")], Some("up"));
    check("", &[("job", "a\"b")], Some(r#"{job="a\"b"}"#));
    check("", &[], Some("sum(x)"));
    check("__auto", &up, None);
    // The name is one of the labels from which Grafana builds the legend.
    let auto = vec![series(&up, &[(1, 1.0)])];
    assert_eq!(time_series(&query("__auto"), auto, Vec::new())[0].fields[1].name, "Value");
    check("__auto", &[], Some("sum(x)"));
    check("{{job}} of {{ __name__ }}", &up, Some("a of up"));
    check("{{missing}}", &up, None);
    check("{{open", &up, Some("{{open"));
    check("plain", &up, Some("plain"));
    // Derived by hand from promlib's regular expression: a placeholder has at least one character.
    check("a{{}}b", &up, Some("a{{}}b"));
    check("a{{}}b{{job}}c", &up, Some("ac"));
    check("{{ }}x", &up, Some("x"));
    check("{{{job}}}", &up, Some("}"));
    check("{{\njob\t}}", &up, Some("a"));
    check("{{jo\nb}}", &up, Some("{{jo\nb}}"));
    check("{{job}}{{job}}", &up, Some("aa"));
}
