//! A pattern as a machine that keeps all its states at once: time is pattern times text.

use super::{MAX_INSTRUCTIONS, MAX_TEXT, RegexError, parse, parse::Tree};

/// A compiled pattern; clones of equal patterns are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Regex {
    program: Vec<Instruction>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Instruction {
    Class(Vec<(char, char)>),
    Assert(Assertion),
    Jump(usize),
    Split(usize, usize),
    Match,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assertion {
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary(bool),
}

impl Regex {
    /// Reads a pattern. Errors: Go's, or that it is too much to judge here.
    pub(crate) fn new(pattern: &str) -> Result<Self, RegexError> {
        let tree = parse::parse(pattern)?;
        let mut regex = Self { program: Vec::new() };
        regex.emit(&tree)?;
        regex.push(Instruction::Match)?;
        Ok(regex)
    }

    /// Whether the whole text matches. None: the text is too long to judge.
    pub(crate) fn matches(&self, text: &str) -> Option<bool> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut current = States::new(self.program.len());
        let mut next = States::new(self.program.len());
        let mut previous: Option<char> = None;
        let mut chars = text.chars().peekable();
        self.follow(&mut current, 0, previous, chars.peek().copied());
        while let Some(c) = chars.next() {
            let after = chars.peek().copied();
            previous = Some(c);
            for state in &current.list {
                if let Some(Instruction::Class(ranges)) = self.program.get(*state)
                    && ranges.iter().any(|(low, high)| (*low..=*high).contains(&c))
                {
                    self.follow(&mut next, state.saturating_add(1), previous, after);
                }
            }
            std::mem::swap(&mut current, &mut next);
            next.clear();
            if current.list.is_empty() {
                return Some(false);
            }
        }
        Some(
            current
                .list
                .iter()
                .any(|state| matches!(self.program.get(*state), Some(Instruction::Match))),
        )
    }

    /// Adds a state and what it leads to without reading.
    fn follow(&self, states: &mut States, state: usize, before: Option<char>, after: Option<char>) {
        let mut open = vec![state];
        while let Some(state) = open.pop() {
            if !states.insert(state) {
                continue;
            }
            match self.program.get(state) {
                Some(Instruction::Jump(to)) => open.push(*to),
                Some(Instruction::Split(one, other)) => open.extend([*one, *other]),
                Some(Instruction::Assert(assertion)) if assertion.holds(before, after) => {
                    open.push(state.saturating_add(1));
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, instruction: Instruction) -> Result<usize, RegexError> {
        if self.program.len() >= MAX_INSTRUCTIONS {
            return Err(RegexError::Unsupported { reason: "the pattern is too large" });
        }
        self.program.push(instruction);
        Ok(self.program.len().saturating_sub(1))
    }

    fn set(&mut self, at: usize, instruction: Instruction) {
        if let Some(slot) = self.program.get_mut(at) {
            *slot = instruction;
        }
    }

    fn emit(&mut self, tree: &Tree) -> Result<(), RegexError> {
        match tree {
            Tree::Empty => {}
            Tree::Class(ranges) => {
                self.push(Instruction::Class(ranges.clone()))?;
            }
            Tree::Start => self.assert(Assertion::Start)?,
            Tree::End => self.assert(Assertion::End)?,
            Tree::LineStart => self.assert(Assertion::LineStart)?,
            Tree::LineEnd => self.assert(Assertion::LineEnd)?,
            Tree::WordBoundary(is) => self.assert(Assertion::WordBoundary(*is))?,
            Tree::Concat(trees) => {
                for tree in trees {
                    self.emit(tree)?;
                }
            }
            Tree::Alternate(branches) => {
                let mut ends = Vec::new();
                let last = branches.len().saturating_sub(1);
                for (index, branch) in branches.iter().enumerate() {
                    if index == last {
                        self.emit(branch)?;
                        break;
                    }
                    let split = self.push(Instruction::Jump(0))?;
                    self.emit(branch)?;
                    ends.push(self.push(Instruction::Jump(0))?);
                    let other = self.program.len();
                    self.set(split, Instruction::Split(split.saturating_add(1), other));
                }
                let end = self.program.len();
                for at in ends {
                    self.set(at, Instruction::Jump(end));
                }
            }
            Tree::Repeat { tree, min, max } => self.repeat(tree, *min, *max)?,
        }
        Ok(())
    }

    fn assert(&mut self, assertion: Assertion) -> Result<(), RegexError> {
        self.push(Instruction::Assert(assertion)).map(|_| ())
    }

    fn repeat(&mut self, tree: &Tree, min: u32, max: Option<u32>) -> Result<(), RegexError> {
        for _ in 0..min {
            let before = self.program.len();
            self.emit(tree)?;
            if self.program.len() == before {
                // Nothing, however often, is nothing.
                return Ok(());
            }
        }
        match max {
            None => {
                let split = self.push(Instruction::Jump(0))?;
                self.emit(tree)?;
                self.push(Instruction::Jump(split))?;
                let end = self.program.len();
                self.set(split, Instruction::Split(split.saturating_add(1), end));
            }
            Some(max) => {
                let mut splits = Vec::new();
                for _ in min..max {
                    splits.push(self.push(Instruction::Jump(0))?);
                    self.emit(tree)?;
                }
                let end = self.program.len();
                for at in splits {
                    self.set(at, Instruction::Split(at.saturating_add(1), end));
                }
            }
        }
        Ok(())
    }
}

impl Assertion {
    fn holds(self, before: Option<char>, after: Option<char>) -> bool {
        let is_word = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_ascii_alphanumeric());
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::LineStart => before.is_none_or(|c| c == '\n'),
            Self::LineEnd => after.is_none_or(|c| c == '\n'),
            Self::WordBoundary(is) => (is_word(before) != is_word(after)) == is,
        }
    }
}

/// A set of states in the order of their arrival.
struct States {
    list: Vec<usize>,
    member: Vec<bool>,
}

impl States {
    fn new(len: usize) -> Self {
        Self { list: Vec::new(), member: vec![false; len] }
    }

    fn insert(&mut self, state: usize) -> bool {
        match self.member.get_mut(state) {
            Some(member) if !*member => {
                *member = true;
                self.list.push(state);
                true
            }
            _ => false,
        }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.member.fill(false);
    }
}
