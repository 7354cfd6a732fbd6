//! The data sources: provisioned at the start, edited in memory from the config page.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use plugin_protocol::DataSourceInstanceSettings;
use serde_json::{Map, Value, json};

use crate::provisioning::ProvisionedDataSource;

/// A data source with its secrets, which `Debug` leaves out.
#[derive(Clone)]
pub(crate) struct DataSource {
    pub(crate) id: i64,
    /// Number of saves, from 1.
    pub(crate) version: i64,
    /// Time of the last save, in Unix milliseconds.
    pub(crate) updated_ms: i64,
    pub(crate) settings: ProvisionedDataSource,
}

/// All data sources, by uid.
#[derive(Debug)]
pub(crate) struct DataSources {
    by_uid: RwLock<BTreeMap<String, DataSource>>,
}

/// Reason why a data source is not saved.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum UpdateError {
    #[error("Data source not found")]
    NotFound,
    #[error("Cannot update read-only data source")]
    ReadOnly,
}

// === impl DataSource ===

impl DataSource {
    /// The settings in the plugin protocol's format.
    pub(crate) fn instance_settings(&self) -> DataSourceInstanceSettings {
        let settings = &self.settings;
        DataSourceInstanceSettings {
            id: self.id,
            name: settings.name.clone(),
            url: settings.url.clone(),
            user: settings.user.clone(),
            database: settings.database.clone(),
            basic_auth_enabled: settings.basic_auth,
            basic_auth_user: settings.basic_auth_user.clone(),
            json_data: Value::Object(settings.json_data.clone()).to_string().into_bytes(),
            decrypted_secure_json_data: settings.secure_json_data.clone(),
            last_updated_ms: self.updated_ms,
            uid: settings.uid.clone(),
            api_version: String::new(),
        }
    }

    /// The data source in the format of Grafana's API; of secrets it only shows which are set.
    pub(crate) fn to_api(&self) -> Value {
        let settings = &self.settings;
        let set = settings.secure_json_data.iter().filter(|(_, secret)| !secret.is_empty());
        let secure_json_fields: Map<String, Value> =
            set.map(|(key, _)| (key.clone(), Value::Bool(true))).collect();
        json!({
            "id": self.id,
            "uid": settings.uid,
            "orgId": 1,
            "name": settings.name,
            "type": settings.kind,
            "access": settings.access,
            "url": settings.url,
            "user": settings.user,
            "database": settings.database,
            "basicAuth": settings.basic_auth,
            "basicAuthUser": settings.basic_auth_user,
            "withCredentials": false,
            "isDefault": settings.is_default,
            "jsonData": settings.json_data,
            "secureJsonFields": secure_json_fields,
            "version": self.version,
            "readOnly": !settings.editable,
        })
    }
}

// === impl DataSources ===

impl DataSources {
    /// The provisioned data sources, all saved at `now_ms` (Unix milliseconds). Of two with the
    /// same uid the later one stays, as in Grafana.
    pub(crate) fn new(provisioned: Vec<ProvisionedDataSource>, now_ms: i64) -> Self {
        let mut by_uid = BTreeMap::new();
        for (id, settings) in (1..).zip(provisioned) {
            let uid = settings.uid.clone();
            let source = DataSource { id, version: 1, updated_ms: now_ms, settings };
            if by_uid.insert(uid.clone(), source).is_some() {
                tracing::warn!("data source uid `{uid}` is provisioned twice, the later one stays");
            }
        }
        Self { by_uid: RwLock::new(by_uid) }
    }

    /// A copy of each data source, in the order of uids.
    pub(crate) fn all(&self) -> Vec<DataSource> {
        let by_uid = self.by_uid.read().unwrap_or_else(PoisonError::into_inner);
        by_uid.values().cloned().collect()
    }

    /// A copy of the data source with this uid.
    pub(crate) fn get(&self, uid: &str) -> Option<DataSource> {
        self.by_uid.read().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    /// Saves an edited data source at `now_ms`. Secrets that are not sent stay unchanged; an empty
    /// one is removed.
    ///
    /// Errors: see [`UpdateError`]; nothing is changed then.
    pub(crate) fn update(
        &self,
        uid: &str,
        edited: ProvisionedDataSource,
        now_ms: i64,
    ) -> Result<DataSource, UpdateError> {
        let mut by_uid = self.by_uid.write().unwrap_or_else(PoisonError::into_inner);
        let source = by_uid.get_mut(uid).ok_or(UpdateError::NotFound)?;
        if !source.settings.editable {
            return Err(UpdateError::ReadOnly);
        }
        let mut secure_json_data = std::mem::take(&mut source.settings.secure_json_data);
        secure_json_data.extend(edited.secure_json_data);
        source.settings = ProvisionedDataSource {
            uid: uid.to_owned(),
            editable: true,
            secure_json_data,
            ..edited
        };
        source.version += 1;
        // The plugin distinguishes instances by this time, also for two saves in the same
        // millisecond.
        source.updated_ms = now_ms.max(source.updated_ms + 1);
        Ok(source.clone())
    }
}

impl fmt::Debug for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSource")
            .field("uid", &self.settings.uid)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProvisionedDataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisionedDataSource").field("uid", &self.uid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provisioned(uid: &str, editable: bool) -> ProvisionedDataSource {
        serde_json::from_value(json!({
            "name": uid.to_uppercase(),
            "type": "k8snet-hubble-datasource",
            "uid": uid,
            "url": "127.0.0.1:4245",
            "editable": editable,
            "jsonData": {"tls": true},
            "secureJsonData": {"tlsClientKey": "KEY", "tlsCACert": "CA"},
        }))
        .expect("a data source")
    }

    fn edited(value: Value) -> ProvisionedDataSource {
        let mut edited = json!({ "name": "A", "type": "k8snet-hubble-datasource", "uid": "a" });
        if let (Value::Object(edited), Value::Object(value)) = (&mut edited, value) {
            edited.extend(value);
        }
        serde_json::from_value(edited).expect("a data source")
    }

    #[test]
    fn saves() {
        let sources = DataSources::new(vec![provisioned("a", true), provisioned("b", false)], 10);
        let check = |uid: &str, value: Value, expected: Result<i64, UpdateError>| {
            let saved = sources.update(uid, edited(value.clone()), 10);
            assert_eq!(saved.map(|source| source.version), expected, "{value}");
        };
        check("c", json!({}), Err(UpdateError::NotFound));
        check("b", json!({}), Err(UpdateError::ReadOnly));
        check(
            "a",
            json!({"url": "tls://relay:443", "secureJsonData": {"tlsCACert": "", "prometheusToken": "T"}}),
            Ok(2),
        );
        check("a", json!({"url": "tls://relay:443", "uid": "other"}), Ok(3));
        let saved = sources.get("a").expect("there");
        assert_eq!(saved.updated_ms, 12, "each save is a new instance to the plugin");
        assert_eq!(saved.instance_settings().decrypted_secure_json_data["tlsClientKey"], "KEY");
    }

    #[test]
    fn secrets_do_not_leave() {
        let sources = DataSources::new(vec![provisioned("a", true)], 10);
        let saved = sources
            .update("a", edited(json!({"secureJsonData": {"tlsCACert": ""}})), 11)
            .expect("saved");
        assert_eq!(saved.to_api()["secureJsonFields"], json!({"tlsClientKey": true}));
        let shown = format!("{saved:?} {sources:?} {:?}", saved.instance_settings());
        assert!(!shown.contains("KEY"), "{shown}");
        assert!(!saved.to_api().to_string().contains("KEY"));
    }
}
