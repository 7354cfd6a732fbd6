//! Scans under way, which further requests join: the panels of a dashboard, and the people who look at
//! it, ask for the same flows at the same time, grouped in different ways.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use budget::{CacheMetrics, Caller, Held};
use flow::TimeRange;
use flow::columns::{ColumnSet, FlowColumns};
use flow::filter::FilterSet;
use hubble_api::client::RelayNotice;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use crate::{PlanNotice, Relay, RelayError, ScanRequest};

/// Time that a scan waits for others to join: a browser sends the queries of a dashboard within a few
/// milliseconds.
const GATHERING: Duration = Duration::from_millis(20);
/// Number of pieces that wait for a member; a slower one holds up the scan.
const WAITING_PIECES: usize = 2;
/// Number of batches of a scan at once: those that wait, one in the making, one in use.
pub(crate) const BATCHES_AT_ONCE: usize = WAITING_PIECES + 2;
/// Unit of the time ranges that are read together, in nanoseconds. People who look at the same
/// dashboard ask for ranges that differ by less.
const RANGE_UNIT_NANOS: i64 = 1_000_000_000;

/// A piece of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Flows.
    Rows(Arc<FlowColumns>),
    /// A message of the relay.
    Notice(RelayNotice),
    /// The request is repeated: what came so far does not count.
    Again,
    /// The end.
    End(Result<ScanEnd, RelayError>),
}

/// The last words of a scan.
#[derive(Debug, Clone)]
pub(crate) struct ScanEnd {
    /// The error that ended the stream early, after some flows.
    pub(crate) broken: Option<RelayError>,
    /// Number of unreadable messages.
    pub(crate) unreadable: usize,
    /// Notice about flows that arrived against the filter, up to a second around the range included.
    pub(crate) let_through: Option<PlanNotice>,
}

/// Scans that others can still join.
#[derive(Default)]
pub(crate) struct Scans {
    open: Arc<OpenScans>,
    metrics: CacheMetrics,
}

#[derive(Default)]
struct OpenScans(Mutex<HashMap<Key, Weak<Group>>>);

/// What must be equal for two requests to share a scan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    filters: FilterSet,
    /// Range, rounded outward.
    from_nanos: i64,
    to_nanos: i64,
    caller: Caller,
}

/// The requests that share a scan. Only they hold it: with the last of them the scan ends.
struct Group {
    key: Key,
    scans: Weak<OpenScans>,
    members: Mutex<Members>,
    task: OnceLock<AbortHandle>,
}

struct Members {
    columns: ColumnSet,
    senders: Vec<mpsc::Sender<Piece>>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The columns are not fixed yet.
    Gathering,
    /// The columns are requested, and nothing came.
    Requested,
    /// Something came, which later members would lack.
    Answered,
}

/// The members of a group, for the task that reads.
pub(crate) struct Listeners(Weak<Group>);

/// A member's end of a group: the pieces of the answer, in order.
pub(crate) struct Pieces {
    receiver: mpsc::Receiver<Piece>,
    _group: Arc<Group>,
}

impl fmt::Debug for Scans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scans").field("open", &self.open.lock().len()).finish_non_exhaustive()
    }
}

impl OpenScans {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Weak<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scans {
    /// No scan yet. Requests that join one count as hits.
    pub(crate) fn counted(metrics: CacheMetrics) -> Self {
        Self { open: Arc::default(), metrics }
    }

    /// Joins an equal scan, or else begins one.
    pub(crate) fn join(&self, relay: &Arc<Relay>, request: &ScanRequest, held: &Held) -> Pieces {
        let key = Key::of(request);
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        // Outlives the lock: with its last member a group takes the lock.
        let known;
        let mut open = self.open.lock();
        known = open.get(&key).and_then(Weak::upgrade);
        if let Some(group) = &known
            && group.admit(request.columns, &sender)
        {
            self.metrics.hits.inc();
            return Pieces { receiver, _group: group.clone() };
        }
        self.metrics.misses.inc();
        let shared = ScanRequest { range: key.range(), ..request.clone() };
        let group = Arc::new(Group {
            key: key.clone(),
            scans: Arc::downgrade(&self.open),
            members: Mutex::new(Members {
                columns: request.columns,
                senders: vec![sender],
                stage: Stage::Gathering,
            }),
            task: OnceLock::new(),
        });
        open.insert(key, Arc::downgrade(&group));
        let held = held.another();
        let (relay, listeners) = (relay.clone(), Listeners(Arc::downgrade(&group)));
        let reading = async move {
            tokio::time::sleep(GATHERING).await;
            let end = relay.read_for(&listeners, &shared, held).await;
            listeners.send(Piece::End(end)).await;
        };
        let task = tokio::spawn(reading.in_current_span());
        // The group is new, so that it has no task yet.
        let _ = group.task.set(task.abort_handle());
        Pieces { receiver, _group: group }
    }
}

impl Key {
    fn of(request: &ScanRequest) -> Self {
        let ScanRequest { filters, range, caller, .. } = request;
        let begin = range.from_nanos.div_euclid(RANGE_UNIT_NANOS);
        let end = range.to_nanos.div_euclid(RANGE_UNIT_NANOS).saturating_add(1);
        Self {
            filters: filters.set().clone(),
            from_nanos: begin.saturating_mul(RANGE_UNIT_NANOS),
            to_nanos: end.saturating_mul(RANGE_UNIT_NANOS),
            caller: *caller,
        }
    }

    fn range(&self) -> TimeRange {
        TimeRange { from_nanos: self.from_nanos, to_nanos: self.to_nanos }
    }
}

impl Group {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a member in, unless it would miss something.
    fn admit(&self, columns: ColumnSet, sender: &mpsc::Sender<Piece>) -> bool {
        let mut members = self.members();
        let all = members.columns.union(columns);
        match members.stage {
            Stage::Gathering => members.columns = all,
            Stage::Requested if all == members.columns => {}
            Stage::Requested | Stage::Answered => return false,
        }
        members.senders.push(sender.clone());
        true
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
        let Some(scans) = self.scans.upgrade() else { return };
        let mut open = scans.lock();
        // Another group may have taken the place.
        if open.get(&self.key).is_some_and(|group| std::ptr::eq(group.as_ptr(), self)) {
            open.remove(&self.key);
        }
    }
}

impl Listeners {
    /// The columns that the members need; none join with other columns from now on.
    pub(crate) fn columns(&self) -> ColumnSet {
        let Some(group) = self.0.upgrade() else { return ColumnSet::EMPTY };
        let mut members = group.members();
        members.stage = Stage::Requested;
        members.columns
    }

    /// Gives a piece to every member, as fast as the slowest takes it.
    pub(crate) async fn send(&self, piece: Piece) {
        let senders = match self.0.upgrade() {
            Some(group) => {
                let mut members = group.members();
                members.stage = Stage::Answered;
                members.senders.retain(|sender| !sender.is_closed());
                members.senders.clone()
            }
            None => return,
        };
        for sender in senders {
            // A member that left needs nothing.
            let _ = sender.send(piece.clone()).await;
        }
    }
}

impl Pieces {
    /// The next piece. `None`: the scan ended without its last words.
    pub(crate) async fn next(&mut self) -> Option<Piece> {
        self.receiver.recv().await
    }
}
