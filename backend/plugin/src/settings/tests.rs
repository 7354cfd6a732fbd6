use std::error::Error as _;

use super::*;

fn stored(url: &str, json: &str, secrets: &[(&str, &str)]) -> Stored {
    Stored {
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
fn tls_needs_what_it_names() {
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
    // Without TLS nothing of it is asked for.
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
        "Prometheus authentication `oauth` is unknown: use `none`, `basic` or `bearer`",
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
        "the Prometheus URL holds a user name or password: take away what stands before `@`, and use basic authentication",
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
