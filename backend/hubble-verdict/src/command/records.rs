//! Records of Hubble, wherever they stand: on lines, in arrays, and in what carries logs (Docker,
//! CRI, Fluent Bit, Loki), as JSON or as text inside of JSON.
//!
//! One rule finds them: a record is the outermost JSON object that reads as one, and what stands
//! around it is passed over.

use std::collections::{BTreeMap, BTreeSet};

use flow::Flow;
use hubble_api::json::read_line;
use serde_json::value::RawValue;

/// Objects, arrays and texts inside of each other that are looked into.
const MAX_DEPTH: usize = 16;
/// Places in a text where JSON may begin that are tried.
const MAX_STARTS: usize = 8;
/// Names of what is not known that are kept.
const MAX_NAMES: usize = 16;
/// Names of an object's keys that an error shows, and characters of each.
const MAX_SHOWN_KEYS: usize = 5;
const MAX_SHOWN: usize = 40;

/// Why a text is not a record.
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

/// What texts hold.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) flows: Vec<Flow>,
    /// Lost events, states of nodes and what else is not a flow.
    pub(crate) others: usize,
    /// Fields and names that are not known.
    pub(crate) skipped: BTreeSet<String>,
    /// Flows that stood in other JSON.
    pub(crate) carried: usize,
    /// Values beside records, in one array with them, that are not records; the first one's reason.
    pub(crate) broken: usize,
    pub(crate) first_broken: Option<RecordError>,
}

/// What a text is read as.
enum Read {
    Flow(Box<Flow>),
    Other,
}

impl Found {
    pub(crate) const fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.others == 0
    }

    /// Adds what another has found.
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

/// The records of a line, and how many bytes before its JSON are passed over. Errors: it holds none.
pub(crate) fn of_line(line: &str) -> Result<(Found, usize), RecordError> {
    in_text(line, 0)
}

/// The records of a value of JSON. Errors: it holds none.
pub(crate) fn of_value(json: &str) -> Result<Found, RecordError> {
    in_json(json, 0)
}

/// JSON that may have something before it: what `grep`, `kubectl logs`, `logcli` and a container's
/// runtime write there.
fn in_text(text: &str, depth: usize) -> Result<(Found, usize), RecordError> {
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
    // Only text is looked into: of JSON, each part was looked at.
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

/// One value of JSON, or several without a line's end between them.
fn in_values(text: &str, depth: usize) -> Result<Found, RecordError> {
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

fn in_json(json: &str, depth: usize) -> Result<Found, RecordError> {
    let json = json.trim();
    let failed = match record(json) {
        Ok(Some((read, skipped))) => {
            let mut found = Found { skipped: skipped.into_iter().collect(), ..Found::default() };
            match read {
                Read::Flow(flow) => found.flows.push(*flow),
                Read::Other => found.others = 1,
            }
            return Ok(found);
        }
        Ok(None) => None,
        Err(err @ RecordError::Flow(_)) => return Err(err),
        Err(err) => Some(err),
    };
    let value: &RawValue = serde_json::from_str(json).map_err(RecordError::NotJson)?;
    let mut found = Found::default();
    if depth < MAX_DEPTH {
        let begins = json.as_bytes().first();
        found = match begins {
            Some(b'{') => of_object(value, depth),
            Some(b'[') => of_array(value, depth),
            Some(b'"') => of_string(value, depth),
            _ => found,
        };
        // An array carries nothing else.
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

/// The values of an object; what two of them hold alike, as where a log is kept beside what was read
/// of it, is there once.
fn of_object(value: &RawValue, depth: usize) -> Found {
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    let mut all: Vec<Found> = Vec::new();
    for value in object.values() {
        if let Ok(found) = in_json(value.get(), depth + 1)
            && !all.iter().any(|own| own.is_same(&found))
        {
            all.push(found);
        }
    }
    sum(all)
}

fn of_array(value: &RawValue, depth: usize) -> Found {
    let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    of_items(&items, depth)
}

/// Items of an array: records side by side, or one record with its metadata, as the time in an answer
/// of Loki.
fn of_items(items: &[&RawValue], depth: usize) -> Found {
    let mut found = Found::default();
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
        found.add(Found { broken, first_broken, ..Found::default() });
    }
    found
}

/// The text of a string: JSON, or lines of it.
fn of_string(value: &RawValue, depth: usize) -> Found {
    let text: String = serde_json::from_str(value.get()).unwrap_or_default();
    if !text.contains(['{', '[']) {
        return Found::default();
    }
    match in_text(&text, depth + 1) {
        Ok((found, _)) => found,
        Err(_) => sum(text.lines().filter_map(|line| Some(in_text(line, depth + 1).ok()?.0))),
    }
}

fn sum(all: impl IntoIterator<Item = Found>) -> Found {
    let mut sum = Found::default();
    for found in all {
        sum.add(found);
    }
    sum
}

/// Reads a text as one record; none: it is an object of others.
fn record(json: &str) -> Result<Option<(Read, Vec<String>)>, RecordError> {
    if !json.starts_with('{') {
        return Ok(None);
    }
    let line = read_line(json.as_bytes())?;
    if !line.record.is_known() {
        return Ok(None);
    }
    let read = match line.record.into_flow() {
        Some(flow) => Read::Flow(Box::new(flow.map_err(RecordError::Flow)?)),
        None => Read::Other,
    };
    Ok(Some((read, line.skipped.names)))
}

/// What a value is, for an error.
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
