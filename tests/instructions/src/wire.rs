//! Messages of a relay, as they come over the wire.

use hubble_api::pb::flow::{
    Endpoint, Flow, Http, HttpHeader, Ip, Layer4, Layer7, Tcp, Workload, layer4, layer7,
};
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;

/// Flows of about a kilobyte: five labels for each endpoint, one in seven with an HTTP request.
pub fn messages(count: usize) -> Vec<GetFlowsResponse> {
    (0..count).map(flow).collect()
}

fn flow(index: usize) -> GetFlowsResponse {
    let second = i64::try_from(index / 100).unwrap_or_default();
    let time = Some(prost_types::Timestamp { seconds: 1_790_000_000 + second, nanos: 0 });
    let end = |workload: &str, number: usize| {
        let labels = ["io.kubernetes.pod.namespace=pets", "io.cilium.k8s.policy.cluster=aks"];
        let mut labels: Vec<String> = labels.iter().map(|label| format!("k8s:{label}")).collect();
        labels.push(format!("k8s:app={workload}"));
        labels.push("k8s:io.cilium.k8s.policy.serviceaccount=default".to_owned());
        labels
            .push("k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=pets".to_owned());
        Some(Endpoint {
            id: 100,
            identity: u32::try_from(10_000 + number).unwrap_or_default(),
            namespace: "pets".to_owned(),
            labels,
            pod_name: format!("{workload}-7d4b8c6f5-{number:05}"),
            workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
            ..Endpoint::default()
        })
    };
    let tcp = Tcp { source_port: 40_000, destination_port: 8_080, ..Tcp::default() };
    let http = (index.is_multiple_of(7)).then(|| Layer7 {
        r#type: 1,
        record: Some(layer7::Record::Http(Http {
            method: "GET".to_owned(),
            url: format!("http://order-service:3000/orders/{index}"),
            protocol: "HTTP/1.1".to_owned(),
            headers: vec![HttpHeader { key: "X-Request-Id".to_owned(), value: index.to_string() }],
            ..Http::default()
        })),
        ..Layer7::default()
    });
    let flow = Flow {
        time,
        uuid: format!("0f0e0d0c-0b0a-4908-8706-{index:012}"),
        verdict: if index.is_multiple_of(10) { 2 } else { 1 },
        ip: Some(Ip {
            source: format!("10.244.1.{}", index % 250),
            destination: format!("10.244.2.{}", index % 199),
            ip_version: 1,
            ..Ip::default()
        }),
        l4: Some(Layer4 { protocol: Some(layer4::Protocol::Tcp(tcp)) }),
        source: end("store-front", index % 40),
        destination: end("order-service", index % 30),
        r#type: if http.is_some() { 2 } else { 1 },
        l7: http,
        node_name: format!("aks-nodepool1-{}", index % 5),
        traffic_direction: 1,
        is_reply: Some(index % 2 == 1),
        ..Flow::default()
    };
    let node_name = flow.node_name.clone();
    GetFlowsResponse { node_name, time, response_types: Some(ResponseTypes::Flow(flow)) }
}
