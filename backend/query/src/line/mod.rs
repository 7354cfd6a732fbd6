//! Parser of a pasted `hubble observe …` line into the builder's form.
//!
//! Flags that only format the output or reach a server are accepted, left out and reported in a
//! warning. Every error carries the bytes of its cause, so that an editor can underline it.

mod commands;
mod foreign;
mod option;
#[cfg(test)]
mod pasted_tests;
#[cfg(test)]
mod tests;
mod words;

use self::commands::Command;
use self::option::{LineOption, Purpose};
use self::words::Word;
use crate::filter;
use crate::flag::{self, Flag, FlagValues, RefusedFlag};
use crate::form::FlowsForm;
use crate::selection::{FlowSelection, InvalidSelection};

/// Maximum size of a line, in bytes. The query around it has a bound of its own.
const MAX_LINE_BYTES: usize = 64 << 10;
/// Maximum number of diagnostics for one line.
const MAX_DIAGNOSTICS: usize = 100;

/// The dash, and the characters that word processors and web pages replace it by.
const DASHES: [char; 10] = ['-', '–', '—', '―', '−', '‒', '‐', '‑', '﹣', '－'];

/// A message about a part of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    /// First byte.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    pub text: String,
}

/// The result of reading a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadLine {
    /// The selection; meaningful only without errors.
    pub form: FlowsForm,
    /// Errors, in the order of the line.
    pub errors: Vec<Diagnostic>,
    /// Messages about parts that were accepted but not used.
    pub warnings: Vec<Diagnostic>,
}

/// A flag with its value, as read from the line.
struct Given<'w> {
    option: LineOption,
    value: Option<String>,
    /// The flag's name as written.
    name: &'w str,
    start: usize,
    end: usize,
}

/// Treatment of dashboard variables in values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    /// An error: Grafana should have replaced them before.
    Refused,
    /// Kept as written, for an editor.
    Kept,
}

struct Reader {
    line: ReadLine,
    variables: Variables,
    /// The place of each flag's values.
    places: Vec<(&'static str, Flag, usize, usize)>,
    /// The place of each filter in JSON.
    raw_places: Vec<(&'static str, usize, usize)>,
    /// The place of a `--not` that has no filter yet.
    not: Option<(usize, usize)>,
}

/// Whether a word without a flag was probably meant as a filter: `DROPPED`, `pets/store-front`,
/// `namespace=pets`, or `--pod` after `--`.
fn is_filter(word: &str) -> bool {
    let name = word.split(['=', ':']).next().unwrap_or_default();
    let value = word.to_ascii_lowercase();
    word.contains(['=', '/', ':', '*'])
        || word.split_whitespace().any(|part| part.starts_with(DASHES))
        || word.parse::<std::net::IpAddr>().is_ok()
        || LineOption::long(name).is_some()
        || matches!(value.as_str(), "true" | "false")
        || flag::HUBBLE_PROTOCOLS.contains(&value.as_str())
        || flag::MESSAGE_TYPES.contains(&value.as_str())
        || filter::check_value(Flag::Verdict, word).is_ok()
}

/// Reads a line.
pub(crate) fn read(text: &str, variables: Variables) -> ReadLine {
    let mut reader = Reader {
        line: ReadLine::default(),
        variables,
        places: Vec::new(),
        raw_places: Vec::new(),
        not: None,
    };
    if text.len() > MAX_LINE_BYTES {
        reader.error(
            0,
            text.len(),
            format!("the line is longer than {} KiB", MAX_LINE_BYTES >> 10),
        );
        return reader.line;
    }
    match commands::find(text) {
        Err(error) => reader.line.errors.push(error),
        Ok(command) => reader.command(command),
    }
    reader.line
}

impl Reader {
    fn error(&mut self, start: usize, end: usize, text: String) {
        self.line.errors.push(Diagnostic { start, end, text });
    }

    fn warn(&mut self, start: usize, end: usize, text: String) {
        self.line.warnings.push(Diagnostic { start, end, text });
    }

    fn command(&mut self, command: Command) {
        self.line.errors = command.errors;
        self.line.warnings = command.warnings;
        self.words(&command.words);
        let FlowsForm { filter, exclude, allowlist, denylist, .. } = &self.line.form;
        let is_all =
            filter.is_empty() && exclude.is_empty() && allowlist.is_empty() && denylist.is_empty();
        if is_all {
            self.line.errors.extend(command.narrowed.into_iter().chain(command.behind));
        } else {
            self.line.warnings.extend(command.narrowed);
        }
    }

    fn words(&mut self, words: &[Word]) {
        let mut words = words.iter();
        let mut only_arguments = false;
        while let Some(word) = words.next() {
            if self.line.errors.len().saturating_add(self.line.warnings.len()) >= MAX_DIAGNOSTICS {
                let text = "this line has too many problems: the rest is not read";
                return self.error(word.start, word.end, text.to_owned());
            }
            if word.text == "--" {
                only_arguments = true;
            } else if only_arguments || !words::is_flag(&word.text) {
                self.argument(word);
            } else {
                self.flag(word, &mut words);
            }
        }
        if let Some((start, end)) = self.not {
            self.error(start, end, "`--not` without a filter after it".to_owned());
        }
        self.check();
    }

    /// Reads a flag with any kind of dashes.
    fn flag<'w>(&mut self, word: &'w Word, words: &mut std::slice::Iter<'w, Word>) {
        let rest = word.text.trim_start_matches(DASHES);
        let dashes = word.text.get(..word.text.len() - rest.len()).unwrap_or_default();
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        let mended = name.replace(DASHES, "-");
        let is_long = name.chars().count() > 1;
        if dashes != "--" && dashes != "-" || mended != name {
            let shown = if is_long { "--" } else { "-" };
            let text = format!("`{dashes}{name}` is read as `{shown}{mended}`");
            self.warn(word.start, word.end, text);
        } else if dashes == "-" {
            return self.short(word, words);
        }
        let option = if is_long { LineOption::long(&mended) } else { LineOption::short(name) };
        match option {
            Some(option) => self.option(option, option.name, value, word, words),
            None => self.unknown("--", name, word, words),
        }
    }

    /// Reads a word without a flag. Hubble silently ignores such a word and shows more flows.
    fn argument(&mut self, word: &Word) {
        let text = word.text.as_str();
        let is_variable = flag::unresolved_variable(text).is_some();
        // A dashboard variable may hold flags.
        if text == "flows" || is_variable && self.variables == Variables::Kept {
            return;
        }
        if matches!(text, "agent-events" | "debug-events") {
            let message = format!("`{text}` does not show flows; leave it out");
            return self.error(word.start, word.end, message);
        }
        let message = format!("`{text}` does not belong to a flag");
        if is_variable || is_filter(text) {
            self.error(word.start, word.end, message);
        } else {
            self.warn(word.start, word.end, format!("{message}: not used"));
        }
    }

    fn unknown(
        &mut self,
        dashes: &str,
        name: &str,
        word: &Word,
        words: &mut std::slice::Iter<'_, Word>,
    ) {
        let mut text = format!("unknown flag `{dashes}{name}`");
        if let Some(nearest) = LineOption::nearest(name) {
            text.extend(["; did you mean `--", nearest, "`?"]);
        }
        self.error(word.start, word.end, text);
        // The unknown flag's value, if it has one.
        if words.as_slice().first().is_some_and(|next| !words::is_flag(&next.text)) {
            words.next();
        }
    }

    /// Reads one or more short flags: `-f4`, `-n pets`, `-npets`.
    fn short<'w>(&mut self, word: &'w Word, words: &mut std::slice::Iter<'w, Word>) {
        let mut rest = word.text.get(1..).unwrap_or_default();
        let name = rest.split('=').next().unwrap_or_default();
        if name.len() > 1 && LineOption::long(name).is_some() {
            let text = format!("`-{name}` has one dash: write `--{name}`");
            return self.error(word.start, word.end, text);
        }
        while let Some(char) = rest.chars().next() {
            let (name, after) = rest.split_at(char.len_utf8());
            let Some(option) = LineOption::short(name) else {
                return self.unknown("-", name, word, words);
            };
            if option.takes_value || after.starts_with('=') {
                let value = (!after.is_empty())
                    .then(|| after.strip_prefix('=').unwrap_or(after).to_owned());
                return self.option(option, name, value, word, words);
            }
            self.option(option, name, None, word, words);
            rest = after;
        }
    }

    fn option<'w>(
        &mut self,
        option: LineOption,
        name: &'w str,
        value: Option<String>,
        word: &'w Word,
        words: &mut std::slice::Iter<'w, Word>,
    ) {
        let mut given = Given { option, value, name, start: word.start, end: word.end };
        if option.takes_value && given.value.is_none() {
            let Some(next) = words.next() else {
                let text = format!("`--{}` needs a value", option.name);
                return self.error(given.start, given.end, text);
            };
            if next.text == "=" {
                let text = format!("`--{} = …`: write `--{0}=…`, without spaces", option.name);
                return self.error(given.start, next.end, text);
            }
            given.value = Some(next.text.clone());
            given.end = next.end;
        }
        self.take(&given);
    }

    fn take(&mut self, given: &Given<'_>) {
        let Given { option, start, end, name, .. } = given;
        let (start, end) = (*start, *end);
        let value = given.value.clone().unwrap_or_default();
        let shown = if name.len() == 1 { format!("-{name}") } else { format!("--{name}") };
        let switch = || !matches!(value.as_str(), "false" | "0" | "f" | "F" | "FALSE" | "False");
        match option.purpose {
            Purpose::Filter(flag) => self.filter(flag, &value, start, end),
            // As Hubble: the flag's own value applies, whatever value is bound to it.
            Purpose::Fixed(flag, value) => self.filter(flag, value, start, end),
            Purpose::Not if self.not.is_some() => {
                self.error(start, end, "`--not` twice before one filter".to_owned());
            }
            Purpose::Not => self.not = Some((start, end)),
            Purpose::Since => self.line.form.selectors.since = Some(value),
            Purpose::Until => self.line.form.selectors.until = Some(value),
            Purpose::Last => self.line.form.selectors.last = self.count(&shown, &value, start, end),
            Purpose::First => {
                self.line.form.selectors.first = self.count(&shown, &value, start, end);
            }
            Purpose::All => self.line.form.selectors.all = switch(),
            Purpose::Follow => self.line.form.selectors.follow = switch(),
            Purpose::Allowlist => {
                self.raw_places.push(("allowlist", start, end));
                self.line.form.allowlist.push(value);
            }
            Purpose::Denylist => {
                self.raw_places.push(("denylist", start, end));
                self.line.form.denylist.push(value);
            }
            Purpose::Format => {
                self.warn(start, end, format!("`{shown}` formats hubble's own output: not used"));
            }
            Purpose::Connection => {
                let text = format!("`{shown}` belongs in the data source's settings: not used");
                self.warn(start, end, text);
            }
            Purpose::Secret => {
                let text = format!(
                    "`{shown}` is not used: remove the secret, because Grafana stores queries as they are written"
                );
                self.warn(start, end, text);
            }
            Purpose::InputFile => {
                let text = format!("`{shown}`: flows come from the relay of this data source");
                self.error(start, end, text);
            }
            Purpose::Other => self.warn(start, end, format!("`{shown}` is not used")),
        }
        if matches!(
            option.purpose,
            Purpose::Since
                | Purpose::Until
                | Purpose::First
                | Purpose::Last
                | Purpose::All
                | Purpose::Follow
        ) && let Err(error) = self.line.form.selectors.check()
        {
            self.error(start, end, error.to_string());
        }
    }

    fn count(&mut self, shown: &str, value: &str, start: usize, end: usize) -> Option<u64> {
        let count = value.parse().ok();
        if count.is_none() {
            self.error(start, end, format!("`{shown}`: `{value}` is not a number of flows"));
        }
        count
    }

    fn filter(&mut self, flag: Flag, value: &str, start: usize, end: usize) {
        let is_denied = self.not.take().is_some();
        if value.trim().is_empty() {
            return self.error(start, end, format!("`--{}` needs a value", flag.name()));
        }
        let form = &mut self.line.form;
        let (list, flags): (_, &mut FlagValues) =
            if is_denied { ("exclude", &mut form.exclude) } else { ("filter", &mut form.filter) };
        flags.entry(flag).or_default().push(value.to_owned());
        self.places.push((list, flag, start, end));
    }

    /// Checks the filters, and finds the place of each error.
    fn check(&mut self) {
        let selection = match self.variables {
            Variables::Refused => FlowSelection::new(&self.line.form),
            Variables::Kept => FlowSelection::new(&self.line.form.without_variables()),
        };
        let (text, place) = match selection {
            Ok(_) => return,
            Err(InvalidSelection::Flag(RefusedFlag { list, flag, cause })) => {
                let here = |(own_list, own, ..): &&(&str, Flag, usize, usize)| {
                    *own_list == list && own.key() == flag
                };
                let places: Vec<_> = self.places.iter().filter(here).collect();
                let values = if list == "exclude" {
                    &self.line.form.exclude
                } else {
                    &self.line.form.filter
                };
                let wrong = Flag::from_key(&flag).and_then(|flag| {
                    let is_kept = |value: &str| {
                        self.variables == Variables::Kept
                            && flag::unresolved_variable(value).is_some()
                    };
                    let is_wrong = |value: &String| {
                        !is_kept(value) && filter::check_value(flag, value.trim()).is_err()
                    };
                    values.get(&flag)?.iter().position(is_wrong)
                });
                // Of several values, the place of the wrong one; of flags that conflict, the place
                // of the last.
                let place = match wrong {
                    Some(index) => places.get(index),
                    None => places.last(),
                };
                let name = Flag::from_key(&flag).map_or("", Flag::name);
                (
                    format!("`--{name}`: {}", wording::with_causes(&cause)),
                    place.map(|place| (place.2, place.3)),
                )
            }
            Err(InvalidSelection::RawFilter { list, index, reason }) => {
                let mut places = self.raw_places.iter().filter(|(own, ..)| *own == list);
                let place = places.nth(index).map(|(_, start, end)| (*start, *end));
                (format!("`--{list}`: {reason}"), place)
            }
            Err(error) => (wording::with_causes(&error), None),
        };
        let (start, end) = place.unwrap_or((0, 0));
        self.error(start, end, text);
    }
}
