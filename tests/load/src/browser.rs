//! Browsers with open dashboards: all panels at once, and again at each refresh.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use plugin_protocol::{DataQuery, PluginContext};
use test_kit::now_ms;
use tokio::time::{sleep_until, timeout};

use crate::dashboard::{Choice, Dashboard, DashboardError};
use crate::grafana::{Grafana, worst};
use crate::outcome::Outcome;
use crate::record::Kind;

/// Number of requests for data that a browser has open at once. Source: `maxParallelRequests` in
/// Grafana's `FetchQueueWorker.ts`; over HTTP/2 it is 1,000, and Grafana speaks HTTP/1.1 by default.
const REQUESTS_AT_ONCE: usize = 5;
/// Choices of the namespace variable, by browser.
const CHOICES: [Choice; 4] = [None, Some("pets"), None, Some("kube-system")];

/// A browser with an open dashboard.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) grafana: Grafana,
    pub(crate) context: PluginContext,
    pub(crate) dashboard: Arc<Dashboard>,
    pub(crate) choice: Choice,
    /// The kind of its panels.
    pub(crate) panel: Kind,
}

/// The choice of the browser with this number.
pub(crate) fn choice(number: usize) -> Choice {
    CHOICES.get(number % CHOICES.len()).copied().flatten()
}

impl Browser {
    /// Loads the dashboard once and records the load as `kind`.
    pub(crate) async fn load(&self, kind: Kind) {
        let started = Instant::now();
        let range = self.dashboard.range(now_ms());
        let panels = self.dashboard.panels.iter();
        let asked: Vec<_> = panels.map(|panel| panel.queries(range, self.choice)).collect();
        let asked = stream::iter(asked).map(|queries| self.clone().panel(queries));
        let outcomes: Vec<Outcome> = asked.buffer_unordered(REQUESTS_AT_ONCE).collect().await;
        self.grafana.record.add(kind, started.elapsed(), worst(outcomes));
    }

    async fn panel(self, queries: Result<Vec<DataQuery>, DashboardError>) -> Outcome {
        match queries {
            Ok(queries) => self.grafana.ask(self.panel, self.context, queries, &[], None).await,
            Err(error) => Outcome::Wrong(error.to_string()),
        }
    }

    /// Loads the dashboard, and again at each refresh until `end`. A refresh gives up what has not
    /// come, as Grafana's does; the last load is not given up.
    pub(crate) async fn watch(self, kind: Kind, end: tokio::time::Instant) {
        loop {
            let next = tokio::time::Instant::now() + self.dashboard.refresh;
            if next >= end {
                self.load(kind).await;
                return;
            }
            if timeout(self.dashboard.refresh, self.load(kind)).await.is_err() {
                self.grafana.record.cancel(kind);
            }
            sleep_until(next).await;
        }
    }

    /// Several browsers load the dashboard at once.
    pub(crate) async fn load_at_once(&self, kind: Kind, count: usize) {
        let loads = (0..count).map(|number| {
            let browser = Self { choice: choice(number), ..self.clone() };
            tokio::spawn(async move { browser.load(kind).await })
        });
        for load in loads.collect::<Vec<_>>() {
            if load.await.is_err() {
                let outcome = Outcome::Wrong("a load panicked".to_owned());
                self.grafana.record.add(kind, Duration::ZERO, outcome);
            }
        }
    }
}
