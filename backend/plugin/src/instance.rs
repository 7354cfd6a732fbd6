//! A data source in use: its settings and connections.

use std::sync::Arc;

use execution::FlowSource;
use prometheus::{PrometheusClient, PrometheusError};
use relay::{Relay, RelayError};

use crate::answers::QueryError;
use crate::resources::SampleCache;
use crate::settings::{InvalidSettings, Settings, StoredSettings};

/// A data source. Unusable settings are kept as an error that every query returns.
#[derive(Debug)]
pub(crate) struct Instance {
    settings: Result<Settings, Arc<InvalidSettings>>,
    relay: Result<Relay, RelayError>,
    prometheus: Result<PrometheusClient, PrometheusError>,
    /// Recent flows, for suggestions.
    pub(crate) sample: SampleCache,
}

impl Instance {
    /// Sets up the data source without connecting. Call it within a Tokio runtime.
    pub(crate) fn new(stored: &StoredSettings) -> Self {
        let settings = Settings::read(stored).map_err(Arc::new);
        let usable = settings.as_ref().ok();
        let relay = match usable.and_then(|settings| settings.relay.as_ref()) {
            Some(relay) => Relay::new(relay),
            None => Err(RelayError::NotConfigured),
        };
        let prometheus = match usable.and_then(|settings| settings.prometheus.as_ref()) {
            Some(prometheus) => PrometheusClient::new(prometheus),
            None if usable.is_some_and(|settings| settings.delegates_promql) => {
                Err(PrometheusError::Delegated)
            }
            None => Err(PrometheusError::NotConfigured),
        };
        Self { settings, relay, prometheus, sample: SampleCache::default() }
    }

    /// The settings.
    ///
    /// Errors: they cannot be used.
    pub(crate) fn settings(&self) -> Result<&Settings, Arc<InvalidSettings>> {
        self.settings.as_ref().map_err(Arc::clone)
    }

    /// The relay.
    ///
    /// Errors: the settings cannot be used, or have no relay.
    pub(crate) fn relay(&self) -> Result<&Relay, QueryError> {
        self.settings()?;
        self.relay.as_ref().map_err(|error| error.clone().into())
    }

    /// The relay in the form that queries take.
    ///
    /// Errors: as for [`Self::relay`].
    pub(crate) fn flow_source(&self) -> Result<FlowSource<'_>, QueryError> {
        let cluster = self.settings()?.cluster.as_deref();
        Ok(FlowSource { relay: self.relay()?, cluster })
    }

    /// The Prometheus client.
    ///
    /// Errors: the settings cannot be used, or have no Prometheus.
    pub(crate) fn prometheus(&self) -> Result<&PrometheusClient, QueryError> {
        self.settings()?;
        self.prometheus.as_ref().map_err(|error| error.clone().into())
    }
}
