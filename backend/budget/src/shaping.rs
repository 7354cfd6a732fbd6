//! Work on answers that takes a processor for a while: sorting, decoding, building and encoding frames.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;

use crate::GateLoad;

/// Size of an answer from which its work leaves the network threads, in bytes: about 5,000 rows, of which
/// the work takes two milliseconds.
const LONG_BYTES: usize = 1 << 20;

/// Bound on long work at once, one piece for each processor. The threads that serve the network go on
/// beside it: health checks and alert rules do not wait for a large table.
#[derive(Debug, Clone)]
pub struct Shaping {
    pieces: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// A piece of work that waits for its turn, or has left.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Shaping {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, NonZeroUsize::get))
    }
}

impl Shaping {
    /// At most so many pieces of long work at once.
    pub fn new(pieces: usize) -> Self {
        let pieces = pieces.max(1);
        Self { pieces, permits: Arc::new(Semaphore::new(pieces)), waiting: Arc::default() }
    }

    /// The present load.
    pub fn load(&self) -> GateLoad {
        GateLoad {
            permits: self.pieces,
            running: self.pieces.saturating_sub(self.permits.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Does `work` on an answer of so many bytes: at once if it is short, else outside of the network
    /// threads and in its turn.
    pub async fn run<T>(&self, bytes: usize, work: impl FnOnce() -> T) -> T {
        if bytes < LONG_BYTES {
            return work();
        }
        let waiting = Waiting::begin(&self.waiting);
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        drop(waiting);
        // A runtime with a single thread has no other one that could serve the network.
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => block_in_place(work),
            _ => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;

    /// With one network thread, a timer fires while long work runs.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_network_goes_on_beside_long_work() {
        let shaping = Shaping::new(1);
        let (fired, waits) = mpsc::channel();
        let timer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            fired.send(()).unwrap();
        });
        let work = tokio::spawn(async move {
            shaping
                .run(LONG_BYTES, move || waits.recv_timeout(Duration::from_secs(10)).is_ok())
                .await
        });
        assert!(work.await.unwrap(), "the timer did not fire");
        timer.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn long_work_takes_turns_and_short_work_does_not() {
        let shaping = Shaping::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (shaping, running, most) = (shaping.clone(), running.clone(), most.clone());
                tokio::spawn(async move {
                    let work = || {
                        most.fetch_max(
                            running.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        let begin = Instant::now();
                        while begin.elapsed() < Duration::from_millis(2) {
                            std::hint::spin_loop();
                        }
                        running.fetch_sub(1, Ordering::SeqCst);
                    };
                    shaping.run(LONG_BYTES, work).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
        let all = shaping.permits.acquire_many(2).await.unwrap();
        assert_eq!(shaping.run(LONG_BYTES - 1, || 7).await, 7);
        {
            let mut long = std::pin::pin!(shaping.run(LONG_BYTES, || ()));
            assert!(futures_util::poll!(&mut long).is_pending());
            assert_eq!(shaping.load(), GateLoad { permits: 2, running: 2, waiting: 1 });
        }
        drop(all);
        assert_eq!(shaping.load(), GateLoad { permits: 2, running: 0, waiting: 0 });
    }
}
