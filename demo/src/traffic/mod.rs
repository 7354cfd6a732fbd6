//! Simulated traffic: conversations that produce records, on a clock of their own.

mod conversation;
mod dns;
mod kube_system;
mod packets;
mod path;
mod shop;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use self::conversation::Retry;
use crate::cluster::{Cluster, EndpointId};
use crate::record::EventRecord;
use crate::scenario::{Policies, Scenario};

/// One millisecond, in nanoseconds.
pub(crate) const MILLISECOND: i64 = 1_000_000;
/// One second, in nanoseconds.
pub(crate) const SECOND: i64 = 1_000 * MILLISECOND;

/// Resolution of the conversations' start times, in nanoseconds.
const TICK: i64 = 5 * MILLISECOND;

/// Linux's range of ephemeral ports.
const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// Detail of the datapath's reports (Cilium's `monitor-aggregation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MonitorAggregation {
    /// Every packet, where it enters and where it leaves.
    None,
    /// First packets, flags, and replies where they leave. Cilium's default.
    Medium,
}

/// An action scheduled for later.
#[derive(Debug)]
enum ScheduledAction {
    EventRecord(EventRecord),
    /// A further attempt, under the policies of that time.
    Retry(Box<Retry>),
}

#[derive(Debug)]
struct Scheduled {
    time_nanos: i64,
    sequence: u64,
    what: ScheduledAction,
}

impl Scheduled {
    fn key(&self) -> (i64, u64) {
        (self.time_nanos, self.sequence)
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

/// The running cluster. The same seed, start, rate and switches at the same times make the same
/// records.
#[derive(Debug)]
pub(crate) struct Simulation {
    cluster: Arc<Cluster>,
    scenario: Scenario,
    policies: Policies,
    aggregation: MonitorAggregation,
    rng: SmallRng,
    /// Scheduled actions, earliest first.
    pending: BinaryHeap<Reverse<Scheduled>>,
    now_nanos: i64,
    /// Average records per second.
    rate: f64,
    /// Number of records that may still be scheduled; negative after a long conversation.
    budget: f64,
    sequence: u64,
    /// Number of records ever scheduled.
    scheduled: u64,
    /// The ephemeral port that each endpoint used last.
    last_ports: Vec<u16>,
}

impl Simulation {
    /// A cluster without traffic. `start_nanos`: Unix nanoseconds. `rate`: flows per second.
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        scenario: Scenario,
        aggregation: MonitorAggregation,
        seed: u64,
        rate: f64,
        start_nanos: i64,
    ) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let last_ports =
            cluster.endpoints.iter().map(|_| rng.random_range(EPHEMERAL_PORTS)).collect();
        Self {
            policies: Policies::compile(scenario, Arc::clone(&cluster), 1),
            cluster,
            scenario,
            aggregation,
            rng,
            pending: BinaryHeap::new(),
            now_nanos: start_nanos,
            rate,
            budget: 0.0,
            sequence: 0,
            scheduled: 0,
            last_ports,
        }
    }

    /// The current act.
    pub(crate) fn scenario(&self) -> Scenario {
        self.scenario
    }

    /// Number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.cluster.nodes.len()
    }

    /// Time up to which records have been delivered, in Unix nanoseconds.
    pub(crate) fn now_nanos(&self) -> i64 {
        self.now_nanos
    }

    /// Applies another act's policies. Open connections stay open; clients that were cut off meet
    /// the new policies with their next packet.
    pub(crate) fn switch(&mut self, scenario: Scenario) {
        self.scenario = scenario;
        let revision = self.policies.revision() + 1;
        self.policies = Policies::compile(scenario, Arc::clone(&self.cluster), revision);
    }

    /// Sets the clock ahead without simulating the time between.
    pub(crate) fn skip_to(&mut self, nanos: i64) {
        self.now_nanos = self.now_nanos.max(nanos);
    }

    /// Runs the clock to `until_nanos` and delivers the records in order of time.
    pub(crate) fn advance(&mut self, until_nanos: i64, mut sink: impl FnMut(EventRecord)) {
        while self.now_nanos < until_nanos {
            let tick_end = (self.now_nanos + TICK).min(until_nanos);
            self.fill(tick_end);
            while self.pending.peek().is_some_and(|Reverse(next)| next.time_nanos <= tick_end) {
                let Some(Reverse(next)) = self.pending.pop() else { break };
                match next.what {
                    ScheduledAction::EventRecord(record) => sink(record),
                    ScheduledAction::Retry(retry) => {
                        let before = self.scheduled;
                        self.retry(next.time_nanos, &retry);
                        self.pay(before);
                    }
                }
            }
            self.now_nanos = tick_end;
        }
    }

    /// Starts conversations until the tick's share of the rate is used up.
    fn fill(&mut self, tick_end: i64) {
        let width = tick_end - self.now_nanos;
        #[expect(clippy::cast_precision_loss, reason = "a tick is far below 2^52 nanoseconds")]
        let secs = width as f64 / SECOND as f64;
        self.budget += self.rate * secs * self.tide();
        while self.budget > 0.0 {
            let before = self.scheduled;
            let offset = self.rng.random_range(0..width.max(1));
            self.start_conversation(self.now_nanos + offset);
            self.pay(before);
        }
    }

    /// Takes newly scheduled records from the budget. A conversation without records must not stall
    /// the clock.
    fn pay(&mut self, before: u64) {
        let made = u32::try_from(self.scheduled - before).unwrap_or(u32::MAX);
        self.budget -= f64::from(made.max(1));
    }

    /// Variation of the shop's traffic over ten minutes, averaging 1.
    fn tide(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "600 seconds in nanoseconds")]
        let phase = (self.now_nanos.rem_euclid(600 * SECOND)) as f64 / (600 * SECOND) as f64;
        let turn = phase * std::f64::consts::TAU;
        1.0 + 0.12 * turn.sin() + 0.05 * (3.0 * turn).sin()
    }

    /// Queues a record and numbers it.
    fn push(&mut self, mut record: EventRecord) {
        record.sequence = self.next_sequence();
        self.scheduled += 1;
        self.pending.push(Reverse(Scheduled {
            time_nanos: record.time_nanos,
            sequence: record.sequence,
            what: ScheduledAction::EventRecord(record),
        }));
    }

    /// Queues a further attempt.
    fn push_retry(&mut self, time_nanos: i64, retry: Retry) {
        let sequence = self.next_sequence();
        let what = ScheduledAction::Retry(Box::new(retry));
        self.pending.push(Reverse(Scheduled { time_nanos, sequence, what }));
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// An ephemeral port of an endpoint. Ports follow each other as on a busy machine.
    fn ephemeral_port(&mut self, client: EndpointId) -> u16 {
        let step = self.rng.random_range(1..37);
        let Some(last) = self.last_ports.get_mut(usize::from(client.0)) else {
            return *EPHEMERAL_PORTS.start();
        };
        *last = match last.checked_add(step) {
            Some(port) if EPHEMERAL_PORTS.contains(&port) => port,
            _ => EPHEMERAL_PORTS.start() + step,
        };
        *last
    }

    /// A random duration between two bounds, in nanoseconds.
    fn span(&mut self, from: i64, to: i64) -> i64 {
        self.rng.random_range(from..to.max(from + 1))
    }

    /// A random pod of a workload.
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
