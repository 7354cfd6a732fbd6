//! May one reach the other? A connection that nobody has tried yet, step by step: the name is
//! looked up, the sender's egress and the receiver's ingress are asked.

mod objects;
mod target;
#[cfg(test)]
mod tests;
mod who;

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
use who::{Asked, Party};

pub use target::{Target, TargetError};
pub use who::{AskError, Directory};
pub(crate) use who::{is_private, namespace_of};

/// A connection that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who opens it.
    pub from: Target,
    /// Labels of the sender, as `app=order-service`; empty: those that flows and documents tell.
    pub from_labels: Vec<String>,
    /// Who is to be reached.
    pub to: Target,
    /// Labels of the receiver.
    pub to_labels: Vec<String>,
    /// Protocol and port, as the sender asks for them.
    pub traffic: Traffic,
    /// Method and path of a request, where rules for HTTP are to be asked.
    pub request: Option<(String, String)>,
}

/// What comes of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The verdict of all paths; cannot tell where they differ, because it depends on the pod.
    pub verdict: Verdict,
    /// One for each kind of sender and receiver that the names mean; those that get the same
    /// answers stand here once.
    pub paths: Vec<Path>,
    /// What was taken for granted, or is not known.
    pub notes: Vec<String>,
}

/// From one sender to one receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The sender.
    pub source: String,
    /// The receiver.
    pub destination: String,
    /// One end is the world itself, not an address of it.
    pub is_worldwide: bool,
    /// What policy is asked about: behind a Service, its pods' port.
    pub traffic: Traffic,
    /// Steps in the order a connection takes them.
    pub steps: Vec<Step>,
}

/// One answer on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which step this is.
    pub kind: StepKind,
    /// The name that is looked up, or the request; else empty.
    pub about: String,
    /// What the policies say.
    pub judgement: Judgement,
    /// Policies that name no namespace, and would be about this pod in its own: with them the step
    /// might go another way. None: there are no such policies.
    pub unplaced: Option<String>,
    /// The record that such traffic would leave.
    pub flow: Flow,
}

/// Steps of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// The name is looked up: the sender's egress to the resolver, and the name.
    Lookup,
    /// The resolver's ingress.
    Resolver,
    /// The sender's egress.
    Egress,
    /// The receiver's ingress.
    Ingress,
}

/// The answer to a question. Errors: a name without a namespace exists in several.
pub fn ask(judge: &Judge, directory: &Directory, question: &Question) -> Result<Answer, AskError> {
    let Question { from, from_labels, to, to_labels, traffic, request } = question;
    let source = directory.find(from, from_labels, None, None)?;
    if to.is_loopback() {
        let note = format!("`{to}` is loopback, which never leaves the pod: no policy is asked");
        let path = Path {
            source: source.shown,
            destination: to.to_string(),
            traffic: *traffic,
            is_worldwide: false,
            steps: Vec::new(),
        };
        return Ok(Answer { verdict: path.verdict(), paths: vec![path], notes: vec![note] });
    }
    let near = Some(source.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let destination = directory.find(to, to_labels, near, Some(*traffic))?;
    let mut answer =
        Answer { verdict: Verdict::CannotTell, paths: Vec::new(), notes: source.notes };
    answer.notes.extend(destination.notes);
    for sender in &source.parties {
        for receiver in &destination.parties {
            let mut asker = Asker {
                judge,
                directory,
                sender,
                receiver,
                request: request.as_ref(),
                // Behind a name there may be others like it.
                is_itself: matches!(to, Target::Address(_))
                    && sender.is_subject()
                    && sender.address == receiver.address
                    && !sender.address.is_empty(),
                notes: Vec::new(),
            };
            let traffic = receiver.traffic.unwrap_or(*traffic);
            let (steps, notes) = asker.steps(destination.lookup.as_ref(), traffic);
            for note in notes {
                if !answer.notes.contains(&note) {
                    answer.notes.push(note);
                }
            }
            let path = Path {
                source: source.shown.clone(),
                destination: destination.shown.clone(),
                is_worldwide: from.is_world() || to.is_world(),
                traffic,
                steps,
            };
            if !answer.paths.iter().any(|own| own.says_the_same(&path, judge)) {
                answer.paths.push(path);
            }
        }
    }
    let first = answer.paths.first().map_or(Verdict::CannotTell, Path::verdict);
    if answer.paths.iter().all(|path| path.verdict() == first) {
        answer.verdict = first;
    } else {
        answer
            .notes
            .push("it depends on which of them it is: they differ in their labels".to_owned());
    }
    Ok(answer)
}

/// The steps of a connection whose name is looked up already, to all that it may lead to.
pub(crate) fn connect(
    judge: &Judge,
    directory: &Directory,
    (sender, address): (&Endpoint, &str),
    to: &Target,
    traffic: Traffic,
) -> Vec<Step> {
    let sender = Party::of(sender.clone(), address.to_owned());
    let near = Some(who::namespace_of(&sender.endpoint)).filter(|own| !own.is_empty());
    let Ok(found) = directory.find(to, &[], near, Some(traffic)) else { return Vec::new() };
    let mut steps = Vec::new();
    for receiver in &found.parties {
        let mut asker = Asker {
            judge,
            directory,
            sender: &sender,
            receiver,
            request: None,
            is_itself: false,
            notes: Vec::new(),
        };
        let names = found.lookup.as_ref().map(Asked::names).unwrap_or_default();
        asker.connect(&names, receiver.traffic.unwrap_or(traffic), &mut steps);
    }
    steps
}

struct Asker<'a> {
    judge: &'a Judge,
    directory: &'a Directory,
    sender: &'a Party,
    receiver: &'a Party,
    request: Option<&'a (String, String)>,
    /// The receiver is the sender.
    is_itself: bool,
    /// What else is to be known.
    notes: Vec<String>,
}

impl Asker<'_> {
    fn steps(&mut self, lookup: Option<&Asked>, traffic: Traffic) -> (Vec<Step>, Vec<String>) {
        let (mut steps, mut notes) = (Vec::new(), Vec::new());
        let sender = self.sender;
        let mut names = Vec::new();
        if let Some(asked) = lookup.filter(|_| sender.is_subject()) {
            let (resolver, is_assumed) = self.directory.resolver();
            notes.extend(self.look_up(asked, &resolver, &mut steps));
            let depends = steps.iter().any(Step::depends_on_peer);
            if is_assumed && depends {
                notes.push(who::ASSUMED_RESOLVER.to_owned());
            }
            let flow = record(sender, &resolver, Direction::Ingress, Traffic::new(17, 53), None);
            let mut ingress = Vec::new();
            if resolver.is_subject() {
                self.judge(StepKind::Resolver, "", flow, &resolver, &mut ingress);
            }
            // Few have policies about their resolver.
            steps.extend(ingress.into_iter().filter(Step::depends_on_peer));
            // What the proxy does not see leaves no name at the address.
            let is_seen = |step: &Step| {
                step.kind == StepKind::Lookup
                    && (step.judgement.verdict != Verdict::Allowed
                        || step.judgement.explanation.decision.is_redirect)
            };
            if steps.iter().any(is_seen) {
                names = asked.names();
            }
        }
        if self.is_itself {
            notes.push("policy is not asked about a pod's way to itself".to_owned());
        } else {
            self.connect(&names, traffic, &mut steps);
        }
        notes.append(&mut self.notes);
        (steps, notes)
    }

    /// Every query of a lookup. Gives what was taken for granted.
    fn look_up(&mut self, asked: &Asked, resolver: &Party, steps: &mut Vec<Step>) -> Vec<String> {
        // The search list of a node is its own.
        let is_node = self.sender.endpoint.labels.iter().any(|own| own.starts_with("reserved:"));
        let namespace = if is_node { "" } else { who::namespace_of(&self.sender.endpoint) };
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
                record(self.sender, resolver, Direction::Egress, Traffic::new(17, 53), Some(l7));
            let before = steps.len();
            self.judge(StepKind::Lookup, &query.shown, flow, resolver, steps);
            if let Some(step) = steps.get_mut(before).filter(|_| query.name != asked.full) {
                let is_denied = step.judgement.verdict == Verdict::Denied;
                step.judgement.lookup = is_denied.then(|| Lookup::of(&asked.written, namespace));
            }
        }
        let mut notes = Vec::new();
        if let [extended @ .., itself] = steps.as_slice() {
            let not_allowed = |step: &Step| step.judgement.verdict != Verdict::Allowed;
            let is_proxied = |step: &Step| step.judgement.explanation.decision.is_redirect;
            if extended.iter().any(|step| not_allowed(step) && is_proxied(step)) {
                notes.push(format!(
                    "the search list is taken to be {}, with `ndots:5`, as Kubernetes writes it",
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

    /// Egress and ingress, where `names` have led to the receiver's address.
    fn connect(&mut self, names: &[String], traffic: Traffic, steps: &mut Vec<Step>) {
        let (sender, receiver) = (self.sender, self.receiver);
        for (kind, direction, subject) in [
            (StepKind::Egress, Direction::Egress, sender),
            (StepKind::Ingress, Direction::Ingress, receiver),
        ] {
            if !subject.is_subject() {
                continue;
            }
            let (l7, about) = match self.request {
                Some((method, path)) => (Some(http(method, path)), format!("{method} {path}")),
                None => (None, String::new()),
            };
            let mut flow = record(sender, receiver, direction, traffic, l7);
            flow.destination_names = names.to_vec();
            let before = steps.len();
            self.judge(kind, &about, flow, receiver, steps);
            if let Some(Step { judgement, .. }) = steps.get(before)
                && judgement.explanation.decision.is_redirect
                && judgement.verdict == Verdict::Allowed
                && self.request.is_none()
            {
                self.notes.push(format!(
                    "on {}, the proxy lets pass what its rules allow: whether a request does is another question",
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
        receiver: &Party,
        steps: &mut Vec<Step>,
    ) {
        let nothing = Learned::default();
        // A name that is looked up counts as it comes out of that.
        let learned = if about.is_empty() && !flow.destination_names.is_empty() {
            &nothing
        } else {
            &self.directory.learned
        };
        let named = receiver.ports.as_deref().map_or(NamedPorts::Unknown, NamedPorts::Known);
        match self.judge.explain_record(&flow, learned, named) {
            Ok(judgement) => {
                let unplaced = judgement.unplaced(self.judge.set());
                steps.push(Step { kind, about: about.to_owned(), judgement, unplaced, flow });
            }
            Err(err) => self.notes.push(err.to_string()),
        }
    }
}

/// The record that the first packet of such a connection would leave.
fn record(
    sender: &Party,
    receiver: &Party,
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
            source: sender.address.clone(),
            destination: receiver.address.clone(),
            ..Ip::default()
        }),
        l4: Some(match protocol {
            17 => Layer4::Udp(Udp { destination_port: port, ..Udp::default() }),
            132 => Layer4::Sctp(Sctp { destination_port: port, ..Sctp::default() }),
            _ => Layer4::Tcp(Tcp { destination_port: port, ..Tcp::default() }),
        }),
        l7,
        destination_service: receiver.service.clone(),
        source: Some(sender.endpoint.clone()),
        destination: Some(receiver.endpoint.clone()),
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
    /// The smallest additions that open every step that is shut, of every path; a lookup with all of
    /// its queries. `flows`: what else must not be let through unseen.
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
            let is_connection = |step: &Step| {
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

impl Path {
    /// Cannot tell if policies without a namespace leave a step open; else denied if any step is
    /// denied, cannot tell if any is unknown, and allowed otherwise.
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

    /// Where more than one step is shut, what a fix for the first opens by itself: nothing.
    #[must_use]
    pub fn alone(&self) -> Option<String> {
        let name = |step: &Step| match step.kind {
            StepKind::Lookup => {
                let lookup = step.judgement.lookup.as_ref();
                let meant = lookup.map_or(step.about.as_str(), |lookup| &lookup.meant);
                format!("the lookup of {meant}")
            }
            StepKind::Resolver => "the resolver's ingress".to_owned(),
            StepKind::Egress => format!("egress to {} {}", self.destination, self.traffic),
            StepKind::Ingress => format!("ingress of {} {}", self.destination, self.traffic),
        };
        let is_shut = |step: &&Step| step.judgement.verdict == Verdict::Denied;
        let mut shut: Vec<String> = Vec::new();
        for name in self.steps.iter().filter(is_shut).map(name) {
            // The queries of a lookup are one thing to open.
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

    fn says_the_same(&self, other: &Self, judge: &Judge) -> bool {
        let said = |path: &Self| -> Vec<(StepKind, Verdict, String)> {
            let of_step = |step: &Step| {
                (step.kind, step.judgement.verdict, step.judgement.sentence(judge.set()))
            };
            path.steps.iter().map(of_step).collect()
        };
        self.traffic == other.traffic && said(self) == said(other)
    }
}

impl Step {
    /// Whether a policy is about it, so that the answer depends on who the other side is.
    fn depends_on_peer(&self) -> bool {
        !matches!(
            self.judgement.explanation.decision.cause,
            Cause::NotSelected | Cause::EnforcementOff
        )
    }
}

impl StepKind {
    /// `DNS`, `DNS server's ingress`, `egress`, `ingress`.
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
