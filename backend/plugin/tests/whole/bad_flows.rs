//! Tests of queries that cannot be meant, and of flows that no agent should send: a clear error at
//! the right place, or the row as it is.

use std::fmt::Write as _;

use bytes::Bytes;
use hubble_api::pb::flow::{CiliumEventType, Dns, Ethernet, Http, Layer7, layer7};
use hubble_api::pb::observer::GetFlowsResponse;
use prost::Message as _;
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range};
use test_kit::now_ms;
use test_kit::relay::{self, Relay, Script};

fn flows(rest: &Value) -> Value {
    let mut query = json!({ "queryType": "flows" });
    query.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    query
}

#[tokio::test]
async fn what_hubble_would_refuse_is_refused_by_name() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let mut report = String::new();
    for query in [
        json!({ "text": "hubble observe --nmespace pets" }),
        json!({ "text": "hubble observe --ip 10.0.0.0/33" }),
        json!({ "text": "hubble observe --http-path '(?=x)'" }),
        json!({ "text": "hubble observe --http-path '('" }),
        json!({ "text": "hubble observe --reply --not-reply" }),
        json!({ "text": "hubble observe --namespace pets --pod kube-system/x" }),
        json!({ "text": "hubble observe --last 5 --first 5" }),
        json!({ "text": "hubble observe --label" }),
        json!({ "text": "hubble observe --from-label 'app in (a'" }),
        json!({ "text": "hubble observe --http-status 4000" }),
        json!({ "text": "hubble observe --since yesterday" }),
        json!({ "text": "hubble observe --port 70000" }),
        json!({ "filter": { "toIp": ["::1/129"] } }),
        json!({ "filter": { "fromLabel": ["=b"] } }),
        json!({ "filter": { "verdict": ["MAYBE"] } }),
        json!({ "filter": { "dropReasonDesc": ["Because"] } }),
        json!({ "filter": { "namespace": ["pets"] }, "until": "3h" }),
        json!({ "limit": 0 }),
        json!({ "limit": 1_000_000_000 }),
        json!({ "allowlist": ["{\"source_ip\":"] }),
        json!({ "denylist": ["{\"planet\":[\"mars\"]}"] }),
    ] {
        let (status, source, message) =
            plugin.failure(&relay.source(), Range::last_hour(), flows(&query)).await;
        assert_eq!((status, source.as_str()), (400, "downstream"), "{query}");
        writeln!(report, "{query}\n  {message}").unwrap();
    }
    assert!(relay.asked().is_empty(), "the relay is not asked");
    insta::assert_snapshot!(report);
    let now = now_ms();
    let reversed = Range { from_ms: now, to_ms: now - 1_000 };
    let (status, _, message) = plugin.failure(&relay.source(), reversed, flows(&json!({}))).await;
    assert_eq!((status, message.as_str()), (400, "the time range ends before it begins"));
}

/// The endpoints of a frame that is not IP.
const MACS: [&str; 2] = ["2e:00:00:00:00:01", "2e:00:00:00:00:02"];

/// Flows without endpoints, addresses or time, with huge labels and strange paths, repeated and in
/// any order.
fn strange(now: i64) -> Vec<GetFlowsResponse> {
    let http = |url: &str| {
        let http = Http { url: url.to_owned(), method: "GET".to_owned(), ..Http::default() };
        Layer7 { r#type: 1, record: Some(layer7::Record::Http(http)), ..Layer7::default() }
    };
    let twice = relay::flow("aks-1", now - 3_000, |_| {});
    let mut timeless = relay::flow("aks-1", now, |flow| flow.time = None);
    timeless.time = None;
    vec![
        twice.clone(),
        relay::flow("aks-1", now - 1_000, |flow| (flow.source, flow.destination) = (None, None)),
        timeless,
        relay::flow("aks-1", now - 5_000, |flow| {
            (flow.ip, flow.l4, flow.source, flow.destination) = (None, None, None, None);
            let [source, destination] = MACS.map(str::to_owned);
            flow.ethernet = Some(Ethernet { source, destination });
        }),
        relay::flow("aks-1", now - 2_000, |flow| {
            flow.source.as_mut().unwrap().labels = vec!["k8s:a=".to_owned() + &"x".repeat(65_536)];
        }),
        relay::flow("aks-1", now - 4_000, |flow| {
            flow.l7 = Some(http("http://shop/\u{fffd}\u{0}\n</script>"));
        }),
        twice,
    ]
}

#[tokio::test]
async fn strange_flows_are_shown_as_they_are() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { flows: strange(now_ms()), ..Script::default() }).await;
    let ask = async |query: Value| {
        plugin.frames(&relay.source(), Range::last_hour(), query).await.join("\n")
    };
    let table = ask(flows(&json!({}))).await;
    assert!(table.contains("(7 rows)"), "{table}");
    assert!(table.contains("1 flow has no time and is last"), "{table}");
    assert!(table.contains("</script>"), "text stays text");
    let logs = ask(flows(&json!({ "format": "logs" }))).await;
    assert!(logs.contains("(7 rows)"), "{logs}");
    let [source, destination] = MACS;
    assert!(table.contains(source) && table.contains(destination), "{table}");
    assert!(logs.contains(&format!("{source} -> {destination}")), "{logs}");
    let packed = ask(flows(&json!({ "format": "packed" }))).await;
    assert!(packed.contains("\"flows\": 7"), "{packed}");
    let counts = ask(json!({ "queryType": "flowMetrics", "format": "top" })).await;
    assert!(counts.contains("rows:\n6\n"), "{counts}");
    assert!(counts.contains("1 flow has no time and is not counted"), "{counts}");
    let map = ask(json!({ "queryType": "serviceMap" })).await;
    assert!(map.contains("name: nodes") && map.contains("name: edges"), "{map}");
    for query_type in ["flowAnnotations", "dnsConnections"] {
        let none = ask(json!({ "queryType": query_type })).await;
        assert!(none.contains("(0 rows)"), "{none}");
    }
}

/// The message with bytes in place of a text of the same length.
fn with_bytes(message: &GetFlowsResponse, text: &str, bytes: &[u8]) -> Bytes {
    assert_eq!(text.len(), bytes.len());
    let mut message = message.encode_to_vec();
    let at = message.windows(text.len()).position(|window| window == text.as_bytes());
    let at = at.expect("the text is in the message");
    message[at..at + text.len()].copy_from_slice(bytes);
    message.into()
}

#[tokio::test]
async fn texts_that_are_no_utf_8_are_shown() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let request = relay::flow("aks-1", now - 1_000, |flow| {
        let http = Http {
            url: "http://shop/PATH".to_owned(),
            method: "GET".to_owned(),
            ..Http::default()
        };
        let record = Some(layer7::Record::Http(http));
        flow.l7 = Some(Layer7 { r#type: 1, record, ..Layer7::default() });
    });
    let dns = relay::flow("aks-1", now - 2_000, |flow| {
        let dns = Dns { query: "NAME.example.".to_owned(), ..Dns::default() };
        let record = Some(layer7::Record::Dns(dns));
        flow.l7 = Some(Layer7 { r#type: 1, record, ..Layer7::default() });
    });
    let raw_flows = vec![
        with_bytes(&request, "PATH", b"\xff\xc0a\x80"),
        with_bytes(&dns, "NAME", b"n\xe2\x28\xa1"),
        with_bytes(&relay::flow("aks-1", now - 3_000, |_| {}), "store-front-0", &[0xff; 13]),
        // A flow that ends in the middle of a field.
        Bytes::from_static(b"\x0a\x03\x0a\x05a"),
    ];
    let script = Script { raw_flows, ..Script::default() };
    let relay = Relay::start(script.clone()).await;
    let ask = async |query: Value| {
        plugin.frames(&relay.source(), Range::last_hour(), query).await.join("\n")
    };
    for format in ["table", "logs"] {
        let shown = ask(flows(&json!({ "format": format }))).await;
        assert!(shown.contains("(3 rows)"), "{format}: {shown}");
        assert!(shown.contains("http://shop/\u{fffd}\u{fffd}a\u{fffd}"), "{format}: {shown}");
        assert!(shown.contains("n\u{fffd}(\u{fffd}.example"), "{format}: {shown}");
        assert!(shown.contains("1 flow cannot be read and is left out"), "{format}: {shown}");
    }
    let packed = ask(flows(&json!({ "format": "packed" }))).await;
    assert!(packed.contains("\"flows\": 3"), "{packed}");
    let by_query = json!({ "queryType": "flowMetrics", "format": "top", "groupBy": ["dnsQuery"] });
    let counts = ask(by_query).await;
    assert!(counts.contains("n\u{fffd}(\u{fffd}.example"), "{counts}");
    let names = ask(json!({ "queryType": "dnsConnections" })).await;
    assert!(names.contains("n\u{fffd}(\u{fffd}.example"), "{names}");
    for query_type in ["serviceMap", "flowAnnotations"] {
        ask(json!({ "queryType": query_type })).await;
    }
    // The filter is applied here to flows of unknown nodes; unreadable flows stay.
    let relay = Relay::start(Script { nodes: Vec::new(), ..script }).await;
    let query = flows(&json!({ "filter": { "fromIp": ["10.0.0.1"] } }));
    let shown = plugin.frames(&relay.source(), Range::last_hour(), query).await.join("\n");
    assert!(shown.contains("(3 rows)"), "{shown}");
}

#[tokio::test]
async fn a_denied_packet_with_two_records_has_a_notice() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let denied = |event_type: i32, time_ms: i64| {
        relay::flow("aks-1", time_ms, |flow| {
            flow.verdict = 2;
            flow.event_type = Some(CiliumEventType { r#type: event_type, sub_type: 0 });
        })
    };
    let flows_of = vec![denied(5, now - 1_001), denied(1, now - 1_000)];
    let relay = Relay::start(Script { flows: flows_of, ..Script::default() }).await;
    for format in ["table", "logs", "packed"] {
        let frames = plugin
            .frames(&relay.source(), Range::last_hour(), flows(&json!({ "format": format })))
            .await;
        let words = "1 denied packet listed twice: as a policy verdict and as a drop";
        assert!(frames[0].contains(words), "{format}: {}", frames[0]);
    }
}

#[tokio::test]
async fn lines_and_forms_convert_into_each_other() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let convert = async |body: Value| {
        let body = body.to_string();
        let answer = plugin.resource(&relay.source(), "POST", "convert", body.as_bytes()).await;
        (answer.status, answer.json())
    };
    let line = "hubble observe --verdict DROPPED --namespace pets --not --to-port 53";
    let (status, there) = convert(json!({ "text": format!("{line} -o json | jq .") })).await;
    assert_eq!((status, &there["text"]), (200, &json!(line)));
    let form = json!({
        "filter": { "verdict": ["DROPPED"], "namespace": ["pets"] },
        "exclude": { "toPort": ["53"] },
    });
    assert_eq!(there["form"], form);
    let (_, back) = convert(form).await;
    assert_eq!(back["text"], line);
    let (status, wrong) = convert(json!({ "text": "hubble observe --verdict MÄÄ --nope" })).await;
    assert_eq!((status, &wrong["text"]), (200, &Value::Null));
    let error = &wrong["errors"][0];
    let umlauts = (&json!(29), &json!(31));
    assert_eq!((&error["start"], &error["startByte"]), umlauts, "{wrong}");
    assert_eq!(error["text"], "unknown flag `--nope`");
    assert_eq!(wrong["errors"][1]["text"], "`--verdict`: `MÄÄ` is not a verdict");
    let (status, broken) = convert(json!({ "text": 5 })).await;
    assert_eq!(status, 400, "{broken}");
}

/// Fills a row's cells into a link's variables, as Grafana does. Every named field must be in
/// `row`.
fn filled(text: &str, row: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').unwrap();
        filled.push_str(before);
        rest = after;
        if variable == "__url_time_range" {
            filled.push_str("from=now-1h&to=now");
            continue;
        }
        let (name, format) =
            variable.strip_prefix("__data.fields['").unwrap().split_once("']").unwrap();
        let cell = row.iter().find(|(field, _)| *field == name);
        let (_, cell) = cell.unwrap_or_else(|| panic!("no field `{name}` in `{text}`"));
        match format {
            "" => filled.push_str(cell),
            ":percentencode" => filled.extend(form_urlencoded::byte_serialize(cell.as_bytes())),
            other => panic!("`{other}` in `{text}`"),
        }
    }
    filled + rest
}

fn filled_in(value: &Value, row: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => json!(filled(text, row)),
        Value::Array(items) => items.iter().map(|item| filled_in(item, row)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), filled_in(value, row)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// Requests a table of flows. The last part of the result: name and settings of each column.
async fn asked_table() -> (Plugin, Relay, Vec<(String, Value)>) {
    let plugin = Plugin::start().await;
    let script = Script { flows: strange(now_ms()), ..Script::default() };
    let relay = Relay::start(script).await;
    let frames = plugin.frames(&relay.source(), Range::last_hour(), flows(&json!({}))).await;
    let fields = frames[0].split_once("fields:\n").unwrap().1.split_once("rows:").unwrap().0;
    let fields = fields.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("- ")?.split_once(": ")?;
        let config = rest.split_once(" config ").map_or("{}", |(_, config)| config);
        Some((name.to_owned(), serde_json::from_str(config).unwrap()))
    });
    let fields = fields.collect();
    (plugin, relay, fields)
}

/// A row of the table with these addresses and ports.
fn row<'f>(
    fields: &'f [(String, Value)],
    ips: [&'static str; 2],
    ports: [&'static str; 2],
) -> Vec<(&'f str, &'static str)> {
    let of = |name: &str| match name {
        "Source IP" => ips[0],
        "Destination IP" => ips[1],
        "Source port" => ports[0],
        "Destination port" => ports[1],
        "Source namespace" | "Destination namespace" => "pets & more",
        "Source workload" | "Destination workload" => "größe=1#2",
        "Source pod" | "Destination pod" => "größe=1#2-7d8f9",
        _ => "",
    };
    fields.iter().map(|(name, _)| (name.as_str(), of(name))).collect()
}

#[tokio::test]
async fn links_of_a_flow_without_ports_or_addresses_do_not_select_everything() {
    let (plugin, relay, fields) = asked_table().await;
    let link = |field: &str, title: &str| {
        let (_, config) = fields.iter().find(|(name, _)| name == field).unwrap();
        let links = config["links"].as_array().unwrap();
        let link = links.iter().find(|link| link["title"] == title).unwrap();
        link["internal"]["query"].clone()
    };
    let ask = async |field, title, ips| {
        let query = filled_in(&link(field, title), &row(&fields, ips, ["", ""]));
        plugin.frames(&relay.source(), Range::last_hour(), query).await;
        relay.asked().last().cloned().unwrap().whitelist
    };
    // ICMP has no ports.
    let asked = ask("Reply", "The reply", ["10.0.0.1", "10.0.0.2"]).await;
    let ports = asked.iter().flat_map(|of| [&of.source_port, &of.destination_port]);
    assert_eq!((asked.len(), ports.flatten().count()), (1, 0));
    // Packets that are not IP have no addresses; a relay refuses a filter by an empty one.
    for (field, title) in [
        ("Reply", "The reply"),
        ("Destination", "This pair in both directions"),
        ("Destination", "The DNS name that led here"),
    ] {
        let asked = ask(field, title, ["", ""]).await;
        assert!(!asked.is_empty(), "{title}");
        for filter in asked {
            let ips = [filter.source_ip, filter.destination_ip].concat();
            assert!(!ips.is_empty() && ips.iter().all(String::is_empty), "{title}: {ips:?}");
        }
    }
}

#[tokio::test]
async fn rows_link_to_their_dashboards_and_flows() {
    let (plugin, relay, fields) = asked_table().await;
    let row =
        |source_ip, destination_ip| row(&fields, [source_ip, destination_ip], ["40000", "3000"]);
    let mut titles = Vec::new();
    for (_, config) in &fields {
        for link in config["links"].as_array().into_iter().flatten() {
            let title = link["title"].as_str().unwrap();
            titles.push(title);
            let url = link["url"].as_str().unwrap();
            let Some(internal) = link.get("internal") else {
                let url = filled(url, &row("10.0.0.1", "10.0.0.2"));
                let (path, query) = url.split_once('?').unwrap();
                let uid = path.strip_prefix("/d/").unwrap();
                let uid = format!("\"uid\": \"{uid}\"");
                let boards = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboards/json");
                let mut boards = std::fs::read_dir(boards)
                    .unwrap()
                    .map(|board| std::fs::read_to_string(board.unwrap().path()).unwrap());
                assert!(boards.any(|board| board.contains(&uid)), "{title}: no dashboard {uid}");
                let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
                let pairs: Vec<(&str, &str)> =
                    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
                let namespace = ("var-namespace", "pets & more");
                let of = if title.ends_with("pod") {
                    ("var-pod", "größe=1#2-7d8f9")
                } else {
                    ("var-workload", "größe=1#2")
                };
                assert_eq!(pairs, [namespace, of, ("from", "now-1h"), ("to", "now")]);
                continue;
            };
            assert_eq!((url, &internal["datasourceUid"]), ("", &json!("hubble")), "{title}");
            for (source, destination) in [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")] {
                let query = filled_in(&internal["query"], &row(source, destination));
                plugin.frames(&relay.source(), Range::last_hour(), query).await;
                let asked = relay.asked().last().cloned().unwrap();
                let addresses = asked
                    .whitelist
                    .iter()
                    .map(|filter| (filter.source_ip.concat(), filter.destination_ip.concat()));
                let addresses: Vec<(String, String)> = addresses.collect();
                let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
                let expected = match title {
                    "This pair in both directions" => {
                        vec![pair(source, destination), pair(destination, source)]
                    }
                    "The DNS name that led here" => vec![pair(source, ""), pair("", source)],
                    "The reply" => {
                        let ports = &asked.whitelist[0];
                        assert_eq!(
                            (&ports.source_port[0], &ports.destination_port[0]),
                            (&"3000".to_owned(), &"40000".to_owned())
                        );
                        vec![pair(destination, source)]
                    }
                    other => panic!("`{other}` is not known here"),
                };
                assert_eq!(addresses, expected, "{title}");
            }
        }
    }
    titles.sort_unstable();
    assert_eq!(
        titles,
        [
            "Drops of this pod",
            "Drops of this pod",
            "Drops of this workload",
            "Drops of this workload",
            "Pod flows of this pod",
            "Pod flows of this pod",
            "Pod flows of this workload",
            "Pod flows of this workload",
            "The DNS name that led here",
            "The reply",
            "This pair in both directions",
        ]
    );
}
