//! The nodes behind a relay: how many, and what the oldest of them knows.

use std::time::{Duration, Instant};

use hubble_api::release::Release;

use super::Relay;

/// How long an answer stays true enough: clusters are not upgraded by the second.
const TTL: Duration = Duration::from_secs(60);
/// How long a query waits for it. Without it, it is asked as if nothing were known.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the nodes that flows come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Nodes that the relay is connected to; 0: not known.
    pub(crate) nodes: usize,
    /// The oldest release of Cilium that one of them runs; `None`: not all of them tell.
    pub(crate) oldest: Option<Release>,
}

impl Relay {
    /// What is known of the nodes. Asked at most once a minute; who comes meanwhile waits for the
    /// same answer. A relay that has none is no error here: the query itself will tell.
    pub(super) async fn known(&self) -> Known {
        let asked = tokio::time::timeout(PATIENCE, async {
            let mut kept = self.known.lock().await;
            if let Some((asked, known)) = *kept
                && asked.elapsed() < TTL
            {
                return known;
            }
            let known = self.ask_known().await;
            if let Some(known) = known {
                *kept = Some((Instant::now(), known));
            }
            known.unwrap_or_default()
        });
        asked.await.unwrap_or_default()
    }

    /// `None`: no answer, and asking again may help.
    async fn ask_known(&self) -> Option<Known> {
        if let Ok(nodes) = self.nodes().await {
            let connected = || nodes.iter().filter(|node| node.connected);
            let releases: Option<Vec<Release>> =
                connected().map(|node| Release::read(&node.version)).collect();
            let oldest = releases.and_then(|releases| releases.into_iter().min());
            return Some(Known { nodes: connected().count(), oldest });
        }
        // A node that is asked itself does not know of others.
        let status = self.status().await.ok()?;
        Some(Known { nodes: 1, oldest: Release::read(&status.version) })
    }
}
