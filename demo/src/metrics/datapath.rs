//! Packets, bytes and connections of the datapath, in Cilium's and in Retina's words.

use flow::{DropReason, TcpFlags, TraceObservationPoint, TrafficDirection};

use super::count::series;
use super::{Amount, Family, Metrics, Slot, Value};
use crate::cluster::EndpointId;
use crate::record::{Event, Record, Transport};

impl Metrics {
    /// Packets and bytes, per node and per pod. A packet is counted where the datapath hands it
    /// on: to the pod, out of the pod, to the proxy, or where it is dropped.
    pub(super) fn datapath(&mut self, record: &Record, slots: &mut Vec<Slot>) {
        match &record.event {
            Event::Trace { point, .. } => {
                let (upper, lower, pod) = match point {
                    TraceObservationPoint::ToEndpoint => ("INGRESS", "ingress", record.destination),
                    TraceObservationPoint::ToStack | TraceObservationPoint::ToProxy => {
                        ("EGRESS", "egress", record.source)
                    }
                    // The answer of a load-balanced service goes from the pod to the wire.
                    TraceObservationPoint::ToNetwork if record.is_reply == Some(true) => {
                        ("EGRESS", "egress", record.source)
                    }
                    _ => return,
                };
                let cilium = [Value::Text(upper), Value::Text("cilium")];
                self.packets(
                    record,
                    (Family::CiliumForwardCount, Family::CiliumForwardBytes),
                    &cilium,
                    slots,
                );
                let node = [Value::Text(lower)];
                self.packets(record, (Family::ForwardCount, Family::ForwardBytes), &node, slots);
                let statistic = if lower == "ingress" { "rx_packets" } else { "tx_packets" };
                let interface = [Value::Text("eth0"), Value::Text(statistic)];
                self.one(record, Family::InterfaceStats, &interface, slots);
                if self.is_pod(pod) {
                    let values = pod_values(&[Value::Text(lower)], pod);
                    self.packets(
                        record,
                        (Family::AdvForwardCount, Family::AdvForwardBytes),
                        &values,
                        slots,
                    );
                    if let Transport::Tcp(Some(flags)) = record.transport {
                        for (flag, name) in TcpFlags::ALL {
                            if flags.contains(flag) {
                                let values = pod_values(&[Value::Text(name)], pod);
                                self.one(record, Family::AdvTcpFlagsCount, &values, slots);
                            }
                        }
                    }
                }
            }
            Event::Drop { reason } => {
                let (upper, lower, pod) = match record.direction {
                    TrafficDirection::Egress => ("EGRESS", "egress", record.source),
                    _ => ("INGRESS", "ingress", record.destination),
                };
                let text = reason.text().unwrap_or("");
                let cilium = [Value::Text(text), Value::Text(upper), Value::Text("cilium")];
                self.packets(
                    record,
                    (Family::CiliumDropCount, Family::CiliumDropBytes),
                    &cilium,
                    slots,
                );
                // Nobody answers a dropped packet; its sender's timer runs out.
                if matches!(record.transport, Transport::Tcp(_)) {
                    let timeouts = [Value::Text("tcptimeouts")];
                    self.one(record, Family::TcpConnectionStats, &timeouts, slots);
                }
                let word = snake_reason(*reason);
                let node = [Value::Text(word), Value::Text(lower)];
                self.packets(record, (Family::DropCount, Family::DropBytes), &node, slots);
                if self.is_pod(pod) {
                    let values = pod_values(&[Value::Text(word), Value::Text(lower)], pod);
                    self.packets(
                        record,
                        (Family::AdvDropCount, Family::AdvDropBytes),
                        &values,
                        slots,
                    );
                }
            }
            Event::PolicyVerdict { .. } | Event::L7 { .. } | Event::Socket { .. } => {}
        }
    }

    /// Sockets, by the answers that the connection tracker recognises.
    pub(super) fn connections(&mut self, record: &Record) {
        let (Event::Trace { .. }, Transport::Tcp(Some(flags)), Some(true)) =
            (&record.event, record.transport, record.is_reply)
        else {
            return;
        };
        let remote = match record.direction {
            TrafficDirection::Egress => record.source,
            _ => record.destination,
        };
        if flags.contains(TcpFlags::RST) {
            let values = [Value::Text("resetcount")];
            let slot = self.slot(series(record, Family::TcpConnectionStats, &values), Amount::One);
            self.apply(record, &[slot]);
        }
        let Some(connections) = self.connections.get_mut(usize::from(record.node.0)) else {
            return;
        };
        if flags.contains(TcpFlags::SYN) {
            connections.established += 1;
            *connections.by_remote.entry(remote).or_default() += 1;
        } else if flags.contains(TcpFlags::FIN) || flags.contains(TcpFlags::RST) {
            connections.established = connections.established.saturating_sub(1);
            if let Some(count) = connections.by_remote.get_mut(&remote) {
                *count = count.saturating_sub(1);
            }
            // The side that ended first waits.
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

fn pod_values(first: &[Value], pod: EndpointId) -> Vec<Value> {
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

/// Retina's spelling of a reason.
fn snake_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::POLICY_DENIED => "policy_denied",
        DropReason::POLICY_DENY => "policy_deny",
        DropReason::UNSUPPORTED_L3_PROTOCOL => "unsupported_l3_protocol",
        DropReason::STALE_OR_UNROUTABLE_IP => "stale_or_unroutable_ip",
        _ => "unknown",
    }
}
