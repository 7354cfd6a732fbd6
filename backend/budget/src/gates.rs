//! Gates by the address of what they guard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::gate::{Gate, Shared};
use crate::{GateLimits, GateLoad, GateMetrics};

/// Gates of one kind, one for each address. Data sources with the same address share a gate, and so do the
/// old and the new settings of a data source.
#[derive(Debug)]
pub struct Gates {
    name: &'static str,
    limits: GateLimits,
    metrics: GateMetrics,
    by_address: Mutex<BTreeMap<String, Weak<Shared>>>,
}

impl Gates {
    /// Gates with these limits each. `name` begins the sentences of their refusals, as in "the relay".
    /// All of them count in `metrics`.
    pub fn new(name: &'static str, limits: GateLimits, metrics: GateMetrics) -> Self {
        Self { name, limits, metrics, by_address: Mutex::default() }
    }

    /// The gate of an address, which lives as long as one of its clones.
    pub fn of(&self, address: &str) -> Gate {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        by_address.retain(|_, gate| gate.strong_count() > 0);
        if let Some(shared) = by_address.get(address).and_then(Weak::upgrade) {
            return Gate { shared };
        }
        let gate = Gate::counted(self.name, self.limits, self.metrics.clone());
        by_address.insert(address.to_owned(), Arc::downgrade(&gate.shared));
        gate
    }

    /// The present load of all gates together. Without addresses, which other organisations would read.
    pub fn load(&self) -> GateLoad {
        let by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let gates: Vec<Gate> =
            by_address.values().filter_map(Weak::upgrade).map(|shared| Gate { shared }).collect();
        drop(by_address);
        gates.iter().map(Gate::load).fold(GateLoad::default(), |sum, load| GateLoad {
            permits: sum.permits + load.permits,
            running: sum.running + load.running,
            waiting: sum.waiting + load.waiting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Caller;

    #[tokio::test]
    async fn one_gate_for_each_address() {
        let metrics = GateMetrics::default();
        let gates = Gates::new("the relay", GateLimits::default(), metrics.clone());
        let (one, again, other) = (gates.of("a:80"), gates.of("a:80"), gates.of("b:80"));
        let _permit = one.enter(Caller::person(1)).await.unwrap();
        assert_eq!((again.load().running, other.load().running), (1, 0));
        let permit_of_other = other.enter(Caller::person(1)).await.unwrap();
        let all = GateLoad { permits: 24, running: 2, waiting: 0 };
        assert_eq!((gates.load(), metrics.waited.count()), (all, 2));
        drop((other, permit_of_other));
        assert_eq!(gates.load(), GateLoad { permits: 12, running: 1, waiting: 0 });
        // A permit keeps its gate.
        drop((one, again));
        assert_eq!(gates.of("a:80").load().running, 1);
    }
}
