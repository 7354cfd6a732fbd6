//! Comparison of the documentation page on scraping with the dashboards and the rules.

use std::collections::BTreeMap;

use regex::Regex;

use super::*;

const PAGE: &str = include_str!("../../../docs/scraping.md");

/// Metrics that a text names. A histogram is named by its family.
fn metrics(text: &str) -> BTreeSet<String> {
    let metric = Regex::new(r"\b(?:hubble|cilium|networkobservability)_[a-z0-9_]+\b").unwrap();
    metric
        .find_iter(text)
        .map(|found| found.as_str().trim_end_matches("_bucket").to_owned())
        // The name of a buffer, in a matcher.
        .filter(|metric| metric != "hubble_ring_buffer")
        .collect()
}

/// The rows of the table whose header starts with `first`: the first cell, and the metrics in the
/// row.
fn table(first: &str) -> BTreeMap<String, BTreeSet<String>> {
    PAGE.lines()
        .skip_while(|line| !line.starts_with(&format!("| {first} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let (name, rest) = line.trim_start_matches("| ").split_once(" | ").unwrap();
            (name.trim_matches('*').to_owned(), metrics(rest))
        })
        .collect()
}

#[test]
fn the_page_names_the_metrics_of_every_dashboard() {
    let asked: BTreeMap<String, BTreeSet<String>> = made(Build::Hubble)
        .iter()
        .map(|dashboard| {
            let title = dashboard.model["title"].as_str().unwrap().rsplit(" / ").next().unwrap();
            let panels = dashboard.model["panels"].as_array().unwrap();
            let exprs: Vec<&str> =
                panels.iter().filter(|panel| panel["targets"].is_array()).flat_map(exprs).collect();
            (title.to_owned(), metrics(&exprs.join("\n")))
        })
        .collect();
    assert_eq!(table("dashboard"), asked);
}

#[test]
fn the_page_names_the_metrics_of_every_alert() {
    let files = rule_files().unwrap();
    let file = files.iter().find(|file| file.path().contains("alerting")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(file.text()).unwrap();
    let asked: BTreeMap<String, BTreeSet<String>> = rules["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            let expr = rule["data"][0]["model"]["expr"].as_str().unwrap();
            (rule["title"].as_str().unwrap().to_owned(), metrics(expr))
        })
        .collect();
    assert_eq!(table("alert"), asked);
}

#[test]
fn the_page_has_an_option_for_each_metric_of_hubble() {
    let listed: BTreeSet<String> = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| metric |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| metrics(line.split(" | ").next().unwrap()))
        .collect();
    let asked: BTreeSet<String> = table("dashboard")
        .into_values()
        .chain(table("alert").into_values())
        .flatten()
        .filter(|metric| metric.starts_with("hubble_"))
        .collect();
    assert_eq!(listed, asked);
}
