//! Azure Monitor workspaces: a token endpoint, and a Prometheus that demands its token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

fn promql() -> Value {
    json!({ "expr": "up", "instant": true })
}

/// Serves `token-1`, `token-2`, … to requests that `is_right` accepts.
async fn token_endpoint(
    expires_in: Value,
    is_right: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
) -> Http {
    let given = AtomicUsize::new(0);
    Http::start(move |line, body| {
        if !is_right(line, body) {
            let refusal = json!({
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1",
            });
            return Answer::json("401 Unauthorized", &refusal.to_string());
        }
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        let token = json!({
            "token_type": "Bearer",
            "expires_in": expires_in,
            "access_token": format!("token-{number}"),
        });
        Answer::json("200 OK", &token.to_string())
    })
    .await
}

/// Requires the token with this number, from the request's head.
async fn workspace(demanded: Arc<AtomicUsize>) -> Http {
    Http::start_with(move |asked| {
        let expected = format!("authorization: Bearer token-{}", demanded.load(Ordering::SeqCst));
        let answer = if asked.head.lines().any(|line| line == expected) {
            Answer::json("200 OK", EMPTY)
        } else {
            Answer::json("401 Unauthorized", "{}")
        };
        async move { Some(answer) }
    })
    .await
}

fn source(workspace: &Http, credentials: &Value) -> Source {
    Source {
        json_data: json!({
            "prometheusUrl": workspace.url(),
            "prometheusAuth": "azure",
            "azureCredentials": credentials,
        }),
        secrets: [("azureClientSecret".to_owned(), "hunter2".to_owned())].into(),
        ..Source::default()
    }
}

/// The plugin of a server whose administrator allows the identities of the machine and of the pod.
async fn plugin(mut env: Vec<(&'static str, String)>) -> Plugin {
    for name in ["GFAZPL_MANAGED_IDENTITY_ENABLED", "GFAZPL_WORKLOAD_IDENTITY_ENABLED"] {
        env.push((name, "true".to_owned()));
    }
    Plugin::start_with(Start { env, ..Start::default() }).await
}

/// Runs 25 queries at once and counts tokens.
async fn check(plugin: &Plugin, source: &Source, tokens: &Http, expected: usize) {
    let names: Vec<String> =
        (0..25).map(|index: u8| char::from(b'A' + index).to_string()).collect();
    let queries: Vec<(&str, Value)> = names.iter().map(|name| (name.as_str(), promql())).collect();
    let answers = plugin.query(source, Range::last_hour(), &queries).await;
    for answer in answers.values() {
        assert_eq!(answer.error, "");
    }
    assert_eq!(tokens.asked().len(), expected, "token requests so far");
}

/// The plugin has logged no secret of these tests.
async fn logs_no_secret(plugin: Plugin) {
    let log = plugin.whole_log().await;
    assert!(!log.contains("token-") && !log.contains("hunter2"), "{log}");
}

fn client_secret() -> Value {
    json!({ "authType": "clientsecret", "tenantId": "tenant/1", "clientId": "client" })
}

#[tokio::test]
async fn one_token_per_client_secret_until_it_is_revoked() {
    let tokens = token_endpoint(json!(3_599), |line, body| {
        line.starts_with("POST /tenant%2F1/oauth2/v2.0/token ")
            && body == "grant_type=client_credentials&client_id=client&scope=https%3A%2F%2Fprometheus.monitor.azure.com%2F.default&client_secret=hunter2"
    })
    .await;
    let demanded = Arc::new(AtomicUsize::new(1));
    let workspace = workspace(Arc::clone(&demanded)).await;
    let plugin = plugin(vec![("AZURE_AUTHORITY_HOST", tokens.url())]).await;
    let source = source(&workspace, &client_secret());
    check(&plugin, &source, &tokens, 1).await;
    check(&plugin, &source, &tokens, 1).await;
    demanded.store(2, Ordering::SeqCst);
    check(&plugin, &source, &tokens, 2).await;
    // A token that is always refused is not requested again and again.
    demanded.store(9, Ordering::SeqCst);
    let (status, source_of_error, message) =
        plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!((status, source_of_error.as_str()), (401, "downstream"));
    assert!(message.contains("refused the credentials (401)"), "{message}");
    assert_eq!(tokens.asked().len(), 2);
    logs_no_secret(plugin).await;
}

#[tokio::test]
async fn a_token_that_expires_at_once_is_not_kept() {
    let tokens = token_endpoint(json!("0"), |_, _| true).await;
    let demanded = Arc::new(AtomicUsize::new(1));
    let workspace = workspace(Arc::clone(&demanded)).await;
    let plugin = plugin(vec![("AZURE_AUTHORITY_HOST", tokens.url())]).await;
    let source = source(&workspace, &client_secret());
    for number in 1..=2 {
        demanded.store(number, Ordering::SeqCst);
        plugin.frames(&source, Range::last_hour(), promql()).await;
    }
    assert_eq!(tokens.asked().len(), 2);
}

#[tokio::test]
async fn refusals_are_entra_ids_own_words_and_shared() {
    let tokens = token_endpoint(json!(3_599), |_, _| false).await;
    let workspace = workspace(Arc::default()).await;
    let plugin = plugin(vec![("AZURE_AUTHORITY_HOST", tokens.url())]).await;
    let source = source(&workspace, &client_secret());
    let queries = [("A", promql()), ("B", promql()), ("C", promql())];
    let answers = plugin.query(&source, Range::last_hour(), &queries).await;
    for answer in answers.values() {
        assert_eq!(
            (answer.status, answer.error.as_str()),
            (
                401,
                "no token for the Azure Monitor workspace: `127.0.0.1` refused to issue a token (401): AADSTS7000215: Invalid client secret provided."
            )
        );
    }
    assert_eq!(tokens.asked().len(), 1);
    assert!(workspace.asked().is_empty());
}

#[tokio::test]
async fn workload_identity_reads_the_pods_token_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "pod-1\n").unwrap();
    let tokens = token_endpoint(json!(0), |line, body| {
        line.starts_with("POST /tenant/oauth2/v2.0/token ")
            && body.contains("&client_id=client-of-pod&")
            && body.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
            && body.contains("client_assertion=pod-")
            && !body.contains("client_secret")
    })
    .await;
    let demanded = Arc::new(AtomicUsize::new(1));
    let workspace = workspace(Arc::clone(&demanded)).await;
    let plugin = plugin(vec![
        ("AZURE_AUTHORITY_HOST", tokens.url()),
        ("AZURE_TENANT_ID", "tenant".to_owned()),
        ("AZURE_CLIENT_ID", "client-of-pod".to_owned()),
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap().to_owned()),
    ])
    .await;
    let source = source(&workspace, &json!({ "authType": "workloadidentity" }));
    plugin.frames(&source, Range::last_hour(), promql()).await;
    std::fs::write(&file, "pod-2").unwrap();
    demanded.store(2, Ordering::SeqCst);
    plugin.frames(&source, Range::last_hour(), promql()).await;
    let assertions: Vec<bool> =
        tokens.asked().iter().map(|asked| asked.ends_with("=pod-2")).collect();
    assert_eq!(assertions, [false, true]);
    std::fs::remove_file(&file).unwrap();
    let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(
        (status, message.as_str()),
        (
            400,
            "no token for the Azure Monitor workspace: the file in AZURE_FEDERATED_TOKEN_FILE cannot be read: No such file or directory (os error 2)"
        )
    );
    let without = self::plugin(Vec::new()).await;
    let (_, _, message) = without.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(
        message,
        "no token for the Azure Monitor workspace: the tenant ID is missing: fill it in, or set AZURE_TENANT_ID in the plugin's environment"
    );
}

#[tokio::test]
async fn identities_of_the_machine_need_the_server_administrators_consent() {
    let tokens = token_endpoint(json!(3_599), |_, _| true).await;
    let workspace = workspace(Arc::new(AtomicUsize::new(1))).await;
    let env = vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", tokens.url())];
    let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
    for (auth_type, identity) in [("msi", "managed"), ("workloadidentity", "workload")] {
        let source = source(&workspace, &json!({ "authType": auth_type }));
        let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
        assert_eq!(
            (status, message),
            (
                400,
                format!(
                    "no token for the Azure Monitor workspace: {identity} identity authentication is not enabled in Grafana config: the server's administrator enables it by `{identity}_identity_enabled = true` in the section `[azure]`"
                )
            )
        );
    }
    assert!(tokens.asked().is_empty());
}

#[tokio::test]
async fn managed_identity_of_a_machine_and_of_an_app() {
    let tokens = token_endpoint(json!("86399"), |line, _| {
        line == "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fprometheus.monitor.azure.us&client_id=c HTTP/1.1"
    })
    .await;
    let workspace_of_vm = workspace(Arc::new(AtomicUsize::new(1))).await;
    let vm = plugin(vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", tokens.url())]).await;
    let credentials =
        json!({ "authType": "msi", "clientId": "c", "azureCloud": "AzureUSGovernment" });
    check(&vm, &source(&workspace_of_vm, &credentials), &tokens, 1).await;
    assert!(tokens.asked()[0].contains("\r\nmetadata: true"));
    logs_no_secret(vm).await;

    let tokens = token_endpoint(json!(3_599), |line, _| {
        line == "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fprometheus.monitor.azure.cn HTTP/1.1"
    })
    .await;
    let workspace_of_app = workspace(Arc::new(AtomicUsize::new(1))).await;
    let app = plugin(vec![
        ("IDENTITY_ENDPOINT", format!("{}/msi/token", tokens.url())),
        ("IDENTITY_HEADER", "hunter2".to_owned()),
    ])
    .await;
    let credentials = json!({ "authType": "msi", "azureCloud": "AzureChinaCloud" });
    check(&app, &source(&workspace_of_app, &credentials), &tokens, 1).await;
    assert!(tokens.asked()[0].contains("\r\nx-identity-header: hunter2"));
    logs_no_secret(app).await;
}

/// A proxy from the environment could read tokens sent in plain text, and use its own machine's
/// identity.
#[tokio::test]
async fn tokens_in_plain_text_bypass_proxies() {
    let check = async |variable: &'static str, path: &str, credentials: Value| {
        let tokens = token_endpoint(json!(3_599), |_, _| true).await;
        let workspace = workspace(Arc::new(AtomicUsize::new(1))).await;
        // The proxy sees the workspace's calls, which are in plain text only in this test.
        let proxy = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
        let plugin = plugin(vec![
            (variable, format!("{}{path}", tokens.url())),
            ("IDENTITY_HEADER", "hunter2".to_owned()),
            ("HTTP_PROXY", proxy.url()),
            ("http_proxy", proxy.url()),
            ("ALL_PROXY", proxy.url()),
        ])
        .await;
        plugin.frames(&source(&workspace, &credentials), Range::last_hour(), promql()).await;
        assert_eq!(tokens.asked().len(), 1, "{variable}");
        let seen = proxy.asked();
        assert!(seen.iter().all(|asked| asked.contains("/api/v1/query")), "{variable}: {seen:?}");
        assert_eq!(seen.len(), 1, "{variable}: the proxy is in use");
    };
    check("AZURE_POD_IDENTITY_AUTHORITY_HOST", "", json!({ "authType": "msi" })).await;
    check("IDENTITY_ENDPOINT", "/msi/token", json!({ "authType": "msi" })).await;
    check("AZURE_AUTHORITY_HOST", "", client_secret()).await;
}
