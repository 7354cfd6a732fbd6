//! The `hubble observe` command within a pasted text, and the text around it.

use std::ops::Range;

use super::Diagnostic;
use super::foreign;
use super::option::{LineOption, Purpose};
use super::words::{self, Operator, Token, Word, base_name, is_flag};
use crate::flag;

/// Maximum nesting of a command within words of others: `ssh node "bash -c '…'"`.
const MAX_DEPTH: usize = 6;

/// Characters that end a shell prompt.
const PROMPTS: [char; 12] = ['$', '#', '%', '>', '❯', '➜', '→', '»', '›', '⟩', '▶', 'λ'];

/// Programs that print all of their input, in another form or in parts.
const SHOWING: [&str; 22] = [
    "bat", "cat", "clip", "column", "fmt", "gron", "head", "jq", "less", "more", "nl", "out-file",
    "out-host", "pbcopy", "sort", "tail", "tee", "ts", "uniq", "wc", "while", "yq",
];

/// A `hubble observe` command, with places in the text.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// Words after `hubble`, without `observe`.
    pub(super) words: Vec<Word>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    /// A filter of the command's output, such as `| grep DROPPED`, as an error.
    pub(super) narrowed: Option<Diagnostic>,
    /// A flag of a filter after the end of the command, as an error.
    pub(super) behind: Option<Diagnostic>,
    start: usize,
    end: usize,
}

/// A simple command: the words up to an operator.
struct Simple {
    tokens: Range<usize>,
    /// The operator before the command.
    before: Option<Operator>,
}

/// A text split into simple commands.
struct Parts<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    simple: Vec<Simple>,
    warnings: Vec<Diagnostic>,
}

/// Finds the command. Flags alone count as a command, and so does a text without words.
///
/// Errors: the text holds several commands, another command, or something else.
pub(super) fn find(text: &str) -> Result<Command, Diagnostic> {
    let parts = Parts::new(text);
    let mut found = parts.commands(0);
    if found.is_empty() {
        found = parts.in_comments();
    }
    let second = found.get(1).map(|second| (second.start, second.end));
    let Some(mut first) = found.into_iter().next() else { return parts.without_command() };
    if let Some((start, end)) = second {
        let text = "a second `hubble observe`: make a separate query of each".to_owned();
        first.errors.insert(0, Diagnostic { start, end, text });
    }
    Ok(first)
}

impl Command {
    /// Shifts places within a word's text to their places in `line`.
    fn place(&mut self, word: &Word, line: &str) {
        let shift = word.text_at(line);
        let place = |start: &mut usize, end: &mut usize| {
            (*start, *end) = match shift {
                Some(shift) => (*start + shift, *end + shift),
                None => (word.start, word.end),
            };
        };
        place(&mut self.start, &mut self.end);
        for own in &mut self.words {
            place(&mut own.start, &mut own.end);
        }
        let diagnostics = self.errors.iter_mut().chain(&mut self.warnings);
        for diagnostic in diagnostics.chain(&mut self.narrowed).chain(&mut self.behind) {
            place(&mut diagnostic.start, &mut diagnostic.end);
        }
    }
}

impl<'t> Parts<'t> {
    fn new(text: &'t str) -> Self {
        let words::Split { tokens, warnings } = words::split(text);
        let mut parts = Self { text, tokens, simple: Vec::new(), warnings };
        let (mut begin, mut before) = (0, None);
        for at in 0..parts.tokens.len() {
            let Some(operator) = parts.tokens.get(at).and_then(Token::operator) else { continue };
            // A line that ends before its first word ends nothing, as after `|`.
            if operator == Operator::NewLine && begin == at && before.is_some() {
                begin = at + 1;
                continue;
            }
            let goes_on = match operator {
                Operator::Redirect
                | Operator::RedirectTo
                | Operator::Comment
                | Operator::Placeholder => true,
                Operator::NewLine => parts.goes_on(begin, at),
                _ => false,
            };
            if !goes_on {
                parts.simple.push(Simple { tokens: begin..at, before });
                (begin, before) = (at + 1, Some(operator));
            }
        }
        parts.simple.push(Simple { tokens: begin..parts.tokens.len(), before });
        parts
    }

    fn between(&self, tokens: Range<usize>) -> &[Token] {
        self.tokens.get(tokens).unwrap_or_default()
    }

    fn words(&self, simple: &Simple) -> Vec<(usize, &Word)> {
        let tokens = self.between(simple.tokens.clone()).iter();
        let words = tokens.enumerate().filter_map(|(at, token)| Some((at, token.word()?)));
        words.map(|(at, word)| (simple.tokens.start + at, word)).collect()
    }

    /// Whether the command of the tokens from `begin` on continues after the end of a line. A shell
    /// would not read it so, but the next line begins with a flag, or with the value of one.
    fn goes_on(&self, begin: usize, at: usize) -> bool {
        let is_text = |token: &&Token| {
            !matches!(token.operator(), Some(Operator::NewLine | Operator::Comment))
        };
        let last = self.between(begin..at).iter().rfind(is_text).and_then(Token::word);
        let next = self.between(at..self.tokens.len()).iter().find(is_text).and_then(Token::word);
        let (Some(last), Some(next)) = (last, next) else { return false };
        let waits = LineOption::of_word(&last.text).is_some_and(|option| option.takes_value);
        is_flag(&next.text) || waits && !is_hubble(&next.text)
    }

    /// All `hubble observe` commands of the text, including those in words of other commands.
    fn commands(&self, depth: usize) -> Vec<Command> {
        let mut found = Vec::new();
        for (index, simple) in self.simple.iter().enumerate() {
            let words = self.words(simple);
            if let Some((name, verb)) = observe(&words) {
                let mut command = self.read(simple, name + 1, Some(verb));
                self.around(index, name, simple.tokens.end, &mut command);
                found.push(command);
                continue;
            }
            let holds = |word: &Word| {
                word.text.contains(char::is_whitespace)
                    && word.text.to_ascii_lowercase().contains("observe")
            };
            for (at, word) in words.into_iter().filter(|(_, word)| depth < MAX_DEPTH && holds(word))
            {
                for mut command in Parts::new(&word.text).commands(depth + 1) {
                    command.place(word, self.text);
                    self.around(index, at, at + 1, &mut command);
                    found.push(command);
                }
            }
        }
        found
    }

    /// Commands after `#`: a comment in a shell, or a command after the prompt of root.
    fn in_comments(&self) -> Vec<Command> {
        let mut found = Vec::new();
        for token in &self.tokens {
            let Token::Operator(Operator::Comment, start, _) = token else { continue };
            let Some(text) = self.text.get(start + 1..) else { continue };
            let end = self.text.len();
            let comment = Word { text: text.to_owned(), start: start + 1, end };
            for mut command in Parts::new(text).commands(MAX_DEPTH) {
                command.place(&comment, self.text);
                found.push(command);
            }
        }
        found
    }

    /// The words of a command from token `begin` on, and an error if it ends wrongly.
    fn read(&self, simple: &Simple, begin: usize, verb: Option<usize>) -> Command {
        let mut command = Command::default();
        let mut is_target = false;
        for at in begin..simple.tokens.end {
            let Some(token) = self.tokens.get(at) else { break };
            match token {
                _ if Some(at) == verb => {}
                Token::Word(word) if std::mem::take(&mut is_target) && !is_flag(&word.text) => {}
                // The end of a block in a shell.
                Token::Word(word)
                    if at + 1 == simple.tokens.end
                        && self.text.get(word.start..word.end) == Some("}") => {}
                Token::Word(word) => command.words.push(word.clone()),
                Token::Operator(Operator::Placeholder, start, end) => {
                    let shown = self.text.get(*start..*end).unwrap_or_default();
                    let text = format!("`{shown}` is a placeholder: write a value");
                    command.errors.push(Diagnostic { start: *start, end: *end, text });
                }
                Token::Operator(Operator::Comment, start, end) => {
                    let comment = self.text.get(*start..*end).unwrap_or_default();
                    if comment.split_whitespace().any(is_filter) {
                        let text = "a comment: not used".to_owned();
                        command.warnings.push(Diagnostic { start: *start, end: *end, text });
                    }
                }
                Token::Operator(operator, ..) => is_target = *operator == Operator::RedirectTo,
            }
        }
        let first = self.between(begin.saturating_sub(1)..simple.tokens.end).first();
        let last = self.between(begin..simple.tokens.end).last().or(first);
        command.start = first.map_or(0, Token::start);
        command.end = last.map_or(0, Token::end);
        if let Some(Token::Operator(operator, start, end)) = self.tokens.get(simple.tokens.end)
            && let Some(text) = self.wrong_end(*operator, simple.tokens.end)
        {
            command.errors.push(Diagnostic { start: *start, end: *end, text });
        }
        let own = |warning: &&Diagnostic| (command.start..command.end).contains(&warning.start);
        command.warnings.extend(self.warnings.iter().filter(own).cloned());
        command
    }

    /// Error text for the operator of token `at`, if it cannot end a command.
    fn wrong_end(&self, operator: Operator, at: usize) -> Option<String> {
        let shown = self.tokens.get(at).map(|token| token.start()..token.end());
        let shown = shown.and_then(|place| self.text.get(place)).unwrap_or_default();
        let is_backtick = |token: &&Token| token.operator() == Some(Operator::Backtick);
        match operator {
            Operator::Unclosed => {
                let quote = shown.chars().next().unwrap_or_default();
                Some(format!("the quote {quote} is not closed"))
            }
            Operator::Substitution => {
                Some(format!("a shell would run `{shown}`: write its output instead"))
            }
            Operator::Backtick
                if self.between(0..at).iter().filter(is_backtick).count() % 2 == 0 =>
            {
                Some(format!("a shell would run {shown}: write its output instead"))
            }
            Operator::Open | Operator::Ampersand => {
                Some(format!("`{shown}` in a value: put the value in quotes"))
            }
            Operator::HtmlEntity => {
                Some(format!("`{shown}` is an HTML entity: write the character"))
            }
            _ => None,
        }
    }

    /// Adds warnings and errors about the text around the simple command `index`, which begins at
    /// token `at` and ends before token `after`.
    fn around(&self, index: usize, at: usize, after: usize, command: &mut Command) {
        let Some(own) = self.simple.get(index) else { return };
        let mut warn = |place: Option<(usize, usize)>, text: &str| {
            if let Some((start, end)) = place {
                command.warnings.push(Diagnostic { start, end, text: text.to_owned() });
            }
        };
        let place = |tokens: Range<usize>| {
            let tokens = self.between(tokens);
            let has_word = tokens.iter().any(|token| token.word().is_some());
            has_word.then_some(())?;
            Some((tokens.first()?.start(), tokens.last()?.end()))
        };
        let piped = own.before == Some(Operator::Pipe);
        let before = place(0..own.tokens.start);
        if piped {
            warn(before, "input piped into `hubble` is not read: flows come from the relay");
        } else {
            warn(before, "another command: not used");
        }
        let runs = place(own.tokens.start..at);
        let is_prompt = |(start, end): &(usize, usize)| {
            let runs = self.text.get(*start..*end).unwrap_or_default();
            runs.ends_with(PROMPTS) || !runs.contains(char::is_alphanumeric)
        };
        warn(runs.filter(|runs| !is_prompt(runs)), "the prefix of `hubble`: not used");
        warn(place(after..self.tokens.len()), "another command: not used");
        let outside = |word: &Word| Diagnostic {
            start: word.start,
            end: word.end,
            text: format!("`{}` is outside of the `hubble observe` command", word.text),
        };
        let names = self.assigned(0..at);
        for word in &command.words {
            if let Some(name) = flag::unresolved_variable(&word.text)
                && names.contains(&name.trim_matches(['$', '{', '}']))
            {
                let text = format!("`{name}` is a shell variable: write its value");
                command.errors.push(Diagnostic { start: word.start, end: word.end, text });
            }
        }
        for (other, simple) in self.simple.iter().enumerate() {
            let first = self.words(simple).first().map(|(_, word)| *word);
            if let Some(word) = first.filter(|word| is_flag(&word.text))
                && (other != index || simple.tokens.start < at)
            {
                command.errors.push(outside(word));
            }
        }
        let mut behind = self.between(after..self.tokens.len()).iter().filter(|token| {
            let written = self.text.get(token.start()..token.end()).unwrap_or_default();
            let mut words = written.split_whitespace();
            token.operator() != Some(Operator::Comment)
                && words.any(|word| is_filter(word.trim_matches(['"', '\''])))
        });
        if let Some(token) = behind.next() {
            let text = "a filter outside of the `hubble observe` command".to_owned();
            let behind = Diagnostic { start: token.start(), end: token.end(), text };
            command.behind.get_or_insert(behind);
        }
        let later = self.simple.get(index + 1..).unwrap_or_default().iter();
        let later = later.map(|simple| (simple, self.words(simple)));
        let piped_to = later.filter(|(_, words)| !words.is_empty());
        for (simple, words) in piped_to.take_while(|(it, _)| it.before == Some(Operator::Pipe)) {
            let Some((_, program)) = words.first() else { continue };
            let name = base_name(&program.text);
            let selects = words.iter().any(|(_, word)| word.text.contains("select"));
            if SHOWING.contains(&name.as_str()) && !selects {
                continue;
            }
            if let Some((start, end)) = place(simple.tokens.clone()) {
                let text = format!(
                    "`{}` filters the printed output, which is not possible here: use flags, such as `--verdict DROPPED`",
                    program.text
                );
                command.narrowed.get_or_insert(Diagnostic { start, end, text });
            }
        }
    }

    /// Names of shell variables that are set: `ns=pets`, `for ns in …`, `read ns`.
    fn assigned(&self, tokens: Range<usize>) -> Vec<&str> {
        let words: Vec<&str> = self
            .between(tokens)
            .iter()
            .filter_map(Token::word)
            .map(|it| it.text.as_str())
            .collect();
        let set = words.iter().filter_map(|word| Some(word.split_once('=')?.0));
        let named = words.windows(2).filter_map(|pair| match pair {
            ["for" | "read" | "select", name] => Some(*name),
            _ => None,
        });
        set.chain(named).map(|name| name.trim_start_matches('$')).collect()
    }

    /// The command of a text without `hubble observe`: flags alone, or nothing.
    ///
    /// Errors: the text is something else.
    fn without_command(&self) -> Result<Command, Diagnostic> {
        let is_break = |token: &Token| token.operator() == Some(Operator::NewLine);
        if self.tokens.iter().all(is_break) {
            return Ok(Command::default());
        }
        let is_text = |word: &Word| word.text.contains(char::is_alphanumeric);
        for (index, simple) in self.simple.iter().enumerate() {
            let words = self.words(simple);
            let Some((at, word)) = words.iter().find(|(_, word)| is_text(word)) else { continue };
            if is_flag(&word.text) {
                let mut command = self.read(simple, *at, None);
                self.around(index, simple.tokens.start, simple.tokens.end, &mut command);
                return Ok(command);
            }
            break;
        }
        let start = self.text.len() - self.text.trim_start().len();
        let end = self.text.trim_end().len();
        let unclosed = self.tokens.last().filter(|it| it.operator() == Some(Operator::Unclosed));
        let words: Vec<&str> = self
            .simple
            .iter()
            .map(|simple| self.words(simple))
            .find(|words| words.iter().any(|(_, word)| is_text(word)))
            .unwrap_or_default()
            .into_iter()
            .map(|(_, word)| word.text.as_str())
            .collect();
        if let Some(text) = foreign::name(self.text, &words) {
            return Err(Diagnostic { start, end, text });
        }
        if let Some(token) = unclosed {
            let text =
                self.wrong_end(Operator::Unclosed, self.tokens.len() - 1).unwrap_or_default();
            return Err(Diagnostic { start: token.start(), end: token.end(), text });
        }
        Err(Diagnostic { start, end, text: foreign::UNKNOWN.to_owned() })
    }
}

/// The places of the tokens `hubble` and `observe`.
fn observe(words: &[(usize, &Word)]) -> Option<(usize, usize)> {
    let is_observe = |word: &Word| word.text.eq_ignore_ascii_case("observe");
    let mut has_hubble = false;
    for (index, (at, word)) in words.iter().enumerate() {
        if !is_hubble(&word.text) {
            continue;
        }
        has_hubble = true;
        if let Some((verb, _)) =
            verb(words.get(index + 1..).unwrap_or_default()).filter(|(_, word)| is_observe(word))
        {
            return Some((*at, *verb));
        }
    }
    // A shell alias or variable may replace `hubble`.
    let index = words.iter().position(|(_, word)| is_observe(word)).filter(|_| !has_hubble)?;
    let follows = words.get(index + 1).is_some_and(|(_, next)| is_flag(&next.text));
    let (at, _) = words.get(index)?;
    (index == 0 || follows).then_some((*at, *at))
}

/// The first word that is neither a flag nor the value of one.
pub(super) fn verb<'a, 'w>(words: &'a [(usize, &'w Word)]) -> Option<&'a (usize, &'w Word)> {
    let mut words = words.iter();
    loop {
        let found = words.next()?;
        let (_, word) = found;
        if !is_flag(&word.text) {
            return Some(found);
        }
        if LineOption::of_word(&word.text).is_some_and(|option| option.takes_value) {
            words.next()?;
        }
    }
}

/// Whether a word is the long flag of a filter, with or without its value.
fn is_filter(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    let option = LineOption::of_word(name).map(|option| option.purpose);
    matches!(option, Some(Purpose::Filter(_) | Purpose::Fixed(..))) && name.chars().count() > 2
}

/// Whether a word names the program `hubble`, with any path and any prompt attached.
fn is_hubble(word: &str) -> bool {
    let name = base_name(word);
    let untagged = name.rsplit_once([':', '@']).map_or(name.as_str(), |(image, _)| image);
    let before = name.strip_suffix("hubble").or_else(|| untagged.strip_suffix("hubble"));
    before
        .is_some_and(|before| !before.ends_with(|char: char| char.is_alphanumeric() || char == '-'))
}
