//! Gates by the address of what they guard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::gate::{Gate, Shared};
use crate::{GateLimits, GateLoad};

/// Gates of one kind, one for each address. Data sources with the same address share a gate, and so do the
/// old and the new settings of a data source.
#[derive(Debug)]
pub struct Gates {
    name: &'static str,
    limits: GateLimits,
    by_address: Mutex<BTreeMap<String, Weak<Shared>>>,
}

impl Gates {
    /// Gates with these limits each. `name` begins the sentences of their refusals, as in "the relay".
    pub fn new(name: &'static str, limits: GateLimits) -> Self {
        Self { name, limits, by_address: Mutex::default() }
    }

    /// The gate of an address, which lives as long as one of its clones.
    pub fn of(&self, address: &str) -> Gate {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        by_address.retain(|_, gate| gate.strong_count() > 0);
        if let Some(shared) = by_address.get(address).and_then(Weak::upgrade) {
            return Gate { shared };
        }
        let gate = Gate::new(self.name, self.limits);
        by_address.insert(address.to_owned(), Arc::downgrade(&gate.shared));
        gate
    }

    /// The present load of every gate, by address.
    pub fn loads(&self) -> Vec<(String, GateLoad)> {
        let by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let gates = by_address.iter().filter_map(|(address, shared)| {
            Some((address.clone(), Gate { shared: shared.upgrade()? }))
        });
        let gates: Vec<(String, Gate)> = gates.collect();
        drop(by_address);
        gates.into_iter().map(|(address, gate)| (address, gate.load())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Caller;

    #[tokio::test]
    async fn one_gate_for_each_address() {
        let gates = Gates::new("the relay", GateLimits::default());
        let (one, again, other) = (gates.of("a:80"), gates.of("a:80"), gates.of("b:80"));
        let _permit = one.enter(Caller::person(1)).await.unwrap();
        assert_eq!((again.load().running, other.load().running), (1, 0));
        let addresses = |gates: &Gates| -> Vec<String> {
            gates.loads().into_iter().map(|(address, _)| address).collect()
        };
        assert_eq!(addresses(&gates), ["a:80", "b:80"]);
        drop(other);
        assert_eq!(addresses(&gates), ["a:80"]);
        // A permit keeps its gate.
        drop((one, again));
        assert_eq!(gates.of("a:80").load().running, 1);
    }
}
