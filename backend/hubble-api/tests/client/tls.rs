//! Relays behind TLS, and clients with and without certificates.

use std::net::SocketAddr;

use hubble_api::client::{ClientError, ClientIdentity, RelayClient, RelayConfig, Tls, TlsSettings};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::ServerConfig;
use test_kit::relay::Relay;
use test_kit::sockets::answering;
use test_kit::tls::Certified;

use crate::support::{client, config, failure, flow, script, sentence};

/// Years in which a certificate is valid.
const VALID: (i32, i32) = (2020, 2100);
const EXPIRED: (i32, i32) = (2020, 2021);
const FUTURE: (i32, i32) = (2099, 2100);

/// Name in the certificates of relays on AKS.
const RELAY_NAME: &str = "*.hubble-relay.cilium.io";

struct Authority(test_kit::tls::Authority);

impl Authority {
    fn new(name: &str) -> Self {
        Self(test_kit::tls::Authority::new(params(name, &[], VALID)))
    }

    fn sign(&self, name: &str, hosts: &[&str], years: (i32, i32)) -> Certified {
        let mut params = params(name, hosts, years);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.0.sign(&params)
    }

    fn pem(&self) -> String {
        self.0.pem()
    }
}

fn identity(certified: Certified) -> ClientIdentity {
    ClientIdentity { certificate_pem: certified.certificate, key_pem: certified.key }
}

/// The address of a relay that answers with one flow.
async fn tls_relay(config: ServerConfig) -> SocketAddr {
    Relay::start_tls(script([flow(1)]), config).await.address
}

fn params(name: &str, hosts: &[&str], (from, to): (i32, i32)) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings { ca_pem: Some(authority.pem()), ..TlsSettings::default() }
}

fn with(address: SocketAddr, settings: TlsSettings) -> RelayClient {
    RelayClient::new(&RelayConfig { tls: Tls::On(settings), ..config(address) }).unwrap()
}

async fn works(client: &RelayClient) {
    let status = client.server_status().await.unwrap();
    assert_eq!(status.connected_nodes, Some(3));
}

#[tokio::test]
async fn an_own_authority_is_trusted() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &["127.0.0.1"], VALID);
    let address = tls_relay(relay.server(None)).await;
    works(&with(address, trusting(&authority))).await;
}

#[tokio::test]
async fn a_server_name_stands_in_for_the_address() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &[RELAY_NAME], VALID);
    let address = tls_relay(relay.server(None)).await;

    let name = "instance.hubble-relay.cilium.io".to_owned();
    works(&with(address, TlsSettings { server_name: Some(name), ..trusting(&authority) })).await;

    let error = failure(&with(address, trusting(&authority))).await;
    let ClientError::NameMismatch { names, .. } = &error else { panic!("{error:?}") };
    assert_eq!(names, &[RELAY_NAME]);
    insta::assert_snapshot!(sentence(&error, address));
}

#[tokio::test]
async fn expired_and_future_certificates_are_dated() {
    let authority = Authority::new("Cilium CA");

    let relay = authority.sign("relay", &["127.0.0.1"], EXPIRED);
    let address = tls_relay(relay.server(None)).await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::CertificateExpired { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));

    let relay = authority.sign("relay", &["127.0.0.1"], FUTURE);
    let address = tls_relay(relay.server(None)).await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::CertificateNotYetValid { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));
}

#[tokio::test]
async fn a_foreign_authority_is_named() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &["127.0.0.1"], VALID);
    let address = tls_relay(relay.server(None)).await;

    let other = Authority::new("Other CA");
    let error = failure(&with(address, trusting(&other))).await;
    assert!(matches!(error, ClientError::UnknownIssuer { own_ca: true, .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));

    // An authority with the same name, as after a renewal.
    let namesake = Authority::new("Cilium CA");
    let error = failure(&with(address, trusting(&namesake))).await;
    assert!(matches!(error, ClientError::UnknownIssuer { own_ca: true, .. }), "{error:?}");
}

#[tokio::test]
async fn verification_is_skipped_only_on_request() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &["elsewhere.example"], EXPIRED);
    let address = tls_relay(relay.server(None)).await;
    works(&with(address, TlsSettings { skip_verify: true, ..TlsSettings::default() })).await;
}

#[tokio::test]
async fn client_certificates_are_presented_and_checked() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &["127.0.0.1"], VALID);
    let address = tls_relay(relay.server(Some(&authority.0))).await;
    let as_client = |identity| with(address, TlsSettings { identity, ..trusting(&authority) });

    let ui = authority.sign("ui", &["ui.hubble-relay.cilium.io"], VALID);
    works(&as_client(Some(identity(ui)))).await;

    let error = failure(&as_client(None)).await;
    assert!(matches!(error, ClientError::ClientCertificateMissing { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));

    let old = authority.sign("ui", &["ui.hubble-relay.cilium.io"], EXPIRED);
    let error = failure(&as_client(Some(identity(old)))).await;
    assert!(matches!(error, ClientError::ClientCertificateRefused { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));

    let future = authority.sign("ui", &["ui.hubble-relay.cilium.io"], FUTURE);
    let error = failure(&as_client(Some(identity(future)))).await;
    insta::assert_snapshot!(sentence(&error, address));

    let foreign = Authority::new("Other CA").sign("ui", &["ui.hubble-relay.cilium.io"], VALID);
    let error = failure(&as_client(Some(identity(foreign)))).await;
    insta::assert_snapshot!(sentence(&error, address));

    // A unary call returns the same error.
    let error = as_client(None).server_status().await.unwrap_err();
    assert!(matches!(error, ClientError::ClientCertificateMissing { .. }), "{error:?}");
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_is_reported() {
    let authority = Authority::new("Cilium CA");
    let relay = authority.sign("relay", &[RELAY_NAME], VALID);
    let address = tls_relay(relay.server(None)).await;
    let error = failure(&client(address)).await;
    let ClientError::ExpectsTls { names, .. } = &error else { panic!("{error:?}") };
    assert_eq!(names, &[RELAY_NAME]);
    insta::assert_snapshot!(sentence(&error, address));
}

#[tokio::test]
async fn tls_where_plain_text_is_expected_is_reported() {
    let authority = Authority::new("Cilium CA");
    let address = Relay::start(script([])).await.address;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::ExpectsPlain { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));

    // As grpc-go does it: settings, then the end.
    let address = answering(*b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0").await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::ExpectsPlain { .. }), "{error:?}");

    // As an HTTP/1.1 server does it.
    let address = answering(*b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::ExpectsPlain { .. }), "{error:?}");

    let address = answering(*b"SSH-2.0-OpenSSH_9.9\r\n").await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::NotGrpc { .. }), "{error:?}");

    let address = answering(*b"").await;
    let error = failure(&with(address, trusting(&authority))).await;
    assert!(matches!(error, ClientError::ClosedAtOnce { .. }), "{error:?}");
}
