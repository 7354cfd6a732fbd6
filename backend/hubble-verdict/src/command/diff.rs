//! The difference of two texts, as `diff -u` prints it and `patch` reads it. Made for texts of
//! which one has lines inserted into the other.
//!
//! By hand: libraries search for the shortest difference in time that grows with the square of the texts; a
//! fix knows its insertions.

use std::fmt::Write;

/// Number of unchanged lines around a change.
const CONTEXT: usize = 3;
/// Maximum number of lines inserted at one place.
const MAX_INSERTED: usize = 2_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Removed(&'t str),
    Added(&'t str),
}

/// The difference for a new file.
pub(crate) fn created(name: &str, text: &str) -> String {
    let name = header(name);
    let mut out = format!("--- /dev/null\n+++ {name}\n@@ -0,0 +1,{} @@\n", text.lines().count());
    for line in text.lines() {
        let _ = writeln!(out, "+{line}");
    }
    out
}

/// A file name as `patch` reads it: a tab ends a name with spaces.
fn header(name: &str) -> String {
    if name.contains(' ') { format!("{name}\t") } else { name.to_owned() }
}

/// The change from `old` to `new`, under the file's name; empty where the two are equal.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let lines = compare(old, new);
    let mut out = String::new();
    let mut at = 0;
    while let Some(first) = next_change(&lines, at) {
        // Changes with touching contexts share a hunk.
        let mut end = first + 1;
        while let Some(next) = next_change(&lines, end).filter(|next| next - end <= 2 * CONTEXT) {
            end = next + 1;
        }
        let from = first.saturating_sub(CONTEXT).max(at);
        let to = (end + CONTEXT).min(lines.len());
        if out.is_empty() {
            let name = header(name);
            let _ = writeln!(out, "--- {name}\n+++ {name}");
        }
        hunk(&lines, from, to, &mut out);
        at = to;
    }
    out
}

fn next_change(lines: &[Line<'_>], from: usize) -> Option<usize> {
    let rest = lines.get(from..)?;
    rest.iter().position(|line| !matches!(line, Line::Same(_))).map(|at| from + at)
}

fn hunk(lines: &[Line<'_>], from: usize, to: usize, out: &mut String) {
    let (before, within) = (lines.get(..from), lines.get(from..to));
    let (before, within) = (before.unwrap_or_default(), within.unwrap_or_default());
    let old = |lines: &[Line<'_>]| lines.iter().filter(|l| !matches!(l, Line::Added(_))).count();
    let new = |lines: &[Line<'_>]| lines.iter().filter(|l| !matches!(l, Line::Removed(_))).count();
    let _ = writeln!(
        out,
        "@@ -{},{} +{},{} @@",
        old(before) + 1,
        old(within),
        new(before) + 1,
        new(within)
    );
    for line in within {
        let (sign, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Removed(text) => ('-', text),
            Line::Added(text) => ('+', text),
        };
        let _ = writeln!(out, "{sign}{}", text.strip_suffix('\n').unwrap_or(text));
        if !text.ends_with('\n') {
            out.push_str("\\ No newline at end of file\n");
        }
    }
}

fn compare<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let mut lines = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let Some(own) = old.get(i) {
        let rest = new.get(j..).unwrap_or_default();
        let found = rest.iter().take(MAX_INSERTED).position(|line| line == own);
        if let Some(skipped) = found {
            lines.extend(rest.iter().take(skipped).map(|line| Line::Added(line)));
            lines.push(Line::Same(own));
            j += skipped + 1;
        } else {
            lines.push(Line::Removed(own));
            // The new version of a changed line follows the old one directly.
            let is_next = |line: &&str| old.get(i + 1) == Some(line);
            if let Some(line) = rest.first().filter(|line| !is_next(line)) {
                lines.push(Line::Added(line));
                j += 1;
            }
        }
        i += 1;
    }
    lines.extend(new.get(j..).unwrap_or_default().iter().map(|line| Line::Added(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::{created, unified};

    #[test]
    fn changes_stand_in_their_surroundings() {
        fn check(old: &str, new: &str, expect: &str) {
            assert_eq!(unified("f", old, new), expect);
        }
        check("a\nb\n", "a\nb\n", "");
        check("a\nb\n", "a\nx\nb\n", "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n+x\n b\n");
        check(
            "a [b]\nc\n",
            "a [b, d]\nc\n",
            "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a [b]\n+a [b, d]\n c\n",
        );
        // Line endings are those of the file.
        check("a\r\nb\r\n", "a\r\nx\r\nb\r\n", "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\r\n+x\r\n b\r\n");
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\n5\nx\n6\n7\n8\n9\ny\n",
            "--- f\n+++ f\n@@ -3,7 +3,9 @@\n 3\n 4\n 5\n+x\n 6\n 7\n 8\n 9\n+y\n",
        );
        check(
            "a\nb",
            "a\nb\nc",
            "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn a_new_file_is_a_change_too() {
        assert_eq!(
            created("my fix.yaml", "a\nb\n"),
            "--- /dev/null\n+++ my fix.yaml\t\n@@ -0,0 +1,2 @@\n+a\n+b\n"
        );
    }
}
