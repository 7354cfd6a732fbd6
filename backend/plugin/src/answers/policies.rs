//! Answers to queries for the data source's network policies.

use frames::{Frame, Meta, policy_files};
use serde_json::json;

use super::QueryError;
use crate::instance::Instance;
use crate::policies::{PolicyFiles, Roots};

/// One frame with a row for each file.
///
/// Errors: the settings cannot be used.
pub(super) async fn frames(instance: &Instance) -> Result<Vec<Frame>, QueryError> {
    let source = instance.settings()?.policies.clone();
    let namespace = source.namespace.clone();
    let read = tokio::task::spawn_blocking(move || source.read(&Roots::from_environment()));
    // The task is not aborted and does not panic.
    let PolicyFiles { files, changed_ms, notices } = read.await.unwrap_or_default();
    let meta = Meta { notices, ..Meta::default() };
    Ok(vec![policy_files(&files, changed_ms, namespace.as_deref(), meta)])
}

/// Revision of the policies; empty without files, `None` if no policies are configured.
pub(super) async fn revision(instance: &Instance) -> Option<String> {
    let source = instance.settings().ok()?.policies.clone();
    let read = tokio::task::spawn_blocking(move || source.revision(&Roots::from_environment()));
    // As above.
    read.await.ok().flatten()
}

/// Names the revision in the frames of packed flows: by it the panel chooses its Wasm module before
/// it unpacks, and asks for policies only where there are others.
pub(super) fn name_revision(frames: &mut [Frame], revision: Option<&str>) {
    for frame in frames {
        if let Some(revision) = revision {
            frame.meta.custom.insert("policiesRevision".to_owned(), json!(revision));
        }
    }
}
