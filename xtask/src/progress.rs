//! Progress on the terminal, one line per step: what is running, for how long, and the result.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Interval for rewriting a line on a terminal.
const REDRAW: Duration = Duration::from_millis(120);
/// Interval for messages where lines cannot be rewritten.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A running step.
#[derive(Debug)]
pub(crate) struct Step {
    title: String,
    started: Instant,
    spoken: Instant,
    terminal: bool,
    ended: bool,
}

impl Step {
    /// Prints that the step begins.
    pub(crate) fn start(title: impl Into<String>) -> Self {
        let title = title.into();
        let terminal = std::io::stdout().is_terminal();
        let now = Instant::now();
        let step = Self { title, started: now, spoken: now, terminal, ended: false };
        if terminal {
            step.draw("");
        } else {
            println!("  … {}", step.title);
        }
        step
    }

    /// Updates the step with the latest line of its program. Cheap enough to call for each line.
    pub(crate) fn at(&mut self, detail: &str) {
        let pause = if self.terminal { REDRAW } else { HEARTBEAT };
        if self.spoken.elapsed() < pause {
            return;
        }
        self.spoken = Instant::now();
        if self.terminal {
            self.draw(detail);
        } else {
            println!(
                "    {} ({}) {}",
                self.title,
                seconds(self.started.elapsed()),
                shorten(detail, 80)
            );
        }
    }

    /// Ends the step successfully; `detail` is its result.
    pub(crate) fn done(mut self, detail: &str) {
        self.end("✓", detail);
    }

    /// Ends the step as failed.
    pub(crate) fn failed(mut self) {
        self.end("✗", "failed");
    }

    fn end(&mut self, mark: &str, detail: &str) {
        self.ended = true;
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        let gap = if detail.is_empty() { "" } else { "  " };
        println!(
            "{clear}  {mark} {}{gap}{detail}  {}",
            self.title,
            seconds(self.started.elapsed())
        );
    }

    fn draw(&self, detail: &str) {
        let line = format!("  … {}  {}  {}", self.title, seconds(self.started.elapsed()), detail);
        print!("\r\x1b[2K{}", shorten(&line, 110));
        // A closed terminal must not stop the work.
        let _gone = std::io::stdout().flush();
    }
}

impl Drop for Step {
    // Early return by an error: the line must not look as if work continued.
    fn drop(&mut self) {
        if !self.ended {
            self.end("✗", "not finished");
        }
    }
}

/// A duration such as `4.2 s` or `3 min 7 s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    if elapsed.as_secs() >= 60 {
        format!("{} min {} s", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

fn shorten(line: &str, chars: usize) -> String {
    let plain: String = line.chars().filter(|c| !c.is_control()).collect();
    if plain.chars().count() <= chars {
        return plain;
    }
    let mut cut: String = plain.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_readable() {
        fn check(millis: u64, expected: &str) {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
        check(0, "0.0 s");
        check(4_240, "4.2 s");
        check(59_900, "59.9 s");
        check(187_000, "3 min 7 s");
    }

    #[test]
    fn program_output_is_cut_and_has_no_escapes() {
        fn check(line: &str, chars: usize, expected: &str) {
            assert_eq!(shorten(line, chars), expected);
        }
        check("short", 10, "short");
        check("exactly10!", 10, "exactly10!");
        check("more than ten", 10, "more than…");
        check("\u{1b}[31mred", 20, "[31mred");
        check("größer als zehn", 6, "größe…");
    }
}
