//! When the plugin leaves: Grafana says so, the system says so, or Grafana is gone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long calls in flight may take after the end is decided. go-plugin kills after 2 s.
pub(crate) const GRACE: Duration = Duration::from_millis(1_500);

/// How often to look whether Grafana still lives. After `kill -9` it cannot say good-bye, and the
/// plugin's stdin is `/dev/null`, so nothing but the parent's process id tells.
#[cfg(unix)]
const PARENT_POLL: Duration = Duration::from_millis(500);

/// The process that started this one. To be asked before anybody can know that we live: a host
/// that dies right after the handshake must not be taken for the one that it leaves us to.
pub(crate) fn parent() -> Parent {
    #[cfg(unix)]
    return Parent(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    return Parent(0);
}

/// See [`parent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent(u32);

/// Cancels `leave` on SIGTERM or when the parent process is gone.
///
/// SIGINT is ignored, as go-plugin's own servers do: Ctrl-C in a terminal reaches the whole
/// process group, and Grafana ends its plugins in its own order.
#[cfg(unix)]
pub(crate) async fn watch(leave: CancellationToken, parent_at_start: Parent) {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals cannot be watched");
        return;
    };
    let mut poll = tokio::time::interval(PARENT_POLL);
    loop {
        tokio::select! {
            () = leave.cancelled() => return,
            _ = terminate.recv() => {
                tracing::debug!("leaving: SIGTERM");
                leave.cancel();
            }
            _ = interrupt.recv() => tracing::debug!("SIGINT ignored: Grafana decides"),
            _ = poll.tick() => {
                if parent() != parent_at_start {
                    tracing::warn!("leaving: Grafana is gone");
                    leave.cancel();
                }
            }
        }
    }
}

/// Where there are neither signals nor parent ids, `GRPCController.Shutdown` alone ends us.
#[cfg(not(unix))]
pub(crate) async fn watch(leave: CancellationToken, _: Parent) {
    leave.cancelled().await;
}
