//! A data source in use: its settings and connections.

use std::sync::Arc;

use ::budget::{Caller, Purpose};
use execution::{Consumer, FlowSource, RequiredCompleteness};
use prometheus::{ForwardedIdentity, PrometheusClient, PrometheusError};
use query::CelExpressions;
use relay::{Relay, RelayError};
use settings::{AlertSettings, InvalidSettings, PolicySettings, Settings, StoredSettings};

use crate::answers::QueryError;
use crate::budget::Budget;
use crate::metrics::SourceMetrics;
use crate::policies::{ClusterPolicies, PolicyReader, PolicySource};
use crate::resources::{FlowSample, SampleCache};
use crate::stream::LimitReached;

/// A data source. Unusable settings are kept as an error that every query returns.
#[derive(Debug)]
pub(crate) struct Instance {
    org_id: i64,
    settings: Result<Settings, Arc<InvalidSettings>>,
    relay: Result<Arc<Relay>, RelayError>,
    prometheus: Result<PrometheusClient, PrometheusError>,
    policies: PolicyReader,
    /// Recent flows, for suggestions.
    sample: SampleCache,
    /// The budget that all data sources share.
    pub(crate) budget: Arc<Budget>,
    /// The figures of this data source.
    pub(crate) metrics: SourceMetrics,
}

impl Instance {
    /// Sets up the data source of an organisation, by its uid, without connecting. Call it within a Tokio
    /// runtime.
    pub(crate) fn new(
        org_id: i64,
        uid: &str,
        stored: &StoredSettings,
        budget: &Arc<Budget>,
    ) -> Self {
        let metrics = budget.metrics.source(org_id, uid);
        let settings = Settings::read(stored).map_err(Arc::new);
        let usable = settings.as_ref().ok();
        let relay = match usable.and_then(|settings| settings.relay.as_ref()) {
            Some(relay) if relay.names_socket() && !are_sockets_allowed() => {
                Err(RelayError::Socket { address: relay.address.clone() })
            }
            Some(relay) => Relay::new(relay, budget.relays.of(&relay.address))
                .map(|relay| Arc::new(relay.counted(metrics.relay.clone()))),
            None => Err(RelayError::NotConfigured),
        };
        let prometheus = match usable.and_then(|settings| settings.prometheus.as_ref()) {
            Some(prometheus) => {
                let gate = budget.prometheus.of(prometheus.url.as_str());
                PrometheusClient::new(prometheus, gate, budget.memory.clone(), &metrics.prometheus)
            }
            None if usable.is_some_and(|settings| settings.delegates_promql) => {
                Err(PrometheusError::Delegated)
            }
            None => Err(PrometheusError::NotConfigured),
        };
        let policies = usable.map(|settings| settings.policies.clone()).unwrap_or_default();
        let PolicySettings { text, folder, namespace, cluster } = policies;
        let policies = PolicySource { text, folder, namespace };
        let policies =
            PolicyReader::new(policies, budget.policy_reads.clone(), budget.memory.clone())
                .counted(metrics.policies.clone());
        let policies = match cluster {
            Some(access) => {
                let caller = Caller { org_id, purpose: Purpose::Person };
                policies.with_cluster(ClusterPolicies::new(access, &budget.memory, caller))
            }
            None => policies,
        };
        Self {
            org_id,
            settings,
            relay,
            prometheus,
            policies,
            sample: SampleCache::counted(metrics.sample.clone()),
            budget: budget.clone(),
            metrics,
        }
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
    pub(crate) fn relay(&self) -> Result<&Arc<Relay>, QueryError> {
        self.settings()?;
        self.relay.as_ref().map_err(|error| error.clone().into())
    }

    /// The reader of network policies.
    ///
    /// Errors: the settings cannot be used.
    pub(crate) fn policies(&self) -> Result<&PolicyReader, QueryError> {
        self.settings()?;
        Ok(&self.policies)
    }

    /// The relay in the form that queries take.
    ///
    /// Errors: as for [`Self::relay`].
    pub(crate) fn flow_source(&self, consumer: Consumer) -> Result<FlowSource<'_>, QueryError> {
        let settings = self.settings()?;
        let required = match consumer {
            Consumer::AlertRule => required(settings.alerts),
            Consumer::Panel | Consumer::Expression => RequiredCompleteness::Any,
        };
        let cluster = settings.cluster.as_deref();
        let cel =
            if settings.allows_cel { CelExpressions::Allowed } else { CelExpressions::Refused };
        let (relay, caller) = (self.relay()?, self.caller(consumer));
        Ok(FlowSource { relay, cluster, caller, required, cel })
    }

    /// The Prometheus client on behalf of a person.
    ///
    /// Errors: as for [`Self::prometheus`].
    pub(crate) fn prometheus_for(
        &self,
        identity: &ForwardedIdentity,
    ) -> Result<PrometheusClient, QueryError> {
        Ok(self.prometheus()?.on_behalf_of(self.caller(Consumer::Panel), identity))
    }

    /// A sample of recent flows, for suggestions.
    ///
    /// Errors: as for [`Self::relay`], or the relay has none.
    pub(crate) async fn flow_sample(&self) -> Result<Arc<FlowSample>, QueryError> {
        let (relay, caller) = (self.relay()?, self.caller(Consumer::Panel));
        Ok(self.sample.get(relay, caller, &self.budget.memory).await?)
    }

    /// The caller of work for a consumer.
    pub(crate) fn caller(&self, consumer: Consumer) -> Caller {
        let purpose = match consumer {
            Consumer::AlertRule => Purpose::AlertRule,
            Consumer::Panel | Consumer::Expression => Purpose::Person,
        };
        Caller { org_id: self.org_id, purpose }
    }

    /// The limit that a further live channel of a person meets.
    pub(crate) fn live_limit_reached(&self, login: &str) -> Option<LimitReached> {
        self.budget.live.limit_reached(self.org_id, login)
    }

    /// The Prometheus client.
    ///
    /// Errors: the settings cannot be used, or have no Prometheus.
    pub(crate) fn prometheus(&self) -> Result<&PrometheusClient, QueryError> {
        self.settings()?;
        self.prometheus.as_ref().map_err(|error| error.clone().into())
    }
}

/// Whether the server's administrator allows relays behind Unix sockets. Otherwise a user who may edit a data
/// source could connect to other programs' sockets on Grafana's machine. Grafana passes `allow_unix_relays`
/// of `[plugin.k8snet-hubble-datasource]` under this name.
fn are_sockets_allowed() -> bool {
    std::env::var("GF_PLUGIN_ALLOW_UNIX_RELAYS").is_ok_and(|value| value.trim() == "true")
}

/// Completeness that the settings demand for alert rules.
fn required(alerts: AlertSettings) -> RequiredCompleteness {
    if alerts.count_incomplete {
        RequiredCompleteness::Any
    } else {
        let max_lost_share = f64::from(alerts.max_lost_percent) / 100.0;
        RequiredCompleteness::Whole { max_lost_share }
    }
}

#[cfg(test)]
impl Instance {
    /// A data source without settings.
    pub(crate) fn of_no_settings() -> Self {
        Self::new(1, "hubble", &StoredSettings::default(), &Arc::default())
    }
}
