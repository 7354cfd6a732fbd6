//! DNS: queries of pods to kube-dns, through the node's proxy if a DNS rule requires it.

use std::sync::Arc;

use rand::Rng;

use super::conversation::Retry;
use super::path::{Fate, Packet, Path};
use super::{MILLISECOND, SECOND, Simulation};
use crate::cluster::{EndpointId, HostId};
use crate::record::{Event, L7};
use crate::scenario::{Connection, Port, Proxy};

const RCODE_NO_ERROR: u32 = 0;
const RCODE_NON_EXISTENT_DOMAIN: u32 = 3;

/// Search list of a pod in `pets`, as the kubelet writes it.
const SEARCH_LIST: [&str; 4] = [
    "pets.svc.cluster.local",
    "svc.cluster.local",
    "cluster.local",
    "yh3kqvbxlbqe5ohd2m1sxqgv3c.cx.internal.cloudapp.net",
];

/// Result of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The address is known since this time, in Unix nanoseconds. `seen`: the node's proxy has read
    /// the answer.
    Resolved { at: i64, seen: bool },
    /// Refused, unknown, or no answer.
    Failed,
}

/// Type of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueryType {
    A,
    Aaaa,
}

impl QueryType {
    fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
        }
    }
}

/// Answer data of a name.
#[derive(Debug, Clone)]
struct Zone {
    ip: String,
    ttl_secs: u32,
    cnames: Vec<String>,
}

impl Simulation {
    /// Resolves an external host. `searched`: the resolver tries its search list first, as with
    /// `ndots:5`.
    pub(super) fn resolve_host(
        &mut self,
        client: EndpointId,
        host: HostId,
        searched: bool,
        at: i64,
    ) -> Lookup {
        let cluster = Arc::clone(&self.cluster);
        let Some(entry) = cluster.host(host) else {
            return Lookup::Failed;
        };
        let mut at = at;
        if searched {
            for suffix in SEARCH_LIST {
                let name = format!("{}.{suffix}", entry.name);
                match self.query(client, &name, None, at) {
                    DnsAnswer::Came { at: then, .. } => at = then,
                    // Refused or unanswered: musl and c-ares stop there.
                    DnsAnswer::None => return Lookup::Failed,
                }
            }
        }
        let zone = Zone {
            ip: cluster.endpoint(entry.world).ip.clone(),
            ttl_secs: entry.ttl_secs,
            cnames: entry.cnames.iter().map(ToString::to_string).collect(),
        };
        self.lookup(client, entry.name, Some(&zone), at)
    }

    /// Resolves a service of `pets` by its full name.
    pub(super) fn resolve_service(&mut self, client: EndpointId, service: &str, at: i64) -> Lookup {
        let cluster = Arc::clone(&self.cluster);
        let Some(entry) = cluster.service_named(service).and_then(|id| cluster.service(id)) else {
            return Lookup::Failed;
        };
        let name = format!("{}.{}.svc.cluster.local", entry.name, entry.namespace);
        let zone = Zone { ip: entry.cluster_ip.to_string(), ttl_secs: 5, cnames: Vec::new() };
        self.lookup(client, &name, Some(&zone), at)
    }

    fn lookup(&mut self, client: EndpointId, name: &str, zone: Option<&Zone>, at: i64) -> Lookup {
        match self.query(client, name, zone, at) {
            DnsAnswer::Came { at, found: true, seen } => Lookup::Resolved { at, seen },
            DnsAnswer::Came { found: false, .. } | DnsAnswer::None => Lookup::Failed,
        }
    }

    /// Queries A and AAAA at once, over one socket.
    fn query(&mut self, client: EndpointId, name: &str, zone: Option<&Zone>, at: i64) -> DnsAnswer {
        let cluster = Arc::clone(&self.cluster);
        let Some(kube_dns) = cluster.service_named("kube-dns").and_then(|id| cluster.service(id))
        else {
            return DnsAnswer::None;
        };
        let Some(server) = self.one_of(&kube_dns.backends) else {
            return DnsAnswer::None;
        };
        let path =
            self.open_path(Connection { source: client, destination: server, port: Port::Udp(53) });
        self.socket(&path, at, kube_dns.frontend, kube_dns.port);
        let at = at + MILLISECOND / 20;
        let first = self.ask(&path, name, QueryType::A, zone, at, true);
        // A denied query left no connection behind, so policies are checked again.
        let again = !path.is_open();
        let second = self.ask(&path, name, QueryType::Aaaa, zone, at + MILLISECOND / 50, again);
        match first {
            DnsAnswer::Came { at, found, seen } => DnsAnswer::Came {
                at: match second {
                    DnsAnswer::Came { at: other, .. } => at.max(other),
                    DnsAnswer::None => at,
                },
                found,
                seen,
            },
            DnsAnswer::None => DnsAnswer::None,
        }
    }

    /// One query. `zone`: the answer data of the name, which has no IPv6 address.
    fn ask(
        &mut self,
        path: &Path,
        name: &str,
        query_type: QueryType,
        zone: Option<&Zone>,
        at: i64,
        first: bool,
    ) -> DnsAnswer {
        let bytes = 42 + 18 + u32::try_from(name.len()).unwrap_or(255);
        let packet = Packet { first, ..Packet::udp(bytes) };
        let exists = zone.is_some();
        let qtype = query_type.name();
        let think = self.span(MILLISECOND / 5, 3 * MILLISECOND);
        if path.proxy() != Some(Proxy::Dns) {
            let Fate::Arrived(at) = self.forward(path, at, packet) else {
                // The resolver repeats the query after five seconds and then gives up.
                let again = Packet { first: true, ..packet };
                self.push_retry(at + 5 * SECOND, Retry::datagram(path, again));
                return DnsAnswer::None;
            };
            let at = self.reply(path, at + think, Packet::udp(bytes + 32));
            return DnsAnswer::Came { at, found: exists, seen: false };
        }
        let Fate::Arrived(at) = self.leave_client(path, at, packet) else {
            return DnsAnswer::None;
        };
        let allowed = self.policies.lets_query(path.connection, name);
        let query = format!("{name}.");
        self.access(
            path,
            at,
            false,
            Event::L7 {
                denied: !allowed,
                latency_nanos: 0,
                layer: Arc::new(L7::DnsQuery { query: query.clone(), qtype }),
            },
        );
        if !allowed {
            // The proxy itself answers REFUSED; this answer is a packet without an access record.
            self.reach_client(path, at + 80_000, Packet::udp(bytes));
            return DnsAnswer::None;
        }
        let Fate::Arrived(at) = self.proxy_to_server(path, at + 60_000, packet) else {
            return DnsAnswer::None;
        };
        let at = self.reply_to_proxy(path, at + think, Packet::udp(bytes + 32));
        let rcode = if exists { RCODE_NO_ERROR } else { RCODE_NON_EXISTENT_DOMAIN };
        let cnames = zone.map(|zone| zone.cnames.clone()).unwrap_or_default();
        let ips: Vec<String> = match query_type {
            QueryType::A => zone.map(|zone| zone.ip.clone()).into_iter().collect(),
            QueryType::Aaaa => Vec::new(),
        };
        let mut rrtypes = vec!["CNAME"; cnames.len()];
        rrtypes.extend(ips.iter().map(|_| "A"));
        // Cilium's proxy takes the smallest TTL of the answers; without answers, the initial value
        // remains.
        let ttl_secs = zone.filter(|_| !rrtypes.is_empty()).map_or(u32::MAX, |zone| zone.ttl_secs);
        self.access(
            path,
            at,
            true,
            Event::L7 {
                denied: false,
                latency_nanos: 0,
                layer: Arc::new(L7::DnsAnswer {
                    query,
                    qtype,
                    rcode,
                    ttl_secs,
                    ips,
                    cnames,
                    rrtypes,
                }),
            },
        );
        let at = self.reach_client(path, at + 90_000, Packet::udp(bytes + 32));
        DnsAnswer::Came { at, found: exists, seen: true }
    }

    /// Whether a resolver uses its search list this time.
    pub(super) fn walks_search_list(&mut self) -> bool {
        self.rng.random_bool(0.25)
    }
}

/// Answer to a query.
#[derive(Debug, Clone, Copy)]
enum DnsAnswer {
    Came { at: i64, found: bool, seen: bool },
    None,
}
