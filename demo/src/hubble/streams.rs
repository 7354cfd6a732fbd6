//! Open streams of flows, counted as a client sees them: from the request to the end of the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio_stream::Stream;

/// Numbers of open streams of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Streams that read the rings once.
    pub scans: usize,
    /// Most of them at once, since the start.
    pub most_scans: usize,
    /// Number of them since the start, the ended ones included.
    pub all_scans: u64,
    /// Streams that follow new flows.
    pub follows: usize,
    /// Most of them at once, since the start.
    pub most_follows: usize,
}

/// The streams of a relay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<StreamCounts>>);

/// A stream that counts as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    stream: S,
    streams: Streams,
    follows: bool,
}

impl Streams {
    /// The present numbers.
    pub(crate) fn counts(&self) -> StreamCounts {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, StreamCounts> {
        // Numbers alone: they are whole whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a stream. `follows`: it has no end of its own.
    pub(crate) fn count<S>(&self, stream: S, follows: bool) -> Counted<S> {
        let mut counts = self.lock();
        if follows {
            counts.follows += 1;
            counts.most_follows = counts.most_follows.max(counts.follows);
        } else {
            counts.all_scans += 1;
            counts.scans += 1;
            counts.most_scans = counts.most_scans.max(counts.scans);
        }
        drop(counts);
        Counted { stream, streams: self.clone(), follows }
    }
}

impl<S: Stream + Unpin> Stream for Counted<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.stream).poll_next(cx)
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        let mut counts = self.streams.lock();
        if self.follows {
            counts.follows -= 1;
        } else {
            counts.scans -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_count_while_they_live() {
        let streams = Streams::default();
        let scans = [streams.count((), false), streams.count((), false)];
        let follow = streams.count((), true);
        drop(scans);
        let one_more = streams.count((), false);
        let counts =
            StreamCounts { scans: 1, most_scans: 2, all_scans: 3, follows: 1, most_follows: 1 };
        assert_eq!(streams.counts(), counts);
        drop((follow, one_more));
        assert_eq!(streams.counts(), StreamCounts { scans: 0, follows: 0, ..counts });
    }
}
