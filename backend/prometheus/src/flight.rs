//! Sharing of equal calls in progress: the panels of a dashboard repeat each other's queries, and
//! Prometheus receives each once. `futures_util::future::Shared` does the sharing; the map of calls
//! around it is too small for a crate.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::error::PrometheusError;

type Landed<T> = Result<Arc<T>, PrometheusError>;
type Flight<T> = BoxFuture<'static, Landed<T>>;

/// Calls in progress, by key. An answer lives only as long as its callers wait for it, so this is
/// not a cache.
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
    /// Answer for `key`, from the call in progress or else from `call`. The call is cancelled when
    /// its last caller leaves.
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
        // A single caller takes the answer itself; only sharing callers copy it.
        flight.await.map(Arc::unwrap_or_clone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn equal_calls_are_shared() {
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
        // Neither answers nor errors are kept.
        assert_eq!(flights.join("a", call(Ok(3))).await.unwrap(), 3);
        assert_eq!(flights.join("b", call(Ok(4))).await.unwrap(), 4);
        assert_eq!(calls.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_does_not_cancel_the_others() {
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
