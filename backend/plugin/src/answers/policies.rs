//! Answers to queries for the data source's network policies.

use execution::Consumer;
use frames::{Frame, Meta, policy_files};
use serde_json::{Value, json};
use wording::Notice;

use super::QueryError;
use crate::instance::Instance;
use crate::policies::PolicyFreshness;

/// Field of frames that says how fresh the policies of a cluster are.
const FRESHNESS: &str = "policiesFreshness";

/// One frame with a row for each file.
///
/// Errors: the settings cannot be used, or the files were not read.
pub(super) async fn frames(
    instance: &Instance,
    consumer: Consumer,
) -> Result<Vec<Frame>, QueryError> {
    let policies = instance.policies()?;
    let files = policies.files(instance.caller(consumer)).await?;
    let mut meta = Meta { notices: files.notices.clone(), ..Meta::default() };
    if let Some(freshness) = &files.freshness {
        meta.custom.insert(FRESHNESS.to_owned(), freshness.json());
    }
    let namespace = policies.source().namespace.as_deref();
    Ok(vec![policy_files(&files.files, files.changed_ms, namespace, meta)])
}

/// Revision of the policies, empty without policies and `None` if none are configured, and how fresh those of
/// the cluster are.
///
/// Errors: a notice that the policies were not read.
pub(crate) async fn revision(
    instance: &Instance,
    consumer: Consumer,
) -> Result<(Option<String>, Option<PolicyFreshness>), Notice> {
    let Ok(policies) = instance.policies() else { return Ok((None, None)) };
    let revision = policies.revision(instance.caller(consumer)).await;
    revision.map_err(|error| Notice::warning(format!("the policies are not shown: {error}")))
}

/// The fields of an answer's metadata about policies.
pub(crate) fn facts(
    revision: Option<String>,
    freshness: Option<PolicyFreshness>,
) -> impl Iterator<Item = (&'static str, Value)> {
    let revision = revision.map(|own| ("policiesRevision", json!(own)));
    revision.into_iter().chain(freshness.map(|own| (FRESHNESS, own.json())))
}

/// Writes the revision, or the notice why it is unknown, into the frames of packed flows. By it the panel
/// chooses its Wasm module before it unpacks, and asks for policies only where there are others.
pub(super) fn name_revision(
    frames: &mut [Frame],
    revision: Result<(Option<String>, Option<PolicyFreshness>), Notice>,
) {
    match revision {
        Ok((revision, freshness)) => {
            let facts: Vec<(&str, Value)> = facts(revision, freshness).collect();
            for frame in frames {
                for (name, value) in &facts {
                    frame.meta.custom.insert((*name).to_owned(), value.clone());
                }
            }
        }
        Err(notice) => {
            if let Some(first) = frames.first_mut() {
                first.meta.notices.push(notice);
            }
        }
    }
}
