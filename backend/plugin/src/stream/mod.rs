//! Live streams. A relay can follow flows, and Grafana Live could carry them; no channel is served
//! so far, and whoever asks for one is told so and where the flows are.

/// What a subscriber of the channel `path` is told.
pub(crate) fn refusal(path: &str) -> String {
    format!(
        "no live channel `{path}`: this data source does not stream yet; query flows with auto-refresh instead"
    )
}
