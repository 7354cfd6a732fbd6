//! Running live channels. Each path belongs to one query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use query::MAX_QUERY_BYTES;

use super::RefusedChannel;

/// Maximum number of channels; Grafana itself allows 100 browsers by default (`[live]
/// max_connections`).
const MAX_CHANNELS: usize = 200;
const MAX_KEY_CHARS: usize = 100;

/// Identification of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChannelKey {
    pub(crate) org_id: i64,
    /// Uid of the data source.
    pub(crate) uid: String,
    pub(crate) path: String,
}

/// The running channels and their queries.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    running: Mutex<HashMap<ChannelKey, Running>>,
}

#[derive(Debug)]
struct Running {
    query: Bytes,
    /// Number of streams; a restarted stream overlaps with its predecessor.
    streams: usize,
}

/// A running stream; dropping it frees its place.
#[derive(Debug)]
pub(crate) struct RunningStream {
    channels: Arc<Channels>,
    key: ChannelKey,
}

impl ChannelKey {
    /// Checks the form of the path.
    ///
    /// Errors: [`RefusedChannel::Path`].
    pub(super) fn check(&self) -> Result<(), RefusedChannel> {
        let fits = self.path.strip_prefix("flows/").is_some_and(|key| {
            (1..=MAX_KEY_CHARS).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
        if fits { Ok(()) } else { Err(RefusedChannel::Path { path: self.path.clone() }) }
    }
}

impl Channels {
    fn running(&self) -> MutexGuard<'_, HashMap<ChannelKey, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks whether `query` may be subscribed to under `key`.
    ///
    /// Errors: [`RefusedChannel::OtherQuery`], [`RefusedChannel::TooLarge`].
    pub(super) fn check(&self, key: &ChannelKey, query: &Bytes) -> Result<(), RefusedChannel> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(RefusedChannel::TooLarge);
        }
        match self.running().get(key) {
            Some(running) if running.query != query => {
                Err(RefusedChannel::OtherQuery { path: key.path.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Counts a stream for as long as the returned value lives.
    ///
    /// Errors: [`RefusedChannel::OtherQuery`], [`RefusedChannel::TooMany`], [`RefusedChannel::TooLarge`].
    pub(super) fn enter(
        self: &Arc<Self>,
        key: &ChannelKey,
        query: &Bytes,
    ) -> Result<RunningStream, RefusedChannel> {
        self.check(key, query)?;
        let mut running = self.running();
        if running.len() >= MAX_CHANNELS && !running.contains_key(key) {
            return Err(RefusedChannel::TooMany(MAX_CHANNELS));
        }
        let entry = running
            .entry(key.clone())
            .or_insert_with(|| Running { query: query.clone(), streams: 0 });
        entry.streams += 1;
        Ok(RunningStream { channels: Arc::clone(self), key: key.clone() })
    }
}

impl Drop for RunningStream {
    fn drop(&mut self) {
        let mut running = self.channels.running();
        if let Some(entry) = running.get_mut(&self.key) {
            entry.streams -= 1;
            if entry.streams == 0 {
                running.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> ChannelKey {
        ChannelKey { org_id: 1, uid: "hubble".to_owned(), path: path.to_owned() }
    }

    #[test]
    fn paths() {
        for (path, fits) in [
            ("flows/1-a_B9", true),
            ("flows/", false),
            ("flows/a/b", false),
            ("flows/ä", false),
            ("flow/a", false),
            ("", false),
        ] {
            assert_eq!(key(path).check().is_ok(), fits, "`{path}`");
        }
        assert!(key(&format!("flows/{}", "a".repeat(101))).check().is_err());
    }

    #[test]
    fn a_path_belongs_to_one_query_while_it_runs() {
        let channels = Arc::new(Channels::default());
        let (one, other) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        let first = channels.enter(&key("flows/a"), &one).unwrap();
        let again = channels.enter(&key("flows/a"), &one).unwrap();
        assert!(channels.enter(&key("flows/a"), &other).is_err());
        assert!(channels.enter(&key("flows/b"), &other).is_ok());
        drop(first);
        assert!(channels.check(&key("flows/a"), &other).is_err());
        drop(again);
        assert!(channels.check(&key("flows/a"), &other).is_ok());
    }

    #[test]
    fn bounded() {
        let channels = Arc::new(Channels::default());
        let query = Bytes::new();
        let enter = |n: usize| channels.enter(&key(&format!("flows/{n}")), &query);
        let tickets: Vec<RunningStream> = (0..MAX_CHANNELS).map(|n| enter(n).unwrap()).collect();
        assert_eq!(enter(MAX_CHANNELS).unwrap_err(), RefusedChannel::TooMany(MAX_CHANNELS));
        assert!(enter(0).is_ok());
        drop(tickets);
        assert!(enter(MAX_CHANNELS).is_ok());
    }
}
