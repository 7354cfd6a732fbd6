//! Life of a plugin's backend: started, connected, restarted after a crash, shut down with the
//! preview.

mod log;
mod process;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

pub(crate) use process::Executable;
use process::Process;
use wording::with_causes;

/// Delay before a crashed plugin is restarted, as in Grafana.
const FIRST_RESTART_DELAY: Duration = Duration::from_millis(300);
/// Maximum delay; it doubles with each run shorter than [`STEADY`].
const LONGEST_RESTART_DELAY: Duration = Duration::from_secs(10);
/// Length of a run after which the delay starts again from the first.
const STEADY: Duration = Duration::from_secs(10);

/// A plugin's backend and its supervising task.
#[derive(Debug)]
pub(crate) struct Backend {
    state: watch::Receiver<State>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Handle to a backend's connection, which may come and go; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct BackendHandle {
    state: watch::Receiver<State>,
}

#[derive(Clone, Debug)]
enum State {
    Starting,
    Running { channel: Channel, pid: Option<u32> },
    Down { reason: String },
}

/// Error for a plugin that does not run at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("the plugin's backend is starting")]
    Starting,
    #[error("the plugin's backend is down and will be restarted: {0}")]
    Down(String),
}

// === impl Backend ===

impl Backend {
    /// Starts the program and keeps it running until [`Backend::shutdown`]. Returns after the first
    /// start has succeeded or failed.
    pub(crate) async fn start(executable: Executable) -> Self {
        let (publish, mut state) = watch::channel(State::Starting);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep_alive(executable, publish, stopped));
        // An error means that the task and its sender are gone: nothing to wait for.
        let _ = state.wait_for(|state| !matches!(state, State::Starting)).await.is_ok();
        Self { state, stop, task }
    }

    /// A handle for callers.
    pub(crate) fn handle(&self) -> BackendHandle {
        BackendHandle { state: self.state.clone() }
    }

    /// Asks the plugin to end and waits for it (2 s, then a kill).
    pub(crate) async fn shutdown(self) {
        // The task may have ended already; then nothing receives the signal.
        let _ = self.stop.send(()).is_ok();
        if let Err(error) = self.task.await {
            tracing::error!("the task that keeps a plugin alive broke: {error}");
        }
    }
}

// === impl BackendHandle ===

impl BackendHandle {
    /// The connection to the running plugin.
    ///
    /// Errors: the plugin is starting or down.
    pub(crate) fn channel(&self) -> Result<Channel, Unavailable> {
        match &*self.state.borrow() {
            State::Running { channel, .. } => Ok(channel.clone()),
            State::Starting => Err(Unavailable::Starting),
            State::Down { reason } => Err(Unavailable::Down(reason.clone())),
        }
    }

    /// The process id of the running plugin.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &*self.state.borrow() {
            State::Running { pid, .. } => *pid,
            State::Starting | State::Down { .. } => None,
        }
    }

    /// Waits until a plugin with another process id than `pid` runs.
    #[cfg(test)]
    pub(crate) async fn another_than(&mut self, pid: Option<u32>) {
        let other = |state: &State| matches!(state, State::Running { pid: now, .. } if *now != pid);
        self.state.wait_for(other).await.expect("the backend is kept alive");
    }
}

async fn keep_alive(
    executable: Executable,
    publish: watch::Sender<State>,
    mut stopped: oneshot::Receiver<()>,
) {
    let plugin = executable.plugin_id.clone();
    let mut delay = FIRST_RESTART_DELAY;
    loop {
        let began = Instant::now();
        let started = tokio::select! {
            started = Process::start(&executable) => started,
            _ = &mut stopped => return,
        };
        let reason = match started {
            Ok(mut process) => {
                let pid = process.pid();
                tracing::info!(plugin, pid, "the plugin is running");
                publish.send_replace(State::Running { channel: process.channel(), pid });
                tokio::select! {
                    ended = process.ended() => match ended {
                        Ok(status) => format!("it exited ({status})"),
                        Err(error) => format!("its exit status is unknown: {error}"),
                    },
                    _ = &mut stopped => {
                        if process.shutdown().await {
                            tracing::info!(plugin, "the plugin ended on Shutdown");
                        }
                        return;
                    }
                }
            }
            Err(error) => with_causes(&error),
        };
        if began.elapsed() >= STEADY {
            delay = FIRST_RESTART_DELAY;
        }
        tracing::error!(plugin, "the plugin is down, next start in {delay:?}: {reason}");
        publish.send_replace(State::Down { reason });
        tokio::select! {
            () = sleep(delay) => {}
            _ = &mut stopped => return,
        }
        delay = (delay * 2).min(LONGEST_RESTART_DELAY);
    }
}
