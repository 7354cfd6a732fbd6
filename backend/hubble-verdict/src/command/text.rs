//! The report as text, for people.

use std::io::{self, IsTerminal, Write};
use std::path::{Component, Path};

use cilium_policy::{Direction, Refusal, RefusalClass, Refused, Severity, Traffic, Verdict};
use hubble_verdict::{Agreement, Suggestion};

use crate::{
    Outcome, Report,
    counts::{flows, flows_are, number},
    diff,
    groups::FlowGroup,
    input::InputFile,
};

pub(crate) struct Paint {
    is_colored: bool,
}

impl Paint {
    /// Colours for a terminal, unless `NO_COLOR` is set.
    pub(crate) fn of_terminal(out: &impl IsTerminal) -> Self {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_colored: out.is_terminal() && is_wanted }
    }

    pub(crate) fn verdict(&self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Allowed => "32",
            Verdict::Denied => "31;1",
            Verdict::CannotTell => "33",
        };
        self.code(code, text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.code("2", text)
    }

    fn agreement(&self, agreement: Agreement) -> String {
        let code = match agreement {
            Agreement::Agrees => "32",
            Agreement::Differs => "31;1",
            Agreement::CannotTell | Agreement::Later => "33",
        };
        self.code(code, agreement.name())
    }

    fn severity(&self, severity: Severity) -> String {
        let code = match severity {
            Severity::Error => "31;1",
            Severity::Warning => "33",
            Severity::Hint => "36",
        };
        self.code(code, severity.name())
    }

    fn code(&self, code: &str, text: &str) -> String {
        if self.is_colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Maximum number of characters shown of text from outside.
const MAX_SHOWN: usize = 4_000;

/// Text from outside, made harmless: control characters and direction marks are replaced, so that it
/// neither controls the terminal nor imitates a line of the report.
pub(crate) fn clean(text: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown: String =
        text.chars().take(MAX_SHOWN).map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Prints a report.
pub(crate) fn report(report: &Report<'_>, paint: &Paint, out: &mut impl Write) -> io::Result<()> {
    for notice in &report.notices {
        writeln!(out, "note: {}", clean(notice))?;
    }
    // Documents of the class `Read` are usable and complete.
    let is_read = |own: &&Refused| own.refusal.class == RefusalClass::Read;
    for refused in report.set.refused().iter().filter(|own| !is_read(own)) {
        let Refusal { class, at, .. } = &refused.refusal;
        let (code, word) = match class {
            RefusalClass::NotAPolicy => ("2", "skipped"),
            RefusalClass::Strict => ("33", "refused by kubectl alone"),
            _ => ("31;1", "refused"),
        };
        let place = format!("{}:{}:{}", file(report, Some(refused.source)), at.line, at.column);
        let (name, reason) = (clean(&refused.name), clean(&refused.refusal.to_string()));
        writeln!(out, "{} {} {name}: {reason}", paint.code(code, word), clean(&place))?;
        if class.is_error() {
            writeln!(out, "    {}", paint.dim(class.summary()))?;
        }
    }
    for group in &report.groups {
        group_lines(group, file(report, group.decision.source), paint, out)?;
    }
    let tally = &report.tally;
    if tally.flows > 0 {
        writeln!(
            out,
            "{}: {} agree, {} differ, {} cannot tell",
            flows(tally.flows),
            tally.agrees,
            tally.differs,
            tally.cannot_tell
        )?;
        if tally.later > 0 {
            let are = flows_are(tally.later);
            writeln!(out, "{are} older than the policies, and judged by later ones")?;
        }
        for (why, count) in &tally.unjudged {
            writeln!(out, "{} not judged: {why}", flows_are(*count))?;
        }
    } else {
        writeln!(
            out,
            "{}, {}",
            number(report.in_force() as u64, "policy", "policies"),
            number(report.set.entries().len() as u64, "rule", "rules")
        )?;
    }
    what_if(report, out)?;
    findings(report, paint, out)?;
    suggestion(report, paint, out)?;
    logged(report, out)?;
    if report.outcome != Outcome::Agrees {
        writeln!(
            out,
            "\nexit code {}: {}",
            report.outcome as u8,
            report.outcome.sentence(report.fail_on)
        )?;
    }
    Ok(())
}

/// Name of a file, by index.
fn file<'r>(report: &Report<'r>, index: Option<usize>) -> &'r str {
    index.and_then(|index| report.files.get(index)).map_or("", |file| file.name.as_str())
}

fn what_if(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    if let Some(what_if) = &report.what_if {
        let stay = number(what_if.unchanged, "flow stays as it is", "flows stay as they are");
        writeln!(out, "\nwhat if: {stay}")?;
        for group in &what_if.groups {
            writeln!(
                out,
                "{}: {} → {}, {}\n    {}",
                connection((&group.source, &group.destination), group.traffic, "", group.direction),
                group.before.name(),
                group.after.name(),
                flows(group.stands_for),
                clean(&group.because)
            )?;
        }
    }
    Ok(())
}

fn findings(report: &Report<'_>, paint: &Paint, out: &mut impl Write) -> io::Result<()> {
    if let Some(findings) = &report.findings {
        writeln!(out, "\n{}", number(findings.len() as u64, "finding", "findings"))?;
        for finding in findings {
            let place = match finding.source {
                Some(_) => format!(
                    "{}:{}:{} ",
                    clean(file(report, finding.source)),
                    finding.at.line,
                    finding.at.column
                ),
                None => String::new(),
            };
            writeln!(
                out,
                "{} {} {place}{}",
                paint.severity(finding.severity()),
                finding.id(),
                clean(
                    &finding.text(|source| report.files.get(source).map(|file| file.name.as_str()))
                )
            )?;
            for line in &finding.evidence {
                writeln!(out, "    {}", paint.dim(&clean(line)))?;
            }
            for line in finding.fix.iter().flat_map(|fix| fix.lines()) {
                writeln!(out, "    + {}", clean(line))?;
            }
        }
    }
    Ok(())
}

fn logged(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let Some(logged) = &report.logged else { return Ok(()) };
    writeln!(
        out,
        "\n{} of {} would not be logged",
        report.stand_for(&logged.not_logged),
        flows(report.tally.flows)
    )?;
    for (name, indices) in &logged.filters {
        writeln!(out, "logged by {}: {}", clean(name), flows(report.stand_for(indices)))?;
    }
    Ok(())
}

fn suggestion(report: &Report<'_>, paint: &Paint, out: &mut impl Write) -> io::Result<()> {
    let Some(suggestion) = &report.suggestion else { return Ok(()) };
    let count = report.stand_for(&suggestion.fixed);
    let title = format!("to let {} pass:", number(count, "refused flow", "refused flows"));
    suggested(suggestion, &title, report.files, paint, out)
}

/// Prints additions and their effect.
pub(crate) fn suggested(
    suggestion: &Suggestion,
    title: &str,
    files: &[InputFile],
    paint: &Paint,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    let mut hints = Vec::new();
    for (source, text) in &suggestion.texts {
        let Some(file) = files.get(*source) else { continue };
        let is_whole = change(&diff::unified(&file.name, &file.text, text), paint, out)?;
        hints.extend(patch_hint(file, is_whole));
    }
    if !suggestion.texts.is_empty() && !suggestion.yaml.is_empty() {
        change(&diff::created(&new_file(suggestion, files), &suggestion.yaml), paint, out)?;
    } else {
        for line in suggestion.yaml.lines() {
            writeln!(out, "{}", clean(line))?;
        }
    }
    if !suggestion.yaml.is_empty() || !suggestion.texts.is_empty() {
        writeln!(out)?;
    }
    for hint in hints {
        writeln!(out, "note: {}", clean(&hint))?;
    }
    let is_offered = !suggestion.yaml.is_empty() || !suggestion.texts.is_empty();
    match (is_offered, suggestion.unfixed.is_empty()) {
        (false, true) => writeln!(out, "nothing has to be added")?,
        (false, false) => writeln!(out, "no addition helps")?,
        _ if suggestion.also_allowed.is_empty() => {
            writeln!(out, "of the other flows, none would pass now")?;
        }
        _ => {}
    }
    for line in &suggestion.also_allowed {
        writeln!(out, "would pass too: {}", clean(line))?;
    }
    for line in &suggestion.still_denied {
        writeln!(out, "next: {}", clean(line))?;
    }
    let mut reasons: Vec<String> =
        suggestion.unfixed.iter().map(|unfixed| unfixed.reason.to_string()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        writeln!(out, "not fixed: {}", clean(&reason))?;
    }
    Ok(())
}

/// Prints a change verbatim. False: a line is shown otherwise than it is in the file.
fn change(diff: &str, paint: &Paint, out: &mut impl Write) -> io::Result<bool> {
    let mut is_whole = true;
    for line in diff.split_terminator('\n') {
        let (line, end) = line.strip_suffix('\r').map_or((line, ""), |line| (line, "\r"));
        let (line, tab) = line.strip_suffix('\t').map_or((line, ""), |line| (line, "\t"));
        let shown = clean(line);
        is_whole &= shown == line;
        let colour = match shown.as_bytes().first() {
            Some(b'+') => "32",
            Some(b'-') => "31",
            _ => "",
        };
        let shown = if colour.is_empty() { shown } else { paint.code(colour, &shown) };
        writeln!(out, "{shown}{tab}{end}")?;
    }
    Ok(is_whole)
}

/// The reason why `patch` cannot take a change.
fn patch_hint(file: &InputFile, is_whole: bool) -> Option<String> {
    let path = Path::new(&file.name);
    let is_below =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let why = if !file.is_as_read {
        "it is packed, or not in UTF-8"
    } else if !is_whole {
        "lines of it are shortened here, or hold what a terminal obeys"
    } else if !is_below {
        "it takes files below its folder alone: give `--policies` a path below the current one"
    } else {
        return None;
    };
    Some(format!(
        "`patch` cannot change `{}` by this: {why}; `texts` of `-o json` holds the whole file",
        file.name
    ))
}

/// Name of a file for new policies, beside the first changed file.
fn new_file(suggestion: &Suggestion, files: &[InputFile]) -> String {
    let first = suggestion.texts.first().and_then(|(source, _)| files.get(*source));
    let folder = first.and_then(|file| Path::new(&file.name).parent()).unwrap_or(Path::new(""));
    let is_taken = |name: &String| files.iter().any(|file| file.name == *name);
    let names = (1..).map(|number| {
        let name =
            if number == 1 { "added.yaml".to_owned() } else { format!("added-{number}.yaml") };
        folder.join(name).display().to_string()
    });
    names.take(files.len() + 1).find(|name| !is_taken(name)).unwrap_or_default()
}

/// A connection in one line, with its request.
fn connection(
    (source, destination): (&str, &str),
    traffic: Traffic,
    request: &str,
    direction: Direction,
) -> String {
    let (source, destination) = (clean(source), clean(destination));
    format!("{source} → {destination} {traffic}{request} {}", direction.name())
}

fn group_lines(
    group: &FlowGroup,
    file: &str,
    paint: &Paint,
    out: &mut impl Write,
) -> io::Result<()> {
    let key = &group.key;
    let request = key.request.as_deref().map(|r| format!(" {}", clean(r))).unwrap_or_default();
    let times = match group.stands_for {
        1 => String::new(),
        count => format!(" ×{count}"),
    };
    writeln!(
        out,
        "{}: {}{times}",
        connection((&key.source, &key.destination), key.traffic, &request, key.direction),
        paint.agreement(key.agreement)
    )?;
    let file = if file.is_empty() { String::new() } else { format!(" [{}]", clean(file)) };
    writeln!(out, "    policies say: {}{}", clean(&key.sentence), paint.dim(&file))?;
    let comparison = clean(&key.comparison);
    let observed = comparison.strip_prefix(key.agreement.name());
    let observed = observed.and_then(|rest| rest.strip_prefix(": "));
    let comparison = match observed {
        Some(observed) => format!("Hubble recorded: {observed}"),
        None => comparison,
    };
    writeln!(out, "    {}", paint.dim(&comparison))?;
    if let Some(unplaced) = &group.unplaced {
        writeln!(out, "    {}", paint.code("33", &clean(unplaced)))?;
    }
    for also in group.lost.iter().chain(&group.settings) {
        writeln!(out, "    {}", paint.dim(&clean(also)))?;
    }
    if group.attribution == Some(false) {
        writeln!(
            out,
            "    Hubble names {}, by these policies {}",
            clean(&key.hubble.join(", ")),
            match group.ours.as_slice() {
                [] => "no policy decides".to_owned(),
                [only] => format!("{} decides", clean(only)),
                ours => format!("{} decide", clean(&ours.join(", "))),
            }
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_make_no_lines_and_no_colours() {
        let check = |text: &str, shown: &str| assert_eq!(clean(text), shown);
        check("/a?b=ü", "/a?b=ü");
        check("/a\n99 flows: 99 agree\r", "/a\u{fffd}99 flows: 99 agree\u{fffd}");
        check("\u{1b}[31m\u{9b}m\u{7}", "\u{fffd}[31m\u{fffd}m\u{fffd}");
        check("gpj.\u{202e}exe\u{2066}", "gpj.\u{fffd}exe\u{fffd}");
        assert_eq!(clean(&"a".repeat(MAX_SHOWN + 9)).chars().count(), MAX_SHOWN + 1);
    }
}
