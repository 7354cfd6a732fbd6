//! The time of an object's last change, from its `metadata`.

use crate::{
    UnixTime,
    source::{Node, Value},
};

/// The last change of an object, from its `metadata`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Dated {
    pub(crate) changed: Option<UnixTime>,
    /// Whether `changed` is a lower bound: the object may have changed later, at a time that
    /// `metadata` does not hold.
    pub(crate) is_at_least: bool,
}

impl Dated {
    /// The last change from `metadata`. The server counts changes of the spec in `generation`, and
    /// records in `managedFields` the writer and time of fields.
    pub(crate) fn of(object: &Node) -> Self {
        Self::by(object, |fields| fields.get("f:spec").is_some() || fields.get("f:specs").is_some())
    }

    /// The last change of labels. `generation` does not count it; only managed fields show it.
    pub(crate) fn of_labels(object: &Node) -> Self {
        let managers = object.list_at(&["metadata", "managedFields"]);
        if !managers.iter().any(|manager| manager.get("fieldsV1").is_some()) {
            return Self { changed: None, is_at_least: true };
        }
        let own = Self::by(object, |fields| fields.at_path(&["f:metadata", "f:labels"]).is_some());
        Self { is_at_least: false, ..own }
    }

    /// The last change of an object that policies refer to: its labels and endpoints count, too.
    pub(crate) fn of_object(object: &Node) -> Self {
        Self::by(object, |fields| {
            let own = ["f:spec", "f:endpoints", "f:ports"];
            own.iter().any(|name| fields.get(name).is_some())
                || fields.at_path(&["f:metadata", "f:labels"]).is_some()
        })
    }

    fn by(object: &Node, is_about_it: impl Fn(&Node) -> bool) -> Self {
        let metadata = object.get("metadata");
        let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
        let managers = match field("managedFields").map(|node| &node.value) {
            Some(Value::List(managers)) => managers.as_slice(),
            _ => &[],
        };
        let is_about_it = |manager: &&Node| manager.get("fieldsV1").is_some_and(&is_about_it);
        let managed = managers.iter().filter(is_about_it).filter_map(|m| time(m.get("time")));
        let created = time(field("creationTimestamp"));
        let changed = managed.max();
        let is_first = matches!(field("generation").map(|n| &n.value), Some(Value::Integer(1)));
        Self { changed: changed.max(created), is_at_least: changed.is_none() && !is_first }
    }
}

fn time(node: Option<&Node>) -> Option<UnixTime> {
    UnixTime::parse(node?.as_str()?)
}
