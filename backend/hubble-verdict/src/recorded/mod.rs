//! Recorded flows: the connection that policy decided about, the proof in the record, and the
//! policies' verdict.

mod connection;
mod learned;
mod observed;
mod prepared;
mod sentence;
mod shape;
mod shown;
#[cfg(test)]
mod tests;

pub use connection::RecordedConnection;
pub use learned::Learned;
pub use observed::{Observed, Proof};
pub use prepared::Prepared;
pub use shape::{Exchange, Unjudged};
pub use shown::{settings_from, settings_from_counted};

use std::sync::Arc;

use cilium_policy::{
    Access, Cause, Changed, ClassId, Decision, Dependence, Direction, Explanation, Identity, Judge,
    L7Explanation, NamedPorts, PolicyName, PolicySet, Request, UnixTime, Verdict,
};
use flow::{Flow, L7FlowType, L7Record, Timestamp};

use crate::lookup::{Lookup, SearchLists};
use shape::Shape;

/// The comparison of a record with the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agreement {
    /// Record and policies have the same verdict.
    Agrees,
    /// Record and policies contradict each other: the policies have changed since, or some are
    /// missing.
    Differs,
    /// The record is older than the last change of the policies that judge it.
    Later,
    /// The record proves nothing, or a fact is missing.
    CannotTell,
}

/// A recorded flow with its verdict and the reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The connection, as policy saw it.
    pub connection: RecordedConnection,
    /// The proof in the record.
    pub observed: Observed,
    /// The policies' verdict at L3 and L4, with its reasons.
    pub explanation: Explanation,
    /// The policies' verdict on the request; `None` where the record has no request.
    pub l7: Option<L7Explanation>,
    /// The verdict on the request, where the record has one; else that of L3 and L4.
    pub verdict: Verdict,
    /// Comparison of record and policies.
    pub agreement: Agreement,
    /// The lookup that the refused query belongs to, where the program looked up another name.
    pub(crate) lookup: Option<Lookup>,
    /// Time of the policy change that is later than the record.
    pub later: Option<UnixTime>,
    /// Whether labels of CIDR groups decide whose age is not known.
    pub(crate) is_undated: bool,
    /// Policies that Hubble names for this direction.
    pub hubble: Vec<PolicyLabel>,
    /// Policies that decide here.
    pub ours: Vec<PolicyName>,
    /// Whether Hubble's policies are among ours; `None` where Hubble names none.
    pub attribution: Option<bool>,
    /// Agent settings that the verdict depends on.
    pub dependences: Vec<Dependence>,
}

/// A policy as a record names it; old records have no kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyLabel {
    /// Kind, or empty.
    pub kind: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// The short form of a judgement, for millions of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Summary {
    /// The verdict on the request, where the proxy looks into it; else that of L3 and L4.
    pub verdict: Verdict,
    /// The deciding rule or default at L3 and L4.
    pub decision: Decision,
    /// Comparison of record and policies.
    pub agreement: Agreement,
    /// The proof in the record.
    pub proof: Proof,
}

/// Judgement of recorded flows by a [`Judge`].
pub trait JudgeFlows {
    /// Judges a recorded flow and gives the reasons. Errors: why the flow cannot be judged at all.
    fn explain_flow(&self, flow: &Flow, learned: &Learned) -> Result<Judgement, Unjudged>;

    /// Judges a recorded flow. Errors: why the flow cannot be judged at all.
    fn judge_flow(&self, flow: &Flow, learned: &Learned) -> Result<Summary, Unjudged>;
}

impl JudgeFlows for Judge {
    fn explain_flow(&self, flow: &Flow, learned: &Learned) -> Result<Judgement, Unjudged> {
        self.explain_record(flow, learned, NamedPorts::Unknown)
    }

    fn judge_flow(&self, flow: &Flow, learned: &Learned) -> Result<Summary, Unjudged> {
        let shape = Shape::of(flow)?;
        let (subject, peer) = shape.subject_and_peer(flow)?;
        let subject = subject.identity(learned, self.set().settings());
        let peer = peer.identity(learned, self.set().settings());
        let observed = Observed::of(flow, shape, learned, self.set().settings());
        let request = request(flow);
        let classified = [(&subject, self.class(&subject)), (&peer, self.class(&peer))];
        let summary = self.summarize(classified, shape, &observed, request.as_ref());
        let changed = self.changed((&subject, &peer), shape.direction);
        Ok(at_time(changed, summary, flow.time.map(unix_time)))
    }
}

/// Parts of [`JudgeFlows`] for this crate alone.
pub(crate) trait JudgeRecords {
    /// Judges a flow, where named ports of the destination may be known.
    fn explain_record(
        &self,
        flow: &Flow,
        learned: &Learned,
        named: NamedPorts<'_>,
    ) -> Result<Judgement, Unjudged>;

    /// Judges a question of flows, between a subject and a peer with their classes.
    fn summarize(
        &self,
        identities: [(&Identity, ClassId); 2],
        shape: Shape,
        observed: &Observed,
        request: Option<&RecordedRequest>,
    ) -> Summary;
}

impl JudgeRecords for Judge {
    fn explain_record(
        &self,
        flow: &Flow,
        learned: &Learned,
        named: NamedPorts<'_>,
    ) -> Result<Judgement, Unjudged> {
        let connection = RecordedConnection::of(flow, learned, self.set().settings())?;
        let observed = Observed::of(flow, Shape::of(flow)?, learned, self.set().settings());
        let of_documents = match (named, connection.direction) {
            (NamedPorts::Known(_), _) => None,
            (NamedPorts::Unknown, Direction::Ingress) => {
                self.named_ports(&connection.subject, connection.direction)
            }
            (NamedPorts::Unknown, Direction::Egress) => {
                self.named_ports(&connection.peer, connection.direction)
            }
        };
        let named = of_documents.as_deref().map_or(named, NamedPorts::Known);
        let access = connection.access().with_named_ports(named);
        let explanation = self.explain(access);
        let l7 = request(flow).map(|request| self.explain_l7(access, request.as_request()));
        let verdict = l7.as_ref().map_or(explanation.decision.verdict, |l7| l7.verdict);
        let hubble = hubble_names(flow, connection.direction);
        let set = Arc::clone(self.set());
        let ours = deciding_policies(&explanation, &set);
        let attribution = (!hubble.is_empty() && connection.exchange == Exchange::Request)
            .then(|| hubble.iter().all(|theirs| ours.iter().any(|own| theirs.is(own))));
        let dependences = if explanation.decision.cause == Cause::Unresolvable {
            Vec::new()
        } else {
            self.dependences(access)
        };
        let is_entry = self.is_default_an_entry(&connection.subject, connection.direction);
        let agreement =
            agreement(&observed, &explanation.decision, verdict, l7.is_some(), is_entry);
        let changed = self.changed((&connection.subject, &connection.peer), connection.direction);
        let lookup = match flow.l7.as_ref().and_then(|l7| l7.record.as_ref()) {
            Some(L7Record::Dns(dns)) if verdict == Verdict::Denied => SearchLists::of_rules(
                self.set(),
            )
            .lookup(&dns.query, &connection.subject, self.set()),
            _ => None,
        };
        let (agreement, later) = compared(changed, agreement, flow.time.map(unix_time));
        Ok(Judgement {
            connection,
            observed,
            explanation,
            l7,
            verdict,
            agreement,
            lookup,
            later,
            is_undated: changed.is_open,
            hubble,
            ours,
            attribution,
            dependences,
        })
    }

    fn summarize(
        &self,
        [(subject, subject_id), (peer, peer_id)]: [(&Identity, ClassId); 2],
        shape: Shape,
        observed: &Observed,
        request: Option<&RecordedRequest>,
    ) -> Summary {
        let (direction, traffic) = (shape.direction, shape.traffic);
        let destination = match direction {
            Direction::Ingress => subject,
            Direction::Egress => peer,
        };
        let of_documents = self.named_ports(destination, direction);
        let named = of_documents.as_deref().map_or(NamedPorts::Unknown, NamedPorts::Known);
        let classes = Access::new(subject_id, peer_id, direction, traffic);
        let decision = self.decide(classes.with_named_ports(named));
        let l7 = request.filter(|_| decision.is_redirect).map(|request| {
            let access = Access::new(subject, peer, direction, traffic);
            self.explain_l7(access.with_named_ports(named), request.as_request())
        });
        let verdict = l7.map_or(decision.verdict, |l7| l7.verdict);
        let is_entry =
            decision.cause == Cause::DefaultDeny && self.is_default_an_entry(subject, direction);
        let agreement = agreement(observed, &decision, verdict, request.is_some(), is_entry);
        Summary { verdict, decision, agreement, proof: observed.proof }
    }
}

/// A request as its record has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum RecordedRequest {
    Dns { name: String },
    Http { method: String, path: String, host: Option<String>, headers: Vec<(String, String)> },
}

impl RecordedRequest {
    fn as_request(&self) -> Request<'_> {
        match self {
            Self::Dns { name } => Request::Dns { name },
            Self::Http { method, path, host, headers } => {
                Request::Http { method, path, host: host.as_deref(), headers }
            }
        }
    }
}

/// Whether a recorded request is known to match a rule.
pub(crate) fn meets(flow: &Flow, rule: &cilium_policy::HttpRule) -> bool {
    request(flow).is_some_and(|request| rule.is_met_by(request.as_request()))
}

fn request(flow: &Flow) -> Option<RecordedRequest> {
    let l7 = flow.l7.as_ref()?;
    match l7.record.as_ref()? {
        L7Record::Dns(dns) => Some(RecordedRequest::Dns { name: dns.query.clone() }),
        L7Record::Http(http) => {
            // `scheme://authority/path?query`; without a scheme the text is a path.
            let (host, path) = match http.url.split_once("://") {
                None => (None, http.url.clone()),
                Some((_, rest)) => match rest.find(['/', '?']) {
                    Some(at) => {
                        let (host, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
                        (Some(host), path.to_owned())
                    }
                    None => (Some(rest), "/".to_owned()),
                },
            };
            // Hubble adds `user:password@`; the proxy did not see it.
            let host = host.map(|host| host.rsplit_once('@').map_or(host, |(_, host)| host));
            // Responses carry their request's method and URL, but not its headers.
            let headers = match l7.l7_type {
                L7FlowType::Response => Vec::new(),
                _ => http.headers.iter().map(|h| (h.key.clone(), h.value.clone())).collect(),
            };
            Some(RecordedRequest::Http {
                method: http.method.clone(),
                path,
                host: host.map(str::to_owned),
                headers,
            })
        }
        L7Record::Kafka(_) => None,
    }
}

/// A record's time in the form of the policies' dates.
#[must_use]
pub fn unix_time(time: Timestamp) -> UnixTime {
    UnixTime::new(time.seconds(), time.nanos())
}

/// Comparison of a record with policies that may be newer than the record, and the time of the
/// change that makes them so. A record that proves nothing is not compared.
fn compared(
    changed: Changed,
    agreement: Agreement,
    time: Option<UnixTime>,
) -> (Agreement, Option<UnixTime>) {
    let later = match (agreement, time) {
        (Agreement::Agrees | Agreement::Differs, Some(time)) => {
            changed.after(time, agreement == Agreement::Differs)
        }
        _ => None,
    };
    (if later.is_some() { Agreement::Later } else { agreement }, later)
}

/// A judgement with the record's time taken into account.
fn at_time(changed: Changed, summary: Summary, time: Option<UnixTime>) -> Summary {
    if changed == Changed::default() {
        return summary;
    }
    Summary { agreement: compared(changed, summary.agreement, time).0, ..summary }
}

fn agreement(
    observed: &Observed,
    decision: &Decision,
    verdict: Verdict,
    is_l7: bool,
    is_default_an_entry: bool,
) -> Agreement {
    let expected = match observed.proof {
        Proof::Allowed | Proof::Redirected => Verdict::Allowed,
        Proof::Denied | Proof::DeniedByRule | Proof::DeniedByDefault => Verdict::Denied,
        Proof::Nothing => return Agreement::CannotTell,
    };
    // A verdict at L4 does not show what the proxy did then, and vice versa.
    let computed = if is_l7 { verdict } else { decision.verdict };
    match (computed, expected) {
        (Verdict::CannotTell, _) => Agreement::CannotTell,
        // The record proves that its agent has other settings.
        (Verdict::Allowed, Verdict::Denied) if decision.cause == Cause::EnforcementOff => {
            Agreement::CannotTell
        }
        (Verdict::Denied, Verdict::Allowed) if observed.is_audited => Agreement::CannotTell,
        (computed, expected) if computed != expected => Agreement::Differs,
        _ => match (observed.proof, decision.cause) {
            (Proof::DeniedByDefault, Cause::Entry(_)) => Agreement::Differs,
            (Proof::DeniedByDefault, Cause::DefaultDeny) if is_default_an_entry => {
                Agreement::Differs
            }
            (Proof::DeniedByRule, Cause::DefaultDeny) if !is_default_an_entry => Agreement::Differs,
            (Proof::Redirected, _) if !decision.is_redirect => Agreement::Differs,
            (Proof::Allowed, _) if observed.is_verdict && decision.is_redirect && !is_l7 => {
                Agreement::Differs
            }
            _ => Agreement::Agrees,
        },
    }
}

fn hubble_names(flow: &Flow, direction: Direction) -> Vec<PolicyLabel> {
    let (allowed, denied) = shape::deciding_policies(flow, direction);
    let mut names: Vec<PolicyLabel> = allowed
        .iter()
        .chain(denied)
        .map(|policy| PolicyLabel {
            kind: policy.kind.clone(),
            namespace: policy.namespace.clone(),
            name: policy.name.clone(),
        })
        .collect();
    cilium_policy::sorted::sort(&mut names);
    names.dedup();
    names
}

fn deciding_policies(explanation: &Explanation, set: &PolicySet) -> Vec<PolicyName> {
    let mut names: Vec<PolicyName> = explanation
        .deciding
        .iter()
        .filter_map(|rule| set.policy_of(rule.entry))
        .map(|policy| policy.name.clone())
        .collect();
    cilium_policy::sorted::sort(&mut names);
    names.dedup();
    names
}

impl PolicyLabel {
    fn is(&self, name: &PolicyName) -> bool {
        name.is_named(&self.name)
            && (self.namespace.is_empty() || self.namespace == name.namespace)
            && (self.kind.is_empty() || self.kind == name.kind.name())
    }
}

impl std::fmt::Display for PolicyLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

impl Agreement {
    /// Name of the comparison: `agrees`, `differs`, `judged by later policies`, `cannot tell`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Later => "judged by later policies",
            Self::CannotTell => "cannot tell",
        }
    }
}
