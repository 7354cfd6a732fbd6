//! Where the data source has its network policies.

use std::path::PathBuf;

use serde::Deserialize;

use crate::policies::PolicySource;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JsonData {
    /// YAML or JSON.
    policies_text: Option<String>,
    policies_folder: Option<String>,
    policies_namespace: Option<String>,
}

impl From<JsonData> for PolicySource {
    fn from(json: JsonData) -> Self {
        let folder = super::non_empty(json.policies_folder.as_ref());
        Self {
            text: json.policies_text.filter(|text| !text.trim().is_empty()),
            folder: folder.map(PathBuf::from),
            namespace: super::non_empty(json.policies_namespace.as_ref()).map(str::to_owned),
        }
    }
}
