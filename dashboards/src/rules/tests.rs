use serde_json::Value;

use super::*;

fn files() -> Vec<(&'static str, Value)> {
    rule_files()
        .unwrap()
        .into_iter()
        .map(|file| (file.path, serde_yaml_ng::from_str(&file.text).unwrap()))
        .collect()
}

#[test]
fn the_manifest_holds_the_groups_of_the_rule_file() {
    let files = files();
    assert_eq!(files[0].1["groups"], files[1].1["spec"]["groups"]);
    assert_eq!(files[1].1["kind"], "PrometheusRule");
}

#[test]
fn every_alert_opens_a_dashboard_with_its_own_labels() {
    let dashboards = crate::all(crate::Build::Hubble);
    for alert in &alert::ALL {
        let opened = dashboards.iter().find(|one| one.model()["uid"] == alert.dashboard);
        let opened = opened.unwrap_or_else(|| panic!("{}: no such dashboard", alert.name));
        let variables = opened.model()["templating"]["list"].as_array().unwrap();
        for label in alert.variables {
            assert!(variables.iter().any(|one| one["name"] == *label), "{}: {label}", alert.name);
        }
        let expr = (alert.expr)(record::Evaluation::Recorded);
        for label in alert.variables {
            assert!(expr.contains(label), "{}: `{label}` is not among the labels", alert.name);
        }
    }
}

#[test]
fn grafana_rules_need_no_recording_rules_and_use_its_templates() {
    let grafana = &files()[2].1;
    let rules = grafana["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), alert::ALL.len());
    for rule in rules {
        let title = rule["title"].as_str().unwrap();
        let text = rule.to_string();
        assert!(!text.contains(":rate5m"), "{title}: {text}");
        assert!(!text.contains("$$") && !text.contains("$value "), "{title}: {text}");
        let summary = rule["annotations"]["description"].as_str().unwrap();
        assert_eq!(summary.matches("{{ with").count(), summary.matches("{{ end }}").count());
        assert!(rule["uid"].as_str().is_some_and(|uid| uid.len() <= 40), "{title}");
    }
}

#[test]
fn a_matcher_restricts_every_selector() {
    fn check(record: record::RecordingRule, matcher: &str, wanted: &[(&str, usize)]) {
        let expr = record::Evaluation::Alone.now(record, matcher);
        for (words, times) in wanted {
            assert_eq!(expr.matches(words).count(), *times, "{words} in {expr}");
        }
    }
    check(record::DROPS, r#"reason="POLICY_DENIED""#, &[(r#"reason="POLICY_DENIED"}"#, 5)]);
    // With each data plane's name of the label.
    check(
        record::DNS_ANSWERS,
        r#"rcode!="No Error""#,
        &[(r#"{rcode!="No Error"}"#, 2), (r#"{return_code!="No Error"}"#, 1)],
    );
    check(record::TCP_FLAGS, r#"flag="RST""#, &[(r#"flag="RST"}"#, 3)]);
}

#[test]
fn a_cluster_counts_by_one_data_plane() {
    for record in record::ALL {
        let expr = record.expr();
        for line in expr.lines().filter(|line| line.contains("networkobservability_")) {
            assert!(line.contains(" unless on (cluster) hubble_"), "{}: {line}", record.name);
        }
    }
}
