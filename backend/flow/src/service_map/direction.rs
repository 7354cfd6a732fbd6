//! Which end of a flow opened the connection, where the flow does not say.

use hashbrown::{HashMap, HashSet};

use crate::EndpointRole;
use crate::columns::{FlowColumns, at};

/// Addresses and ports that are known to be connected to; no further ones are learned.
const MAX_SERVERS: usize = 20_000;

/// The servers, learned from the flows that say which end answers.
///
/// Drops and packets on their way to another node often do not say whether they are replies. A
/// packet from an address and port that takes connections, to one that does not, is one.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// By port and number of the layer 4 protocol, the addresses.
    known: HashMap<(u16, u8), HashSet<String>>,
    len: usize,
}

/// Where a packet comes from or goes to.
#[derive(Debug)]
struct SocketAddress {
    ip: String,
    port: (u16, u8),
}

/// The addresses of a flow that does not say which way it goes.
#[derive(Debug)]
pub(super) struct Undirected {
    source: SocketAddress,
    destination: SocketAddress,
}

impl Servers {
    /// A connection to this end was seen.
    pub(super) fn learn(&mut self, columns: &FlowColumns, row: usize, role: EndpointRole) {
        let (ip, port) = (role.ip(columns, row), port(columns, row, role));
        if ip.is_empty() || port.0 == 0 || self.len >= MAX_SERVERS {
            return;
        }
        let ips = self.known.entry(port).or_default();
        // Nearly always it is known, and then nothing is copied.
        if !ips.contains(ip) {
            ips.insert(ip.to_owned());
            self.len += 1;
        }
    }

    /// Whether the flow is a reply; `None` while no connection to either end is known.
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
    /// `None` for a flow without addresses or ports: nothing can be said about it.
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
