//! Sharing of equal work in progress: the panels of a dashboard, and the people who look at it, repeat
//! each other's queries, and each is done once. `futures_util::future::Shared` does the sharing; the map of
//! calls around it is too small for a crate.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::CacheMetrics;

type Landed<T, E> = Result<Arc<T>, E>;
type Flight<T, E> = BoxFuture<'static, Landed<T, E>>;

/// Work in progress, by key. A result lives only as long as its callers wait for it, so this is not a
/// cache.
pub struct Flights<K, T, E> {
    flying: Arc<Flying<K, T, E>>,
    metrics: CacheMetrics,
}

struct Flying<K, T, E> {
    entries: Mutex<Entries<K, T, E>>,
}

struct Entries<K, T, E> {
    by_key: HashMap<Arc<K>, Entry<T, E>>,
    next_id: u64,
}

struct Entry<T, E> {
    id: u64,
    flight: WeakShared<Flight<T, E>>,
}

impl<K, T, E> fmt::Debug for Flights<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl<K, T, E> Default for Flights<K, T, E> {
    fn default() -> Self {
        Self::counted(CacheMetrics::default())
    }
}

impl<K, T, E> Flights<K, T, E> {
    /// No work yet. Calls that join work in progress count as hits.
    pub fn counted(metrics: CacheMetrics) -> Self {
        let entries = Entries { by_key: HashMap::new(), next_id: 0 };
        Self { flying: Arc::new(Flying { entries: Mutex::new(entries) }), metrics }
    }
}

impl<K, T, E> Flying<K, T, E> {
    fn entries(&self) -> MutexGuard<'_, Entries<K, T, E>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a piece of work, which is removed when the work ends or its last caller leaves.
struct Registered<K: Eq + Hash, T, E> {
    flying: Arc<Flying<K, T, E>>,
    key: Arc<K>,
    id: u64,
}

impl<K: Eq + Hash, T, E> Drop for Registered<K, T, E> {
    fn drop(&mut self) {
        let mut entries = self.flying.entries();
        // The same work may have begun again in this moment.
        if entries.by_key.get(&self.key).is_some_and(|entry| entry.id == self.id) {
            entries.by_key.remove(&self.key);
        }
    }
}

impl<K, T, E> Flights<K, T, E>
where
    K: Eq + Hash + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Result for `key`, from the work in progress or else from `call`. The work is cancelled when its
    /// last caller leaves.
    ///
    /// Errors: those of the work.
    pub async fn join<F>(&self, key: K, call: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let flight = {
            let mut entries = self.flying.entries();
            let flying = entries.by_key.get(&key).and_then(|entry| entry.flight.upgrade());
            if let Some(flight) = flying {
                self.metrics.hits.inc();
                flight
            } else {
                self.metrics.misses.inc();
                let (key, id) = (Arc::new(key), entries.next_id);
                entries.next_id += 1;
                let registered = Registered { flying: self.flying.clone(), key: key.clone(), id };
                let flight: Shared<Flight<T, E>> = async move {
                    let result = call.await.map(Arc::new);
                    drop(registered);
                    result
                }
                .boxed()
                .shared();
                if let Some(flight) = flight.downgrade() {
                    entries.by_key.insert(key, Entry { id, flight });
                }
                flight
            }
        };
        // A single caller takes the result itself; only sharing callers copy it.
        flight.await.map(Arc::unwrap_or_clone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn equal_calls_are_shared() {
        let flights = Flights::<&str, usize, &str>::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let call = |answer: Result<usize, &'static str>| {
            let calls = Arc::clone(&calls);
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                answer
            }
        };
        let (a, b, c) = tokio::join!(
            flights.join("a", call(Ok(1))),
            flights.join("a", call(Ok(2))),
            flights.join("b", call(Err("refused"))),
        );
        assert_eq!((a.unwrap(), b.unwrap(), calls.load(Ordering::SeqCst)), (1, 1, 2));
        assert!(matches!(c, Err("refused")));
        // Neither answers nor errors are kept.
        assert_eq!(flights.join("a", call(Ok(3))).await.unwrap(), 3);
        assert_eq!(flights.join("b", call(Ok(4))).await.unwrap(), 4);
        assert_eq!(calls.load(Ordering::SeqCst), 4);
        let CacheMetrics { hits, misses } = &flights.metrics;
        let kept = flights.flying.entries().by_key.len();
        assert_eq!((hits.get(), misses.get(), kept), (1, 4, 0));
    }

    /// Neither a result nor a caller that left keeps its key, which may be as large as a query.
    #[tokio::test]
    async fn keys_are_not_kept() {
        let flights = Flights::<u8, (), ()>::default();
        for key in 0..10 {
            let mut never = Box::pin(flights.join(key, std::future::pending()));
            assert!(never.as_mut().now_or_never().is_none());
            assert_eq!(flights.flying.entries().by_key.len(), 1);
        }
        assert_eq!(flights.flying.entries().by_key.len(), 0);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_does_not_cancel_the_others() {
        let flights = Arc::new(Flights::<(), usize, ()>::default());
        let (release, wait) = tokio::sync::oneshot::channel::<()>();
        let call = async move {
            drop(wait.await);
            Ok(7)
        };
        let first = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move { flights.join((), call).await }
        });
        tokio::task::yield_now().await;
        let second = tokio::spawn({
            let flights = Arc::clone(&flights);
            async move { flights.join((), async { Ok(8) }).await }
        });
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        release.send(()).unwrap();
        assert_eq!(second.await.unwrap().unwrap(), 7);
    }
}
