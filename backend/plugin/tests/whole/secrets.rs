//! Tests that no secret leaves the plugin: not in a log line at the most verbose level, not in an
//! error, not in the health message.

use serde_json::json;
use test_kit::grafana::{Plugin, Range, Source};
use test_kit::http::{Answer, Http};

const SECRETS: [(&str, &str); 10] = [
    ("tlsCACert", "SECRET-CA-2f9c"),
    ("tlsClientCert", "SECRET-CERT-2f9c"),
    ("tlsClientKey", "SECRET-KEY-2f9c"),
    ("prometheusTlsCACert", "SECRET-CA-2f9c"),
    ("prometheusTlsClientCert", "SECRET-CERT-2f9c"),
    ("prometheusTlsClientKey", "SECRET-KEY-2f9c"),
    ("httpHeaderValue1", "SECRET-HEADER-2f9c"),
    ("azureClientSecret", "SECRET-AZURE-2f9c"),
    ("prometheusPassword", "SECRET-PASSWORD-2f9c"),
    ("prometheusToken", "SECRET-TOKEN-2f9c"),
];

fn source(url: &str, json_data: serde_json::Value) -> Source {
    Source {
        url: url.to_owned(),
        json_data,
        secrets: SECRETS.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        role: "None".to_owned(),
        ..Source::default()
    }
}

#[tokio::test]
async fn no_secret_in_any_log_line_or_answer() {
    let plugin = Plugin::start().await;
    let refusing = Http::start(|_, _| Answer::json("401 Unauthorized", "{}")).await;
    let url = refusing.url();
    let sources = [
        // The PEM texts are invalid, so every use of them fails.
        source(
            "tls://127.0.0.1:1",
            json!({ "tlsAuth": true, "tlsAuthWithCACert": true, "prometheusUrl": url, "prometheusAuth": "basic", "prometheusUser": "u" }),
        ),
        source(
            "127.0.0.1:1",
            json!({ "prometheusUrl": url, "prometheusAuth": "bearer", "httpHeaderName1": "X-Key" }),
        ),
        source(
            "127.0.0.1:1",
            json!({ "prometheusUrl": url, "prometheusTlsAuth": true, "prometheusTlsAuthWithCACert": true, "prometheusAuth": "azure", "azureCredentials": { "tenantId": "t", "clientId": "c", "azureCloud": "AzureChinaCloud" } }),
        ),
        source("127.0.0.1:1", json!({ "prometheusUrl": "http://user:SECRET-URL-2f9c@prom" })),
        source("user:SECRET-URL-2f9c@relay:80", json!({})),
    ];
    let mut outputs = Vec::new();
    for source in &sources {
        let health = plugin.health(source).await;
        outputs.push(health.message);
        outputs.push(String::from_utf8(health.json_details).unwrap());
        let queries = [
            ("A", json!({ "queryType": "flows" })),
            ("B", json!({ "expr": "up" })),
            ("C", json!({ "queryType": 1 })),
        ];
        for answer in plugin.query(source, Range::last_hour(), &queries).await.into_values() {
            assert_ne!(answer.error, "");
            outputs.push(answer.error);
        }
        for path in ["namespaces", "api/v1/labels", "nowhere"] {
            let answer = plugin.resource(source, "GET", path, b"").await;
            assert!(answer.status >= 400);
            outputs.push(String::from_utf8(answer.body()).unwrap());
        }
    }
    outputs.push(plugin.whole_log().await);
    for text in &outputs {
        assert!(!text.contains("2f9c"), "{text}");
    }
    assert!(outputs.last().unwrap().contains("query data"), "the log was listened to");
}
