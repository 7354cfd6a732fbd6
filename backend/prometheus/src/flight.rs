//! Calls on their way, each shared by all who ask the same while it is under way: the panels of a
//! dashboard repeat each other's queries, and Prometheus is asked once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::error::PrometheusError;

type Landed<T> = Result<Arc<T>, PrometheusError>;
type Flight<T> = BoxFuture<'static, Landed<T>>;

/// Calls under way by what they ask. An answer is kept no longer than those wait who asked for it:
/// this is no cache.
#[derive(Debug)]
pub(crate) struct Flights<K, T> {
    flying: Mutex<HashMap<K, WeakShared<Flight<T>>>>,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { flying: Mutex::default() }
    }
}

impl<K: Eq + Hash, T: Clone + Send + Sync + 'static> Flights<K, T> {
    /// The answer to `key`: of the call that is under way, else of `call`. The call ends when
    /// nobody waits for it any more.
    ///
    /// Errors: those of the call.
    pub(crate) async fn join<F>(&self, key: K, call: F) -> Result<T, PrometheusError>
    where
        F: Future<Output = Result<T, PrometheusError>> + Send + 'static,
    {
        let flight = {
            let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
            flying.retain(|_, flight| flight.upgrade().is_some());
            if let Some(flight) = flying.get(&key).and_then(WeakShared::upgrade) {
                flight
            } else {
                let flight: Shared<Flight<T>> =
                    async move { call.await.map(Arc::new) }.boxed().shared();
                if let Some(weak) = flight.downgrade() {
                    flying.insert(key, weak);
                }
                flight
            }
        };
        // A caller that waited alone takes the answer itself; only those that share it copy.
        flight.await.map(Arc::unwrap_or_clone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_same_is_asked_once_at_a_time() {
        let flights = Flights::<&str, usize>::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let call = |answer: Result<usize, PrometheusError>| {
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
            flights.join("b", call(Err(PrometheusError::NotConfigured))),
        );
        assert_eq!((a.unwrap(), b.unwrap(), calls.load(Ordering::SeqCst)), (1, 1, 2));
        assert!(matches!(c, Err(PrometheusError::NotConfigured)));
        // Nothing is kept, an error neither.
        assert_eq!(flights.join("a", call(Ok(3))).await.unwrap(), 3);
        assert_eq!(flights.join("b", call(Ok(4))).await.unwrap(), 4);
        assert_eq!(calls.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn who_leaves_takes_no_answer_away() {
        let flights = Arc::new(Flights::<(), usize>::default());
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
