//! Additions to existing policies, one after the other; the text is read again before each.

use std::sync::Arc;

use cilium_policy::{PolicyId, PolicySet, Settings, SourceText, source::split};

use super::{Draft, Edit, MAX_EDITS, location, new_policies, rules::Rules};

/// One document of a text, with the edits so far.
struct Piece {
    /// Index of the text.
    source: usize,
    /// Bytes before the document, and the document's length, in the original text.
    start: usize,
    len: usize,
    text: String,
}

/// Adds rule after rule to existing policies; the remaining rules become new policies.
pub(super) fn make(
    texts: &[SourceText<'_>],
    settings: &Settings,
    before: &Arc<PolicySet>,
    mut rules: Rules,
) -> Draft {
    let mut draft = Draft::default();
    let mut pieces: Vec<Piece> = Vec::new();
    for (subject, own) in &mut rules {
        if draft.edits.len() >= MAX_EDITS {
            break;
        }
        // Only documents that select the subject are read again.
        let mut hosts: Vec<usize> = location::policies_of(before, subject)
            .into_iter()
            .filter_map(|policy| piece_of(&mut pieces, texts, before, policy))
            .collect();
        let position = |piece: &usize| pieces.get(*piece).map(|own| (own.source, own.start));
        cilium_policy::sorted::sort_by(&mut hosts, |one, other| {
            position(one).cmp(&position(other))
        });
        hosts.dedup();
        if hosts.is_empty() {
            continue;
        }
        let mut set = PolicySet::read(&current(&pieces, &hosts, None), settings.clone());
        own.retain(|(key, body)| {
            if draft.edits.len() >= MAX_EDITS {
                return true;
            }
            let now = current(&pieces, &hosts, None);
            let Some(edit) = location::find(&set, &now, settings, subject, key, body) else {
                return true;
            };
            let Some(host) = hosts.get(edit.source).copied() else { return true };
            let Some(piece) = pieces.get(host) else { return true };
            let mut changed = piece.text.clone();
            if !changed.is_char_boundary(edit.offset) {
                return true;
            }
            changed.insert_str(edit.offset, &edit.inserted);
            let texts_now = current(&pieces, &hosts, Some((host, &changed)));
            let edited = PolicySet::read(&texts_now, settings.clone());
            // Documents stay readable, and nothing changes besides the addition.
            if edited.refused().len() != set.refused().len()
                || edited.policies().len() != set.policies().len()
            {
                return true;
            }
            let offset = edit.offset.saturating_add(begin(&pieces, piece));
            draft.edits.push(Edit { source: piece.source, offset, ..edit });
            if let Some(piece) = pieces.get_mut(host) {
                piece.text = changed;
            }
            set = edited;
            false
        });
    }
    draft.texts = whole(texts, pieces);
    rules.retain(|(_, own)| !own.is_empty());
    draft.yaml = new_policies::policies(&rules, before);
    draft
}

/// Index of a policy's document.
fn piece_of(
    pieces: &mut Vec<Piece>,
    texts: &[SourceText<'_>],
    set: &PolicySet,
    policy: PolicyId,
) -> Option<usize> {
    let policy = set.policies().get(policy)?;
    let text = texts.iter().find(|text| text.index == policy.source)?;
    let chunk = split(text.text).into_iter().rfind(|own| own.first_line <= policy.at.line)?;
    let start = chunk.text.as_ptr().addr().checked_sub(text.text.as_ptr().addr())?;
    let is_it = |own: &Piece| (own.source, own.start) == (text.index, start);
    if let Some(known) = pieces.iter().position(is_it) {
        return Some(known);
    }
    let (source, len, text) = (text.index, chunk.text.len(), chunk.text.to_owned());
    pieces.push(Piece { source, start, len, text });
    pieces.len().checked_sub(1)
}

/// The documents as separate texts, one of them in its new version.
fn current<'p>(
    pieces: &'p [Piece],
    hosts: &[usize],
    changed: Option<(usize, &'p str)>,
) -> Vec<SourceText<'p>> {
    let text = |host: usize| match changed {
        Some((own, text)) if own == host => text,
        _ => pieces.get(host).map_or("", |piece| piece.text.as_str()),
    };
    hosts.iter().zip(0..).map(|(host, index)| SourceText { index, text: text(*host) }).collect()
}

/// Bytes before a document, insertions into earlier documents included.
fn begin(pieces: &[Piece], of: &Piece) -> usize {
    let before = pieces.iter().filter(|own| own.source == of.source && own.start < of.start);
    before.fold(of.start, |sum, own| sum.saturating_add(own.text.len().saturating_sub(own.len)))
}

/// The changed texts, by index.
fn whole(texts: &[SourceText<'_>], mut pieces: Vec<Piece>) -> Vec<(usize, String)> {
    pieces.retain(|piece| piece.text.len() != piece.len);
    // The last one first, so that the places of the others stay valid.
    cilium_policy::sorted::sort_by(&mut pieces, |one, other| {
        (one.source, other.start).cmp(&(other.source, one.start))
    });
    let mut whole: Vec<(usize, String)> = Vec::new();
    for Piece { source, start, len, text } in pieces {
        if whole.last().is_none_or(|(last, _)| *last != source) {
            let Some(own) = texts.iter().find(|own| own.index == source) else { continue };
            whole.push((source, own.text.to_owned()));
        }
        if let Some((_, own)) = whole.last_mut() {
            let end = start.saturating_add(len);
            if let (Some(head), Some(tail)) = (own.get(..start), own.get(end..)) {
                *own = [head, &text, tail].concat();
            }
        }
    }
    whole
}
