//! Cache of one value with a time to live.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// Cached value; concurrent callers share one request.
#[derive(Debug)]
pub struct Cached<T> {
    time_to_live: Duration,
    kept: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Cached<T> {
    /// Empty cache; a value expires after `time_to_live`.
    pub fn new(time_to_live: Duration) -> Self {
        Self { time_to_live, kept: Mutex::new(None) }
    }

    /// The cached value, else the result of `ask`, whose age counts from the request.
    ///
    /// Errors: those of `ask`, which are not kept.
    pub async fn get<E>(&self, ask: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut kept = self.kept.lock().await;
        if let Some((asked, value)) = kept.as_ref()
            && asked.elapsed() < self.time_to_live
        {
            return Ok(value.clone());
        }
        let asked = Instant::now();
        let value = ask.await?;
        *kept = Some((asked, value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn a_value_is_kept_for_its_time_and_an_error_is_not() {
        let long = Cached::new(Duration::from_hours(1));
        assert_eq!(long.get(ready(Err("first"))).await, Err("first"));
        assert_eq!(long.get(ready(Ok::<_, &str>(2))).await, Ok(2));
        assert_eq!(long.get(ready(Ok::<_, &str>(3))).await, Ok(2));
        assert_eq!(long.get(ready(Err("fourth"))).await, Ok(2));
        let short = Cached::new(Duration::ZERO);
        assert_eq!(short.get(ready(Ok::<_, &str>(1))).await, Ok(1));
        assert_eq!(short.get(ready(Err("second"))).await, Err("second"));
        assert_eq!(short.get(ready(Ok::<_, &str>(3))).await, Ok(3));
    }
}
