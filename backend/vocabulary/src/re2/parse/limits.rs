//! Go's limits on nesting, program size and nested repetitions. Source: regexp/syntax
//! `checkLimits`, `calcSize`, `calcHeight`, `repeatIsValid`.

use super::{Ast, Reason};
use crate::re2::class::{Class, Item};
use crate::re2::unicode::Set;

/// Greatest height of a syntax tree.
const MAX_HEIGHT: u32 = 1000;
/// Largest program of Go, in instructions.
pub(in crate::re2) const MAX_SIZE: usize = (128 << 20) / 40;
/// Most repetitions, with the counts of nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// Syntax tree with its measures.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) tree: Ast,
    height: u32,
    size: usize,
    /// Count of a counted repetition; `None` for other nodes.
    count: Option<u32>,
    /// Whether it is a capturing group, which never merges with its neighbours.
    is_group: bool,
}

/// Go's counters while it parses. Sizes are checked only once they could exceed the limit.
#[derive(Debug, Default)]
pub(super) struct Limits {
    nodes: usize,
    free: usize,
    /// Product of all counts, capped at [`MAX_SIZE`].
    repeats: usize,
    is_sized: bool,
}

impl Limits {
    /// Counts a new node, or the reuse of a freed one.
    pub(super) fn allocate(&mut self) {
        match self.free.checked_sub(1) {
            Some(free) => self.free = free,
            None => self.nodes = self.nodes.saturating_add(1),
        }
    }

    /// Marks a node as free.
    pub(super) fn free(&mut self) {
        self.free = self.free.saturating_add(1);
    }

    /// Checks a node against the limits. Errors: Go's reasons.
    pub(super) fn check<'n>(
        &mut self,
        node: &Node,
        mut stack: impl Iterator<Item = &'n Node>,
    ) -> Result<(), Reason> {
        let is_large = |node: &Node| node.size > MAX_SIZE;
        // A repetition counts each time it is checked.
        let count = node.count.map_or(1, |count| (count as usize).max(1));
        self.repeats = self.repeats.max(1).saturating_mul(count).min(MAX_SIZE);
        if !self.is_sized && self.nodes >= MAX_SIZE / self.repeats.max(1) {
            self.is_sized = true;
            if stack.any(is_large) {
                return Err(Reason::TooLarge);
            }
        }
        if self.is_sized && is_large(node) {
            return Err(Reason::TooLarge);
        }
        if node.height > MAX_HEIGHT { Err(Reason::TooDeep) } else { Ok(()) }
    }
}

impl Node {
    /// Node without children.
    pub(super) const fn leaf(tree: Ast) -> Self {
        Self { tree, height: 1, size: 1, count: None, is_group: false }
    }

    /// Appends another text. False if the nodes are not both texts, or differ in case folding.
    pub(super) fn append_chars(&mut self, other: &mut Self) -> bool {
        if self.is_group || other.is_group {
            return false;
        }
        let (Ast::Chars { codes, folds }, Ast::Chars { codes: more, folds: folds_more }) =
            (&mut self.tree, &mut other.tree)
        else {
            return false;
        };
        if folds != folds_more {
            return false;
        }
        codes.append(more);
        self.size = codes.len();
        true
    }

    /// The node as a capturing group.
    pub(super) fn captured(self) -> Self {
        Self {
            height: self.height.saturating_add(1),
            size: self.size.saturating_add(2),
            count: None,
            tree: self.tree,
            is_group: true,
        }
    }

    /// The node, repeated.
    pub(super) fn repeated(self, is_counted: bool, min: u32, max: Option<u32>) -> Self {
        let own = self.size;
        let size = match (is_counted, min, max) {
            (_, 0, None) => own.saturating_add(2),
            (false, ..) => own.saturating_add(1),
            (true, min, None) => own.saturating_mul(min as usize).saturating_add(1),
            (true, min, Some(max)) => {
                own.saturating_mul(max as usize).saturating_add(max.saturating_sub(min) as usize)
            }
        };
        let tree = Ast::Repeat { tree: Box::new(self.tree), min, max };
        let count = is_counted.then(|| max.unwrap_or(min));
        Self {
            tree,
            height: self.height.saturating_add(1),
            size: size.max(1),
            count,
            is_group: false,
        }
    }

    /// Several nodes as one. Nodes of the same kind are merged into it; the second value counts
    /// them.
    pub(super) fn of_all(nodes: Vec<Self>, is_concat: bool) -> (Self, usize) {
        let between = if is_concat { 0 } else { nodes.len().saturating_sub(1) };
        let mut node = Self::leaf(Ast::Empty);
        node.size = nodes.iter().fold(between, |size, node| size.saturating_add(node.size)).max(1);
        let mut freed = 0_usize;
        let mut trees = Vec::new();
        for Self { tree, height, is_group, .. } in nodes {
            let is_opened = match (tree, is_concat) {
                (Ast::Concat(mut own), true) | (Ast::Alternate(mut own), false) if !is_group => {
                    trees.append(&mut own);
                    freed = freed.saturating_add(1);
                    true
                }
                (tree, _) => {
                    trees.push(tree);
                    false
                }
            };
            node.height =
                node.height.max(if is_opened { height } else { height.saturating_add(1) });
        }
        node.tree = if is_concat { Ast::Concat(trees) } else { Ast::Alternate(trees) };
        (node, freed)
    }

    /// Whether the node is a single character.
    pub(super) fn is_char(&self) -> bool {
        match &self.tree {
            _ if self.is_group => false,
            Ast::Chars { codes, .. } => codes.len() == 1,
            Ast::Class(_) => true,
            _ => false,
        }
    }

    /// Unites two characters into one class.
    pub(super) fn unite(&mut self, other: &Self, classes: &mut Vec<Class>) {
        let index = if let Ast::Class(index) = self.tree {
            index
        } else {
            let own = items(&self.tree, classes);
            classes.push(Class(own));
            u32::try_from(classes.len().saturating_sub(1)).unwrap_or(u32::MAX)
        };
        let mut more = items(&other.tree, classes);
        if let Some(Class(own)) = classes.get_mut(index as usize) {
            own.append(&mut more);
        }
        self.tree = Ast::Class(index);
    }
}

/// Items of a single character. A class gives up its own.
fn items(tree: &Ast, classes: &mut [Class]) -> Vec<Item> {
    match tree {
        Ast::Chars { codes, folds } => codes
            .iter()
            .map(|code| Item::Set {
                set: Set::Range(*code, *code),
                is_negated: false,
                folds: *folds,
            })
            .collect(),
        Ast::Class(class) => classes
            .get_mut(*class as usize)
            .map(|class| std::mem::take(&mut class.0))
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Whether all nested repetitions together stay within [`MAX_REPEAT`].
pub(super) fn repeats_fit(tree: &Ast) -> bool {
    fn fit(tree: &Ast, most: u32) -> bool {
        match tree {
            Ast::Repeat { max: Some(0), .. } => true,
            Ast::Repeat { tree, min, max } => {
                let count = max.unwrap_or(*min);
                count <= most && fit(tree, most / count.max(1))
            }
            Ast::Concat(parts) | Ast::Alternate(parts) => parts.iter().all(|part| fit(part, most)),
            _ => true,
        }
    }
    fit(tree, MAX_REPEAT)
}
