//! Facts that records show about each other: names of addresses, and endpoints in audit mode.

use std::net::IpAddr;

use cilium_policy::Direction;
use flow::{Flow, L7Record, MessageType, Verdict};
use hashbrown::{HashMap, HashSet};

use super::shape::Shape;

/// Names by address, and endpoints in audit mode.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    names: HashMap<IpAddr, Vec<String>>,
    /// Names and addresses of endpoints where traffic passed although policy denies it.
    audited: HashSet<(String, Direction)>,
}

/// Maximum number of addresses; an agent keeps 50 per name and endpoint.
const MAX_ADDRESSES: usize = 65_536;
/// Maximum number of names of one address.
const MAX_NAMES: usize = 64;

impl Learned {
    /// Names and audit modes from the DNS answers and audit verdicts of flows in any order: a
    /// lookup precedes every connection to an address.
    #[must_use]
    pub fn from_flows<'f>(flows: impl IntoIterator<Item = &'f Flow>) -> Self {
        let mut learned = Self::default();
        for flow in flows {
            learned.learn(flow);
        }
        learned
    }

    /// Learns from one flow.
    pub fn learn(&mut self, flow: &Flow) {
        if flow.verdict == Verdict::Audit
            && flow.event_type.is_some_and(|own| own.message_type == MessageType::PolicyVerdict)
            && let Ok(shape) = Shape::of(flow)
        {
            for name in shape.names_of_subject(flow).into_iter().flatten() {
                if self.audited.len() < MAX_ADDRESSES {
                    self.audited.insert((name, shape.direction));
                }
            }
        }
        let Some(L7Record::Dns(dns)) = flow.l7.as_ref().and_then(|l7| l7.record.as_ref()) else {
            return;
        };
        if dns.rcode != 0 {
            return;
        }
        let name = dns.query.trim_end_matches('.').to_ascii_lowercase();
        for address in dns.ips.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
            if self.names.len() >= MAX_ADDRESSES && !self.names.contains_key(&address) {
                continue;
            }
            let names = self.names.entry(address).or_default();
            if names.len() < MAX_NAMES && !names.contains(&name) {
                names.push(name.clone());
            }
        }
    }

    /// Whether other flows show the subject of a flow in audit mode, where denied traffic passes.
    pub(super) fn is_audited(&self, flow: &Flow, shape: Shape) -> bool {
        !self.audited.is_empty()
            && shape
                .names_of_subject(flow)
                .into_iter()
                .flatten()
                .any(|name| self.audited.contains(&(name, shape.direction)))
    }

    /// Names of an address.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> &[String] {
        self.names.get(&address).map_or(&[], Vec::as_slice)
    }
}
