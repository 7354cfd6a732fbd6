//! Settings of the network policies.

use std::path::PathBuf;

use super::json::JsonData;
use super::non_empty;
use crate::policies::PolicySource;

/// Reads the policies' part.
pub(super) fn read(json: JsonData) -> PolicySource {
    PolicySource {
        folder: non_empty(json.policies_folder.as_ref()).map(PathBuf::from),
        namespace: non_empty(json.policies_namespace.as_ref()),
        text: json.policies_text.filter(|text| !text.trim().is_empty()),
    }
}
