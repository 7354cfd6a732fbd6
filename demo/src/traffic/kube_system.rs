//! Traffic of AKS' own components, and packets that cannot be delivered.

use flow::{DropReason, TcpFlags, TrafficDirection};
use rand::Rng;

use super::conversation::Exchange;
use super::path::{Fate, Packet};
use super::{MILLISECOND, Simulation};
use crate::cluster::{EndpointId, NodeId};
use crate::record::{Event, EventRecord, Transport};
use crate::scenario::{Connection, Port, Scenario};

const ECHO_REQUEST: Transport = Transport::Icmpv4 { kind: 8, code: 0 };
const ECHO_REPLY: Transport = Transport::Icmpv4 { kind: 0, code: 0 };
const ROUTER_SOLICITATION: Transport = Transport::Icmpv6 { kind: 133, code: 0 };

impl Simulation {
    /// Starts one conversation, chosen by its weight per 1,000.
    pub(super) fn start_conversation(&mut self, at: i64) {
        // A conversation ends early (`None`) only if the cluster lacks one of its parts.
        let _: Option<()> = match self.rng.random_range(0..1_000) {
            0..=299 => self.customer_visit(at),
            300..=329 => self.impatient_customer(at),
            330..=419 => self.virtual_customer(at),
            420..=489 => self.virtual_worker(at),
            490..=579 => self.make_line(at),
            580..=619 => self.store_admin(at),
            620..=644 => self.describe_product(at),
            645..=694 => self.service_lookup(at),
            695..=724 => self.order_service_calls_out(at),
            725..=764 => self.store_front_calls_out(at),
            765..=854 => self.probe(at),
            855..=884 => self.upstream_lookup(at),
            885..=919 => self.watch_api(at),
            920..=949 => self.scrape(at),
            950..=984 => self.health_echo(at),
            _ => self.stray(at),
        };
    }

    /// kube-dns queries Azure's resolver.
    fn upstream_lookup(&mut self, at: i64) -> Option<()> {
        let dns = self.pod_of("coredns")?;
        let upstream = self.cluster.upstream_dns;
        let path =
            self.open_path(Connection { source: dns, destination: upstream, port: Port::Udp(53) });
        if let Fate::Arrived(at) = self.forward(&path, at, Packet::udp(78)) {
            self.reply(&path, at + 2 * MILLISECOND, Packet::udp(142));
        }
        Some(())
    }

    /// Controllers talk to the API server.
    fn watch_api(&mut self, at: i64) -> Option<()> {
        let workload =
            self.one_of(&["coredns", "metrics-server", "konnectivity-agent", "ama-metrics"])?;
        let client = self.pod_of(workload)?;
        let server = self.cluster.kube_apiserver;
        let watch = Exchange::bytes(820, 3_100, 15 * MILLISECOND);
        self.call_endpoint(client, server, 443, at, watch);
        Some(())
    }

    /// Metrics are scraped from kubelets and pods.
    fn scrape(&mut self, at: i64) -> Option<()> {
        if self.rng.random_bool(0.5) {
            let client = self.pod_of("metrics-server")?;
            let nodes: Vec<NodeId> = self.cluster.node_ids().collect();
            let node = self.one_of(&nodes)?;
            let own = self.cluster.endpoint(client).node == Some(node);
            let kubelet =
                self.cluster.node(node).map(|node| if own { node.host } else { node.remote })?;
            self.call_endpoint(
                client,
                kubelet,
                10250,
                at,
                Exchange::bytes(310, 22_400, 20 * MILLISECOND),
            );
        } else {
            let client = self.pod_of("ama-metrics")?;
            let server = self.pod_of("coredns")?;
            self.call_endpoint(
                client,
                server,
                9153,
                at,
                Exchange::bytes(260, 31_000, 12 * MILLISECOND),
            );
        }
        Some(())
    }

    /// cilium-health: each node pings the health endpoints of the others.
    fn health_echo(&mut self, at: i64) -> Option<()> {
        let nodes: Vec<NodeId> = self.cluster.node_ids().collect();
        let from = self.one_of(&nodes)?;
        let to = self.one_of(&nodes)?;
        let prober =
            self.cluster.node(from).map(|node| if from == to { node.host } else { node.remote })?;
        let target = self.cluster.node(to)?.health;
        let path =
            self.open_path(Connection { source: prober, destination: target, port: Port::Echo });
        let ping = |transport, first| Packet { transport, bytes: 98, first };
        if let Fate::Arrived(at) = self.forward(&path, at, ping(ECHO_REQUEST, true)) {
            self.reply(&path, at, ping(ECHO_REPLY, false));
        }
        Some(())
    }

    /// Packets that fail for reasons other than policy. Act 0 has no drops at all.
    fn stray(&mut self, at: i64) -> Option<()> {
        let stray = self.cluster.stray.clone();
        if self.scenario == Scenario::Open {
            return self.watch_api(at);
        }
        match self.rng.random_range(0..20) {
            // A pod sends IPv6 router solicitations in a cluster without IPv6.
            0 | 1 => {
                let source = self.one_of(&stray.link_locals)?;
                self.drop_packet(
                    at,
                    (source, stray.all_routers),
                    (0, 0),
                    (ROUTER_SOLICITATION, TrafficDirection::Ingress),
                    DropReason::UNSUPPORTED_L3_PROTOCOL,
                )
            }
            // A monitor still uses the address of a deleted pod.
            2 => {
                let client = self.pod_of("ama-metrics")?;
                let port = self.ephemeral_port(client);
                self.drop_packet(
                    at,
                    (client, stray.former_pod),
                    (port, 9153),
                    (Transport::Tcp(Some(TcpFlags::SYN)), TrafficDirection::Egress),
                    DropReason::STALE_OR_UNROUTABLE_IP,
                )
            }
            _ => self.watch_api(at),
        }
    }

    /// A drop in the program of the source's endpoint. An address that is not the endpoint's own
    /// counts as ingress (threefour's decodeTrafficDirection).
    fn drop_packet(
        &mut self,
        at: i64,
        (source, destination): (EndpointId, EndpointId),
        (source_port, destination_port): (u16, u16),
        (transport, direction): (Transport, TrafficDirection),
        reason: DropReason,
    ) -> Option<()> {
        let node = self.cluster.endpoint(source).node?;
        self.push(EventRecord {
            time_nanos: at,
            sequence: 0,
            node,
            source,
            destination,
            source_port,
            destination_port,
            transport,
            direction,
            is_reply: None,
            event: Event::Drop { reason },
            name: None,
            masqueraded: false,
            bytes: 70,
        });
        Some(())
    }
}
