//! The alerts in Grafana's provisioning format, on this plugin's data source.

use serde::Serialize;
use serde_json::{Value, json};

use super::alert::{self, Alert, VALUE};
use super::prometheus::runbook;
use super::record::Evaluation;
use crate::Build;

const HEAD: &str = "\
# Made by `cargo xtask gen` from dashboards/src/rules. Alert rules for Grafana, on the data source
# `hubble`. Leave this file out if Prometheus evaluates provisioning/prometheus/rules.yaml.
";

/// The data source that provisioning creates.
const DATASOURCE_UID: &str = "hubble";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provisioning {
    api_version: u32,
    groups: Vec<GrafanaGroup>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrafanaGroup {
    org_id: u32,
    name: &'static str,
    /// Folder of the rules, with an escaped slash. It is separate because Grafana provisions alerts
    /// before dashboards, and would create the dashboards' folder with a random uid.
    folder: &'static str,
    interval: &'static str,
    rules: Vec<GrafanaRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrafanaRule {
    uid: &'static str,
    title: &'static str,
    condition: &'static str,
    data: Vec<AlertQuery>,
    r#for: &'static str,
    no_data_state: &'static str,
    exec_err_state: &'static str,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertQuery {
    ref_id: &'static str,
    relative_time_range: RelativeTimeRange,
    datasource_uid: &'static str,
    model: Value,
}

#[derive(Serialize)]
struct RelativeTimeRange {
    /// Start in seconds before now.
    from: u32,
    to: u32,
}

#[derive(Serialize)]
struct Labels {
    severity: &'static str,
}

#[derive(Serialize)]
struct Annotations {
    summary: String,
    description: String,
    runbook_url: String,
}

pub(super) fn provisioning() -> Result<String, serde_yaml_ng::Error> {
    let provisioning = Provisioning {
        api_version: 1,
        groups: vec![GrafanaGroup {
            org_id: 1,
            name: "k8snet-networking",
            folder: r"Kubernetes \/ Networking alerts",
            interval: "1m",
            rules: alert::ALL.iter().map(rule).collect(),
        }],
    };
    Ok(format!("{HEAD}{}", serde_yaml_ng::to_string(&provisioning)?))
}

fn rule(alert: &Alert) -> GrafanaRule {
    let range = || RelativeTimeRange { from: 600, to: 0 };
    let series = json!({
        "refId": "A",
        "datasource": { "type": Build::Hubble.datasource_type(), "uid": DATASOURCE_UID },
        "queryType": "promql",
        "expr": (alert.expr)(Evaluation::Alone),
        "instant": true,
        "range": false,
    });
    // Every series that PromQL returns alerts, whatever its value: a rate of zero is one of them.
    let any = json!({
        "refId": "B",
        "datasource": { "type": "__expr__", "uid": "__expr__" },
        "type": "math",
        "expression": "$A * 0 + 1",
    });
    GrafanaRule {
        uid: alert.uid,
        title: alert.title,
        condition: "B",
        data: vec![
            AlertQuery {
                ref_id: "A",
                relative_time_range: range(),
                datasource_uid: DATASOURCE_UID,
                model: series,
            },
            AlertQuery {
                ref_id: "B",
                relative_time_range: range(),
                datasource_uid: "__expr__",
                model: any,
            },
        ],
        r#for: alert.holds,
        // PromQL returns nothing if nothing is wrong.
        no_data_state: "OK",
        exec_err_state: "Error",
        labels: Labels { severity: alert.severity },
        annotations: Annotations {
            summary: text(alert.summary),
            description: text(alert.description),
            // The URL ends with a slash.
            runbook_url: runbook(alert, "{{ externalURL }}"),
        },
    }
}

/// A text with Grafana's name for the value, which is missing while a rule has no data. Its dollar
/// signs stay single: Grafana does not expand environment variables in queries and annotations.
/// Source: `pkg/services/provisioning/alerting/rules_types.go`.
fn text(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(VALUE) {
        let (formats, after) = after.split_once(" }}").unwrap_or((after, ""));
        text.push_str(before);
        text.push_str("{{ with $values.A }}{{ .Value");
        text.push_str(formats);
        text.push_str(" }}{{ end }}");
        rest = after;
    }
    text.push_str(rest);
    text
}
