//! "Save & test": what answers, what it says of itself, and what to change where nothing does.

use std::time::Duration;

use prometheus::{ForwardedIdentity, PrometheusError};
use relay::now_ms;
use relay::{BufferStart, RelayError};
use serde_json::{Value, json};
use wording::{names, time_text};

use crate::answers::QueryError;
use crate::instance::Instance;
use crate::policies::{PolicyFiles, PolicySource, Roots};

/// Nodes that a sentence names.
const MAX_NODES_SHOWN: usize = 5;

/// The result of a check.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) healthy: bool,
    /// For the user, in whole sentences.
    pub(crate) message: String,
    /// The same as data.
    pub(crate) details: Value,
}

/// One half of a data source.
struct Half {
    healthy: bool,
    sentence: String,
    details: Value,
}

impl Report {
    /// The plugin itself answers; nothing else was asked for.
    pub(crate) fn alive() -> Self {
        Self { healthy: true, message: "The plugin is running.".to_owned(), details: json!({}) }
    }
}

/// Asks relay and Prometheus, as far as they are configured. One that does not answer makes the
/// whole unhealthy, and the message still says what the other one answered.
pub(crate) async fn check(instance: &Instance, identity: &ForwardedIdentity) -> Report {
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
    let mut sentences = Vec::new();
    let mut details = serde_json::Map::new();
    let mut healthy = true;
    for (name, title, half) in
        [("relay", "Hubble Relay", relay), ("prometheus", "Prometheus", prometheus)]
    {
        match half {
            Some(half) => {
                healthy &= half.healthy;
                sentences.push(format!("{title}: {}.", half.sentence));
                details.insert(name.to_owned(), half.details);
            }
            None => sentences.push(format!("{title}: not configured.")),
        }
    }
    if let Some(policies) = policies(&settings.policies).await {
        healthy &= policies.healthy;
        sentences.push(format!("Network policies: {}.", policies.sentence));
        details.insert("policies".to_owned(), policies.details);
    }
    if let Some(cluster) = &settings.cluster {
        details.insert("cluster".to_owned(), json!(cluster));
    }
    Report { healthy, message: sentences.join(" "), details: Value::Object(details) }
}

fn failed(message: String) -> Report {
    let details = json!({ "error": message });
    Report { healthy: false, message, details }
}

fn unhealthy(error: &QueryError) -> Half {
    let sentence = error.message();
    Half { healthy: false, details: json!({ "ok": false, "error": sentence }), sentence }
}

async fn relay(instance: &Instance) -> Half {
    match ask_relay(instance).await {
        Ok(half) => half,
        Err(error) => unhealthy(&error),
    }
}

async fn ask_relay(instance: &Instance) -> Result<Half, QueryError> {
    let relay = instance.relay()?;
    let (status, nodes, start) = tokio::join!(relay.status(), relay.nodes(), relay.buffer_start());
    let status = status?;
    let (connected, total, unavailable) = if let Ok(nodes) = nodes {
        let missing: Vec<String> =
            nodes.iter().filter(|node| !node.connected).map(|node| node.name.clone()).collect();
        (nodes.len() - missing.len(), nodes.len(), missing)
    } else {
        // A relay that knows no GetNodes counts them in its status.
        let connected = to_usize(status.num_connected_nodes.unwrap_or(0));
        let unavailable = to_usize(status.num_unavailable_nodes.unwrap_or(0));
        (connected, connected + unavailable, status.unavailable_nodes.clone())
    };
    let version = if status.version.is_empty() { "of unknown version" } else { &status.version };
    let mut parts = vec![
        version.to_owned(),
        format!("{connected} of {total} nodes connected"),
        format!("{} flows seen", status.seen_flows),
        format!("buffers hold {} of {}", status.num_flows, status.max_flows),
        start_words(&start),
        format!("up for {}", uptime(Duration::from_nanos(status.uptime_ns))),
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
        "flowsInBuffers": status.num_flows,
        "maxFlowsInBuffers": status.max_flows,
        "flowsPerSecond": status.flows_rate,
        "uptimeNanos": status.uptime_ns,
        "certificatesThatEnd": ending,
        "oldestFlowNanos": start.as_ref().and_then(BufferStart::oldest_nanos).map(|nanos| nanos.to_string()),
    });
    Ok(Half { healthy, sentence: parts.join(", "), details })
}

fn start_words(start: &Result<Option<BufferStart>, RelayError>) -> String {
    match start {
        Ok(Some(start)) => match start.oldest_nanos() {
            Some(oldest_nanos) => format!("oldest flow from {}", time_text(oldest_nanos)),
            None => "no flow yet".to_owned(),
        },
        Ok(None) | Err(_) => "cannot tell where the buffers begin".to_owned(),
    }
}

async fn prometheus(instance: &Instance, identity: &ForwardedIdentity) -> Half {
    match ask_prometheus(instance, identity).await {
        Ok(half) => half,
        Err(error) => unhealthy(&error),
    }
}

async fn ask_prometheus(
    instance: &Instance,
    identity: &ForwardedIdentity,
) -> Result<Half, QueryError> {
    let prometheus = instance.prometheus()?.on_behalf_of(identity);
    // The query is what counts; who answers it need not know its own version (Thanos, proxies).
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
    let sentence = match version.as_str() {
        "" => "answers queries, and does not tell its version".to_owned(),
        version => format!("version {version}, answers queries"),
    };
    Ok(Half { healthy: true, sentence, details: json!({ "ok": true, "version": version }) })
}

/// What a policies query would find; none where none are configured. Where not one file can be read
/// the settings are wrong; a part of them is enough to go on.
async fn policies(source: &PolicySource) -> Option<Half> {
    if *source == PolicySource::default() {
        return None;
    }
    let source = source.clone();
    let read = tokio::task::spawn_blocking(move || source.read(&Roots::from_environment()));
    // The task is neither aborted, nor does it panic.
    let PolicyFiles { files, notices, .. } = read.await.unwrap_or_default();
    let files = files.len();
    let mut parts = vec![match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    }];
    parts.extend(notices.into_iter().map(|notice| notice.text));
    let (healthy, sentence) = (files > 0, parts.join("; "));
    let details = json!({ "ok": healthy, "files": files });
    Some(Half { healthy, sentence, details })
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
    use crate::settings::Stored;

    #[tokio::test]
    async fn nothing_configured_names_the_fields() {
        let report = check(&Instance::new(&Stored::default()), &ForwardedIdentity::default()).await;
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
