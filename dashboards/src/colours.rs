//! Colours with the same meaning on every dashboard: of verdicts by name, of reasons shades of red.

use flow::group::VERDICT_COLORS;
use serde_json::{Value, json};

use crate::panel::{Panel, View};
use crate::query::PanelQuery;

/// Drop reasons that a series' name may start with, from the most to the least alarming; other
/// reasons get further shades of red.
const REASONS: [(&str, &str); 4] = [
    ("policy|auth|iptable", "red"),
    ("ct[_ ]|invalid|stale", "light-red"),
    ("unsupported", "super-light-red"),
    ("drop_reason_unknown|unknown", "dark-red"),
];

/// Whether the panel's queries group by one of these labels.
fn has_label(panel: &Panel, labels: &[&str]) -> bool {
    panel.queries.iter().any(|query| match query {
        PanelQuery::Range { legend, .. } => {
            labels.iter().any(|label| legend.contains(&format!("{{{{{label}}}}}")))
        }
        PanelQuery::FlowMetrics { by, .. } => labels.iter().any(|label| by.contains(label)),
        _ => false,
    })
}

fn is_chart(panel: &Panel) -> bool {
    matches!(panel.view, View::Lines | View::Stacked)
}

/// Whether the series of a chart are named by drop reasons.
pub(crate) fn is_by_reason(panel: &Panel) -> bool {
    is_chart(panel) && has_label(panel, &["reason", "dropReasonDesc"])
}

/// Whether the series of a chart are drops; none of them may be green.
pub(crate) fn is_of_drops(panel: &Panel) -> bool {
    is_by_reason(panel) || is_chart(panel) && panel.title.to_lowercase().contains("drop")
}

/// Verdicts, and actions of policy verdicts, that a series' name may start with, grouped by colour.
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

/// Colours of series that are named by their verdict, in either spelling, or by their reason.
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
