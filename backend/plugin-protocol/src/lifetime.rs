//! When the plugin leaves: Grafana says so, the system says so, or Grafana is gone.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long calls in flight may take after the end is decided. go-plugin kills after 2 s.
pub(crate) const GRACE: Duration = Duration::from_millis(1_500);

/// How often to look whether Grafana still lives. After `kill -9` it cannot say good-bye, and the
/// plugin's stdin is `/dev/null`, so nothing but the parent's process id tells.
#[cfg(unix)]
const PARENT_POLL: Duration = Duration::from_millis(500);

/// What can end the plugin from outside.
///
/// To be set up before the handshake: from then on the host may die or send a signal at once, and
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
    /// Notes the parent and takes the signals over. Errors: the system refuses the latter.
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

/// Where there are neither signals nor parent ids, `GRPCController.Shutdown` alone ends us.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Watch;

#[cfg(not(unix))]
impl Watch {
    /// Nothing to watch. Errors: none.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Nothing to wait for.
    pub(crate) async fn until(self, leave: CancellationToken) {
        leave.cancelled().await;
    }
}
