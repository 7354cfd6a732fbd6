//! Facts from flows, gathered once for all lints.

use cilium_policy::{
    Action, Cause, Direction, Entry, EntryId, Identity, Judge, PolicySet, Traffic, UnixTime,
    Verdict,
    sorted::{counted, sort},
};
use flow::{Flow, L7Record};
use hashbrown::{HashMap, HashSet};

use crate::{
    Agreement, JudgeFlows, Learned, Proof, RecordedConnection, Summary, endpoint_names,
    lookup::{SearchLists, is_named},
};

/// Facts from flows.
#[derive(Default)]
pub(super) struct Seen {
    /// Entries that decided a flow: all matching entries of the winning rank.
    pub(super) decided: HashSet<EntryId>,
    /// Refused queries, and how often each was refused.
    pub(super) refused: Vec<(RefusedQuery, u64)>,
    /// Search lists by which names are looked up.
    pub(super) lists: SearchLists,
    /// Queries that passed.
    pub(super) answered: HashSet<AnsweredQuery>,
    /// Connections refused by default.
    pub(super) denied: Vec<UndecidedConnection>,
    /// Connections that pass because no policy selects their subject.
    pub(super) unselected: Vec<UndecidedConnection>,
    /// Addresses with their names.
    pub(super) names: Vec<(String, Vec<String>)>,
    /// Subjects that no policy selects, by name and direction, with the number of flows.
    pub(super) open: Vec<((String, Direction), u64)>,
    /// Number of flows that are older than the policies, and the time of the last change.
    pub(super) older: (u64, Option<UnixTime>),
    /// Whether an allowed ingress flow has `kube-apiserver` as its peer.
    pub(super) has_apiserver_client: bool,
    /// Identities of the endpoints of flows.
    identities: HashSet<Identity>,
    /// Subjects by direction, with what the records prove.
    proofs: HashMap<(Identity, Direction), Proofs>,
}

/// A query that the DNS proxy let pass.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct AnsweredQuery {
    pub(super) by: Identity,
    pub(super) name: String,
}

/// A connection that no rule decided.
pub(super) struct UndecidedConnection {
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) subject: Identity,
    pub(super) peer: Identity,
    pub(super) direction: Direction,
    pub(super) traffic: Traffic,
}

#[derive(Default)]
struct Proofs {
    passed: bool,
    refused: bool,
}

/// A query that the DNS proxy refused.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RefusedQuery {
    query: String,
    /// Name whose lookup the query is a part of, where it is another name.
    pub(super) meant: Option<String>,
    /// Whether some policy names that name.
    is_named: bool,
    source: String,
}

impl RefusedQuery {
    fn of(
        query: String,
        source: &str,
        lists: &SearchLists,
        (connection, set): (&RecordedConnection, &PolicySet),
    ) -> Self {
        let meant = lists.lookup(&query, &connection.subject, set).map(|lookup| lookup.meant);
        let is_named = meant.as_ref().is_some_and(|name| is_named(set, &connection.subject, name));
        Self { query, meant, is_named, source: source.to_owned() }
    }

    /// Name that was looked up.
    pub(super) fn name(&self) -> &str {
        self.meant.as_deref().unwrap_or(&self.query)
    }

    /// Whether the query is a name that some policy allows, with a suffix of the search list.
    pub(super) const fn is_extended(&self) -> bool {
        self.is_named
    }

    pub(super) fn line((own, count): &(Self, u64)) -> String {
        let Self { query, meant, source, .. } = own;
        let meant = meant.as_ref().map(|name| format!(": {name} is meant")).unwrap_or_default();
        format!("{count} refused queries for {query} by {source}{meant}")
    }
}

/// Most facts of each kind.
const MAX_KEPT: usize = 10_000;

impl Seen {
    pub(super) fn of(judge: &Judge, flows: &[Flow]) -> Self {
        let learned = Learned::from_flows(flows);
        let mut seen =
            Self { lists: SearchLists::of(flows.iter(), judge.set()), ..Self::default() };
        let (mut refused, mut open, mut peers) = (Vec::new(), Vec::new(), HashSet::new());
        let mut explained = HashSet::new();
        for flow in flows {
            let identities = RecordedConnection::identities(flow, &learned, judge.set().settings());
            for identity in identities.into_iter().flatten() {
                if seen.identities.len() < MAX_KEPT {
                    seen.identities.insert(identity);
                }
            }
            let Ok(connection) = RecordedConnection::of(flow, &learned, judge.set().settings())
            else {
                continue;
            };
            let Ok(summary) = judge.judge_flow(flow, &learned) else { continue };
            if connection.companion.is_some() {
                continue;
            }
            seen.has_apiserver_client |= connection.direction == Direction::Ingress
                && connection.peer.is_reserved("kube-apiserver")
                && summary.decision.verdict == Verdict::Allowed;
            let is_older = summary.agreement == Agreement::Later;
            if is_older {
                let changed = judge
                    .changed((&connection.subject, &connection.peer), connection.direction)
                    .last();
                seen.older =
                    (seen.older.0.saturating_add(flow.stands_for()), seen.older.1.max(changed));
            }
            seen.credit(judge, flow, (&connection, summary), &learned, &mut explained);
            let (source, destination) = endpoint_names(flow, &connection);
            if let Some(L7Record::Dns(dns)) = flow.l7.as_ref().and_then(|l7| l7.record.as_ref()) {
                let name = dns.query.trim_end_matches('.').to_ascii_lowercase();
                if is_older {
                    // Other policies decided about it.
                } else if flow.verdict == flow::Verdict::Dropped {
                    let query =
                        RefusedQuery::of(name, &source, &seen.lists, (&connection, judge.set()));
                    refused.push((query, flow.stands_for()));
                } else if seen.answered.len() < MAX_KEPT {
                    seen.answered.insert(AnsweredQuery { by: connection.subject.clone(), name });
                }
            }
            let is_pod = !connection.subject.is_world() && !connection.subject.is_node();
            let kept = match (summary.decision.verdict, summary.decision.cause) {
                (Verdict::Denied, Cause::DefaultDeny) => Some(&mut seen.denied),
                (_, Cause::NotSelected) if is_pod => {
                    let is_egress = connection.direction == Direction::Egress;
                    let subject = if is_egress { &source } else { &destination };
                    open.push(((subject.clone(), connection.direction), flow.stands_for()));
                    Some(&mut seen.unselected)
                }
                _ => None,
            };
            if let Some(kept) = kept.filter(|kept| kept.len() < MAX_KEPT) {
                kept.push(UndecidedConnection {
                    source,
                    destination,
                    subject: connection.subject.clone(),
                    peer: connection.peer.clone(),
                    direction: connection.direction,
                    traffic: connection.traffic,
                });
            }
            if connection.peer.names().len() > 1 && peers.len() < MAX_KEPT {
                peers.insert(connection.peer);
            }
        }
        seen.refused = counted(refused);
        seen.open = counted(open);
        let named = peers
            .into_iter()
            .filter_map(|peer| Some((peer.address()?.to_string(), peer.names().to_vec())));
        seen.names = named.collect();
        sort(&mut seen.names);
        seen.names.dedup_by(|one, other| one.0 == other.0);
        seen
    }

    /// Notes the entries that decided a flow, and what the flow proves about its subject.
    fn credit(
        &mut self,
        judge: &Judge,
        flow: &Flow,
        (connection, summary): (&RecordedConnection, Summary),
        learned: &Learned,
        explained: &mut HashSet<(Identity, Identity, Direction, Traffic)>,
    ) {
        let key = (connection.subject.clone(), connection.direction);
        if self.proofs.len() < MAX_KEPT || self.proofs.contains_key(&key) {
            let proofs = self.proofs.entry(key).or_default();
            match summary.proof {
                _ if summary.agreement == Agreement::Later => {}
                Proof::Allowed | Proof::Redirected => proofs.passed = true,
                Proof::Denied | Proof::DeniedByRule | Proof::DeniedByDefault => {
                    proofs.refused = true;
                }
                Proof::Nothing => {}
            }
        }
        if let Cause::Entry(entry) = summary.decision.cause {
            self.decided.insert(entry);
        }
        let question = (
            connection.subject.clone(),
            connection.peer.clone(),
            connection.direction,
            connection.traffic,
        );
        if explained.len() < MAX_KEPT && explained.insert(question) {
            let why = judge.explain(connection.access());
            self.decided.extend(why.deciding.iter().map(|rule| rule.entry));
            // Where a fact is missing, any entry that could match may have decided.
            let is_open = summary.verdict == Verdict::CannotTell
                || [summary.decision, why.decision]
                    .iter()
                    .any(|own| own.cause == Cause::MissingFact);
            if is_open {
                self.decided.extend(judge.possible_entries(connection.access()));
            }
        }
        if summary.decision.is_redirect
            && flow.l7.is_some()
            && let Ok(judgement) = judge.explain_flow(flow, learned)
            && let Some(l7) = judgement.l7
        {
            self.decided.extend(l7.rules.iter().map(|rule| rule.entry));
        }
    }

    /// Number of distinct pods of a namespace; of all namespaces where it is empty.
    pub(super) fn pods_of(&self, namespace: &str) -> usize {
        let is_one = |identity: &&Identity| {
            identity
                .k8s_label(cilium_policy::identity_label::POD_NAMESPACE)
                .is_some_and(|own| namespace.is_empty() || own == namespace)
        };
        let pods: HashSet<_> =
            self.identities.iter().filter(is_one).map(Identity::labels).collect();
        pods.len()
    }

    pub(super) fn has(&self, is_meant: impl FnMut(&Identity) -> bool) -> bool {
        self.identities.iter().any(is_meant)
    }

    /// Whether the flows could show that an entry decides: traffic of its subject passed or, for a deny rule, was
    /// refused.
    pub(super) fn shows(&self, entry: &Entry) -> bool {
        self.proofs.iter().any(|((subject, direction), proofs)| {
            *direction == entry.direction
                && entry.subject.matches(subject.labels())
                && if entry.action == Action::Deny { proofs.refused } else { proofs.passed }
        })
    }
}

impl UndecidedConnection {
    /// A line of evidence.
    pub(super) fn line(&self) -> String {
        self.line_that("refused")
    }

    /// A line of evidence with its own word for what happens to the connection.
    pub(super) fn line_that(&self, becomes: &str) -> String {
        format!(
            "{} → {} {} {becomes} on {}",
            self.source,
            self.destination,
            self.traffic,
            self.direction.name()
        )
    }
}
