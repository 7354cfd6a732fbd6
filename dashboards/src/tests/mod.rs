//! Tests that apply to every dashboard of both builds.

mod faults;
mod lint;
mod looks;
mod scraping;
mod ways;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::*;

/// The dashboards of a build, created once for all tests.
fn made(build: Build) -> &'static [Dashboard] {
    static HUBBLE: LazyLock<Vec<Dashboard>> = LazyLock::new(|| all(Build::Hubble));
    static PROMETHEUS: LazyLock<Vec<Dashboard>> = LazyLock::new(|| all(Build::Prometheus));
    match build {
        Build::Hubble => &HUBBLE,
        Build::Prometheus => &PROMETHEUS,
    }
}

/// Calls `check` for each panel with queries: build, name of dashboard and panel, panel.
fn each_panel(mut check: impl FnMut(Build, &str, &Value)) {
    for build in Build::ALL {
        for dashboard in made(build) {
            for panel in dashboard.model["panels"].as_array().unwrap() {
                if panel["type"] != "row" {
                    let name = dashboard.file_name().trim_end_matches(".json");
                    let title = panel["title"].as_str().unwrap();
                    check(build, &format!("{build:?} {name}: {title}"), panel);
                }
            }
        }
    }
}

/// The PromQL of a panel.
fn exprs(panel: &Value) -> Vec<&str> {
    panel["targets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|target| target["expr"].as_str())
        .collect()
}

/// Data links of a panel, including those of its columns.
fn data_links(panel: &Value) -> Vec<&Value> {
    let config = &panel["fieldConfig"];
    let of_columns = config["overrides"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|column| column["properties"].as_array().unwrap())
        .filter(|property| property["id"] == "links")
        .flat_map(|property| property["value"].as_array().unwrap());
    config["defaults"]["links"].as_array().unwrap().iter().chain(of_columns).collect()
}

#[test]
fn the_set_is_complete() {
    let titles = |build| -> Vec<String> {
        made(build)
            .iter()
            .map(|dashboard| {
                let title = dashboard.model["title"].as_str().unwrap();
                title.strip_prefix("Kubernetes / Networking / ").unwrap().to_owned()
            })
            .collect()
    };
    let metrics = [
        "Clusters",
        "DNS (Cluster)",
        "DNS (Workload)",
        "Drops (Workload)",
        "L7 (Namespace)",
        "L7 (Workload)",
        "Pod Flows (Namespace)",
        "Pod Flows (Workload)",
    ];
    assert_eq!(titles(Build::Prometheus), metrics);
    let mut hubble = titles(Build::Hubble);
    hubble.retain(|title| title != "Flow Logs");
    assert_eq!(hubble, metrics);
}

#[test]
fn both_builds_have_the_same_panels_of_metrics() {
    let mut seen = [BTreeSet::new(), BTreeSet::new()];
    each_panel(|build, name, panel| {
        let name = name.split_once(' ').unwrap().1.to_owned();
        if !exprs(panel).is_empty() {
            seen[usize::from(build == Build::Prometheus)]
                .insert((name, format!("{:?}", exprs(panel))));
        }
    });
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn uids_are_fixed_and_apart() {
    let mut uids = BTreeSet::new();
    for build in Build::ALL {
        for dashboard in made(build) {
            let uid = dashboard.model["uid"].as_str().unwrap().to_owned();
            let name = dashboard.file_name().trim_end_matches(".json");
            assert!(uid.starts_with("k8snet-") && uid.ends_with(name), "{uid}");
            assert!(uid.len() <= 40, "{uid}");
            assert!(uids.insert(uid));
        }
    }
    assert!(uids.contains("k8snet-drops-workload"));
}

/// Maximum size of an object for `kubectl apply`, which keeps a copy in an annotation, in bytes.
const APPLIED_BYTES: usize = 256 << 10;

#[test]
fn a_dashboard_fits_into_a_config_map() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let bytes = Value::from(dashboard.json()).to_string().len();
            // The ConfigMap around it takes a few hundred bytes.
            assert!(bytes < APPLIED_BYTES - 1_000, "{}: {bytes} bytes", dashboard.file_name());
        }
    }
}

#[test]
fn the_manifests_have_every_dashboard() {
    let grafana = include_str!("../../../provisioning/kubernetes/grafana.yaml");
    let helm = include_str!("../../../provisioning/kubernetes/helm-values.yaml");
    for dashboard in made(Build::Hubble) {
        let name = dashboard.file_name().trim_end_matches(".json");
        let map = format!("configMap: {{ name: k8snet-dashboard-{name} }}");
        assert!(grafana.contains(&map), "grafana.yaml lacks `{map}`");
        for part in [
            format!("configMap: k8snet-dashboard-{name},"),
            format!("mountPath: /etc/k8snet/dashboards/{name},"),
        ] {
            assert!(helm.contains(&part), "helm-values.yaml lacks `{part}`");
        }
    }
    // In the folders that kube-prometheus-stack's sidecars also mount, only single files.
    let provisioned = regex::Regex::new("mountPath: (/etc/grafana/provisioning/[^,]*)").unwrap();
    let places: Vec<&str> =
        provisioned.captures_iter(helm).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(places.len(), 4);
    assert!(places.iter().all(|place| place.ends_with("/k8snet.yaml")), "{places:?}");
    // Deleted dashboards must not be named.
    let named = regex::Regex::new("k8snet-dashboard-([a-z0-9][a-z0-9-]*)").unwrap();
    for found in named.captures_iter(grafana).chain(named.captures_iter(helm)) {
        let is_made =
            |dashboard: &Dashboard| dashboard.file_name() == format!("{}.json", &found[1]);
        let is_known = &found[1] == "provider" || made(Build::Hubble).iter().any(is_made);
        assert!(is_known, "{}", &found[0]);
    }
}

/// Width in pixels of a column in a window of 1,280 pixels, and of a letter of a title; the rest of a
/// panel's header takes 90. Estimates, with room to spare: CI has no Grafana that could measure.
const COLUMN_PIXELS: f64 = 52.0;
const LETTER_PIXELS: f64 = 8.0;

#[test]
fn titles_are_not_cut_off() {
    each_panel(|_, name, panel| {
        let letters = panel["title"].as_str().unwrap().chars().count();
        let width = panel["gridPos"]["w"].as_f64().unwrap() * COLUMN_PIXELS;
        let needed = f64::from(u32::try_from(letters).unwrap()) * LETTER_PIXELS + 90.0;
        assert!(needed <= width, "{name}: {needed} of {width} pixels");
    });
}

#[test]
fn a_bar_has_room_for_its_name() {
    each_panel(|_, name, panel| {
        if panel["type"] == "bargauge" {
            let options = &panel["options"];
            let name_pixels = options["text"]["titleSize"].as_f64().unwrap() * 1.5;
            let bar_pixels = options["minVizHeight"].as_f64().unwrap() - name_pixels;
            assert!(bar_pixels >= options["text"]["valueSize"].as_f64().unwrap(), "{name}");
        }
    });
}

#[test]
fn panels_do_not_overlap_and_stay_on_the_grid() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let mut taken = BTreeSet::new();
            let mut ids = BTreeSet::new();
            for panel in dashboard.model["panels"].as_array().unwrap() {
                assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id is given twice");
                let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
                assert!(of("x") + of("w") <= 24, "{}", panel["title"]);
                for x in of("x")..of("x") + of("w") {
                    for y in of("y")..of("y") + of("h") {
                        assert!(taken.insert((x, y)), "{} overlaps at {x},{y}", panel["title"]);
                    }
                }
            }
        }
    }
}

#[test]
fn variables_are_chained_and_take_several_values_or_all() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let variables = dashboard.model["templating"]["list"].as_array().unwrap();
            let mut before: Vec<&str> = vec![];
            for variable in variables {
                let name = variable["name"].as_str().unwrap();
                if variable["type"] == "query" {
                    let query = variable["query"]["query"].as_str().unwrap();
                    assert_eq!(variable["multi"], true, "{name}");
                    assert_eq!(variable["includeAll"], true, "{name}");
                    let chain = ["cluster", "namespace", "workload"];
                    for one in before.iter().filter(|one| chain.contains(one)) {
                        assert!(
                            query.contains(&format!("${one}")),
                            "{name} ignores {one}: {query}"
                        );
                    }
                }
                before.push(name);
            }
            let first: &[&str] = if dashboard.file_name() == "flow-logs.json" {
                assert_eq!(before, ["datasource", "namespace", "workload", "pod", "filters"]);
                &["datasource"]
            } else {
                &["datasource", "cluster"]
            };
            assert!(before.starts_with(first), "{before:?}");
        }
    }
}

#[test]
fn every_variable_in_a_query_is_on_the_dashboard() {
    let name = regex::Regex::new(r"\$\{?([a-z]\w*)").unwrap();
    for build in Build::ALL {
        for dashboard in made(build) {
            let variables: Vec<&str> = dashboard.model["templating"]["list"]
                .as_array()
                .unwrap()
                .iter()
                .map(|variable| variable["name"].as_str().unwrap())
                .collect();
            let text = dashboard.model["panels"].to_string();
            for found in name.captures_iter(&text) {
                assert!(
                    variables.contains(&&found[1]),
                    "{} has no ${}",
                    dashboard.file_name(),
                    &found[1]
                );
            }
        }
    }
}

#[test]
fn a_workload_matches_its_own_pods_only() {
    let all = made(Build::Hubble);
    let expr = all
        .iter()
        .filter(|dashboard| dashboard.file_name() == "drops-workload.json")
        .flat_map(|dashboard| dashboard.model["panels"].as_array().unwrap())
        .find_map(|panel| panel["targets"][0]["expr"].as_str())
        .unwrap();
    let pattern = expr.split("source=~\"").nth(1).unwrap().split('"').next().unwrap();
    let pattern = pattern.replace("$namespace", "pets").replace("${workload}", "store");
    let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let check = |pod: &str, expected: bool| assert_eq!(pattern.is_match(pod), expected, "{pod}");
    check("pets/store-7d8f9c6b5-x2lqk", true);
    check("pets/store-5f4d8b7c9d-k8wzp", true);
    check("pets/store-0", true);
    check("pets/store-17", true);
    check("pets/store-x2lqk", true);
    check("pets/store-29391820-x2lqk", true);
    check("pets/store", true);
    check("pets/store-front-7d8f9c6b5-x2lqk", false);
    check("pets/store-admin-0", false);
    check("pets/store-front-x2lqk", false);
    check("pets2/store-0", false);
    check("pets/bookstore-0", false);
}

#[test]
fn the_variable_workload_holds_workloads() {
    let regex = variable::Variable::Workload.regex();
    let regex = regex::Regex::new(regex.trim_matches('/')).unwrap();
    let check = |owner: &str, expected: &str| {
        assert_eq!(&regex.captures(owner).unwrap()[1], expected, "{owner}");
    };
    check("store-front-7d8f9c6b5", "store-front");
    check("rabbitmq", "rabbitmq");
    check("cleanup-29391820", "cleanup");
    check("node-local-dns", "node-local-dns");
}
