//! Colours that mean the same on every dashboard: of verdicts by their names, of reasons shades of red.

use flow::group::VERDICT_COLORS;
use serde_json::{Value, json};

use crate::panel::{Panel, View};
use crate::query::Query;

/// Reasons of drops at the beginning of a series' name, from the most to the least alarming; others
/// are shades of red as they come.
const REASONS: [(&str, &str); 4] = [
    ("policy|auth|iptable", "red"),
    ("ct[_ ]|invalid|stale", "light-red"),
    ("unsupported", "super-light-red"),
    ("drop_reason_unknown|unknown", "dark-red"),
];

/// Labels of the panel's series, as its queries name them.
fn has_label(panel: &Panel, labels: &[&str]) -> bool {
    panel.queries.iter().any(|query| match query {
        Query::Range { legend, .. } => {
            labels.iter().any(|label| legend.contains(&format!("{{{{{label}}}}}")))
        }
        Query::FlowMetrics { by, .. } => labels.iter().any(|label| by.contains(label)),
        _ => false,
    })
}

fn is_chart(panel: &Panel) -> bool {
    matches!(panel.view, View::Lines | View::Stacked)
}

/// Whether the series of a chart are named by reasons of drops.
pub(crate) fn is_by_reason(panel: &Panel) -> bool {
    is_chart(panel) && has_label(panel, &["reason", "dropReasonDesc"])
}

/// Whether the series of a chart are drops, whatever names them: none of them is green.
pub(crate) fn is_of_drops(panel: &Panel) -> bool {
    is_by_reason(panel) || is_chart(panel) && panel.title.to_lowercase().contains("drop")
}

/// Verdicts, and the actions of policy verdicts, at the beginning of a series' name: those of one
/// colour together.
fn verdicts() -> Vec<(String, &'static str)> {
    let mut verdicts: Vec<(String, &'static str)> = Vec::new();
    for (verdict, colour) in VERDICT_COLORS {
        let name = verdict.to_string().to_lowercase();
        match verdicts.iter_mut().find(|(_, other)| *other == colour) {
            Some((names, _)) => names.extend(["|", &name]),
            None => verdicts.push((name, colour)),
        }
    }
    verdicts
}

/// The colours of series that are named by their verdict, in either spelling, or by their reason.
pub(crate) fn by_name(panel: &Panel) -> Vec<Value> {
    let names = if is_by_reason(panel) {
        REASONS.map(|(names, colour)| (names.to_owned(), colour)).to_vec()
    } else if is_chart(panel) && has_label(panel, &["verdict", "action"]) {
        verdicts()
    } else {
        Vec::new()
    };
    names
        .into_iter()
        .map(|(name, colour)| {
            json!({
                "matcher": { "id": "byRegexp", "options": format!("/^({name})/i") },
                "properties": [{
                    "id": "color",
                    "value": { "mode": "fixed", "fixedColor": colour },
                }],
            })
        })
        .collect()
}
