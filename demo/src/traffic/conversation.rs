//! TCP connections, with and without a proxy, and clients that are cut off.

use std::sync::Arc;

use flow::TcpFlags;
use rand::Rng;

use super::path::{Fate, Packet, Path};
use super::{MILLISECOND, SECOND, Simulation};
use crate::cluster::{EndpointId, HostId};
use crate::record::{Event, L7};
use crate::scenario::{Connection, Port};

/// Times at which Linux sends a SYN again, in nanoseconds after the first. A client that gives up
/// after ten seconds has sent four.
const SYN_RETRIES: [i64; 3] = [SECOND, 3 * SECOND, 7 * SECOND];

const SYN_ACK: TcpFlags = TcpFlags::SYN.union(TcpFlags::ACK);
const PSH_ACK: TcpFlags = TcpFlags::PSH.union(TcpFlags::ACK);
const FIN_ACK: TcpFlags = TcpFlags::FIN.union(TcpFlags::ACK);
const RST_ACK: TcpFlags = TcpFlags::RST.union(TcpFlags::ACK);

/// Data exchanged over a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    /// Size of request and answer, in bytes.
    pub(super) request_bytes: u32,
    pub(super) answer_bytes: u32,
    /// Processing time of the server, in nanoseconds.
    pub(super) think: i64,
    /// Method, path and status code of an HTTP exchange, for proxies.
    pub(super) http: Option<Http>,
    /// Whether the server ends the connection with a reset.
    pub(super) reset: bool,
}

/// An HTTP request and the status of its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) code: u32,
}

impl Exchange {
    pub(super) fn bytes(request_bytes: u32, answer_bytes: u32, think: i64) -> Self {
        Self { request_bytes, answer_bytes, think, http: None, reset: false }
    }

    pub(super) fn http(
        method: &'static str,
        path: &'static str,
        answer_bytes: u32,
        think: i64,
    ) -> Self {
        Self {
            request_bytes: 210,
            answer_bytes,
            think,
            http: Some(Http { method, path, code: if method == "POST" { 201 } else { 200 } }),
            reset: false,
        }
    }
}

/// An attempt to open a connection.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    /// Time of the first attempt, in Unix nanoseconds.
    began_nanos: i64,
    /// Number of earlier attempts.
    tries: usize,
}

impl Attempt {
    fn first(at: i64) -> Self {
        Self { began_nanos: at, tries: 0 }
    }
}

/// End of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionEnd {
    /// Done at this time, in Unix nanoseconds.
    Done(i64),
    /// No answer, or no server.
    TimedOut,
}

/// A further attempt after a missing answer.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    connection: Connection,
    server_name: Option<HostId>,
    client_port: u16,
    what: Tried,
}

#[derive(Debug, Clone)]
enum Tried {
    /// The kernel repeats the first packet of a TCP connection.
    Syn { attempt: Attempt, exchange: Exchange, authority: &'static str },
    /// A resolver repeats its query, although nothing waits for the answer any more.
    Datagram(Packet),
    /// A person opens the page again.
    Dial(Exchange),
}

impl Retry {
    pub(super) fn datagram(path: &Path, packet: Packet) -> Self {
        Self {
            connection: path.connection,
            server_name: path.server_name,
            client_port: path.client_port,
            what: Tried::Datagram(packet),
        }
    }
}

impl Simulation {
    /// Tries again, under the policies of that time.
    pub(super) fn retry(&mut self, at: i64, retry: &Retry) {
        let mut path = self.open_path(retry.connection);
        path.server_name = retry.server_name;
        match &retry.what {
            Tried::Syn { attempt, exchange, authority } => {
                path.client_port = retry.client_port;
                self.converse(&path, at, *attempt, *exchange, authority);
            }
            Tried::Datagram(packet) => {
                path.client_port = retry.client_port;
                if let Fate::Arrived(at) = self.forward(&path, at, *packet) {
                    self.reply(&path, at, Packet { first: false, ..*packet });
                }
            }
            Tried::Dial(exchange) => {
                self.converse(&path, at, Attempt::first(at), *exchange, "");
            }
        }
    }

    /// Schedules a new connection for later.
    pub(super) fn dial_later(
        &mut self,
        client: EndpointId,
        server: EndpointId,
        port: u16,
        at: i64,
        exchange: Exchange,
    ) {
        let connection = Connection { source: client, destination: server, port: Port::Tcp(port) };
        let what = Tried::Dial(exchange);
        self.push_retry(at, Retry { connection, server_name: None, client_port: 0, what });
    }

    /// A connection to one pod of a service, by its cluster address.
    pub(super) fn call(
        &mut self,
        client: EndpointId,
        service: &str,
        at: i64,
        exchange: Exchange,
    ) -> Option<ConnectionEnd> {
        let cluster = Arc::clone(&self.cluster);
        let id = cluster.service_named(service)?;
        let service = cluster.service(id)?;
        let server = self.one_of(&service.backends)?;
        let port = Port::Tcp(service.target_port);
        let path = self.open_path(Connection { source: client, destination: server, port });
        self.socket(&path, at, service.frontend, service.port);
        let at = at + MILLISECOND / 10;
        Some(self.converse(&path, at, Attempt::first(at), exchange, service.name))
    }

    /// A connection to an external host whose address is known.
    pub(super) fn call_host(
        &mut self,
        client: EndpointId,
        host: HostId,
        name_seen: bool,
        port: u16,
        at: i64,
        exchange: Exchange,
    ) -> Option<ConnectionEnd> {
        let cluster = Arc::clone(&self.cluster);
        let entry = cluster.host(host)?;
        let named = self.policies.named_host(host).filter(|_| name_seen);
        let destination = named.unwrap_or(entry.world);
        let port = Port::Tcp(port);
        let mut path = self.open_path(Connection { source: client, destination, port });
        path.server_name = Some(host).filter(|_| name_seen);
        Some(self.converse(&path, at, Attempt::first(at), exchange, entry.name))
    }

    /// A connection directly to an endpoint.
    pub(super) fn call_endpoint(
        &mut self,
        client: EndpointId,
        server: EndpointId,
        port: u16,
        at: i64,
        exchange: Exchange,
    ) -> ConnectionEnd {
        let port = Port::Tcp(port);
        let path = self.open_path(Connection { source: client, destination: server, port });
        self.converse(&path, at, Attempt::first(at), exchange, "")
    }

    fn converse(
        &mut self,
        path: &Path,
        at: i64,
        attempt: Attempt,
        exchange: Exchange,
        authority: &'static str,
    ) -> ConnectionEnd {
        if path.proxy().is_some() {
            return self.converse_through_proxy(path, at, exchange, authority);
        }
        let syn = Packet::tcp(TcpFlags::SYN, 74);
        let Fate::Arrived(at) = self.forward(path, at, syn) else {
            if let Some(wait) = SYN_RETRIES.get(attempt.tries) {
                let again = attempt.began_nanos + wait + self.span(0, 12 * MILLISECOND);
                let attempt = Attempt { tries: attempt.tries + 1, ..attempt };
                let retry = Retry {
                    connection: path.connection,
                    server_name: path.server_name,
                    client_port: path.client_port,
                    what: Tried::Syn { attempt, exchange, authority },
                };
                self.push_retry(again, retry);
            }
            return ConnectionEnd::TimedOut;
        };
        let at = self.reply(path, at, Packet::tcp(SYN_ACK, 74));
        self.forward(path, at, Packet::tcp(TcpFlags::ACK, 66));
        let request = Packet::tcp(PSH_ACK, 66 + exchange.request_bytes);
        let at = arrival(self.forward(path, at + MILLISECOND / 20, request), at);
        let think = self.span(exchange.think / 2, exchange.think * 2);
        let answer = Packet::tcp(PSH_ACK, 66 + exchange.answer_bytes);
        let at = self.reply(path, at + think, answer);
        if exchange.reset {
            return ConnectionEnd::Done(self.reply(path, at + think, Packet::tcp(RST_ACK, 54)));
        }
        self.close(path, at)
    }

    /// The client closes first, the server follows.
    fn close(&mut self, path: &Path, at: i64) -> ConnectionEnd {
        let linger = self.span(MILLISECOND / 5, 8 * MILLISECOND);
        let fin = Packet::tcp(FIN_ACK, 66);
        let at = arrival(self.forward(path, at + linger, fin), at);
        let at = self.reply(path, at, fin);
        ConnectionEnd::Done(at)
    }

    /// Envoy terminates the client's connection on its node and opens its own to the server.
    fn converse_through_proxy(
        &mut self,
        path: &Path,
        at: i64,
        exchange: Exchange,
        authority: &str,
    ) -> ConnectionEnd {
        let Fate::Arrived(at) = self.leave_client(path, at, Packet::tcp(TcpFlags::SYN, 74)) else {
            return ConnectionEnd::TimedOut;
        };
        let at = self.reach_client(path, at, Packet::tcp(SYN_ACK, 74));
        let request = Packet::tcp(PSH_ACK, 66 + exchange.request_bytes);
        let at = arrival(self.leave_client(path, at, request), at);
        let Some(http) = exchange.http else {
            return self.close_at_proxy(path, at);
        };
        let authority = format!("{authority}:{}", path.server_port);
        let url = format!("http://{authority}{}", http.path);
        let request_id = self.request_id();
        let allowed =
            self.policies.lets_http(path.connection, http.method, (&authority, http.path));
        self.access(
            path,
            at,
            false,
            Event::L7 {
                denied: !allowed,
                latency_nanos: 0,
                layer: Arc::new(L7::HttpRequest {
                    method: http.method,
                    url: url.clone(),
                    request_id: request_id.clone(),
                }),
            },
        );
        let began = at;
        let (at, code) = if allowed {
            let syn = Packet::tcp(TcpFlags::SYN, 74);
            let Fate::Arrived(at) = self.proxy_to_server(path, at, syn) else {
                return ConnectionEnd::TimedOut;
            };
            let at = self.reply_to_proxy(path, at, Packet::tcp(SYN_ACK, 74));
            let at = arrival(self.proxy_to_server(path, at, request), at);
            let think = self.span(exchange.think / 2, exchange.think * 2);
            let answer = Packet::tcp(PSH_ACK, 66 + exchange.answer_bytes);
            let at = self.reply_to_proxy(path, at + think, answer);
            let fin = Packet::tcp(FIN_ACK, 66);
            let closed = arrival(self.proxy_to_server(path, at + MILLISECOND, fin), at);
            self.reply_to_proxy(path, closed, fin);
            (at, http.code)
        } else {
            // Envoy itself refuses the request.
            (at + self.span(60_000, 400_000), 403)
        };
        self.access(
            path,
            at,
            true,
            Event::L7 {
                denied: false,
                latency_nanos: u64::try_from(at - began).unwrap_or(0),
                layer: Arc::new(L7::HttpResponse { method: http.method, url, request_id, code }),
            },
        );
        let at = self.reach_client(path, at, Packet::tcp(PSH_ACK, 66 + exchange.answer_bytes));
        self.close_at_proxy(path, at)
    }

    fn close_at_proxy(&mut self, path: &Path, at: i64) -> ConnectionEnd {
        let fin = Packet::tcp(FIN_ACK, 66);
        let linger = self.span(MILLISECOND / 5, 8 * MILLISECOND);
        let at = arrival(self.leave_client(path, at + linger, fin), at);
        ConnectionEnd::Done(self.reach_client(path, at, fin))
    }

    /// A value for `X-Request-Id`, as Envoy makes it.
    fn request_id(&mut self) -> String {
        crate::hubble::identifiers::uuid_v4(self.rng.random(), self.rng.random())
    }
}

fn arrival(fate: Fate, otherwise: i64) -> i64 {
    match fate {
        Fate::Arrived(at) => at,
        Fate::Dropped => otherwise,
    }
}
