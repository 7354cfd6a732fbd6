//! One instance (connections, caches) for each data source, replaced when its settings change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::CalledDataSource;
use crate::budget::Budget;
use crate::instance::Instance;

/// Maximum number of data sources kept. The least recently used one is dropped with its
/// connections, and set up again on its next call.
const MAX_INSTANCES: usize = 64;

/// The instances, by organisation and uid. Finding the least recently used one of 64 by a scan takes ten lines,
/// which `lru` would not make fewer.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    kept: Mutex<CachedInstances>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct CachedInstances {
    entries: HashMap<(i64, String), CachedInstance>,
    uses: u64,
}

#[derive(Debug)]
struct CachedInstance {
    target: CalledDataSource,
    instance: Arc<Instance>,
    last_use: u64,
}

impl Instances {
    /// The instance for `target`: the kept one if its settings are unchanged, else a new one. Calls
    /// in flight keep the old instance until they end.
    pub(crate) fn get(&self, target: CalledDataSource) -> Arc<Instance> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let last_use = kept.uses;
        let key = (target.org_id, target.uid.clone());
        // The settings are compared too: provisioning may write new ones within the same
        // millisecond, and the update time alone would then keep the old address.
        if let Some(entry) = kept.entries.get_mut(&key).filter(|entry| entry.target == target) {
            entry.last_use = last_use;
            return entry.instance.clone();
        }
        let instance = Arc::new(Instance::new(target.org_id, &target.stored, &self.budget));
        let entry = CachedInstance { target, instance: instance.clone(), last_use };
        kept.entries.insert(key, entry);
        if kept.entries.len() > MAX_INSTANCES {
            let oldest = kept
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.last_use)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                kept.entries.remove(&oldest);
            }
        }
        instance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StoredSettings;

    fn target(org_id: i64, uid: &str, updated_ms: i64, url: &str) -> CalledDataSource {
        CalledDataSource {
            org_id,
            uid: uid.to_owned(),
            updated_ms,
            stored: StoredSettings { url: url.to_owned(), ..StoredSettings::default() },
        }
    }

    #[tokio::test]
    async fn replaced_when_the_settings_change() {
        let instances = Instances::default();
        let first = instances.get(target(1, "a", 1, "relay:80"));
        let check = |target, same| {
            let got = instances.get(target);
            assert_eq!(Arc::ptr_eq(&first, &got), same);
        };
        check(target(1, "a", 1, "relay:80"), true);
        check(target(2, "a", 1, "relay:80"), false);
        check(target(1, "b", 1, "relay:80"), false);
        check(target(1, "a", 2, "relay:80"), false);
        check(target(1, "a", 1, "relay:80"), false);
    }

    #[tokio::test]
    async fn other_settings_at_the_same_time_are_a_change() {
        let instances = Instances::default();
        let first = instances.get(target(1, "a", 1, "relay:80"));
        let second = instances.get(target(1, "a", 1, "relay:81"));
        assert!(!Arc::ptr_eq(&first, &second));
    }

    #[tokio::test]
    async fn the_least_recently_used_instance_is_dropped() {
        let instances = Instances::default();
        let kept = instances.get(target(1, "kept", 1, ""));
        let gone = instances.get(target(1, "gone", 1, ""));
        for n in 2..=MAX_INSTANCES {
            instances.get(target(1, &n.to_string(), 1, ""));
            instances.get(target(1, "kept", 1, ""));
        }
        assert_eq!(instances.kept.lock().unwrap().entries.len(), MAX_INSTANCES);
        assert!(Arc::ptr_eq(&kept, &instances.get(target(1, "kept", 1, ""))));
        assert_eq!(Arc::strong_count(&gone), 1, "the cache let it go");
    }
}
