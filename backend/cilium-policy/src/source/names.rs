//! The key names of a map during reading: each must be distinct.

use hashbrown::HashSet;

use super::{Key, Node, SyntaxError};

/// The number of keys up to which a search goes one by one; most maps have no more.
const FEW: usize = 16;

/// The limit of duplicate keys in one document.
const MAX_DUPLICATES: usize = 100;

/// A detector of duplicate keys, fast for any number of keys.
#[derive(Debug, Default)]
pub(super) struct Names {
    hashed: HashSet<String>,
}

impl Names {
    /// Whether the map lacks the key `name`; its entries are those found new before.
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

/// Adds an entry. Of two entries with one key, the later one counts, and the key is noted.
///
/// Errors: too many duplicate keys.
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
