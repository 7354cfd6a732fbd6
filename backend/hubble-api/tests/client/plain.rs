//! Relays in plain text, and servers of other protocols.

use std::time::Duration;

use hubble_api::client::{ClientError, ConnectStage, RelayClient, RelayConfig};
use test_kit::relay::{Relay, Script};
use test_kit::sockets::{BlackHole, answering, closed_port, silent};
use tonic::{Code, Status};

use crate::support::{client, config, failure, flow, script, sentence};

/// A SETTINGS frame, as any HTTP/2 server sends it first.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

#[tokio::test]
async fn a_relay_answers_all_calls() {
    let relay = Relay::start(script([flow(1)])).await;
    let client = client(relay.address);
    let status = client.server_status().await.unwrap();
    assert_eq!(
        (status.version.as_str(), status.connected_nodes),
        ("hubble-relay v1.20.0", Some(3))
    );
    assert_eq!(client.nodes().await.unwrap()[0].name, "aks/node-1");
    assert_eq!(client.namespaces().await.unwrap()[0], "pets");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let address = closed_port().await;
    let error = failure(&client(address)).await;
    assert!(matches!(error, ClientError::Refused { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));
    // A unary call returns the same error.
    let error = client(address).server_status().await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_host_is_named() {
    let client = RelayClient::new(&RelayConfig::new("hubble-relay.invalid:4245")).unwrap();
    let error = failure(&client).await;
    let ClientError::NameNotResolved { host, .. } = &error else { panic!("{error:?}") };
    assert_eq!(host, "hubble-relay.invalid");
    // The resolver's text depends on the machine.
    let sentence = error.user_message();
    assert!(sentence.starts_with("host `hubble-relay.invalid` of the relay cannot be found"));
    assert!(sentence.ends_with("; check the host in the relay address"), "{sentence}");
}

#[tokio::test]
async fn a_host_that_swallows_packets_times_out() {
    let hole = BlackHole::start().await;
    let address = hole.address;
    let connect_timeout = Duration::from_millis(300);
    let client = RelayClient::new(&RelayConfig { connect_timeout, ..config(address) }).unwrap();
    let error = failure(&client).await;
    assert!(matches!(error, ClientError::ConnectTimedOut { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));
    // A request that ends before the connection is not a relay that is silent.
    let request_timeout = Duration::from_millis(100);
    let client = RelayClient::new(&RelayConfig { request_timeout, ..config(address) }).unwrap();
    for error in [failure(&client).await, client.nodes().await.unwrap_err()] {
        let ClientError::ConnectTimedOut { after, stage, .. } = error else { panic!("{error:?}") };
        assert_eq!((after, stage), (request_timeout, ConnectStage::Connect));
    }
}

#[tokio::test]
async fn servers_other_than_relays_are_recognised() {
    #[track_caller]
    fn check(error: &ClientError, expected: &str) {
        let ClientError::NotGrpc { answer, .. } = error else { panic!("{error:?}") };
        assert_eq!(answer, expected);
    }

    let http1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let address = answering(*http1).await;
    let error = failure(&client(address)).await;
    check(&error, "HTTP/1.1 400 Bad Request");
    insta::assert_snapshot!(sentence(&error, address));

    check(
        &failure(&client(answering(*b"SSH-2.0-OpenSSH_9.9\r\n").await)).await,
        "SSH-2.0-OpenSSH_9.9",
    );

    // HTTP/2, header `:status: 404`, end of stream.
    let not_found = b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x8d";
    assert!(not_found.starts_with(&SETTINGS));
    check(&failure(&client(answering(*not_found).await)).await, "HTTP status 404");

    // HTTP/2, header `:status: 200`, then a page.
    let page = b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x06\0\x01\0\0\0\x01<html>";
    check(&failure(&client(answering(*page).await)).await, "HTTP without gRPC messages");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_reported() {
    let address = answering(*b"").await;
    let error = failure(&client(address)).await;
    assert!(matches!(error, ClientError::ClosedAtOnce { .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let address = silent().await;
    let request_timeout = Duration::from_millis(200);
    let client = RelayClient::new(&RelayConfig { request_timeout, ..config(address) }).unwrap();
    let error = failure(&client).await;
    assert!(matches!(error, ClientError::TimedOut { silent: true, .. }), "{error:?}");
    insta::assert_snapshot!(sentence(&error, address));
    let error = client.nodes().await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { silent: true, .. }), "{error:?}");
}

#[tokio::test]
async fn answers_of_grpc_are_passed_on() {
    let mut sentences = String::new();
    for (code, message) in [
        (Code::Unimplemented, "unknown service observer.Observer"),
        (Code::Unauthenticated, "no token\nin the request"),
        (Code::PermissionDenied, ""),
        (Code::Unavailable, "no peers"),
        (Code::ResourceExhausted, "too many streams"),
        (Code::InvalidArgument, "invalid filter: `x`"),
    ] {
        let error = Some(Status::new(code, message));
        let address = Relay::start(Script { error, ..script([]) }).await.address;
        let error = failure(&client(address)).await;
        let ClientError::Status { status, .. } = &error else { panic!("{error:?}") };
        assert_eq!(status.code(), code);
        sentences += &sentence(&error, address);
        sentences.push('\n');
    }
    insta::assert_snapshot!(sentences);
}

#[tokio::test]
async fn a_relay_is_reached_by_unix_socket() {
    let folder = std::env::temp_dir().join(format!("hubble-relay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("relay.sock");
    let _ = std::fs::remove_file(&path);
    let address = format!("unix://{}", path.display());
    let client = RelayClient::new(&RelayConfig::new(&address)).unwrap();
    let error = failure(&client).await;
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");

    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let relay = Relay::start(script([])).await.address;
    tokio::spawn(async move {
        let (mut here, _) = listener.accept().await.unwrap();
        let mut there = tokio::net::TcpStream::connect(relay).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
    });
    assert_eq!(client.server_status().await.unwrap().connected_nodes, Some(3));
    std::fs::remove_dir_all(&folder).unwrap();
}
