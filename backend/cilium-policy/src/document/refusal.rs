//! Why a document is refused.

use crate::{Position, source::SyntaxError};

/// One refused document, or one that is not a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Index of the source text.
    pub source: usize,
    /// Number of the document in its text, from 1.
    pub document: usize,
    /// `Kind/namespace/name`, as far as it could be read.
    pub name: String,
    /// Why.
    pub refusal: Refusal,
}

/// Why a document is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", note.map(|note| format!(" ({note})")).unwrap_or_default())]
pub struct Refusal {
    /// Who refuses.
    pub class: RefusalClass,
    /// What is wrong.
    pub case: RefusalCase,
    /// Whether it is about one of the rules in `specs`: the others are refused with it.
    pub is_in_specs: bool,
    /// In Cilium's words.
    pub reason: String,
    /// What Cilium's words leave out.
    pub note: Option<&'static str>,
    /// The place that is to blame.
    pub at: Position,
}

/// What is wrong with a refused document, where there is a remedy for it. Of two, the first here is
/// what is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCase {
    /// `fromRequires` or `toRequires`, which older releases had.
    RemovedField,
    /// A field that does not exist.
    UnknownField,
    /// A boolean where a text belongs: `yes` and `on` are booleans of YAML 1.1.
    UnquotedBoolean,
    /// A value of another type.
    WrongType,
    /// A policy of Cilium without a rule.
    NoRules,
    /// Two kinds of peers in one rule, as `toEntities` beside `toCIDR`.
    TwoPeerKinds,
    /// Anything else.
    Other,
}

/// Kinds of refusal, by who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalClass {
    /// Neither YAML nor JSON.
    Syntax,
    /// Another kind of object; no error in a folder of manifests.
    NotAPolicy,
    /// An object that says who is there, as a Service: no policy, and read all the same.
    Read,
    /// A field that does not exist, or a value of the wrong type.
    Field,
    /// Well formed, but Cilium refuses it.
    Invalid,
    /// No server has such a kind, or such a version of it; a policy was meant.
    UnknownKind,
    /// The API server refuses it, and so nothing is in force.
    Server,
    /// `kubectl apply` refuses it; where nothing asks for strictness, it is stored without what is
    /// named here, and judged so.
    Strict,
}

impl RefusalClass {
    /// Who refuses, and what becomes of the document: the beginning of a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Syntax => "Kubernetes cannot read this document",
            Self::NotAPolicy | Self::Read => "This is not a network policy",
            Self::Field | Self::Invalid => {
                "Cilium refuses this policy, and nothing of it is enforced"
            }
            Self::UnknownKind => "No server knows such a document, and nothing of it is enforced",
            Self::Server => "The API server refuses this policy, and nothing of it is enforced",
            Self::Strict => {
                "kubectl refuses this policy; what does not ask for strictness (a GitOps controller, an older kubectl) stores it without what is unknown, and it is judged so"
            }
        }
    }

    /// Whether a set of policies with such a document is not what it seems; false: it is an object
    /// of others, which is not an error among manifests.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(self, Self::NotAPolicy | Self::Read)
    }

    /// A word for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::NotAPolicy | Self::Read => "not-a-policy",
            Self::Field => "field",
            Self::Invalid => "invalid",
            Self::UnknownKind => "unknown-kind",
            Self::Server => "not-stored",
            Self::Strict => "not-strict",
        }
    }
}

impl Refusal {
    pub(crate) const fn new(class: RefusalClass, at: Position, reason: String) -> Self {
        let (case, note) = (RefusalCase::Other, None);
        Self { class, case, is_in_specs: false, reason, note, at }
    }

    pub(crate) fn invalid(at: Position, reason: impl Into<String>) -> Self {
        Self::new(RefusalClass::Invalid, at, reason.into())
    }

    pub(crate) fn field(at: Position, reason: &str) -> Self {
        let reason = format!("error unmarshaling JSON: while decoding JSON: {reason}");
        Self::new(RefusalClass::Field, at, reason)
    }

    pub(crate) const fn server(at: Position, reason: String) -> Self {
        Self::new(RefusalClass::Server, at, reason)
    }

    pub(crate) const fn of_case(mut self, case: RefusalCase) -> Self {
        self.case = case;
        self
    }

    pub(crate) const fn noted(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// Puts kind and part of the document (`spec`, `specs`) before a reason of validation.
    pub(crate) fn within(mut self, kind: &str, part: &str) -> Self {
        if self.class == RefusalClass::Invalid {
            self.reason = format!("Invalid {kind} {part}: {}", self.reason);
            self.is_in_specs = part == "specs";
        }
        self
    }
}

impl RefusalCase {
    /// The case of a value of another type.
    pub(crate) const fn of_type(is_boolean: bool) -> Self {
        if is_boolean { Self::UnquotedBoolean } else { Self::WrongType }
    }
}

impl From<SyntaxError> for Refusal {
    fn from(err: SyntaxError) -> Self {
        Self::new(RefusalClass::Syntax, err.at, err.reason)
    }
}
