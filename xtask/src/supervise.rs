//! Programs that a demo keeps running, and their shutdown.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::Signal;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Duration, Instant, sleep};

use crate::process::ProcessGroup;

/// Time for programs to end after SIGTERM before they are killed.
const GRACE: Duration = Duration::from_secs(6);

/// All programs that were started and have not ended.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    services: Mutex<Vec<Service>>,
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    group: ProcessGroup,
    child: Child,
    log: PathBuf,
}

/// Reason why a program is not running.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error("{name} could not be started")]
    Spawn {
        name: &'static str,
        #[source]
        cause: io::Error,
    },
    #[error("the log of {name} could not be written at `{path}`")]
    Log {
        name: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{name} ended with {status}; the end of its log (`{log}`):\n{tail}")]
    Ended { name: &'static str, status: ExitStatus, log: PathBuf, tail: String },
}

impl Supervisor {
    /// Starts `command` in its own process group; stdout and stderr go to `log`.
    pub(crate) fn start(
        &self,
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> Result<(), ServiceError> {
        let file = log_file(name, log)?;
        let out = file.try_clone().map_err(|cause| ServiceError::Log {
            name,
            path: log.into(),
            cause,
        })?;
        command.stdin(Stdio::null()).stdout(out).stderr(file);
        self.keep(name, command, log).map(|_| ())
    }

    /// Starts a program whose stdout is read for its address.
    pub(crate) fn start_and_read(
        &self,
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> Result<Option<ChildStdout>, ServiceError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file(name, log)?);
        self.keep(name, command, log)
    }

    fn keep(
        &self,
        name: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> Result<Option<ChildStdout>, ServiceError> {
        let (group, mut child) =
            ProcessGroup::spawn(command).map_err(|cause| ServiceError::Spawn { name, cause })?;
        let stdout = child.stdout.take();
        self.lock().push(Service { name, group, child, log: log.into() });
        Ok(stdout)
    }

    /// Checks that all programs are running.
    ///
    /// Errors: a program has ended.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        for service in self.lock().iter_mut() {
            if let Ok(Some(status)) = service.child.try_wait() {
                return Err(ServiceError::Ended {
                    name: service.name,
                    status,
                    log: service.log.clone(),
                    tail: tail(&service.log),
                });
            }
        }
        Ok(())
    }

    /// Waits until a program ends, and returns the reason.
    pub(crate) async fn watch(&self) -> ServiceError {
        loop {
            if let Err(ended) = self.check() {
                return ended;
            }
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Stops everything in reverse order. Never fails: a program that does not end in time is
    /// killed.
    pub(crate) async fn stop_all(&self) {
        let mut services = std::mem::take(&mut *self.lock());
        services.reverse();
        for service in &services {
            service.group.send(Signal::TERM);
        }
        let deadline = Instant::now() + GRACE;
        for Service { name, group, mut child, .. } in services {
            if tokio::time::timeout_at(deadline, child.wait()).await.is_err() {
                eprintln!("{name} did not stop within {} s and is killed", GRACE.as_secs());
            }
            // Child processes may outlive a program that ended by itself.
            drop(group);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Service>> {
        // The list stays usable whatever happened to the thread that held the lock.
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_file(name: &'static str, path: &Path) -> Result<File, ServiceError> {
    let create = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        File::create(path)
    };
    create().map_err(|cause| ServiceError::Log { name, path: path.into(), cause })
}

/// The last lines of a log, bounded; empty if it cannot be read.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on(work: impl Future<Output = ()>) {
        tokio::runtime::Runtime::new().unwrap().block_on(work);
    }

    fn log(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-supervise-{test}-{}.log", std::process::id()))
    }

    #[test]
    fn a_program_that_ends_is_named_with_the_end_of_its_log() {
        block_on(async {
            let services = Supervisor::default();
            let log = log("ends");
            let mut command = Command::new("sh");
            command.arg("-c").arg("echo the cause; exit 7");
            services.start("petshop", &mut command, &log).unwrap();
            let text = services.watch().await.to_string();
            assert!(text.starts_with("petshop ended with exit status: 7"), "{text}");
            assert!(text.ends_with("the cause"), "{text}");
            std::fs::remove_file(log).unwrap();
        });
    }

    #[test]
    fn stopping_ends_all_programs() {
        block_on(async {
            let services = Supervisor::default();
            let log = log("stops");
            for _ in 0..3 {
                services.start("sleeper", Command::new("sleep").arg("600"), &log).unwrap();
            }
            services.check().unwrap();
            services.stop_all().await;
            assert!(services.lock().is_empty());
            std::fs::remove_file(log).unwrap();
        });
    }
}
