//! Grafana's calls, each judged and recorded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use plugin_protocol::{
    Channel, CheckHealthRequest, DataQuery, PluginContext, QueryDataRequest, client,
};

use crate::outcome::{self, Check, Outcome};
use crate::record::{Kind, Record};

/// A connection to the plugin, and the record of its answers.
#[derive(Debug, Clone)]
pub(crate) struct Grafana {
    pub(crate) channel: Channel,
    pub(crate) record: Arc<Record>,
}

impl Grafana {
    /// Asks the queries of one request and judges all answers as one: wrong if one is wrong, refused if
    /// one is refused. `check`, if there is one, looks at the frames of each.
    pub(crate) async fn ask(
        &self,
        kind: Kind,
        context: PluginContext,
        queries: Vec<DataQuery>,
        headers: &[(&str, &str)],
        check: Option<Check>,
    ) -> Outcome {
        let asked = queries.len();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request =
            QueryDataRequest { plugin_context: Some(context), headers: headers.collect(), queries };
        let started = Instant::now();
        let answer = client::query_data(self.channel.clone(), request).await;
        let took = started.elapsed();
        let outcome = match answer {
            Err(status) => outcome::of_status(&status),
            Ok(answer) if answer.responses.len() != asked => {
                Outcome::Wrong(format!("{} answers to {asked} queries", answer.responses.len()))
            }
            Ok(answer) => {
                let responses = answer.responses.values();
                worst(responses.map(|response| outcome::of_response(response, check)))
            }
        };
        self.record.add(kind, took, outcome.clone());
        outcome
    }

    /// Checks the data source's health.
    pub(crate) async fn check_health(&self, context: PluginContext) {
        let request =
            CheckHealthRequest { plugin_context: Some(context), headers: BTreeMap::new() };
        let started = Instant::now();
        let answer = client::check_health(self.channel.clone(), request).await;
        let outcome = match answer {
            Ok(answer) => outcome::of_health(answer.status == 1, &answer.message),
            Err(status) => outcome::of_status(&status),
        };
        self.record.add(Kind::Health, started.elapsed(), outcome);
    }
}

/// The worst of several outcomes.
pub(crate) fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    outcomes.into_iter().fold(Outcome::Right, |worst, outcome| match (&worst, &outcome) {
        (Outcome::Right, _) | (Outcome::Refused(_), Outcome::Wrong(_)) => outcome,
        _ => worst,
    })
}
