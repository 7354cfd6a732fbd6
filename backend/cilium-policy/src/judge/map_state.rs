//! The part of an endpoint's policy map that one packet can meet: the keys that cover it, for its
//! peer and for the aggregate of such peers. Source: pkg/policy/mapstate.go.
//!
//! Keys that do not cover the packet do not affect those that do. The rest of the map is therefore
//! left out; the insertions are otherwise the agent's.

/// A key that covers the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The bits of protocol and port that are given: 0, 8, or up to 24.
    pub(super) bits: u32,
    /// Whether the key is for the peer itself and not for the aggregate.
    pub(super) is_specific: bool,
}

/// An entry of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The precedence; greater goes first. It is the priority inverted. Its lowest byte is 255 for
    /// deny, 0 for pass, 1 for allow, and more for allow with a redirect to the proxy.
    pub(super) precedence: u32,
    /// False for an entry that exists for its passes alone.
    is_valid: bool,
    pub(super) is_redirect: bool,
    pub(super) authentication: AuthRequirement,
    /// The rules behind it, sorted.
    pub(super) rules: Vec<Option<crate::EntryId>>,
    /// The log values of the rules, sorted.
    pub(super) log: Vec<String>,
    /// The passes in the order of their tiers, last tier first.
    passes: Vec<Pass>,
}

/// The type of authentication (greater is stronger), and whether a rule requires it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AuthRequirement {
    pub(super) is_explicit: bool,
    pub(super) strength: u8,
}

/// A pass verdict: it moves the covered entries of later tiers up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    precedence: u32,
    tier: TierBounds,
}

/// The first and last precedence of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TierBounds {
    pub(super) max: u32,
    pub(super) min: u32,
}

/// The features of a direction's rules that change how the agent inserts entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Features {
    pub(super) has_pass: bool,
    pub(super) has_authentication: bool,
    /// Whether there are deny rules, redirects or priorities.
    pub(super) has_precedence: bool,
}

/// The entries; there are few.
#[derive(Debug, Default)]
pub(super) struct MapState(Vec<(Key, Entry)>);

/// The low byte of a deny precedence.
const DENY: u32 = 255;

impl Entry {
    /// An entry that allows or denies.
    pub(super) fn of_verdict(precedence: u32, is_redirect: bool, auth: AuthRequirement) -> Self {
        Self {
            precedence,
            is_valid: true,
            is_redirect,
            authentication: auth,
            rules: Vec::new(),
            log: Vec::new(),
            passes: Vec::new(),
        }
    }

    /// An entry that passes to the next tier.
    pub(super) fn of_pass(precedence: u32, tier: TierBounds) -> Self {
        let passes = vec![Pass { precedence, tier }];
        let invalid = Self::of_verdict(u32::MAX, false, AuthRequirement::default());
        Self { is_valid: false, passes, ..invalid }
    }

    const fn is_deny(&self) -> bool {
        self.precedence & 0xff == DENY
    }

    /// The precedence without the share of the proxy.
    const fn allow_precedence(&self) -> u32 {
        self.precedence & !0xff | 1
    }

    /// Whether the data path treats both alike. Of the rules, only their log values count.
    fn is_equivalent(&self, other: &Self) -> bool {
        self.precedence == other.precedence
            && self.is_valid == other.is_valid
            && self.is_redirect == other.is_redirect
            && self.authentication == other.authentication
            && self.passes == other.passes
            && self.log == other.log
    }

    /// Adds the rules of an entry with the same key and rank.
    fn unite(&mut self, other: &Self) {
        self.rules.extend(&other.rules);
        crate::sorted::sort(&mut self.rules);
        self.rules.dedup();
        self.log.extend(other.log.iter().cloned());
        crate::sorted::sort(&mut self.log);
        self.log.dedup();
    }

    fn merge(&mut self, other: &Self) {
        if self.is_deny() || other.is_deny() {
            return;
        }
        if other.is_redirect && other.precedence > self.precedence {
            self.is_redirect = true;
            self.precedence = other.precedence;
        }
        // An explicit requirement beats a derived one; among equals, the stronger one wins.
        self.authentication = self.authentication.max(other.authentication);
    }

    fn inherited(&self, passes: &[Pass]) -> u32 {
        passes.iter().fold(self.precedence, |precedence, pass| {
            precedence.wrapping_sub(pass.tier.min).wrapping_add(pass.precedence)
        })
    }
}

impl AuthRequirement {
    const fn derived(self) -> Self {
        Self { is_explicit: false, strength: self.strength }
    }
}

impl Pass {
    const fn is_of_other_tier_or_above(self, precedence: u32) -> bool {
        precedence < self.tier.min || precedence > self.tier.max || self.precedence > precedence
    }
}

/// Adds a pass. Each tier keeps one pass, the first in rank.
fn collect(passes: &mut Vec<Pass>, pass: Pass) {
    if pass.precedence == 0 || pass.precedence < pass.tier.min || pass.precedence > pass.tier.max {
        return;
    }
    let at = passes.iter().position(|own| own.tier.min >= pass.tier.min).unwrap_or(passes.len());
    match passes.get_mut(at) {
        Some(own) if own.tier.min == pass.tier.min => {
            if pass.precedence > own.precedence {
                *own = pass;
            }
        }
        _ => passes.insert(at, pass),
    }
}

impl Key {
    /// Whether this key covers everything that another key covers, by protocol and port and by
    /// peer.
    fn covers(self, other: Self) -> bool {
        self.bits <= other.bits && (!self.is_specific || other.is_specific)
    }
}

impl MapState {
    fn get(&self, key: Key) -> Option<&Entry> {
        self.0.iter().find(|(own, _)| *own == key).map(|(_, entry)| entry)
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        self.0.iter_mut().find(|(own, _)| *own == key).map(|(_, entry)| entry)
    }

    fn delete(&mut self, key: Key) {
        self.0.retain(|(own, _)| *own != key);
    }

    /// The keys that meet a condition, broader ones first.
    fn keys(&self, is_meant: impl Fn(Key) -> bool) -> Vec<Key> {
        let mut keys: Vec<Key> =
            self.0.iter().map(|(key, _)| *key).filter(|key| is_meant(*key)).collect();
        crate::sorted::sort(&mut keys);
        keys
    }

    fn add(&mut self, key: Key, entry: Entry) {
        let Some(old) = self.get_mut(key) else {
            self.0.push((key, entry));
            return;
        };
        if *old == entry {
            return;
        }
        if old.passes != entry.passes {
            for pass in &entry.passes {
                collect(&mut old.passes, *pass);
            }
        }
        if !old.is_valid {
            let passes = std::mem::take(&mut old.passes);
            *old = Entry { passes, ..entry };
        } else if entry.is_valid {
            let is_of_one_rank =
                (old.precedence ^ entry.precedence) <= 0xff && old.is_deny() == entry.is_deny();
            if is_of_one_rank {
                old.merge(&entry);
                old.unite(&entry);
            } else if old.precedence < entry.precedence {
                let passes = std::mem::take(&mut old.passes);
                *old = Entry { passes, ..entry };
            }
        }
    }

    /// Inserts an entry as the agent does; the steps depend on the features of the direction's
    /// rules.
    pub(super) fn insert(&mut self, tier_max: u32, key: Key, entry: Entry, features: Features) {
        let of_aggregate = Key { is_specific: false, ..key };
        if key.is_specific && self.get(of_aggregate).is_some_and(|own| own.is_equivalent(&entry)) {
            return;
        }
        if features.has_pass {
            self.insert_with_passes(tier_max, key, &entry);
            return;
        }
        if entry.is_deny() {
            for own in self.keys(|own| own.covers(key)) {
                if self.get(own).is_some_and(|old| {
                    old.precedence > entry.precedence
                        || old.precedence == entry.precedence && own != key
                }) {
                    return;
                }
            }
            self.0.retain(|(own, old)| {
                !(key.covers(*own)
                    && (old.precedence < entry.precedence
                        || old.precedence == entry.precedence && *own != key))
            });
        } else if features.has_authentication {
            self.insert_authenticated(key, entry.clone());
            self.prune_aggregated(key, &entry);
            return;
        } else if features.has_precedence {
            let is_beaten =
                |(own, old): &(Key, Entry)| own.covers(key) && old.precedence > entry.precedence;
            if self.0.iter().any(is_beaten) {
                return;
            }
            self.0.retain(|(own, old)| !(key.covers(*own) && old.precedence < entry.precedence));
        }
        self.prune_aggregated(key, &entry);
        self.add(key, entry);
    }

    /// Removes the entry of a peer where the aggregate does the same on the same port.
    fn prune_aggregated(&mut self, key: Key, entry: &Entry) {
        if !key.is_specific {
            let peer = Key { is_specific: true, ..key };
            self.0.retain(|(own, old)| *own != peer || !old.is_equivalent(entry));
        }
    }

    /// Inserts an entry with its authentication. The authentication of a broader rule applies to
    /// narrower rules without one. Rules with another authentication stay beside the rules that
    /// beat them.
    fn insert_authenticated(&mut self, key: Key, mut entry: Entry) {
        let is_explicit = entry.authentication.is_explicit;
        let mut is_derived = false;
        let broader = self.keys(|own| own.is_specific == key.is_specific && own.bits <= key.bits);
        for own in broader.into_iter().rev() {
            let Some(old) = self.get(own) else { continue };
            if old.precedence > entry.precedence {
                if old.is_deny() || !is_explicit {
                    return;
                }
                entry.is_redirect = old.is_redirect;
                entry.precedence = old.precedence;
                break;
            }
            if !is_derived
                && !is_explicit
                && own.bits != key.bits
                && old.authentication.is_explicit
                && old.allow_precedence() >= entry.allow_precedence()
            {
                entry.authentication = old.authentication.derived();
                is_derived = true;
            }
        }
        let mut is_propagated = false;
        for own in self.keys(|own| own.is_specific == key.is_specific && own.bits >= key.bits) {
            let Some(old) = self.get_mut(own) else { continue };
            if old.precedence < entry.precedence {
                if !old.authentication.is_explicit {
                    self.delete(own);
                    continue;
                }
                old.is_redirect = entry.is_redirect;
                old.precedence = entry.precedence;
            }
            if !is_propagated && is_explicit && own.bits != key.bits {
                if old.is_deny() || old.authentication.is_explicit {
                    is_propagated = true;
                } else if old.authentication.strength != entry.authentication.strength {
                    old.authentication = entry.authentication.derived();
                }
            }
        }
        self.add(key, entry);
    }

    fn prune_covered(&mut self, own: Key, key: Key, entry: &Entry, precedence: u32) {
        let Some(old) = self.get_mut(own) else { return };
        let kept = |pass: &Pass| pass.is_of_other_tier_or_above(precedence);
        let deletes_all_passes = !old.passes.iter().any(kept);
        let is_swallowed =
            own.bits == key.bits && !key.is_specific && own.is_specific && old.is_equivalent(entry);
        let deletes_verdict = !old.is_valid
            || old.precedence < precedence
            || old.is_deny() && old.precedence == precedence && own != key
            || is_swallowed;
        if deletes_all_passes && deletes_verdict {
            self.delete(own);
            return;
        }
        old.passes.retain(kept);
        if deletes_verdict {
            old.is_valid = false;
        }
    }

    fn insert_with_passes(&mut self, tier_max: u32, key: Key, entry: &Entry) {
        if let Some(new) = entry.passes.first() {
            let is_beaten = self.0.iter().filter(|(own, _)| own.covers(key)).any(|(_, old)| {
                let by_verdict =
                    old.is_valid && tier_max >= old.precedence && old.precedence > new.precedence;
                by_verdict
                    || old.passes.iter().any(|pass| {
                        pass.tier.min == new.tier.min && pass.precedence >= new.precedence
                    })
            });
            if is_beaten {
                return;
            }
            for own in self.keys(|own| key.covers(own)) {
                self.prune_covered(own, key, entry, new.precedence);
            }
            self.add(key, entry.clone());
            return;
        }
        let Some(found) = self.look_around(tier_max, key, entry, true) else { return };
        let Around { passes, bail, narrower, mut done } = found;
        let mut keys: Vec<Key> = Vec::new();
        let push = |keys: &mut Vec<Key>, done: &mut Vec<Key>, key: Key| {
            if !done.contains(&key) {
                keys.push(key);
                done.push(key);
            }
        };
        for own in narrower {
            push(&mut keys, &mut done, own);
        }
        let mut is_bailed = bail > 0;
        // Narrower or equal keys; for a peer, also those of its aggregate.
        for own in self.keys(|own| own.bits >= key.bits) {
            if !is_bailed && key.covers(own) {
                self.prune_covered(own, key, entry, entry.precedence);
            }
            let Some(old) = self.get(own) else { continue };
            let of_peer = Key { is_specific: own.is_specific || key.is_specific, ..own };
            if of_peer != key && old.passes.iter().any(|pass| pass.precedence > tier_max) {
                push(&mut keys, &mut done, of_peer);
            }
        }
        if !passes.is_empty() {
            let precedence = entry.inherited(&passes);
            if precedence > bail {
                self.add_passed(key, entry, precedence);
                is_bailed = true;
            }
        }
        if !is_bailed {
            self.add(key, entry.clone());
        }
        let mut next = 0;
        while let Some(key) = keys.get(next).copied() {
            next = next.saturating_add(1);
            let Some(found) = self.look_around(tier_max, key, entry, false) else { continue };
            done.extend(found.done);
            for own in found.narrower {
                push(&mut keys, &mut done, own);
            }
            let precedence = entry.inherited(&found.passes);
            if precedence > found.bail {
                self.add_passed(key, entry, precedence);
            }
        }
    }

    fn add_passed(&mut self, key: Key, entry: &Entry, precedence: u32) {
        for own in self.keys(|own| key.covers(own)) {
            self.prune_covered(own, key, entry, precedence);
        }
        self.add(key, Entry { precedence, ..entry.clone() });
    }

    /// The surroundings of a key: the passes of higher tiers, and the entries that beat the new
    /// one. `None` if an entry of the same tier beats it; this only counts where `is_first`.
    fn look_around(
        &self,
        tier_max: u32,
        key: Key,
        entry: &Entry,
        is_first: bool,
    ) -> Option<Around> {
        let mut around = Around::default();
        // Broader or equal keys; for an aggregate, also those of its peer.
        for (own, old) in self.0.iter().filter(|(own, _)| own.bits <= key.bits) {
            let is_covering = key.is_specific || !own.is_specific;
            let of_own = Key { is_specific: own.is_specific, ..key };
            for pass in &old.passes {
                if pass.tier.min > entry.precedence {
                    if !is_covering {
                        around.narrower.push(of_own);
                        break;
                    }
                    collect(&mut around.passes, *pass);
                } else if is_first && is_covering && pass.precedence > entry.precedence {
                    return None;
                }
            }
            let beats = old.is_valid
                && (old.precedence > entry.precedence
                    || entry.is_deny() && old.precedence == entry.precedence && *own != key);
            if !beats {
                continue;
            }
            let is_of_tier = old.precedence <= tier_max;
            match (is_covering, is_of_tier) {
                (true, true) if is_first => return None,
                (true, false) => around.bail = around.bail.max(old.precedence),
                (false, true) => around.done.push(of_own),
                _ => {}
            }
        }
        Some(around)
    }

    /// The entry that the packet meets, with its key.
    pub(super) fn lookup(&self) -> Option<(Key, Entry)> {
        let longest = |is_specific: bool| {
            self.0
                .iter()
                .filter(|(key, entry)| key.is_specific == is_specific && entry.is_valid)
                .max_by_key(|(key, _)| *key)
        };
        let (winner, other) = match (longest(true), longest(false)) {
            (Some(own), Some(aggregate)) => {
                let of_aggregate = match own.1.precedence.cmp(&aggregate.1.precedence) {
                    std::cmp::Ordering::Less => return Some(aggregate.clone()),
                    std::cmp::Ordering::Greater => return Some(own.clone()),
                    std::cmp::Ordering::Equal => !own.1.is_deny() && own.0.bits > aggregate.0.bits,
                };
                if of_aggregate { (aggregate, own) } else { (own, aggregate) }
            }
            (own, aggregate) => return own.or(aggregate).cloned(),
        };
        let (key, mut entry) = winner.clone();
        let other = &other.1;
        if !entry.is_deny()
            && !entry.authentication.is_explicit
            && other.authentication.strength > entry.authentication.strength
            && other.allow_precedence() >= entry.allow_precedence()
        {
            entry.authentication = other.authentication.derived();
        }
        Some((key, entry))
    }
}

/// The surroundings of a key.
#[derive(Debug, Default)]
struct Around {
    passes: Vec<Pass>,
    /// The highest precedence of another tier that beats the entry.
    bail: u32,
    /// The keys of the peer with a pass.
    narrower: Vec<Key>,
    /// The keys that need no further step.
    done: Vec<Key>,
}
