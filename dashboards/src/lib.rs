//! The dashboards `Kubernetes / Networking / …` as code. `cargo xtask gen` writes each of them in
//! two builds, in Grafana's classic schema, which every supported version reads.

mod board;
mod boards;
mod colours;
mod condition;
mod json;
mod links;
mod panel;
mod promql;
mod query;
mod rules;
mod scope;
mod variable;

pub use rules::{RuleFile, rule_files};
use serde_json::Value;

/// The data source that a build of the dashboards uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// This project's data source, with metrics and flows.
    Hubble,
    /// Any core Prometheus data source, for Azure Managed Grafana and for users without the plugin.
    /// It has the same panels of metrics, and nothing that needs flows.
    Prometheus,
}

impl Build {
    /// Both builds.
    pub const ALL: [Self; 2] = [Self::Hubble, Self::Prometheus];

    /// Name of the build's folder below `dashboards/`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Hubble => "json",
            Self::Prometheus => "prometheus",
        }
    }

    /// Type of the panels' data source.
    fn datasource_type(self) -> &'static str {
        match self {
            Self::Hubble => "k8snet-hubble-datasource",
            Self::Prometheus => "prometheus",
        }
    }

    /// Uid of a dashboard. The builds have different uids, so that one Grafana can hold both.
    fn uid(self, name: &str) -> String {
        match self {
            Self::Hubble => format!("k8snet-{name}"),
            Self::Prometheus => format!("k8snet-prometheus-{name}"),
        }
    }
}

/// A dashboard and its file name.
#[derive(Debug)]
pub struct Dashboard {
    file_name: String,
    model: Value,
}

impl Dashboard {
    /// Name of the file in the build's folder.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The file's text: indented JSON with a final line break.
    pub fn json(&self) -> String {
        format!("{:#}\n", self.model)
    }

    /// The dashboard as Grafana's classic JSON model.
    pub fn model(&self) -> &Value {
        &self.model
    }
}

/// Every dashboard of a build.
pub fn all(build: Build) -> Vec<Dashboard> {
    boards::all()
        .into_iter()
        .filter(|board| build == Build::Hubble || !board.needs_flows)
        .map(|board| Dashboard {
            file_name: format!("{}.json", board.name),
            model: json::dashboard(board, build),
        })
        .collect()
}

#[cfg(test)]
mod tests;
