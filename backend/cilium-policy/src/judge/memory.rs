//! The memory of a judge: classes of identities, and the pairs of two classes.
//!
//! All access goes through a shared reference. Every flow reads pairs of the first classes, without
//! a lock.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::{
    identity::Identity,
    pair::{Class, ClassId, Pair},
};
use crate::Direction;

/// The limit of remembered identities. The judge looks at further identities again each time.
pub(super) const MAX_IDENTITIES: usize = 65_536;
/// The limit of remembered pairs among the first classes, and again among the others.
const MAX_PAIRS: usize = 262_144;
/// The number of classes with rows; the rows take 2 MiB at most.
const NEAR: u32 = 512;
/// The number of classes whose pairs have a table of their own, of 2 KiB.
const FIRST: u32 = 16;

/// A value with many readers and few writers.
#[derive(Debug, Default)]
pub(super) struct Shared<T>(RwLock<T>);

impl<T> Shared<T> {
    /// Read access. Writers never leave a value half written, so the lock is good after a panic,
    /// too.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Write access.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identities that are asked about, each with its class. Every flow reads two of them, without a lock:
/// a read lock alone takes 8 ns, a third of a decision.
#[derive(Debug, Default)]
pub(super) struct KnownIdentities {
    /// Two tables. A judge that answers a few questions pays for the small one only.
    slots: [OnceLock<Box<[AtomicU32]>>; SLOTS.len()],
    all: boxcar::Vec<(Identity, ClassId)>,
    hasher: DefaultHashBuilder,
}

/// The numbers of slots for identities, powers of two. A slot holds an index into
/// [`KnownIdentities::all`] by a hash, or [`NONE`]; they take 4 KiB and a quarter.
const SLOTS: [u32; 2] = [64, 1_024];

impl KnownIdentities {
    /// The class of an identity. `None` if it is not remembered, or if others have its slots.
    #[inline]
    pub(super) fn class(&self, identity: &Identity) -> Option<ClassId> {
        let hash = self.hasher.hash_one(identity);
        self.slots.iter().find_map(|slots| {
            let at = slot(slots.get()?, hash)?.load(Ordering::Acquire);
            let (known, class) = self.all.get(at as usize)?;
            (known == identity).then_some(*class)
        })
    }

    /// Remembers an identity, if one of its slots is free.
    pub(super) fn remember(&self, identity: &Identity, class: ClassId) {
        let hash = self.hasher.hash_one(identity);
        for (slots, len) in self.slots.iter().zip(SLOTS) {
            let Some(slot) = slot(slots.get_or_init(|| indices(len)), hash) else { return };
            if slot.load(Ordering::Acquire) == NONE {
                let at = u32::try_from(self.all.push((identity.clone(), class))).unwrap_or(NONE);
                // Of two at once, the other is found by the lock.
                slot.store(at, Ordering::Release);
                return;
            }
        }
    }
}

fn slot(slots: &[AtomicU32], hash: u64) -> Option<&AtomicU32> {
    let mask = slots.len().saturating_sub(1) as u64;
    slots.get(usize::try_from(hash & mask).ok()?)
}

/// Classes by their ids, and the ids of identities.
#[derive(Debug, Default)]
pub(super) struct Classes {
    all: Vec<Arc<Class>>,
    /// Ids into `all`, by hash.
    ids: HashTable<ClassId>,
    hasher: DefaultHashBuilder,
    identities: HashMap<Identity, ClassId>,
}

impl Classes {
    /// The class of an identity, if remembered.
    pub(super) fn known(&self, identity: &Identity) -> Option<ClassId> {
        self.identities.get(identity).copied()
    }

    /// The class of an id. `None` if the id comes from another judge.
    pub(super) fn get(&self, id: ClassId) -> Option<Arc<Class>> {
        self.all.get(id.0 as usize).cloned()
    }

    /// The id of an identity's class.
    pub(super) fn insert(&mut self, identity: &Identity, class: Class) -> ClassId {
        let Self { all, ids, hasher, identities } = self;
        let hash = hasher.hash_one(&class);
        let is_same = |id: &ClassId| all.get(id.0 as usize).is_some_and(|own| **own == class);
        let known = ids.find(hash, is_same).copied();
        let id = known.unwrap_or_else(|| {
            let id = ClassId(u32::try_from(all.len()).unwrap_or(u32::MAX));
            all.push(Arc::new(class));
            ids.insert_unique(hash, id, |id| {
                all.get(id.0 as usize).map_or(0, |class| hasher.hash_one(&**class))
            });
            id
        });
        if identities.len() < MAX_IDENTITIES {
            identities.insert(identity.clone(), id);
        }
        id
    }
}

/// One subject and direction: for each of the first [`NEAR`] peers the index of its pair in
/// [`Pairs::near`], or [`NONE`].
type Row = Box<[AtomicU32]>;

/// The index that marks a missing pair.
const NONE: u32 = u32::MAX;

/// Pairs of classes.
#[derive(Debug)]
pub(super) struct Pairs {
    /// The indices of the pairs of the first [`FIRST`] classes, which are all classes of a small set: without
    /// them, a new judge would pay for rows.
    first: Box<[AtomicU32]>,
    /// A flow reads one index of 4 bytes and the pair. Pairs in the rows themselves lie so far
    /// apart that judging takes 1.15 to 1.3 times as long.
    rows: OnceLock<Box<[OnceLock<Row>]>>,
    near: boxcar::Vec<Pair>,
    others: Shared<HashMap<(ClassId, ClassId, Direction), Arc<Pair>>>,
}

impl Default for Pairs {
    fn default() -> Self {
        let first = indices(FIRST * FIRST * 2);
        Self { first, rows: OnceLock::new(), near: boxcar::Vec::new(), others: Shared::default() }
    }
}

impl Pairs {
    /// The pair of two of the first classes, if remembered.
    #[inline]
    pub(super) fn near(
        &self,
        (subject, peer, direction): (ClassId, ClassId, Direction),
    ) -> Option<&Pair> {
        let at = if subject.0 < FIRST && peer.0 < FIRST {
            self.first.get(first(subject, peer, direction))?
        } else if subject.0 < NEAR {
            self.rows.get()?.get(row(subject, direction))?.get()?.get(peer.0 as usize)?
        } else {
            return None;
        };
        self.near.get(at.load(Ordering::Acquire) as usize)
    }

    /// The place for the index of a pair of the first classes.
    fn place(
        &self,
        (subject, peer, direction): (ClassId, ClassId, Direction),
    ) -> Option<&AtomicU32> {
        if subject.0 < FIRST && peer.0 < FIRST {
            return self.first.get(first(subject, peer, direction));
        }
        if subject.0 >= NEAR {
            return None;
        }
        let rows = || (0..NEAR.saturating_mul(2)).map(|_| OnceLock::new()).collect();
        let row = self.rows.get_or_init(rows).get(row(subject, direction))?;
        row.get_or_init(|| indices(NEAR)).get(peer.0 as usize)
    }

    /// The answer about a pair; `make` computes a pair that is not remembered.
    pub(super) fn ask<A>(
        &self,
        key: (ClassId, ClassId, Direction),
        make: impl FnOnce() -> Pair,
        ask: impl FnOnce(&Pair) -> A,
    ) -> A {
        if let Some(pair) = self.near(key) {
            return ask(pair);
        }
        if let Some(pair) = self.others.read().get(&key) {
            return ask(pair);
        }
        let pair = make();
        let answer = ask(&pair);
        self.remember(key, pair);
        answer
    }

    fn remember(&self, key: (ClassId, ClassId, Direction), pair: Pair) {
        if self.near.count() < MAX_PAIRS
            && let Some(place) = self.place(key)
        {
            let at = u32::try_from(self.near.push(pair)).unwrap_or(NONE);
            place.store(at, Ordering::Release);
            return;
        }
        let mut others = self.others.write();
        if others.len() >= MAX_PAIRS {
            others.clear();
        }
        others.insert(key, Arc::new(pair));
    }
}

fn indices(count: u32) -> Box<[AtomicU32]> {
    (0..count).map(|_| AtomicU32::new(NONE)).collect()
}

#[inline]
const fn first(subject: ClassId, peer: ClassId, direction: Direction) -> usize {
    let pair = subject.0.wrapping_mul(FIRST).wrapping_add(peer.0) as usize;
    pair.wrapping_mul(2).wrapping_add(match direction {
        Direction::Ingress => 0,
        Direction::Egress => 1,
    })
}

#[inline]
const fn row(subject: ClassId, direction: Direction) -> usize {
    (subject.0 as usize).saturating_mul(2).saturating_add(match direction {
        Direction::Ingress => 0,
        Direction::Egress => 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conflict, Label};

    /// Every identity is either found with its class or not at all, also where slots collide.
    #[test]
    fn identities_are_found_with_their_own_class() {
        let known = KnownIdentities::default();
        let identity = |number: u32| {
            let label = Label::parse(&format!("k8s:app={number}"));
            Identity::of_labels([label], false)
        };
        assert_eq!(known.class(&identity(0)), None);
        let slots: u32 = SLOTS.iter().sum();
        let count = 2 * slots;
        for number in 0..count {
            known.remember(&identity(number), ClassId(number));
        }
        let mut found = 0;
        for number in 0..count {
            if let Some(class) = known.class(&identity(number)) {
                assert_eq!(class, ClassId(number));
                found += 1;
            }
        }
        assert!((slots / 2..=slots).contains(&found), "{found}");
        assert!(known.all.count() <= slots as usize);
    }

    fn named_conflict(number: usize) -> Arc<Conflict> {
        Arc::new(Conflict::NoEnvoyConfig { listener: number.to_string() })
    }

    #[test]
    fn every_pair_is_found_again() {
        let ids = [0, 1, 2, FIRST - 1, FIRST, NEAR - 1, NEAR, NEAR + 1, u32::MAX];
        let all: Vec<_> = ids
            .iter()
            .flat_map(|subject| ids.iter().map(move |peer| (ClassId(*subject), ClassId(*peer))))
            .flat_map(|(subject, peer)| {
                [Direction::Ingress, Direction::Egress].map(|direction| (subject, peer, direction))
            })
            .collect();
        let pairs = Pairs::default();
        let named =
            |number: usize| Pair { conflict: Some(named_conflict(number)), ..Pair::default() };
        let name = |pair: &Pair| pair.conflict.clone();
        for is_known in [false, true] {
            for (number, key) in all.iter().enumerate() {
                // A remembered pair is not computed again.
                let make = || named(if is_known { usize::MAX } else { number });
                let found = pairs.ask(*key, make, name);
                assert_eq!(pairs.near(*key).is_some(), key.0.0 < NEAR && key.1.0 < NEAR);
                assert_eq!(found, Some(named_conflict(number)), "{key:?}");
            }
        }
    }
}
