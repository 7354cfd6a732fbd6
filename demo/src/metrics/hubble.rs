//! Hubble's own families (`pkg/hubble/metrics`, handler by handler).

use cilium_policy::MatchType;
use flow::summary::dns_rcode_name;
use flow::{DropReason, TcpFlags, TraceObservationPoint, TrafficDirection, Verdict};

use super::count::{drop_reason, series};
use super::datapath::pod_values;
use super::{Context, CounterSlot, Family, LATENCY_BUCKETS, Metrics, Value};
use crate::cluster::{EndpointId, EndpointKind};
use crate::hubble::decode::{icmpv4_type, icmpv6_type};
use crate::record::{Event, EventRecord, L7, Transport};

impl Metrics {
    pub(super) fn flows(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        let (kind, subtype) = match &record.event {
            Event::Trace { point, .. } => ("Trace", trace_point_name(*point)),
            Event::PolicyVerdict { .. } => ("PolicyVerdict", ""),
            Event::Drop { .. } => ("Drop", ""),
            Event::L7 { layer, .. } => ("L7", l7_protocol(layer)),
            // Hubble's metric has no name for socket traces; it prints their number.
            Event::Socket { .. } => ("Unknown", "7"),
        };
        let [source, destination] = context.values();
        let values = [
            Value::Text(protocol(record)),
            Value::Text(kind),
            Value::Text(subtype),
            Value::Text(verdict.name().unwrap_or("")),
            source,
            destination,
        ];
        self.one(record, Family::HubbleFlowsProcessed, &values, slots);
    }

    pub(super) fn drops(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        if verdict != Verdict::Dropped {
            return;
        }
        let reason = drop_reason(record).name().unwrap_or("");
        let [source, destination] = context.values();
        let values = [Value::Text(reason), Value::Text(protocol(record)), source, destination];
        self.one(record, Family::HubbleDrop, &values, slots);
    }

    pub(super) fn tcp_flags(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        let Transport::Tcp(Some(flags)) = record.transport else {
            return;
        };
        if !matches!(verdict, Verdict::Forwarded | Verdict::Redirected) {
            return;
        }
        let [source, destination] = context.values();
        for flag in counted_flags(flags) {
            let values = [Value::Text(flag), Value::Text("IPv4"), source, destination];
            self.one(record, Family::HubbleTcpFlags, &values, slots);
        }
    }

    pub(super) fn icmp(
        &mut self,
        record: &EventRecord,
        context: Context,
        slots: &mut Vec<CounterSlot>,
    ) {
        let (family, name) = match record.transport {
            Transport::Icmpv4 { kind, code } => ("IPv4", icmpv4_type(kind, code)),
            Transport::Icmpv6 { kind, code } => ("IPv6", icmpv6_type(kind, code)),
            Transport::Tcp(_) | Transport::Udp => return,
        };
        let [source, destination] = context.values();
        let values = [Value::Text(family), Value::Text(name), source, destination];
        self.one(record, Family::HubbleIcmp, &values, slots);
    }

    pub(super) fn ports(
        &mut self,
        record: &EventRecord,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
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
        let values = [Value::Text(protocol), Value::Number(u32::from(port))];
        self.one(record, Family::HubblePortDistribution, &values, slots);
    }

    pub(super) fn policy_verdicts(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        let matched = match &record.event {
            // Hubble does not count the node's own packets.
            Event::PolicyVerdict { .. }
                if self.cluster.endpoint(record.source).kind == EndpointKind::Host =>
            {
                return;
            }
            Event::PolicyVerdict { match_type, .. } => match match_type {
                None => "none",
                Some(MatchType::L3Only) => "l3-only",
                Some(MatchType::L3L4) => "l3-l4",
                Some(MatchType::L4Only) => "l4-only",
                Some(MatchType::All) => "all",
                Some(MatchType::L3Protocol) => "l3-proto",
                Some(MatchType::ProtocolOnly) => "proto-only",
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
        let [source, destination] = context.values();
        let values = [
            Value::Text(direction),
            Value::Text(matched),
            Value::Text(action),
            source,
            destination,
        ];
        self.one(record, Family::HubblePolicyVerdicts, &values, slots);
    }

    pub(super) fn flows_to_world(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        let destination = self.cluster.endpoint(record.destination);
        let world = destination.labels.iter().any(|label| label == "reserved:world");
        let other_drop =
            verdict == Verdict::Dropped && drop_reason(record) != DropReason::POLICY_DENIED;
        let reply = verdict != Verdict::Dropped && record.is_reply == Some(true);
        if !world || other_drop || reply {
            return;
        }
        let [source, _] = context.values();
        let values = [
            Value::Text(protocol(record)),
            Value::Text(verdict.name().unwrap_or("")),
            Value::Number(u32::from(record.destination_port)),
            source,
        ];
        self.one(record, Family::HubbleFlowsToWorld, &values, slots);
    }

    pub(super) fn layer7(
        &mut self,
        record: &EventRecord,
        context: Context,
        verdict: Verdict,
        slots: &mut Vec<CounterSlot>,
    ) {
        let Event::L7 { layer, latency_nanos, .. } = &record.event else {
            return;
        };
        match layer.as_ref() {
            L7::DnsQuery { query, qtype } => {
                let rcode = if verdict == Verdict::Dropped { "Policy denied" } else { "" };
                let name = self.name(query);
                self.dns(record, Family::HubbleDnsQueries, context, (rcode, qtype, 0, name), slots);
                if verdict != Verdict::Dropped {
                    let values = [Value::Text(qtype), name];
                    self.retina_dns(record, record.source, RETINA_REQUESTS, &values, slots);
                }
            }
            L7::DnsAnswer { query, qtype, rcode, ips, rrtypes, .. } => {
                let name = self.name(query);
                let returned = u32::try_from(ips.len()).unwrap_or(u32::MAX);
                let text = dns_rcode_name(*rcode).unwrap_or("");
                self.dns(
                    record,
                    Family::HubbleDnsResponses,
                    context,
                    (text, qtype, returned, name),
                    slots,
                );
                let [source, destination] = context.values();
                for rrtype in rrtypes {
                    let values =
                        [Value::Text(rrtype), Value::Text(qtype), name, source, destination];
                    self.one(record, Family::HubbleDnsResponseTypes, &values, slots);
                }
                let code = match rcode {
                    0 => "NOERROR",
                    2 => "SERVFAIL",
                    3 => "NXDOMAIN",
                    5 => "REFUSED",
                    _ => "",
                };
                let response = self.name(&ips.join(","));
                let values = [
                    Value::Text(code),
                    Value::Text(qtype),
                    name,
                    response,
                    Value::Number(returned),
                ];
                self.retina_dns(record, record.destination, RETINA_ANSWERS, &values, slots);
            }
            L7::HttpResponse { method, code, .. } => {
                self.http(record, method, *code, *latency_nanos, slots);
            }
            // Version 2 of the HTTP metrics counts answers only.
            L7::HttpRequest { .. } => {}
        }
    }

    fn dns(
        &mut self,
        record: &EventRecord,
        family: Family,
        context: Context,
        (rcode, qtype, returned, name): (&'static str, &'static str, u32, Value),
        slots: &mut Vec<CounterSlot>,
    ) {
        let [source, destination] = context.values();
        let values = [
            Value::Text(rcode),
            Value::Text(qtype),
            Value::Number(returned),
            name,
            source,
            destination,
        ];
        self.one(record, family, &values, slots);
    }

    /// DNS as Retina counts it, with the pod that sent the query.
    fn retina_dns(
        &mut self,
        record: &EventRecord,
        pod: EndpointId,
        (node, pods): (Family, Family),
        values: &[Value],
        slots: &mut Vec<CounterSlot>,
    ) {
        self.one(record, node, &[], slots);
        if self.is_local_pod(record, pod) {
            self.one(record, pods, &pod_values(values, pod), slots);
        }
    }

    /// An HTTP answer: its source is the request's destination.
    fn http(
        &mut self,
        record: &EventRecord,
        method: &'static str,
        code: u32,
        latency_nanos: u64,
        slots: &mut Vec<CounterSlot>,
    ) {
        let (client, server) = (record.destination, record.source);
        let reporter = match record.direction {
            TrafficDirection::Egress => "client",
            TrafficDirection::Ingress => "server",
            _ => "unknown",
        };
        let direction = record.direction.name().unwrap_or("").to_ascii_lowercase();
        let whose = [
            self.name(&direction),
            // The contexts are the answer's, so source and destination are swapped.
            Value::Pod(Some(client).filter(|_| reporter == "server")),
            Value::Pod(Some(server).filter(|_| reporter == "client")),
            Value::Address(client),
            Value::Address(server),
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
        self.one(record, Family::HubbleHttpRequests, &values, slots);

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
}

/// Retina's families of queries and of answers: per node, and per pod.
const RETINA_REQUESTS: (Family, Family) = (Family::DnsRequestCount, Family::AdvDnsRequestCount);
const RETINA_ANSWERS: (Family, Family) = (Family::DnsResponseCount, Family::AdvDnsResponseCount);

/// Hubble's protocol of a flow (pkg/hubble/api/v1/flow.go).
fn protocol(record: &EventRecord) -> &'static str {
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

/// Flags that Hubble counts; SYN with ACK has its own name.
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
