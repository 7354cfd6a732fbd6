//! When policies were last changed, and which flows are older.
//!
//! An object that was exported says it itself (`metadata`); of others, the file's time or a time that
//! somebody names is taken. No clock is read.

use chrono::{DateTime, Datelike, Timelike};
use flow::Timestamp;

use crate::{
    Agreement, Direction, Identity, Judge, Summary,
    source::{Node, Value},
};

/// Times that the texts themselves do not carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    /// When the text of an index was changed; none: not known.
    pub texts: Vec<Option<Timestamp>>,
    /// When the set came to be as it is: a policy that is gone left no other trace.
    pub set: Option<Timestamp>,
}

/// When an object was last changed, as its `metadata` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Dated {
    pub(crate) changed: Option<Timestamp>,
    /// It was changed after that, at a time that `metadata` does not say.
    pub(crate) is_at_least: bool,
}

impl Dated {
    /// Reads `metadata`. The server counts changes of the spec in `generation`, and says in
    /// `managedFields` who set fields of it, and when.
    pub(crate) fn of(object: &Node) -> Self {
        let metadata = object.get("metadata");
        let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
        let managers = match field("managedFields").map(|node| &node.value) {
            Some(Value::List(managers)) => managers.as_slice(),
            _ => &[],
        };
        let is_about_spec = |manager: &&Node| {
            let fields = manager.get("fieldsV1");
            fields.is_some_and(|f| f.get("f:spec").is_some() || f.get("f:specs").is_some())
        };
        let managed = managers.iter().filter(is_about_spec).filter_map(|m| time(m.get("time")));
        let created = time(field("creationTimestamp"));
        let changed = managed.max();
        let is_first = matches!(field("generation").map(|n| &n.value), Some(Value::Integer(1)));
        Self { changed: changed.max(created), is_at_least: changed.is_none() && !is_first }
    }
}

fn time(node: Option<&Node>) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(node?.as_str()?).ok()?;
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
    Timestamp::new(time.timestamp(), nanos).ok()
}

/// `2026-11-30 14:03:00 UTC`: what reads it may put it into another zone.
pub(crate) fn written(time: Timestamp) -> String {
    let Some(time) = DateTime::from_timestamp(time.seconds(), 0) else { return String::new() };
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// When what decides about a direction was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The policies that are about the subject.
    pub(crate) bearing: Option<Timestamp>,
    /// The set as a whole.
    pub(crate) set: Option<Timestamp>,
}

impl Changed {
    /// The last change.
    pub(crate) fn last(self) -> Option<Timestamp> {
        self.bearing.max(self.set)
    }

    /// The change that a flow is older than. `differs`: record and policies do not agree, which a
    /// policy that is gone since may explain.
    fn after(self, time: Timestamp, differs: bool) -> Option<Timestamp> {
        let is_later = |changed: &Timestamp| *changed > time;
        self.bearing.filter(is_later).or(self.set.filter(|set| differs && is_later(set)))
    }

    /// How a record and policies compare where the policies may not be those of its time, and the
    /// change that it is older than. A record that proves nothing is not compared with any.
    pub(crate) fn compared(
        self,
        agreement: Agreement,
        time: Option<Timestamp>,
    ) -> (Agreement, Option<Timestamp>) {
        let later = match (agreement, time) {
            (Agreement::Agrees | Agreement::Differs, Some(time)) => {
                self.after(time, agreement == Agreement::Differs)
            }
            _ => None,
        };
        (if later.is_some() { Agreement::Later } else { agreement }, later)
    }

    /// An answer about a flow of some time.
    pub(crate) fn answer(self, summary: Summary, time: Option<Timestamp>) -> Summary {
        if self == Self::default() {
            return summary;
        }
        Summary { agreement: self.compared(summary.agreement, time).0, ..summary }
    }
}

impl Judge {
    /// The last change of the policies that are about a subject.
    pub(crate) fn changed(&mut self, subject: &Identity, direction: Direction) -> Changed {
        let set = self.set().changed;
        if !self.set().has_dates {
            return Changed { bearing: None, set };
        }
        let subject = self.class(subject);
        let key = (subject, direction);
        if let Some(known) = self.changes.get(&key) {
            return Changed { bearing: *known, set };
        }
        let bearing = self.changes_of(subject, direction).max();
        self.changes.insert(key, bearing);
        Changed { bearing, set }
    }
}
