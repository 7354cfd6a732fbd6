//! Tests of handshake, health, roles, sizes, and every kind of shutdown.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures_util::FutureExt;
use plugin_protocol::{CallResourceRequest, CheckHealthRequest, QueryDataRequest, client};
use serde_json::json;
use test_kit::PATIENCE;
use test_kit::grafana::{Plugin, Range, Source, Start, command, program};
use tonic::Code;
use tonic::codec::ProstCodec;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

async fn shut_down(plugin: &Plugin) {
    client::shutdown(plugin.channel.clone()).await.unwrap();
}

#[tokio::test]
async fn handshake_is_one_line_and_the_socket_is_private() {
    let mut plugin = Plugin::start().await;
    let parts: Vec<&str> = plugin.handshake.split('|').collect();
    assert_eq!((parts[0], parts[1], parts[2], parts[4]), ("1", "2", "unix", "grpc"));
    assert_eq!(parts.len(), 5);
    let socket = plugin.socket();
    assert!(socket.starts_with(plugin.socket_dir.path()));
    assert!(socket.to_str().unwrap().contains(&plugin.child.id().unwrap().to_string()));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    shut_down(&plugin).await;
    assert_eq!(plugin.left().await, Some(0));
    assert_eq!(plugin.stdout.next_line().await.unwrap(), None, "nothing after the handshake");
    assert!(!socket.exists(), "the socket is removed");
}

#[tokio::test]
async fn without_a_place_for_sockets_it_is_tcp_if_that_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing").to_str().unwrap().to_owned();
    let output = command(std::path::Path::new(&missing)).output();
    let output = tokio::time::timeout(PATIENCE, output).await.unwrap().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("allow_tcp = true"), "{log}");

    let env = vec![("PLUGIN_UNIX_SOCKET_DIR", missing), ("GF_PLUGIN_ALLOW_TCP", "true".to_owned())];
    let start = Start { env, ..Start::default() };
    let plugin = Plugin::start_with(start).await;
    let address = plugin.handshake.split('|').nth(3).unwrap();
    assert!(plugin.handshake.starts_with("1|2|tcp|127.0.0.1:"), "{}", plugin.handshake);
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    assert!((10_000..=25_000).contains(&port));
    assert_eq!(plugin.health(&Source::default()).await.status, 2);
}

#[tokio::test]
async fn started_by_hand_it_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |change: fn(&mut tokio::process::Command), expected: &str| {
        let mut command = command(dir.path());
        change(&mut command);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert_eq!(String::from_utf8(output.stderr).unwrap().trim_end(), expected);
    };
    check(
        |command| {
            command.env_remove("grafana_plugin_type");
        },
        "gpx_hubble: this is a Grafana plugin: Grafana starts it and speaks with it. Install its \
         folder as a plugin of Grafana instead of running it by hand.",
    )
    .await;
    check(
        |command| {
            command.env("PLUGIN_PROTOCOL_VERSIONS", "3");
        },
        "gpx_hubble: this plugin speaks version 2 of Grafana's plugin protocol, the host offers `3`.",
    )
    .await;
}

#[tokio::test]
async fn go_plugin_finds_its_services() {
    let plugin = Plugin::start().await;
    let mut health = HealthClient::new(plugin.channel.clone());
    for service in ["plugin", ""] {
        let request = HealthCheckRequest { service: service.to_owned() };
        assert_eq!(health.check(request).await.unwrap().into_inner().status, 1, "`{service}`");
    }
    // Grafana opens these streams at start and leaves them open.
    let mut grpc = tonic::client::Grpc::new(plugin.channel.clone());
    let codec = ProstCodec::<(), ()>::default;
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/plugin.GRPCStdio/StreamStdio");
    let stdio = grpc.server_streaming(tonic::Request::new(()), path, codec()).await.unwrap();
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/plugin.GRPCBroker/StartStream");
    let outgoing = tonic::Request::new(tokio_stream::pending::<()>());
    let broker = grpc.streaming(outgoing, path, codec()).await.unwrap();
    let mut grpc = tonic::client::Grpc::new(plugin.channel.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/pluginv2.Data/QueryChunkedData");
    let codec = ProstCodec::<(), ()>::default();
    let status = grpc.unary(tonic::Request::new(()), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    // Both began before that call on the same connection: what they had to say has come.
    for mut stream in [stdio.into_inner(), broker.into_inner()] {
        assert!(stream.message().now_or_never().is_none(), "silent, and open");
    }
}

#[tokio::test]
async fn open_streams_do_not_hold_the_plugin_back() {
    let mut plugin = Plugin::start().await;
    let mut grpc = tonic::client::Grpc::new(plugin.channel.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/plugin.GRPCStdio/StreamStdio");
    let codec = ProstCodec::<(), ()>::default();
    let mut stream =
        grpc.server_streaming(tonic::Request::new(()), path, codec).await.unwrap().into_inner();
    shut_down(&plugin).await;
    assert_eq!(stream.message().await.unwrap(), None, "the stream ends in good order");
    assert_eq!(plugin.left().await, Some(0));
}

#[tokio::test]
async fn sigterm_ends_it_and_removes_the_socket() {
    let mut plugin = Plugin::start().await;
    let socket = plugin.socket();
    let pid = plugin.child.id().unwrap().to_string();
    let killed = std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(killed.success());
    assert_eq!(plugin.left().await, Some(0));
    assert!(!socket.exists());
}

#[tokio::test]
async fn an_orphan_leaves_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    // A shell stands in for Grafana: it starts the plugin and is killed.
    let mut shell = tokio::process::Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{} & echo $! >&2; wait", program().display()))
        .env("grafana_plugin_type", "datasource")
        .env("PLUGIN_UNIX_SOCKET_DIR", dir.path())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut grafana = shell.spawn().unwrap();
    let mut handshake = String::new();
    let mut stdout = tokio::io::BufReader::new(grafana.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut handshake).await.unwrap();
    let socket = handshake.split('|').nth(3).unwrap().to_owned();
    assert!(std::path::Path::new(&socket).exists());
    grafana.kill().await.unwrap();
    // Its stdout ends when the last process that holds it, the plugin, is gone.
    let mut rest = String::new();
    tokio::time::timeout(PATIENCE, tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut rest))
        .await
        .expect("the orphan leaves in time")
        .unwrap();
    assert_eq!(rest, "");
    assert!(!std::path::Path::new(&socket).exists());
}

#[tokio::test]
async fn stale_sockets_are_removed_and_live_ones_kept() {
    let first = Plugin::start().await;
    let dir = tempfile::tempdir().unwrap();
    let stale = dir.path().join("gpx_hubble-1-1.sock");
    let live = dir.path().join("gpx_hubble-2-1.sock");
    let foreign = dir.path().join("gpx_other-1-1.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    drop(std::os::unix::net::UnixListener::bind(&foreign).unwrap());
    let _listener = std::os::unix::net::UnixListener::bind(&live).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_mins(1);
    for socket in [&stale, &live, &foreign] {
        // A socket cannot be opened to set its time, so touch it by name.
        let touched = std::process::Command::new("touch")
            .args(["-d", "1 minute ago", socket.to_str().unwrap()])
            .status()
            .unwrap();
        assert!(touched.success());
        assert!(
            std::fs::metadata(socket).unwrap().modified().unwrap()
                <= long_ago + Duration::from_secs(5)
        );
    }
    let second = Plugin::start_with(Start { socket_dir: Some(dir), ..Start::default() }).await;
    assert!(!stale.exists());
    assert!(live.exists());
    assert!(foreign.exists());
    assert!(first.socket().exists() && second.socket().exists());
}

#[tokio::test]
async fn any_role_is_served() {
    let plugin = Plugin::start().await;
    for role in ["None", "", "Viewer", "Editor", "Admin", "Grafana Admin", "No such role"] {
        let source = Source { role: role.to_owned(), ..Source::default() };
        assert_eq!(plugin.health(&source).await.status, 2, "`{role}` gets an answer");
        let answers = plugin
            .query(&source, Range::last_hour(), &[("A", json!({ "queryType": "flows" }))])
            .await;
        assert_eq!(answers["A"].status, 400, "`{role}` gets an answer");
    }
}

#[tokio::test]
async fn a_call_without_a_data_source() {
    let plugin = Plugin::start().await;
    let request = CheckHealthRequest { plugin_context: None, headers: BTreeMap::new() };
    let answer = client::check_health(plugin.channel.clone(), request).await.unwrap();
    assert_eq!((answer.status, answer.message.as_str()), (1, "The plugin is running."));
    let request =
        QueryDataRequest { plugin_context: None, headers: BTreeMap::new(), queries: Vec::new() };
    let status = plugin.query_data(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "the call carries no data source settings");
}

/// A request above tonic's own limit of 4 MiB still gets a readable answer.
#[tokio::test]
async fn large_requests_are_refused() {
    let plugin = Plugin::start().await;
    let check = async |path: &str, bytes: usize, status: i32, message: &str| {
        let body = vec![b' '; bytes];
        let answer = plugin.resource(&Source::default(), "POST", path, &body).await;
        assert_eq!((answer.status, &answer.json()["message"]), (status, &json!(message)), "{path}");
    };
    for path in ["variables", "convert", "flows", "api/v1/query"] {
        for bytes in [(1 << 20) + 1, 5 << 20] {
            check(path, bytes, 413, "the request is larger than 1024 KiB").await;
        }
    }
    check("variables", 1 << 20, 400, "the request is not a JSON object").await;
    let padding = " ".repeat(5 << 20);
    let query = json!({ "queryType": "flows", "filter": { "fromPod": [padding] } });
    let (status, source, message) =
        plugin.failure(&Source::default(), Range::last_hour(), query).await;
    assert_eq!((status, source.as_str()), (400, "downstream"));
    assert_eq!(message, "the query is larger than 1024 KiB");
}

#[tokio::test]
async fn too_large_a_request_is_refused_and_the_plugin_goes_on() {
    let plugin = Plugin::start().await;
    let body = vec![b' '; 65 << 20];
    let request = CallResourceRequest {
        plugin_context: Some(Source::default().context()),
        path: "variables".to_owned(),
        method: "POST".to_owned(),
        url: "variables".to_owned(),
        headers: BTreeMap::new(),
        body: body.into(),
    };
    let status = client::call_resource(plugin.channel.clone(), request).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(plugin.health(&Source::default()).await.status, 2);
}

#[tokio::test]
async fn log_lines_are_hclog_json() {
    let plugin = Plugin::start().await;
    plugin.query(&Source::default(), Range::last_hour(), &[("A", json!({}))]).await;
    let log = plugin.whole_log().await;
    assert!(log.contains("query data"), "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[key].is_string(), "{key} in {line}");
        }
    }
}

#[tokio::test]
async fn nothing_is_logged_per_request_by_default() {
    let start = Start { env: vec![("GF_PLUGIN_LOG_LEVEL", String::new())], ..Start::default() };
    let plugin = Plugin::start_with(start).await;
    plugin.health(&Source::default()).await;
    plugin.query(&Source::default(), Range::last_hour(), &[("A", json!({}))]).await;
    assert_eq!(plugin.whole_log().await, "");
}
