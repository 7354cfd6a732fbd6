//! `Kubernetes / Networking / Drops (Workload)`: what is dropped on its way to and from a workload,
//! why, and the flows behind it.
//!
//! Metric: `hubble_drop_total{reason, protocol, source, destination, cluster}` with the contexts of
//! Azure's Advanced Container Networking Services: `source` is the pod (`namespace/pod`) whose
//! packet was dropped on its way out, `destination` the pod whose packet was dropped on its way in.

use serde_json::{Value, json};

use crate::classic::{
    Grid, Panel, dashboard, datasource, datasource_variable, instant, query_variable, range, row,
};
use crate::links::{Condition, flows_behind};

/// The dashboard's address: `/d/k8snet-drops-workload`.
pub(crate) const UID: &str = "k8snet-drops-workload";

/// What follows a workload's name in the names of its pods: nothing, a template hash or a job's
/// minute, then five characters or an ordinal. The letters are those of Kubernetes' own generator
/// (no vowels, no 0, 1, 3), so that `store` does not match the pods of `store-front`.
/// Source: `k8s.io/apimachinery/pkg/util/rand`.
const POD_SUFFIX: &str = "(-([bcdfghjklmnpqrstvwxz2456789]{6,10}|[0-9]{8,10}))?\
                          (-([bcdfghjklmnpqrstvwxz2456789]{5}|[0-9]+))?";

/// Hubble's two records of one refusal, said where they are counted.
const COUNTED_TWICE: &str = "Hubble can record one refused packet twice, as a drop and as a policy \
    verdict, and this metric counts both: read it as events, not packets. The flows panel \
    lists both, told apart by their type.";

/// Drops on one side of the workload.
#[derive(Debug, Clone, Copy)]
enum Side {
    Incoming,
    Outgoing,
}

impl Side {
    /// The label that holds the workload's pod.
    fn label(self) -> &'static str {
        match self {
            Self::Incoming => "destination",
            Self::Outgoing => "source",
        }
    }

    fn selector(self) -> String {
        let label = self.label();
        format!(
            r#"hubble_drop_total{{cluster=~"$cluster", {label}=~"$namespace/${{workload}}{POD_SUFFIX}"}}"#
        )
    }

    /// Events per second, by `labels`.
    fn rate_by(self, labels: &str) -> String {
        format!("sum by ({labels}) (rate({}[$__rate_interval]))", self.selector())
    }

    /// Events in the whole range.
    fn total(self) -> String {
        format!("round(sum(increase({}[$__range])))", self.selector())
    }

    /// The highest rate in the range.
    fn peak(self) -> String {
        let selector = self.selector();
        format!("max_over_time(sum(rate({selector}[$__rate_interval]))[$__range:$__interval])")
    }

    /// The same side, said to Hubble.
    fn conditions(self, more: &[Condition]) -> Vec<Condition> {
        let side: [Condition; 3] = match self {
            Self::Incoming => [
                ("toNamespace", "${namespace}"),
                ("toWorkload", "${workload}"),
                ("trafficDirection", "INGRESS"),
            ],
            Self::Outgoing => [
                ("fromNamespace", "${namespace}"),
                ("fromWorkload", "${workload}"),
                ("trafficDirection", "EGRESS"),
            ],
        };
        side.iter().chain(more).copied().collect()
    }
}

pub(crate) fn model() -> Value {
    let variables = vec![
        datasource_variable(),
        query_variable(
            "cluster",
            "Cluster",
            "label_values(hubble_drop_total, cluster)",
            Some(".*"),
            None,
        ),
        query_variable("namespace", "Namespace", "namespaces()", None, Some("pets")),
        query_variable("workload", "Workload", "workloads($namespace)", None, Some("store-front")),
    ];
    let mut panels = stats();
    panels.extend([
        by_reason(Side::Incoming, Grid { x: 0, y: 4, width: 10, height: 8 }),
        by_reason(Side::Outgoing, Grid { x: 0, y: 12, width: 10, height: 8 }),
        flows(Grid { x: 10, y: 4, width: 14, height: 16 }),
        row("By source and destination", 20),
        by_pod(Side::Incoming, Grid { x: 0, y: 21, width: 8, height: 8 }),
        by_pod(Side::Outgoing, Grid { x: 8, y: 21, width: 8, height: 8 }),
        top_talkers(Grid { x: 16, y: 21, width: 8, height: 8 }),
        pairs(Grid { x: 0, y: 29, width: 24, height: 8 }),
        row("The nodes, all workloads", 37),
        nodes(Grid { x: 0, y: 38, width: 24, height: 7 }),
    ]);
    dashboard(
        UID,
        "Kubernetes / Networking / Drops (Workload)",
        "What is dropped on its way to and from a workload, why, and the flows behind it.",
        &variables,
        panels,
    )
}

fn stats() -> Vec<Value> {
    let stat = |title, description: &str, x, target, unit, side: Side| {
        Panel {
            title,
            description: description.into(),
            grid: Grid { x, y: 0, width: 4, height: 4 },
            kind: "stat",
            targets: vec![target],
            field: json!({
                "unit": unit,
                "decimals": if unit == "locale" { json!(0) } else { Value::Null },
                "noValue": "none",
                "color": { "mode": "thresholds" },
                "thresholds": { "mode": "absolute", "steps": [
                    { "color": "green", "value": null },
                    { "color": "red", "value": 0.001 },
                ]},
                "links": [flows_behind(&side.conditions(&[]))],
            }),
            overrides: vec![],
            options: json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "colorMode": "value",
                "graphMode": "none",
                "textMode": "value",
                "justifyMode": "auto",
                "orientation": "auto",
            }),
            transformations: vec![],
        }
        .json()
    };
    let (incoming, outgoing) = (Side::Incoming, Side::Outgoing);
    let rate = |side: Side| {
        range("A", &format!("sum(rate({}[$__rate_interval]))", side.selector()), "drops")
    };
    let once = |expr: String| instant("A", &expr, "drops", "time_series");
    vec![
        stat(
            "Incoming now",
            "Drop events per second on the way to the workload, at the end of the range.",
            0,
            rate(incoming),
            "eps",
            incoming,
        ),
        stat(
            "Incoming, peak",
            "The highest rate of drop events on the way to the workload within the range.",
            4,
            once(incoming.peak()),
            "eps",
            incoming,
        ),
        stat(
            "Incoming, total",
            "Drop events on the way to the workload within the range.",
            8,
            once(incoming.total()),
            "locale",
            incoming,
        ),
        stat(
            "Outgoing now",
            "Drop events per second on the way from the workload, at the end of the range.",
            12,
            rate(outgoing),
            "eps",
            outgoing,
        ),
        stat(
            "Outgoing, peak",
            "The highest rate of drop events on the way from the workload within the range.",
            16,
            once(outgoing.peak()),
            "eps",
            outgoing,
        ),
        stat(
            "Outgoing, total",
            "Drop events on the way from the workload within the range.",
            20,
            once(outgoing.total()),
            "locale",
            outgoing,
        ),
    ]
}

fn lines(stacked: bool, unit: &str, links: &[Value]) -> Value {
    json!({
        "unit": unit,
        "min": 0,
        "noValue": "no drops recorded",
        "color": { "mode": "palette-classic" },
        "links": links,
        "custom": {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": if stacked { 40 } else { 15 },
            "gradientMode": "none",
            "showPoints": "auto",
            "pointSize": 5,
            "spanNulls": false,
            "stacking": { "mode": if stacked { "normal" } else { "none" }, "group": "A" },
            "axisPlacement": "auto",
            "axisLabel": "",
        },
    })
}

fn legend() -> Value {
    json!({
        "legend": {
            "showLegend": true,
            "displayMode": "table",
            "placement": "bottom",
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": { "mode": "single", "sort": "desc" },
    })
}

fn by_reason(side: Side, grid: Grid) -> Value {
    let (title, description) = match side {
        Side::Incoming => (
            "Incoming drops by reason",
            "Drop events per second on the way to the workload's pods. Click a point for the flows behind it.",
        ),
        Side::Outgoing => (
            "Outgoing drops by reason",
            "Drop events per second on the way from the workload's pods. A refused DNS query has no reason of its own (DROP_REASON_UNKNOWN): the proxy answered it. Click a point for the flows behind it.",
        ),
    };
    let behind = flows_behind(&side.conditions(&[("dropReasonDesc", "${__field.labels.reason}")]));
    Panel {
        title,
        description: format!("{description} {COUNTED_TWICE}"),
        grid,
        kind: "timeseries",
        targets: vec![range("A", &side.rate_by("reason"), "{{reason}}")],
        field: lines(false, "eps", &[behind]),
        overrides: vec![],
        options: legend(),
        transformations: vec![],
    }
    .json()
}

fn by_pod(side: Side, grid: Grid) -> Value {
    let (title, description, legend_format, pod): (_, _, _, Condition) = match side {
        Side::Incoming => (
            "Incoming drops by destination pod",
            "Drop events per second, stacked, seen where the destination pod runs.",
            "{{destination}}",
            ("toPod", "${__field.labels.destination}"),
        ),
        Side::Outgoing => (
            "Outgoing drops by source pod",
            "Drop events per second, stacked, seen where the source pod runs.",
            "{{source}}",
            ("fromPod", "${__field.labels.source}"),
        ),
    };
    Panel {
        title,
        description: format!("{description} Click a point for the flows behind it."),
        grid,
        kind: "timeseries",
        targets: vec![range("A", &side.rate_by(side.label()), legend_format)],
        field: lines(true, "eps", &[flows_behind(&side.conditions(&[pod]))]),
        overrides: vec![],
        options: legend(),
        transformations: vec![],
    }
    .json()
}

/// Events in the range on both sides; a series that is on both is taken once.
fn both_sides(labels: &str) -> String {
    format!(
        "sum by ({labels}) (increase({}[$__range]) or increase({}[$__range]))",
        Side::Incoming.selector(),
        Side::Outgoing.selector()
    )
}

/// The pods on both ends, as far as the labels name them.
const PAIR: [Condition; 2] =
    [("fromPod", "${__field.labels.source}"), ("toPod", "${__field.labels.destination}")];

fn top_talkers(grid: Grid) -> Value {
    // Contexts name one end only where the other one is not a pod, or not asked for.
    let named = format!(
        r#"label_replace(label_replace(label_replace(label_replace({}, "from", "$1", "source", "(.+)"), "from", "any source", "source", ""), "to", "$1", "destination", "(.+)"), "to", "any destination", "destination", "")"#,
        both_sides("source, destination")
    );
    Panel {
        title: "Top talkers",
        description: "The ten pairs with the most drop events within the range. An end that Hubble's labels do not name reads \"any source\" or \"any destination\".".into(),
        grid,
        kind: "bargauge",
        targets: vec![instant("A", &format!("topk(10, round({named}) > 0)"), "{{from}} → {{to}}", "time_series")],
        field: json!({
            "unit": "locale",
            "decimals": 0,
            "min": 0,
            "noValue": "no drops recorded",
            "color": { "mode": "continuous-YlRd" },
            "links": [flows_behind(&PAIR)],
        }),
        overrides: vec![],
        options: json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "orientation": "horizontal",
            "displayMode": "gradient",
            "valueMode": "color",
            "showUnfilled": true,
            "namePlacement": "top",
            "sizing": "auto",
        }),
        transformations: vec![],
    }
    .json()
}

fn pairs(grid: Grid) -> Value {
    let link = flows_behind(&[
        ("fromPod", "${__data.fields.Source}"),
        ("toPod", "${__data.fields.Destination}"),
        ("dropReasonDesc", "${__data.fields.Reason}"),
    ]);
    Panel {
        title: "Drops by source, destination and reason",
        description: "Drop events within the range, the fifty largest. An empty cell is an end that Hubble's labels do not name. Click a number for the flows behind it.".into(),
        grid,
        kind: "table",
        targets: vec![instant(
            "A",
            &format!("topk(50, round({}) > 0)", both_sides("source, destination, reason, protocol")),
            "",
            "table",
        )],
        // No `noValue`: its words would stand in the links for an end that is not named.
        field: json!({
            "unit": "locale",
            "custom": { "align": "auto", "filterable": true },
            "links": [],
        }),
        overrides: vec![json!({
            "matcher": { "id": "byName", "options": "Drops" },
            "properties": [
                { "id": "links", "value": [link] },
                { "id": "decimals", "value": 0 },
                { "id": "custom.width", "value": 120 },
            ],
        })],
        options: json!({
            "showHeader": true,
            "cellHeight": "sm",
            "sortBy": [{ "displayName": "Drops", "desc": true }],
        }),
        transformations: vec![json!({
            "id": "organize",
            "options": {
                "excludeByName": { "Time": true },
                "indexByName": { "source": 0, "destination": 1, "reason": 2, "protocol": 3, "Value": 4 },
                "renameByName": {
                    "source": "Source",
                    "destination": "Destination",
                    "reason": "Reason",
                    "protocol": "Protocol",
                    "Value": "Drops",
                },
            },
        })],
    }
    .json()
}

fn nodes(grid: Grid) -> Value {
    // Cilium writes the reason as a sentence ("Policy denied"), Hubble as a name (POLICY_DENIED);
    // the data source takes both.
    let expr = r#"sum by (reason, direction) (rate(cilium_drop_count_total{cluster=~"$cluster"}[$__rate_interval])) or sum by (reason, direction) (rate(networkobservability_drop_count{cluster=~"$cluster"}[$__rate_interval]))"#;
    Panel {
        title: "Dropped packets by reason and direction",
        description: "Packets per second that the nodes dropped, of all workloads, as Cilium counts them (or Retina, where Cilium does not run). Each packet once.".into(),
        grid,
        kind: "timeseries",
        targets: vec![range("A", expr, "{{reason}} {{direction}}")],
        field: lines(
            false,
            "pps",
            &[flows_behind(&[
                ("dropReasonDesc", "${__field.labels.reason}"),
                ("trafficDirection", "${__field.labels.direction}"),
            ])],
        ),
        overrides: vec![],
        options: legend(),
        transformations: vec![],
    }
    .json()
}

fn flows(grid: Grid) -> Value {
    Panel {
        title: "Dropped flows",
        description: "The flows behind the drops, newest first, as Hubble Relay remembers them: some minutes, see the notice for where its memory starts. A refused packet can have two rows, a drop and a policy verdict. Click a row for every field.".into(),
        grid,
        kind: "k8snet-flows-panel",
        targets: vec![json!({
            "refId": "A",
            "datasource": datasource(),
            "queryType": "flows",
            "format": "packed",
            "filter": {
                "verdict": ["DROPPED"],
                "namespace": ["$namespace"],
                "workload": ["$workload"],
            },
            "limit": 5000,
        })],
        field: json!({ "unit": "short" }),
        overrides: vec![],
        // All of them are dropped: the reason takes the verdict's place.
        options: json!({
            "columns": [
                "time",
                "direction",
                "source",
                "destination",
                "destinationPort",
                "dropReason",
            ],
            "timeColumnZone": "dashboard",
            "density": "normal",
        }),
        transformations: vec![],
    }
    .json()
}
