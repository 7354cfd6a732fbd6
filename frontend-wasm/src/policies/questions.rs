//! Questions without flows: whether one identity could reach another.

use cilium_policy::{
    Access, Cause, ClassId, Decision, Direction, Identity, Label, NamedPorts, Traffic, Verdict,
};
use hashbrown::HashMap;

use super::policy_files::PolicyFiles;

/// Questions about directions of connections, in columns.
#[derive(Debug)]
pub(crate) struct Questions {
    identities: Vec<Identity>,
    asked: Vec<Question>,
    /// Named ports of destinations.
    named: Vec<Vec<(String, u8, u16)>>,
}

#[derive(Debug, Clone, Copy)]
struct Question {
    subject: u32,
    peer: u32,
    direction: Direction,
    traffic: Traffic,
    named: u32,
}

/// The error of columns that do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("the columns of the questions differ in length, or name what is not there")]
pub(crate) struct InvalidQuestions;

/// The columns of [`Questions`], by question.
#[derive(Debug)]
pub(crate) struct QuestionColumns<'q> {
    pub(crate) subjects: &'q [u32],
    pub(crate) peers: &'q [u32],
    /// Direction: 0 for the subject's ingress, 1 for its egress.
    pub(crate) directions: &'q [u8],
    pub(crate) protocols: &'q [u8],
    pub(crate) ports: &'q [u16],
    /// Index of the destination's named ports.
    pub(crate) named: &'q [u32],
}

/// Decisions, in columns.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Verdict: 0 denied, 1 allowed, 2 cannot tell.
    pub(crate) verdicts: Vec<u8>,
    /// Redirect: 1 if the connection goes to the proxy.
    pub(crate) redirects: Vec<u8>,
    /// Code of the deciding rule or default, in `texts`.
    pub(crate) decided_by: Vec<u32>,
    pub(crate) texts: Vec<String>,
}

impl Questions {
    /// Questions from columns. Identities are lists of labels, one a line; named ports are lines of
    /// `name protocol port`.
    ///
    /// Errors: the columns differ in length, or refer to an identity that does not exist.
    pub(crate) fn new(
        identities: &[String],
        named: &[String],
        is_dual_stack: bool,
        columns: &QuestionColumns<'_>,
    ) -> Result<Self, InvalidQuestions> {
        let QuestionColumns { subjects, peers, directions, protocols, ports, named: port_lists } =
            columns;
        let len = subjects.len();
        let lengths =
            [peers.len(), directions.len(), protocols.len(), ports.len(), port_lists.len()];
        let are_there = |indices: &[u32], len: usize| indices.iter().all(|&i| (i as usize) < len);
        if lengths.iter().any(|other| *other != len)
            || !are_there(subjects, identities.len())
            || !are_there(peers, identities.len())
            || !are_there(port_lists, named.len())
        {
            return Err(InvalidQuestions);
        }
        let asked = subjects
            .iter()
            .zip(*peers)
            .zip(*directions)
            .zip(*protocols)
            .zip(*ports)
            .zip(*port_lists)
            .map(|(((((&subject, &peer), &direction), &protocol), &port), &named)| Question {
                subject,
                peer,
                direction: if direction == 0 { Direction::Ingress } else { Direction::Egress },
                traffic: Traffic::new(protocol, port),
                named,
            })
            .collect();
        let labels = |text: &String| {
            let lines = text.lines().filter(|line| !line.is_empty());
            Identity::of_labels(lines.map(Label::parse), is_dual_stack)
        };
        Ok(Self {
            identities: identities.iter().map(labels).collect(),
            asked,
            named: named.iter().map(|text| text.lines().filter_map(named_port).collect()).collect(),
        })
    }

    /// Decisions on all questions.
    pub(crate) fn answer(&self, policies: &mut PolicyFiles) -> Answers {
        let classes = self.classes(policies);
        let mut answers = Answers::default();
        let mut codes: HashMap<Cause, u32> = HashMap::new();
        for question in &self.asked {
            let decision = self.decide(question, &classes, policies);
            answers.verdicts.push(match decision.verdict {
                Verdict::Denied => 0,
                Verdict::Allowed => 1,
                Verdict::CannotTell => 2,
            });
            answers.redirects.push(u8::from(decision.is_redirect));
            let code = *codes.entry(decision.cause).or_insert_with(|| {
                answers.texts.push(decision.cause.text(policies.set()));
                u32::try_from(answers.texts.len() - 1).unwrap_or(u32::MAX)
            });
            answers.decided_by.push(code);
        }
        answers
    }

    /// Policies of all matching rules with the winning rank, one policy a line, by question.
    pub(crate) fn attribution(&self, policies: &mut PolicyFiles) -> Vec<String> {
        let set = std::sync::Arc::clone(policies.set());
        let deciding = |question: &Question| {
            let subject = self.identities.get(question.subject as usize)?;
            let peer = self.identities.get(question.peer as usize)?;
            let Question { direction, traffic, .. } = *question;
            let access = Access::new(subject, peer, direction, traffic);
            let named = self.named_ports(question);
            let explanation = policies.judge.explain(access.with_named_ports(named));
            Some(match explanation.decision.cause {
                Cause::Entry(_) => explanation
                    .deciding
                    .iter()
                    .filter_map(|rule| Some(set.policy_of(rule.entry)?.name.to_string()))
                    .collect::<Vec<_>>()
                    .join("\n"),
                Cause::DefaultAllow | Cause::NotSelected | Cause::EnforcementOff => {
                    format!("reserved:allow-any-{}", direction.name())
                }
                Cause::AllowLocalhost => format!("reserved:allow-localhost-{}", direction.name()),
                Cause::DefaultDeny => format!("reserved:deny-any-{}", direction.name()),
                Cause::MissingFact | Cause::Unresolvable | Cause::FragmentationNeeded => {
                    String::new()
                }
            })
        };
        self.asked.iter().map(deciding).map(Option::unwrap_or_default).collect()
    }

    fn classes(&self, policies: &mut PolicyFiles) -> Vec<ClassId> {
        self.identities.iter().map(|identity| policies.judge.class(identity)).collect()
    }

    fn decide(
        &self,
        question: &Question,
        classes: &[ClassId],
        policies: &mut PolicyFiles,
    ) -> Decision {
        let class = |index: u32| classes.get(index as usize).copied().unwrap_or(ClassId::UNKNOWN);
        policies.judge.decide(Access {
            subject: class(question.subject),
            peer: class(question.peer),
            direction: question.direction,
            traffic: question.traffic,
            named_ports: self.named_ports(question),
        })
    }

    fn named_ports(&self, question: &Question) -> NamedPorts<'_> {
        NamedPorts::Known(self.named.get(question.named as usize).map_or(&[], Vec::as_slice))
    }
}

fn named_port(line: &str) -> Option<(String, u8, u16)> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
