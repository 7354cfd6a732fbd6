//! Shutdown of the plugin: on Grafana's request, on a signal, or when Grafana is gone.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Time for calls in flight after shutdown begins. go-plugin kills the process after 2 s.
pub(crate) const GRACE: Duration = Duration::from_millis(1_500);

/// Interval between checks whether Grafana is alive. After `kill -9` Grafana cannot say so, and the
/// plugin's stdin is `/dev/null`, so the parent's process id is the only sign.
#[cfg(unix)]
const PARENT_POLL: Duration = Duration::from_millis(500);

/// Sources of shutdown from outside.
///
/// Create it before the handshake: afterwards the host may die or send a signal at any time, and
/// neither must be missed.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Watch {
    parent_at_start: u32,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Watch {
    /// Records the parent and takes over the signals.
    ///
    /// Errors: the system refuses the signals.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            parent_at_start: std::os::unix::process::parent_id(),
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Cancels `leave` on SIGTERM or when the parent process is gone.
    ///
    /// SIGINT is ignored, as go-plugin's own servers do: Ctrl-C in a terminal reaches the whole
    /// process group, and Grafana ends its plugins in its own order.
    pub(crate) async fn until(mut self, leave: CancellationToken) {
        let mut poll = tokio::time::interval(PARENT_POLL);
        loop {
            tokio::select! {
                () = leave.cancelled() => return,
                _ = self.terminate.recv() => {
                    tracing::debug!("leaving: SIGTERM");
                    leave.cancel();
                }
                _ = self.interrupt.recv() => tracing::debug!("SIGINT ignored: Grafana decides"),
                _ = poll.tick() => {
                    if std::os::unix::process::parent_id() != self.parent_at_start {
                        tracing::warn!("leaving: Grafana is gone");
                        leave.cancel();
                    }
                }
            }
        }
    }
}

/// Systems without signals and parent ids: only `GRPCController.Shutdown` ends the plugin.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Watch;

#[cfg(not(unix))]
impl Watch {
    /// Nothing to watch; always succeeds.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns at once.
    pub(crate) async fn until(self, leave: CancellationToken) {
        leave.cancelled().await;
    }
}
