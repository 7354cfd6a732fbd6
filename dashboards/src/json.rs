//! Grafana's classic dashboard model, as far as the dashboards use it.

use serde_json::{Value, json};

use crate::Build;
use crate::board::{Board, TITLE_PREFIX};
use crate::colours;
use crate::condition::filter;
use crate::links::{Behind, Moment, closer, in_explore, in_flow_logs, to_board};
use crate::panel::{Panel, View};
use crate::query::{PanelQuery, datasource};
use crate::variable::{ALL, Variable};

/// Common tag of the dashboards; their menu lists dashboards with this tag.
const TAG: &str = "k8s:network-observability";

/// Text in place of a missing number. A panel cannot know the reason: its query may have failed, so
/// even "no data" would say too much.
const NO_NUMBER: &str = "–";

/// Columns of Grafana's grid.
const COLUMNS: usize = 24;

/// A dashboard's JSON in a build.
pub(crate) fn dashboard(board: Board, build: Build) -> Value {
    let mut layout = Layout::default();
    let mut panels = Vec::new();
    for row in board.rows {
        if !row.title.is_empty() {
            panels.push(json!({
                "id": panels.len() + 1,
                "type": "row",
                "title": row.title,
                "collapsed": false,
                "gridPos": layout.line(),
                "panels": [],
            }));
        }
        for panel in row.panels {
            if build == Build::Prometheus && panel.is_of_flows() {
                continue;
            }
            let place = layout.place(&panel);
            let asks_flows = panel.is_of_flows();
            let mut panel = panel_json(&panel, build);
            let targets = panel.get_mut("targets").and_then(Value::as_array_mut);
            if asks_flows && board.variables.contains(&Variable::Filters) {
                targets.into_iter().flatten().for_each(name_filters);
            }
            if let Some(panel) = panel.as_object_mut() {
                panel.insert("id".into(), json!(panels.len() + 1));
                panel.insert("gridPos".into(), place);
            }
            panels.push(panel);
        }
        layout.close();
    }
    let variables: Vec<Value> =
        board.variables.iter().map(|&variable| variable_json(variable, build)).collect();
    json!({
        "uid": build.uid(board.name),
        "title": format!("{TITLE_PREFIX}{}", board.title),
        "description": board.description,
        "tags": [TAG],
        "schemaVersion": 41,
        "version": 1,
        "editable": false,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        // Hubble remembers minutes, Prometheus days.
        "time": { "from": if board.needs_flows { "now-5m" } else { "now-30m" }, "to": "now" },
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "annotations": { "list": annotations(&board.variables, build) },
        "links": [{
            "title": "Kubernetes / Networking",
            "type": "dashboards",
            "tags": [TAG],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
            "targetBlank": false,
        }],
        "templating": { "list": variables },
        "panels": panels,
    })
}

/// Names the board's ad hoc variable in a query of flows. Grafana passes its conditions
/// automatically only if the variable names the data source by uid, not as the default. Source:
/// scenes, `findActiveAdHocFilterVariableByUid`.
fn name_filters(target: &mut Value) {
    if let Some(target) = target.as_object_mut() {
        target.insert("adhocVariable".into(), json!(format!("${}", Variable::Filters.name())));
    }
}

/// Drops as annotations on every chart, off by default.
fn annotations(variables: &[Variable], build: Build) -> Vec<Value> {
    if build == Build::Prometheus {
        return vec![];
    }
    let mut conditions = vec![("verdict", "DROPPED".to_owned())];
    for flag in ["cluster", "namespace", "workload", "pod"] {
        if variables.iter().any(|variable| variable.name() == flag) {
            conditions.push((flag, format!("${flag}")));
        }
    }
    let mut target = json!({
        "refId": "Anno",
        "queryType": "flowAnnotations",
        "filter": filter(&conditions),
        "limit": 100,
    });
    if variables.contains(&Variable::Filters) {
        name_filters(&mut target);
    }
    vec![json!({
        "name": "Drops",
        "datasource": datasource(build),
        "enable": false,
        "hide": false,
        "iconColor": "red",
        "target": target,
    })]
}

/// Placement of panels row by row from the left, each as high as possible.
#[derive(Debug, Default)]
struct Layout {
    /// First free grid row of each column.
    heights: [u32; COLUMNS],
}

impl Layout {
    /// The position of the next panel.
    fn place(&mut self, panel: &Panel) -> Value {
        let width = usize::try_from(panel.width).unwrap_or(COLUMNS).min(COLUMNS);
        let fits = self
            .heights
            .windows(width)
            .enumerate()
            .map(|(x, columns)| (columns.iter().copied().max().unwrap_or(0), x));
        let (y, x) = fits.min().unwrap_or((0, 0));
        for height in self.heights.iter_mut().skip(x).take(width) {
            *height = y + panel.height;
        }
        json!({ "x": x, "y": y, "w": panel.width, "h": panel.height })
    }

    /// The position of a row's title.
    fn line(&mut self) -> Value {
        let y = self.close();
        self.heights = [y + 1; COLUMNS];
        json!({ "x": 0, "y": y, "w": COLUMNS, "h": 1 })
    }

    /// Moves everything that follows below the current panels.
    fn close(&mut self) -> u32 {
        let y = self.heights.iter().copied().max().unwrap_or(0);
        self.heights = [y; COLUMNS];
        y
    }
}

fn variable_json(variable: Variable, build: Build) -> Value {
    let (name, label) = (variable.name(), variable.label());
    let mut json = json!({
        "name": name,
        "label": label,
        "description": variable.description(),
        "hide": 0,
        "skipUrlSync": false,
    });
    let more = match variable {
        Variable::Datasource => json!({
            "type": "datasource",
            "query": build.datasource_type(),
            "refresh": 1,
            "multi": false,
            "includeAll": false,
            "regex": "",
            "options": [],
            // Grafana's default source, if it is of this type, instead of the first by name.
            "current": { "text": "default", "value": "default" },
        }),
        Variable::Filters => json!({
            "type": "adhoc",
            "datasource": datasource(build),
            "filters": [],
            "baseFilters": [],
        }),
        Variable::Cluster(_)
        | Variable::Node(_)
        | Variable::Namespace
        | Variable::Workload
        | Variable::Pod
        | Variable::SeenNamespace
        | Variable::SeenWorkload
        | Variable::SeenPod => query_variable(variable, build),
    };
    if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    json
}

/// A variable that the data source fills, again at each change of the time range.
fn query_variable(variable: Variable, build: Build) -> Value {
    let text = variable.query().unwrap_or_default();
    let query = match build {
        Build::Hubble => json!({ "refId": variable.name(), "query": text }),
        // 1: a query of label values.
        Build::Prometheus => json!({ "refId": variable.name(), "query": text, "qryType": 1 }),
    };
    json!({
        "type": "query",
        "datasource": datasource(build),
        "query": query,
        "definition": text,
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "allValue": ALL,
        "regex": variable.regex(),
        "options": [],
        "current": { "text": ["All"], "value": ["$__all"] },
    })
}

fn panel_json(panel: &Panel, build: Build) -> Value {
    let targets: Vec<Value> =
        ('A'..='Z').zip(&panel.queries).map(|(ref_id, query)| query.json(ref_id, build)).collect();
    let links = match panel.behind_query {
        Some(_) => vec![],
        None => links(panel, panel.behind.as_ref(), build),
    };
    let is_table = matches!(panel.view, View::Table(_));
    // A number's panel has no room for a sentence, and Grafana's heat map takes none: the
    // description contains it.
    let is_number = matches!(panel.view, View::Stat | View::Bars);
    let is_wordless = is_number || matches!(panel.view, View::Heatmap);
    let description = if is_wordless && !panel.no_value.is_empty() {
        format!("{} When it is empty: {}", panel.description, panel.no_value)
    } else {
        panel.description.clone()
    };
    let mut defaults = json!({
        "unit": panel.unit,
        // Text of an empty panel. The cells of a table have no text of their own, see below.
        "noValue": if is_number { NO_NUMBER } else { panel.no_value },
        "links": if is_table { vec![] } else { links.clone() },
        "custom": custom(&panel.view),
        "color": color(panel),
    });
    if let Some(defaults) = defaults.as_object_mut() {
        if panel.no_value.is_empty() || matches!(panel.view, View::Heatmap) {
            defaults.remove("noValue");
        }
        if !is_table && panel.unit != "none" {
            defaults.insert("min".into(), json!(0));
        }
        if panel.unit == "percentunit" {
            defaults.insert("max".into(), json!(1));
        }
        if matches!(panel.view, View::Stat | View::Bars) && panel.unit == "locale" {
            defaults.insert("decimals".into(), json!(0));
        }
        if let Some(name) = bar_name(panel) {
            defaults.insert("displayName".into(), json!(name));
        }
        if panel.is_bad_news && matches!(panel.view, View::Stat) {
            // A missing number is not good news and must not be green.
            defaults.insert(
                "mappings".into(),
                json!([{
                    "type": "special",
                    "options": {
                        "match": "null+nan",
                        "result": { "text": NO_NUMBER, "color": "text", "index": 0 },
                    },
                }]),
            );
            defaults.insert(
                "thresholds".into(),
                json!({ "mode": "absolute", "steps": [
                    { "color": "green", "value": null },
                    { "color": "red", "value": 0.001 },
                ]}),
            );
        }
    }
    let overrides = if is_table {
        cells(panel, &links)
    } else {
        [unnamed(panel), colours::by_name(panel), links_by_query(panel, build)].concat()
    };
    let mut json = json!({
        "type": kind(&panel.view),
        "title": panel.title,
        "description": description,
        "datasource": datasource(build),
        "targets": targets,
        "fieldConfig": { "defaults": defaults, "overrides": overrides },
        "options": options(panel),
        "transformations": transformations(panel),
    });
    if let (Some(step), Some(json)) =
        (panel.queries.iter().find_map(PanelQuery::shortest_step), json.as_object_mut())
    {
        json.insert("interval".into(), json!(step));
    }
    if matches!(panel.view, View::Cells)
        && let Some(json) = json.as_object_mut()
    {
        // The status history draws at most half as many points as pixels, and a phone has 200.
        json.insert("maxDataPoints".into(), json!(100));
    }
    json
}

fn kind(view: &View) -> &'static str {
    match view {
        View::Lines | View::Stacked => "timeseries",
        View::Stat => "stat",
        View::Bars => "bargauge",
        View::Table(_) => "table",
        View::Cells => "status-history",
        View::Heatmap => "heatmap",
        View::Flows => "k8snet-flows-panel",
        View::NodeGraph => "nodeGraph",
    }
}

/// Links of a number to the flows behind it (on a dashboard that everyone may open, and in Explore)
/// and to more detailed dashboards. A time series accepts one link that opens on a single click.
fn links(panel: &Panel, behind: Option<&Behind>, build: Build) -> Vec<Value> {
    let one_click = matches!(panel.view, View::Lines | View::Stacked);
    let moment = if panel.has_points() { Moment::Point } else { Moment::Range };
    let mut links = Vec::new();
    if let Some(behind) = behind.filter(|_| build == Build::Hubble) {
        if panel.is_of_flows() {
            // Explore cannot take the ad hoc filters chosen here.
            links.push(closer(behind, moment, one_click));
        } else {
            links.push(in_flow_logs(behind, moment, one_click));
            links.push(in_explore(behind));
        }
    }
    links.extend(panel.next.iter().map(|next| to_board(next, build)));
    links
}

/// The name of a series without the legend's labels: the zero of an unpicked metric.
fn unnamed(panel: &Panel) -> Vec<Value> {
    let is_named = panel
        .queries
        .iter()
        .any(|query| matches!(query, PanelQuery::Range { legend, .. } if legend.starts_with("{{")));
    if !is_named {
        return vec![];
    }
    vec![json!({
        "matcher": { "id": "byRegexp", "options": "/^(Value|\\W*)$/" },
        "properties": [{ "id": "displayName", "value": "none" }],
    })]
}

/// Links of a panel whose queries stand for different flows, for each query separately. Grafana
/// adds a series' links to those of the panel.
fn links_by_query(panel: &Panel, build: Build) -> Vec<Value> {
    let Some((ref_id, other)) = &panel.behind_query else { return vec![] };
    ('A'..='Z')
        .zip(&panel.queries)
        .map(|(query, _)| {
            let behind = if query == *ref_id { Some(other) } else { panel.behind.as_ref() };
            json!({
                "matcher": { "id": "byFrameRefID", "options": query.to_string() },
                "properties": [{ "id": "links", "value": links(panel, behind, build) }],
            })
        })
        .collect()
}

fn color(panel: &Panel) -> Value {
    match panel.view {
        View::Stat if panel.is_bad_news => json!({ "mode": "thresholds" }),
        View::Stat => json!({ "mode": "fixed", "fixedColor": "text" }),
        View::Bars if panel.is_bad_news => json!({ "mode": "continuous-YlRd" }),
        View::Bars => json!({ "mode": "continuous-BlPu" }),
        // From the panel's background to the colour, in both themes.
        View::Cells if panel.is_bad_news => json!({ "mode": "continuous-reds" }),
        View::Cells => json!({ "mode": "continuous-blues" }),
        View::Lines | View::Stacked if colours::is_of_drops(panel) => {
            json!({ "mode": "shades", "fixedColor": "red" })
        }
        _ => json!({ "mode": "palette-classic" }),
    }
}

/// The name beside a bar. Grafana omits the name of a single bar unless it is set.
fn bar_name(panel: &Panel) -> Option<String> {
    match (&panel.view, panel.queries.first()?) {
        (View::Bars, PanelQuery::FlowMetrics { .. }) => Some("${__series.name}".to_owned()),
        (View::Bars, PanelQuery::Instant { legend, .. }) => {
            let label = legend.strip_prefix("{{")?.strip_suffix("}}")?;
            Some(format!("${{__field.labels.{label}}}"))
        }
        _ => None,
    }
}

fn custom(view: &View) -> Value {
    match view {
        View::Lines | View::Stacked => {
            let is_stacked = matches!(view, View::Stacked);
            json!({
                "drawStyle": "line",
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "fillOpacity": if is_stacked { 40 } else { 15 },
                "gradientMode": "none",
                "showPoints": "auto",
                "pointSize": 5,
                "spanNulls": false,
                "stacking": { "mode": if is_stacked { "normal" } else { "none" }, "group": "A" },
                "axisPlacement": "auto",
                "axisLabel": "",
            })
        }
        View::Cells => json!({ "fillOpacity": 100, "lineWidth": 0 }),
        View::Table(_) => json!({ "align": "auto", "filterable": true }),
        _ => json!({}),
    }
}

/// Links and texts of a table's cells: a number leads to the flows at once, a name to the flows and
/// to the dashboards. An empty cell stays empty, because the text of an empty panel would otherwise
/// appear in the links.
fn cells(panel: &Panel, links: &[Value]) -> Vec<Value> {
    // The first link is the one to the flows, in the build that has flows.
    let has_flows = links.len() > panel.next.len();
    let (of_number, _) = links.split_at(usize::from(has_flows));
    let mut names = vec![json!({ "id": "noValue", "value": "" })];
    if !links.is_empty() {
        names.push(json!({ "id": "links", "value": links }));
    }
    let mut overrides = vec![json!({
        "matcher": { "id": "byType", "options": "string" },
        "properties": names,
    })];
    if let View::Table(columns) = panel.view {
        // DNS names and pods are longer than their share of the width.
        let long = [("query", 420), ("from", 330), ("to", 330)];
        overrides.extend(columns.iter().filter_map(|(name, title)| {
            let (_, width) = long.iter().find(|(label, _)| label == name)?;
            Some(json!({
                "matcher": { "id": "byName", "options": title },
                "properties": [{ "id": "custom.width", "value": width }],
            }))
        }));
    }
    overrides.extend(panel.hidden.iter().map(|label| {
        // Grafana's older and newer names of the option.
        let hidden =
            ["custom.hidden", "custom.hideFrom.viz"].map(|id| json!({ "id": id, "value": true }));
        json!({ "matcher": { "id": "byName", "options": label }, "properties": hidden })
    }));
    if !of_number.is_empty() {
        overrides.push(json!({
            "matcher": { "id": "byName", "options": panel.linked_column },
            "properties": [{ "id": "links", "value": of_number }],
        }));
    }
    overrides
}

fn options(panel: &Panel) -> Value {
    let reduce = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
    match &panel.view {
        View::Lines | View::Stacked => json!({
            "legend": {
                "showLegend": true,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
                "sortBy": "Max",
                "sortDesc": true,
            },
            "tooltip": { "mode": "single", "sort": "desc" },
        }),
        View::Stat => json!({
            "reduceOptions": reduce,
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "auto",
            "justifyMode": "auto",
            "orientation": "vertical",
        }),
        View::Bars => json!({
            "reduceOptions": reduce,
            "orientation": "horizontal",
            "displayMode": "gradient",
            "valueMode": "color",
            "showUnfilled": true,
            "namePlacement": "top",
            "sizing": "manual",
            // A name of size 14 needs 21 pixels, with the bar below it.
            "minVizHeight": 40,
            "maxVizHeight": 44,
            "text": { "titleSize": 14, "valueSize": 14 },
        }),
        View::Table(columns) => json!({
            "showHeader": true,
            "cellHeight": "sm",
            "sortBy": [{
                "displayName": columns.last().map_or("", |(_, title)| title),
                "desc": true,
            }],
        }),
        View::Cells => json!({
            "showValue": "never",
            "rowHeight": 0.9,
            "colWidth": 0.95,
            "legend": { "showLegend": false, "displayMode": "list", "placement": "bottom" },
            "tooltip": { "mode": "single", "sort": "none" },
        }),
        View::Heatmap => json!({
            "calculate": false,
            "cellGap": 1,
            "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64, "fill": "dark-orange", "exponent": 0.5, "scale": "exponential", "reverse": false },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "auto" },
            "tooltip": { "mode": "single", "showColorScale": false, "yHistogram": false },
            "yAxis": { "axisPlacement": "left", "reverse": false },
        }),
        View::Flows => {
            let mut options = json!({ "timeColumnZone": "dashboard", "density": "normal" });
            if let Some(options) = options.as_object_mut().filter(|_| panel.width < 24) {
                // Columns for a part of the width; the type distinguishes a packet's records.
                let columns = [
                    "time",
                    "verdict",
                    "agreement",
                    "dropReason",
                    "source",
                    "destination",
                    "destinationPort",
                    "type",
                ];
                options.insert("columns".into(), json!(columns));
            }
            options
        }
        View::NodeGraph => json!({ "zoomMode": "cooperative" }),
    }
}

fn transformations(panel: &Panel) -> Vec<Value> {
    match &panel.view {
        View::Table(columns) => {
            let of = |value: fn(usize, &'static str) -> Value| -> Value {
                columns
                    .iter()
                    .enumerate()
                    .map(|(index, &(name, title))| (name.to_owned(), value(index, title)))
                    .collect()
            };
            vec![json!({
                "id": "organize",
                "options": {
                    "excludeByName": { "Time": true },
                    "indexByName": of(|index, _| json!(index)),
                    "renameByName": of(|_, title| json!(title)),
                },
            })]
        }
        // An answer without series is a frame without fields. Grafana's heat map fails on it
        // ("TypeError: Cannot read properties of undefined"), and the status history complains of a
        // missing time field instead of showing the panel's text; such frames are removed here.
        View::Heatmap | View::Cells => vec![json!({
            "id": "filterFieldsByName",
            "options": { "include": { "pattern": ".*" } },
        })],
        View::Stat if panel.extremes => vec![json!({
            "id": "reduce",
            "options": {
                "reducers": ["max", "min"],
                "mode": "seriesToRows",
                "includeTimeField": false,
                "labelsToFields": false,
            },
        })],
        _ => vec![],
    }
}
