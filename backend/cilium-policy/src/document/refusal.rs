//! Refusals of documents.

use crate::{Position, source::SyntaxError};

/// A refused document, or an object other than a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The index of the source text.
    pub source: usize,
    /// The number of the document in its text, from 1.
    pub document: usize,
    /// The name as `Kind/namespace/name`, as far as it could be read.
    pub name: String,
    /// The refusal.
    pub refusal: Refusal,
}

/// The reason and place of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", note.map(|note| format!(" ({note})")).unwrap_or_default())]
pub struct Refusal {
    /// The class of the refusal.
    pub class: RefusalClass,
    /// The case of the refusal.
    pub case: RefusalCase,
    /// Whether it concerns one of the rules in `specs`: the other rules are refused with it.
    pub is_in_specs: bool,
    /// The message of Cilium.
    pub reason: String,
    /// A note that completes Cilium's message.
    pub note: Option<&'static str>,
    /// The place of the error.
    pub at: Position,
}

/// The cases of refusal with a known remedy. If two apply, the first one here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCase {
    /// The field `fromRequires` or `toRequires` of older releases.
    RemovedField,
    /// An unknown field.
    UnknownField,
    /// A boolean in place of a text: `yes` and `on` are booleans in YAML 1.1.
    UnquotedBoolean,
    /// A value of the wrong type.
    WrongType,
    /// A Cilium policy without a rule.
    NoRules,
    /// Two kinds of peers in one rule, such as `toEntities` beside `toCIDR`.
    TwoPeerKinds,
    /// Any other case.
    Other,
}

/// The classes of refusal, by the component that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalClass {
    /// A text that is neither YAML nor JSON.
    Syntax,
    /// An object of another kind; this is normal in a folder of manifests.
    NotAPolicy,
    /// An object that the engine reads beside policies, such as a Service.
    Read,
    /// An unknown field, or a value of the wrong type.
    Field,
    /// A well-formed document that Cilium refuses.
    Invalid,
    /// A kind or version that no server has, close to that of a policy.
    UnknownKind,
    /// A document that the API server refuses; nothing is in force.
    Server,
    /// A document that `kubectl apply` refuses. Without strict validation, the server stores it
    /// without the named fields, and the engine judges it in that form.
    Strict,
}

impl RefusalClass {
    /// The start of a sentence: the component that refuses, and the effect on the document.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Syntax => "Kubernetes cannot read this document",
            Self::NotAPolicy | Self::Read => "This is not a network policy",
            Self::Field | Self::Invalid => {
                "Cilium refuses this policy, and nothing of it is enforced"
            }
            Self::UnknownKind => "No server knows such a document, and nothing of it is enforced",
            Self::Server => "The API server refuses this policy, and nothing of it is enforced",
            Self::Strict => {
                "kubectl refuses this policy; without strict validation (a GitOps controller, an older kubectl), the server stores it without the unknown fields, and it is judged in that form"
            }
        }
    }

    /// Whether the document leaves a gap in the set of policies. False for objects of other kinds,
    /// which are normal among manifests.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(self, Self::NotAPolicy | Self::Read)
    }

    /// A stable word for programs.
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

    /// Adds kind and part of the document (`spec`, `specs`) before a validation message.
    pub(crate) fn within(mut self, kind: &str, part: &str) -> Self {
        if self.class == RefusalClass::Invalid {
            self.reason = format!("Invalid {kind} {part}: {}", self.reason);
            self.is_in_specs = part == "specs";
        }
        self
    }
}

impl RefusalCase {
    /// The case for a value of the wrong type.
    pub(crate) const fn of_type(is_boolean: bool) -> Self {
        if is_boolean { Self::UnquotedBoolean } else { Self::WrongType }
    }
}

impl From<SyntaxError> for Refusal {
    fn from(err: SyntaxError) -> Self {
        Self::new(RefusalClass::Syntax, err.at, err.reason)
    }
}
