//! One instance (connections, caches) for each data source, replaced when its settings change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
    pub(super) budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct CachedInstances {
    entries: HashMap<(i64, String), CachedInstance>,
    uses: u64,
}

#[derive(Debug)]
struct CachedInstance {
    target: Arc<CalledDataSource>,
    /// Set up by the first call, outside of the lock of all data sources: reading certificates takes time.
    instance: Arc<OnceLock<Arc<Instance>>>,
    last_use: u64,
}

impl Instances {
    /// The instance for `target`: the kept one if its settings are unchanged, else a new one. Calls
    /// in flight keep the old instance until they end.
    pub(crate) fn get(&self, target: CalledDataSource) -> Arc<Instance> {
        let (target, instance) = self.slot(target);
        let CalledDataSource { org_id, uid, stored, .. } = &*target;
        let set_up = || Arc::new(Instance::new(*org_id, uid, stored, &self.budget));
        instance.get_or_init(set_up).clone()
    }

    /// The place of the instance for `target`.
    fn slot(
        &self,
        target: CalledDataSource,
    ) -> (Arc<CalledDataSource>, Arc<OnceLock<Arc<Instance>>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let last_use = kept.uses;
        let key = (target.org_id, target.uid.clone());
        // The settings are compared too: provisioning may write new ones within the same
        // millisecond, and the update time alone would then keep the old address.
        if let Some(entry) = kept.entries.get_mut(&key).filter(|entry| *entry.target == target) {
            entry.last_use = last_use;
            return (entry.target.clone(), entry.instance.clone());
        }
        let (target, instance) = (Arc::new(target), Arc::default());
        let entry =
            CachedInstance { target: target.clone(), instance: Arc::clone(&instance), last_use };
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
        (target, instance)
    }
}

#[cfg(test)]
mod tests {
    use ::settings::StoredSettings;

    use super::*;

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

    /// While one data source is set up, others are served.
    #[tokio::test]
    async fn a_slow_set_up_holds_back_its_own_data_source_alone() {
        let instances = Instances::default();
        let (_, slow) = instances.slot(target(1, "slow", 1, ""));
        let served = slow.get_or_init(|| instances.get(target(1, "other", 1, "")));
        assert!(Arc::ptr_eq(served, &instances.get(target(1, "other", 1, ""))));
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
