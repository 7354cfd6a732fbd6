//! Health checks ("Save & test"): the state of relay, Prometheus and policies, and what to change
//! on a failure.

use std::time::Duration;

use execution::Consumer;
use prometheus::{ForwardedIdentity, PrometheusError, PrometheusSettings};
use relay::now_ms;
use relay::{BufferStart, RelayError};
use serde_json::{Value, json};
use wording::{count, names, time_text};

use crate::answers::QueryError;
use crate::instance::Instance;
use crate::policies::PolicyFreshness;

/// Maximum number of nodes that a message names.
const MAX_NODES_SHOWN: usize = 5;

/// End of the text about a Prometheus that is sent secrets without TLS.
const CLEAR_WARNING: &str = ". Warning: credentials travel unencrypted, and everyone on the way can read and reuse them: use an `https://` URL";

/// Result of a health check.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HealthReport {
    pub(crate) healthy: bool,
    /// Message for the user, in whole texts.
    pub(crate) message: String,
    /// The same as data.
    pub(crate) details: Value,
}

/// State of one part of a data source.
struct PartHealth {
    healthy: bool,
    text: String,
    details: Value,
}

impl HealthReport {
    /// The report if only the plugin itself is checked.
    pub(crate) fn alive() -> Self {
        Self { healthy: true, message: "The plugin is running.".to_owned(), details: json!({}) }
    }
}

/// Checks the relay and Prometheus, if configured. If one of them does not answer, the data source
/// is unhealthy, and the message still contains the other one's state.
pub(crate) async fn check(instance: &Instance, identity: &ForwardedIdentity) -> HealthReport {
    let settings = match instance.settings() {
        Ok(settings) => settings,
        Err(error) => return failed(wording::with_causes(&error)),
    };
    let (relay, prometheus) = match (&settings.relay, &settings.prometheus) {
        (None, None) => {
            return failed(
                "nothing is configured yet: fill in `Relay address` for flows, `Prometheus URL` for metrics, or both"
                    .to_owned(),
            );
        }
        (Some(_), Some(_)) => {
            let (relay, prometheus) = tokio::join!(relay(instance), prometheus(instance, identity));
            (Some(relay), Some(prometheus))
        }
        (Some(_), None) => (Some(relay(instance).await), None),
        (None, Some(_)) => (None, Some(prometheus(instance, identity).await)),
    };
    let mut texts = Vec::new();
    let mut details = serde_json::Map::new();
    let mut healthy = true;
    for (name, title, part) in
        [("relay", "Hubble Relay", relay), ("prometheus", "Prometheus", prometheus)]
    {
        match part {
            Some(part) => {
                healthy &= part.healthy;
                texts.push(format!("{title}: {}.", part.text));
                details.insert(name.to_owned(), part.details);
            }
            None => texts.push(format!("{title}: not configured.")),
        }
    }
    if let Some(policies) = policies(instance).await {
        healthy &= policies.healthy;
        texts.push(format!("Network policies: {}.", policies.text));
        details.insert("policies".to_owned(), policies.details);
    }
    if let Some(cluster) = &settings.cluster {
        details.insert("cluster".to_owned(), json!(cluster));
    }
    HealthReport { healthy, message: texts.join(" "), details: Value::Object(details) }
}

fn failed(message: String) -> HealthReport {
    let details = json!({ "error": message });
    HealthReport { healthy: false, message, details }
}

fn unhealthy(error: &QueryError) -> PartHealth {
    let text = error.message();
    PartHealth { healthy: false, details: json!({ "ok": false, "error": text }), text }
}

async fn relay(instance: &Instance) -> PartHealth {
    match ask_relay(instance).await {
        Ok(part) => part,
        Err(error) => unhealthy(&error),
    }
}

async fn ask_relay(instance: &Instance) -> Result<PartHealth, QueryError> {
    let relay = instance.relay()?;
    let (status, nodes, start) = tokio::join!(relay.status(), relay.nodes(), relay.buffer_start());
    let status = status?;
    let (connected, total, unavailable) = if let Ok(nodes) = nodes {
        let missing: Vec<String> =
            nodes.iter().filter(|node| !node.connected).map(|node| node.name.clone()).collect();
        (nodes.len() - missing.len(), nodes.len(), missing)
    } else {
        // A relay without GetNodes counts its nodes in its status.
        let connected = to_usize(status.connected_nodes.unwrap_or(0));
        let unavailable = to_usize(status.unavailable_nodes.unwrap_or(0));
        (connected, connected + unavailable, status.unavailable_names.clone())
    };
    let version = if status.version.is_empty() { "of unknown version" } else { &status.version };
    let mut parts = vec![
        version.to_owned(),
        format!("{connected} of {total} nodes connected"),
        format!("{} seen", count(status.seen_flows, "flow")),
        format!("buffers hold {} of {}", status.held_flows, status.max_flows),
        start_text(&start),
        format!("up for {}", uptime(Duration::from_nanos(status.uptime_nanos))),
    ];
    if !unavailable.is_empty() {
        let nodes = unavailable.iter().map(String::as_str);
        parts.push(format!("no flows from {}", names::first(nodes, MAX_NODES_SHOWN)));
    }
    let healthy = connected > 0;
    if !healthy {
        parts.push(
            "without a connected node there are no flows: check that the Cilium agents run with Hubble enabled"
                .to_owned(),
        );
    }
    let ending = relay.certificates_that_end().await;
    parts.extend(ending.iter().cloned());
    let start = start.ok().flatten();
    let details = json!({
        "ok": healthy,
        "version": status.version,
        "nodesConnected": connected,
        "nodes": total,
        "nodesUnavailable": unavailable,
        "flowsSeen": status.seen_flows,
        "flowsInBuffers": status.held_flows,
        "maxFlowsInBuffers": status.max_flows,
        "flowsPerSecond": status.flows_per_second,
        "uptimeNanos": status.uptime_nanos,
        "certificatesThatEnd": ending,
        "oldestFlowNanos": start.as_ref().and_then(BufferStart::oldest_nanos).map(|nanos| nanos.to_string()),
    });
    Ok(PartHealth { healthy, text: parts.join(", "), details })
}

fn start_text(start: &Result<Option<BufferStart>, RelayError>) -> String {
    match start {
        Ok(Some(start)) => match start.oldest_nanos() {
            Some(oldest_nanos) => format!("oldest flow from {}", time_text(oldest_nanos)),
            None => "no flow yet".to_owned(),
        },
        Ok(None) | Err(_) => "cannot tell where the buffers begin".to_owned(),
    }
}

async fn prometheus(instance: &Instance, identity: &ForwardedIdentity) -> PartHealth {
    match ask_prometheus(instance, identity).await {
        Ok(part) => part,
        Err(error) => unhealthy(&error),
    }
}

async fn ask_prometheus(
    instance: &Instance,
    identity: &ForwardedIdentity,
) -> Result<PartHealth, QueryError> {
    let prometheus = instance.prometheus_for(identity)?;
    // The query decides; a server behind it (Thanos, proxies) may not report its version.
    let (answer, build_info) =
        tokio::join!(prometheus.query("1+1", now_ms()), prometheus.build_info());
    answer?;
    let version = match build_info {
        Ok(build_info) if !build_info.version.is_empty() => build_info.version,
        Ok(_) | Err(PrometheusError::NotPrometheus { .. } | PrometheusError::Refused { .. }) => {
            String::new()
        }
        Err(error) => return Err(error.into()),
    };
    let mut text = match version.as_str() {
        "" => "answers queries, version unknown".to_owned(),
        version => format!("version {version}, answers queries"),
    };
    let settings = instance.settings()?.prometheus.as_ref();
    let in_the_clear = settings.is_some_and(PrometheusSettings::sends_secrets_in_the_clear);
    if in_the_clear {
        text.push_str(CLEAR_WARNING);
    }
    let details = json!({ "ok": true, "version": version, "secretsInTheClear": in_the_clear });
    Ok(PartHealth { healthy: true, text, details })
}

/// The state of the policies; `None` if none are configured. If nothing can be read the settings are wrong; one
/// readable object is enough for a healthy state.
async fn policies(instance: &Instance) -> Option<PartHealth> {
    let policies = instance.policies().ok()?;
    if !policies.is_configured() {
        return None;
    }
    let read = match policies.files(instance.caller(Consumer::Panel)).await {
        Ok(read) => read,
        Err(error) => return Some(unhealthy(&error.into())),
    };
    let namespace = policies.source().namespace.clone();
    let files = read.clone();
    let counted = tokio::task::spawn_blocking(move || files.counted(namespace.as_deref())).await;
    let counts = counted.unwrap_or_default();
    let mut parts = vec![counts.to_string()];
    if let Some(freshness) = &read.freshness {
        parts.push(freshness.words());
        parts.extend(freshness.problems.iter().cloned());
    }
    parts.extend(read.notices.iter().map(|notice| notice.text.clone()));
    let (healthy, text) = (!read.files.is_empty(), parts.join("; "));
    let details = json!({
        "ok": healthy,
        "files": read.files.len(),
        "objects": counts.objects,
        "policies": counts.policies,
        "refused": counts.refused,
        "freshness": read.freshness.as_ref().map(PolicyFreshness::json),
    });
    Some(PartHealth { healthy, text, details })
}

fn uptime(uptime: Duration) -> String {
    let minutes = uptime.as_secs() / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_configured_names_the_fields() {
        let report = check(&Instance::of_no_settings(), &ForwardedIdentity::default()).await;
        assert!(!report.healthy);
        assert_eq!(
            report.message,
            "nothing is configured yet: fill in `Relay address` for flows, `Prometheus URL` for metrics, or both"
        );
    }

    #[test]
    fn uptimes() {
        for (secs, expected) in
            [(59, "0 min"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h"), (7_200, "2 h 0 min")]
        {
            assert_eq!(uptime(Duration::from_secs(secs)), expected);
        }
    }
}
