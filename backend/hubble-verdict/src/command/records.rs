//! Hubble's records in any wrapping: on lines, in arrays, and in log formats (Docker, CRI, Fluent
//! Bit, Loki), as JSON or as text inside of JSON.
//!
//! One rule finds them: a record is the outermost JSON object that reads as one; everything around
//! it is skipped.

use std::collections::{BTreeMap, BTreeSet};

use flow::Flow;
use hubble_api::json::read_line;
use serde_json::value::RawValue;

/// Maximum nesting depth of objects, arrays and texts.
const MAX_DEPTH: usize = 16;
/// Maximum number of places in a text where JSON is tried.
const MAX_STARTS: usize = 8;
/// Maximum number of unknown names kept.
const MAX_NAMES: usize = 16;
/// Maximum number of an object's keys that an error shows, and of characters of each.
const MAX_SHOWN_KEYS: usize = 5;
const MAX_SHOWN: usize = 40;

/// The reason why a text is not a record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it is not JSON: `hubble observe -o jsonpb` writes records")]
    NotJson(#[source] serde_json::Error),
    #[error(
        "it is what `hubble observe` writes for people, without labels: `-o jsonpb` writes records"
    )]
    ForPeople,
    #[error("it is {0}, and nothing in it is a flow: `hubble observe -o jsonpb` writes records")]
    NotARecord(String),
    #[error(transparent)]
    Read(#[from] hubble_api::json::ReadError),
    #[error("the flow in it is not valid")]
    Flow(#[source] hubble_api::FlowError),
}

/// Contents of texts.
#[derive(Default)]
pub(crate) struct FoundRecords {
    pub(crate) flows: Vec<Flow>,
    /// Messages other than flows: lost events, node states and the like.
    pub(crate) others: usize,
    /// Unknown fields and names.
    pub(crate) skipped: BTreeSet<String>,
    /// Number of flows wrapped in other JSON.
    pub(crate) carried: usize,
    /// Number of values that are not records, in one array with records, and the first one's
    /// reason.
    pub(crate) broken: usize,
    pub(crate) first_broken: Option<RecordError>,
}

/// Type of a record.
enum RecordKind {
    Flow(Box<Flow>),
    Other,
}

impl FoundRecords {
    pub(crate) const fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.others == 0
    }

    /// Adds the contents of another.
    pub(crate) fn add(&mut self, other: Self) {
        self.flows.extend(other.flows);
        self.others += other.others;
        self.carried += other.carried;
        self.broken += other.broken;
        self.first_broken = self.first_broken.take().or(other.first_broken);
        for name in other.skipped {
            if self.skipped.len() < MAX_NAMES {
                self.skipped.insert(name);
            }
        }
    }

    /// Whether both hold the same flows.
    fn is_same(&self, other: &Self) -> bool {
        self.flows == other.flows
    }
}

/// The records of a line, and the number of bytes skipped before its JSON. Errors: the line has no
/// record.
pub(crate) fn of_line(line: &str) -> Result<(FoundRecords, usize), RecordError> {
    in_text(line, 0)
}

/// The records of a JSON value. Errors: the value has no record.
pub(crate) fn of_value(json: &str) -> Result<FoundRecords, RecordError> {
    in_json(json, 0)
}

/// The records of JSON with a possible prefix, as `grep`, `kubectl logs`, `logcli` and container
/// runtimes write it.
fn in_text(text: &str, depth: usize) -> Result<(FoundRecords, usize), RecordError> {
    let first = match in_values(text, depth) {
        Ok(found) => return Ok((found, 0)),
        Err(err) => err,
    };
    let begins = |at: &usize| {
        let rest = text.get(*at..).unwrap_or_default();
        let next = rest.get(1..).unwrap_or_default().trim_start().bytes().next();
        matches!((rest.bytes().next(), next), (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{')))
    };
    let starts = text.match_indices(['{', '[']).map(|(at, _)| at).filter(|at| *at > 0);
    let tried = starts.filter(begins).take(MAX_STARTS).find_map(|at| {
        let rest = text.get(at..)?;
        Some((in_values(rest, depth).ok()?, at))
    });
    // Only plain text is searched further: all parts of JSON were searched already.
    let is_text = matches!(first, RecordError::NotJson(_));
    match tried.filter(|_| is_text) {
        Some(found) => Ok(found),
        None if is_text && is_for_people(text) => Err(RecordError::ForPeople),
        None => Err(first),
    }
}

/// Whether a line is of the compact, dict or table output of `hubble observe`.
fn is_for_people(line: &str) -> bool {
    let begins = line.trim_start();
    let names_fields = begins.starts_with("TIMESTAMP") && !begins.contains('{');
    let has_verdict = [
        "FORWARDED",
        "DROPPED",
        "DENIED",
        "ALLOWED",
        "AUDITED",
        "REDIRECTED",
        "TRACED",
        "TRANSLATED",
    ]
    .iter()
    .any(|verdict| line.contains(&format!(" {verdict} (")));
    names_fields
        || (has_verdict && (line.contains("->") || line.contains("<-") || line.contains("<>")))
}

/// The records of one JSON value, or of several without line ends between them.
fn in_values(text: &str, depth: usize) -> Result<FoundRecords, RecordError> {
    let not_json = match in_json(text, depth) {
        Err(err @ RecordError::NotJson(_)) => err,
        other => return other,
    };
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    match values.collect::<Result<Vec<_>, _>>() {
        Ok(values) if values.len() > 1 => {
            let found = of_items(&values, depth);
            if found.is_empty() { Err(not_json) } else { Ok(found) }
        }
        _ => Err(not_json),
    }
}

fn in_json(json: &str, depth: usize) -> Result<FoundRecords, RecordError> {
    let json = json.trim();
    let failed = match record(json) {
        Ok(Some((read, skipped))) => {
            let mut found =
                FoundRecords { skipped: skipped.into_iter().collect(), ..FoundRecords::default() };
            match read {
                RecordKind::Flow(flow) => found.flows.push(*flow),
                RecordKind::Other => found.others = 1,
            }
            return Ok(found);
        }
        Ok(None) => None,
        Err(err @ RecordError::Flow(_)) => return Err(err),
        Err(err) => Some(err),
    };
    let value: &RawValue = serde_json::from_str(json).map_err(RecordError::NotJson)?;
    let mut found = FoundRecords::default();
    if depth < MAX_DEPTH {
        let begins = json.as_bytes().first();
        found = match begins {
            Some(b'{') => of_object(value, depth),
            Some(b'[') => of_array(value, depth),
            Some(b'"') => of_string(value, depth),
            _ => found,
        };
        // An array has no wrapping of its own.
        if begins != Some(&b'[') {
            found.carried = found.flows.len();
        }
    }
    if found.is_empty() {
        let is_of_hubble = json.contains("\"flow\"") || json.contains("\"verdict\"");
        return Err(failed
            .filter(|_| is_of_hubble)
            .unwrap_or_else(|| RecordError::NotARecord(described(value))));
    }
    Ok(found)
}

/// The records in an object's values. Records that two values share count once, as where a log is
/// kept beside its parsed form.
fn of_object(value: &RawValue, depth: usize) -> FoundRecords {
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    let mut all: Vec<FoundRecords> = Vec::new();
    for value in object.values() {
        if let Ok(found) = in_json(value.get(), depth + 1)
            && !all.iter().any(|own| own.is_same(&found))
        {
            all.push(found);
        }
    }
    sum(all)
}

fn of_array(value: &RawValue, depth: usize) -> FoundRecords {
    let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    of_items(&items, depth)
}

/// The records in an array's items: records side by side, or one record with its metadata, such as
/// the time in Loki's answers.
fn of_items(items: &[&RawValue], depth: usize) -> FoundRecords {
    let mut found = FoundRecords::default();
    let (mut holders, mut broken, mut first_broken) = (0, 0, None);
    for item in items {
        match in_json(item.get(), depth + 1) {
            Ok(own) => {
                holders += 1;
                found.add(own);
            }
            Err(err) => {
                broken += 1;
                first_broken.get_or_insert(err);
            }
        }
    }
    let is_scalar = |item: &&RawValue| !item.get().starts_with(['{', '[']);
    let is_entry = holders == 1 && items.iter().skip(1).any(is_scalar);
    if holders > 0 && !is_entry {
        found.add(FoundRecords { broken, first_broken, ..FoundRecords::default() });
    }
    found
}

/// The records in a string: JSON, or lines of it.
fn of_string(value: &RawValue, depth: usize) -> FoundRecords {
    let text: String = serde_json::from_str(value.get()).unwrap_or_default();
    if !text.contains(['{', '[']) {
        return FoundRecords::default();
    }
    match in_text(&text, depth + 1) {
        Ok((found, _)) => found,
        Err(_) => sum(text.lines().filter_map(|line| Some(in_text(line, depth + 1).ok()?.0))),
    }
}

fn sum(all: impl IntoIterator<Item = FoundRecords>) -> FoundRecords {
    let mut sum = FoundRecords::default();
    for found in all {
        sum.add(found);
    }
    sum
}

/// One record of a text; `None`: the text is another kind of object.
fn record(json: &str) -> Result<Option<(RecordKind, Vec<String>)>, RecordError> {
    if !json.starts_with('{') {
        return Ok(None);
    }
    let line = read_line(json.as_bytes())?;
    if !line.record.is_known() {
        return Ok(None);
    }
    let read = match line.record.into_flow() {
        Some(flow) => RecordKind::Flow(Box::new(flow.map_err(RecordError::Flow)?)),
        None => RecordKind::Other,
    };
    Ok(Some((read, line.skipped.names)))
}

/// Description of a value, for an error.
fn described(value: &RawValue) -> String {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'{') => {
            let object: BTreeMap<String, &RawValue> =
                serde_json::from_str(json).unwrap_or_default();
            if object.contains_key("apiVersion") && object.contains_key("kind") {
                return "an object of Kubernetes, as `--policies` takes it".to_owned();
            }
            let cut = |key: &String| {
                let shown: String = key.chars().take(MAX_SHOWN).collect();
                format!("`{shown}`")
            };
            let keys: Vec<String> = object.keys().take(MAX_SHOWN_KEYS).map(cut).collect();
            match object.len() {
                0 => "an empty object".to_owned(),
                count if count > keys.len() => {
                    format!("an object of {} and {} more", keys.join(", "), count - keys.len())
                }
                _ => format!("an object of {}", keys.join(", ")),
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            match items.as_slice() {
                [] => "an empty array".to_owned(),
                [first, ..] if first.get().starts_with('{') => {
                    format!("an array, its first item {}", described(first))
                }
                _ => "an array".to_owned(),
            }
        }
        Some(b'"') => "a text".to_owned(),
        _ => "a number or a word".to_owned(),
    }
}
