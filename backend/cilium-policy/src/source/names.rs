//! The names of a map's keys, while it is read: each may come once.

use hashbrown::HashSet;

use super::{Key, Node, SyntaxError};

/// Keys that are looked up one by one: most maps have no more.
const FEW: usize = 16;

/// Keys of one document that may come twice.
const MAX_DUPLICATES: usize = 100;

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

/// Adds an entry. Of two entries of one key, the later one counts, and the key is noted.
///
/// Errors: too many keys that come twice.
pub(super) fn put(
    entries: &mut Vec<(Key, Node)>,
    names: &mut Names,
    duplicates: &mut Vec<Key>,
    key: Key,
    node: Node,
) -> Result<(), SyntaxError> {
    if names.is_new(entries, &key.name) {
        entries.push((key, node));
        return Ok(());
    }
    if duplicates.len() >= MAX_DUPLICATES {
        return Err(key.already_set());
    }
    duplicates.push(key.clone());
    if let Some(entry) = entries.iter_mut().find(|(own, _)| own.name == key.name) {
        *entry = (key, node);
    }
    Ok(())
}
