//! Which end of a flow opened the connection, where the flow does not say.

use hashbrown::HashSet;

use crate::columns::FlowColumns;
use crate::end::End;

/// Addresses and ports that are known to be connected to; no further ones are learned.
const MAX_SERVERS: usize = 20_000;

/// Who answers connections, learned from the flows that say so.
///
/// Drops and packets on their way to another node often do not say whether they are replies. A
/// packet from an address and port that others are known to connect to, to one that nobody is, is one.
#[derive(Debug, Default)]
pub(super) struct Servers {
    known: HashSet<Address>,
}

/// Address, port and number of the layer 4 protocol.
type Address = (String, u16, u8);

/// The addresses of a flow that does not say which way it goes.
#[derive(Debug)]
pub(super) struct Undirected {
    source: Address,
    destination: Address,
}

impl Servers {
    /// A connection to this end was seen.
    pub(super) fn learn(&mut self, columns: &FlowColumns, row: usize, end: End) {
        if let Some(address) = address(columns, row, end)
            && self.known.len() < MAX_SERVERS
        {
            self.known.insert(address);
        }
    }

    /// Whether the flow is a reply; `None` while nobody is known to connect to either end.
    pub(super) fn is_reply(&self, flow: &Undirected) -> Option<bool> {
        if self.known.contains(&flow.destination) {
            return Some(false);
        }
        self.known.contains(&flow.source).then_some(true)
    }
}

impl Undirected {
    /// `None` for a flow without addresses or ports: nothing can be said about it.
    pub(super) fn of(columns: &FlowColumns, row: usize) -> Option<Self> {
        Some(Self {
            source: address(columns, row, End::Source)?,
            destination: address(columns, row, End::Destination)?,
        })
    }
}

fn address(columns: &FlowColumns, row: usize, end: End) -> Option<Address> {
    let (ip, port) = (end.ip(columns, row), end.port(columns, row));
    let protocol = columns.l4_protocol().get(row).copied().unwrap_or_default();
    (!ip.is_empty() && port != 0).then(|| (ip.to_owned(), port, protocol))
}
