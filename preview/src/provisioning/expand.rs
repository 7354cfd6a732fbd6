//! Expansion of `$NAME`, `${NAME}`, `$__env{NAME}` and `$__file{path}` in provisioning files; `$$`
//! is a dollar sign.
//!
//! Source: Grafana `pkg/services/provisioning/values`, `pkg/setting/expanders.go`.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Reason why a value cannot be expanded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExpandError {
    #[error("`$__file{{{}}}` cannot be read", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{text}` has a brace that is not closed")]
    Unclosed { text: String },
}

/// Expands every string of `value`. Inside `jsonData`, an expanded string that reads as a number or
/// a boolean becomes one, as in Grafana. An unset variable is empty and reported to `missing`.
///
/// Errors: an unreadable file, an unclosed brace.
pub(crate) fn expand(
    value: &mut Value,
    variable: &impl Fn(&str) -> Option<String>,
    missing: &mut Vec<String>,
) -> Result<(), ExpandError> {
    expand_in(value, false, variable, missing)
}

fn expand_in(
    value: &mut Value,
    in_json_data: bool,
    variable: &impl Fn(&str) -> Option<String>,
    missing: &mut Vec<String>,
) -> Result<(), ExpandError> {
    match value {
        Value::String(text) if text.contains('$') => {
            let literal_dollar = text.contains("$$");
            let expanded = expand_text(text, variable, missing)?;
            *value = if in_json_data && !literal_dollar {
                typed(expanded)
            } else {
                Value::String(expanded)
            };
        }
        Value::Array(values) => {
            for value in values {
                expand_in(value, in_json_data, variable, missing)?;
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                expand_in(value, in_json_data || key == "jsonData", variable, missing)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn typed(text: String) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
            Some(number) => Value::Number(number),
            None => Value::String(text),
        },
    }
}

fn expand_text(
    text: &str,
    variable: &impl Fn(&str) -> Option<String>,
    missing: &mut Vec<String>,
) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    let mut look_up = |name: &str| {
        variable(name).unwrap_or_else(|| {
            missing.push(name.to_owned());
            String::new()
        })
    };
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix("__file{") {
            let (path, after) = until_brace(text, after)?;
            expanded.push_str(&read(Path::new(path))?);
            rest = after;
        } else if let Some(after) = after.strip_prefix("__env{").or_else(|| after.strip_prefix('{'))
        {
            let (name, after) = until_brace(text, after)?;
            expanded.push_str(&look_up(name));
            rest = after;
        } else {
            let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
            let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                expanded.push('$');
            } else {
                expanded.push_str(&look_up(name));
            }
            rest = after;
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn until_brace<'t>(text: &str, after: &'t str) -> Result<(&'t str, &'t str), ExpandError> {
    after.split_once('}').ok_or_else(|| ExpandError::Unclosed { text: text.to_owned() })
}

fn read(path: &Path) -> Result<String, ExpandError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ExpandError::File { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        let variable = |name: &str| match name {
            "RELAY" => Some("127.0.0.1:4245".to_owned()),
            "SECS" => Some("5".to_owned()),
            "TLS" => Some("true".to_owned()),
            _ => None,
        };
        let check = |value: Value, expected: Value, expected_missing: &[&str]| {
            let mut expanded = value.clone();
            let mut missing = Vec::new();
            expand(&mut expanded, &variable, &mut missing).expect("expanded");
            assert_eq!(expanded, expected, "{value}");
            assert_eq!(missing, expected_missing, "{value}");
        };
        check(json!("plain"), json!("plain"), &[]);
        check(json!("$RELAY"), json!("127.0.0.1:4245"), &[]);
        check(json!("tls://${RELAY}/x"), json!("tls://127.0.0.1:4245/x"), &[]);
        check(json!("$__env{RELAY}"), json!("127.0.0.1:4245"), &[]);
        check(
            json!({"jsonData": {"a": ["$SECS", "$TLS", 7]}, "secureJsonData": {"b": "$SECS"}}),
            json!({"jsonData": {"a": [5, true, 7]}, "secureJsonData": {"b": "5"}}),
            &[],
        );
        check(json!("1e3"), json!("1e3"), &[]);
        check(json!("pa$$word"), json!("pa$word"), &[]);
        check(json!("$$SECS"), json!("$SECS"), &[]);
        check(json!("a$NOT_SET-b"), json!("a-b"), &["NOT_SET"]);
        check(json!("100 $"), json!("100 $"), &[]);
    }

    #[test]
    fn files_are_read_and_errors_have_a_reason() {
        let path = std::env::temp_dir().join(format!("preview-expand-{}", std::process::id()));
        std::fs::write(&path, "se$cret\n").expect("written");
        let mut value = json!(format!("$__file{{{}}}", path.display()));
        expand(&mut value, &|_: &str| None, &mut Vec::new()).expect("expanded");
        assert_eq!(value, json!("se$cret"));
        std::fs::remove_file(&path).expect("removed");

        let check = |text: &str, expected: &str| {
            let error = expand(&mut json!(text), &|_: &str| None, &mut Vec::new());
            assert_eq!(error.expect_err(text).to_string(), expected);
        };
        check("$__file{/not/there}", "`$__file{/not/there}` cannot be read");
        check("${RELAY", "`${RELAY` has a brace that is not closed");
    }
}
