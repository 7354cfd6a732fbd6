//! The two ways to write a selection of flows, each into the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::fields::Fields;
use crate::filter::FlowSelection;
use crate::form::{FlowsForm, FormJson};
use crate::line::{self, Diagnostic, Variables};
use crate::model::InvalidQuery;
use crate::{adhoc, observe};

/// Converts `{"text": …}` into the builder's form, or the builder's form into a line.
///
/// The answer is `{"form", "text", "command", "errors", "remarks"}`: the form (absent where the line
/// has errors), the line in its shortest form, the same narrowed by the ad hoc filters that stand
/// beside it (null while variables stand in it), and what is wrong or not used, with the bytes (`startByte`, `endByte`) and UTF-16
/// units (`start`, `end`) of the given line.
///
/// Errors: the JSON is not a selection, or holds a value that Hubble would not take.
pub fn convert(json: &[u8]) -> Result<Value, InvalidQuery> {
    let mut fields = Fields::read(json)?;
    let form = FormJson::take(&mut fields)?;
    fields.no_rest()?;
    if let Some(text) = form.text()? {
        let adhoc = adhoc::read(form.adhoc_filters.clone().unwrap_or_default())?;
        let read = line::read(text, Variables::Kept);
        let shown = |diagnostics: &[Diagnostic]| placed(text, diagnostics);
        let mut answer = json!({ "errors": shown(&read.errors), "remarks": shown(&read.remarks) });
        if read.errors.is_empty()
            && let Some(fields) = answer.as_object_mut()
        {
            fields.insert("form".to_owned(), read.form.to_json());
            fields.insert("text".to_owned(), json!(observe::line(&read.form)));
            let narrowed = FlowsForm { adhoc, ..read.form };
            fields.insert("command".to_owned(), json!(observe::command(&narrowed).ok()));
        }
        return Ok(answer);
    }
    let (form, _) = form.read()?;
    FlowSelection::new(&form.without_variables())?;
    Ok(json!({
        "command": observe::command(&form).ok(),
        "form": form.to_json(),
        "text": observe::line(&form),
        "errors": [],
        "remarks": [],
    }))
}

/// Diagnostics with their places in bytes and in UTF-16 units.
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
