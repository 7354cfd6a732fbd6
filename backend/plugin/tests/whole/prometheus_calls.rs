//! Tests of calls to Prometheus: methods, parameters, headers, encodings, redirects, limits, TLS.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plugin_protocol::{CallResourceRequest, DataQuery, QueryDataRequest, StringList, client};
use rcgen::CertificateParams;
use serde_json::{Value, json};
use test_kit::PATIENCE;
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};
use test_kit::sockets::serve;
use test_kit::tls::{Authority, Certified};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

fn promql() -> Value {
    json!({ "expr": "up", "instant": true })
}

/// The value of a header of a recorded request.
fn header<'a>(asked: &'a str, name: &str) -> Option<&'a str> {
    asked.lines().find_map(|line| {
        let (header, value) = line.split_once(": ")?;
        header.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn with(mut source: Source, json_data: &Value, secrets: &[(&str, &str)]) -> Source {
    source.json_data.as_object_mut().unwrap().extend(json_data.as_object().unwrap().clone());
    let secrets = secrets.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    source.secrets.extend(secrets);
    source
}

#[tokio::test]
async fn get_replaces_post_after_a_refusal() {
    let plugin = Plugin::start().await;
    for status in ["405 Method Not Allowed", "415 Unsupported Media Type", "501 Not Implemented"] {
        let prometheus = Http::start(move |line, _| {
            if line.starts_with("POST") {
                return Answer::of(status, "text/html", "");
            }
            Answer::json("200 OK", EMPTY)
        })
        .await;
        for _ in 0..2 {
            plugin.frames(&prometheus.source(), Range::last_hour(), promql()).await;
        }
        let asked = prometheus.asked();
        let methods: Vec<&str> =
            asked.iter().map(|asked| asked.split(' ').next().unwrap()).collect();
        assert_eq!(methods, ["POST", "GET", "GET"], "the second query is not asked twice");
    }
}

#[tokio::test]
async fn a_url_too_long_becomes_a_form() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        if line.starts_with("GET") {
            return Answer::of("414 URI Too Long", "text/html", "");
        }
        Answer::json("200 OK", EMPTY)
    })
    .await;
    let source = with(prometheus.source(), &json!({ "httpMethod": "GET" }), &[]);
    plugin.frames(&source, Range::last_hour(), promql()).await;
    assert_eq!(prometheus.asked().len(), 2);
}

#[tokio::test]
async fn parameters_headers_and_the_user_go_along() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let source = with(
        prometheus.source(),
        &json!({
            "customQueryParameters": "dedup=true&x=a%26b",
            "queryTimeout": "1m",
            "httpHeaderName1": "X-Scope-OrgID",
            "oauthPassThru": true,
            "prometheusAuth": "bearer",
        }),
        &[("httpHeaderValue1", "tenant-1"), ("prometheusToken", "configured")],
    );
    let ask = async |source: &Source, headers: &[(&str, &str)]| {
        let request = QueryDataRequest {
            plugin_context: Some(source.context()),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            queries: vec![DataQuery {
                ref_id: "A".to_owned(),
                json: promql().to_string().into_bytes(),
                ..DataQuery::default()
            }],
        };
        let answer = plugin.query_data(request).await.unwrap();
        assert_eq!(answer.responses["A"].error, "");
        prometheus.take_asked().pop().unwrap()
    };
    let user = [("Authorization", "Bearer user"), ("X-Id-Token", "id"), ("Cookie", "secret=1")];
    let asked = ask(&source, &user).await;
    assert!(asked.starts_with("POST /api/v1/query?dedup=true&x=a%26b HTTP"), "{asked}");
    assert!(asked.ends_with("&timeout=60s"), "{asked}");
    assert_eq!(header(&asked, "X-Scope-OrgID"), Some("tenant-1"));
    assert_eq!(header(&asked, "Authorization"), Some("Bearer user"));
    assert_eq!(header(&asked, "X-Id-Token"), Some("id"));
    assert_eq!(header(&asked, "Cookie"), None);
    assert_eq!(header(&asked, "Accept-Encoding"), Some("gzip, zstd"));
    // Alert rules have no user.
    let asked = ask(&source, &[]).await;
    assert_eq!(header(&asked, "Authorization"), Some("Bearer configured"));
    let not_forwarded = with(source, &json!({ "oauthPassThru": false }), &[]);
    let asked = ask(&not_forwarded, &user).await;
    assert_eq!(header(&asked, "Authorization"), Some("Bearer configured"));
    assert_eq!(header(&asked, "X-Id-Token"), None);
}

#[tokio::test]
async fn names_and_series_are_limited() {
    let plugin = Plugin::start().await;
    let prometheus =
        Http::start(|_, _| Answer::json("200 OK", r#"{"status":"success","data":["a"]}"#)).await;
    let check = async |settings: Value, call: (&str, &str, &str), expected: Option<&str>| {
        let source = with(prometheus.source(), &settings, &[]);
        let answer = plugin.resource(&source, call.0, call.1, call.2.as_bytes()).await;
        assert_eq!(answer.status, 200);
        let asked = prometheus.take_asked().pop().unwrap();
        let limit = asked
            .split(['?', '&', ' ', '\n'])
            .find_map(|parameter| parameter.strip_prefix("limit="));
        assert_eq!(limit, expected, "{asked}");
    };
    check(json!({}), ("GET", "api/v1/labels", ""), Some("40000")).await;
    check(json!({ "seriesLimit": 7 }), ("GET", "api/v1/label/job/values", ""), Some("7")).await;
    check(json!({ "seriesLimit": 7 }), ("GET", "api/v1/series?limit=3", ""), Some("3")).await;
    check(json!({ "seriesLimit": 0 }), ("POST", "api/v1/labels", ""), None).await;
    check(json!({}), ("GET", "api/v1/metadata", ""), None).await;
    let variable = ("POST", "variables", r#"{"query":"label_values(up, job)"}"#);
    check(json!({ "seriesLimit": 7 }), variable, Some("7")).await;
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_bounded() {
    let plugin = Plugin::start().await;
    let zstd = |body: &[u8]| {
        ruzstd::encoding::compress_to_vec(body, ruzstd::encoding::CompressionLevel::Fastest)
    };
    let gzip = |body: &[u8]| {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let check = async |encoding: &str, body: Vec<u8>, expected: (i32, &str)| {
        let mut answer = Answer::json("200 OK", "").with("Content-Encoding", encoding);
        answer.body = body.into();
        let prometheus = Http::start(move |_, _| answer.clone()).await;
        let settings = json!({ "prometheusResponseLimitMib": 2 });
        let source = with(prometheus.source(), &settings, &[]);
        let mut answers = plugin.query(&source, Range::last_hour(), &[("A", promql())]).await;
        let answer = answers.remove("A").unwrap();
        assert_eq!((answer.status, answer.error.as_str()), expected, "{encoding}");
    };
    let padded = |len: usize| format!("{}{EMPTY}", " ".repeat(len)).into_bytes();
    let too_large = (
        413,
        "the answer of Prometheus is larger than 2 MiB: narrow the query or the time range, or raise the response limit of this data source",
    );
    check("gzip", gzip(EMPTY.as_bytes()), (200, "")).await;
    check("zstd", zstd(EMPTY.as_bytes()), (200, "")).await;
    check("gzip", gzip(&padded(1 << 20)), (200, "")).await;
    check("zstd", zstd(&padded(1 << 20)), (200, "")).await;
    // A hundred megabytes compressed to a few kilobytes.
    check("gzip", gzip(&padded(100 << 20)), too_large).await;
    check("zstd", zstd(&padded(3 << 20)), too_large).await;
    check(
        "br",
        EMPTY.as_bytes().to_vec(),
        (502, "the answer of Prometheus cannot be decompressed: `br` was not requested"),
    )
    .await;
}

#[tokio::test]
async fn redirects_stay_on_the_server() {
    let plugin = Plugin::start().await;
    let redirect = async |to: &str| {
        let answer = Answer::json("307 Temporary Redirect", "").with("Location", to);
        Http::start(move |_, _| answer.clone()).await.url()
    };
    let elsewhere = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let url = redirect(&format!("{}/login?state=SECRET", elsewhere.url())).await;
    let source = with(
        Source::prometheus(&url),
        &json!({ "prometheusAuth": "bearer", "httpHeaderName1": "X-Key" }),
        &[("prometheusToken", "t"), ("httpHeaderValue1", "v")],
    );
    let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(status, 502);
    assert_eq!(
        message,
        format!(
            "Prometheus at `{url}` redirects to `{}`, another server, to which credentials are not sent: enter that server's URL in the settings",
            elsewhere.url()
        )
    );
    assert!(elsewhere.asked().is_empty());

    let url = redirect("/again").await;
    let (_, _, message) =
        plugin.failure(&Source::prometheus(&url), Range::last_hour(), promql()).await;
    assert_eq!(message, format!("Prometheus at `{url}` redirects too often: check the URL"));
}

/// A Prometheus behind a proxy that closes a kept connection while a request is on its way: it
/// answers only the first request of each connection.
#[tokio::test]
async fn a_closed_keep_alive_connection_fails_no_query() {
    let plugin = Plugin::start().await;
    let closed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&closed);
    let prometheus = Http::start_with(move |asked| {
        let is_first = asked.earlier == 0;
        counted.fetch_add(usize::from(!is_first), Ordering::SeqCst);
        async move { is_first.then(|| Answer::json("200 OK", EMPTY)) }
    })
    .await;
    for method in ["POST", "GET"] {
        let source = with(prometheus.source(), &json!({ "httpMethod": method }), &[]);
        let before = closed.load(Ordering::SeqCst);
        // The answer arrives a moment before its connection is kept.
        let kept = async {
            while closed.load(Ordering::SeqCst) == before {
                plugin.frames(&source, Range::last_hour(), promql()).await;
            }
        };
        tokio::time::timeout(PATIENCE, kept).await.expect("a connection is kept");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_an_error_that_says_so() {
    let plugin = Plugin::start().await;
    let body = EMPTY.get(..40).unwrap();
    let prometheus = Http::start(move |_, _| Answer::json("200 OK", body)).await;
    let (status, _, message) =
        plugin.failure(&prometheus.source(), Range::last_hour(), promql()).await;
    assert_eq!(
        (status, message.as_str()),
        (502, "the answer of Prometheus is cut off after 40 bytes")
    );
}

/// A slow Prometheus, and the highest number of simultaneous requests.
async fn slow_prometheus() -> (Http, Arc<AtomicUsize>) {
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = Arc::clone(&most);
    let prometheus = Http::start_with(move |_| {
        let now = Arc::clone(&open);
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        async move {
            // A sleep and no signal: a query that waits for the answer to another one leaves no
            // trace outside of the plugin, so each answer leaves time for all queries to come.
            tokio::time::sleep(Duration::from_millis(300)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Some(Answer::json("200 OK", EMPTY))
        }
    })
    .await;
    (prometheus, most)
}

/// A dashboard of 25 panels, each with the same call as another panel.
#[tokio::test]
async fn a_dashboard_opens_at_most_ten_connections_and_repeats_no_call() {
    let plugin = Plugin::start().await;
    let (prometheus, most) = slow_prometheus().await;
    let source = with(prometheus.source(), &json!({ "httpMethod": "GET" }), &[]);
    let panel = |index: usize| {
        let (source, plugin) = (source.clone(), &plugin);
        let query = move |expr: usize| json!({ "expr": format!("up{{a=\"{expr}\"}}"), "legendFormat": format!("{index}") });
        async move {
            let queries = [("A", query(index)), ("B", query((index + 1) % 25))];
            plugin.query(&source, Range { from_ms: 0, to_ms: 3_600_000 }, &queries).await
        }
    };
    let answers = futures_util::future::join_all((0..25).map(panel)).await;
    assert!(answers.iter().all(|answer| answer["A"].status == 200 && answer["B"].status == 200));
    let most = most.load(Ordering::SeqCst);
    assert!((2..=10).contains(&most), "{most} requests at once");
    let asked = prometheus.asked();
    let different: HashSet<&String> = asked.iter().collect();
    assert_eq!(different.len(), 25);
    assert_eq!(asked.len(), different.len(), "nothing is asked twice");
}

/// Users with their own token do not share answers.
#[tokio::test]
async fn users_with_their_own_token_share_no_answer() {
    let plugin = Plugin::start().await;
    let check = async |forward: bool, expected: usize| {
        let (prometheus, _) = slow_prometheus().await;
        let source = with(prometheus.source(), &json!({ "oauthPassThru": forward }), &[]);
        let user = |token: &str| {
            let request = QueryDataRequest {
                plugin_context: Some(source.context()),
                headers: [("Authorization".to_owned(), token.to_owned())].into(),
                queries: vec![DataQuery {
                    ref_id: "A".to_owned(),
                    json: promql().to_string().into_bytes(),
                    ..DataQuery::default()
                }],
            };
            plugin.query_data(request)
        };
        let (a, b) = tokio::join!(user("Bearer a"), user("Bearer b"));
        assert_eq!((a.unwrap().responses.len(), b.unwrap().responses.len()), (1, 1));
        assert_eq!(prometheus.asked().len(), expected);
    };
    check(true, 2).await;
    check(false, 1).await;
}

#[tokio::test]
async fn tls_both_ways() {
    let plugin = Plugin::start().await;
    let params = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();
    let authority = Authority::new(CertificateParams::default());
    let server = authority.sign(&params("prom.test")).server(Some(&authority));
    let tls = Http::start_tls(server, |_, _| Answer::json("200 OK", EMPTY)).await;
    let (ca, client) = (authority.pem(), authority.sign(&params("grafana.test")));
    let secrets = [
        ("prometheusTlsCACert", ca.as_str()),
        ("prometheusTlsClientCert", client.certificate.as_str()),
        ("prometheusTlsClientKey", client.key.as_str()),
    ];
    let check = async |settings: Value, expected: &str| {
        let source = with(tls.source(), &settings, &secrets);
        let mut answers = plugin.query(&source, Range::last_hour(), &[("A", promql())]).await;
        let error = answers.remove("A").unwrap().error.replace(&tls.url(), "URL");
        assert_eq!(error, expected, "{settings}");
    };
    check(
        json!({ "prometheusTlsAuth": true, "prometheusTlsAuthWithCACert": true, "prometheusServerName": "prom.test" }),
        "",
    )
    .await;
    check(json!({ "prometheusTlsAuth": true, "prometheusTlsSkipVerify": true }), "").await;
    check(
        json!({ "prometheusTlsAuth": true, "prometheusTlsAuthWithCACert": true }),
        "Prometheus at `URL` cannot be reached: TLS failed: its certificate is for another host name",
    )
    .await;
    check(
        json!({ "prometheusTlsAuth": true, "prometheusServerName": "prom.test" }),
        "Prometheus at `URL` cannot be reached: TLS failed: its certificate is signed by an authority that this machine does not trust",
    )
    .await;
    // Without a client certificate the server breaks off, in TLS 1.3 after the handshake.
    let settings =
        json!({ "prometheusTlsAuthWithCACert": true, "prometheusServerName": "prom.test" });
    let source = with(tls.source(), &settings, &secrets);
    let (status, _, _) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(status, 502);
}

/// Without verification, anyone between the plugin and an `https://` proxy could read the calls to
/// an `http://` Prometheus, credentials included.
#[tokio::test]
async fn the_certificate_of_a_proxy_is_verified() {
    let config = Certified::self_signed(&["127.0.0.1"]).server(None);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let trusted = Arc::new(AtomicUsize::new(0));
    let (counted, tried) = (Arc::clone(&trusted), Arc::new(AtomicUsize::new(0)));
    let connections = Arc::clone(&tried);
    let proxy = serve(move |stream| {
        connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
        async move {
            if acceptor.accept(stream).await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let proxy = format!("https://{proxy}");
    let start = Start { env: vec![("HTTP_PROXY", proxy)], ..Start::default() };
    let plugin = Plugin::start_with(start).await;
    let source = with(
        Source::prometheus("http://prometheus.example:9090"),
        &json!({ "prometheusAuth": "bearer" }),
        &[("prometheusToken", "hunter2")],
    );
    let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!((status, trusted.load(Ordering::SeqCst)), (502, 0), "{message}");
    assert!(tried.load(Ordering::SeqCst) > 0, "the proxy is in use: {message}");
}

/// Grafana passes every header of a browser to a resource, and removes tokens by its own header
/// names.
#[tokio::test]
async fn a_browser_forges_no_identity() {
    let plugin = Plugin::start().await;
    let prometheus =
        Http::start(|_, _| Answer::json("200 OK", r#"{"status":"success","data":["a"]}"#)).await;
    let source = with(
        prometheus.source(),
        &json!({ "oauthPassThru": true, "prometheusAuth": "bearer" }),
        &[("prometheusToken", "configured")],
    );
    let ask = async |headers: &[(&str, &[&str])]| {
        let headers = headers.iter().map(|(name, values)| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            ((*name).to_owned(), StringList { values })
        });
        let request = CallResourceRequest {
            plugin_context: Some(source.context()),
            path: "api/v1/labels".to_owned(),
            method: "GET".to_owned(),
            url: "api/v1/labels".to_owned(),
            headers: headers.collect(),
            ..CallResourceRequest::default()
        };
        let called = client::call_resource(plugin.channel.clone(), request).await;
        let refused = called.err().map(|status| status.code());
        let asked = prometheus.take_asked().pop();
        let sent = asked.as_deref().map(|asked| {
            let sent = |name: &str| header(asked, name).unwrap_or_default().to_owned();
            (sent("Authorization"), sent("X-Id-Token"))
        });
        (refused, sent)
    };
    let sent = |authorization: &str, id_token: &str| {
        (None, Some((authorization.to_owned(), id_token.to_owned())))
    };
    let forged: [(&str, &[&str]); 2] =
        [("http_authorization", &["Bearer forged"]), ("Http_x-Id-Token", &["forged"])];
    assert_eq!(ask(&forged).await, sent("Bearer configured", ""));
    // Headers come in a map without an order: the real one applies, whichever comes first.
    for _ in 0..20 {
        let both = [("Authorization", ["Bearer user"].as_slice()), forged[0], forged[1]];
        assert_eq!(ask(&both).await, sent("Bearer user", ""));
    }
    let two = [("Authorization", ["Bearer a", "Bearer b"].as_slice())];
    assert_eq!(ask(&two).await, (Some(tonic::Code::InvalidArgument), None));
}
