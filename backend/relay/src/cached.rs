//! Cache of one value with a time to live.

use std::time::{Duration, Instant};

use budget::CacheMetrics;
use tokio::sync::Mutex;

/// Time for which an error stands for the answer: callers who waited for one request do not wait for another,
/// one after the other, while the relay is down.
pub const ERRORS_KEPT: Duration = Duration::from_secs(2);

/// Cached answer; concurrent callers share one request.
#[derive(Debug)]
pub struct Cached<T, E> {
    values_kept: Duration,
    errors_kept: Duration,
    kept: Mutex<Option<Kept<T, E>>>,
    metrics: CacheMetrics,
}

#[derive(Debug)]
struct Kept<T, E> {
    answer: Result<T, E>,
    until: Instant,
}

impl<T: Clone, E: Clone> Cached<T, E> {
    /// Empty cache. The age of a value counts from the request for it, the age of an error from its arrival.
    pub fn new(values_kept: Duration, errors_kept: Duration) -> Self {
        let (kept, metrics) = (Mutex::new(None), CacheMetrics::default());
        Self { values_kept, errors_kept, kept, metrics }
    }

    /// The cache, counting in `metrics`.
    #[must_use]
    pub fn counted(self, metrics: CacheMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// The cached answer, else that of `ask`.
    ///
    /// Errors: those of `ask`.
    pub async fn get(&self, ask: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut kept = self.kept.lock().await;
        if let Some(Kept { answer, until }) = kept.as_ref()
            && Instant::now() < *until
        {
            self.metrics.hits.inc();
            return answer.clone();
        }
        self.metrics.misses.inc();
        let asked = Instant::now();
        let answer = ask.await;
        let until = match answer {
            Ok(_) => asked + self.values_kept,
            Err(_) => Instant::now() + self.errors_kept,
        };
        *kept = Some(Kept { answer: answer.clone(), until });
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use futures_util::future::join_all;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn values_and_errors_are_kept_for_their_times() {
        let uses = CacheMetrics::default();
        let values = Cached::new(HOUR, Duration::ZERO).counted(uses.clone());
        assert_eq!(values.get(ready(Err("first"))).await, Err("first"));
        assert_eq!(values.get(ready(Ok(2))).await, Ok(2));
        assert_eq!(values.get(ready(Ok(3))).await, Ok(2));
        assert_eq!(values.get(ready(Err("fourth"))).await, Ok(2));
        assert_eq!((uses.hits.get(), uses.misses.get()), (2, 2));
        let errors = Cached::new(Duration::ZERO, HOUR);
        assert_eq!(errors.get(ready(Ok(1))).await, Ok(1));
        assert_eq!(errors.get(ready(Err("second"))).await, Err("second"));
        assert_eq!(errors.get(ready(Ok(3))).await, Err("second"));
        let nothing = Cached::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(nothing.get(ready(Ok(1))).await, Ok(1));
        assert_eq!(nothing.get(ready(Err("second"))).await, Err("second"));
        assert_eq!(nothing.get(ready(Ok(3))).await, Ok(3));
    }

    #[tokio::test]
    async fn callers_who_wait_share_an_error() {
        let cached = Cached::<(), _>::new(HOUR, ERRORS_KEPT);
        let asked = Cell::new(0);
        let ask = async || {
            tokio::task::yield_now().await;
            asked.set(asked.get() + 1);
            Err(asked.get())
        };
        let answers = join_all((0..20).map(|_| cached.get(ask()))).await;
        assert_eq!(answers, [Err(1); 20]);
    }
}
