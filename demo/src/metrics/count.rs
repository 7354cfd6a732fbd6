//! What each record adds to which counters (pkg/hubble/metrics, handler by handler).

use flow::{DropReason, TcpFlags, TraceObservationPoint, TrafficDirection, Verdict};

use super::{Context, Family, LABELS_MAX, LATENCY_BUCKETS, Metrics, Series, Value};
use crate::cluster::{EndpointId, EndpointKind};
use crate::hubble::decode::{icmpv4_type, icmpv6_type, rcode_name};
use crate::record::{Event, L7, MatchType, PolicyAction, Record, Transport};

impl Metrics {
    /// Counts a record.
    pub(crate) fn count(&mut self, record: &Record) {
        let context = self.context(record);
        let verdict = verdict(record);
        self.flows(record, context, verdict);
        self.drops(record, context, verdict);
        self.tcp_flags(record, context, verdict);
        self.icmp(record, context);
        self.ports(record, context, verdict);
        self.policy_verdicts(record, context, verdict);
        self.to_world(record, context, verdict);
        self.layer7(record, context, verdict);
        self.datapath(record);
        self.connections(record);
    }

    fn add(&mut self, record: &Record, family: Family, values: &[Value], amount: u64) {
        *self.counters.entry(series(record, family, values)).or_default() += amount;
    }

    fn context(&self, record: &Record) -> Context {
        let pod = |id: EndpointId, wanted: bool| (wanted && self.is_pod(id)).then_some(id);
        Context {
            source: pod(record.source, record.direction == TrafficDirection::Egress),
            destination: pod(record.destination, record.direction == TrafficDirection::Ingress),
            source_namespace: self.cluster.endpoint(record.source).namespace,
            destination_namespace: self.cluster.endpoint(record.destination).namespace,
        }
    }

    fn flows(&mut self, record: &Record, context: Context, verdict: Verdict) {
        let (kind, subtype) = match &record.event {
            Event::Trace { point, .. } => ("Trace", trace_point_name(*point)),
            Event::PolicyVerdict { .. } => ("PolicyVerdict", ""),
            Event::Drop { .. } => ("Drop", ""),
            Event::L7 { layer, .. } => ("L7", l7_protocol(layer)),
            // Hubble has no word for socket traces here; it prints their number.
            Event::Socket { .. } => ("Unknown", "7"),
        };
        let [source, destination, source_namespace, destination_namespace] = context.values();
        let values = [
            Value::Text(protocol(record)),
            Value::Text(kind),
            Value::Text(subtype),
            Value::Text(verdict.name().unwrap_or("")),
            source,
            destination,
            source_namespace,
            destination_namespace,
        ];
        self.add(record, Family::HubbleFlowsProcessed, &values, 1);
    }

    fn drops(&mut self, record: &Record, context: Context, verdict: Verdict) {
        if verdict != Verdict::Dropped {
            return;
        }
        let reason = drop_reason(record).name().unwrap_or("");
        let [source, destination, source_namespace, destination_namespace] = context.values();
        let values = [
            Value::Text(reason),
            Value::Text(protocol(record)),
            source,
            destination,
            source_namespace,
            destination_namespace,
        ];
        self.add(record, Family::HubbleDrop, &values, 1);
    }

    fn tcp_flags(&mut self, record: &Record, context: Context, verdict: Verdict) {
        let Transport::Tcp(Some(flags)) = record.transport else {
            return;
        };
        if !matches!(verdict, Verdict::Forwarded | Verdict::Redirected) {
            return;
        }
        let [source, destination, source_namespace, destination_namespace] = context.values();
        for flag in counted_flags(flags) {
            let values = [
                Value::Text(flag),
                Value::Text("IPv4"),
                source,
                destination,
                source_namespace,
                destination_namespace,
            ];
            self.add(record, Family::HubbleTcpFlags, &values, 1);
        }
    }

    fn icmp(&mut self, record: &Record, context: Context) {
        let (family, name) = match record.transport {
            Transport::Icmpv4 { kind, code } => ("IPv4", icmpv4_type(kind, code)),
            Transport::Icmpv6 { kind, code } => ("IPv6", icmpv6_type(kind, code)),
            Transport::Tcp(_) | Transport::Udp => return,
        };
        let [source, destination, source_namespace, destination_namespace] = context.values();
        let values = [
            Value::Text(family),
            Value::Text(name),
            source,
            destination,
            source_namespace,
            destination_namespace,
        ];
        self.add(record, Family::HubbleIcmp, &values, 1);
    }

    fn ports(&mut self, record: &Record, context: Context, verdict: Verdict) {
        if record.is_reply != Some(false)
            || !matches!(verdict, Verdict::Forwarded | Verdict::Redirected)
        {
            return;
        }
        let (protocol, port) = match record.transport {
            Transport::Tcp(_) => ("TCP", record.destination_port),
            Transport::Udp => ("UDP", record.destination_port),
            Transport::Icmpv4 { .. } => ("ICMPv4", 0),
            Transport::Icmpv6 { .. } => ("ICMPv6", 0),
        };
        let [source, destination, ..] = context.values();
        let values = [Value::Text(protocol), Value::Number(u32::from(port)), source, destination];
        self.add(record, Family::HubblePortDistribution, &values, 1);
    }

    fn policy_verdicts(&mut self, record: &Record, context: Context, verdict: Verdict) {
        let matched = match &record.event {
            // Hubble does not count what the node itself sends.
            Event::PolicyVerdict { .. }
                if self.cluster.endpoint(record.source).kind == EndpointKind::Host =>
            {
                return;
            }
            Event::PolicyVerdict { match_type, .. } => match match_type {
                MatchType::None => "none",
                MatchType::L3Only => "l3-only",
                MatchType::L3L4 => "l3-l4",
            },
            Event::L7 { layer, .. } => match l7_protocol(layer) {
                "DNS" => "l7/dns",
                _ => "l7/http",
            },
            _ => return,
        };
        let direction = match record.direction {
            TrafficDirection::Ingress => "ingress",
            TrafficDirection::Egress => "egress",
            _ => "traffic_direction_unknown",
        };
        let action = match verdict {
            Verdict::Dropped => "dropped",
            Verdict::Redirected => "redirected",
            _ => "forwarded",
        };
        let [source, destination, ..] = context.values();
        let values = [
            Value::Text(direction),
            Value::Text(matched),
            Value::Text(action),
            source,
            destination,
        ];
        self.add(record, Family::HubblePolicyVerdicts, &values, 1);
    }

    fn to_world(&mut self, record: &Record, context: Context, verdict: Verdict) {
        let destination = self.cluster.endpoint(record.destination);
        let world = destination.labels.iter().any(|label| label == "reserved:world");
        let other_drop =
            verdict == Verdict::Dropped && drop_reason(record) != DropReason::POLICY_DENIED;
        let reply = verdict != Verdict::Dropped && record.is_reply == Some(true);
        if !world || other_drop || reply {
            return;
        }
        let [source, destination, ..] = context.values();
        let values = [
            Value::Text(protocol(record)),
            Value::Text(verdict.name().unwrap_or("")),
            source,
            destination,
        ];
        self.add(record, Family::HubbleFlowsToWorld, &values, 1);
    }

    fn layer7(&mut self, record: &Record, context: Context, verdict: Verdict) {
        let Event::L7 { layer, latency_nanos, .. } = &record.event else {
            return;
        };
        match layer.as_ref() {
            L7::DnsQuery { query, qtype } => {
                let rcode = if verdict == Verdict::Dropped { "Policy denied" } else { "" };
                let name = self.name(query);
                self.dns(record, Family::HubbleDnsQueries, context, (rcode, qtype, 0, name));
                let values = [name, Value::Text(qtype)];
                self.add(record, Family::DnsRequestCount, &values, 1);
            }
            L7::DnsAnswer { query, qtype, rcode, ips, rrtypes, .. } => {
                let name = self.name(query);
                let returned = u32::try_from(ips.len()).unwrap_or(u32::MAX);
                let text = rcode_name(*rcode);
                self.dns(
                    record,
                    Family::HubbleDnsResponses,
                    context,
                    (text, qtype, returned, name),
                );
                let [source, destination, source_namespace, destination_namespace] =
                    context.values();
                for rrtype in rrtypes {
                    let values = [
                        Value::Text(rrtype),
                        Value::Text(qtype),
                        name,
                        source,
                        destination,
                        source_namespace,
                        destination_namespace,
                    ];
                    self.add(record, Family::HubbleDnsResponseTypes, &values, 1);
                }
                let code = match rcode {
                    0 => "NoError",
                    3 => "NXDomain",
                    5 => "Refused",
                    _ => "",
                };
                let response = match ips.first() {
                    Some(ip) => self.name(ip),
                    None => Value::Text(""),
                };
                let values = [
                    name,
                    Value::Text(qtype),
                    Value::Text(code),
                    Value::Number(returned),
                    response,
                ];
                self.add(record, Family::DnsResponseCount, &values, 1);
            }
            L7::HttpResponse { method, code, .. } => {
                self.http(record, method, *code, *latency_nanos);
            }
            // Version 2 of the HTTP metrics counts answers.
            L7::HttpRequest { .. } => {}
        }
    }

    fn dns(
        &mut self,
        record: &Record,
        family: Family,
        context: Context,
        (rcode, qtype, returned, name): (&'static str, &'static str, u32, Value),
    ) {
        let [source, destination, source_namespace, destination_namespace] = context.values();
        let values = [
            Value::Text(rcode),
            Value::Text(qtype),
            Value::Number(returned),
            name,
            source,
            destination,
            source_namespace,
            destination_namespace,
        ];
        self.add(record, family, &values, 1);
    }

    /// An answer: its source is the request's destination.
    fn http(&mut self, record: &Record, method: &'static str, code: u32, latency_nanos: u64) {
        let (client, server) = (record.destination, record.source);
        let reporter = match record.direction {
            TrafficDirection::Egress => "client",
            TrafficDirection::Ingress => "server",
            _ => "unknown",
        };
        let whose = [
            Value::Pod(Some(client)),
            Value::Pod(Some(server)),
            Value::LocalWorkload(client),
            Value::LocalWorkload(server),
            Value::Namespace(client),
            Value::Namespace(server),
        ];
        let mut values = vec![
            Value::Text(method),
            Value::Text("HTTP/1.1"),
            Value::Number(code),
            Value::Text(reporter),
        ];
        values.extend(whose);
        self.add(record, Family::HubbleHttpRequests, &values, 1);

        let mut values = vec![Value::Text(method), Value::Text(reporter)];
        values.extend(whose);
        let series = series(record, Family::HubbleHttpRequestDuration, &values);
        let histogram = self.latencies.entry(series).or_default();
        #[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 ns")]
        let secs = latency_nanos as f64 / 1e9;
        histogram.count += 1;
        histogram.sum_secs += secs;
        for (bound, count) in LATENCY_BUCKETS.iter().zip(&mut histogram.buckets) {
            if secs <= *bound {
                *count += 1;
                break;
            }
        }
    }

    /// Packets and bytes, per node and per pod. A packet is counted where the datapath hands it
    /// on: to the pod, out of the pod, to the proxy, or where it is dropped.
    fn datapath(&mut self, record: &Record) {
        let bytes = u64::from(record.bytes);
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
                self.add(record, Family::CiliumForwardCount, &cilium, 1);
                self.add(record, Family::CiliumForwardBytes, &cilium, bytes);
                let node = [Value::Text(lower)];
                self.add(record, Family::ForwardCount, &node, 1);
                self.add(record, Family::ForwardBytes, &node, bytes);
                if self.is_pod(pod) {
                    let values = pod_values(&[Value::Text(lower)], pod);
                    self.add(record, Family::AdvForwardCount, &values, 1);
                    self.add(record, Family::AdvForwardBytes, &values, bytes);
                    if let Transport::Tcp(Some(flags)) = record.transport {
                        for (flag, name) in TcpFlags::ALL {
                            if flags.contains(flag) {
                                let values = pod_values(&[Value::Text(name)], pod);
                                self.add(record, Family::AdvTcpFlagsCount, &values, 1);
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
                self.add(record, Family::CiliumDropCount, &cilium, 1);
                self.add(record, Family::CiliumDropBytes, &cilium, bytes);
                let word = snake_reason(*reason);
                let node = [Value::Text(word), Value::Text(lower)];
                self.add(record, Family::DropCount, &node, 1);
                self.add(record, Family::DropBytes, &node, bytes);
                if self.is_pod(pod) {
                    let values = pod_values(&[Value::Text(word), Value::Text(lower)], pod);
                    self.add(record, Family::AdvDropCount, &values, 1);
                    self.add(record, Family::AdvDropBytes, &values, bytes);
                }
            }
            Event::PolicyVerdict { .. } | Event::L7 { .. } | Event::Socket { .. } => {}
        }
    }

    /// Sockets, by the answers that the connection tracker recognises.
    fn connections(&mut self, record: &Record) {
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
            self.add(record, Family::TcpConnectionStats, &values, 1);
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

    /// Number of a DNS name or address. The cluster asks for a few dozen.
    fn name(&mut self, name: &str) -> Value {
        if let Some(&number) = self.name_numbers.get(name) {
            return Value::Name(number);
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.name_numbers.insert(name.to_owned(), number);
        Value::Name(number)
    }
}

impl Context {
    fn values(self) -> [Value; 4] {
        [
            Value::Pod(self.source),
            Value::Pod(self.destination),
            Value::Text(self.source_namespace),
            Value::Text(self.destination_namespace),
        ]
    }
}

fn series(record: &Record, family: Family, values: &[Value]) -> Series {
    let mut all = [Value::Text(""); LABELS_MAX];
    for (slot, value) in all.iter_mut().zip(values) {
        *slot = *value;
    }
    Series { node: record.node, family, values: all }
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

fn verdict(record: &Record) -> Verdict {
    match &record.event {
        Event::Trace { .. } => Verdict::Forwarded,
        Event::PolicyVerdict { action, .. } => match action {
            PolicyAction::Allowed => Verdict::Forwarded,
            PolicyAction::Redirected => Verdict::Redirected,
            PolicyAction::Denied => Verdict::Dropped,
        },
        Event::Drop { .. } => Verdict::Dropped,
        Event::L7 { denied: true, .. } => Verdict::Dropped,
        Event::L7 { denied: false, .. } => Verdict::Forwarded,
        Event::Socket { translated: true } => Verdict::Translated,
        Event::Socket { translated: false } => Verdict::Traced,
    }
}

/// A proxy's refusal has no drop reason.
fn drop_reason(record: &Record) -> DropReason {
    match &record.event {
        Event::Drop { reason } => *reason,
        Event::PolicyVerdict { action: PolicyAction::Denied, .. } => DropReason::POLICY_DENIED,
        _ => DropReason::UNKNOWN,
    }
}

/// Retina's spelling of a reason.
fn snake_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::POLICY_DENIED => "policy_denied",
        DropReason::UNSUPPORTED_L3_PROTOCOL => "unsupported_l3_protocol",
        DropReason::STALE_OR_UNROUTABLE_IP => "stale_or_unroutable_ip",
        _ => "unknown",
    }
}

/// Hubble's protocol of a flow (pkg/hubble/api/v1/flow.go).
fn protocol(record: &Record) -> &'static str {
    match (&record.event, record.transport) {
        (Event::L7 { layer, .. }, _) => l7_protocol(layer),
        (Event::Socket { .. }, _) => "Unknown flow",
        (_, Transport::Tcp(_)) => "TCP",
        (_, Transport::Udp) => "UDP",
        (_, Transport::Icmpv4 { .. }) => "ICMPv4",
        (_, Transport::Icmpv6 { .. }) => "ICMPv6",
    }
}

fn l7_protocol(layer: &L7) -> &'static str {
    match layer {
        L7::DnsQuery { .. } | L7::DnsAnswer { .. } => "DNS",
        L7::HttpRequest { .. } | L7::HttpResponse { .. } => "HTTP",
    }
}

fn trace_point_name(point: TraceObservationPoint) -> &'static str {
    match point {
        TraceObservationPoint::ToEndpoint => "to-endpoint",
        TraceObservationPoint::ToProxy => "to-proxy",
        TraceObservationPoint::ToStack => "to-stack",
        TraceObservationPoint::FromEndpoint => "from-endpoint",
        TraceObservationPoint::FromNetwork => "from-network",
        TraceObservationPoint::ToNetwork => "to-network",
        _ => "unknown",
    }
}

/// Flags that Hubble counts; an acknowledged SYN is one of its own.
fn counted_flags(flags: TcpFlags) -> impl Iterator<Item = &'static str> {
    let syn = match (flags.contains(TcpFlags::SYN), flags.contains(TcpFlags::ACK)) {
        (true, true) => Some("SYN-ACK"),
        (true, false) => Some("SYN"),
        (false, _) => None,
    };
    let fin = flags.contains(TcpFlags::FIN).then_some("FIN");
    let rst = flags.contains(TcpFlags::RST).then_some("RST");
    fin.into_iter().chain(syn).chain(rst)
}
