//! Faulty servers in the place of Prometheus.

use std::any::Any;

use budget::Shaping;
use execution::{Consumer, ExecutionError, QueryContext};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus::{
    HttpMethod, PrometheusAuth, PrometheusClient, PrometheusMetrics, PrometheusSettings,
    PrometheusTls,
};
use query::{Query, ReadQuery};
use test_kit::http::{Answer, Http};
use test_kit::now_ms;
use test_kit::sockets::{
    BlackHole, Cut, answering, closed_port, cut_after, request, serve, silent,
};
use test_kit::tls::Certified;
use tokio::io::AsyncWriteExt;

use crate::Expected::{Error, Shown};
use crate::Rows::Exactly;
use crate::{Ask, Budget, CONNECT_LIMIT, Encodable, Expected, Fault, LONGEST, TIME_LIMIT};

/// A client, and what keeps its server alive.
struct Asked {
    client: PrometheusClient,
    kept: Box<dyn Any + Send + Sync>,
}

const QUERY: &str = r#"{ "queryType": "promql", "expr": "up", "range": true, "instant": false }"#;

/// Largest answer, in bytes.
const LIMIT_BYTES: usize = 64 << 10;

impl Ask for Asked {
    fn ask(&self) -> BoxFuture<'_, Result<Vec<Encodable>, ExecutionError>> {
        async move {
            let now = now_ms();
            let context = QueryContext {
                from_ms: now - 3_600_000,
                to_ms: now,
                interval_ms: 15_000,
                max_data_points: 100,
                datasource_uid: "hubble".to_owned(),
                shaping: Shaping::default(),
            };
            let read = ReadQuery::read(QUERY.as_bytes(), "").unwrap().query;
            let Query::Promql(query) = read else { panic!("{read:?}") };
            let asked = execution::promql(&self.client, &context, &query, "Value", Consumer::Panel);
            let answer = asked.await;
            if let Some(http) = self.kept.downcast_ref::<Http>() {
                // Kept requests would be memory that grows.
                http.take_asked();
            }
            answer
        }
        .boxed()
    }
}

fn asked(budget: &Budget, url: &str, kept: impl Send + Sync + 'static) -> Box<dyn Ask> {
    let settings = PrometheusSettings {
        url: url.parse().unwrap(),
        auth: PrometheusAuth::None,
        tls: PrometheusTls::default(),
        method: HttpMethod::Post,
        scrape_interval_ms: 15_000,
        connect_timeout: CONNECT_LIMIT,
        request_timeout: budget.time_limit,
        response_limit_bytes: LIMIT_BYTES,
        custom_parameters: Vec::new(),
        custom_headers: Vec::new(),
        query_timeout_ms: None,
        series_limit: None,
        forward_identity: false,
    };
    let (gate, memory) = (budget.gate.clone(), budget.memory.clone());
    let client =
        PrometheusClient::new(&settings, gate, memory, &PrometheusMetrics::default()).unwrap();
    Box::new(Asked { client, kept: Box::new(kept) })
}

async fn saying(budget: Budget, answer: Answer) -> Box<dyn Ask> {
    let http = Http::start(move |_, _| answer.clone()).await;
    asked(&budget, &http.url(), http)
}

/// An answer of one series, and its length.
fn right() -> Answer {
    let now = now_ms() / 1_000;
    let values: Vec<String> =
        (0..100).map(|n| format!("[{}, \"1\"]", now - 6_000 + n * 60)).collect();
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{}]}}]}}}}"#,
        values.join(",")
    );
    Answer::json("200 OK", &body)
}

async fn cut_off(budget: Budget, cut: Cut) -> Box<dyn Ask> {
    let http = Http::start(|_, _| right()).await;
    let address = cut_after(http.address, 500, cut).await;
    asked(&budget, &format!("http://{address}"), http)
}

/// A server that sends these bytes again and again, at once or in small pieces.
async fn without_end(budget: Budget, is_slow: bool) -> Box<dyn Ask> {
    let address = serve(move |mut stream| async move {
        request(&mut stream).await;
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
        let chunk = vec![b' '; if is_slow { 1 } else { 1 << 16 }];
        while stream.write_all(&chunk).await.is_ok() {
            if is_slow {
                tokio::time::sleep(TIME_LIMIT / 20).await;
            }
        }
    })
    .await;
    asked(&budget, &format!("http://{address}"), ())
}

fn fault(
    name: &'static str,
    expected: Expected,
    start: fn(Budget) -> BoxFuture<'static, Box<dyn Ask>>,
) -> Fault {
    let needs_time = name.ends_with("unresolvable");
    Fault { name, expected, within: LONGEST, needs_time, start }
}

/// The faults of Prometheus.
pub(crate) fn faults() -> Vec<Fault> {
    const TOO_SLOW: &str = "did not answer within";
    const FOREIGN: &str = "did not answer like Prometheus";
    vec![
        fault("Prometheus: right", Shown(Exactly(100), ""), |budget| {
            saying(budget, right()).boxed()
        }),
        fault("Prometheus: refused", Error("the connection was refused"), |budget| {
            async move { asked(&budget, &format!("http://{}", closed_port().await), ()) }.boxed()
        }),
        fault("Prometheus: unresolvable", Error("its host name cannot be resolved"), |budget| {
            async move { asked(&budget, "http://prometheus.invalid", ()) }.boxed()
        }),
        fault("Prometheus: black hole", Error("connecting took longer than"), |budget| {
            async move {
                let hole = BlackHole::start().await;
                asked(&budget, &format!("http://{}", hole.address), hole)
            }
            .boxed()
        }),
        fault("Prometheus: half-open", Error(TOO_SLOW), |budget| {
            async move { asked(&budget, &format!("http://{}", silent().await), ()) }.boxed()
        }),
        fault("Prometheus: hangs up", Error("closed the connection without an answer"), |budget| {
            async move { asked(&budget, &format!("http://{}", answering([]).await), ()) }.boxed()
        }),
        fault("Prometheus: gRPC", Error("does not speak HTTP"), |budget| {
            async move {
                let grpc = answering(*b"\0\0\0\x04\0\0\0\0\0").await;
                asked(&budget, &format!("http://{grpc}"), ())
            }
            .boxed()
        }),
        fault("Prometheus: plain text instead of TLS", Error("does not speak TLS"), |budget| {
            async move {
                let http = Http::start(|_, _| right()).await;
                asked(&budget, &format!("https://{}", http.address), http)
            }
            .boxed()
        }),
        fault("Prometheus: foreign certificate", Error("TLS failed"), |budget| {
            async move {
                let config = Certified::self_signed(&["127.0.0.1"]).server(None);
                let http = Http::start_tls(config, |_, _| right()).await;
                asked(&budget, &http.url(), http)
            }
            .boxed()
        }),
        fault("Prometheus: reset in mid-answer", Error("broke the connection during"), |budget| {
            cut_off(budget, Cut::Reset).boxed()
        }),
        fault("Prometheus: stalled in mid-answer", Error(TOO_SLOW), |budget| {
            cut_off(budget, Cut::Silence).boxed()
        }),
        fault("Prometheus: trickles", Error(TOO_SLOW), |budget| without_end(budget, true).boxed()),
        fault("Prometheus: huge", Error("the answer of Prometheus is larger than"), |budget| {
            without_end(budget, false).boxed()
        }),
        fault("Prometheus: a page", Error(FOREIGN), |budget| {
            saying(budget, Answer::of("200 OK", "text/html", "<html>Log in</html>")).boxed()
        }),
        fault("Prometheus: other JSON", Error("of Prometheus cannot be read"), |budget| {
            let body = r#"{"status":"success","data":{"resultType":"matrix","result":7}}"#;
            saying(budget, Answer::json("200 OK", body)).boxed()
        }),
        fault("Prometheus: its own error", Error("refused the query (bad_data): no"), |budget| {
            let body = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
            saying(budget, Answer::json("400 Bad Request", body)).boxed()
        }),
        fault("Prometheus: unavailable", Error("(503"), |budget| {
            saying(budget, Answer::of("503 Service Unavailable", "text/plain", "later")).boxed()
        }),
    ]
}
