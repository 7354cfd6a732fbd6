//! One line per step on the terminal: what is being done, for how long, and how it ended.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line is rewritten on a terminal.
const REDRAW: Duration = Duration::from_millis(120);
/// How often a step says that it is still there where no line can be rewritten.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A step that is being done.
#[derive(Debug)]
pub(crate) struct Step {
    title: String,
    started: Instant,
    spoken: Instant,
    terminal: bool,
    ended: bool,
}

impl Step {
    /// Says that the step begins.
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

    /// Says what the step is at, `detail` being the latest line of the program that it runs.
    /// Cheap enough to be called for each line.
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

    /// The step did its work; `detail` says what came of it.
    pub(crate) fn done(mut self, detail: &str) {
        self.end("✓", detail);
    }

    /// The step did not do its work.
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
        // A terminal that went away is no reason to stop the work.
        let _gone = std::io::stdout().flush();
    }
}

impl Drop for Step {
    // An error's way out: the line must not stand there as if work went on.
    fn drop(&mut self) {
        if !self.ended {
            self.end("✗", "not finished");
        }
    }
}

/// `4.2 s`, `3 min 7 s`.
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
    fn elapsed_reads_as_people_say_it() {
        fn check(millis: u64, expected: &str) {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
        check(0, "0.0 s");
        check(4_240, "4.2 s");
        check(59_900, "59.9 s");
        check(187_000, "3 min 7 s");
    }

    #[test]
    fn lines_of_strangers_are_cut_and_carry_no_escapes() {
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
