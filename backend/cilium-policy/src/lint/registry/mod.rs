//! The registry of lints: one type for each, with its id, its severities and its documentation.
//!
//! A finding is made through such a type ([`Finding::of`](crate::Finding::of)), so that an id or a severity
//! cannot be written where a lint looks at policies. `docs/lints.md` follows from the documentation.

mod effects;
mod names;
mod peers;
mod ports;
mod refusals;

pub use self::{effects::*, names::*, peers::*, ports::*, refusals::*};
use super::severity::Severity;

/// A lint; types of [`declare_lints!`](crate::declare_lints) are lints.
pub trait Lint {
    /// Name for programs, which never changes: `empty-direction`.
    const ID: &'static str;
    /// Severity of a finding, unless [`Finding::graded`](crate::Finding::graded) says another one.
    const SEVERITY: Severity;
    /// Severities that a finding may have instead.
    const OTHERS: &'static [Severity];
    /// Documentation in Markdown, each line after a blank. The first line is the title; the headings are
    /// "What it means", "Why it matters", "Example" and "Fix".
    ///
    /// Blocks of the example are marked `fires` or `silent` after their language: `yaml` for policies, `jsonl` for
    /// flows as `hubble observe -o jsonpb` writes them. `NAME:VALUE` behind that is a setting. Policies that
    /// begin with `spec:` are those of a CiliumNetworkPolicy. Silent are the policies that fire, where there are only
    /// flows that are silent.
    const DOC: &'static str;
}

/// Entry of a lint in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// [`Lint::ID`].
    pub id: &'static str,
    /// [`Lint::SEVERITY`].
    pub severity: Severity,
    /// [`Lint::OTHERS`].
    pub others: &'static [Severity],
    /// [`Lint::DOC`].
    pub doc: &'static str,
}

impl Description {
    /// The description of a lint.
    #[must_use]
    pub const fn of<L: Lint>() -> Self {
        Self { id: L::ID, severity: L::SEVERITY, others: L::OTHERS, doc: L::DOC }
    }

    /// First line of the documentation: a noun phrase that names what is found.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.lines().next().unwrap_or_default()
    }

    /// Lines of the documentation.
    pub fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line))
    }
}

/// Lints about policies alone. Not for the browser, whose module would carry the documentation.
pub fn all() -> impl Iterator<Item = &'static Description> {
    [refusals::ALL, effects::ALL, peers::ALL, ports::ALL, names::ALL].into_iter().flatten()
}

/// Declares lints: documentation as [`Lint::DOC`] wants it, name of the type, severity, where there are some the others
/// that it may have instead, and id. `ALL` lists them.
#[macro_export]
macro_rules! declare_lints {
    ($($(#[doc = $doc:literal])+ $name:ident: $severity:ident $(or $other:ident)* = $id:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl $crate::Lint for $name {
                const ID: &'static str = $id;
                const SEVERITY: $crate::Severity = $crate::Severity::$severity;
                const OTHERS: &'static [$crate::Severity] = &[$($crate::Severity::$other),*];
                const DOC: &'static str = concat!($($doc, "\n"),+);
            }
        )+

        /// Every lint that is declared here.
        pub(super) const ALL: &[$crate::Description] = &[$($crate::Description::of::<$name>()),+];
    };
}
