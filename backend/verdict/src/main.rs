//! `verdict`: recorded flows against network policies.
//!
//! Exit code 0: all agree; 1: something differs; 2: bad input.

mod arguments;
mod ask;
mod diff;
mod groups;
mod input;
mod json;
mod logged;
mod text;

use std::{io::Write, process::ExitCode, sync::Arc};

use clap::Parser;
use logged::Logged;
use policy::{
    Agreement, Finding, Judge, Learned, PolicySet, Prepared, RefusalClass, Settings, Suggestion,
    Unplaced, WhatIf, lint, settings_from, suggest, what_if,
};

use arguments::{Arguments, Command, Output};
use groups::{Group, Tally};
use input::{InputError, PolicyFile};

/// Everything that is printed.
pub(crate) struct Report<'r> {
    pub(crate) files: &'r [PolicyFile],
    pub(crate) set: &'r PolicySet,
    pub(crate) groups: Vec<Group>,
    pub(crate) tally: Tally,
    pub(crate) findings: Option<Vec<Finding>>,
    pub(crate) what_if: Option<WhatIf>,
    pub(crate) suggestion: Option<Suggestion>,
    pub(crate) logged: Option<Logged>,
    pub(crate) notices: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Ask(question)) = &arguments.command {
        return match ask::run(question) {
            Ok(code) => ExitCode::from(code),
            Err(err) => {
                eprintln!("verdict: {}", input::sentence(&err));
                ExitCode::from(2)
            }
        };
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(err) => {
            eprintln!("verdict: {}", input::sentence(&err));
            ExitCode::from(2)
        }
    }
}

/// Prints the report. False: something differs.
fn run(arguments: &Arguments) -> Result<bool, InputError> {
    let mut notices = Vec::new();
    let files = input::policies(&arguments.policies, &mut notices)?;
    let (flows, of_flows) = match &arguments.flows {
        Some(path) => input::flows(path)?,
        None => (Vec::new(), Vec::new()),
    };
    notices.extend(of_flows);
    let settings = settings_from(&flows, Settings::default());
    let settings = arguments::settings(&arguments.settings, settings)?;
    let texts = input::texts(&files);
    let set = Arc::new(PolicySet::read(&texts, settings.clone()));
    let mut judge = Judge::new(Arc::clone(&set));
    let learned = Learned::from_flows(&flows);
    let (groups, tally) = groups::group(&mut judge, &flows, &learned);
    let has_policy = !set.policies().is_empty();
    let is_refused = |class| !matches!(class, RefusalClass::NotAPolicy);
    if !has_policy && set.refused().iter().any(|refused| is_refused(refused.refusal.class)) {
        notices.push("no document of these files is a policy that Cilium accepts".to_owned());
    } else if !has_policy {
        notices.push("there is no policy: everything passes".to_owned());
    }
    let prepared = Prepared::of(&flows, &learned, &settings);
    let unplaced = |set: &PolicySet| Unplaced::of(set, &prepared).map(|own| own.sentence());
    notices.extend(unplaced(&set));
    let findings = arguments.lint.then(|| lint(&texts, &mut judge, &flows));
    let what_if = match arguments.what_if.as_slice() {
        [] => None,
        paths => {
            let files = input::policies(paths, &mut notices)?;
            let other = PolicySet::read(&input::texts(&files), settings.clone());
            for refused in other.refused().iter().filter(|r| is_refused(r.refusal.class)) {
                let name = files.get(refused.source).map_or("", |file| file.name.as_str());
                notices.push(format!("{name}:{}: {}", refused.refusal.at.line, refused.refusal));
            }
            notices.extend(unplaced(&other).map(|own| format!("--what-if: {own}")));
            Some(what_if(&mut judge, &mut Judge::new(Arc::new(other)), &flows))
        }
    };
    let suggestion = arguments.suggest.then(|| {
        let wanted: Vec<usize> = groups
            .iter()
            .filter(|group| group.verdict == policy::Verdict::Denied)
            .flat_map(|group| group.flows.iter().copied())
            .collect();
        suggest(&texts, &settings, &flows, &wanted)
    });
    let logged = match arguments.log_resource.as_slice() {
        [] => None,
        paths => Some(Logged::of(&input::policies(paths, &mut notices)?, &flows)?),
    };
    let agrees = !groups.iter().any(|group| group.agreement == Agreement::Differs);
    let report = Report {
        files: &files,
        set: &set,
        groups,
        tally,
        findings,
        what_if,
        suggestion,
        logged,
        notices,
    };
    let mut out = std::io::stdout().lock();
    let written = match arguments.output {
        Output::Json => writeln!(out, "{:#}", json::report(&report)),
        Output::Text => text::report(&report, &text::Paint::of_terminal(&out), &mut out),
    };
    match written {
        // `verdict … | head` is no failure.
        Err(err) if err.kind() == std::io::ErrorKind::BrokenPipe => Ok(agrees),
        Err(cause) => Err(InputError::Write { cause }),
        Ok(()) => Ok(agrees),
    }
}
