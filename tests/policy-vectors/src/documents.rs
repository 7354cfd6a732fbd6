//! One file of documents, with the answers of a real server where the file has them.

use std::{collections::BTreeMap, path::Path};

use cilium_policy::{RefusalClass, Stored, stored};
use serde_json::{Value, json};

use crate::{VectorsError, read_lines};

/// Answers to a file of documents, with their differences from a real server's.
#[derive(Debug, Default)]
pub struct Report {
    /// One answer for each document.
    pub lines: Vec<String>,
    /// Documents that a real server answers otherwise, each as a text.
    pub mismatches: Vec<String>,
}

impl Report {
    /// Answers a file: lines with `text` or with `case` (a path below `../field`), else policies.
    /// Errors: a line whose case cannot be read.
    pub fn file(&mut self, path: &Path, text: &str) -> Result<(), VectorsError> {
        let is_lines = text.lines().next().is_some_and(|line| {
            serde_json::from_str::<Value>(line)
                .is_ok_and(|row| row.get("text").is_some() || row.get("case").is_some())
        });
        if !is_lines {
            for answer in &stored(text) {
                self.answer(answer);
            }
            return Ok(());
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (line, row) in (1..).zip(text.lines()) {
            let row: Value =
                serde_json::from_str(row).map_err(|source| VectorsError::Json { line, source })?;
            let of = |key: &str| row.get(key).and_then(Value::as_str);
            let answer = match (of("text"), of("case")) {
                // Objects of other kinds are no policy that a server could store.
                (Some(text), _) => one(text).or_else(|| Some(Stored::unknown())),
                (None, Some(case)) => {
                    let folder = path.parent().unwrap_or(Path::new(".")).join("../field");
                    let text = read_lines(&folder.join(case))?;
                    let at = seen.entry(case.to_owned()).or_default();
                    *at += 1;
                    let mut answers = stored(&text);
                    answers.retain(|answer| {
                        answer.strict.as_ref().map(|r| r.class) != Some(RefusalClass::UnknownKind)
                    });
                    answers.into_iter().nth(*at - 1)
                }
                (None, None) => return Err(VectorsError::Lacks { line, what: "a document" }),
            };
            let Some(answer) = answer else {
                return Err(VectorsError::Lacks { line, what: "a document" });
            };
            self.answer(&answer);
            self.compare(&row, &answer);
        }
        Ok(())
    }

    fn answer(&mut self, answer: &Stored) {
        let line = json!({
            "strict": answer.strict.is_none(),
            "pruned": answer.pruned.is_none(),
            "dropped": answer.dropped,
        });
        self.lines.push(line.to_string());
    }

    fn compare(&mut self, row: &Value, answer: &Stored) {
        for (key, refusal) in [("strict", &answer.strict), ("pruned", &answer.pruned)] {
            let Some(theirs) = row.get(key) else { continue };
            if (*theirs == Value::Bool(true)) != refusal.is_none() {
                self.mismatches.push(format!("{key}: {row}\n  ours: {refusal:?}"));
                return;
            }
        }
        if answer.pruned.is_some() || row.get("pruned").is_none() {
            return;
        }
        let list = |value: Option<&Value>| -> Vec<String> {
            let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        let (mut theirs, mut ours) = (list(row.get("dropped")), answer.dropped.clone());
        // Their tool ends a path before a last colon.
        for path in theirs.iter_mut().chain(&mut ours) {
            path.truncate(path.trim_end_matches(':').len());
        }
        theirs.sort();
        ours.sort();
        if theirs != ours {
            self.mismatches.push(format!("dropped: {row}\n  ours: {ours:?}"));
        }
    }
}

/// A text that was sent as one document.
fn one(text: &str) -> Option<Stored> {
    stored(text).into_iter().next()
}
