//! `hubble-verdict`: recorded flows against network policies.
//!
//! Exit codes: [`Outcome`], and 2 for input that cannot be read.

mod arguments;
mod ask;
mod bytes;
mod counts;
mod deciding;
mod diff;
mod groups;
mod input;
mod json;
mod logged;
mod records;
mod shared_options;
mod text;

use std::{io::Write, process::ExitCode};

use cilium_policy::{Dates, Finding, Judge, Policy, PolicySet, WhatIf};
use clap::Parser;
use flow::Flow;
use hubble_verdict::{Agreement, Review, Suggestion};
use logged::Logged;

use arguments::{Arguments, Command, FailOn};
use groups::{FlowGroup, Tally};
use input::{InputError, InputFile};
use shared_options::{Input, Output};

/// All contents of the printed report.
pub(crate) struct Report<'r> {
    pub(crate) files: &'r [InputFile],
    pub(crate) set: &'r PolicySet,
    /// The records of the input.
    pub(crate) flows: &'r [Flow],
    pub(crate) groups: Vec<FlowGroup>,
    pub(crate) tally: Tally,
    pub(crate) findings: Option<Vec<Finding>>,
    pub(crate) what_if: Option<WhatIf>,
    pub(crate) suggestion: Option<Suggestion>,
    pub(crate) logged: Option<Logged>,
    pub(crate) notices: Vec<String>,
    pub(crate) outcome: Outcome,
    /// The least severity of a finding that fails the command.
    pub(crate) fail_on: FailOn,
}

impl Report<'_> {
    /// Number of policies, without those that a later document replaces.
    pub(crate) fn in_force(&self) -> usize {
        let replaced = self.set.documents().replacements().count();
        self.set.policies().len().saturating_sub(replaced)
    }

    /// Number of flows that the records at these indices stand for.
    pub(crate) fn stand_for(&self, indices: &[usize]) -> u64 {
        indices.iter().filter_map(|index| self.flows.get(*index)).map(Flow::stands_for).sum()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Ask(question)) = &arguments.command {
        return match ask::run(question) {
            Ok(code) => ExitCode::from(code),
            Err(err) => failed(&err, question.output),
        };
    }
    match run(&arguments) {
        Ok(outcome) => ExitCode::from(outcome as u8),
        Err(err) => failed(&err, arguments.output),
    }
}

/// Prints the reason why there is no answer.
fn failed(err: &dyn std::error::Error, output: Output) -> ExitCode {
    let reason = input::sentence(err);
    eprintln!("hubble-verdict: {reason}");
    if output == Output::Json {
        // A failure to write this leaves the reason on standard error.
        let _ = writeln!(std::io::stdout(), "{:#}", json::failed(&reason));
    }
    ExitCode::from(2)
}

/// Result of the command as its exit code; where several apply, the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A policy is refused, or its kind or version is unknown: the set is incomplete.
    Refused = 3,
    /// Flows differ from the policies.
    Differs = 1,
    /// Findings of the severity that fails the command, or above.
    Findings = 4,
    /// None of these.
    Agrees = 0,
}

impl Outcome {
    /// The outcome of a run. `is_whole`: no policy is refused, those of `--what-if` included.
    fn of(
        is_whole: bool,
        groups: &[FlowGroup],
        findings: Option<&[Finding]>,
        fail_on: FailOn,
    ) -> Self {
        let is_error = |finding: &Finding| fail_on.is_met(finding.severity());
        if !is_whole {
            Self::Refused
        } else if groups.iter().any(|group| group.key.agreement == Agreement::Differs) {
            Self::Differs
        } else if findings.is_some_and(|findings| findings.iter().any(is_error)) {
            Self::Findings
        } else {
            Self::Agrees
        }
    }

    /// The reason for the exit code.
    pub(crate) const fn sentence(self, fail_on: FailOn) -> &'static str {
        match self {
            Self::Refused => "a policy is refused, or its kind or version unknown",
            Self::Differs => "flows differ from the policies",
            Self::Findings => fail_on.sentence(),
            Self::Agrees => "nothing is amiss",
        }
    }
}

fn refuses(set: &PolicySet) -> bool {
    set.refused().iter().any(|refused| refused.refusal.class.is_error())
}

/// Notices on policy names: names that occur more than once, and names that a server generates.
pub(crate) fn names(set: &PolicySet, files: &[InputFile]) -> Vec<String> {
    let file = |policy: &Policy| files.get(policy.source).map_or("", |file| file.name.as_str());
    let mut last: Vec<&Policy> = Vec::new();
    for (earlier, by) in set.documents().replacements() {
        match last.iter_mut().find(|own| std::ptr::eq(**own, earlier)) {
            Some(own) => *own = by,
            None => last.push(by),
        }
    }
    let mut notices = Vec::new();
    if let Some(policy) = last.first() {
        let more = match last.len() - 1 {
            0 => String::new(),
            more => format!("; the same applies to {more} more"),
        };
        notices.push(format!(
            "{} occurs more than once: the last one counts, here that of {}:{}{more}",
            policy.name,
            file(policy),
            policy.at.line
        ));
    }
    let mut generated = set.policies().iter().filter(|policy| policy.is_generated);
    if let Some(policy) = generated.next() {
        let more = match generated.count() {
            0 => String::new(),
            more => format!("; the same applies to {more} more"),
        };
        notices.push(format!(
            "{} ({}:{}) has `generateName` in place of a name: `kubectl create` makes a new policy each time, `kubectl apply` refuses it{more}",
            policy.name,
            file(policy),
            policy.at.line
        ));
    }
    notices
}

/// A notice on policies in force that are absent from `--what-if`, which replaces the whole set.
fn absent(set: &PolicySet, other: &PolicySet) -> Option<String> {
    let is_absent = |policy: &&Policy| other.policies().iter().all(|own| own.name != policy.name);
    let mut absent = set.policies().iter().filter(is_absent);
    let first = absent.next()?;
    Some(match absent.count() {
        0 => format!("--what-if lacks {}: it counts as deleted", first.name),
        more => {
            format!("--what-if lacks {} and {more} more: they count as deleted", first.name)
        }
    })
}

/// Prints the report.
fn run(arguments: &Arguments) -> Result<Outcome, InputError> {
    let Input { files, flows, settings, mut notices } =
        Input::read(&arguments.policies, arguments.flows.as_deref(), &arguments.settings)?;
    let texts = input::texts(&files);
    let dates =
        Dates { texts: vec![arguments.policies_since; texts.len()], set: arguments.policies_since };
    let review = Review::under(&texts, settings.clone(), &dates, &flows);
    let set = review.set();
    input::check_objects(&files, set)?;
    notices.extend(names(set, &files));
    let (groups, tally) = groups::group(&review, &flows);
    let has_policy = !set.policies().is_empty();
    if !has_policy && refuses(set) {
        notices.push("no document of these files is a policy in force".to_owned());
    } else if !has_policy {
        notices.push("there is no policy: everything passes".to_owned());
    }
    let unplaced = |set: &PolicySet| review.unplaced(set).map(|own| own.sentence());
    notices.extend(unplaced(set));
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let findings = arguments.lint.then(|| review.findings(&names));
    let mut is_whole = !refuses(set);
    let what_if = match arguments.what_if.as_slice() {
        [] => None,
        _ if arguments.flows.is_none() => return Err(InputError::NoFlowsToCompare),
        paths => {
            let files = input::policies(paths, &mut notices)?;
            let after = Judge::read(&input::texts(&files), settings);
            let other = after.set();
            input::check_objects(&files, other)?;
            for refused in other.refused().iter().filter(|r| r.refusal.class.is_error()) {
                let name = files.get(refused.source).map_or("", |file| file.name.as_str());
                notices.push(format!("{name}:{}: {}", refused.refusal.at.line, refused.refusal));
            }
            is_whole &= !refuses(other);
            notices.extend(absent(set, other));
            notices.extend(unplaced(other).map(|own| format!("--what-if: {own}")));
            Some(review.what_if(&after))
        }
    };
    let suggestion = arguments.suggest.then(|| {
        let wanted: Vec<usize> = groups
            .iter()
            .filter(|group| group.key.verdict == cilium_policy::Verdict::Denied)
            .flat_map(|group| group.flows.iter().copied())
            .collect();
        review.suggest(&wanted)
    });
    let logged = match arguments.log_resource.as_slice() {
        [] => None,
        paths => Some(Logged::of(&input::policies(paths, &mut notices)?, &flows)?),
    };
    let outcome = Outcome::of(is_whole, &groups, findings.as_deref(), arguments.fail_on);
    let report = Report {
        files: &files,
        set,
        flows: &flows,
        groups,
        tally,
        findings,
        what_if,
        suggestion,
        logged,
        notices,
        outcome,
        fail_on: arguments.fail_on,
    };
    let mut out = std::io::stdout().lock();
    let written = match arguments.output {
        Output::Json => writeln!(out, "{:#}", json::report(&report)),
        Output::Text => text::report(&report, &text::Paint::of_terminal(&out), &mut out),
    };
    match written {
        // A closed pipe, as after `hubble-verdict … | head`, is not a failure.
        Err(err) if err.kind() == std::io::ErrorKind::BrokenPipe => Ok(outcome),
        Err(cause) => Err(InputError::Write { cause }),
        Ok(()) => Ok(outcome),
    }
}
