//! Direction of a connection, for flows that do not record it.

use hashbrown::{HashMap, HashSet};

use crate::EndpointRole;
use crate::columns::{FlowColumns, at};

/// Maximum number of servers to remember.
const MAX_SERVERS: usize = 20_000;

/// Servers, learned from flows that record their direction.
///
/// Drops and packets on their way to another node often lack it. A packet from a known server to an
/// address that is not one is a reply.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// Addresses of servers, by port and number of the layer 4 protocol.
    known: HashMap<(u16, u8), HashSet<String>>,
    len: usize,
}

/// Address and port of a source or destination.
#[derive(Debug)]
struct SocketAddress {
    ip: String,
    port: (u16, u8),
}

/// Source and destination of a flow of unknown direction.
#[derive(Debug)]
pub(super) struct Undirected {
    source: SocketAddress,
    destination: SocketAddress,
}

impl Servers {
    /// Learns an endpoint as a server, from a flow of known direction.
    pub(super) fn learn(&mut self, columns: &FlowColumns, row: usize, role: EndpointRole) {
        let (ip, port) = (role.ip(columns, row), port(columns, row, role));
        if ip.is_empty() || port.0 == 0 || self.len >= MAX_SERVERS {
            return;
        }
        let ips = self.known.entry(port).or_default();
        // The address is nearly always known; then it is not copied.
        if !ips.contains(ip) {
            ips.insert(ip.to_owned());
            self.len += 1;
        }
    }

    /// Whether the flow is a reply; `None` while neither endpoint is known as a server.
    pub(super) fn is_reply(&self, flow: &Undirected) -> Option<bool> {
        if self.knows(&flow.destination) {
            return Some(false);
        }
        self.knows(&flow.source).then_some(true)
    }

    fn knows(&self, address: &SocketAddress) -> bool {
        self.known.get(&address.port).is_some_and(|ips| ips.contains(&address.ip))
    }
}

impl Undirected {
    /// Source and destination of a flow; `None` without addresses or ports.
    pub(super) fn of(columns: &FlowColumns, row: usize) -> Option<Self> {
        Some(Self {
            source: address(columns, row, EndpointRole::Source)?,
            destination: address(columns, row, EndpointRole::Destination)?,
        })
    }
}

fn address(columns: &FlowColumns, row: usize, role: EndpointRole) -> Option<SocketAddress> {
    let (ip, port) = (role.ip(columns, row), port(columns, row, role));
    (!ip.is_empty() && port.0 != 0).then(|| SocketAddress { ip: ip.to_owned(), port })
}

fn port(columns: &FlowColumns, row: usize, role: EndpointRole) -> (u16, u8) {
    (role.port(columns, row), at(columns.l4_protocol(), row))
}
