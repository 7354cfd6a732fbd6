//! Ids for the items of a set of policies, and the arenas that assign them.

use std::marker::PhantomData;

/// The id of a rule (an [`Entry`](crate::Entry)) in a set; only that set assigns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u32);

/// The id of a policy in a set; only that set assigns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId(u32);

/// The id of a distinct subject selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectId(u32);

/// The id of a distinct peer matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MatcherId(u32);

/// An index with a type of its own.
pub trait Id: Copy {
    /// The id for an index. A set holds far fewer items than `u32` can count: its texts are
    /// bounded.
    fn new(index: usize) -> Self;

    /// The index.
    fn index(self) -> usize;
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Id for $id {
            fn new(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids!(EntryId, PolicyId, SubjectId, MatcherId);

/// Items of one kind in the order of insertion, each with an id.
#[derive(Debug, Clone, PartialEq)]
pub struct Arena<I, T> {
    items: Vec<T>,
    ids: PhantomData<I>,
}

impl<I, T> Default for Arena<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), ids: PhantomData }
    }
}

impl<I: Id, T> Arena<I, T> {
    /// The item of an id. `None` if another arena assigned the id.
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the arena is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The items with their ids.
    pub fn numbered(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (I::new(index), item))
    }

    /// Adds an item and returns its id.
    pub(crate) fn push(&mut self, item: T) -> I {
        let id = self.next();
        self.items.push(item);
        id
    }

    /// The id of the next item.
    pub(crate) fn next(&self) -> I {
        I::new(self.items.len())
    }

    /// The items, mutable.
    pub(crate) fn all_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// The item for an id of this arena.
    #[inline]
    pub(crate) fn at(&self, id: I) -> &T {
        #[expect(
            clippy::indexing_slicing,
            reason = "the arena made the id, and never loses a thing; a rule that is not there must not pass for one that does not match"
        )]
        &self.items[id.index()]
    }
}

impl<'a, I: Id, T> IntoIterator for &'a Arena<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
