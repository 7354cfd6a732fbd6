//! Tests of drop annotations and of DNS names with the connections that followed, over a relay.

use hubble_api::pb::flow::{
    CiliumEventType, Dns, L7FlowType, Layer4, Layer7, Tcp, Udp, layer4, layer7,
};
use hubble_api::pb::observer::GetFlowsResponse;
use serde_json::{Value, json};
use test_kit::frame::Frame;
use test_kit::grafana::{Plugin, Range};
use test_kit::now_ms;
use test_kit::relay::{self, Relay, Script};

const DROPPED: i32 = 2;
const POLICY_DENIED: i32 = 133;

fn denied(time_ms: i64, port: u32, event_type: i32) -> GetFlowsResponse {
    relay::flow("aks-1", time_ms, |flow| {
        flow.verdict = DROPPED;
        flow.drop_reason_desc = POLICY_DENIED;
        flow.event_type = Some(CiliumEventType { r#type: event_type, sub_type: 0 });
        let tcp = Tcp { source_port: 40_000, destination_port: port, ..Tcp::default() };
        flow.l4 = Some(Layer4 { protocol: Some(layer4::Protocol::Tcp(tcp)) });
    })
}

#[tokio::test]
async fn the_first_drop_of_each_pair_is_an_event() {
    let plugin = Plugin::start().await;
    let start = now_ms() - 60_000;
    let hostile = relay::flow("aks-1", start + 3_000, |flow| {
        flow.verdict = DROPPED;
        flow.source.as_mut().unwrap().pod_name = "<img src=x>".to_owned();
    });
    let flows = vec![
        denied(start + 5_000, 3_000, 1),
        // One packet, two records.
        denied(start + 2_000, 3_000, 5),
        denied(start + 2_001, 3_000, 1),
        denied(start + 1_000, 443, 1),
        relay::flow("aks-1", start, |_| {}),
        hostile,
    ];
    let oldest = vec![relay::flow("aks-1", start - 7_200_000, |_| {})];
    let relay = Relay::start(Script { flows, oldest, ..Script::default() }).await;
    let range = Range { from_ms: start - 1_000, to_ms: start + 60_000 };
    let query = json!({ "queryType": "flowAnnotations", "text": "hubble observe -n pets" });
    let frames = plugin.frames(&relay.source(), range, query).await;
    let rows: Vec<&str> = frames[0].split_once("rows:\n").unwrap().1.lines().collect();
    let nanos = |after: i64| (start + after) * 1_000_000;
    let expected = [
        format!(
            "{} | POLICY_DENIED: pets/store-front-0 to pets/order-service-0 | port 443 TCP 1 packet dropped | POLICY_DENIED,pets",
            nanos(1_000)
        ),
        format!(
            "{} | POLICY_DENIED: pets/store-front-0 to pets/order-service-0 | port 3000 TCP 2 packets dropped within 3 s | POLICY_DENIED,pets",
            nanos(2_000)
        ),
        format!(
            "{} | DROPPED: pets/&lt;img src=x&gt; to pets/order-service-0 | port 3000 TCP 1 packet dropped | DROPPED,pets",
            nanos(3_000)
        ),
        "(3 rows)".to_owned(),
    ];
    assert_eq!(rows, expected);
    assert!(!frames[0].contains("timeEnd"), "points, not regions: {}", frames[0]);
    let asked = relay.asked()[0].clone();
    assert!(asked.whitelist.iter().all(|filter| filter.verdict == [DROPPED]), "{asked:?}");

    let query = json!({ "queryType": "flowAnnotations", "limit": 1 });
    let frames = plugin.frames(&relay.source(), range, query).await;
    assert!(frames[0].contains("showing the 1 pair with the most drops of 3"), "{}", frames[0]);
    assert!(frames[0].contains("port 3000 TCP 2 packets") && frames[0].contains("(1 rows)"));
}

fn dns(time_ms: i64, name: &str, rcode: u32, ips: &[&str], kind: L7FlowType) -> GetFlowsResponse {
    relay::flow("aks-1", time_ms, |flow| {
        let record = Dns {
            query: format!("{name}."),
            rcode,
            ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
            ..Dns::default()
        };
        flow.l7 = Some(Layer7 {
            r#type: kind.into(),
            record: Some(layer7::Record::Dns(record)),
            ..Layer7::default()
        });
        let udp = Udp { source_port: 40_000, destination_port: 53 };
        flow.l4 = Some(Layer4 { protocol: Some(layer4::Protocol::Udp(udp)) });
        if rcode == 5 {
            flow.verdict = DROPPED;
        }
        if kind == L7FlowType::Response {
            flow.destination = flow.source.take();
            flow.is_reply = Some(true);
            flow.verdict = 1;
        }
    })
}

fn connection(time_ms: i64, ip: &str) -> GetFlowsResponse {
    relay::flow("aks-1", time_ms, |flow| {
        ip.clone_into(&mut flow.ip.as_mut().unwrap().destination);
        flow.destination = None;
        let tcp = Tcp { source_port: 40_000, destination_port: 443, ..Tcp::default() };
        flow.l4 = Some(Layer4 { protocol: Some(layer4::Protocol::Tcp(tcp)) });
    })
}

/// The relevant columns: client, name, answer, addresses, connection, verdict, delay.
fn story(table: &Frame) -> Vec<String> {
    let fields = table.fields();
    let columns = [5, 1, 2, 10, 3, 13, 4].map(|index| table.cells(&fields[index]));
    (0..table.len())
        .map(|row| columns.each_ref().map(|cells| cells[row].as_str()).join(" | "))
        .collect()
}

#[tokio::test]
async fn a_name_and_the_connection_that_followed() {
    use L7FlowType::{Request, Response};
    let plugin = Plugin::start().await;
    let start = now_ms() - 60_000;
    let mut flows = vec![
        dns(start, "www.microsoft.com", 0, &[], Request),
        dns(start + 10, "www.microsoft.com", 0, &["23.192.18.101"], Response),
        connection(start + 15, "23.192.18.101"),
        dns(start + 1_000, "api.github.com", 5, &[], Request),
        dns(start + 1_001, "api.github.com", 5, &[], Response),
        dns(start + 2_000, "nope.example", 3, &[], Response),
    ];
    let oldest = vec![relay::flow("aks-1", start - 7_200_000, |_| {})];
    let script = Script { flows: flows.clone(), oldest: oldest.clone(), ..Script::default() };
    let relay = Relay::start(script).await;
    let range = Range { from_ms: start - 1_000, to_ms: start + 60_000 };
    let query =
        json!({ "queryType": "dnsConnections", "filter": { "fromWorkload": ["store-front"] } });
    let frames = plugin.tables(&relay.source(), range, query.clone()).await;
    let tried = "pets/store-front-0 | www.microsoft.com | No Error | 23.192.18.101 | 23.192.18.101:443 TCP | FORWARDED | 5";
    assert_eq!(
        story(&frames[0]),
        [
            "pets/store-front-0 | nope.example | Non-Existent Domain | null | never tried | null | null",
            "pets/store-front-0 | api.github.com | refused by policy | null | never tried | null | null",
            tried,
        ]
    );
    let asked = relay.asked()[0].clone();
    let [own, answers] = asked.whitelist.as_slice() else { panic!("{asked:?}") };
    assert_eq!(own.source_workload, answers.destination_workload, "answers go the other way");
    assert_eq!(answers.protocol, ["dns"]);

    let by_ip = json!({ "queryType": "dnsConnections", "ip": "23.192.18.101" });
    let frames = plugin.tables(&relay.source(), range, by_ip).await;
    assert_eq!(story(&frames[0]), [tried]);

    // The lost event may have been the connection.
    flows.push(relay::lost("aks-1", 3, 2));
    let relay = Relay::start(Script { flows, oldest, ..Script::default() }).await;
    let frames = plugin.tables(&relay.source(), range, query).await;
    assert!(story(&frames[0])[1].contains("| none seen |"), "{:?}", frames[0]);
}

#[tokio::test]
async fn dns_packets_without_names_have_a_notice() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let packet = relay::flow("aks-1", now - 1_000, |flow| {
        let udp = Udp { source_port: 40_000, destination_port: 53 };
        flow.l4 = Some(Layer4 { protocol: Some(layer4::Protocol::Udp(udp)) });
    });
    let relay = Relay::start(Script { flows: vec![packet], ..Script::default() }).await;
    let query = json!({ "queryType": "dnsConnections" });
    let frames = plugin.frames(&relay.source(), Range::last_hour(), query).await;
    assert!(frames[0].contains("1 packet to port 53, but no DNS names"), "{}", frames[0]);
    assert!(frames[0].contains("(0 rows)"), "{}", frames[0]);
}

/// The link of the field that has one, and the filters of the link for each row.
fn link_and_rows(table: &Frame) -> (Value, Vec<[String; 2]>) {
    let link = table.config("flows_there")["links"][0].clone();
    let back = table.cells("flows_back");
    (link, table.cells("flows_there").into_iter().zip(back).map(Into::into).collect())
}

#[tokio::test]
async fn nodes_and_edges_of_a_map_link_to_their_flows() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let nowhere = relay::flow("aks-1", now - 1_000, |flow| {
        (flow.source, flow.destination) = (None, None);
    });
    let flows = vec![relay::flow("aks-1", now - 2_000, |_| {}), nowhere];
    let relay = Relay::start(Script { flows, ..Script::default() }).await;
    let map = json!({ "queryType": "serviceMap", "by": "pod" });
    let frames = plugin.tables(&relay.source(), Range::last_hour(), map).await;
    assert_eq!(frames.len(), 2);

    let (front, order) = ("pets/store-front-0", "pets/order-service-0");
    for (frame, expected) in frames.iter().zip([
        vec![[(front, ""), ("", front)], [(order, ""), ("", order)]],
        vec![[(front, order), (order, front)]],
    ]) {
        let (link, rows) = link_and_rows(frame);
        assert_eq!(link["title"], "The flows behind it");
        let query = &link["internal"]["query"];
        assert_eq!(query["allowlist"][0], "${__data.fields['flows_there']}");
        assert_eq!(query["allowlist"][1], "${__data.fields['flows_back']}");
        let (unnamed, named) = rows.split_last().unwrap();
        for (filters, expected) in named.iter().zip(&expected) {
            let mut query = query.clone();
            query["allowlist"] = json!(filters);
            plugin.frames(&relay.source(), Range::last_hour(), query).await;
            let asked = relay.asked().last().cloned().unwrap().whitelist;
            let pods: Vec<(String, String)> = asked
                .iter()
                .map(|filter| (filter.source_pod.concat(), filter.destination_pod.concat()))
                .collect();
            let expected = expected.map(|(from, to)| (from.to_owned(), to.to_owned()));
            assert_eq!(pods, expected);
        }
        assert_eq!(named.len(), expected.len(), "{frame:?}");
        // A value that no filter can express is an error and does not select every flow.
        let mut query = query.clone();
        query["allowlist"] = json!(unnamed);
        let (status, _, message) = plugin.failure(&relay.source(), Range::last_hour(), query).await;
        assert_eq!(
            (status, message.as_str()),
            (
                400,
                "`allowlist`: `flow.FlowFilter.endpoints of several kinds, which no single filter selects` is not known"
            )
        );
    }
}
