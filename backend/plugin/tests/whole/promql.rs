//! Tests of PromQL against a Prometheus whose answers the test writes.

use plugin_protocol::{DataQuery, QueryDataRequest};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range};
use test_kit::http::{Answer, Http};

const RANGE: Range = Range { from_ms: 1_700_000_001_000, to_ms: 1_700_000_300_500 };

fn success(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

const MATRIX: &str = r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1700000010,"1"],[1700000025,"NaN"]]}]}"#;
const VECTOR: &str =
    r#"{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1700000300.5,"7"]}]}"#;

async fn prometheus() -> Http {
    Http::start(|line, _| {
        let path = line.split(' ').nth(1).unwrap_or_default();
        match path.split('?').next().unwrap_or_default() {
            "/api/v1/query_range" => Answer::json("200 OK", &success(MATRIX)),
            "/api/v1/query" => Answer::json(
                "200 OK",
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1700000300.5,"7"]}]},"warnings":["PromQL warning: beware"],"infos":["PromQL info: hint"]}"#,
            ),
            "/api/v1/query_exemplars" => Answer::json(
                "200 OK",
                &success(r#"[{"seriesLabels":{"job":"a"},"exemplars":[{"labels":{"traceID":"t"},"value":"1","timestamp":1700000020}]}]"#),
            ),
            _ => Answer::of("404 Not Found", "text/plain", "404 page not found"),
        }
    })
    .await
}

#[tokio::test]
async fn range_and_instant_at_once() {
    let plugin = Plugin::start().await;
    let prometheus = prometheus().await;
    let query = json!({ "refId": "A", "queryType": "promql", "expr": "rate(up[$__rate_interval])", "range": true, "instant": true });
    let frames = plugin.frames(&prometheus.source(), RANGE, query).await;
    insta::assert_snapshot!(frames.join("\n"));
    let asked = prometheus.asked();
    assert_eq!(asked.len(), 2);
    let range = asked.iter().find(|asked| asked.contains("/query_range")).unwrap();
    assert!(range.starts_with("POST "), "{range}");
    // 15 s, aligned: 1,700,000,001 is 1,699,999,995 + 6.
    assert!(
        range.ends_with(
            "query=rate%28up%5B1m0s%5D%29&start=1699999995.000&end=1700000295.000&step=15.000"
        ),
        "{range}"
    );
    let instant = asked.iter().find(|asked| !asked.contains("/query_range")).unwrap();
    assert!(instant.ends_with("time=1700000300.500"), "the instant is not aligned: {instant}");
}

#[tokio::test]
async fn exemplars_come_beside_and_not_for_alerts() {
    let plugin = Plugin::start().await;
    let prometheus = prometheus().await;
    let query = json!({ "expr": "up", "exemplar": true });
    let frames = plugin.frames(&prometheus.source(), RANGE, query.clone()).await;
    assert_eq!(frames.len(), 2);
    assert!(frames[1].contains("\"dataTopic\": \"annotations\""), "{}", frames[1]);

    let request = QueryDataRequest {
        plugin_context: Some(prometheus.source().context()),
        headers: [("FromAlert".to_owned(), "true".to_owned())].into(),
        queries: vec![DataQuery {
            ref_id: "A".to_owned(),
            json: query.to_string().into_bytes(),
            ..DataQuery::default()
        }],
    };
    let answer = plugin.query_data(request).await.unwrap();
    assert_eq!(answer.responses["A"].frames.len(), 1);
}

#[tokio::test]
async fn get_if_configured_or_if_post_is_forbidden() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        if line.starts_with("POST") {
            return Answer::of("405 Method Not Allowed", "text/html", "");
        }
        Answer::json("200 OK", &success(VECTOR))
    })
    .await;
    let query = json!({ "expr": "up", "instant": true });
    plugin.frames(&prometheus.source(), RANGE, query.clone()).await;
    let mut source = prometheus.source();
    source.json_data["httpMethod"] = json!("GET");
    plugin.frames(&source, RANGE, query).await;
    let asked = prometheus.asked();
    let methods: Vec<&str> = asked.iter().map(|asked| asked.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);
    assert!(
        asked[2].starts_with("GET /api/v1/query?query=up&time=1700000300.500 "),
        "{}",
        asked[2]
    );
}

#[tokio::test]
async fn credentials_go_along() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", &success(VECTOR))).await;
    let check = async |settings: Value, secret: (&str, &str), expected: &str| {
        let mut source = prometheus.source();
        source.json_data.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        source.secrets.insert(secret.0.to_owned(), secret.1.to_owned());
        plugin.frames(&source, RANGE, json!({ "expr": "up", "instant": true })).await;
        let asked = prometheus.take_asked().pop().unwrap();
        let header = asked.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
        assert_eq!(header, Some(expected));
    };
    check(
        json!({ "prometheusAuth": "basic", "prometheusUser": "grafana" }),
        ("prometheusPassword", "hunter2"),
        "authorization: Basic Z3JhZmFuYTpodW50ZXIy",
    )
    .await;
    check(
        json!({ "prometheusAuth": "bearer" }),
        ("prometheusToken", "abc"),
        "authorization: Bearer abc",
    )
    .await;
}

#[tokio::test]
async fn several_tables_are_named_by_ref_id() {
    let plugin = Plugin::start().await;
    let prometheus = prometheus().await;
    let table = json!({ "expr": "up", "instant": true, "format": "table" });
    let answers = plugin
        .query(&prometheus.source(), RANGE, &[("A", table.clone()), ("B", table.clone())])
        .await;
    for ref_id in ["A", "B"] {
        let text = frames::golden::render(&answers[ref_id].frames[0], 5);
        assert!(text.contains(&format!("- Value #{ref_id}: Float64")), "{text}");
    }
    let alone = plugin.frames(&prometheus.source(), RANGE, table).await;
    assert!(alone[0].contains("- Value: Float64"), "{}", alone[0]);
}

#[tokio::test]
async fn half_an_answer_is_shown_with_a_notice_about_the_other() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        if line.contains("query_range") {
            return Answer::json(
                "422 Unprocessable Entity",
                r#"{"status":"error","errorType":"execution","error":"too many samples"}"#,
            );
        }
        Answer::json("200 OK", &success(VECTOR))
    })
    .await;
    let query = json!({ "expr": "up", "range": true, "instant": true });
    let frames = plugin.frames(&prometheus.source(), RANGE, query).await;
    assert_eq!(frames.len(), 1);
    assert!(
        frames[0].contains("Prometheus refused the query (execution): too many samples"),
        "{}",
        frames[0]
    );
}

/// Alert rules and expressions calculate with series. Grafana's own source makes tables and heat
/// maps only in the browser.
#[tokio::test]
async fn alert_rules_and_expressions_get_series() {
    const BUCKETS: &str = r#"{"resultType":"matrix","result":[{"metric":{"le":"1"},"values":[[1700000010,"3"]]},{"metric":{"le":"2"},"values":[[1700000010,"5"]]}]}"#;
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        let is_range = line.contains("query_range");
        Answer::json("200 OK", &success(if is_range { BUCKETS } else { VECTOR }))
    })
    .await;
    let check = async |query: Value, frame_type: &str, frames: usize, values: &str| {
        for headers in [
            [("FromAlert", "true")],
            [("http_X-Grafana-From-Expr", "true")],
            [("http_X-Panel-Id", "1")],
        ] {
            let queries = [("A", query.clone())];
            let answers = plugin.query_with(&prometheus.source(), RANGE, &queries, &headers).await;
            let text: Vec<String> =
                answers["A"].frames.iter().map(|frame| frames::golden::render(frame, 5)).collect();
            let is_panel = headers[0].0 == "http_X-Panel-Id";
            assert_eq!(text[0].contains(frame_type), !is_panel, "{headers:?} {}", text[0]);
            if !is_panel {
                assert_eq!(text.len(), frames, "{headers:?} {query}");
                assert!(text[frames - 1].contains(values), "{}", text[frames - 1]);
            }
        }
    };
    let table = json!({ "expr": "up", "instant": true, "range": false, "format": "table" });
    check(table, "numeric-multi", 1, "| 7\n").await;
    // The upper bucket includes the lower one, as in Prometheus.
    check(json!({ "expr": "up", "format": "heatmap" }), "timeseries-multi", 2, "| 5\n").await;
}

/// Expressions take the type of the first frame for all: numbers and series together are refused.
#[tokio::test]
async fn alert_rules_and_expressions_get_one_kind_of_frame() {
    let plugin = Plugin::start().await;
    let prometheus = prometheus().await;
    for format in ["time_series", "table", "heatmap"] {
        for headers in [[("FromAlert", "true")], [("http_X-Grafana-From-Expr", "true")]] {
            let query = json!({ "expr": "up", "range": true, "instant": true, "format": format });
            let queries = [("A", query)];
            let answers = plugin.query_with(&prometheus.source(), RANGE, &queries, &headers).await;
            let frames: Vec<String> =
                answers["A"].frames.iter().map(|frame| frames::golden::render(frame, 5)).collect();
            assert_eq!(frames.len(), 1, "{headers:?} {format}");
            assert!(frames[0].contains("timeseries-multi"), "{}", frames[0]);
        }
    }
}

/// Grafana's own source returns one table for both, ordered by time.
#[tokio::test]
async fn one_table_of_range_and_instant() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        let range = r#"{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1700000010,"1"],[1700000025,"2"]]},{"metric":{"b":"2"},"values":[[1700000010,"3"],[1700000025,"4"]]}]}"#;
        let is_range = line.contains("query_range");
        Answer::json("200 OK", &success(if is_range { range } else { VECTOR }))
    })
    .await;
    let query = json!({ "expr": "up", "range": true, "instant": true, "format": "table" });
    let frames = plugin.frames(&prometheus.source(), RANGE, query).await;
    assert_eq!(frames.len(), 1);
    let (_, rows) = frames[0].split_once("rows:\n").unwrap();
    assert_eq!(
        rows,
        "1700000010000000000 | 1 |  |  | 1\n\
         1700000010000000000 |  | 2 |  | 3\n\
         1700000025000000000 | 1 |  |  | 2\n\
         1700000025000000000 |  | 2 |  | 4\n\
         1700000300500000000 |  |  | a | 7\n\
         (5 rows)\n"
    );
}

#[tokio::test]
async fn empty_answers() {
    let plugin = Plugin::start().await;
    let check = async |status: &'static str, data: &'static str, query: Value, notice: &str| {
        let prometheus = Http::start(move |line, _| {
            if line.contains("query_exemplars") {
                return Answer::of(status, "", "");
            }
            Answer::json("200 OK", &success(data))
        })
        .await;
        let frames = plugin.frames(&prometheus.source(), RANGE, query.clone()).await;
        assert_eq!(frames.len(), 1, "{query}");
        let empty = frames[0].contains("fields:\nrows:\n(0 rows)");
        assert_eq!(empty, !data.contains("metric"), "{query}: {}", frames[0]);
        // Panels show "no data" for a frame without a type.
        assert_eq!(frames[0].contains("\"type\":"), !empty, "{query}: {}", frames[0]);
        assert!(frames[0].contains(notice), "{query}: {}", frames[0]);
        assert_eq!(frames[0].contains("\"notices\""), !notice.is_empty(), "{}", frames[0]);
    };
    let nothing = r#"{"resultType":"vector","result":[]}"#;
    let no_content = "204 No Content";
    // The answer of Prometheus to a query that selects no series.
    let query = json!({ "expr": "time()", "range": true, "exemplar": true });
    check(no_content, MATRIX, query, "").await;
    let query = json!({ "expr": "up", "instant": true, "format": "table" });
    check(no_content, nothing, query.clone(), "").await;
    // An empty list, as Go may write it.
    check(no_content, r#"{"resultType":"matrix","result":null}"#, json!({ "expr": "up" }), "")
        .await;
    let query = json!({ "expr": "up{job=\"$job\"}", "instant": true });
    let notice = "no series were found, and `$job` was not replaced in the expression";
    check(no_content, nothing, query.clone(), notice).await;
    check(no_content, VECTOR, query, "").await;
}
