use serde_json::{Value, json};

use super::*;

fn read_query(json: &Value) -> RequestQuery {
    let read = ReadQuery::read(json.to_string().as_bytes(), "");
    RequestQuery {
        read,
        ref_id: String::new(),
        identity: ForwardedIdentity::default(),
        context: QueryContext { to_ms: 1, ..QueryContext::default() },
    }
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins() {
    let instance = Instance::of_no_settings();
    let mut backwards = read_query(&json!({}));
    backwards.context.from_ms = 2;
    let facts = RequestFacts { consumer: Consumer::Panel, tables: 0 };
    let failure = answer(&instance, backwards, facts).await.unwrap_err();
    assert_eq!(failure.message, "the time range ends before it begins");
}

#[test]
fn tables_of_a_request_are_counted() {
    let table = json!({ "expr": "up", "format": "table" });
    let hidden = json!({ "expr": "up", "format": "table", "hide": true });
    let series = json!({ "expr": "up" });
    let count = |queries: &[&Value]| {
        let queries: Vec<RequestQuery> = queries.iter().map(|query| read_query(query)).collect();
        count_tables(&queries)
    };
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&[&table, &series, &hidden]), 1);
    assert_eq!(count(&[&table, &table, &json!([])]), 2);
}

#[tokio::test]
async fn a_panic_is_the_failure_of_one_query() {
    let panicking = async {
        tokio::task::yield_now().await;
        panic!("a secret of the request");
    };
    let failure = isolated::<()>(panicking).await.unwrap_err();
    assert_eq!(failure.source, FailureSource::Plugin);
    assert_eq!(failure.status, 500);
    assert!(!failure.message.contains("secret"));
    let answered = isolated(async { Ok(vec![Bytes::from_static(b"frame")]) }).await;
    assert_eq!(answered, Ok(vec![Bytes::from_static(b"frame")]));
}

#[tokio::test]
async fn queries_beyond_the_bound_are_refused_and_the_rest_answered() {
    let instance = Arc::new(Instance::of_no_settings());
    let queries = (0..=MAX_QUERIES)
        .map(|index| RequestQuery { ref_id: index.to_string(), ..read_query(&json!({})) })
        .collect();
    let request = Request { queries, consumer: Consumer::Panel, concurrent_queries: 10, bytes: 0 };
    let answers = run(instance, request).await;
    assert_eq!(answers.len(), MAX_QUERIES + 1);
    let refused: Vec<&str> = answers
        .iter()
        .filter(|(_, answer)| {
            answer.as_ref().unwrap_err().message.contains("a request may hold at most")
        })
        .map(|(ref_id, _)| ref_id.as_str())
        .collect();
    assert_eq!(refused, ["200"]);
}
