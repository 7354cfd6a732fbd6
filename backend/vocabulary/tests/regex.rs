//! Expressions compared with the answers of Go's `regexp`: see `tests/vectors/regex/README.md`.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde::Deserialize;
use vocabulary::re2::Regex;

const ANSWERS: &[u8] = include_bytes!("../../../tests/vectors/regex/answers.jsonl.gz");

#[derive(Deserialize)]
struct Row {
    pattern: String,
    #[serde(default)]
    err: String,
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    answers: String,
}

fn rows() -> std::io::Result<Vec<Row>> {
    let mut text = String::new();
    GzDecoder::new(ANSWERS).read_to_string(&mut text)?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Row>, _>>()?;
    assert_eq!(rows.len(), 9_000);
    Ok(rows)
}

fn error_of<T, E: std::error::Error>(made: &Result<T, E>) -> String {
    made.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// Each text, and Go's letter for it.
fn answers(row: &Row) -> impl Iterator<Item = (&String, char)> {
    row.texts.iter().zip(row.answers.chars())
}

#[test]
fn whole_texts_match_as_in_go() {
    for row in rows().unwrap() {
        let regex = Regex::new(&row.pattern);
        assert_eq!(error_of(&regex), row.err, "`{}`", row.pattern);
        let Ok(regex) = regex else { continue };
        for (text, answer) in answers(&row) {
            let matches = regex.matches(text);
            assert_eq!(matches, Some(answer == 'w'), "`{}` `{text}`", row.pattern);
        }
    }
}

#[cfg(feature = "search")]
#[test]
fn matches_are_found_as_in_go() {
    let mut too_large = 0;
    for row in rows().unwrap() {
        let search = vocabulary::re2::Search::new(&row.pattern);
        // The one bound that is not Go's: a thousand times a class of Unicode.
        if search.as_ref().is_err_and(|error| *error == vocabulary::re2::SearchError::TooLarge) {
            assert!(row.pattern.contains("{1000}"), "`{}`", row.pattern);
            too_large += 1;
            continue;
        }
        assert_eq!(error_of(&search), row.err, "`{}`", row.pattern);
        let Ok(search) = search else { continue };
        for (text, answer) in answers(&row) {
            assert_eq!(search.is_match(text), answer != '-', "`{}` `{text}`", row.pattern);
        }
    }
    assert_eq!(too_large, 1);
}
