//! Recording and alert rules over Hubble's metrics, for Prometheus (a rule file and the operator's
//! `PrometheusRule`) and for Grafana's own alerting. One table of rules, three files.
//!
//! Metrics: `hubble_*` as Cilium and Azure's Advanced Container Networking Services expose them,
//! with or without pods as `source` and `destination`, else Retina's `networkobservability_*`.

mod alert;
mod grafana;
mod prometheus;
mod record;

/// A file generated from the rules.
#[derive(Debug)]
pub struct RuleFile {
    path: &'static str,
    text: String,
}

impl RuleFile {
    /// The file's path below the checkout's top folder.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The file's text: YAML.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Every file of rules.
///
/// Errors: a rule cannot be written as YAML.
pub fn rule_files() -> Result<Vec<RuleFile>, serde_yaml_ng::Error> {
    Ok(vec![
        RuleFile { path: "provisioning/prometheus/rules.yaml", text: prometheus::rule_file()? },
        RuleFile {
            path: "provisioning/kubernetes/prometheus-rule.yaml",
            text: prometheus::manifest()?,
        },
        RuleFile { path: "provisioning/alerting/networking.yaml", text: grafana::provisioning()? },
    ])
}

#[cfg(test)]
mod tests;
