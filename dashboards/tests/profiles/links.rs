//! Checks of links: a link selects as many flows as its number counted, or it says that it selects
//! others.
//!
//! The selection is computed here from the link's URL and the flows' own JSON, by the meaning of
//! `hubble observe`'s flags; it does not use the project's own filter.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::boards::Query;
use crate::flows::{Act, lines};
use crate::series::Labels;
use crate::timeline::{PERIOD_SECS, RANGE_SECS};

/// Tolerated difference of a link, in flows or as a share.
const FLOWS: f64 = 2.0;
const SHARE: f64 = 0.02;

/// The chosen values of a dashboard's variables, except for the cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen(pub(crate) &'static [(&'static str, &'static str)]);

/// All, and the workload of the story.
pub(crate) const CHOSEN: [Chosen; 2] =
    [Chosen(&[]), Chosen(&[("namespace", "pets"), ("workload", "store-front")])];

/// A condition of a link, filled in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Condition {
    key: String,
    operator: String,
    values: Vec<String>,
}

/// Relation of a link's flows to the counted ones, by its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Same,
    More,
    Less,
}

/// Place of a link in a panel.
#[derive(Debug, Clone)]
enum LinkPlace {
    Everywhere,
    /// At the results of one query, by its letter.
    Query(String),
    /// At series that a matcher finds by name, which are not computed here.
    Names,
}

/// A link of a panel to the dashboard of flows.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    title: String,
    url: String,
    /// The series that it belongs to.
    at: LinkPlace,
}

impl Link {
    /// The links of a panel to flows, one for each place.
    pub(crate) fn of_panel(panel: &Value) -> Vec<Self> {
        let mut links = vec![];
        let mut take = |list: &Value, at: &LinkPlace| {
            for link in list.as_array().into_iter().flatten() {
                let url = link["url"].as_str().unwrap_or_default();
                if url.starts_with("/d/k8snet-flow-logs") {
                    links.push(Self {
                        title: link["title"].as_str().unwrap_or_default().to_owned(),
                        url: url.to_owned(),
                        at: at.clone(),
                    });
                }
            }
        };
        let config = &panel["fieldConfig"];
        take(&config["defaults"]["links"], &LinkPlace::Everywhere);
        for own in config["overrides"].as_array().into_iter().flatten() {
            let matcher = &own["matcher"];
            let options = matcher["options"].as_str().unwrap_or_default();
            let at = match matcher["id"].as_str() {
                Some("byFrameRefID") => LinkPlace::Query(options.to_owned()),
                _ => LinkPlace::Names,
            };
            for property in own["properties"].as_array().into_iter().flatten() {
                if property["id"] == "links" {
                    take(&property["value"], &at);
                }
            }
        }
        links
    }

    /// The relation that the link's title states.
    fn says(&self) -> Says {
        match self.title.split_once(", of ") {
            None => Says::Same,
            Some((_, "records that name the workload")) => Says::Less,
            Some(_) => Says::More,
        }
    }

    /// The conditions filled in for a series: key, operator, values.
    fn conditions(&self, labels: &Labels, chosen: Chosen) -> Vec<Condition> {
        static EXPRESSION: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\$\{([^}:]+)(?::\w+)?\}").unwrap());
        let (_, query) = self.url.split_once('?').unwrap();
        let mut conditions = vec![];
        for part in query.split('&') {
            let Some(written) = part.strip_prefix("var-filters=") else { continue };
            let written = written.replace("%7C", "|").replace("%3D", "=").replace("%21", "!");
            let filled = EXPRESSION.replace_all(&written, |found: &regex::Captures<'_>| {
                let name = &found[1];
                match name.strip_prefix("__field.labels.") {
                    Some(label) => labels.get(label).cloned().unwrap_or_default(),
                    None => chosen
                        .0
                        .iter()
                        .find(|(known, _)| *known == name)
                        .map_or(".*", |(_, value)| value)
                        .to_owned(),
                }
            });
            let mut parts = filled.split('|');
            let key = parts.next().unwrap().to_owned();
            let operator = parts.next().unwrap().replace("__gfp__", "|");
            let values: Vec<String> = parts
                .map(|value| value.replace("%3A", ":").replace("%2F", "/").replace("%2B", "+"))
                .collect();
            // All, and an empty value, are not conditions.
            if values.iter().any(|value| value == ".*" || value.is_empty()) {
                continue;
            }
            conditions.push(Condition { key, operator, values });
        }
        for (name, value) in chosen.0 {
            if query.contains(&format!("${{{name}:queryparam}}")) {
                let (key, values) = ((*name).to_owned(), vec![(*value).to_owned()]);
                conditions.push(Condition { key, operator: "=".to_owned(), values });
            }
        }
        conditions
    }
}

/// A query's number in events of one act. `None`: it does not count events.
pub(crate) fn events(query: &Query, unit: &str, value: f64) -> Option<f64> {
    const NOT_OF_EVENTS: [&str; 6] = ["percentunit", "s", "bytes", "Bps", "bps", "binBps"];
    let Query { expr, is_instant } = query;
    let secs = |secs: i64| f64::from(i32::try_from(secs).unwrap());
    let is_derived = expr.contains("histogram_quantile") || expr.contains("count(");
    if is_derived || NOT_OF_EVENTS.contains(&unit) {
        return None;
    }
    if *is_instant && expr.contains("increase(") {
        return Some(value * secs(PERIOD_SECS) / secs(RANGE_SECS));
    }
    expr.contains("rate(").then(|| value * secs(PERIOD_SECS))
}

/// The recorded flows of an act, and cached numbers of matching flows.
pub(crate) struct Recorded {
    flows: Vec<Value>,
    met: BTreeMap<Vec<Condition>, usize>,
}

impl Recorded {
    pub(crate) fn read(act: Act) -> Self {
        let flows = lines(&format!("{}.flows", act.name()))
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["flow"].take())
            .collect();
        Self { flows, met: BTreeMap::new() }
    }

    fn count(&mut self, conditions: &[Condition]) -> usize {
        if let Some(count) = self.met.get(conditions) {
            return *count;
        }
        let met = |flow: &&Value| {
            conditions.iter().all(|Condition { key, operator, values }| {
                let is_met = values.iter().any(|value| meets(flow, key, value));
                is_met != operator.starts_with('!')
            })
        };
        let count = self.flows.iter().filter(met).count();
        self.met.insert(conditions.to_vec(), count);
        count
    }
}

/// The fault of a link at a series that counted `events`. `None`: no fault, or the link belongs to
/// other series. `compared` counts the compared links.
pub(crate) fn fault(
    link: &Link,
    query: usize,
    labels: &Labels,
    chosen: Chosen,
    events: f64,
    recorded: &mut Recorded,
    compared: &mut usize,
) -> Option<String> {
    match &link.at {
        LinkPlace::Everywhere => {}
        LinkPlace::Query(letter) if letter.bytes().eq([b'A' + u8::try_from(query).unwrap()]) => {}
        LinkPlace::Query(_) | LinkPlace::Names => return None,
    }
    // The line of a panel without a count has no label to select by.
    if events == 0.0 && labels.is_empty() && link.url.contains("__field.labels") {
        return None;
    }
    let conditions = link.conditions(labels, chosen);
    let behind = f64::from(u32::try_from(recorded.count(&conditions)).unwrap());
    let allowed = FLOWS.max(events * SHARE);
    let is_right = match link.says() {
        Says::Same => (behind - events).abs() <= allowed,
        Says::More => behind + allowed >= events,
        // Some of the flows must exist if any do.
        Says::Less => behind <= events + allowed && (behind > 0.0 || events <= allowed),
    };
    *compared += usize::from(link.says() == Says::Same);
    (!is_right).then(|| format!("{events:.0} counted, {behind} behind {labels:?} {conditions:?}"))
}

/// Whether a flow matches a flag of `hubble observe`. Panics at a flag that no link used before.
fn meets(flow: &Value, key: &str, value: &str) -> bool {
    fn text(value: &Value) -> &str {
        value.as_str().unwrap_or_default()
    }
    let (source, destination) = (&flow["source"], &flow["destination"]);
    let in_namespace = |end: &Value| text(&end["namespace"]) == value;
    let of_workload = |end: &Value| {
        end["workloads"].as_array().into_iter().flatten().any(|of| text(&of["name"]) == value)
    };
    let is_pod = |end: &Value| {
        let (namespace, pod) = value.split_once('/').unwrap_or(("", value));
        let is_there = !text(&end["pod_name"]).is_empty();
        is_there && text(&end["namespace"]) == namespace && text(&end["pod_name"]).starts_with(pod)
    };
    // A key alone selects the label with any value.
    let has_label = |end: &Value| {
        let is_it = |label: &Value| {
            text(label)
                .strip_prefix(value)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        end["labels"].as_array().into_iter().flatten().any(is_it)
    };
    let l7 = &flow["l7"];
    let kind = match flow["event_type"]["type"].as_u64() {
        Some(1) => "drop",
        Some(4) => "trace",
        Some(5) => "policy-verdict",
        Some(129) => "l7",
        _ => "",
    };
    match key {
        "cluster" => true,
        "verdict" => text(&flow["verdict"]).eq_ignore_ascii_case(value),
        "trafficDirection" => text(&flow["traffic_direction"]).eq_ignore_ascii_case(value),
        "namespace" => in_namespace(source) || in_namespace(destination),
        "fromNamespace" => in_namespace(source),
        "toNamespace" => in_namespace(destination),
        "workload" => of_workload(source) || of_workload(destination),
        "fromWorkload" => of_workload(source),
        "toWorkload" => of_workload(destination),
        "pod" => is_pod(source) || is_pod(destination),
        "fromPod" => is_pod(source),
        "toPod" => is_pod(destination),
        "fromIdentity" => {
            let number = if value == "host" { Some(1) } else { value.parse().ok() };
            source["identity"].as_u64() == number
        }
        "fromLabel" => has_label(source),
        "toLabel" => has_label(destination),
        "type" => kind == value,
        "reply" => flow["is_reply"].as_bool() == Some(value == "true"),
        // A flow without a reason has the enum's first value, which JSON leaves out.
        "dropReasonDesc" => {
            flow["drop_reason_desc"].as_str().unwrap_or("DROP_REASON_UNKNOWN") == value
        }
        // A regular expression; links set names, whose dots match any letter.
        "dnsQuery" => {
            let (asked, name) = (text(&l7["dns"]["query"]), value.replace('\\', ""));
            asked.as_bytes().windows(name.len()).any(|part| part == name.as_bytes())
        }
        "httpMethod" => text(&l7["http"]["method"]).eq_ignore_ascii_case(value),
        "httpStatus" => {
            let code = l7["http"]["code"].as_u64().unwrap_or_default().to_string();
            match value.strip_suffix('+') {
                Some(begin) => code != "0" && code.starts_with(begin),
                None => code == value,
            }
        }
        "tcpFlags" => flow["l4"]["TCP"]["flags"][value].as_bool() == Some(true),
        "protocol" => {
            let l4 = flow["l4"].as_object();
            let has = |name: &str| l4.is_some_and(|l4| l4.keys().any(|key| key.starts_with(name)));
            match value.to_ascii_lowercase().as_str() {
                "dns" => l7["dns"].is_object(),
                "http" => l7["http"].is_object(),
                "icmp" => has("ICMP"),
                other => has(&other.to_ascii_uppercase()),
            }
        }
        other => panic!("a link filters by `{other}`, which is not matched here"),
    }
}
