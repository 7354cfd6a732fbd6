//! Recorded flows of a made-up cluster and its policies.

use flow::{Endpoint, Flow, Ip, Layer4, MessageType, Tcp, TrafficDirection, Verdict};

/// Workloads of the cluster; each pair talks on four ports.
pub const WORKLOADS: u32 = 60;
const PORTS: u16 = 4;

/// `count` policies of the workloads in turns, in YAML; each lets another tier in, at `port`.
pub fn policies(count: u32, port: &str) -> String {
    let documents: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: w{number}, namespace: pets}}\nspec:\n  endpointSelector: {{matchLabels: {{app: w{}}}}}\n  ingress:\n  - fromEndpoints: [{{matchLabels: {{tier: t{}}}}}]\n    toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]\n---\n",
                number % WORKLOADS,
                (number % WORKLOADS + number / WORKLOADS) % 5
            )
        })
        .collect();
    documents.concat()
}

/// Flow with a number; consecutive flows differ in the fields that differ in real clusters.
pub fn flow(number: u32) -> Flow {
    // A step that is prime to the number of pairs goes through all of them.
    let step = number.wrapping_mul(7919);
    let (client, server) = (step % WORKLOADS, step / WORKLOADS % WORKLOADS);
    let low = u16::try_from(number % 28_000).unwrap_or(0);
    let port = 8080 + u16::try_from(number / 3 % u32::from(PORTS)).unwrap_or(0);
    Flow {
        source: Some(workload(client)),
        destination: Some(workload(server)),
        ip: Some(Ip {
            source: format!("10.0.{client}.7"),
            destination: format!("10.0.{server}.7"),
            ..Ip::default()
        }),
        l4: Some(Layer4::Tcp(Tcp {
            source_port: 32_000 + low,
            destination_port: port,
            flags: None,
        })),
        traffic_direction: TrafficDirection::Ingress,
        verdict: Verdict::Forwarded,
        event_type: Some(flow::CiliumEventType {
            message_type: MessageType::PolicyVerdict,
            sub_type: 0,
        }),
        ..Flow::default()
    }
}

fn workload(number: u32) -> Endpoint {
    Endpoint {
        identity: 1000 + number,
        namespace: "pets".to_owned(),
        labels: vec![
            format!("k8s:app=w{number}"),
            format!("k8s:tier=t{}", number % 5),
            "k8s:io.kubernetes.pod.namespace=pets".to_owned(),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
        ],
        ..Endpoint::default()
    }
}
