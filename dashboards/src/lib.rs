//! The dashboards `Kubernetes / Networking / …` as code. `cargo xtask gen` writes each of them to
//! `dashboards/json/`, in Grafana's classic schema, which every supported version reads.

mod classic;
mod drops_workload;
mod links;
mod rules;

pub use rules::{RuleFile, rule_files};
use serde_json::Value;

/// A dashboard and the name of its file.
#[derive(Debug)]
pub struct Dashboard {
    file_name: &'static str,
    model: Value,
}

impl Dashboard {
    /// Name of the file below `dashboards/json/`.
    pub fn file_name(&self) -> &'static str {
        self.file_name
    }

    /// The file's text: indented JSON with a line end.
    pub fn json(&self) -> String {
        format!("{:#}\n", self.model)
    }

    /// The dashboard as Grafana's classic JSON model.
    pub fn model(&self) -> &Value {
        &self.model
    }
}

/// Every dashboard, in the order of their titles.
pub fn all() -> Vec<Dashboard> {
    vec![Dashboard { file_name: "drops-workload.json", model: drops_workload::model() }]
}

#[cfg(test)]
mod tests;
