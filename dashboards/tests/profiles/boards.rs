//! Panels and their queries, with the dashboard's variables filled in as Grafana does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dashboards::{Build, all};
use regex::{Captures, Regex};
use serde_json::Value;

use crate::links::Link;
use crate::timeline::{PERIOD_SECS, RANGE_SECS, WINDOW_SECS};

/// Value of "All": the variables' `allValue`.
const ALL: &str = ".*";

/// A panel with PromQL queries.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) board: String,
    pub(crate) title: String,
    /// Grafana's panel type.
    pub(crate) kind: String,
    pub(crate) unit: String,
    /// Text of the empty panel: in the panel, or in its description.
    pub(crate) when_empty: String,
    pub(crate) queries: Vec<Query>,
    /// Links to the flows behind a number.
    pub(crate) links: Vec<Link>,
    /// Selectors of all queries, with All chosen.
    pub(crate) selectors: Vec<Selector>,
}

/// One query of a panel.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) expr: String,
    pub(crate) is_instant: bool,
}

/// A variable that Prometheus fills.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) board: String,
    pub(crate) name: String,
    /// The selector and the label of `label_values(…)`.
    pub(crate) selector: String,
    pub(crate) label: String,
    /// The part of a value that is taken.
    pub(crate) regex: Option<Regex>,
}

impl Variable {
    /// The offered text for a label's value.
    pub(crate) fn value<'a>(&self, of: &'a str) -> Option<&'a str> {
        match &self.regex {
            None => Some(of),
            Some(regex) => regex.captures(of)?.get(1).map(|value| value.as_str()),
        }
    }
}

/// Every panel of every dashboard, in the build on the project's own source; another test checks
/// that both builds have the same queries.
pub(crate) fn panels() -> Vec<Panel> {
    let mut panels = vec![];
    for dashboard in all(Build::Hubble) {
        let board = dashboard.file_name().trim_end_matches(".json").to_owned();
        for panel in dashboard.model()["panels"].as_array().unwrap() {
            let queries: Vec<Query> = panel["targets"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|target| {
                    let expr = target["expr"].as_str()?.to_owned();
                    Some(Query { expr, is_instant: target["instant"] == true })
                })
                .collect();
            if queries.is_empty() {
                continue;
            }
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let defaults = &panel["fieldConfig"]["defaults"];
            let description = text(&panel["description"]);
            let in_words = description.split_once("When it is empty: ").map_or("", |(_, is)| is);
            panels.push(Panel {
                board: board.clone(),
                title: text(&panel["title"]),
                kind: text(&panel["type"]),
                unit: text(&defaults["unit"]),
                when_empty: format!("{}{in_words}", text(&defaults["noValue"])),
                selectors: queries
                    .iter()
                    .flat_map(|query| selectors(&Choice::default().fill(&query.expr)))
                    .collect(),
                links: Link::of_panel(panel),
                queries,
            });
        }
    }
    panels
}

/// Every variable of every dashboard that queries label values.
pub(crate) fn variables() -> Vec<Variable> {
    let mut variables = vec![];
    for dashboard in all(Build::Hubble) {
        for variable in dashboard.model()["templating"]["list"].as_array().unwrap() {
            let query = variable["query"]["query"].as_str().unwrap_or_default();
            let Some(inner) =
                query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'))
            else {
                continue;
            };
            let (selector, label) = inner.rsplit_once(", ").unwrap();
            let regex = variable["regex"].as_str().unwrap_or_default().trim_matches('/');
            variables.push(Variable {
                board: dashboard.file_name().trim_end_matches(".json").to_owned(),
                name: variable["name"].as_str().unwrap().to_owned(),
                selector: selector.to_owned(),
                label: label.to_owned(),
                regex: (!regex.is_empty()).then(|| Regex::new(regex).unwrap()),
            });
        }
    }
    variables
}

/// The chosen values of a dashboard's variables; others are at All.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice(BTreeMap<&'static str, String>);

impl Choice {
    pub(crate) fn of(cluster: &str) -> Self {
        Self::default().and("cluster", cluster)
    }

    pub(crate) fn and(mut self, name: &'static str, value: &str) -> Self {
        // Grafana escapes a single value like a list: for a regular expression within a PromQL
        // string.
        let escaped = value.replace('.', r"\\.");
        self.0.insert(name, escaped);
        self
    }

    /// The expression as sent.
    pub(crate) fn fill(&self, expr: &str) -> String {
        static VARIABLE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\$(?:\{(\w+)\}|(\w+))").unwrap());
        VARIABLE
            .replace_all(expr, |found: &Captures<'_>| {
                let name = found.get(1).or(found.get(2)).unwrap().as_str();
                match name {
                    "__rate_interval" => format!("{WINDOW_SECS}s"),
                    "__range" => format!("{RANGE_SECS}s"),
                    "__interval" => format!("{PERIOD_SECS}s"),
                    // A group of a regular expression, as in `label_replace`.
                    name if name.chars().all(|letter| letter.is_ascii_digit()) => {
                        found[0].to_owned()
                    }
                    name => self.0.get(name).map_or(ALL, String::as_str).to_owned(),
                }
            })
            .into_owned()
    }
}

/// A selector of an expression, filled in.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    /// Labels that it mentions.
    pub(crate) named: Vec<String>,
    /// Labels that must exist for it to select anything.
    pub(crate) needed: Vec<String>,
}

/// The selectors of an expression.
fn selectors(filled: &str) -> Vec<Selector> {
    static SELECTOR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"([a-z_][a-z0-9_]*)\{((?:[^}"]|"[^"]*")*)\}"#).unwrap());
    static MATCHER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"([a-z_]+)(=~|=|!~|!=)"([^"]*)""#).unwrap());
    SELECTOR
        .captures_iter(filled)
        .map(|found| Selector {
            metric: found[1].to_owned(),
            named: MATCHER.captures_iter(&found[2]).map(|matcher| matcher[1].to_owned()).collect(),
            needed: MATCHER
                .captures_iter(&found[2])
                .filter(|matcher| {
                    let takes_empty = |pattern: &str| {
                        let pattern = pattern.replace(r"\\", r"\");
                        Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match("")
                    };
                    match &matcher[2] {
                        "=" => !matcher[3].is_empty(),
                        "=~" => !takes_empty(&matcher[3]),
                        "!=" => matcher[3].is_empty(),
                        _ => takes_empty(&matcher[3]),
                    }
                })
                .map(|matcher| matcher[1].to_owned())
                .collect(),
        })
        .collect()
}
