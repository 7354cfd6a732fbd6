//! Answers to queries for the data source's network policies.

use execution::Consumer;
use frames::{Frame, Meta, policy_files};
use serde_json::json;
use wording::Notice;

use super::QueryError;
use crate::instance::Instance;

/// One frame with a row for each file.
///
/// Errors: the settings cannot be used, or the files were not read.
pub(super) async fn frames(
    instance: &Instance,
    consumer: Consumer,
) -> Result<Vec<Frame>, QueryError> {
    let policies = instance.policies()?;
    let files = policies.files(instance.caller(consumer)).await?;
    let meta = Meta { notices: files.notices.clone(), ..Meta::default() };
    let namespace = policies.source().namespace.as_deref();
    Ok(vec![policy_files(&files.files, files.changed_ms, namespace, meta)])
}

/// Revision of the policies: empty without files, `None` if no policies are configured.
///
/// Errors: a notice that the policies were not read.
pub(crate) async fn revision(
    instance: &Instance,
    consumer: Consumer,
) -> Result<Option<String>, Notice> {
    let Ok(policies) = instance.policies() else { return Ok(None) };
    let revision = policies.revision(instance.caller(consumer)).await;
    revision.map_err(|error| Notice::warning(format!("the policies are not shown: {error}")))
}

/// Writes the revision, or the notice why it is unknown, into the frames of packed flows. By it the panel
/// chooses its Wasm module before it unpacks, and asks for policies only where there are others.
pub(super) fn name_revision(frames: &mut [Frame], revision: Result<Option<String>, Notice>) {
    match revision {
        Ok(None) => {}
        Ok(Some(revision)) => {
            for frame in frames {
                frame.meta.custom.insert("policiesRevision".to_owned(), json!(revision));
            }
        }
        Err(notice) => {
            if let Some(first) = frames.first_mut() {
                first.meta.notices.push(notice);
            }
        }
    }
}
