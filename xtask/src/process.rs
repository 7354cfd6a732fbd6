//! Quiet runs of programs: the last line of output goes to the step, and the whole output is shown
//! on failure.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Duration, interval};

use crate::progress::Step;

/// Maximum number of output lines kept for a failure.
const KEPT_LINES: usize = 400;
/// Maximum number of failure lines that are repeated after the output.
const KEPT_FAILURES: usize = 60;
/// Text that test runners print at a failure, and the number of lines that explain it.
const FAILURES: [(&str, usize); 3] = [("... FAILED", 1), ("' panicked at ", 4), ("  ● ", 1)];

/// Reason why a program failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("`{program}` could not be started")]
    Spawn {
        program: String,
        #[source]
        cause: io::Error,
    },
    #[error("`{command}` could not be waited for")]
    Wait {
        command: String,
        #[source]
        cause: io::Error,
    },
    #[error("`{command}` ended with {status}; its output is above")]
    Ended { command: String, status: ExitStatus },
}

/// A process group of our own; dropping it kills all of its processes.
#[derive(Debug)]
pub(crate) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// Starts `command` as the head of a new group.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Self, Child)> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok((Self(leader), child))
    }

    /// Sends `signal` to every process of the group; a group that is gone is not an error.
    pub(crate) fn send(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // ESRCH: all of them have ended already, as intended.
            let _gone = kill_process_group(leader, signal);
        }
    }

    /// The group ended by itself: there is nothing to kill, and its id may be reused.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}

/// Runs `command` to its end and returns the last [`KEPT_LINES`] lines of its output.
///
/// Errors: the program does not exist, or ended with a status other than 0; its output is then
/// printed.
pub(crate) async fn run(step: &mut Step, command: &mut Command) -> Result<String, RunError> {
    let line = command_line(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (group, mut child) = ProcessGroup::spawn(command).map_err(|cause| RunError::Spawn {
        program: command.as_std().get_program().to_string_lossy().into_owned(),
        cause,
    })?;

    let (sender, mut lines) = mpsc::channel(64);
    tokio::spawn(forward(child.stdout.take(), sender.clone()));
    tokio::spawn(forward(child.stderr.take(), sender));

    let mut kept = VecDeque::new();
    let mut failures = Failures::default();
    let mut tick = interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => {
                    step.at(&line);
                    failures.take(&line);
                    if kept.len() == KEPT_LINES {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
                None => break,
            },
            _ = tick.tick() => step.at(kept.back().map_or("", String::as_str)),
        }
    }
    let status =
        child.wait().await.map_err(|cause| RunError::Wait { command: line.clone(), cause })?;
    group.forget();

    let output = Vec::from(kept).join("\n");
    if status.success() {
        return Ok(output);
    }
    eprintln!("\n--- {line}\n{output}\n---");
    if !failures.lines.is_empty() {
        eprintln!("{}\n---", failures.lines.join("\n"));
    }
    Err(RunError::Ended { command: line, status })
}

/// Lines of an output that name the failed test.
#[derive(Debug, Default)]
struct Failures {
    lines: Vec<String>,
    /// Number of following lines that belong to the last failure.
    awaited: usize,
}

impl Failures {
    fn take(&mut self, line: &str) {
        if let Some((_, lines)) = FAILURES.iter().find(|(mark, _)| line.contains(mark)) {
            self.awaited = *lines;
        }
        if self.awaited > 0 && self.lines.len() < KEPT_FAILURES {
            self.awaited -= 1;
            self.lines.push(line.to_owned());
        }
    }
}

/// Output of a short program, without a step; `None` if the program is missing or fails.
pub(crate) async fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The path of `program` on the PATH.
pub(crate) fn on_path(program: &str) -> Option<std::path::PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// `program` as root: as it is for root, by sudo when that asks for no password.
pub(crate) fn privileged(program: &str) -> Option<Command> {
    if rustix::process::geteuid().is_root() {
        return Some(Command::new(program));
    }
    on_path("sudo")?;
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    Some(command)
}

async fn forward(stream: Option<impl AsyncRead + Unpin>, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if lines.send(text).await.is_err() {
            return;
        }
    }
}

fn command_line(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program());
    // The path of a program is noise; its name is not.
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expected: Result<&str, &str>) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut step = Step::start("a step of the tests");
        let outcome = runtime.block_on(run(&mut step, Command::new("sh").arg("-c").arg(script)));
        step.done("");
        let outcome = outcome.map_err(|error| error.to_string());
        assert_eq!(outcome.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn output_is_returned_and_failures_are_readable() {
        check("echo one; echo two", Ok("one\ntwo"));
        check("printf 'no line end'", Ok("no line end"));
        check("exit 3", Err("`sh -c exit 3` ended with exit status: 3; its output is above"));
    }

    #[test]
    fn a_long_output_keeps_its_end() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut step = Step::start("a step of the tests");
        let output = runtime
            .block_on(run(&mut step, Command::new("sh").arg("-c").arg("seq 1 1000")))
            .unwrap();
        step.done("");
        assert_eq!(output.lines().count(), KEPT_LINES);
        assert_eq!(output.lines().last(), Some("1000"));
    }

    #[test]
    fn a_failure_is_repeated_after_the_output() {
        let mut failures = Failures::default();
        let output = "test a ... ok\ntest b ... FAILED\ntest c ... ok\n\nthread 'b' panicked at b.rs:1:\n\
                      left: 1\nright: 2\nnote: a\nfurther";
        output.lines().for_each(|line| failures.take(line));
        let expected = [
            "test b ... FAILED",
            "thread 'b' panicked at b.rs:1:",
            "left: 1",
            "right: 2",
            "note: a",
        ];
        assert_eq!(failures.lines, expected);
    }

    #[test]
    fn dropping_a_group_kills_its_grandchildren() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut command = Command::new("sh");
            command.arg("-c").arg("sleep 600 & echo $!; wait").stdout(Stdio::piped());
            let (group, mut child) = ProcessGroup::spawn(&mut command).unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let grandchild = lines.next_line().await.unwrap().unwrap();
            drop(group);
            child.wait().await.unwrap();
            // The grandchild holds the other end of the pipe, so the pipe ends with it.
            assert_eq!(lines.next_line().await.unwrap(), None, "process {grandchild} lives on");
        });
    }
}
