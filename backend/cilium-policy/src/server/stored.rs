//! A server's answers to the documents of a text.

use super::{kinds::Kind, serve};
use crate::{
    Position,
    document::{Refusal, RefusalClass},
    source::{self, Document, MAX_LISTS, Node},
};

/// What an API server answers to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Why `kubectl apply` refuses it; none: it does not.
    pub strict: Option<Refusal>,
    /// Why it is refused where unknown fields are dropped in silence; none: it is stored.
    pub pruned: Option<Refusal>,
    /// Paths of fields of the spec that the stored object lacks.
    pub dropped: Vec<String>,
}

/// What an API server answers to the documents of a text, in their order; the items of Lists as
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
    /// Of a text that holds no policy.
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
