//! The queues of a gate, one for each organisation and purpose, and the rule who is next.
//!
//! By hand: semaphores of `tokio` and limits of `tower` serve in the order of arrival, so that one
//! organisation with a hundred panels would hold up all others and every alert rule.

use std::collections::{BTreeMap, VecDeque};

use crate::{Caller, GateLimits, Purpose};

/// The running and waiting work of a gate. `T` is what a waiter is woken with.
#[derive(Debug)]
pub(crate) struct Queues<T> {
    limits: GateLimits,
    accounts: BTreeMap<Caller, Account<T>>,
    running: usize,
    running_alerts: usize,
    waiting: usize,
    next_id: u64,
    /// Number of grants so far, by which accounts take turns.
    grants: u64,
}

/// The work of one organisation for one purpose.
#[derive(Debug)]
struct Account<T> {
    running: usize,
    waiting: VecDeque<(u64, T)>,
    /// Number of the grant that this account received last.
    last_grant: u64,
}

impl<T> Queues<T> {
    pub(crate) fn new(limits: GateLimits) -> Self {
        Self {
            limits,
            accounts: BTreeMap::new(),
            running: 0,
            running_alerts: 0,
            waiting: 0,
            next_id: 0,
            grants: 0,
        }
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether one more piece of work of this caller may run.
    fn has_room(&self, caller: Caller) -> bool {
        let people = self.running - self.running_alerts;
        self.running < self.limits.permits
            && (caller.purpose == Purpose::AlertRule || people < self.limits.for_people())
            && self.running_of_org(caller.org_id) < self.limits.permits_per_org
    }

    fn running_of_org(&self, org_id: i64) -> usize {
        let of_org = [Caller::person(org_id), Caller::alert_rule(org_id)];
        of_org.iter().filter_map(|own| self.accounts.get(own)).map(|account| account.running).sum()
    }

    /// Starts work at once, if there is room and no work of the same purpose waits that could start.
    pub(crate) fn start(&mut self, caller: Caller) -> bool {
        let waits = |(other, account): (&Caller, &Account<T>)| {
            other.purpose == caller.purpose && !account.waiting.is_empty() && self.has_room(*other)
        };
        if !self.has_room(caller) || self.accounts.iter().any(waits) {
            return false;
        }
        self.run(caller);
        true
    }

    /// Adds a waiter, and returns its id. `None`: the queue is full for this caller.
    pub(crate) fn wait(&mut self, caller: Caller, waiter: T) -> Option<u64> {
        let limits = self.limits;
        let own = self.accounts.get(&caller).map_or(0, |account| account.waiting.len());
        if self.waiting >= limits.waiting || own >= limits.waiting_per_org {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.account(caller).waiting.push_back((id, waiter));
        self.waiting += 1;
        Some(id)
    }

    /// Removes a waiter that gave up.
    pub(crate) fn leave(&mut self, caller: Caller, id: u64) {
        let Some(account) = self.accounts.get_mut(&caller) else { return };
        let before = account.waiting.len();
        account.waiting.retain(|(waiter, _)| *waiter != id);
        self.waiting -= before - account.waiting.len();
        self.forget_idle(caller);
    }

    /// Ends a piece of work.
    pub(crate) fn end(&mut self, caller: Caller) {
        let Some(account) = self.accounts.get_mut(&caller) else { return };
        account.running -= 1;
        self.running -= 1;
        if caller.purpose == Purpose::AlertRule {
            self.running_alerts -= 1;
        }
        self.forget_idle(caller);
    }

    /// Starts the waiter whose turn it is, if there is room.
    pub(crate) fn start_next(&mut self) -> Option<(Caller, T)> {
        let caller = self.next_caller()?;
        let (_, waiter) = self.accounts.get_mut(&caller)?.waiting.pop_front()?;
        self.waiting -= 1;
        self.run(caller);
        Some((caller, waiter))
    }

    /// The account whose turn it is: alert rules first, as long as they use at most half of the
    /// permits or nobody else waits. Of several the one with the least running work, then the one
    /// that waits longest for its turn.
    fn next_caller(&self) -> Option<Caller> {
        let next = |purpose| {
            self.accounts
                .iter()
                .filter(|(caller, account)| {
                    caller.purpose == purpose
                        && !account.waiting.is_empty()
                        && self.has_room(**caller)
                })
                .min_by_key(|(_, account)| (account.running, account.last_grant))
                .map(|(caller, _)| *caller)
        };
        let (alert, person) = (next(Purpose::AlertRule), next(Purpose::Person));
        let alerts_first = self.running_alerts < self.limits.permits.div_ceil(2);
        if alerts_first { alert.or(person) } else { person.or(alert) }
    }

    fn run(&mut self, caller: Caller) {
        self.grants += 1;
        let grants = self.grants;
        let account = self.account(caller);
        account.running += 1;
        account.last_grant = grants;
        self.running += 1;
        if caller.purpose == Purpose::AlertRule {
            self.running_alerts += 1;
        }
    }

    fn account(&mut self, caller: Caller) -> &mut Account<T> {
        self.accounts.entry(caller).or_insert_with(|| Account {
            running: 0,
            waiting: VecDeque::new(),
            last_grant: 0,
        })
    }

    /// Forgets an account without work, so that accounts are as many as pieces of work at most.
    fn forget_idle(&mut self, caller: Caller) {
        let is_idle = |account: &Account<T>| account.running == 0 && account.waiting.is_empty();
        if self.accounts.get(&caller).is_some_and(is_idle) {
            self.accounts.remove(&caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(permits: usize, kept_for_alerts: usize) -> GateLimits {
        GateLimits { permits, kept_for_alerts, ..GateLimits::default() }
    }

    /// The order in which the waiters are started, one for each that ends, after `running` of
    /// organisation 1 hold all permits for people.
    fn order(limits: GateLimits, waiters: &[(Caller, &'static str)]) -> Vec<&'static str> {
        let mut queues = Queues::new(limits);
        while queues.start(Caller::person(1)) {}
        for (caller, name) in waiters {
            queues.wait(*caller, *name).unwrap();
        }
        let mut started = Vec::new();
        let mut running = vec![Caller::person(1); queues.running()];
        while let Some(ended) = running.pop() {
            queues.end(ended);
            while let Some((caller, name)) = queues.start_next() {
                started.push(name);
                running.insert(0, caller);
            }
        }
        assert_eq!((queues.running(), queues.waiting()), (0, 0));
        assert!(queues.accounts.is_empty());
        started
    }

    #[test]
    fn organisations_take_turns() {
        let (one, two) = (Caller::person(1), Caller::person(2));
        let waiters = [(one, "a"), (one, "b"), (one, "c"), (two, "x"), (two, "y")];
        assert_eq!(order(limits(2, 0), &waiters), ["x", "a", "y", "b", "c"]);
        assert_eq!(order(limits(1, 0), &waiters), ["x", "a", "y", "b", "c"]);
    }

    #[test]
    fn alert_rules_go_first() {
        let (person, rule) = (Caller::person(1), Caller::alert_rule(2));
        let waiters = [(person, "panel"), (rule, "rule"), (person, "panel 2"), (rule, "rule 2")];
        assert_eq!(order(limits(1, 0), &waiters), ["rule", "rule 2", "panel", "panel 2"]);
        assert_eq!(order(limits(2, 0), &waiters), ["rule", "panel", "rule 2", "panel 2"]);
        assert_eq!(order(limits(4, 1), &waiters), ["rule", "rule 2", "panel", "panel 2"]);
    }

    #[test]
    fn people_leave_the_kept_permits_free() {
        let mut queues: Queues<()> = Queues::new(limits(4, 2));
        let person = Caller::person(1);
        assert!(queues.start(person));
        assert!(queues.start(person));
        assert!(!queues.start(person));
        assert!(queues.start(Caller::alert_rule(1)));
        assert!(queues.start(Caller::alert_rule(1)));
        assert!(!queues.start(Caller::alert_rule(1)));
    }

    #[test]
    fn nobody_overtakes_a_waiter_of_the_same_purpose() {
        let mut queues = Queues::new(limits(1, 0));
        assert!(queues.start(Caller::person(1)));
        queues.wait(Caller::person(2), ()).unwrap();
        queues.end(Caller::person(1));
        assert!(!queues.start(Caller::person(3)));
        assert_eq!(queues.start_next(), Some((Caller::person(2), ())));
    }

    #[test]
    fn queues_have_limits() {
        let mut queues =
            Queues::new(GateLimits { permits: 1, waiting: 3, waiting_per_org: 2, ..limits(1, 0) });
        let (one, two) = (Caller::person(1), Caller::person(2));
        assert_eq!(queues.wait(one, ()), Some(0));
        assert_eq!(queues.wait(one, ()), Some(1));
        assert_eq!(queues.wait(one, ()), None, "of one organisation");
        assert_eq!(queues.wait(two, ()), Some(2));
        assert_eq!(queues.wait(two, ()), None, "in all");
        queues.leave(one, 0);
        assert_eq!(queues.wait(two, ()), Some(3));
        assert_eq!(queues.waiting(), 3);
    }

    /// Work of one organisation that never ends leaves permits to the others.
    #[test]
    fn one_organisation_has_a_share() {
        let mut queues: Queues<()> = Queues::new(GateLimits { permits_per_org: 2, ..limits(4, 0) });
        let (one, two) = (Caller::person(1), Caller::person(2));
        assert!(queues.start(one));
        assert!(queues.start(Caller::alert_rule(1)));
        assert!(!queues.start(one));
        queues.wait(one, ()).unwrap();
        assert!(queues.start(two), "a waiter that cannot start does not hold up others");
        assert_eq!(queues.start_next(), None);
        assert!(queues.start(two));
        assert!(!queues.start(Caller::person(3)), "no more than all permits");
        queues.end(one);
        assert_eq!(queues.start_next(), Some((one, ())));
    }

    proptest! {
        /// Whatever happens, the numbers hold, and no waiter is left while there is room.
        #[test]
        fn numbers_hold(
            permits in 1_usize..6,
            kept in 0_usize..3,
            permits_per_org in 1_usize..6,
            steps in prop::collection::vec((0_u8..4, 0_i64..3, any::<bool>()), 1..200),
        ) {
            let mut queues =
                Queues::new(GateLimits { permits_per_org, ..limits(permits, kept) });
            let mut running: Vec<Caller> = Vec::new();
            let mut waiting: Vec<(Caller, u64)> = Vec::new();
            for (step, org_id, is_alert) in steps {
                let caller =
                    if is_alert { Caller::alert_rule(org_id) } else { Caller::person(org_id) };
                match step {
                    0 if queues.start(caller) => running.push(caller),
                    0 | 1 => {
                        let id = queues.next_id;
                        if queues.wait(caller, id).is_some() {
                            waiting.push((caller, id));
                        }
                    }
                    2 if !waiting.is_empty() => {
                        let (caller, id) = waiting.remove(0);
                        queues.leave(caller, id);
                    }
                    _ => {
                        if let Some(caller) = running.pop() {
                            queues.end(caller);
                        }
                    }
                }
                while let Some((caller, id)) = queues.start_next() {
                    waiting.retain(|(_, other)| *other != id);
                    running.push(caller);
                }
                prop_assert_eq!(queues.running(), running.len());
                prop_assert_eq!(queues.waiting(), waiting.len());
                prop_assert!(running.len() <= permits);
                for org_id in 0..3 {
                    let of_org = running.iter().filter(|caller| caller.org_id == org_id);
                    prop_assert!(of_org.count() <= permits_per_org);
                }
                let people = running.iter().filter(|c| c.purpose == Purpose::Person).count();
                prop_assert!(people <= queues.limits.for_people());
                let accounts = queues.accounts.len();
                prop_assert!(accounts <= running.len() + waiting.len());
            }
        }
    }
}
