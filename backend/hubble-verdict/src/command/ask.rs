//! `hubble-verdict ask`: whether a source may reach a destination.

use std::io::{self, Write};
use std::path::PathBuf;

use cilium_policy::{Dates, PolicySet, Verdict};
use clap::Args;
use hubble_verdict::{
    Answer, AnswerStep, AskError, Question, Review, Suggestion, Target, TargetError,
};
use serde_json::{Value, json};

use crate::deciding::DecidingRule;
use crate::input::{self, InputError, InputFile};
use crate::shared_options::{Input, Output};
use crate::text::{self, Paint, clean};

const AFTER_HELP: &str = "\
Exit code: 0 yes, 1 no, 2 invalid input, 3 yes, but some policies are refused, 5 cannot tell.

Source and destination are looked up in the flows, and in the Pod, Deployment, Service and Namespace
documents among the files. Labels in the arguments take precedence.

Examples:
  hubble-verdict ask --policies policies/ --flows flows.jsonl --from pets/order-service \\
    --to product-service:3002
  hubble-verdict ask --policies policies/ --from pets/order-service --from-labels app=order-service \\
    --to www.bing.com:443
  hubble-verdict ask --policies policies/ --flows flows.jsonl --from world --to pets/store-front:8080";

/// Answers whether a source may reach a destination: DNS lookup, egress and ingress, each with the
/// deciding rule.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct AskArguments {
    /// Files or folders of policies (YAML, JSON), and of Pod, Deployment, Service and Namespace
    /// documents.
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|FILE")]
    policies: Vec<PathBuf>,
    /// Lines of `hubble observe -o jsonpb`, which show endpoints and their labels; `-` reads standard
    /// input.
    #[arg(long, value_name = "FILE|-")]
    flows: Option<PathBuf>,
    /// Agent settings as `name=value`, as without `ask`.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Source: a pod, workload or Service as `namespace/name`, an address, `world`, `host`.
    #[arg(long, value_name = "NAME", value_parser = Target::parse)]
    from: Target,
    /// Labels of the source, if neither flows nor documents have them.
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "KEY=VALUE")]
    from_labels: Vec<String>,
    /// Destination with its port: as for `--from`, or a DNS name; `product-service:3002`,
    /// `kube-system/kube-dns:53/UDP`, `www.bing.com:443`.
    #[arg(long, value_name = "NAME:PORT[/PROTOCOL]", value_parser = destination)]
    to: Destination,
    /// Labels of the destination.
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "KEY=VALUE")]
    to_labels: Vec<String>,
    /// Request to check against HTTP rules: `GET /orders`.
    #[arg(long, value_name = "METHOD PATH", value_parser = request)]
    request: Option<AskedRequest>,
    /// Smallest additions that open every closed step.
    #[arg(long)]
    suggest: bool,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// A destination with its port.
#[derive(Debug, Clone)]
struct Destination {
    target: Target,
    traffic: cilium_policy::Traffic,
}

/// Method and path of a request.
#[derive(Debug, Clone)]
struct AskedRequest {
    method: String,
    path: String,
}

fn destination(text: &str) -> Result<Destination, TargetError> {
    let (target, traffic) = Target::parse_with_port(text)?;
    Ok(Destination { target, traffic })
}

/// A text that is not a request.
#[derive(Debug, thiserror::Error)]
#[error("write a method and a path, as `GET /orders`")]
struct RequestError;

fn request(text: &str) -> Result<AskedRequest, RequestError> {
    match text.split_once(' ') {
        Some((method, path)) if !method.is_empty() && path.starts_with('/') => {
            Ok(AskedRequest { method: method.to_owned(), path: path.to_owned() })
        }
        _ => Err(RequestError),
    }
}

/// The reason why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskRunError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// An answer with its question and inputs.
struct AskReport<'r> {
    files: &'r [InputFile],
    set: &'r PolicySet,
    answer: Answer,
    notices: Vec<String>,
    suggestion: Option<Suggestion>,
}

/// Prints the answer. Returns the exit code.
pub(crate) fn run(arguments: &AskArguments) -> Result<u8, AskRunError> {
    let Input { files, flows, settings, mut notices } =
        Input::read(&arguments.policies, arguments.flows.as_deref(), &arguments.settings)?;
    let texts = input::texts(&files);
    let review = Review::under(&texts, settings, &Dates::default(), &flows);
    let set = review.set();
    input::check_objects(&files, set)?;
    let refused = set.refused().iter().filter(|refused| refused.refusal.class.is_error());
    let mut is_whole = true;
    for refused in refused {
        is_whole = false;
        let file = files.get(refused.source).map_or("", |file| file.name.as_str());
        notices.push(format!(
            "refused, and missing from the answer: {file}:{}: {}",
            refused.refusal.at.line, refused.refusal
        ));
    }
    notices.extend(crate::names(set, &files));
    if set.policies().is_empty() {
        notices.push("there is no policy: everything passes".to_owned());
    }
    notices.extend(review.unplaced(set).map(|own| own.sentence()));
    let request = arguments.request.as_ref();
    let question = Question {
        from: arguments.from.clone(),
        from_labels: arguments.from_labels.clone(),
        to: arguments.to.target.clone(),
        to_labels: arguments.to_labels.clone(),
        traffic: arguments.to.traffic,
        request: request.map(|request| (request.method.clone(), request.path.clone())),
    };
    let answer = review.ask(&question)?;
    let suggestion = arguments.suggest.then(|| review.suggest_for(&answer));
    let verdict = answer.verdict;
    let report = AskReport { files: &files, set, answer, notices, suggestion };
    let mut out = io::stdout().lock();
    let written = match arguments.output {
        Output::Json => writeln!(out, "{:#}", report.json()),
        Output::Text => report.text(&Paint::of_terminal(&out), &mut out),
    };
    match written {
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => {}
        Err(cause) => return Err(InputError::Write { cause }.into()),
        Ok(()) => {}
    }
    Ok(match verdict {
        Verdict::Denied => 1,
        Verdict::CannotTell => 5,
        Verdict::Allowed if is_whole => 0,
        Verdict::Allowed => 3,
    })
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "yes",
        Verdict::Denied => "no",
        Verdict::CannotTell => "cannot tell",
    }
}

impl AskReport<'_> {
    /// Name of the file with the deciding policy.
    fn file(&self, decision: &DecidingRule) -> Option<&str> {
        self.files.get(decision.source?).map(|file| file.name.as_str())
    }

    fn text(&self, paint: &Paint, out: &mut impl Write) -> io::Result<()> {
        for notice in &self.notices {
            writeln!(out, "note: {}", clean(notice))?;
        }
        for path in &self.answer.paths {
            writeln!(
                out,
                "may {} reach {} {}? {}",
                clean(&path.source),
                clean(&path.destination),
                path.traffic,
                paint.verdict(path.verdict(), word(path.verdict()))
            )?;
            if path.steps.is_empty() {
                writeln!(out, "  no policy decides about it")?;
            }
            let same = |one: &AnswerStep, other: &AnswerStep| {
                let sentence = |step: &AnswerStep| step.judgement.sentence(self.set);
                one.kind == other.kind && sentence(one) == sentence(other)
            };
            for alike in path.steps.chunk_by(same) {
                let Some(step) = alike.first() else { continue };
                let about: Vec<&str> = alike.iter().map(|step| step.about.as_str()).collect();
                let about = match about.join(", ").as_str() {
                    "" => String::new(),
                    about => format!(" {}", clean(about)),
                };
                let verdict = step.judgement.verdict;
                writeln!(
                    out,
                    "  {}{about}: {}",
                    step.kind.name(),
                    paint.verdict(verdict, verdict.name())
                )?;
                let file = match self.file(&DecidingRule::of(&step.judgement, self.set)) {
                    Some(file) => format!(" [{}]", clean(file)),
                    None => String::new(),
                };
                let sentence = step.judgement.sentence(self.set);
                writeln!(out, "      {}{}", clean(&sentence), paint.dim(&file))?;
                if let Some(unplaced) = &step.unplaced {
                    writeln!(out, "      {}", clean(unplaced))?;
                }
            }
            if let Some(line) = path.alone() {
                writeln!(out, "  {}", clean(&line))?;
            }
        }
        for note in &self.answer.notes {
            writeln!(out, "note: {}", clean(note))?;
        }
        if let Some(suggestion) = &self.suggestion {
            text::suggested(suggestion, "to let it pass:", self.files, paint, out)?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let step = |step: &AnswerStep| {
            let judgement = &step.judgement;
            let decision = DecidingRule::of(judgement, self.set);
            let missing: Vec<String> =
                judgement.explanation.missing.iter().map(ToString::to_string).collect();
            json!({
                "step": step.kind.name(),
                "about": step.about,
                "verdict": judgement.verdict.name(),
                "sentence": judgement.sentence(self.set),
                "decision": decision.json(self.file(&decision)),
                "file": self.file(&decision),
                "ours": judgement.ours.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "missing": missing,
                "unplaced": step.unplaced,
            })
        };
        let path = |path: &hubble_verdict::AnswerPath| {
            json!({
                "source": path.source,
                "destination": path.destination,
                "traffic": path.traffic.to_string(),
                "verdict": path.verdict().name(),
                "steps": path.steps.iter().map(step).collect::<Vec<_>>(),
                "alone": path.alone(),
            })
        };
        let mut answer = json!({
            "answer": word(self.answer.verdict),
            "paths": self.answer.paths.iter().map(path).collect::<Vec<_>>(),
            "notes": self.answer.notes,
            "notices": self.notices,
        });
        if let (Some(suggestion), Some(object)) = (&self.suggestion, answer.as_object_mut()) {
            let suggestion = crate::json::suggested(self.files, suggestion);
            object.insert("suggestion".to_owned(), suggestion);
        }
        answer
    }
}
