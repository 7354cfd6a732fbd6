//! The state of a running shop, which its clock, its relay and its metrics share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hubble::relay::Relay;
use crate::metrics::{MetricSample, Metrics};
use crate::policies_folder::{PoliciesFolder, PoliciesFolderError};
use crate::record::EventRecord;
use crate::scenario::Scenario;
use crate::traffic::Simulation;

/// Simulation and counters, which each step changes together.
#[derive(Debug)]
pub(crate) struct ShopState {
    pub(crate) simulation: Simulation,
    pub(crate) metrics: Metrics,
    /// Loss rate: one event in this number is lost before Hubble sees it.
    pub(crate) lose_every: Option<u64>,
}

impl ShopState {
    /// Runs the simulation up to a time. Counters and `records` get the same events.
    pub(crate) fn advance(&mut self, until_nanos: i64, records: &mut Vec<EventRecord>) {
        let Self { simulation, metrics, lose_every } = self;
        simulation.advance(until_nanos, |record| {
            if record.is_lost(*lose_every) {
                metrics.count_lost(record.node);
            } else {
                metrics.count(&record);
            }
            records.push(record);
        });
    }
}

/// State that the parts of a shop share.
#[derive(Debug)]
pub(crate) struct SharedShop {
    pub(crate) state: Mutex<ShopState>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) policies_folder: Option<PoliciesFolder>,
}

impl SharedShop {
    pub(crate) fn lock(&self) -> MutexGuard<'_, ShopState> {
        // A panic while counting would leave counters behind, not a broken structure.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches to another act: first the folder, then the traffic.
    ///
    /// Errors: the manifests cannot be written; the current act then stays.
    pub(crate) fn switch(&self, scenario: Scenario) -> Result<(), PoliciesFolderError> {
        // Under one lock, so that of two switches the same one comes last in both places. Four
        // small files take well below the clock's step.
        let mut state = self.lock();
        if let Some(folder) = &self.policies_folder {
            folder.write(scenario)?;
        }
        state.simulation.switch(scenario);
        Ok(())
    }

    /// The current samples of all series.
    pub(crate) fn samples(&self) -> Vec<MetricSample> {
        let lost: Vec<u64> =
            self.relay.cluster.node_ids().map(|node| self.relay.lost_on(node)).collect();
        let state = self.lock();
        state.metrics.samples(state.simulation.now_nanos(), &lost)
    }

    /// Runs the simulation up to a time.
    pub(crate) fn step(&self, until_nanos: i64, records: &mut Vec<EventRecord>) {
        self.lock().advance(until_nanos, records);
        self.relay.rings.append(records.drain(..));
    }
}
