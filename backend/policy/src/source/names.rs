//! The names of a map's keys, while it is read: each may come once.

use hashbrown::HashSet;

use super::{Key, Node};

/// Keys that are looked up one by one: most maps have no more.
const FEW: usize = 16;

/// What tells a key that is there already, however many there are.
#[derive(Debug, Default)]
pub(super) struct Names {
    hashed: HashSet<String>,
}

impl Names {
    /// Whether the map of these entries, which are all that were new before, has no key `name` yet.
    pub(super) fn is_new(&mut self, entries: &[(Key, Node)], name: &str) -> bool {
        if entries.len() < FEW {
            return entries.iter().all(|(key, _)| key.name != name);
        }
        if self.hashed.is_empty() {
            self.hashed.extend(entries.iter().map(|(key, _)| key.name.clone()));
        }
        self.hashed.insert(name.to_owned())
    }
}
