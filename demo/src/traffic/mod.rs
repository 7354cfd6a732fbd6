//! What goes on in the cluster: conversations that leave records behind, on a clock of its own.

mod conversation;
mod dns;
mod kube_system;
mod packets;
mod shop;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::cluster::{Cluster, EndpointId};
use crate::record::Record;
use crate::scenario::{PolicySet, Scenario, scenario_policies};

/// One millisecond, in nanoseconds.
pub(crate) const MILLISECOND: i64 = 1_000_000;
/// One second, in nanoseconds.
pub(crate) const SECOND: i64 = 1_000 * MILLISECOND;

/// How finely conversations are spread in time, in nanoseconds.
const TICK: i64 = 5 * MILLISECOND;

/// How much the datapath reports (Cilium's `monitor-aggregation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MonitorAggregation {
    /// Every packet, where it enters and where it leaves.
    None,
    /// First packets, flags and replies where they leave. Cilium's default.
    Medium,
}

/// A record that waits for its time.
#[derive(Debug)]
struct Scheduled(Record);

impl Scheduled {
    fn key(&self) -> (i64, u64) {
        (self.0.time_nanos, self.0.sequence)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The running cluster. Given the same seed, start, rate and switches at the same times, it
/// makes the same records.
#[derive(Debug)]
pub(crate) struct Simulation {
    cluster: Arc<Cluster>,
    scenario: Scenario,
    policies: Box<dyn PolicySet>,
    aggregation: MonitorAggregation,
    rng: SmallRng,
    /// Records whose time has not come, earliest first.
    pending: BinaryHeap<Reverse<Scheduled>>,
    now_nanos: i64,
    /// Average records per second.
    rate: f64,
    /// Records that may still be scheduled; negative while a long conversation is paid off.
    budget: f64,
    sequence: u64,
    next_port: u16,
}

impl Simulation {
    /// A cluster at rest. `start_nanos`: since the Unix epoch. `rate`: flows per second.
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        scenario: Scenario,
        aggregation: MonitorAggregation,
        seed: u64,
        rate: f64,
        start_nanos: i64,
    ) -> Self {
        Self {
            cluster,
            scenario,
            policies: Box::new(scenario_policies(scenario)),
            aggregation,
            rng: SmallRng::seed_from_u64(seed),
            pending: BinaryHeap::new(),
            now_nanos: start_nanos,
            rate,
            budget: 0.0,
            sequence: 0,
            next_port: 32_768,
        }
    }

    /// The act that is on.
    pub(crate) fn scenario(&self) -> Scenario {
        self.scenario
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.cluster.nodes.len()
    }

    /// Up to where records have been handed out, in nanoseconds since the Unix epoch.
    pub(crate) fn now_nanos(&self) -> i64 {
        self.now_nanos
    }

    /// Applies another act's policies. Packets that are already under way keep their fate, and
    /// so do the clock and the random numbers.
    pub(crate) fn switch(&mut self, scenario: Scenario) {
        self.scenario = scenario;
        self.policies = Box::new(scenario_policies(scenario));
    }

    /// Sets the clock ahead without living through the time between.
    pub(crate) fn skip_to(&mut self, nanos: i64) {
        self.now_nanos = self.now_nanos.max(nanos);
    }

    /// Runs the clock to `until_nanos` and hands out what happened, in order of time.
    pub(crate) fn advance(&mut self, until_nanos: i64, mut sink: impl FnMut(Record)) {
        while self.now_nanos < until_nanos {
            let tick_end = (self.now_nanos + TICK).min(until_nanos);
            self.fill(tick_end);
            while self.pending.peek().is_some_and(|Reverse(next)| next.0.time_nanos <= tick_end) {
                if let Some(Reverse(Scheduled(record))) = self.pending.pop() {
                    sink(record);
                }
            }
            self.now_nanos = tick_end;
        }
    }

    /// Starts conversations until the tick's share of the rate is spent.
    fn fill(&mut self, tick_end: i64) {
        let width = tick_end - self.now_nanos;
        #[expect(clippy::cast_precision_loss, reason = "a tick is far below 2^52 nanoseconds")]
        let secs = width as f64 / SECOND as f64;
        self.budget += self.rate * secs * self.tide();
        while self.budget > 0.0 {
            let before = self.sequence;
            let offset = self.rng.random_range(0..width.max(1));
            self.start_conversation(self.now_nanos + offset);
            let made = u32::try_from(self.sequence - before).unwrap_or(u32::MAX);
            // A conversation that leaves no trace must not stall the clock.
            self.budget -= f64::from(made.max(1));
        }
    }

    /// Ebb and flow of the shop over ten minutes, averaging 1.
    fn tide(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "600 seconds in nanoseconds")]
        let phase = (self.now_nanos.rem_euclid(600 * SECOND)) as f64 / (600 * SECOND) as f64;
        let turn = phase * std::f64::consts::TAU;
        1.0 + 0.12 * turn.sin() + 0.05 * (3.0 * turn).sin()
    }

    /// Queues a record; gives it its number.
    fn push(&mut self, mut record: Record) {
        record.sequence = self.sequence;
        self.sequence += 1;
        self.pending.push(Reverse(Scheduled(record)));
    }

    /// An ephemeral port. They follow each other as on a busy machine.
    fn ephemeral_port(&mut self) -> u16 {
        let step = self.rng.random_range(1..37);
        self.next_port = match self.next_port.checked_add(step) {
            Some(port) if port <= 60_999 => port,
            _ => 32_768 + step,
        };
        self.next_port
    }

    /// A span of time between two bounds, in nanoseconds.
    fn span(&mut self, from: i64, to: i64) -> i64 {
        self.rng.random_range(from..to.max(from + 1))
    }

    /// One of a workload's pods.
    fn pod_of(&mut self, workload: &str) -> Option<EndpointId> {
        let cluster = Arc::clone(&self.cluster);
        self.one_of(cluster.pods_of(workload))
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.rng.random_range(0..all.len().max(1));
        all.get(at).copied()
    }
}

#[cfg(test)]
mod tests;
