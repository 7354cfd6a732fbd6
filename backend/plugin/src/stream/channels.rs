//! The channels whose streams run, within limits for each organisation and each person.
//!
//! Grafana asks twice: a subscription is allowed or refused, and the first one that is allowed starts the
//! stream at once. A refused subscription starts nothing, so a person above the limit cannot take a channel
//! from others. An allowed one holds its place until the stream starts, so subscriptions that come together
//! cannot pass the limit together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::recent::RecentFlows;

/// Time that a place is kept for a stream that was allowed. Grafana starts it at once, if it starts it.
const KEPT: Duration = Duration::from_secs(5);

/// Maximum numbers of channels that run at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelLimits {
    /// In one organisation.
    pub(crate) per_org: usize,
    /// Opened by one person of one organisation; all anonymous people together count as one.
    pub(crate) per_person: usize,
}

/// The limit that a further channel meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitReached {
    #[error(
        "{0} live streams run in this organisation, which is the limit: close some that follow flows; each \
         ends about 15 s after its last viewer has left"
    )]
    OfOrg(usize),
    #[error(
        "{0} live streams that you opened still run, which is the limit: close some that follow flows; each \
         ends about 15 s after its last viewer has left"
    )]
    OfPerson(usize),
}

/// Identification of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChannelKey {
    pub(crate) org_id: i64,
    /// Uid of the data source.
    pub(crate) uid: String,
    pub(crate) path: String,
}

/// The running channels.
#[derive(Debug)]
pub(crate) struct Channels {
    limits: ChannelLimits,
    places: Mutex<HashMap<ChannelKey, Place>>,
}

#[derive(Debug)]
struct Place {
    /// Login of the person whose subscription came first; Grafana does not report who leaves.
    opened_by: String,
    /// Number of streams; a restarted stream overlaps with its predecessor.
    streams: usize,
    /// Time until which the place is kept without a stream.
    kept_until: Instant,
    recent: Arc<RecentFlows>,
}

/// A running stream; dropping it frees its place.
#[derive(Debug)]
pub(crate) struct RunningStream {
    channels: Arc<Channels>,
    key: ChannelKey,
    /// The flows that the stream has sent.
    pub(super) recent: Arc<RecentFlows>,
}

impl Channels {
    /// No channel yet.
    pub(crate) fn new(limits: ChannelLimits) -> Self {
        Self { limits, places: Mutex::default() }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<ChannelKey, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of channels that run.
    pub(crate) fn count(&self) -> usize {
        self.places().values().filter(|place| place.streams > 0).count()
    }

    /// Keeps the place of a channel for the stream that follows; returns what a running one has sent.
    ///
    /// Errors: [`LimitReached`].
    pub(super) fn allow(
        &self,
        key: &ChannelKey,
        login: &str,
        now: Instant,
    ) -> Result<Arc<RecentFlows>, LimitReached> {
        let mut places = self.places();
        let place = self.limits.place(&mut places, key, login, now)?;
        place.kept_until = now + KEPT;
        Ok(Arc::clone(&place.recent))
    }

    /// Counts a stream for as long as the returned value lives.
    ///
    /// Errors: [`LimitReached`].
    pub(super) fn enter(
        self: &Arc<Self>,
        key: &ChannelKey,
        login: &str,
        now: Instant,
    ) -> Result<RunningStream, LimitReached> {
        let mut places = self.places();
        let place = self.limits.place(&mut places, key, login, now)?;
        if place.streams == 0 {
            place.kept_until = now;
        }
        place.streams += 1;
        let recent = Arc::clone(&place.recent);
        Ok(RunningStream { channels: Arc::clone(self), key: key.clone(), recent })
    }

    /// The limit that a further channel of a person meets.
    pub(crate) fn limit_reached(&self, org_id: i64, login: &str) -> Option<LimitReached> {
        let mut places = self.places();
        places.retain(|_, place| place.is_taken(Instant::now()));
        self.limits.check(&places, org_id, login).err()
    }
}

impl ChannelLimits {
    /// The place of a channel: the one that it has, or a new one.
    fn place<'a>(
        self,
        places: &'a mut HashMap<ChannelKey, Place>,
        key: &ChannelKey,
        login: &str,
        now: Instant,
    ) -> Result<&'a mut Place, LimitReached> {
        places.retain(|_, place| place.is_taken(now));
        if !places.contains_key(key) {
            self.check(places, key.org_id, login)?;
        }
        Ok(places.entry(key.clone()).or_insert_with(|| Place {
            opened_by: login.to_owned(),
            streams: 0,
            kept_until: now,
            recent: Arc::default(),
        }))
    }

    /// Whether a person may open a further channel.
    fn check(
        self,
        places: &HashMap<ChannelKey, Place>,
        org_id: i64,
        login: &str,
    ) -> Result<(), LimitReached> {
        let of_org = || places.iter().filter(|(key, _)| key.org_id == org_id);
        if of_org().filter(|(_, place)| place.opened_by == login).count() >= self.per_person {
            Err(LimitReached::OfPerson(self.per_person))
        } else if of_org().count() >= self.per_org {
            Err(LimitReached::OfOrg(self.per_org))
        } else {
            Ok(())
        }
    }
}

impl Place {
    fn is_taken(&self, now: Instant) -> bool {
        self.streams > 0 || now < self.kept_until
    }
}

impl Drop for RunningStream {
    fn drop(&mut self) {
        let mut places = self.channels.places();
        if let Some(place) = places.get_mut(&self.key) {
            place.streams -= 1;
            if !place.is_taken(Instant::now()) {
                places.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const LIMITS: ChannelLimits = ChannelLimits { per_org: 50, per_person: 10 };

    fn key(org_id: i64, number: usize) -> ChannelKey {
        ChannelKey { org_id, uid: "hubble".to_owned(), path: format!("flows/{number}") }
    }

    fn channels() -> Arc<Channels> {
        Arc::new(Channels::new(LIMITS))
    }

    /// The streams with these numbers, each group of ten opened by a person of its own.
    fn enter(
        channels: &Arc<Channels>,
        org_id: i64,
        numbers: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<RunningStream>, LimitReached> {
        let now = Instant::now();
        let one = |n: usize| channels.enter(&key(org_id, n), &format!("person-{}", n / 10), now);
        numbers.into_iter().map(one).collect()
    }

    #[test]
    fn an_organisation_has_its_limit_and_no_other_organisation_feels_it() {
        let channels = channels();
        let first = enter(&channels, 1, 0..50).unwrap();
        assert_eq!(enter(&channels, 1, 50..51).unwrap_err(), LimitReached::OfOrg(50));
        let joined = enter(&channels, 1, 0..50).unwrap();
        let _other_org = enter(&channels, 2, 0..50).unwrap();
        assert!(enter(&channels, 1, 50..51).is_err());
        drop(first);
        assert!(enter(&channels, 1, 50..51).is_err(), "the streams that joined still run");
        drop(joined);
        assert!(enter(&channels, 1, 50..51).is_ok());
    }

    #[test]
    fn a_person_has_a_limit_which_counts_what_still_runs() {
        let channels = channels();
        let mut own: VecDeque<_> = enter(&channels, 1, 0..10).unwrap().into();
        let now = Instant::now();
        let limit = LimitReached::OfPerson(10);
        assert_eq!(channels.allow(&key(1, 10), "person-0", now).unwrap_err(), limit);
        let others = channels.enter(&key(1, 10), "person-1", now).unwrap();
        assert!(channels.allow(&key(1, 10), "person-0", now).is_ok(), "joining opens nothing");
        assert_eq!(channels.allow(&key(1, 11), "person-0", now).unwrap_err(), limit);
        assert!(channels.allow(&key(2, 11), "person-0", now).is_ok(), "another organisation");
        drop(own.pop_front());
        assert!(channels.allow(&key(1, 11), "person-0", now).is_ok(), "one ended");
        drop((own, others));
    }

    #[test]
    fn an_allowed_channel_keeps_its_place_for_a_moment() {
        let channels = channels();
        let start = Instant::now();
        for number in 0..10 {
            channels.allow(&key(1, number), "ada", start).unwrap();
        }
        let late = start + KEPT;
        let just_before = late.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(channels.allow(&key(1, 10), "ada", just_before).is_err());
        let _stream = channels.enter(&key(1, 0), "ada", just_before).unwrap();
        for number in 10..19 {
            assert!(channels.allow(&key(1, number), "ada", late).is_ok(), "{number}");
        }
        assert!(channels.allow(&key(1, 19), "ada", late).is_err(), "one stream and nine places");
    }

    /// A stream that restarts overlaps with its predecessor, and ends before or after it.
    #[test]
    fn a_restart_takes_one_place() {
        let channels = channels();
        let streams = enter(&channels, 1, 0..10).unwrap();
        let again = enter(&channels, 1, 0..10).unwrap();
        drop(streams);
        assert!(channels.allow(&key(1, 10), "person-0", Instant::now()).is_err());
        drop(again);
        assert!(channels.places().is_empty());
    }

    /// People subscribe at the same moment, and each allowed subscription is followed by its stream.
    #[test]
    fn subscriptions_that_come_together_do_not_pass_a_limit_together() {
        const PEOPLE: usize = 8;
        for round in 0..50 {
            let channels = channels();
            let barrier = Barrier::new(PEOPLE);
            let open = |person: usize| {
                barrier.wait();
                let login = format!("person-{person}");
                let now = Instant::now();
                let allowed: Vec<ChannelKey> = (0..12)
                    .map(|number| key(1, 100 * person + number))
                    .filter(|key| channels.allow(key, &login, now).is_ok())
                    .collect();
                // An allowed subscriber is let in, however many came between.
                let enter = |key: &ChannelKey| channels.enter(key, &login, now).unwrap();
                allowed.iter().map(enter).collect::<Vec<_>>()
            };
            let streams: Vec<Vec<RunningStream>> = thread::scope(|scope| {
                let open = &open;
                let threads: Vec<_> =
                    (0..PEOPLE).map(|person| scope.spawn(move || open(person))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let counts: Vec<usize> = streams.iter().map(Vec::len).collect();
            assert_eq!(counts.iter().sum::<usize>(), 50, "round {round}: {counts:?}");
            assert!(counts.iter().all(|count| *count <= 10), "round {round}: {counts:?}");
            drop(streams);
            assert!(channels.places().is_empty());
        }
    }
}
