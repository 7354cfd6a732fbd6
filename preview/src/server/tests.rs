//! Tests of the routes with the real backend; they need a built `gpx_hubble`. There is no relay and
//! no Prometheus: other tests cover their answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{Stage, router};
use crate::backend::{Backend, tests::gpx_hubble};
use crate::sources::DataSources;
use crate::{dist, provisioning};

struct Fixture {
    dir: PathBuf,
    backend: Backend,
    router: Router,
}

impl Fixture {
    /// A small plugin folder, provisioning folder and page, in the real layout.
    async fn new(name: &str) -> Self {
        let dir =
            std::env::temp_dir().join(format!("preview-server-{}-{name}", std::process::id()));
        let files = [
            ("page/index.html", "<title>page</title>"),
            ("page/public/build/main.js", "page()"),
            ("dist/plugin.json", r#"{"id":"k8snet-hubble-app","type":"app","name":"App"}"#),
            (
                "dist/datasource/plugin.json",
                r#"{"id":"k8snet-hubble-datasource","type":"datasource","name":"Hubble","info":{"version":"9.9.9"}}"#,
            ),
            ("dist/datasource/module.js", "define([], () => ({}))"),
            ("dist/datasource/a.wasm", "\0asm"),
            (
                "provisioning/datasources/a.yaml",
                "datasources:\n  - { name: Hubble, uid: hubble, type: k8snet-hubble-datasource, url: '127.0.0.1:1', isDefault: true, editable: true, jsonData: { prometheusUrl: 'http://127.0.0.1:1', connectTimeoutSecs: 1 }, secureJsonData: { prometheusToken: s3cret } }\n  - { name: Fixed, uid: fixed, type: k8snet-hubble-datasource, url: '127.0.0.1:1' }\n  - { name: Other, uid: other, type: prometheus }\n",
            ),
            (
                "provisioning/dashboards/a.yaml",
                "providers:\n  - { name: a, folder: Networking, options: { path: DIR/dashboards } }\n",
            ),
            (
                "dashboards/drops.json",
                r#"{"uid":"drops","title":"Drops","tags":["hubble"],"panels":[]}"#,
            ),
            ("dashboards/flows.json", r#"{"uid":"flows","title":"Flows"}"#),
            ("dashboards/broken.json", "{"),
        ];
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text.replace("DIR", &dir.to_string_lossy())).expect("a file");
        }
        let backend = Backend::start(&gpx_hubble()).await.expect("started");
        let plugins = dist::read(&dir.join("dist")).expect("plugins");
        let provisioning = provisioning::read(&dir.join("provisioning")).expect("provisioning");
        let stage = Stage {
            plugins: plugins.into_iter().map(|plugin| (plugin.id.clone(), plugin)).collect(),
            backends: BTreeMap::from([("k8snet-hubble-datasource".to_owned(), backend.channel())]),
            data_sources: DataSources::new(provisioning.data_sources, 1),
            dashboards: provisioning.dashboards,
            app_url: "http://127.0.0.1:3000/".to_owned(),
        };
        let router = router(Arc::new(stage), &dir.join("page"));
        Self { dir, backend, router }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let (status, body) =
            self.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    async fn write(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let (status, body) = self.send(request).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    async fn end(self) {
        assert!(self.backend.shutdown().await, "it ends by itself");
        std::fs::remove_dir_all(self.dir).expect("removed");
    }
}

#[tokio::test]
async fn the_page_gets_its_settings() {
    let fixture = Fixture::new("reads").await;
    let check = async |path: &str, pointer: &str, expected: Value| {
        let (status, body) = fixture.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        assert_eq!(body.pointer(pointer), Some(&expected), "{path} {pointer}: {body}");
    };
    check("/api/health", "/database", json!("ok")).await;
    check(
        "/api/frontend/settings",
        "/datasources/Hubble/meta/module",
        json!("public/plugins/k8snet-hubble-datasource/module.js"),
    )
    .await;
    check("/api/frontend/settings", "/defaultDatasource", json!("Hubble")).await;
    check("/api/frontend/settings", "/datasources/Fixed/readOnly", json!(true)).await;
    check("/api/plugins/k8snet-hubble-datasource/settings", "/info/version", json!("9.9.9")).await;
    check("/api/datasources/uid/hubble", "/secureJsonFields", json!({"prometheusToken": true}))
        .await;
    check("/api/dashboards/uid/drops", "/dashboard/title", json!("Drops")).await;
    check("/api/dashboards/uid/drops", "/meta/folderTitle", json!("Networking")).await;
    check("/api/search?tag=hubble", "/0/url", json!("/d/drops")).await;
    for path in ["/api/search", "/api/frontend/settings", "/api/datasources/uid/hubble"] {
        assert!(!fixture.get(path).await.1.to_string().contains("s3cret"), "{path}");
    }
    // The page does not get a data source whose plugin is missing.
    let (_, settings) = fixture.get("/api/frontend/settings").await;
    assert!(settings["datasources"].get("Other").is_none());
    fixture.end().await;
}

#[tokio::test]
async fn files_and_paths_of_the_page() {
    let fixture = Fixture::new("files").await;
    let check = async |path: &str, status: StatusCode, expected: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(fixture.send(request).await, (status, expected.to_owned()), "{path}");
    };
    let page = "<title>page</title>";
    check("/", StatusCode::OK, page).await;
    check("/d/drops?var-namespace=pets", StatusCode::OK, page).await;
    check("/explore", StatusCode::OK, page).await;
    check("/public/build/main.js", StatusCode::OK, "page()").await;
    check("/public/build/img/icons/none.svg", StatusCode::NOT_FOUND, "").await;
    let module = "define([], () => ({}))";
    check("/public/plugins/k8snet-hubble-datasource/module.js", StatusCode::OK, module).await;
    // As in Grafana, the app's path also serves its nested plugins.
    check("/public/plugins/k8snet-hubble-app/datasource/module.js", StatusCode::OK, module).await;
    check(
        "/public/plugins/k8snet-hubble-datasource/..%2F..%2Fprovisioning/datasources/a.yaml",
        StatusCode::NOT_FOUND,
        "",
    )
    .await;
    let wasm = Request::get("/public/plugins/k8snet-hubble-datasource/a.wasm");
    let wasm = wasm.body(Body::empty()).expect("a request");
    let answer = fixture.router.clone().oneshot(wasm).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/wasm");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    fixture.end().await;
}

#[tokio::test]
async fn refusals_have_a_reason() {
    let fixture = Fixture::new("refused").await;
    let check = async |method: &str, path: &str, body: Value, status: u16, message: &str| {
        let (got, answer) = fixture.write(method, path, body).await;
        let answered = answer["message"]
            .as_str()
            .map(|message| message.replace(&*fixture.dir.to_string_lossy(), "DIR"));
        assert_eq!((got.as_u16(), answered.as_deref()), (status, Some(message)), "{path}");
    };
    let none = || json!({});
    check(
        "GET",
        "/api/annotations",
        none(),
        404,
        "the preview does not serve `GET /api/annotations`; Grafana may",
    )
    .await;
    check(
        "DELETE",
        "/api/datasources/uid/hubble",
        none(),
        404,
        "the preview does not serve `DELETE /api/datasources/uid/hubble`; Grafana may",
    )
    .await;
    check("GET", "/api/dashboards/uid/none", none(), 500, "`DIR/dashboards/broken.json` is not a valid JSON object: EOF while parsing an object at line 1 column 1").await;
    check("GET", "/api/datasources/uid/none", none(), 404, "Data source not found").await;
    check("GET", "/api/plugins/none/settings", none(), 404, "Plugin not found").await;
    check(
        "GET",
        "/api/datasources/uid/other/health",
        none(),
        404,
        "Plugin not found: the preview has no backend `prometheus`",
    )
    .await;
    let fixed = json!({ "name": "Fixed", "type": "k8snet-hubble-datasource", "uid": "fixed" });
    let path = "/api/datasources/uid/fixed";
    check("PUT", path, fixed, 403, "Cannot update read-only data source").await;
    let query = |from: &str, query: Value| json!({ "from": from, "to": "now", "queries": [query] });
    let ds = "/api/ds/query";
    let hubble = json!({ "uid": "hubble" });
    check("POST", ds, json!({ "from": "0", "to": "1" }), 400, "No queries found").await;
    check(
        "POST",
        ds,
        json!({ "to": "1" }),
        422,
        "bad request data: Failed to deserialize the JSON body into the target type: missing field `from` at line 1 column 10",
    )
    .await;
    check(
        "POST",
        ds,
        query("noon", json!({ "refId": "A", "datasource": hubble })),
        400,
        "`noon` is not a time: use Unix milliseconds or `now-<number><s|m|h|d|w>`",
    )
    .await;
    check("POST", ds, query("0", json!({ "refId": "B" })), 400, "query `B` has no data source uid")
        .await;
    check(
        "POST",
        ds,
        query("0", json!({ "refId": "C", "datasource": { "uid": "__expr__" } })),
        400,
        "query `C` is an expression, which only Grafana can compute",
    )
    .await;
    let gone = query("0", json!({ "refId": "D", "datasource": { "uid": "gone" } }));
    check("POST", ds, gone, 404, "Data source not found").await;
    fixture.end().await;
}

#[tokio::test]
async fn another_origin_may_not_write() {
    let fixture = Fixture::new("origin").await;
    let check = async |origin: Option<&str>, method: &str, status: u16| {
        let mut request = Request::builder()
            .method(method)
            .uri("/api/datasources/uid/hubble")
            .header("host", "127.0.0.1:3000")
            .header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let saved =
            json!({ "name": "Hubble", "type": "k8snet-hubble-datasource", "uid": "hubble" });
        let body = Body::from(saved.to_string());
        let (got, answer) = fixture.send(request.body(body).expect("a request")).await;
        assert_eq!(got.as_u16(), status, "{origin:?} {method}: {answer}");
    };
    check(None, "PUT", 200).await;
    check(Some("http://127.0.0.1:3000"), "PUT", 200).await;
    check(Some("http://evil.example"), "PUT", 403).await;
    check(Some("http://127.0.0.1:3001"), "PUT", 403).await;
    check(Some("null"), "PUT", 403).await;
    check(Some("http://evil.example"), "GET", 200).await;
    fixture.end().await;
}

#[tokio::test]
async fn the_backend_answers_through_the_host() {
    let fixture = Fixture::new("backend").await;
    // Nothing listens at the addresses: each answer comes from the backend itself.
    let (status, health) = fixture.get("/api/datasources/uid/hubble/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::BAD_REQUEST, &json!("ERROR")));
    assert!(!health["message"].as_str().unwrap_or_default().is_empty(), "{health}");

    let queries = json!([
        { "refId": "A", "datasource": { "uid": "hubble" }, "queryType": "flows", "filter": {} },
        { "refId": "B", "datasource": { "uid": "hubble" }, "queryType": "promql", "expr": "up" },
        { "refId": "C", "datasource": { "uid": "gone" } },
    ]);
    let body = json!({ "from": "now-5m", "to": "now", "queries": queries });
    let (status, answer) = fixture.write("POST", "/api/ds/query", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "one query with an error is enough");
    let of = |ref_id: &str, key: &str| answer["results"][ref_id][key].clone();
    assert_eq!(of("A", "errorSource"), "downstream", "{answer}");
    assert_eq!(of("B", "errorSource"), "downstream", "{answer}");
    assert_eq!((of("C", "error"), of("C", "status")), (json!("Data source not found"), json!(404)));

    let (status, values) = fixture
        .get("/api/datasources/uid/hubble/resources/suggestions?field=verdict&prefix=DROP")
        .await;
    assert_eq!((status, &values["values"]), (StatusCode::OK, &json!(["DROPPED"])), "{values}");
    let (status, none) = fixture.get("/api/datasources/uid/hubble/resources/none").await;
    assert!(status.is_client_error() && none["message"].is_string(), "{status} {none}");
    fixture.end().await;
}
