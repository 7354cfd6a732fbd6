//! Where the data source has its network policies.

use std::path::PathBuf;

use serde::Deserialize;

use crate::policies::PolicySource;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JsonData {
    /// YAML or JSON.
    #[serde(rename = "policiesText")]
    text: Option<String>,
    #[serde(rename = "policiesFolder")]
    folder: Option<String>,
    #[serde(rename = "policiesNamespace")]
    namespace: Option<String>,
}

impl From<JsonData> for PolicySource {
    fn from(json: JsonData) -> Self {
        let folder = super::non_empty(json.folder.as_ref());
        Self {
            text: json.text.filter(|text| !text.trim().is_empty()),
            folder: folder.map(PathBuf::from),
            namespace: super::non_empty(json.namespace.as_ref()),
        }
    }
}
