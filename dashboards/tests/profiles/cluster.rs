//! Metrics beside Hubble's: the agents' own packet counts, lost events, and the inventory of
//! kube-state-metrics.

use std::collections::{BTreeMap, BTreeSet};

use crate::flows::{DROP, Flow, SAMPLES, TRACE};
use crate::retina::PACKET_BYTES;
use crate::series::{Labels, Series, Tally, labels};

/// `cilium_forward_*` and `cilium_drop_*`: each trace is a forwarded packet, each drop a dropped
/// one; policy verdicts are not packets.
pub(crate) fn agents(flows: &[Flow]) -> Series {
    let mut tally = Tally::from(&flows[0]);
    for flow in flows {
        let (family, labels) = match flow.event_type.kind {
            TRACE => {
                let to_pod = flow.trace_observation_point == "TO_ENDPOINT";
                ("forward", labels([("direction", if to_pod { "INGRESS" } else { "EGRESS" })]))
            }
            DROP => {
                let reason = match flow.drop_reason_desc.as_str() {
                    "POLICY_DENIED" => "Policy denied",
                    "UNSUPPORTED_L3_PROTOCOL" => "Unsupported L3 protocol",
                    "STALE_OR_UNROUTABLE_IP" => "Stale or unroutable IP",
                    other => panic!("no text for {other}"),
                };
                let of = [("direction", flow.traffic_direction.as_str()), ("reason", reason)];
                ("drop", labels(of))
            }
            _ => continue,
        };
        let mut add = |unit: &str, amount| {
            let mut labels = labels.clone();
            labels.insert("instance".to_owned(), flow.node().to_owned());
            tally.add(flow, &format!("cilium_{family}_{unit}_total"), labels, amount);
        };
        add("count", 1.0);
        add("bytes", PACKET_BYTES);
    }
    tally.series()
}

/// The buffer that agents before Cilium 1.20 report as full.
pub(crate) const FULL_BUFFER: &str = "hubble_ring_buffer";

/// Number of events that each node counts as lost in an act without a loss: three per scrape
/// interval.
pub(crate) const LOST: f64 = 39.0;

/// Lost events of each node.
pub(crate) fn lost_events(flows: &[Flow]) -> Series {
    let mut series = Series::new();
    for node in nodes(flows) {
        let labels = labels([("instance", node), ("source", FULL_BUFFER)]);
        let mut total = 0.0;
        let samples = [(); SAMPLES].map(|()| {
            total += LOST / f64::from(u8::try_from(SAMPLES).unwrap());
            Some(total)
        });
        series.insert(("hubble_lost_events_total".to_owned(), labels), samples);
    }
    series
}

/// Nodes and pods, as kube-state-metrics exports them.
pub(crate) fn inventory(flows: &[Flow]) -> Series {
    let mut series = Series::new();
    let mut one = |name: &str, labels: Labels| {
        series.insert((name.to_owned(), labels), [Some(1.0); SAMPLES]);
    };
    for node in nodes(flows) {
        one("kube_node_info", labels([("node", node), ("internal_ip", &address(node))]));
    }
    for ((namespace, pod), (node, kind, workload)) in pods(flows) {
        let (kind, owner) = match kind {
            "Deployment" => ("ReplicaSet", pod.rsplit_once('-').map_or(pod, |(owner, _)| owner)),
            kind => (kind, workload),
        };
        one(
            "kube_pod_info",
            labels([
                ("namespace", namespace),
                ("pod", pod),
                ("node", node),
                ("created_by_kind", kind),
                ("created_by_name", owner),
            ]),
        );
    }
    series
}

/// The node's address, derived from its number.
pub(crate) fn address(node: &str) -> String {
    let number = node.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or_default();
    format!("10.224.0.{}", 4 + number)
}

pub(crate) fn nodes(flows: &[Flow]) -> BTreeSet<&str> {
    flows.iter().map(Flow::node).collect()
}

type Pods<'a> = BTreeMap<(&'a str, &'a str), (&'a str, &'a str, &'a str)>;

/// Pods with workloads: their node and their owner.
fn pods(flows: &[Flow]) -> Pods<'_> {
    let mut pods = Pods::new();
    for flow in flows {
        for end in [&flow.source, &flow.destination] {
            if let Some(workload) = end.workloads.first().filter(|_| end.is_local_pod()) {
                let is = (flow.node(), workload.kind.as_str(), workload.name.as_str());
                pods.insert((&end.namespace, &end.pod_name), is);
            }
        }
    }
    pods
}
