//! State machine that follows all states of a pattern at once, in time proportional to pattern ×
//! text.
//!
//! By hand, for the browser: `regex-automata`, which filters use in the backend, would add 300 KB to a Wasm
//! module.

use super::{
    class::{Character, Class},
    parse::{Assertion, Ast},
};

/// Most steps taken for one text.
const MAX_STEPS: usize = 64 << 20;

/// Compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program(Vec<Instruction>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instruction {
    Char {
        code: u32,
        folds: bool,
    },
    /// Index of a class in the list of classes.
    Class(u32),
    Assert(Assertion),
    Jump(u32),
    Split(u32, u32),
    Match,
}

/// Error of a program with too many instructions.
struct TooLarge;

impl Program {
    /// Program of a pattern; `None` if it has more than `most` instructions.
    pub(super) fn of(tree: &Ast, most: usize) -> Option<Self> {
        let mut writer = Writer { program: Vec::new(), most };
        writer.emit(tree).ok()?;
        writer.push(Instruction::Match).ok()?;
        Some(Self(writer.program))
    }

    /// Whether the whole text matches; `None` after more than [`MAX_STEPS`] steps.
    pub(super) fn matches(&self, classes: &[Class], text: &str) -> Option<bool> {
        let mut chars = text.chars().peekable();
        let mut previous: Option<char> = None;
        let mut first = 0;
        // Literal prefix of every match. The program never returns to it.
        while let Some(Instruction::Char { code, folds: false }) = self.get(first) {
            let c = chars.next();
            if c.map(u32::from) != Some(code) {
                return Some(false);
            }
            previous = c;
            first = first.saturating_add(1);
        }
        if self.get(first) == Some(Instruction::Match) {
            return Some(chars.next().is_none());
        }
        let mut current = States::new(self.0.len());
        let mut next = States::new(self.0.len());
        let mut steps = 0_usize;
        self.follow(&mut current, first, previous, chars.peek().copied());
        while let Some(c) = chars.next() {
            let after = chars.peek().copied();
            previous = Some(c);
            let mut character = Character::new(u32::from(c));
            steps = steps.saturating_add(current.list.len());
            if steps > MAX_STEPS {
                return None;
            }
            for state in &current.list {
                let is_met = match self.get(*state) {
                    Some(Instruction::Char { code, folds }) => character.is(code, folds),
                    Some(Instruction::Class(class)) => {
                        classes.get(class as usize).is_some_and(|class| character.is_of(class))
                    }
                    _ => false,
                };
                if is_met {
                    self.follow(&mut next, state.saturating_add(1), previous, after);
                }
            }
            std::mem::swap(&mut current, &mut next);
            next.clear();
            if current.list.is_empty() {
                return Some(false);
            }
        }
        Some(current.list.iter().any(|state| self.get(*state) == Some(Instruction::Match)))
    }

    fn get(&self, at: u32) -> Option<Instruction> {
        self.0.get(at as usize).copied()
    }

    /// Adds a state and all states that follow it without reading a character.
    fn follow(&self, states: &mut States, state: u32, before: Option<char>, after: Option<char>) {
        states.open.push(state);
        while let Some(state) = states.open.pop() {
            if !states.insert(state) {
                continue;
            }
            match self.get(state) {
                Some(Instruction::Jump(to)) => states.open.push(to),
                Some(Instruction::Split(one, other)) => states.open.extend([one, other]),
                Some(Instruction::Assert(assertion)) if assertion.holds(before, after) => {
                    states.open.push(state.saturating_add(1));
                }
                _ => {}
            }
        }
    }
}

struct Writer {
    program: Vec<Instruction>,
    most: usize,
}

impl Writer {
    fn push(&mut self, instruction: Instruction) -> Result<u32, TooLarge> {
        if self.program.len() >= self.most {
            return Err(TooLarge);
        }
        let at = self.here();
        self.program.push(instruction);
        Ok(at)
    }

    fn here(&self) -> u32 {
        u32::try_from(self.program.len()).unwrap_or(u32::MAX)
    }

    fn set(&mut self, at: u32, instruction: Instruction) {
        if let Some(slot) = self.program.get_mut(at as usize) {
            *slot = instruction;
        }
    }

    fn emit(&mut self, tree: &Ast) -> Result<(), TooLarge> {
        match tree {
            Ast::Empty => {}
            Ast::Chars { codes, folds } => {
                for code in codes {
                    self.push(Instruction::Char { code: *code, folds: *folds })?;
                }
            }
            Ast::Class(class) => {
                self.push(Instruction::Class(*class))?;
            }
            Ast::Assert(assertion) => {
                self.push(Instruction::Assert(*assertion))?;
            }
            Ast::Concat(trees) => {
                for tree in trees {
                    self.emit(tree)?;
                }
            }
            Ast::Alternate(branches) => {
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
                    let other = self.here();
                    self.set(split, Instruction::Split(split.saturating_add(1), other));
                }
                let end = self.here();
                for at in ends {
                    self.set(at, Instruction::Jump(end));
                }
            }
            Ast::Repeat { tree, min, max } => self.repeat(tree, *min, *max)?,
        }
        Ok(())
    }

    fn repeat(&mut self, tree: &Ast, min: u32, max: Option<u32>) -> Result<(), TooLarge> {
        for _ in 0..min {
            let before = self.program.len();
            self.emit(tree)?;
            if self.program.len() == before {
                // An empty expression stays empty however often it is repeated.
                return Ok(());
            }
        }
        match max {
            None => {
                let split = self.push(Instruction::Jump(0))?;
                self.emit(tree)?;
                self.push(Instruction::Jump(split))?;
                let end = self.here();
                self.set(split, Instruction::Split(split.saturating_add(1), end));
            }
            Some(max) => {
                let mut splits = Vec::new();
                for _ in min..max {
                    splits.push(self.push(Instruction::Jump(0))?);
                    self.emit(tree)?;
                }
                let end = self.here();
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

/// Set of states in the order of insertion.
struct States {
    list: Vec<u32>,
    /// States that still have to be followed.
    open: Vec<u32>,
    /// Position of each state in the list. It may be left over from an earlier text, so the list
    /// decides.
    place: Vec<u32>,
}

impl States {
    fn new(len: usize) -> Self {
        Self { list: Vec::new(), open: Vec::new(), place: vec![0; len] }
    }

    fn insert(&mut self, state: u32) -> bool {
        let at = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        match self.place.get_mut(state as usize) {
            Some(place) if self.list.get(*place as usize) != Some(&state) => {
                *place = at;
                self.list.push(state);
                true
            }
            _ => false,
        }
    }

    /// Empties the set in time proportional to its members, not to the size of the program.
    fn clear(&mut self) {
        self.list.clear();
    }
}
