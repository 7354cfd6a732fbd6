//! Settings of the network policies.

use std::path::PathBuf;

use crate::json::JsonData;
use crate::non_empty;

/// The places of a data source's policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySettings {
    /// YAML or JSON.
    pub text: Option<String>,
    /// Folder on Grafana's machine, as written.
    pub folder: Option<PathBuf>,
    /// Namespace of documents without one.
    pub namespace: Option<String>,
}

/// Reads the policies' part.
pub(crate) fn read(json: JsonData) -> PolicySettings {
    PolicySettings {
        folder: non_empty(json.policies_folder.as_ref()).map(PathBuf::from),
        namespace: non_empty(json.policies_namespace.as_ref()),
        text: json.policies_text.filter(|text| !text.trim().is_empty()),
    }
}
