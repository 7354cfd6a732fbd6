//! Bytes that answers hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Caller, Purpose, Refusals};

/// Step in which bytes are taken, so that a growing answer seldom takes the lock. Small, because a busy
/// dashboard has hundreds of answers of a few kilobytes.
const STEP_BYTES: usize = 64 << 10;
/// Share of the bytes that people may hold; the rest is kept for alert rules.
const SHARE_OF_PEOPLE: Share = Share(9, 10);
/// Share of the bytes that the people of one organisation may hold, its alert rules included.
const SHARE_OF_ORG: Share = Share(3, 4);

/// A share as numerator and denominator.
#[derive(Clone, Copy)]
struct Share(usize, usize);

impl Share {
    fn of(self, bytes: usize) -> usize {
        (bytes / self.1).saturating_mul(self.0)
    }
}

/// Reason why an answer may not hold more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this answer needs more memory than is free ({} of {} MiB are in use): narrow the filter or the time range, lower the limit, or try again",
    mib(*.held_bytes),
    mib(*.limit_bytes)
)]
pub struct OutOfMemory {
    /// Bytes that all answers hold.
    pub held_bytes: usize,
    /// Maximum number of bytes that all answers may hold.
    pub limit_bytes: usize,
}

fn mib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 20)
}

/// The present load of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryLoad {
    /// Bytes that answers hold.
    pub held_bytes: usize,
    /// Most bytes held at once.
    pub peak_bytes: usize,
    /// Maximum number of bytes.
    pub limit_bytes: usize,
}

/// The bytes that all answers together may hold.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit_bytes: usize,
    refusals: Refusals,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held_bytes: usize,
    peak_bytes: usize,
    by_org: BTreeMap<i64, usize>,
}

/// The bytes of one answer; they are free again when it is dropped.
#[derive(Debug)]
pub struct Held {
    shared: Arc<Shared>,
    caller: Caller,
    /// Bytes in use.
    used: usize,
    /// Bytes taken from the memory, a multiple of the step.
    taken: usize,
}

impl Memory {
    /// Memory of so many bytes.
    pub fn new(limit_bytes: usize) -> Self {
        Self::counted(limit_bytes, Refusals::default())
    }

    /// Memory of so many bytes, which counts what it refuses.
    pub fn counted(limit_bytes: usize, refusals: Refusals) -> Self {
        Self { shared: Arc::new(Shared { limit_bytes, refusals, state: Mutex::default() }) }
    }

    /// The bytes of a new answer, of which it holds none yet.
    pub fn hold(&self, caller: Caller) -> Held {
        Held { shared: self.shared.clone(), caller, used: 0, taken: 0 }
    }

    /// The present load.
    pub fn load(&self) -> MemoryLoad {
        let state = self.shared.state();
        MemoryLoad {
            held_bytes: state.held_bytes,
            peak_bytes: state.peak_bytes,
            limit_bytes: self.shared.limit_bytes,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, caller: Caller, bytes: usize) -> Result<(), OutOfMemory> {
        let mut state = self.state();
        // What is kept for alert rules is also for those of the one organisation that uses the plugin.
        let (limit, limit_of_org) = match caller.purpose {
            Purpose::AlertRule => (self.limit_bytes, self.limit_bytes),
            Purpose::Person => {
                (SHARE_OF_PEOPLE.of(self.limit_bytes), SHARE_OF_ORG.of(self.limit_bytes))
            }
        };
        let held = state.held_bytes.saturating_add(bytes);
        let of_org =
            state.by_org.get(&caller.org_id).map_or(bytes, |org| org.saturating_add(bytes));
        if held > limit || of_org > limit_of_org {
            self.refusals.count();
            return Err(OutOfMemory {
                held_bytes: state.held_bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        state.held_bytes = held;
        state.peak_bytes = state.peak_bytes.max(held);
        state.by_org.insert(caller.org_id, of_org);
        Ok(())
    }

    fn give_back(&self, caller: Caller, bytes: usize) {
        let mut state = self.state();
        state.held_bytes -= bytes;
        if let Some(of_org) = state.by_org.get_mut(&caller.org_id) {
            *of_org -= bytes;
            if *of_org == 0 {
                state.by_org.remove(&caller.org_id);
            }
        }
    }
}

impl Held {
    /// The bytes of another answer for the same caller, of which it holds none yet.
    #[must_use]
    pub fn another(&self) -> Self {
        Memory { shared: self.shared.clone() }.hold(self.caller)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.used
    }

    /// Holds `bytes` more.
    ///
    /// Errors: [`OutOfMemory`]; the answer then holds as much as before.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.set(self.used.saturating_add(bytes))
    }

    /// Holds `bytes` in all.
    ///
    /// Errors: [`OutOfMemory`]; the answer then holds as much as before. Holding less never fails.
    pub fn set(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let wanted = bytes.div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES);
        if let Some(more) = wanted.checked_sub(self.taken).filter(|more| *more > 0) {
            self.shared.take(self.caller, more)?;
        } else if wanted < self.taken {
            self.shared.give_back(self.caller, self.taken - wanted);
        }
        self.taken = wanted;
        self.used = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.taken > 0 {
            self.shared.give_back(self.caller, self.taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn bytes_are_held_until_the_answer_goes() {
        let memory = Memory::new(100 * MIB);
        let mut one = memory.hold(Caller::person(1));
        one.grow(10).unwrap();
        assert_eq!(memory.load().held_bytes, STEP_BYTES);
        one.grow(STEP_BYTES).unwrap();
        assert_eq!((one.bytes(), memory.load().held_bytes), (STEP_BYTES + 10, 2 * STEP_BYTES));
        one.set(1).unwrap();
        assert_eq!(memory.load().held_bytes, STEP_BYTES);
        drop(one);
        let load = memory.load();
        assert_eq!((load.held_bytes, load.peak_bytes), (0, 2 * STEP_BYTES));
        assert!(memory.shared.state().by_org.is_empty());
    }

    #[test]
    fn shares() {
        let check = |held: &[(Caller, usize)], caller: Caller, bytes: usize, fits: bool| {
            let memory = Memory::new(100 * MIB);
            let held: Vec<Held> = held
                .iter()
                .map(|(caller, bytes)| {
                    let mut one = memory.hold(*caller);
                    one.grow(*bytes).unwrap();
                    one
                })
                .collect();
            let mut one = memory.hold(caller);
            assert_eq!(one.grow(bytes).is_ok(), fits, "{held:?} {caller:?} {bytes}");
        };
        let (one, two, rule) = (Caller::person(1), Caller::person(2), Caller::alert_rule(3));
        check(&[], one, 75 * MIB, true);
        check(&[], one, 76 * MIB, false);
        check(&[(one, 70 * MIB)], two, 20 * MIB, true);
        check(&[(one, 70 * MIB)], two, 21 * MIB, false);
        check(&[(one, 70 * MIB), (two, 20 * MIB)], rule, 10 * MIB, true);
        check(&[(one, 70 * MIB), (two, 20 * MIB)], rule, 11 * MIB, false);
        // The organisation that alone uses the plugin has alert rules, too.
        check(&[(one, 75 * MIB)], Caller::alert_rule(1), 25 * MIB, true);
        check(&[(one, 75 * MIB)], Caller::alert_rule(1), 26 * MIB, false);
        check(&[], one, usize::MAX, false);
    }

    #[test]
    fn a_refusal_says_what_is_in_use() {
        let memory = Memory::new(100 * MIB);
        let mut held = memory.hold(Caller::person(1));
        held.grow(60 * MIB).unwrap();
        let error = held.grow(60 * MIB).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this answer needs more memory than is free (60 of 100 MiB are in use): narrow the filter or the time range, lower the limit, or try again"
        );
        assert_eq!((held.bytes(), memory.shared.refusals.total()), (60 * MIB, 1));
    }

    proptest! {
        #[test]
        fn bytes_add_up(steps in prop::collection::vec((0_usize..4, 0_usize..20 * MIB), 1..100)) {
            let memory = Memory::new(64 * MIB);
            let mut held: Vec<Held> =
                (0..4).map(|org| memory.hold(Caller::person(org % 2))).collect();
            for (index, bytes) in steps {
                let one = &mut held[index];
                let before = one.bytes();
                if one.set(bytes).is_err() {
                    prop_assert_eq!(one.bytes(), before);
                }
                let taken: usize = held.iter().map(|one| one.taken).sum();
                prop_assert_eq!(memory.load().held_bytes, taken);
                prop_assert!(taken <= 64 * MIB);
            }
            drop(held);
            prop_assert_eq!(memory.load().held_bytes, 0);
        }
    }
}
