//! Grafana's settings of a data source, taken from a call's context.

use std::collections::BTreeMap;

use plugin_protocol::{PluginContext, Status};
use secret::Secret;

use crate::settings::Stored;

/// Which data source a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Grafana's organisation.
    pub(crate) org_id: i64,
    /// The data source's uid, unique within the organisation.
    pub(crate) uid: String,
    /// When Grafana last stored the settings, in Unix milliseconds.
    pub(crate) updated_ms: i64,
    /// What it stored.
    pub(crate) stored: Stored,
}

/// The call names no data source: Grafana sent it for something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call carries no data source settings")]
pub(crate) struct NoDataSource;

impl From<NoDataSource> for Status {
    fn from(error: NoDataSource) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl TryFrom<Option<PluginContext>> for Target {
    type Error = NoDataSource;

    fn try_from(context: Option<PluginContext>) -> Result<Self, NoDataSource> {
        let context = context.ok_or(NoDataSource)?;
        let settings = context.data_source_instance_settings.ok_or(NoDataSource)?;
        Ok(Self {
            org_id: context.org_id,
            uid: settings.uid,
            updated_ms: settings.last_updated_ms,
            stored: Stored {
                url: settings.url,
                json_data: settings.json_data,
                secrets: secrets(settings.decrypted_secure_json_data),
            },
        })
    }
}

fn secrets(decrypted: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
    decrypted.into_iter().filter_map(|(name, text)| Some((name, Secret::new(&text)?))).collect()
}
