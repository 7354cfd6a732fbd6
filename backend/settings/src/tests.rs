use std::error::Error as _;

use super::*;

fn stored(url: &str, json: &str, secrets: &[(&str, &str)]) -> StoredSettings {
    StoredSettings {
        url: url.to_owned(),
        json_data: json.as_bytes().to_vec(),
        secrets: secrets
            .iter()
            .filter_map(|(name, text)| Some(((*name).to_owned(), Secret::new(text)?)))
            .collect(),
    }
}

fn check(url: &str, json: &str, secrets: &[(&str, &str)], expected: &str) {
    let got = match Settings::read(&stored(url, json, secrets)) {
        Ok(settings) => match (&settings.relay, &settings.prometheus) {
            (None, None) => "nothing".to_owned(),
            (relay, prometheus) => {
                let relay = relay.as_ref().map(|relay| {
                    let tls = relay.tls.as_ref().map_or("plain", |_| "tls");
                    format!("{tls} {}", relay.address)
                });
                let prometheus = prometheus.as_ref().map(|prometheus| {
                    format!(
                        "{} {:?} {} ms",
                        prometheus.url, prometheus.auth, prometheus.scrape_interval_ms
                    )
                });
                [relay, prometheus].into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        },
        Err(error) => match error.source() {
            None => error.to_string(),
            Some(cause) => format!("{error}: {cause}"),
        },
    };
    assert_eq!(got, expected, "{url} {json}");
}

#[test]
fn relay_addresses() {
    check("", "", &[], "nothing");
    check("  ", "{}", &[], "nothing");
    check("relay:80", "", &[], "plain relay:80");
    check("tls://relay:443", "", &[], "tls tls://relay:443");
    check("HTTPS://relay:443", "", &[], "tls HTTPS://relay:443");
    check("relay:443", r#"{"tls":true}"#, &[], "tls relay:443");
    check("relay:443", r#"{"tls":"true"}"#, &[], "tls relay:443");
    check("[::1]:4245", "", &[], "plain [::1]:4245");
}

#[test]
fn tls_needs_its_certificates() {
    let json = r#"{"tls":true,"tlsAuth":true,"tlsAuthWithCACert":true}"#;
    check("relay:443", json, &[], "`With CA certificate` is on, but the CA certificate is empty");
    check(
        "relay:443",
        json,
        &[("tlsCACert", "ca")],
        "TLS client authentication is on, but the client certificate is empty",
    );
    check(
        "relay:443",
        json,
        &[("tlsCACert", "ca"), ("tlsClientCert", "cert")],
        "TLS client authentication is on, but the client key is empty",
    );
    let all = [("tlsCACert", "ca"), ("tlsClientCert", "cert"), ("tlsClientKey", "key")];
    check("relay:443", json, &all, "tls relay:443");
    // Without TLS the certificates are not needed.
    check("relay:80", r#"{"tlsAuth":true}"#, &[], "plain relay:80");
}

#[test]
fn prometheus() {
    let with = |rest: &str| format!(r#"{{"prometheusUrl":"http://prom:9090/x"{rest}}}"#);
    check("", &with(""), &[], "http://prom:9090/x None 15000 ms");
    check(
        "",
        &with(r#","timeInterval":"1m","prometheusAuth":"basic","prometheusUser":"u""#),
        &[("prometheusPassword", "hunter2")],
        r#"http://prom:9090/x Basic { user: "u", password: Some([redacted]) } 60000 ms"#,
    );
    check(
        "",
        &with(r#","prometheusAuth":"bearer""#),
        &[("prometheusToken", "hunter2")],
        "http://prom:9090/x Bearer([redacted]) 15000 ms",
    );
    check(
        "",
        &with(r#","prometheusAuth":"bearer""#),
        &[],
        "Prometheus authentication is `bearer`, but the token is empty",
    );
    check(
        "",
        &with(r#","prometheusAuth":"basic""#),
        &[],
        "Prometheus authentication is `basic`, but the user is empty",
    );
    check(
        "",
        &with(r#","prometheusAuth":"oauth""#),
        &[],
        "Prometheus authentication `oauth` is unknown: use `none`, `basic`, `bearer` or `azure`",
    );
    check(
        "",
        &with(r#","httpMethod":"PUT""#),
        &[],
        "HTTP method `PUT` is unknown: use `POST` or `GET`",
    );
    check(
        "",
        &with(r#","timeInterval":"soon""#),
        &[],
        "scrape interval `soon` is not a duration such as `15s`",
    );
    check(
        "",
        r#"{"prometheusUrl":"prom:9090"}"#,
        &[],
        "Prometheus URL `prom:9090` is not an `http://` or `https://` URL",
    );
    check(
        "",
        r#"{"prometheusUrl":"http://user:hunter2@prom"}"#,
        &[],
        "the Prometheus URL holds a user name or password: remove the part before `@`, and use basic authentication",
    );
    check(
        "",
        r#"{"prometheusUrl":"ftp://user:hunter2@prom"}"#,
        &[],
        "Prometheus URL `…@prom` is not an `http://` or `https://` URL",
    );
}

#[test]
fn timeouts_and_broken_json() {
    check("relay:80", "null", &[], "plain relay:80");
    for json in ["[]", "1", "x"] {
        check("relay:80", json, &[], "jsonData of this data source is not a JSON object");
    }
    check(
        "relay:80",
        r#"{"connectTimeoutSecs":"7","requestTimeoutSecs":0,"somethingOfGrafana":1}"#,
        &[],
        "plain relay:80",
    );
    check(
        "relay:80",
        r#"{"requestTimeoutSecs":601}"#,
        &[],
        "`requestTimeoutSecs` is 601 s: use 1 to 600 s",
    );
    check(
        "relay:80",
        r#"{"connectTimeoutSecs":"x"}"#,
        &[],
        "jsonData of this data source cannot be read: invalid value: string \"x\", expected a whole number at line 1 column 25",
    );
}

#[test]
fn debug_of_everything_hides_secrets() {
    let stored = stored(
        "tls://relay:443",
        r#"{"tlsAuth":true,"tlsAuthWithCACert":true,"prometheusUrl":"http://p","prometheusAuth":"bearer"}"#,
        &[
            ("tlsCACert", "SECRET"),
            ("tlsClientCert", "SECRET"),
            ("tlsClientKey", "SECRET"),
            ("prometheusToken", "SECRET"),
        ],
    );
    let settings = Settings::read(&stored).unwrap();
    for text in [format!("{stored:?}"), format!("{settings:?}")] {
        assert!(!text.contains("SECRET"), "{text}");
    }
}

fn check_prometheus(
    rest: &str,
    secrets: &[(&str, &str)],
    shown: impl Fn(&PrometheusSettings) -> String,
    expected: &str,
) {
    let json = format!(r#"{{"prometheusUrl":"https://prom"{rest}}}"#);
    let got = match Settings::read(&stored("", &json, secrets)) {
        Ok(settings) => shown(&settings.prometheus.unwrap()),
        Err(error) => error.to_string(),
    };
    assert_eq!(got, expected, "{json}");
}

#[test]
fn limits_of_prometheus() {
    let check = |rest: &str, expected: &str| {
        let shown = |prometheus: &PrometheusSettings| {
            let limit = prometheus.series_limit;
            format!("{} MiB, {limit:?} series", prometheus.response_limit_bytes >> 20)
        };
        check_prometheus(rest, &[], shown, expected);
    };
    check("", "64 MiB, Some(40000) series");
    check(r#","prometheusResponseLimitMib":128,"seriesLimit":"500""#, "128 MiB, Some(500) series");
    check(r#","prometheusResponseLimitMib":0,"seriesLimit":0"#, "64 MiB, None series");
    check(
        r#","prometheusResponseLimitMib":513"#,
        "`prometheusResponseLimitMib` is `513`: use 1 to 512",
    );
    check(r#","seriesLimit":1000001"#, "`seriesLimit` is `1000001`: use 1 to 1000000");
}

#[test]
fn parameters_and_headers_of_prometheus() {
    let check = |rest: &str, secrets: &[(&str, &str)], expected: &str| {
        let shown = |prometheus: &PrometheusSettings| {
            format!(
                "{:?} {:?} {:?}",
                prometheus.custom_parameters,
                prometheus.custom_headers,
                prometheus.query_timeout_ms
            )
        };
        check_prometheus(rest, secrets, shown, expected);
    };
    check("", &[], "[] [] None");
    check(
        r#","customQueryParameters":"max_source_resolution=5m&dedup=a%26b","queryTimeout":"1m""#,
        &[],
        r#"[("max_source_resolution", "5m"), ("dedup", "a&b")] [] Some(60000)"#,
    );
    check(r#","queryTimeout":"soon""#, &[], "query timeout `soon` is not a duration such as `60s`");
    check(
        r#","customQueryParameters":"=5m""#,
        &[],
        "custom query parameters `=5m` are not of the form `name=value&other=value`",
    );
    check(
        r#","httpHeaderName1":"X-Scope-OrgID","httpHeaderName2":"""#,
        &[("httpHeaderValue1", "hunter2")],
        r#"[] [("x-scope-orgid", Sensitive)] None"#,
    );
    check(r#","httpHeaderName1":"X-A""#, &[], "custom header `X-A` has no value");
    check(
        r#","httpHeaderName1":"X A""#,
        &[("httpHeaderValue1", "v")],
        "custom header `X A` is not a valid header name",
    );
    check(
        r#","httpHeaderName1":"X-A""#,
        &[("httpHeaderValue1", "hunter2\r\nX-B: 1")],
        "custom header `X-A` has a value that a header cannot hold",
    );
    check(
        r#","httpHeaderName1":"Host""#,
        &[("httpHeaderValue1", "v")],
        "custom header `Host` is set by the request itself",
    );
}

#[test]
fn tls_of_prometheus() {
    let check = |rest: &str, secrets: &[(&str, &str)], expected: &str| {
        check_prometheus(rest, secrets, |prometheus| format!("{:?}", prometheus.tls), expected);
    };
    let json = r#","prometheusTlsAuth":true,"prometheusTlsAuthWithCACert":true"#;
    check(json, &[], "Prometheus: `With CA certificate` is on, but the CA certificate is empty");
    // The relay's certificates do not apply to Prometheus.
    check(
        json,
        &[("prometheusTlsCACert", "ca"), ("tlsClientCert", "cert"), ("tlsClientKey", "key")],
        "Prometheus: TLS client authentication is on, but the client certificate is empty",
    );
    check(
        r#","prometheusTlsSkipVerify":true,"prometheusServerName":" prom ""#,
        &[],
        r#"PrometheusTls { skip_verify: true, server_name: Some("prom"), ca_pem: None, client: None }"#,
    );
}

#[test]
fn azure() {
    let check_at = |url: &str, credentials: &str, secrets: &[(&str, &str)], expected: &str| {
        let json = format!(
            r#"{{"prometheusUrl":"{url}","prometheusAuth":"azure","azureCredentials":{{{credentials}}}}}"#
        );
        let got = match Settings::read(&stored("", &json, secrets)) {
            Ok(settings) => format!("{:?}", settings.prometheus.unwrap().auth),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{json}");
    };
    let workspace = "https://w-1.westeurope.prometheus.monitor.azure.com";
    let check = |credentials: &str, secrets: &[(&str, &str)], expected: &str| {
        check_at(workspace, credentials, secrets, expected);
    };
    let ids = r#""tenantId":"t","clientId":"c""#;
    check(
        &format!(r#""authType":"clientsecret","azureCloud":"AzureChinaCloud",{ids}"#),
        &[("azureClientSecret", "hunter2")],
        r#"Azure(AzureCredentials { cloud: Some(China), login: ClientSecret { tenant_id: "t", client_id: "c", secret: [redacted] } })"#,
    );
    check(
        ids,
        &[],
        "Azure authentication with a client secret is on, but the client secret is empty",
    );
    check("", &[], "Azure authentication with a client secret is on, but the tenant ID is empty");
    check(
        r#""authType":"workloadidentity""#,
        &[],
        "Azure(AzureCredentials { cloud: None, login: WorkloadIdentity { tenant_id: None, client_id: None } })",
    );
    check(
        r#""authType":"msi","clientId":"c","azureCloud":"AzureUSGovernment""#,
        &[],
        r#"Azure(AzureCredentials { cloud: Some(UsGovernment), login: ManagedIdentity { client_id: Some("c") } })"#,
    );
    check(
        r#""authType":"currentuser""#,
        &[],
        "Azure authentication type `currentuser` is unknown: use `clientsecret`, `workloadidentity` or `msi`",
    );
    check(
        r#""authType":"msi","azureCloud":"Azure""#,
        &[],
        "Azure cloud `Azure` is unknown: use `AzureCloud`, `AzureUSGovernment` or `AzureChinaCloud`",
    );
    // The machine's identity must not be available to everyone who may edit a data source.
    for host in [
        "evil.example",
        "prometheus.monitor.azure.com.evil.example",
        "xprometheus.monitor.azure.com",
    ] {
        check_at(
            &format!("https://{host}"),
            r#""authType":"msi""#,
            &[],
            &format!(
                "the identity of this machine or pod is sent only to Azure Monitor, and `{host}` is not below `prometheus.monitor.azure.com`, `.us` or `.cn`: use a client secret for other hosts"
            ),
        );
    }
    check_at(
        "http://w-1.westeurope.prometheus.monitor.azure.com",
        r#""authType":"msi""#,
        &[],
        "Azure authentication needs an `https://` Prometheus URL: a token must not travel in the clear",
    );
}

/// Settings of data sources as earlier versions provisioned them.
#[test]
fn saved_data_sources_are_read() {
    let saved = include_str!("../../../tests/vectors/saved/datasources.jsonl");
    let expected = [
        "plain relay:4245, http://prometheus:9090/ None 15000 ms",
        "tls tls://hubble-relay.kube-system.svc:443, http://prometheus:9090/ None 30000 ms",
    ];
    assert_eq!(saved.lines().count(), expected.len());
    for (line, expected) in saved.lines().zip(expected) {
        let saved: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| saved[key].as_str().unwrap().to_owned();
        let names = saved["secure"].as_array().unwrap();
        let secrets: Vec<(&str, &str)> =
            names.iter().map(|name| (name.as_str().unwrap(), "pem")).collect();
        check(&text("url"), &saved["jsonData"].to_string(), &secrets, expected);
    }
}

#[test]
fn completeness_of_alert_rules() {
    let check = |json: serde_json::Value, expected: Result<(bool, u8), &str>| {
        let stored = StoredSettings {
            json_data: json.to_string().into_bytes(),
            ..StoredSettings::default()
        };
        let read = Settings::read(&stored).map(|settings| settings.alerts);
        let read = read.map(|alerts| (alerts.count_incomplete, alerts.max_lost_percent));
        assert_eq!(
            read.map_err(|error| error.to_string()),
            expected.map_err(str::to_owned),
            "{json}"
        );
    };
    check(serde_json::json!({}), Ok((false, 5)));
    check(serde_json::json!({ "alertsMaxLostPercent": 0 }), Ok((false, 0)));
    check(serde_json::json!({ "alertsMaxLostPercent": "20" }), Ok((false, 20)));
    check(serde_json::json!({ "alertsCountIncomplete": true }), Ok((true, 5)));
    let refused = "`alertsMaxLostPercent` is `101`: use 0 to 100";
    check(serde_json::json!({ "alertsMaxLostPercent": 101 }), Err(refused));
    check(
        serde_json::json!({ "alertsMaxLostPercent": 101, "alertsCountIncomplete": true }),
        Err(refused),
    );
}

#[test]
fn secrets_in_the_clear() {
    let check = |url: &str, json: &str, expected: bool| {
        let json = format!(r#"{{"prometheusUrl":"{url}"{json}}}"#);
        let secrets = [("prometheusToken", "hunter2"), ("httpHeaderValue1", "hunter2")];
        let settings = Settings::read(&stored("", &json, &secrets)).unwrap();
        assert_eq!(settings.prometheus.unwrap().sends_secrets_in_the_clear(), expected, "{json}");
    };
    let bearer = r#","prometheusAuth":"bearer""#;
    check("http://prometheus:9090", "", false);
    for secret in [
        bearer,
        r#","prometheusAuth":"basic","prometheusUser":"u""#,
        r#","oauthPassThru":true"#,
        r#","httpHeaderName1":"X-Scope-OrgID""#,
    ] {
        check("http://prometheus:9090", secret, true);
        check("http://10.0.0.1", secret, true);
        for private in ["https://prometheus:9090", "http://localhost:9090", "http://[::1]:9090"] {
            check(private, secret, false);
        }
    }
}

/// A source without the field is one of before it, which allowed CEL expressions.
#[test]
fn cel_expressions() {
    let check = |json: &str, expected: bool| {
        let settings = Settings::read(&stored("relay:80", json, &[])).unwrap();
        assert_eq!(settings.allows_cel, expected, "{json}");
    };
    check("", true);
    check("{}", true);
    check(r#"{"allowCelExpressions":true}"#, true);
    check(r#"{"allowCelExpressions":"true"}"#, true);
    check(r#"{"allowCelExpressions":false}"#, false);
    check(r#"{"allowCelExpressions":"false"}"#, false);
    // A variable of a provisioning file that is not set.
    check(r#"{"allowCelExpressions":""}"#, false);
    check(r#"{"allowCelExpressions":null}"#, false);
}
