//! Answers to the question whether a source may reach a destination, for connections that no flow
//! shows yet. Step by step: the lookup of the name, the source's egress, the destination's ingress.

mod directory;
mod objects;
mod target;
#[cfg(test)]
mod tests;

use cilium_policy::{Cause, Direction, Judge, NamedPorts, Settings, SourceText, Traffic, Verdict};
use flow::{
    CiliumEventType, Dns, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4, Layer7,
    MessageType, Sctp, Tcp, TrafficDirection, Udp,
};

use crate::{
    Judgement, Learned, Suggestion,
    lookup::{Lookup, SearchLists},
    recorded::JudgeRecords,
    suggest,
};
use directory::{Candidate, LookupName};

pub use directory::{AskError, Directory};
pub(crate) use directory::{is_private, namespace_of};
pub use target::{Target, TargetError};

/// A question about one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The source, which opens the connection.
    pub from: Target,
    /// Labels of the source, as `app=order-service`. Empty: the labels in flows and documents.
    pub from_labels: Vec<String>,
    /// The destination.
    pub to: Target,
    /// Labels of the destination.
    pub to_labels: Vec<String>,
    /// Protocol and port that the source dials.
    pub traffic: Traffic,
    /// Method and path of an HTTP request; `None` leaves HTTP rules out of the question.
    pub request: Option<(String, String)>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The verdict of all paths; cannot tell where they differ, because the verdict then depends on
    /// the pod.
    pub verdict: Verdict,
    /// The paths, one for each kind of source and destination that the names mean. Paths with the
    /// same answers are merged into one.
    pub paths: Vec<AnswerPath>,
    /// Assumptions, and facts that are not known.
    pub notes: Vec<String>,
}

/// The way from one source to one destination.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerPath {
    /// Name of the source.
    pub source: String,
    /// Name of the destination.
    pub destination: String,
    /// Whether source or destination is the world itself rather than one of its addresses.
    pub is_worldwide: bool,
    /// Protocol and port that policy decides by: behind a Service, the port of its pods.
    pub traffic: Traffic,
    /// Steps, in the order in which a connection takes them.
    pub steps: Vec<AnswerStep>,
}

/// One step of a connection, with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerStep {
    /// Kind of the step.
    pub kind: StepKind,
    /// The name that the step looks up, or the request; else empty.
    pub about: String,
    /// The policies' verdict with its reasons.
    pub judgement: Judgement,
    /// Policies without a namespace that would select this pod if they were in its namespace, so
    /// that the step might go another way. `None`: there are no such policies.
    pub unplaced: Option<String>,
    /// The record that such traffic would leave.
    pub flow: Flow,
}

/// Kinds of steps of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// The lookup of the name: the source's egress to the resolver, and the queried name.
    Lookup,
    /// The resolver's ingress.
    Resolver,
    /// The source's egress.
    Egress,
    /// The destination's ingress.
    Ingress,
}

/// Answer to a question. Errors: a name without a namespace exists in several namespaces.
pub fn ask(judge: &Judge, directory: &Directory, question: &Question) -> Result<Answer, AskError> {
    let Question { from, from_labels, to, to_labels, traffic, request } = question;
    let sources = directory.find(from, from_labels, None, None)?;
    if to.is_loopback() {
        let note = format!("`{to}` is loopback, which never leaves the pod: no policy decides");
        let path = AnswerPath {
            source: sources.shown,
            destination: to.to_string(),
            traffic: *traffic,
            is_worldwide: false,
            steps: Vec::new(),
        };
        return Ok(Answer { verdict: path.verdict(), paths: vec![path], notes: vec![note] });
    }
    let near = Some(sources.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let destinations = directory.find(to, to_labels, near, Some(*traffic))?;
    let mut answer =
        Answer { verdict: Verdict::CannotTell, paths: Vec::new(), notes: sources.notes };
    answer.notes.extend(destinations.notes);
    for source in &sources.candidates {
        for destination in &destinations.candidates {
            let mut path_judge = PathJudge {
                judge,
                directory,
                source,
                destination,
                request: request.as_ref(),
                // A name may stand for several pods, so the destination may be another pod than the
                // source.
                is_itself: matches!(to, Target::Address(_))
                    && source.is_subject()
                    && source.address == destination.address
                    && !source.address.is_empty(),
                notes: Vec::new(),
            };
            let traffic = destination.traffic.unwrap_or(*traffic);
            let (steps, notes) = path_judge.steps(destinations.lookup.as_ref(), traffic);
            for note in notes {
                if !answer.notes.contains(&note) {
                    answer.notes.push(note);
                }
            }
            let path = AnswerPath {
                source: sources.shown.clone(),
                destination: destinations.shown.clone(),
                is_worldwide: from.is_world() || to.is_world(),
                traffic,
                steps,
            };
            if !answer.paths.iter().any(|own| own.has_same_answers(&path, judge)) {
                answer.paths.push(path);
            }
        }
    }
    let first = answer.paths.first().map_or(Verdict::CannotTell, AnswerPath::verdict);
    if answer.paths.iter().all(|path| path.verdict() == first) {
        answer.verdict = first;
    } else {
        answer
            .notes
            .push("the verdict depends on the pod: the pods differ in their labels".to_owned());
    }
    Ok(answer)
}

/// Steps of a connection whose name is resolved already, to every destination that it may lead to.
pub(crate) fn connect(
    judge: &Judge,
    directory: &Directory,
    (endpoint, address): (&Endpoint, &str),
    to: &Target,
    traffic: Traffic,
) -> Vec<AnswerStep> {
    let source = Candidate::of(endpoint.clone(), address.to_owned());
    let near = Some(directory::namespace_of(&source.endpoint)).filter(|own| !own.is_empty());
    let Ok(found) = directory.find(to, &[], near, Some(traffic)) else { return Vec::new() };
    let mut steps = Vec::new();
    for destination in &found.candidates {
        let mut path_judge = PathJudge {
            judge,
            directory,
            source: &source,
            destination,
            request: None,
            is_itself: false,
            notes: Vec::new(),
        };
        let names = found.lookup.as_ref().map(LookupName::names).unwrap_or_default();
        path_judge.connect(&names, destination.traffic.unwrap_or(traffic), &mut steps);
    }
    steps
}

/// Judgement of the steps from one source to one destination.
struct PathJudge<'a> {
    judge: &'a Judge,
    directory: &'a Directory,
    source: &'a Candidate,
    destination: &'a Candidate,
    request: Option<&'a (String, String)>,
    /// Whether the destination is the source itself.
    is_itself: bool,
    /// Further notes for the answer.
    notes: Vec<String>,
}

impl PathJudge<'_> {
    fn steps(
        &mut self,
        lookup: Option<&LookupName>,
        traffic: Traffic,
    ) -> (Vec<AnswerStep>, Vec<String>) {
        let (mut steps, mut notes) = (Vec::new(), Vec::new());
        let source = self.source;
        let mut names = Vec::new();
        if let Some(asked) = lookup.filter(|_| source.is_subject()) {
            let (resolver, is_assumed) = self.directory.resolver();
            notes.extend(self.look_up(asked, &resolver, &mut steps));
            let depends = steps.iter().any(AnswerStep::depends_on_peer);
            if is_assumed && depends {
                notes.push(directory::ASSUMED_RESOLVER.to_owned());
            }
            let flow = record(source, &resolver, Direction::Ingress, Traffic::new(17, 53), None);
            let mut ingress = Vec::new();
            if resolver.is_subject() {
                self.judge(StepKind::Resolver, "", flow, &resolver, &mut ingress);
            }
            // Few clusters have policies about their resolver.
            steps.extend(ingress.into_iter().filter(AnswerStep::depends_on_peer));
            // A name that the proxy does not see is not learned for the address.
            let is_seen = |step: &AnswerStep| {
                step.kind == StepKind::Lookup
                    && (step.judgement.verdict != Verdict::Allowed
                        || step.judgement.explanation.decision.is_redirect)
            };
            if steps.iter().any(is_seen) {
                names = asked.names();
            }
        }
        if self.is_itself {
            notes.push("policy does not decide about a pod's connection to itself".to_owned());
        } else {
            self.connect(&names, traffic, &mut steps);
        }
        notes.append(&mut self.notes);
        (steps, notes)
    }

    /// Adds every query of a lookup as a step. Returns the assumptions that were made.
    fn look_up(
        &mut self,
        asked: &LookupName,
        resolver: &Candidate,
        steps: &mut Vec<AnswerStep>,
    ) -> Vec<String> {
        // A node has a search list of its own.
        let is_node = self.source.endpoint.labels.iter().any(|own| own.starts_with("reserved:"));
        let namespace = if is_node { "" } else { directory::namespace_of(&self.source.endpoint) };
        let lists = SearchLists::of_rules(self.judge.set()).with(&self.directory.lists);
        for query in lists.way(&asked.written, &asked.full, namespace) {
            let record_of = |name: &str| {
                Some(L7Record::Dns(Dns { query: format!("{name}."), ..Dns::default() }))
            };
            let l7 = Layer7 {
                l7_type: L7FlowType::Request,
                record: record_of(&query.name),
                ..Layer7::default()
            };
            let flow =
                record(self.source, resolver, Direction::Egress, Traffic::new(17, 53), Some(l7));
            let before = steps.len();
            self.judge(StepKind::Lookup, &query.shown, flow, resolver, steps);
            if let Some(step) = steps.get_mut(before).filter(|_| query.name != asked.full) {
                let is_denied = step.judgement.verdict == Verdict::Denied;
                step.judgement.lookup = is_denied.then(|| Lookup::of(&asked.written, namespace));
            }
        }
        let mut notes = Vec::new();
        if let [extended @ .., itself] = steps.as_slice() {
            let not_allowed = |step: &AnswerStep| step.judgement.verdict != Verdict::Allowed;
            let is_proxied = |step: &AnswerStep| step.judgement.explanation.decision.is_redirect;
            if extended.iter().any(|step| not_allowed(step) && is_proxied(step)) {
                notes.push(format!(
                    "the search list is assumed to be {}, with `ndots:5`, as Kubernetes writes it",
                    lists.written(namespace)
                ));
            }
            if extended.iter().any(not_allowed) && !not_allowed(itself) {
                notes.push(format!(
                    "the answer is that for musl (Alpine), whose lookup ends with the first refusal; glibc goes on to `{}`, which passes",
                    asked.full
                ));
            }
        }
        notes
    }

    /// Adds egress and ingress, where `names` led to the destination's address.
    fn connect(&mut self, names: &[String], traffic: Traffic, steps: &mut Vec<AnswerStep>) {
        let (source, destination) = (self.source, self.destination);
        for (kind, direction, subject) in [
            (StepKind::Egress, Direction::Egress, source),
            (StepKind::Ingress, Direction::Ingress, destination),
        ] {
            if !subject.is_subject() {
                continue;
            }
            let (l7, about) = match self.request {
                Some((method, path)) => (Some(http(method, path)), format!("{method} {path}")),
                None => (None, String::new()),
            };
            let mut flow = record(source, destination, direction, traffic, l7);
            flow.destination_names = names.to_vec();
            let before = steps.len();
            self.judge(kind, &about, flow, destination, steps);
            if let Some(AnswerStep { judgement, .. }) = steps.get(before)
                && judgement.explanation.decision.is_redirect
                && judgement.verdict == Verdict::Allowed
                && self.request.is_none()
            {
                self.notes.push(format!(
                    "on {}, the proxy checks each request by its rules: ask with a request for its verdict",
                    direction.name()
                ));
            }
        }
    }

    fn judge(
        &mut self,
        kind: StepKind,
        about: &str,
        flow: Flow,
        destination: &Candidate,
        steps: &mut Vec<AnswerStep>,
    ) {
        let nothing = Learned::default();
        // For a name that was looked up, only the names that the lookup yields count.
        let learned = if about.is_empty() && !flow.destination_names.is_empty() {
            &nothing
        } else {
            &self.directory.learned
        };
        let named = destination.ports.as_deref().map_or(NamedPorts::Unknown, NamedPorts::Known);
        match self.judge.explain_record(&flow, learned, named) {
            Ok(judgement) => {
                let unplaced = judgement.unplaced(self.judge.set());
                steps.push(AnswerStep { kind, about: about.to_owned(), judgement, unplaced, flow });
            }
            Err(err) => self.notes.push(err.to_string()),
        }
    }
}

/// The record that the first packet of such a connection would leave.
fn record(
    source: &Candidate,
    destination: &Candidate,
    direction: Direction,
    Traffic { protocol, port, .. }: Traffic,
    l7: Option<Layer7>,
) -> Flow {
    let message_type = if l7.is_some() { MessageType::L7 } else { MessageType::PolicyVerdict };
    Flow {
        event_type: Some(CiliumEventType { message_type, sub_type: 0 }),
        traffic_direction: match direction {
            Direction::Ingress => TrafficDirection::Ingress,
            Direction::Egress => TrafficDirection::Egress,
        },
        is_reply: Some(false),
        ip: Some(Ip {
            source: source.address.clone(),
            destination: destination.address.clone(),
            ..Ip::default()
        }),
        l4: Some(match protocol {
            17 => Layer4::Udp(Udp { destination_port: port, ..Udp::default() }),
            132 => Layer4::Sctp(Sctp { destination_port: port, ..Sctp::default() }),
            _ => Layer4::Tcp(Tcp { destination_port: port, ..Tcp::default() }),
        }),
        l7,
        destination_service: destination.service.clone(),
        source: Some(source.endpoint.clone()),
        destination: Some(destination.endpoint.clone()),
        ..Flow::default()
    }
}

fn http(method: &str, path: &str) -> Layer7 {
    Layer7 {
        l7_type: L7FlowType::Request,
        record: Some(L7Record::Http(Http {
            method: method.to_owned(),
            url: path.to_owned(),
            ..Http::default()
        })),
        ..Layer7::default()
    }
}

impl Answer {
    /// The smallest additions that open every closed step of every path, all queries of a lookup
    /// included. `flows`: other flows, so that the answer lists those that would pass too.
    #[must_use]
    pub fn suggest(
        &self,
        texts: &[SourceText<'_>],
        settings: &Settings,
        flows: &[Flow],
    ) -> Suggestion {
        let steps = || self.paths.iter().flat_map(|path| &path.steps);
        let all: Vec<Flow> =
            steps().map(|step| step.flow.clone()).chain(flows.iter().cloned()).collect();
        let wanted: Vec<usize> = (0..steps().count()).collect();
        let is_worldwide = self.paths.iter().flat_map(|path| {
            let is_connection = |step: &AnswerStep| {
                path.is_worldwide && matches!(step.kind, StepKind::Egress | StepKind::Ingress)
            };
            path.steps.iter().map(is_connection)
        });
        let worldwide: Vec<usize> =
            is_worldwide.enumerate().filter(|(_, own)| *own).map(|(index, _)| index).collect();
        let lookups = steps().filter_map(|step| step.judgement.lookup.as_ref());
        let mut meant: Vec<&str> = lookups.map(|lookup| lookup.meant.as_str()).collect();
        meant.dedup();
        suggest::by_name(texts, settings, (&all, &wanted, &worldwide), &meant)
    }
}

impl AnswerPath {
    /// Verdict of the path. Cannot tell if policies without a namespace leave a step open; else
    /// denied if any step is denied, cannot tell if any step is unknown, and allowed otherwise.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let has = |verdict| self.steps.iter().any(|step| step.judgement.verdict == verdict);
        if self.steps.iter().any(|step| step.unplaced.is_some()) {
            Verdict::CannotTell
        } else if has(Verdict::Denied) {
            Verdict::Denied
        } else if has(Verdict::CannotTell) {
            Verdict::CannotTell
        } else {
            Verdict::Allowed
        }
    }

    /// Sentence for a path with several closed steps: opening only the first one opens nothing.
    #[must_use]
    pub fn alone(&self) -> Option<String> {
        let name = |step: &AnswerStep| match step.kind {
            StepKind::Lookup => {
                let lookup = step.judgement.lookup.as_ref();
                let meant = lookup.map_or(step.about.as_str(), |lookup| &lookup.meant);
                format!("the lookup of {meant}")
            }
            StepKind::Resolver => "the resolver's ingress".to_owned(),
            StepKind::Egress => format!("egress to {} {}", self.destination, self.traffic),
            StepKind::Ingress => format!("ingress of {} {}", self.destination, self.traffic),
        };
        let is_shut = |step: &&AnswerStep| step.judgement.verdict == Verdict::Denied;
        let mut shut: Vec<String> = Vec::new();
        for name in self.steps.iter().filter(is_shut).map(name) {
            // The queries of one lookup count as one closed step.
            if !shut.contains(&name) {
                shut.push(name);
            }
        }
        match shut.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let stay = if rest.len() == 1 { "stays" } else { "stay" };
                Some(format!(
                    "a fix for {first} alone opens nothing: {} {stay} denied",
                    rest.join(" and ")
                ))
            }
            _ => None,
        }
    }

    fn has_same_answers(&self, other: &Self, judge: &Judge) -> bool {
        let answers = |path: &Self| -> Vec<(StepKind, Verdict, String)> {
            let of_step = |step: &AnswerStep| {
                (step.kind, step.judgement.verdict, step.judgement.sentence(judge.set()))
            };
            path.steps.iter().map(of_step).collect()
        };
        self.traffic == other.traffic && answers(self) == answers(other)
    }
}

impl AnswerStep {
    /// Whether a policy selects the subject, so that the verdict depends on the peer.
    fn depends_on_peer(&self) -> bool {
        !matches!(
            self.judgement.explanation.decision.cause,
            Cause::NotSelected | Cause::EnforcementOff
        )
    }
}

impl StepKind {
    /// Name of the kind: `DNS`, `DNS server's ingress`, `egress`, `ingress`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lookup => "DNS",
            Self::Resolver => "DNS server's ingress",
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}
