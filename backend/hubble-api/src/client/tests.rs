use crate::client::{ClientIdentity, RelayAddress, RelayClient, RelayConfig, Tls, TlsSettings};

#[tokio::test]
async fn addresses_are_read_as_users_write_them() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let client = RelayClient::new(&RelayConfig::new(text)).unwrap();
        let tls = if client.dialer().tls().is_some() { " with TLS" } else { "" };
        assert_eq!(format!("{}{tls}", client.address()), expected, "{text}");
    }

    check("localhost:4245", "localhost:4245");
    check("  localhost  ", "localhost:4245");
    check(
        "hubble-relay.kube-system.svc.cluster.local:80",
        "hubble-relay.kube-system.svc.cluster.local:80",
    );
    check("http://localhost", "localhost:4245");
    check("http://localhost:80/", "localhost:80");
    check("dns:///localhost:4245", "localhost:4245");
    check("127.0.0.1:1", "127.0.0.1:1");
    check("[::1]:4245", "[::1]:4245");
    check("[fd00::1]", "[fd00::1]:4245");
    check("unix:///var/run/cilium/hubble.sock", "unix:///var/run/cilium/hubble.sock");
    check("unix:/var/run/hubble.sock", "unix:///var/run/hubble.sock");
    check("dns:///unix:80", "dns:///unix:80");
}

#[tokio::test]
async fn schemes_turn_tls_on() {
    #[track_caller]
    fn check(text: &str, expected: Option<bool>) {
        let address = RelayAddress::parse(text).unwrap();
        assert_eq!(address.tls, expected, "{text}");
    }

    check("localhost", None);
    check("tls://localhost:4245", Some(true));
    check("TLS://localhost:4245", Some(true));
    check("https://localhost", Some(true));
    check("http://localhost", Some(false));

    let trusting = Tls::On(TlsSettings { skip_verify: true, ..TlsSettings::default() });
    let config = RelayConfig { tls: trusting.clone(), ..RelayConfig::new("tls://relay.example") };
    assert_eq!(RelayClient::new(&config).unwrap().address(), "relay.example:443");
    let config = RelayConfig { tls: trusting, ..RelayConfig::new("[::1]") };
    assert_eq!(RelayClient::new(&config).unwrap().address(), "[::1]:443");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_a_reason() {
    fn tls(settings: TlsSettings) -> RelayConfig {
        RelayConfig { tls: Tls::On(settings), ..RelayConfig::new("relay.example:443") }
    }
    fn identity(certificate_pem: &str, key_pem: &str) -> TlsSettings {
        let identity = ClientIdentity {
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned(),
        };
        TlsSettings { identity: Some(identity), skip_verify: true, ..TlsSettings::default() }
    }
    fn ca(text: &str) -> TlsSettings {
        TlsSettings { ca_pem: Some(text.to_owned()), ..TlsSettings::default() }
    }

    let ours = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let certificate = ours.cert.pem();
    let key = ours.signing_key.serialize_pem();
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let half = "-----BEGIN CERTIFICATE-----\nAAAA\n";

    let mut configs: Vec<RelayConfig> = [
        "",
        "   ",
        "relay:99999",
        "relay:0",
        "relay:+80",
        "relay:",
        ":4245",
        "relay:http",
        "fd00::1:4245",
        "[fd00::1",
        "[fd00::1]4245",
        "[relay]:4245",
        "re lay:4245",
        "rélay:4245",
        "grpc://relay:4245",
        "https://admin:hunter2@relay:4245",
        "admin:hunter2@relay://x",
        "relay:4245/flows",
        "https://relay:4245/?a=b",
        "unix://relay.sock",
    ]
    .map(RelayConfig::new)
    .into();
    configs.push(RelayConfig { address: "http://relay:4245".to_owned(), ..tls(ca("")) });
    configs.extend(
        [
            ca(""),
            ca("certificate"),
            ca(&key),
            ca(half),
            ca(hollow),
            identity("", &key),
            identity(&key, &key),
            identity(&certificate, " "),
            identity(&certificate, &certificate),
            identity(&certificate, "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----"),
            identity(&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
            identity(&certificate, &other.signing_key.serialize_pem()),
            TlsSettings {
                server_name: Some("no name".to_owned()),
                skip_verify: true,
                ..TlsSettings::default()
            },
        ]
        .map(tls),
    );

    let mut sentences = String::new();
    for config in &configs {
        let error = RelayClient::new(config).expect_err(&config.address);
        assert!(error.is_configuration(), "{error:?}");
        let sentence = error.user_message();
        assert!(!sentence.contains("hunter2") && !format!("{error:?}").contains("hunter2"));
        sentences += &sentence;
        sentences.push('\n');
    }
    insta::assert_snapshot!(sentences);

    let client = RelayClient::new(&tls(identity(&certificate, &key))).unwrap();
    let shown = format!("{client:?}");
    let key_bytes = format!("{:?}", &ours.signing_key.serialize_der()[40..60]);
    let key_bytes = key_bytes.trim_matches(['[', ']']);
    assert!(!shown.contains(key.lines().nth(1).unwrap()) && !shown.contains(key_bytes), "{shown}");
}

#[test]
fn no_key_is_shown() {
    let identity =
        ClientIdentity { certificate_pem: "certificate".to_owned(), key_pem: "secret".to_owned() };
    let tls = Tls::On(TlsSettings { identity: Some(identity), ..TlsSettings::default() });
    let config = RelayConfig { tls, ..RelayConfig::new("relay:443") };
    let shown = format!("{config:?}");
    assert!(shown.contains("certificate") && !shown.contains("secret"), "{shown}");
}
