//! Tests of links: from numbers to the flows behind them, and to more detailed dashboards.

use super::*;

/// Titles of numbers without specific flows.
const WITHOUT_FLOWS: [&str; 23] = [
    // Packets that the nodes forward: Hubble's flows have no bytes, and a link to all flows would
    // not help.
    "Current Traffic by Cluster",
    "Bytes Forwarded by Cluster",
    "Egress Bytes, Max / Min",
    "Egress Packets, Max / Min",
    "Ingress Bytes, Max / Min",
    "Ingress Packets, Max / Min",
    "Egress Bytes",
    "Egress Packets",
    "Ingress Bytes",
    "Ingress Packets",
    // Sockets and timers of the nodes.
    "TCP Active Connections by State",
    "UDP Connections",
    "TCP Connection Timeouts",
    "TCP Connection Reorders",
    "Windows TCP Packets",
    "Windows TCP SYN-ACK Packets",
    // Counters of the network card, which Cilium never sees.
    "RX Packets by Interface",
    "TX Packets by Interface",
    "Rx Cache Full error",
    "Tx No Op Errors",
    "Dropped Rx Packets",
    "Dropped Tx Packets",
    "Rx Comp Full Errors",
];

fn stands_for_flows(panel: &Value) -> bool {
    let title = panel["title"].as_str().unwrap();
    let kind = panel["type"].as_str().unwrap();
    // Single flows, and a graph whose links the data source makes.
    let is_flows = kind == "k8snet-flows-panel" || kind == "nodeGraph";
    // Lost events have no flows.
    let is_lost = title.starts_with("Lost Hubble");
    !is_flows && !is_lost && !WITHOUT_FLOWS.contains(&title) && title != "Tx Send Full Errors"
}

/// Whether a dashboard is the one of flows, whose panels lead to a part of it.
fn is_of_flows(name: &str) -> bool {
    name.contains("flow-logs: ")
}

/// URLs of a panel's links to the flows: in Flow Logs, and in Explore.
fn ways(panel: &Value) -> [Vec<String>; 2] {
    let links = data_links(panel);
    ["/d/k8snet-flow-logs?", "/explore?"].map(|prefix| {
        links
            .iter()
            .filter_map(|link| link["url"].as_str())
            .filter(|url| url.starts_with(prefix))
            .map(str::to_owned)
            .collect()
    })
}

#[test]
fn every_number_leads_to_the_flows_behind_it() {
    let mut panels = 0;
    each_panel(|build, name, panel| {
        if build == Build::Prometheus || !stands_for_flows(panel) {
            return;
        }
        panels += 1;
        let [logs, explore] = ways(panel);
        let logs = logs.first().unwrap_or_else(|| panic!("{name} has no Flow Logs"));
        // For a point the minutes around it, for a number of the range the whole range.
        let has_points =
            ["timeseries", "status-history", "heatmap"].contains(&panel["type"].as_str().unwrap());
        let time = if has_points {
            "?time=${__value.time}&time.window=300000&"
        } else {
            "?from=${__from}&to=${__to}&"
        };
        for part in [time, "${datasource:queryparam}"] {
            assert!(logs.contains(part), "{name} loses {part}: {logs}");
        }
        if is_of_flows(name) {
            // Explore would lose the dashboard's filters.
            assert_eq!(explore, Vec::<String>::new(), "{name}");
            assert!(logs.contains("&${filters:queryparam}"), "{name}: {logs}");
            return;
        }
        let explore = explore.first().unwrap_or_else(|| panic!("{name} leads nowhere"));
        for part in
            ["${__from:percentencode}", "${__to:percentencode}", "${datasource:percentencode}"]
        {
            assert!(explore.contains(part), "{name} loses {part}: {explore}");
        }
    });
    assert!(panels > 100, "{panels}");
}

#[test]
fn links_pass_the_chosen_variables_on() {
    each_panel(|build, name, panel| {
        if build == Build::Prometheus || !stands_for_flows(panel) {
            return;
        }
        let [logs, explore] = ways(panel).map(|urls| urls.first().cloned().unwrap_or_default());
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].to_string();
        let check = |means: bool, flag: &str, value: &str| {
            if means {
                let filter = format!("&var-filters={flag}%7C%3D%7C{value}");
                assert!(logs.contains(&filter), "{name}: {filter} in {logs}");
                if !is_of_flows(name) {
                    let flag = format!("%22{flag}%22");
                    assert!(explore.contains(&flag), "{name}: {flag} in {explore}");
                }
            }
        };
        let is_drop = title.contains("Drop") && !title.contains("ratio");
        check(is_drop, "verdict", "DROPPED");
        check(targets.contains("by (reason"), "dropReasonDesc", "${");
        check(title.contains("HTTP 4xx"), "httpStatus", "4%2B");
        check(title.contains("DNS Queries ("), "dnsQuery", "${");
        check(title.contains("RST"), "tcpFlags", "RST");
        if title.contains("by Source Pod") || title.contains("Top Source Pods") {
            let to_it = explore.contains("labels.source") && logs.contains("labels.source");
            assert!(to_it, "{name} loses the pod");
        }
    });
}

/// Everything that a link sets exists on its target: variables by name, ad hoc filters by a key
/// that the data source knows.
#[test]
fn a_link_sets_only_what_its_target_has() {
    let queries = include_str!("../../../docs/queries.md");
    let flags = queries.lines().find(|line| line.starts_with("The flags: ")).unwrap();
    let set = regex::Regex::new(r"[&?](?:var-([a-z_]+)=([^&]*)|\$\{(\w+):queryparam\})").unwrap();
    let mut seen = 0;
    for build in Build::ALL {
        each_panel(|of, name, panel| {
            if of != build {
                return;
            }
            for link in data_links(panel) {
                let url = link["url"].as_str().unwrap();
                let Some(rest) = url.strip_prefix("/d/") else { continue };
                let uid = rest.split('?').next().unwrap();
                let target = made(build)
                    .iter()
                    .find(|dashboard| dashboard.model["uid"] == uid)
                    .unwrap_or_else(|| panic!("{name}: {uid}"));
                let variables = target.model["templating"]["list"].as_array().unwrap();
                let mut keys = BTreeSet::new();
                for found in set.captures_iter(url) {
                    seen += 1;
                    let variable = found.get(1).or(found.get(3)).unwrap().as_str();
                    let known = variables.iter().find(|known| known["name"] == variable);
                    let known = known.unwrap_or_else(|| panic!("{name}: {variable} of {uid}"));
                    if found.get(1).is_none() || known["type"] != "adhoc" {
                        continue;
                    }
                    let (key, value) = found[2].split_once("%7C").unwrap();
                    assert!(flags.contains(&format!("`{key}`")), "{name}: {key}");
                    assert!(keys.insert(key.to_owned()), "{name}: {key} twice, which is both");
                    let operators = ["%3D%7C", "%21%3D%7C", "%3D__gfp__%7C"];
                    let value = operators.iter().find_map(|operator| value.strip_prefix(operator));
                    let value = value.unwrap_or_else(|| panic!("{name}: {}", &found[2]));
                    assert!(!value.is_empty(), "{name}: {key} is set to nothing");
                }
            }
        });
    }
    assert!(seen > 500, "{seen}");
}

/// Grafana matches an ad hoc variable to a query by the uid of the data source, but `default` is
/// not a uid: the query has to name the variable.
#[test]
fn queries_of_flows_name_the_ad_hoc_variable_of_their_board() {
    let mut seen = 0;
    for dashboard in made(Build::Hubble) {
        let variables = dashboard.model["templating"]["list"].as_array().unwrap();
        let adhoc = variables.iter().find(|variable| variable["type"] == "adhoc");
        let expected = adhoc.map(|variable| format!("${}", variable["name"].as_str().unwrap()));
        let of_panels = dashboard.model["panels"].as_array().unwrap().iter();
        let of_panels =
            of_panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        let layers = dashboard.model["annotations"]["list"].as_array().unwrap().iter();
        for target in of_panels.chain(layers.map(|layer| &layer["target"])) {
            if target["queryType"] != "promql" {
                seen += usize::from(expected.is_some());
                assert_eq!(target["adhocVariable"].as_str(), expected.as_deref(), "{target}");
            }
        }
    }
    assert!(seen >= 9, "{seen}");
}

/// Explore drops a query whose own data source is `default`, which the variable may contain.
#[test]
fn a_link_to_explore_names_the_source_once() {
    let mut seen = 0;
    each_panel(|_, name, panel| {
        for link in data_links(panel) {
            let url = link["url"].as_str().unwrap();
            if url.starts_with("/explore") {
                seen += 1;
                assert_eq!(url.matches("%22datasource%22").count(), 1, "{name}: {url}");
            }
        }
    });
    assert!(seen > 100, "{seen}");
}

#[test]
fn no_link_names_an_organisation() {
    each_panel(|_, name, panel| {
        assert!(!panel.to_string().contains("orgId"), "{name}");
    });
}

#[test]
fn refused_queries_lead_to_refused_queries() {
    let mut panels = 0;
    each_panel(|build, name, panel| {
        if build == Build::Prometheus
            || !panel["title"].as_str().unwrap().starts_with("DNS Errors by Type")
        {
            return;
        }
        panels += 1;
        let links = |ref_id: &str| {
            let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
            let own = overrides.iter().find(|own| {
                own["matcher"]["id"] == "byFrameRefID" && own["matcher"]["options"] == ref_id
            });
            own.unwrap()["properties"][0]["value"][0]["url"].as_str().unwrap().to_owned()
        };
        assert!(panel["targets"][1]["expr"].as_str().unwrap().contains("Policy denied"), "{name}");
        assert!(links("A").contains("reply%7C%3D%7Ctrue"), "{name}");
        assert!(!links("B").contains("reply"), "{name}");
        assert!(links("B").contains("verdict%7C%3D%7CDROPPED"), "{name}");
    });
    assert_eq!(panels, 2);
}

#[test]
fn links_of_variables_take_several_values_and_all() {
    each_panel(|_, name, panel| {
        for link in data_links(panel) {
            let url = link["url"].as_str().unwrap();
            // Only whole names: an expression within a text would turn a list into one text.
            for expression in url.split("${").skip(1) {
                let (expression, after) = expression.split_once('}').unwrap();
                if url.starts_with("/explore") {
                    let is_whole =
                        expression.ends_with(":percentencode") || expression.ends_with(":glob");
                    assert!(is_whole, "{name}: {expression}");
                    assert!(after.starts_with("%22"), "{name}: {expression} is part of a text");
                }
                let own = !expression.starts_with("__");
                if url.starts_with("/d/") && own {
                    let takes_lists =
                        expression.ends_with(":queryparam") || expression.ends_with(":pipe");
                    assert!(takes_lists, "{name}: {expression}");
                }
            }
            assert!(!url.contains("$__all"), "{name}: {url}");
        }
    });
}

#[test]
fn empty_cells_that_links_read_stay_empty() {
    each_panel(|_, name, panel| {
        if panel["type"] == "table" {
            let texts = &panel["fieldConfig"]["overrides"][0];
            assert_eq!(texts["matcher"]["options"], "string", "{name}");
            assert_eq!(texts["properties"][0]["id"], "noValue", "{name}");
            assert_eq!(texts["properties"][0]["value"], "", "{name}");
        }
    });
}

#[test]
fn one_click_is_enough_on_a_line() {
    each_panel(|build, name, panel| {
        let links = data_links(panel);
        let at_once: Vec<_> = links.iter().filter(|link| link["oneClick"] == true).collect();
        let wanted =
            build == Build::Hubble && panel["type"] == "timeseries" && stands_for_flows(panel);
        // Queries with flows of their own have one link each.
        let by_query = panel["fieldConfig"]["overrides"].as_array().unwrap();
        let queries = by_query.iter().filter(|own| own["matcher"]["id"] == "byFrameRefID").count();
        assert_eq!(at_once.len(), if wanted { queries.max(1) } else { 0 }, "{name}");
        for link in at_once {
            // Viewers may not open Explore.
            assert!(link["url"].as_str().unwrap().starts_with("/d/k8snet-flow-logs?"), "{name}");
        }
    });
}

#[test]
fn links_lead_to_dashboards_of_the_same_build() {
    let mut links = 0;
    for build in Build::ALL {
        let uids: Vec<String> = made(build)
            .iter()
            .map(|dashboard| dashboard.model["uid"].as_str().unwrap().to_owned())
            .collect();
        each_panel(|of, name, panel| {
            if of != build {
                return;
            }
            for link in data_links(panel) {
                let url = link["url"].as_str().unwrap();
                if let Some(rest) = url.strip_prefix("/d/") {
                    links += 1;
                    let uid = rest.split('?').next().unwrap();
                    assert!(uids.iter().any(|known| known == uid), "{name}: {uid}");
                } else {
                    assert_eq!(build, Build::Hubble, "{name} leads to Explore");
                }
            }
        });
    }
    assert!(links > 100, "{links}");
}
