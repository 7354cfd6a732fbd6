use std::collections::BTreeSet;

use super::*;

const IDLE: Load = Load {
    relays: GateLoad { permits: 0, running: 0, waiting: 0 },
    prometheus: GateLoad { permits: 0, running: 0, waiting: 0 },
    policy_reads: GateLoad { permits: 0, running: 0, waiting: 0 },
    long_work: GateLoad { permits: 0, running: 0, waiting: 0 },
    memory: MemoryLoad { held_bytes: 0, peak_bytes: 0, limit_bytes: 0 },
    live_channels: 0,
};

/// Figures of which each has a series.
fn used() -> Metrics {
    let metrics = Metrics::new(1, "machine");
    let source = metrics.source(1, "hubble");
    for limit in [Limit::RelayScans, Limit::PrometheusCalls, Limit::PolicyReads] {
        metrics.gate(limit);
    }
    drop(metrics.answering(&source.labels, Some("flows")));
    metrics
}

/// Names and types in the text.
fn described(text: &str) -> BTreeSet<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    lines.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

#[test]
fn the_guide_lists_every_figure() {
    let guide = include_str!("../../../../docs/watching.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `k8snet_"));
    let listed: BTreeSet<(String, String)> = rows
        .filter_map(|row| {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
            Some((format!("k8snet_{}", cells.next()?), cells.next()?.to_owned()))
        })
        .collect();
    assert_eq!(listed, described(&used().text(IDLE)));
}

#[test]
fn the_guide_lists_every_limit() {
    let guide = include_str!("../../../../docs/watching.md");
    for limit in Limit::ALL {
        let name = format!("| `{}` |", limit.name());
        assert!(guide.contains(&name), "{name} is missing in docs/watching.md");
    }
}

#[test]
fn queries_count_by_their_outcome() {
    let metrics = Metrics::new(1, "machine");
    let source = metrics.source(1, "a\"b\\\n");
    let check = |outcome: Outcome, name: &str| {
        metrics.answering(&source.labels, Some("flows")).outcome = outcome;
        let line = format!(
            r#"k8snet_queries_total{{org_id="1",uid="a\"b\\\n",query_type="flows",outcome="{name}"}} 1"#
        );
        let text = metrics.text(IDLE);
        assert!(text.lines().any(|own| own == line), "{line} in {text}");
    };
    check(Outcome::Canceled, "canceled");
    check(Outcome::Answered, "answered");
    check(Outcome::Failed(413), "invalid");
    check(Outcome::Failed(500), "crashed");
    check(Outcome::Failed(503), "refused");
    check(Outcome::Failed(504), "timed_out");
    check(Outcome::Failed(502), "failed");
    assert!(
        metrics.text(IDLE).contains("k8snet_query_duration_seconds_count{query_type=\"flows\"} 7")
    );
}
