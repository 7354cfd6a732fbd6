//! Packets, bytes and connections of the datapath, in Cilium's and in Retina's metrics.

use flow::{DropReason, TcpFlags, TraceObservationPoint, TrafficDirection};

use super::{CounterSlot, Family, Metrics, Value};
use crate::cluster::EndpointId;
use crate::record::{Event, EventRecord, Transport};

impl Metrics {
    /// Packets and bytes, per node and per pod. A packet is counted where the datapath forwards it
    /// (to the pod, out of the pod, to the proxy) or drops it.
    pub(super) fn datapath(&mut self, record: &EventRecord, slots: &mut Vec<CounterSlot>) {
        match &record.event {
            Event::Trace { point, .. } => {
                let upper = match point {
                    TraceObservationPoint::ToEndpoint => "INGRESS",
                    TraceObservationPoint::ToStack | TraceObservationPoint::ToProxy => "EGRESS",
                    // The answer of a load-balanced service goes from the pod to the network.
                    TraceObservationPoint::ToNetwork if record.is_reply == Some(true) => "EGRESS",
                    _ => return,
                };
                let cilium = [Value::Text(upper), Value::Text("cilium")];
                let families = (Family::CiliumForwardCount, Family::CiliumForwardBytes);
                self.packets(record, families, &cilium, slots);
                let is_ingress = upper == "INGRESS";
                let lower = if is_ingress { "ingress" } else { "egress" };
                let node = [Value::Text(lower)];
                self.packets(record, (Family::ForwardCount, Family::ForwardBytes), &node, slots);
                let statistic = if is_ingress { "rx_packets" } else { "tx_packets" };
                let interface = [Value::Text(ALL_INTERFACES), Value::Text(statistic)];
                self.one(record, Family::InterfaceStats, &interface, slots);
                for (direction, pod) in self.local_pods(record) {
                    let values = pod_values(&[Value::Text(direction)], pod);
                    let families = (Family::AdvForwardCount, Family::AdvForwardBytes);
                    self.packets(record, families, &values, slots);
                    let Transport::Tcp(Some(flags)) = record.transport else { continue };
                    for name in retina_flags(flags) {
                        let values = pod_values(&[Value::Text(name)], pod);
                        self.one(record, Family::AdvTcpFlagsCount, &values, slots);
                    }
                }
            }
            Event::Drop { reason } => {
                let upper = match record.direction {
                    TrafficDirection::Egress => "EGRESS",
                    _ => "INGRESS",
                };
                let text = reason.text().unwrap_or("");
                let cilium = [Value::Text(text), Value::Text(upper), Value::Text("cilium")];
                let families = (Family::CiliumDropCount, Family::CiliumDropBytes);
                self.packets(record, families, &cilium, slots);
                // A dropped packet gets no answer; its sender's timer expires.
                if matches!(record.transport, Transport::Tcp(_)) {
                    let timeouts = [Value::Text("TCPTimeouts")];
                    self.one(record, Family::TcpConnectionStats, &timeouts, slots);
                }
                let word = Value::Text(retina_reason(*reason));
                // Only a failed connection has a direction in this metric.
                let node = [word, Value::Text("unknown")];
                self.packets(record, (Family::DropCount, Family::DropBytes), &node, slots);
                for (direction, pod) in self.local_pods(record) {
                    let values = pod_values(&[word, Value::Text(direction)], pod);
                    let families = (Family::AdvDropCount, Family::AdvDropBytes);
                    self.packets(record, families, &values, slots);
                }
            }
            Event::PolicyVerdict { .. } | Event::L7 { .. } | Event::Socket { .. } => {}
        }
    }

    /// The pods of the record's node for which Retina counts it, with the direction as each pod
    /// sees it.
    fn local_pods(
        &self,
        record: &EventRecord,
    ) -> impl Iterator<Item = (&'static str, EndpointId)> + use<> {
        [("egress", record.source), ("ingress", record.destination)]
            .map(|(direction, pod)| self.is_local_pod(record, pod).then_some((direction, pod)))
            .into_iter()
            .flatten()
    }

    pub(super) fn is_local_pod(&self, record: &EventRecord, pod: EndpointId) -> bool {
        self.is_pod(pod) && self.cluster.endpoint(pod).node == Some(record.node)
    }

    /// Sockets, counted by the replies that the connection tracker recognises.
    pub(super) fn connections(&mut self, record: &EventRecord) {
        let (Event::Trace { .. }, Transport::Tcp(Some(flags)), Some(true)) =
            (&record.event, record.transport, record.is_reply)
        else {
            return;
        };
        let Some(connections) = self.connections.get_mut(usize::from(record.node.0)) else {
            return;
        };
        if flags.contains(TcpFlags::SYN) {
            connections.established += 1;
        } else if flags.contains(TcpFlags::FIN) || flags.contains(TcpFlags::RST) {
            connections.established = connections.established.saturating_sub(1);
            // The endpoint that ends first stays in TIME_WAIT.
            if record.direction == TrafficDirection::Egress && flags.contains(TcpFlags::FIN) {
                let second = record.time_nanos.div_euclid(1_000_000_000);
                match connections.ended.back_mut() {
                    Some((last, count)) if *last >= second => *count += 1,
                    _ => connections.ended.push_back((second, 1)),
                }
                while connections.ended.len() > 60 {
                    connections.ended.pop_front();
                }
            }
        }
    }
}

/// Interface label of Retina: the sum over all of a node's interfaces.
pub(super) const ALL_INTERFACES: &str = "all_interfaces";

/// Labels of Retina's local context, after `first`.
pub(super) fn pod_values(first: &[Value], pod: EndpointId) -> Vec<Value> {
    let mut values = first.to_vec();
    values.extend([
        Value::Address(pod),
        Value::Namespace(pod),
        Value::PodName(pod),
        Value::WorkloadKind(pod),
        Value::WorkloadName(pod),
    ]);
    values
}

/// Retina's drop reason: a policy denial appears as a rule of iptables.
fn retina_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::POLICY_DENIED | DropReason::POLICY_DENY => "IPTABLE_RULE_DROP",
        _ => "UNKNOWN_DROP",
    }
}

/// Retina's names of a packet's flags; SYN with ACK has its own.
fn retina_flags(flags: TcpFlags) -> impl Iterator<Item = &'static str> {
    let first = match (flags.contains(TcpFlags::SYN), flags.contains(TcpFlags::ACK)) {
        (true, true) => Some("SYNACK"),
        (true, false) => Some("SYN"),
        (false, true) => Some("ACK"),
        (false, false) => None,
    };
    let others = [(TcpFlags::FIN, "FIN"), (TcpFlags::RST, "RST"), (TcpFlags::PSH, "PSH")];
    let others = others.into_iter().filter(move |(flag, _)| flags.contains(*flag));
    first.into_iter().chain(others.map(|(_, name)| name))
}
