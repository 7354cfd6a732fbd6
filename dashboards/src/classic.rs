//! Grafana's classic dashboard model, as much of it as the dashboards use.

use serde_json::{Value, json};

/// The data source that all dashboards run on.
pub(crate) const DATASOURCE_TYPE: &str = "k8snet-hubble-datasource";

/// Place and size on the grid of 24 columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A panel; its id is given when it joins a dashboard.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) description: String,
    pub(crate) grid: Grid,
    pub(crate) kind: &'static str,
    pub(crate) targets: Vec<Value>,
    /// `fieldConfig.defaults`.
    pub(crate) field: Value,
    pub(crate) overrides: Vec<Value>,
    pub(crate) options: Value,
    pub(crate) transformations: Vec<Value>,
}

/// A PromQL query over the time range.
pub(crate) fn range(ref_id: &str, expr: &str, legend: &str) -> Value {
    promql(ref_id, expr, legend, "time_series", true)
}

/// A PromQL query at the end of the time range; one row per series with `format` table.
pub(crate) fn instant(ref_id: &str, expr: &str, legend: &str, format: &str) -> Value {
    promql(ref_id, expr, legend, format, false)
}

fn promql(ref_id: &str, expr: &str, legend: &str, format: &str, range: bool) -> Value {
    json!({
        "refId": ref_id,
        "datasource": datasource(),
        "queryType": "promql",
        "expr": expr,
        "legendFormat": legend,
        "format": format,
        "range": range,
        "instant": !range,
        "exemplar": false,
    })
}

/// The dashboard's data source, whichever was chosen.
pub(crate) fn datasource() -> Value {
    json!({ "type": DATASOURCE_TYPE, "uid": "${datasource}" })
}

/// The choice of the data source.
pub(crate) fn datasource_variable() -> Value {
    json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": DATASOURCE_TYPE,
        "refresh": 1,
        "hide": 0,
        "multi": false,
        "includeAll": false,
        "regex": "",
        "options": [],
        "current": {},
    })
}

/// A variable that the data source fills, anew at each change of the time range.
/// `all` adds the choice of everything, as the regular expression that it stands for.
pub(crate) fn query_variable(
    name: &str,
    label: &str,
    query: &str,
    all: Option<&str>,
    current: Option<&str>,
) -> Value {
    let chosen = match (current, all) {
        (Some(value), _) => json!({ "text": value, "value": value }),
        (None, Some(_)) => json!({ "text": "All", "value": "$__all" }),
        (None, None) => json!({}),
    };
    json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": datasource(),
        "query": { "refId": name, "query": query },
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": false,
        "includeAll": all.is_some(),
        "allValue": all,
        "regex": "",
        "options": [],
        "current": chosen,
    })
}

/// A line across the dashboard under which panels stand.
pub(crate) fn row(title: &str, y: u32) -> Value {
    json!({
        "type": "row",
        "title": title,
        "collapsed": false,
        "gridPos": { "x": 0, "y": y, "w": 24, "h": 1 },
        "panels": [],
    })
}

impl Panel {
    /// The panel's JSON without an id.
    pub(crate) fn json(self) -> Value {
        let Self {
            title,
            description,
            grid,
            kind,
            targets,
            field,
            overrides,
            options,
            transformations,
        } = self;
        json!({
            "type": kind,
            "title": title,
            "description": description,
            "gridPos": { "x": grid.x, "y": grid.y, "w": grid.width, "h": grid.height },
            "datasource": datasource(),
            "targets": targets,
            "fieldConfig": { "defaults": field, "overrides": overrides },
            "options": options,
            "transformations": transformations,
        })
    }
}

/// The dashboard of `panels` (and rows), which are numbered in their order.
pub(crate) fn dashboard(
    uid: &str,
    title: &str,
    description: &str,
    variables: &[Value],
    mut panels: Vec<Value>,
) -> Value {
    for (id, panel) in (1..).zip(&mut panels) {
        if let Some(panel) = panel.as_object_mut() {
            panel.insert("id".into(), json!(id));
        }
    }
    json!({
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["k8s:network-observability"],
        "schemaVersion": 41,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": { "from": "now-30m", "to": "now" },
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "annotations": { "list": [] },
        "links": [{
            "title": "Kubernetes / Networking",
            "type": "dashboards",
            "tags": ["k8s:network-observability"],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
            "targetBlank": false,
        }],
        "templating": { "list": variables },
        "panels": panels,
    })
}
