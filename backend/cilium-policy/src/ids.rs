//! Ids of what a set of policies holds, and the arenas that give them out.

use std::marker::PhantomData;

/// Identifies a rule (an [`Entry`](crate::Entry)) of a set; made by that set alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u32);

/// Identifies a policy of a set; made by that set alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId(u32);

/// Identifies a distinct selector of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectId(u32);

/// Identifies a distinct matcher of peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MatcherId(u32);

/// An index with a type of its own.
pub trait Id: Copy {
    /// The id of an index. A set holds far fewer things than `u32` can count: its texts are bounded.
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

/// Things of one kind in the order in which they came, each with an id.
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
    /// The thing of an id. None: the id was made by another arena.
    #[must_use]
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Every thing.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Every thing with its id.
    pub fn numbered(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (I::new(index), item))
    }

    /// Adds a thing and gives its id.
    pub(crate) fn push(&mut self, item: T) -> I {
        let id = self.next();
        self.items.push(item);
        id
    }

    /// The id of the next thing.
    pub(crate) fn next(&self) -> I {
        I::new(self.items.len())
    }

    /// Every thing, to be changed.
    pub(crate) fn all_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// The thing of an id that this arena made.
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
