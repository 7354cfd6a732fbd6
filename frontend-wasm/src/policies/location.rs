//! Locations in policy files.

use cilium_policy::Position;
use serde::Serialize;

use super::policy_files::PolicyFiles;

/// Maximum number of quoted characters of a line.
const MAX_QUOTE_CHARS: usize = 240;

/// A location in a policy file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct PolicyLocation {
    file: String,
    /// Line number, from 1; 0 without a line.
    line: u32,
    column: u32,
    /// Text of that line.
    quote: String,
}

impl PolicyLocation {
    pub(crate) fn of(policies: &PolicyFiles, file: usize, at: Position) -> Self {
        let file = policies.files.get(file);
        let line = usize::try_from(at.line).ok().and_then(|line| line.checked_sub(1));
        let text = file.zip(line).and_then(|(file, line)| file.text.lines().nth(line));
        Self {
            file: file.map(|file| file.name.clone()).unwrap_or_default(),
            line: at.line,
            column: at.column,
            quote: text.map(quoted).unwrap_or_default(),
        }
    }
}

fn quoted(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
