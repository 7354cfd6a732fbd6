//! Conversion between the two notations of a selection of flows: the builder's form and the line.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::fields::Fields;
use crate::form::FlowsForm;
use crate::form_json::{FormJson, InvalidForm};
use crate::line::{self, Diagnostic, Variables};
use crate::selection::{FlowSelection, command};
use crate::{adhoc, observe};

/// Converts `{"text": …}` into the builder's form, or the builder's form into a line.
///
/// Returns `{"form", "text", "command", "errors", "warnings"}`:
///
/// - `form`: the builder's form; absent if the line has errors.
/// - `text`: the line in its shortest form.
/// - `command`: the same line narrowed by the ad hoc filters; null while it contains variables.
/// - `errors`, `warnings`: faults and unused parts of the line, each with its place in bytes
///   (`startByte`, `endByte`) and in UTF-16 units (`start`, `end`).
///
/// Errors: the JSON is not a selection, or holds a value that Hubble refuses.
pub fn convert(json: &[u8]) -> Result<Value, InvalidForm> {
    let mut fields = Fields::read(json)?;
    let form = FormJson::take(&mut fields)?;
    fields.no_rest()?;
    if let Some(text) = form.text()? {
        let adhoc = adhoc::read(form.adhoc_filters.clone().unwrap_or_default())?;
        let read = line::read(text, Variables::Kept);
        let shown = |diagnostics: &[Diagnostic]| placed(text, diagnostics);
        let mut answer =
            json!({ "errors": shown(&read.errors), "warnings": shown(&read.warnings) });
        if read.errors.is_empty()
            && let Some(fields) = answer.as_object_mut()
        {
            fields.insert("form".to_owned(), read.form.to_json());
            fields.insert("text".to_owned(), json!(observe::line(&read.form)));
            let narrowed = FlowsForm { adhoc, ..read.form };
            fields.insert("command".to_owned(), json!(command(&narrowed).ok()));
        }
        return Ok(answer);
    }
    let (form, _) = form.read()?;
    FlowSelection::new(&form.without_variables())?;
    Ok(json!({
        "command": command(&form).ok(),
        "form": form.to_json(),
        "text": observe::line(&form),
        "errors": [],
        "warnings": [],
    }))
}

/// Diagnostics as JSON, with their places in bytes and in UTF-16 units.
fn placed(line: &str, diagnostics: &[Diagnostic]) -> Value {
    let ends = diagnostics.iter().flat_map(|diagnostic| [diagnostic.start, diagnostic.end]);
    let bytes: BTreeSet<usize> = ends.collect();
    let mut units_before = BTreeMap::new();
    let (mut chars, mut units) = (line.char_indices().peekable(), 0);
    for byte in bytes {
        while let Some((_, char)) = chars.next_if(|(at, _)| *at < byte) {
            units += char.len_utf16();
        }
        units_before.insert(byte, units);
    }
    let units = |byte: usize| units_before.get(&byte);
    let place = |diagnostic: &Diagnostic| {
        json!({
            "text": diagnostic.text,
            "startByte": diagnostic.start,
            "endByte": diagnostic.end,
            "start": units(diagnostic.start),
            "end": units(diagnostic.end),
        })
    };
    diagnostics.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grafana tells `$Verdict` from `$VERDICT`.
    #[test]
    fn variables_keep_their_spelling() {
        for line in ["--verdict $Verdict", "--protocol ${Proto}", "--traffic-direction $Direction"]
        {
            let line = format!("hubble observe {}", line.replace('$', "'$") + "'");
            let answer =
                convert(serde_json::json!({ "text": line }).to_string().as_bytes()).unwrap();
            let form = answer["form"]["filter"].as_object().unwrap();
            assert_eq!(form.len(), 1, "{line}");
            assert_eq!(answer["text"], line);
        }
        let answer = convert(br#"{"text": "hubble observe --verdict dropped"}"#).unwrap();
        assert_eq!(answer["text"], "hubble observe --verdict DROPPED");
    }
}
