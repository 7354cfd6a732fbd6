//! Tests of the panels' appearance: consistent colours, legends, ends of scales.

use super::*;

/// Labels that may name a series of the panel.
fn labels(panel: &Value) -> Vec<String> {
    let legend = regex::Regex::new(r"\{\{(\w+)\}\}").unwrap();
    panel["targets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|target| {
            let legend = legend
                .captures_iter(target["legendFormat"].as_str().unwrap_or(""))
                .map(|found| found[1].to_owned());
            let groups = target["groupBy"].as_array().into_iter().flatten();
            legend.chain(groups.map(|key| key.as_str().unwrap().to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// The colour that a chart's overrides give a series with this name.
fn colour_of(panel: &Value, name: &str) -> String {
    let mut colour = String::new();
    for config in panel["fieldConfig"]["overrides"].as_array().unwrap() {
        let pattern = config["matcher"]["options"].as_str().unwrap_or("");
        let Some(pattern) = pattern.strip_prefix('/').and_then(|text| text.strip_suffix("/i"))
        else {
            continue;
        };
        if regex::Regex::new(&format!("(?i){pattern}")).unwrap().is_match(name) {
            let properties = config["properties"].as_array().unwrap();
            for property in properties.iter().filter(|property| property["id"] == "color") {
                colour = property["value"]["fixedColor"].as_str().unwrap().to_owned();
            }
        }
    }
    colour
}

#[test]
fn a_verdict_has_its_colour_on_every_chart() {
    let mut charts = 0;
    each_panel(|_, name, panel| {
        let labels = labels(panel);
        let is_chart = panel["type"] == "timeseries";
        if !is_chart || !labels.iter().any(|label| label == "verdict" || label == "action") {
            return;
        }
        charts += 1;
        let check = |series: &str, colour: &str| {
            assert_eq!(colour_of(panel, series), colour, "{name}: {series}");
        };
        check("DROPPED", "red");
        check("dropped", "red");
        check("dropped none", "red");
        check("DROPPED TCP", "red");
        check("FORWARDED", "green");
        check("forwarded", "green");
        check("REDIRECTED", "blue");
        check("redirected ingress", "blue");
        check("AUDIT", "orange");
        check("ERROR", "orange");
    });
    assert!(charts > 20, "{charts}");
}

#[test]
fn reasons_are_shades_of_red() {
    let mut charts = 0;
    each_panel(|_, name, panel| {
        let labels = labels(panel);
        let by_reason = labels.iter().any(|label| label == "reason" || label == "dropReasonDesc");
        if panel["type"] == "timeseries" && by_reason {
            charts += 1;
            let colour = &panel["fieldConfig"]["defaults"]["color"];
            assert_eq!(colour["fixedColor"], "red", "{name}");
            assert_eq!(colour["mode"], "shades", "{name}");
            assert_eq!(colour_of(panel, "POLICY_DENIED"), "red", "{name}");
            assert_eq!(colour_of(panel, "Policy denied EGRESS"), "red", "{name}");
            assert_eq!(colour_of(panel, "UNSUPPORTED_L3_PROTOCOL"), "super-light-red", "{name}");
        }
    });
    assert!(charts > 6, "{charts}");
}

#[test]
fn legends_begin_with_the_largest() {
    each_panel(|_, name, panel| {
        if panel["type"] == "timeseries" {
            let legend = &panel["options"]["legend"];
            assert_eq!(legend["sortBy"], "Max", "{name}");
            assert_eq!(legend["sortDesc"], true, "{name}");
        }
    });
}

#[test]
fn a_share_ends_at_one() {
    let mut shares = 0;
    each_panel(|_, name, panel| {
        let defaults = &panel["fieldConfig"]["defaults"];
        if defaults["unit"] == "percentunit" {
            shares += 1;
            assert_eq!(defaults["max"], 1, "{name}");
        }
    });
    assert!(shares > 8, "{shares}");
}

#[test]
fn boards_open_on_the_default_source() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let variable = &dashboard.model["templating"]["list"][0];
            let default = serde_json::json!({ "text": "default", "value": "default" });
            assert_eq!(variable["current"], default, "{}", dashboard.file_name());
        }
    }
}

#[test]
fn dashboards_that_are_not_editable_are_not_saved() {
    let provider = include_str!("../../../provisioning/dashboards/networking.yaml");
    assert!(provider.contains("allowUiUpdates: false"));
}

#[test]
fn titles_are_short_and_name_what_is_drawn() {
    each_panel(|_, name, panel| {
        let title = panel["title"].as_str().unwrap();
        for word in ["Heatmap of", "Stacked (Total)", "Max and Min"] {
            assert!(!title.contains(word), "{name}");
        }
    });
}

#[test]
fn a_zero_without_labels_has_a_name() {
    each_panel(|_, name, panel| {
        let by_label = panel["targets"][0]["legendFormat"].as_str().unwrap_or("").starts_with("{{");
        if !by_label || !["timeseries", "status-history"].contains(&panel["type"].as_str().unwrap())
        {
            return;
        }
        let first = &panel["fieldConfig"]["overrides"][0];
        let pattern = first["matcher"]["options"].as_str().unwrap().trim_matches('/');
        let pattern = regex::Regex::new(pattern).unwrap();
        for legend in ["", "Value", " ", " ()", "/"] {
            assert!(pattern.is_match(legend), "{name}: `{legend}`");
        }
        assert!(!pattern.is_match("DROPPED") && !pattern.is_match("pets/"), "{name}");
        assert_eq!(first["properties"][0]["value"], "none", "{name}");
    });
}

#[test]
fn records_of_one_packet_are_told_apart() {
    for dashboard in made(Build::Hubble) {
        for panel in dashboard.model["panels"].as_array().unwrap() {
            if panel["type"] != "k8snet-flows-panel" {
                continue;
            }
            // Without a list the panel has its own default, which another test checks.
            if let Some(columns) = panel["options"]["columns"].as_array() {
                let has = |column: &str| columns.iter().any(|one| one == column);
                assert!(has("verdict") && has("type"), "{}: {columns:?}", dashboard.file_name());
            }
        }
    }
}

#[test]
fn a_click_on_a_number_shows_flows_at_once() {
    let boards = made(Build::Hubble);
    let logs = boards.iter().find(|board| board.file_name() == "flow-logs.json").unwrap();
    let first = &logs.model["panels"][0];
    assert_eq!(first["type"], "k8snet-flows-panel");
    assert_eq!(first["gridPos"]["y"], 0);
}

#[test]
fn a_number_that_is_not_there_is_a_dash() {
    let mut numbers = 0;
    each_panel(|_, name, panel| {
        if ["stat", "bargauge"].contains(&panel["type"].as_str().unwrap()) {
            numbers += 1;
            assert_eq!(panel["fieldConfig"]["defaults"]["noValue"], "–", "{name}");
        }
        assert!(!panel["fieldConfig"].to_string().contains("no data"), "{name}");
    });
    assert!(numbers > 50, "{numbers}");
}

#[test]
fn a_share_over_time_has_flows_enough_in_each_step() {
    let mut shares = 0;
    each_panel(|_, name, panel| {
        let target = &panel["targets"][0];
        if target["metric"] == "dropRatio" && target["format"] == "time_series" {
            shares += 1;
            assert_eq!(panel["interval"], "1m", "{name}");
            assert_eq!(target["minFlows"], 30, "{name}");
        }
    });
    assert_eq!(shares, 1);
}
