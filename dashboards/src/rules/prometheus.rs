//! The rules in the formats of Prometheus and of its operator.

use serde::Serialize;

use super::alert::{self, Alert};
use super::record::{self, Evaluation};

/// Placeholder for Grafana's address, which users of the files replace.
const GRAFANA: &str = "https://grafana.example.com/";

const HEAD: &str = "\
# Made by `cargo xtask gen` from dashboards/src/rules. Recording and alert rules over Hubble's metrics.
# Replace https://grafana.example.com by Grafana's address: runbook links open its dashboards.
";

const RULE_FILE: &str = "\
# Add this file to `rule_files:` in prometheus.yml; `promtool test rules rules.test.yaml` tests it.
";

const MANIFEST: &str = "\
# For the Prometheus operator; add the labels that your Prometheus' `ruleSelector` selects.
";

#[derive(Serialize)]
struct Groups {
    groups: Vec<PrometheusGroup>,
}

#[derive(Serialize)]
struct PrometheusGroup {
    name: &'static str,
    interval: &'static str,
    rules: Vec<PrometheusRule>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrometheusRule {
    Record {
        record: &'static str,
        expr: String,
    },
    Alert {
        alert: &'static str,
        expr: String,
        r#for: &'static str,
        labels: Labels,
        annotations: Annotations,
    },
}

#[derive(Serialize)]
struct Labels {
    severity: &'static str,
}

#[derive(Serialize)]
struct Annotations {
    summary: &'static str,
    description: &'static str,
    runbook_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Groups,
}

#[derive(Serialize)]
struct Metadata {
    name: &'static str,
    namespace: &'static str,
}

pub(super) fn rule_file() -> Result<String, serde_yaml_ng::Error> {
    Ok(format!("{HEAD}{RULE_FILE}{}", serde_yaml_ng::to_string(&groups())?))
}

pub(super) fn manifest() -> Result<String, serde_yaml_ng::Error> {
    let manifest = Manifest {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: Metadata { name: "k8snet-networking", namespace: "monitoring" },
        spec: groups(),
    };
    Ok(format!("{HEAD}{MANIFEST}{}", serde_yaml_ng::to_string(&manifest)?))
}

fn groups() -> Groups {
    let records = record::ALL
        .iter()
        .map(|record| PrometheusRule::Record { record: record.name, expr: record.expr() })
        .collect();
    let alerts = alert::ALL.iter().map(rule).collect();
    Groups {
        groups: vec![
            PrometheusGroup { name: "k8snet-networking.rules", interval: "30s", rules: records },
            PrometheusGroup { name: "k8snet-networking.alerts", interval: "30s", rules: alerts },
        ],
    }
}

fn rule(alert: &Alert) -> PrometheusRule {
    PrometheusRule::Alert {
        alert: alert.name,
        expr: (alert.expr)(Evaluation::Recorded),
        r#for: alert.holds,
        labels: Labels { severity: alert.severity },
        annotations: Annotations {
            summary: alert.summary,
            description: alert.description,
            runbook_url: runbook(alert, GRAFANA),
        },
    }
}

/// The URL of the alert's dashboard below `grafana`, which ends with a slash, with those of the
/// alert's labels that the dashboard has as variables.
pub(super) fn runbook(alert: &Alert, grafana: &str) -> String {
    let variables: Vec<String> = alert
        .variables
        .iter()
        .map(|label| {
            format!(
                "{{{{ with $labels.{label} }}}}&var-{label}={{{{ . | urlquery }}}}{{{{ end }}}}"
            )
        })
        .collect();
    format!("{grafana}d/{}?from=now-1h&to=now{}", alert.dashboard, variables.concat())
}
