//! The way down: from numbers to the flows behind them, and to the dashboards that look closer.

use super::*;

/// Numbers that stand for no flows in particular.
const WITHOUT_FLOWS: [&str; 23] = [
    // Packets that the nodes forward: Hubble has no flows of bytes, and all of them at once are no answer.
    "Current Traffic by Cluster",
    "Bytes Forwarded by Cluster",
    "Max and Min Egress Bytes",
    "Max and Min Egress Packets",
    "Max and Min Ingress Bytes",
    "Max and Min Ingress Packets",
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
    // What the network card did; Cilium never saw it.
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
    // The flows themselves, and a graph whose links the data source makes.
    let is_flows = kind == "k8snet-flows-panel" || kind == "nodeGraph";
    // Lost events are what there are no flows of.
    let is_lost = title.starts_with("Lost Hubble");
    !is_flows && !is_lost && !WITHOUT_FLOWS.contains(&title) && title != "Tx Send Full Errors"
}

#[test]
fn every_number_leads_to_the_flows_behind_it() {
    let mut panels = 0;
    each_panel(|build, name, panel| {
        if build == Build::Prometheus || !stands_for_flows(panel) {
            return;
        }
        panels += 1;
        let links = data_links(panel);
        let to = |prefix: &str| {
            links.iter().filter_map(|link| link["url"].as_str()).find(|url| url.starts_with(prefix))
        };
        let explore = to("/explore?").unwrap_or_else(|| panic!("{name} leads nowhere"));
        for part in
            ["${__from:percentencode}", "${__to:percentencode}", "${datasource:percentencode}"]
        {
            assert!(explore.contains(part), "{name} loses {part}: {explore}");
        }
        let logs = to("/d/k8snet-flow-logs?").unwrap_or_else(|| panic!("{name} has no Flow Logs"));
        for part in ["from=${__from}", "to=${__to}", "${datasource:queryparam}"] {
            assert!(logs.contains(part), "{name} loses {part}: {logs}");
        }
    });
    assert!(panels > 100, "{panels}");
}

#[test]
fn what_was_chosen_goes_along() {
    each_panel(|build, name, panel| {
        if build == Build::Prometheus || !stands_for_flows(panel) {
            return;
        }
        let links = data_links(panel);
        let urls: Vec<&str> = links.iter().filter_map(|link| link["url"].as_str()).collect();
        let explore = urls.iter().find(|url| url.starts_with("/explore?")).unwrap();
        let logs = urls.iter().find(|url| url.starts_with("/d/k8snet-flow-logs?")).unwrap();
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].to_string();
        let check = |means: bool, flag: &str, variable: &str| {
            if means {
                assert!(explore.contains(&format!("%22{flag}%22")), "{name}: {flag} in {explore}");
                assert!(logs.contains(variable), "{name}: {variable} in {logs}");
            }
        };
        let is_drop = title.contains("Drop") && !title.contains("ratio");
        check(is_drop, "verdict", "var-verdict=DROPPED");
        check(targets.contains("by (reason"), "dropReasonDesc", "var-reason=");
        check(title.contains("HTTP 4xx"), "httpStatus", "var-status=4%2B");
        check(title.contains("DNS Queries ("), "dnsQuery", "var-dns=");
        check(title.contains("RST"), "tcpFlags", "var-flags=RST");
        if title.contains("by Source Pod") || title.contains("Top Source Pods") {
            let to_it = explore.contains("labels.source") && logs.contains("labels.source");
            assert!(to_it, "{name} loses the pod");
        }
    });
}

#[test]
fn links_of_variables_take_several_values_and_all() {
    each_panel(|_, name, panel| {
        for link in data_links(panel) {
            let url = link["url"].as_str().unwrap();
            // Whole names alone: an expression within a text would make one text of a list.
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
                    assert!(expression.ends_with(":queryparam"), "{name}: {expression}");
                }
            }
            assert!(!url.contains("$__all"), "{name}: {url}");
        }
    });
}

#[test]
fn cells_that_links_read_stay_empty_when_they_are() {
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
        let at_once = links.iter().filter(|link| link["oneClick"] == true).count();
        let wanted =
            build == Build::Hubble && panel["type"] == "timeseries" && stands_for_flows(panel);
        assert_eq!(at_once, usize::from(wanted), "{name}");
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
