//! A cluster that is watched while its objects are asked for.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

use crate::access::ClusterAccess;
use crate::follow::Follower;
use crate::pace::Pace;
use crate::resource::RESOURCES;
use crate::store::{Limits, Snapshot, Store};
use crate::transport::Transport;

/// Number of pages in memory at once.
const PAGES: usize = 2;

/// A cluster. Watching begins with the first question, and ends after some idle time or with this value.
#[derive(Debug)]
pub struct ClusterSource {
    access: ClusterAccess,
    pace: Pace,
    limits: Limits,
    idle_after: Duration,
    watching: Arc<Mutex<Option<Watching>>>,
}

#[derive(Debug)]
struct Watching {
    store: Arc<Store>,
    asked_at: Instant,
    task: AbortHandle,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ClusterSource {
    /// A cluster, whose watch ends when it was not asked about for `idle_after`. Sends nothing yet.
    pub fn new(access: ClusterAccess, pace: Pace, limits: Limits, idle_after: Duration) -> Self {
        Self { access, pace, limits, idle_after, watching: Arc::default() }
    }

    /// The objects at hand. Call it within a Tokio runtime.
    pub fn snapshot(&self) -> Snapshot {
        self.store().snapshot()
    }

    /// The objects, once each resource was answered for, or those at hand after a time.
    pub async fn settled(&self, within: Duration) -> Snapshot {
        let store = self.store();
        // What is still under way then says so itself.
        let _is_in_time = tokio::time::timeout(within, store.settled()).await.is_ok();
        store.snapshot()
    }

    /// Whether the cluster is being watched.
    pub fn is_watching(&self) -> bool {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn store(&self) -> Arc<Store> {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watching) = watching.as_mut() {
            watching.asked_at = Instant::now();
            return watching.store.clone();
        }
        let store = Arc::new(Store::new(self.limits));
        let run = run(self.access.clone(), self.pace, store.clone());
        let (of, idle_after) = (Arc::downgrade(&self.watching), self.idle_after);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = run => {}
                () = idle(&of, idle_after) => {}
            }
        });
        *watching = Some(Watching {
            store: store.clone(),
            asked_at: Instant::now(),
            task: task.abort_handle(),
        });
        store
    }
}

/// Ends when the watch was idle, and has removed it then.
async fn idle(watching: &Weak<Mutex<Option<Watching>>>, idle_after: Duration) {
    loop {
        let Some(watching) = watching.upgrade() else { return };
        let left = {
            let mut watching = watching.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(own) = watching.as_ref() else { return };
            let left = idle_after.saturating_sub(own.asked_at.elapsed());
            if left.is_zero() {
                *watching = None;
                return;
            }
            left
        };
        drop(watching);
        tokio::time::sleep(left).await;
    }
}

async fn run(access: ClusterAccess, pace: Pace, store: Arc<Store>) {
    let transport = loop {
        match Transport::open(&access, &pace).await {
            Ok(transport) => break Arc::new(transport),
            Err(error) => {
                for index in 0..RESOURCES.len() {
                    store.fail(index, error.clone());
                }
            }
        }
        tokio::time::sleep(pace.lasting_wait).await;
    };
    let pages = Arc::new(Semaphore::new(PAGES));
    let mut followers = JoinSet::new();
    for (index, resource) in RESOURCES.iter().enumerate() {
        let (transport, store, pages) = (transport.clone(), store.clone(), pages.clone());
        followers.spawn(Follower { transport, store, pace, pages, resource, index }.run());
    }
    // They end only with this task.
    while followers.join_next().await.is_some() {}
}
