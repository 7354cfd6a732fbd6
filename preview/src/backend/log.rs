//! A plugin's stderr: hclog JSON lines, logged again under the plugin's id.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One hclog line. Source: hashicorp/go-hclog `JSONFormat`.
#[derive(Debug, Deserialize)]
struct HclogLine {
    #[serde(rename = "@level", default)]
    level: String,
    #[serde(rename = "@message", default)]
    message: String,
    #[serde(rename = "@timestamp", default)]
    _timestamp: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Logs one line of the plugin's stderr at its own level. A line that is not hclog JSON is logged
/// unchanged at `info`.
pub(crate) fn relay(plugin_id: &str, line: &str) {
    let Ok(HclogLine { level, message, rest, .. }) = serde_json::from_str(line) else {
        tracing::info!(plugin = plugin_id, "{line}");
        return;
    };
    let rest = if rest.is_empty() { String::new() } else { Value::Object(rest).to_string() };
    match level.as_str() {
        "error" => tracing::error!(plugin = plugin_id, "{message} {rest}"),
        "warn" => tracing::warn!(plugin = plugin_id, "{message} {rest}"),
        "debug" => tracing::debug!(plugin = plugin_id, "{message} {rest}"),
        "trace" => tracing::trace!(plugin = plugin_id, "{message} {rest}"),
        _ => tracing::info!(plugin = plugin_id, "{message} {rest}"),
    }
}
