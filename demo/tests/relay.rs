//! Tests of the running shop over the network: plain text, TLS, mutual TLS, and switches.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of them, and fail like tests"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use hubble_api::client::{
    ClientError, ClientIdentity, FlowMessage, FlowRequest, RelayClient, RelayConfig, Tls,
    TlsSettings,
};
use hubble_api::pb::observer::{GetNodesRequest, Node};
use petshop::{Shop, ShopError, ShopOptions, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SERVER_NAME: &str = "instance.hubble-relay.cilium.io";

fn options() -> ShopOptions {
    ShopOptions { rate: 1_000.0, ..ShopOptions::default() }
}

/// Nodes with all fields of the wire.
async fn nodes(client: &RelayClient) -> Vec<Node> {
    let nodes = client.observer().get_nodes(GetNodesRequest {}).await.expect("nodes").into_inner();
    assert_eq!(nodes.nodes.len(), 3);
    nodes.nodes
}

fn relay_config(shop: &Shop, tls: Tls) -> RelayConfig {
    RelayConfig { tls, ..RelayConfig::new(shop.relay_address().to_string()) }
}

/// Follows until `wanted` flows have come; returns their number.
async fn follow(client: &RelayClient, wanted: usize) -> usize {
    let mut stream =
        client.get_flows(FlowRequest { follow: true, number: 1, ..FlowRequest::default() });
    let mut flows = 0;
    while flows < wanted {
        match next(&mut stream).await {
            Some(Ok(FlowMessage::Flow(_))) => flows += 1,
            Some(Ok(FlowMessage::Notice(_))) => {}
            Some(Err(error)) => panic!("{error}"),
            None => break,
        }
    }
    flows
}

async fn next(
    stream: &mut hubble_api::client::FlowStream,
) -> Option<Result<FlowMessage, ClientError>> {
    use tokio_stream::StreamExt;
    stream.next().await
}

/// Status and body of a request to the metrics address.
async fn http(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, body.to_owned())
}

#[tokio::test]
async fn a_client_without_tls_gets_flows_and_status() {
    let shop = Shop::start(options()).await.expect("a shop");
    let client = RelayClient::new(&relay_config(&shop, Tls::Off)).expect("a client");
    assert_eq!(follow(&client, 200).await, 200);
    let status = client.server_status().await.expect("a status");
    assert_eq!(status.max_flows, 3 * 4_095);
    assert_eq!(status.connected_nodes, Some(3));
    assert!(status.seen_flows >= 200 && status.version.starts_with("hubble-relay v"));
    assert!(
        nodes(&client).await.iter().all(|node| node.tls.as_ref().is_some_and(|tls| !tls.enabled))
    );
    shop.stop().await;
}

/// A certificate authority for the tests.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key, as PEM.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new([name.to_owned()])
            .expect("a name")
            .signed_by(&key, &self.0)
            .expect("signed");
        (certificate.pem(), key.serialize_pem())
    }
}

fn write(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("written");
    path
}

fn tls_files(test: &str, authority: &Authority, client_ca: Option<&Authority>) -> TlsFiles {
    let (cert, key) = authority.sign(SERVER_NAME);
    TlsFiles {
        cert: write(&format!("{test}.crt"), &cert),
        key: write(&format!("{test}.key"), &key),
        client_ca: client_ca.map(|ca| write(&format!("{test}-ca.crt"), &ca.pem())),
    }
}

fn settings(authority: &Authority) -> TlsSettings {
    TlsSettings {
        ca_pem: Some(authority.pem()),
        server_name: Some(SERVER_NAME.to_owned()),
        ..TlsSettings::default()
    }
}

#[tokio::test]
async fn tls_is_served_to_clients_that_trust_it() {
    let authority = Authority::new();
    let tls = tls_files("tls", &authority, None);
    let shop = Shop::start(ShopOptions { tls: Some(tls), ..options() }).await.expect("a shop");
    let good = RelayClient::new(&relay_config(&shop, Tls::On(settings(&authority))));
    assert_eq!(follow(&good.expect("a client"), 50).await, 50);

    let refused = async |tls: Tls| {
        let client = RelayClient::new(&relay_config(&shop, tls)).expect("a client");
        client.server_status().await.is_err()
    };
    assert!(refused(Tls::On(settings(&Authority::new()))).await, "another authority");
    let other_name =
        TlsSettings { server_name: Some("else.example".to_owned()), ..settings(&authority) };
    assert!(refused(Tls::On(other_name)).await, "another name");
    assert!(refused(Tls::Off).await, "plain text");

    let client = RelayClient::new(&relay_config(&shop, Tls::On(settings(&authority))));
    let client = client.expect("a client");
    assert!(nodes(&client).await.iter().all(|node| {
        node.tls.as_ref().is_some_and(|tls| {
            tls.enabled && tls.server_name.ends_with(".aks-pets.hubble-grpc.cilium.io")
        })
    }));
    shop.stop().await;
}

#[tokio::test]
async fn mutual_tls_asks_for_the_client_too() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let tls = tls_files("mtls", &authority, Some(&clients));
    let shop = Shop::start(ShopOptions { tls: Some(tls), ..options() }).await.expect("a shop");
    let ask = async |identity: Option<(String, String)>| {
        let identity =
            identity.map(|(certificate_pem, key_pem)| ClientIdentity { certificate_pem, key_pem });
        let tls = Tls::On(TlsSettings { identity, ..settings(&authority) });
        let client = RelayClient::new(&relay_config(&shop, tls)).expect("a client");
        client.server_status().await.is_ok()
    };
    assert!(ask(Some(clients.sign("client"))).await);
    assert!(!ask(Some(authority.sign("client"))).await, "signed by another");
    assert!(!ask(None).await, "no certificate");
    shop.stop().await;
}

#[tokio::test]
async fn a_failed_start_has_its_reason() {
    let check = async |options: ShopOptions, want: &str| {
        let error = Shop::start(options).await.map(|_| ()).expect_err(want);
        let text = wording::with_causes(&error);
        assert!(text.contains(want), "{text}");
        error
    };
    let running = Shop::start(options()).await.expect("a shop");
    let taken = ShopOptions { relay_listen: running.relay_address(), ..options() };
    let error = check(taken, "for the relay").await;
    assert!(matches!(error, ShopError::Listen { .. }));
    let unknown = vec!["vmss000009".to_owned()];
    check(
        ShopOptions { unavailable_nodes: unknown, ..options() },
        "no node is called `vmss000009`",
    )
    .await;

    let authority = Authority::new();
    let mut missing = tls_files("missing", &authority, None);
    missing.cert = PathBuf::from("/nowhere/tls.crt");
    check(
        ShopOptions { tls: Some(missing), ..options() },
        "cannot read certificates from `/nowhere/tls.crt`",
    )
    .await;
    let mut mixed = tls_files("mixed", &authority, None);
    mixed.key = write("mixed-other.key", &authority.sign("other").1);
    check(ShopOptions { tls: Some(mixed), ..options() }, "cannot be used").await;
    running.stop().await;
}

#[tokio::test]
async fn scenarios_are_switched_over_http() {
    let shop = Shop::start(options()).await.expect("a shop");
    let address = shop.metrics_address();
    let check = async |method: &str, path: &str, status: u16, text: &str| {
        let (got, body) = http(address, method, path).await;
        assert_eq!(got, status, "{method} {path}: {body}");
        assert!(body.contains(text), "{method} {path}: {body}");
    };
    check("GET", "/healthz", 200, "ok").await;
    check("GET", "/scenario", 200, "\"scenario\":\"open\"").await;
    check("PUT", "/scenario/chaos", 200, "\"scenario\":\"chaos\"").await;
    check("GET", "/scenario", 200, "\"scenario\":\"chaos\"").await;
    check("PUT", "/scenario/nope", 404, "unknown scenario `nope`").await;
    check("GET", "/scenario", 200, "\"scenario\":\"chaos\"").await;
    check("POST", "/scenario/open", 405, "").await;
    check("GET", "/metrics", 200, "# TYPE hubble_flows_processed_total counter").await;
    check("GET", "/nothing", 404, "").await;
    shop.stop().await;
}

#[tokio::test]
async fn the_policies_folder_follows_the_switches() {
    let folder = std::env::temp_dir().join(format!("petshop-switches-{}", std::process::id()));
    let _: std::io::Result<()> = std::fs::remove_dir_all(&folder);
    let with_folder = ShopOptions { policies_folder: Some(folder.clone()), ..options() };
    let shop = Shop::start(with_folder).await.expect("a shop");
    let address = shop.metrics_address();
    let visible = || {
        let names = std::fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        names.filter(|name| !name.starts_with('.')).count()
    };
    assert_eq!(visible(), 0, "no policies yet");
    assert_eq!(http(address, "PUT", "/scenario/chaos").await.0, 200);
    assert_eq!(visible(), 5);
    assert_eq!(http(address, "PUT", "/scenario/combined").await.0, 200);
    assert_eq!(visible(), 1);

    // A file of someone else: the current act stays.
    std::fs::write(folder.join("allow-rabbitmq-traffic.yaml"), "mine").expect("a file");
    let (status, body) = http(address, "PUT", "/scenario/chaos").await;
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("allow-rabbitmq-traffic.yaml` is there already"), "{body}");
    assert!(http(address, "GET", "/scenario").await.1.contains("\"scenario\":\"combined\""));
    shop.stop().await;
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn a_shop_stops_while_a_client_follows() {
    let shop = Shop::start(options()).await.expect("a shop");
    let address = shop.relay_address();
    let client = RelayClient::new(&relay_config(&shop, Tls::Off)).expect("a client");
    assert_eq!(follow(&client, 10).await, 10);
    let mut stream = client.get_flows(FlowRequest { follow: true, ..FlowRequest::default() });
    assert!(next(&mut stream).await.is_some());
    shop.stop().await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}
