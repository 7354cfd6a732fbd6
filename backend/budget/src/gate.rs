//! Gates: permits for work that runs at once.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::queue::Queues;
use crate::{Caller, GateLimits, GateMetrics};

/// Reason why work was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The work waited as long as it may.
    #[error(
        "{gate} is busy: {}this query gave up after {} s; try again, or show fewer panels at once",
        others_wait(*.waiting),
        .waited.as_secs()
    )]
    GaveUp {
        /// Name of the gate.
        gate: Arc<str>,
        /// Number of other pieces of work that wait.
        waiting: usize,
        /// The time of waiting.
        waited: Duration,
    },
    /// The queue is full.
    #[error("{gate} is busy: {}, which is the limit; try again, or show fewer panels at once", queries_wait(*.waiting))]
    QueueFull {
        /// Name of the gate.
        gate: Arc<str>,
        /// Number of pieces of work that wait.
        waiting: usize,
    },
}

fn queries_wait(waiting: usize) -> String {
    match waiting {
        1 => "1 query waits".to_owned(),
        number => format!("{number} queries wait"),
    }
}

fn others_wait(waiting: usize) -> String {
    if waiting == 0 { String::new() } else { format!("{}, and ", queries_wait(waiting)) }
}

/// The present load of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GateLoad {
    /// Permits in all.
    pub permits: usize,
    /// Permits in use.
    pub running: usize,
    /// Pieces of work that wait.
    pub waiting: usize,
}

/// A gate: at most so many pieces of work run at once, the rest waits.
#[derive(Debug, Clone)]
pub struct Gate {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    name: Arc<str>,
    limits: GateLimits,
    queues: Mutex<Queues<oneshot::Sender<Permit>>>,
    metrics: GateMetrics,
}

/// A permit; it is returned when it is dropped.
#[derive(Debug)]
pub struct Permit {
    /// `None`: already returned.
    gate: Option<Arc<Shared>>,
    caller: Caller,
}

impl Gate {
    /// A gate. `name` begins the sentences of its refusals, as in "the relay".
    pub fn new(name: &str, limits: GateLimits) -> Self {
        Self::counted(name, limits, GateMetrics::default())
    }

    /// A gate that counts in `metrics`.
    pub fn counted(name: &str, limits: GateLimits, metrics: GateMetrics) -> Self {
        let queues = Mutex::new(Queues::new(limits));
        Self { shared: Arc::new(Shared { name: name.into(), limits, queues, metrics }) }
    }

    /// A permit, at once or after waiting. Dropping the future leaves the queue.
    ///
    /// Errors: [`Busy`].
    pub async fn enter(&self, caller: Caller) -> Result<Permit, Busy> {
        let shared = &self.shared;
        let came = Instant::now();
        let (sender, receiver) = oneshot::channel();
        let id = {
            let mut queues = shared.queues();
            if queues.start(caller) {
                drop(queues);
                shared.metrics.waited.observe(0.0);
                return Ok(shared.permit(caller));
            }
            queues.wait(caller, sender)
        };
        let Some(id) = id else {
            shared.metrics.refusals.count();
            return Err(Busy::QueueFull {
                gate: shared.name.clone(),
                waiting: self.load().waiting,
            });
        };
        let place = Place { shared, caller, id };
        let patience = shared.limits.patience;
        // The sender lives in the queue until it is used: only the time limit ends the wait in vain.
        if let Ok(Ok(permit)) = timeout(patience, receiver).await {
            mem::forget(place);
            shared.metrics.waited.observe(came.elapsed().as_secs_f64());
            return Ok(permit);
        }
        drop(place);
        shared.metrics.refusals.count();
        let waiting = self.load().waiting;
        Err(Busy::GaveUp { gate: shared.name.clone(), waiting, waited: patience })
    }

    /// The present load.
    pub fn load(&self) -> GateLoad {
        let queues = self.shared.queues();
        GateLoad {
            permits: self.shared.limits.permits,
            running: queues.running(),
            waiting: queues.waiting(),
        }
    }
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues<oneshot::Sender<Permit>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(self: &Arc<Self>, caller: Caller) -> Permit {
        Permit { gate: Some(self.clone()), caller }
    }

    /// Returns a permit, and hands out those that are free to the waiters whose turn it is.
    fn give_back(self: &Arc<Self>, caller: Caller) {
        self.queues().end(caller);
        loop {
            let Some((caller, waiter)) = self.queues().start_next() else { return };
            // A waiter that left in this moment: its permit goes to the next.
            if let Err(mut unused) = waiter.send(self.permit(caller)) {
                unused.gate = None;
                self.queues().end(caller);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.give_back(self.caller);
        }
    }
}

/// A place in the queue, which is left when it is dropped.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    caller: Caller,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.queues().leave(self.caller, self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    /// Number of admitted and of refused pieces of work.
    fn counted(gate: &Gate) -> (u64, u64) {
        let metrics = &gate.shared.metrics;
        (metrics.waited.count(), metrics.refusals.total())
    }

    fn gate(permits: usize, kept_for_alerts: usize) -> Gate {
        Gate::new("the relay", GateLimits { permits, kept_for_alerts, ..GateLimits::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_so_many_run() {
        let gate = gate(3, 0);
        let most = Arc::new(AtomicU64::new(0));
        let running = Arc::new(AtomicU64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for org_id in 0..100 {
            let (gate, most, running) = (gate.clone(), most.clone(), running.clone());
            tasks.spawn(async move {
                let permit = gate.enter(Caller::person(org_id % 7)).await.unwrap();
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 3);
        let load = gate.load();
        assert_eq!(
            (load, counted(&gate)),
            (GateLoad { permits: 3, running: 0, waiting: 0 }, (100, 0))
        );
        // Three run in each 10 ms: the first waits for nothing, the last for 330 ms.
        let waited_secs: f64 = (0..100_u32).map(|n| f64::from(n / 3) * 0.01).sum();
        let sum = gate.shared.metrics.waited.sum();
        assert!((sum / waited_secs - 1.0).abs() < 0.1, "{sum} s instead of {waited_secs} s");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_a_sentence() {
        let gate = gate(1, 0);
        let held = gate.enter(Caller::person(1)).await.unwrap();
        let (first, second) =
            tokio::join!(gate.enter(Caller::person(1)), gate.enter(Caller::person(2)));
        let mut sentences = [first, second].map(|refused| refused.unwrap_err().to_string());
        sentences.sort_unstable();
        assert_eq!(
            sentences,
            [
                "the relay is busy: 1 query waits, and this query gave up after 10 s; try again, or show fewer panels at once",
                "the relay is busy: this query gave up after 10 s; try again, or show fewer panels at once",
            ]
        );
        drop(held);
        let load = gate.load();
        assert_eq!((load.running, load.waiting, counted(&gate)), (0, 0, (1, 2)));
        assert!(gate.shared.metrics.refusals.last_secs().is_some());
        gate.enter(Caller::person(1)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_at_once() {
        let limits = GateLimits {
            permits: 1,
            kept_for_alerts: 0,
            waiting: 5,
            waiting_per_org: 1,
            ..GateLimits::default()
        };
        let gate = Gate::new("Prometheus", limits);
        let _held = gate.enter(Caller::person(1)).await.unwrap();
        let mut waits = Box::pin(gate.enter(Caller::person(1)));
        assert!(waits.as_mut().now_or_never().is_none());
        let refused = gate.enter(Caller::person(1)).now_or_never().unwrap().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Prometheus is busy: 1 query waits, which is the limit; try again, or show fewer panels at once"
        );
        assert!(gate.enter(Caller::person(2)).now_or_never().is_none(), "others still wait");
    }

    /// Whoever leaves the queue leaves nothing behind, also where the permit was on its way.
    #[tokio::test(start_paused = true)]
    async fn leaving_returns_everything() {
        let gate = gate(1, 0);
        for grant_first in [false, true] {
            let held = gate.enter(Caller::person(1)).await.unwrap();
            let mut waits = Box::pin(gate.enter(Caller::person(2)));
            assert!(waits.as_mut().now_or_never().is_none());
            if grant_first {
                drop(held);
                assert_eq!(gate.load().running, 1, "the permit is the waiter's");
                drop(waits);
            } else {
                drop(waits);
                drop(held);
            }
            let load = gate.load();
            assert_eq!((load.running, load.waiting), (0, 0), "{grant_first}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alert_rules_pass_beside_a_full_house() {
        let gate = gate(4, 1);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(gate.enter(Caller::person(1)).await.unwrap());
        }
        let mut waits = Box::pin(gate.enter(Caller::person(1)));
        assert!(waits.as_mut().now_or_never().is_none());
        gate.enter(Caller::alert_rule(1)).now_or_never().expect("at once").unwrap();
    }
}
