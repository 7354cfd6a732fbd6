//! A server's answers to the documents of a text.

use super::{kinds::Kind, serve};
use crate::{
    Position,
    document::{Refusal, RefusalClass},
    source::{self, Document, MAX_LISTS, Node},
};

/// The answer of an API server to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The refusal by `kubectl apply`; `None` if it accepts the document.
    pub strict: Option<Refusal>,
    /// The refusal where unknown fields are silently dropped; `None` if the document is stored.
    pub pruned: Option<Refusal>,
    /// The paths of spec fields that the stored object lacks.
    pub dropped: Vec<String>,
}

/// The answers of an API server to the documents of a text, in their order. Items of Lists count as
/// documents of their own. Objects of other kinds are left out.
#[must_use]
pub fn stored(text: &str) -> Vec<Stored> {
    let mut out = Vec::new();
    for chunk in source::split(text) {
        match source::documents(&chunk) {
            Ok(documents) => documents.into_iter().for_each(|one| ask(one, 0, &mut out)),
            Err(err) => out.push(Stored::refused(err.into())),
        }
    }
    out
}

fn ask(document: Document, depth: usize, out: &mut Vec<Stored>) {
    if depth < MAX_LISTS && document.root.list_of().is_some() {
        document.into_items().into_iter().for_each(|item| ask(item, depth + 1, out));
        return;
    }
    let text = |name: &str| document.root.get(name).and_then(Node::as_str);
    let kind = match Kind::of(text("apiVersion"), text("kind")) {
        Kind::Policy(kind) => Some(kind),
        Kind::CidrGroup => None,
        Kind::Foreign(_) => return,
        Kind::Unknown(reason) => {
            let at = document.root.at;
            out.push(Stored::refused(Refusal::new(RefusalClass::UnknownKind, at, reason)));
            return;
        }
    };
    let served = serve(&document, kind);
    out.push(Stored {
        strict: served.strict,
        pruned: served.stored.err(),
        dropped: served.dropped,
    });
}

impl Stored {
    /// The answer for a text without a policy.
    #[must_use]
    pub fn unknown() -> Self {
        let at = Position { line: 1, column: 1 };
        let reason = "there is no policy in it".to_owned();
        Self::refused(Refusal::new(RefusalClass::UnknownKind, at, reason))
    }

    fn refused(refusal: Refusal) -> Self {
        Self { strict: Some(refusal.clone()), pruned: Some(refusal), dropped: Vec::new() }
    }
}
