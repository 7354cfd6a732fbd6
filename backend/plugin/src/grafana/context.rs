//! Grafana's stored settings of a data source, from a call's context.

use std::collections::BTreeMap;

use plugin_protocol::{PluginContext, Status};
use secret::Secret;
use settings::StoredSettings;

/// The data source of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CalledDataSource {
    /// Grafana's organisation.
    pub(crate) org_id: i64,
    /// The data source's uid, unique within the organisation.
    pub(crate) uid: String,
    /// Time of the last change to the settings, in Unix milliseconds.
    pub(crate) updated_ms: i64,
    /// The stored settings.
    pub(crate) stored: StoredSettings,
}

/// Error for a call without a data source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call carries no data source settings")]
pub(crate) struct NoDataSource;

impl From<NoDataSource> for Status {
    fn from(error: NoDataSource) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl TryFrom<Option<PluginContext>> for CalledDataSource {
    type Error = NoDataSource;

    fn try_from(context: Option<PluginContext>) -> Result<Self, NoDataSource> {
        let context = context.ok_or(NoDataSource)?;
        let settings = context.data_source_instance_settings.ok_or(NoDataSource)?;
        Ok(Self {
            org_id: context.org_id,
            uid: settings.uid,
            updated_ms: settings.last_updated_ms,
            stored: StoredSettings {
                url: settings.url,
                json_data: settings.json_data,
                secrets: secrets(settings.decrypted_secure_json_data),
            },
        })
    }
}

/// Login of the person who calls, unique within Grafana; empty for anonymous people.
pub(super) fn login(context: Option<&PluginContext>) -> String {
    let user = context.and_then(|context| context.user.as_ref());
    user.map(|user| user.login.clone()).unwrap_or_default()
}

fn secrets(decrypted: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
    decrypted.into_iter().filter_map(|(name, text)| Some((name, Secret::new(&text)?))).collect()
}
