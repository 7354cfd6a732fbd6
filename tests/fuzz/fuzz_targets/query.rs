//! Arbitrary queries are read, selected and narrowed in bounded time, and the selection stays within the
//! limits that hold for the relay: 64 filters, 2,000 values, 20 patterns. The input is a query's JSON.
//!
//! `cargo xtask fuzz query`

#![no_main]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use flow::TimeRange;
use flow::filter::FlowFilter;
use libfuzzer_sys::fuzz_target;
use query::{ClusterNames, FlowSelection, FlowsForm, Query, ReadQuery};

/// Longest time for one query, in a build without optimisation on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(3);

fn form(query: &Query) -> Option<&FlowsForm> {
    match query {
        Query::Flows(query) => Some(&query.form),
        Query::FlowMetrics(query) => Some(&query.form),
        Query::ServiceMap(query) => Some(&query.form),
        Query::FlowAnnotations(query) => Some(&query.form),
        Query::DnsConnections(query) => Some(&query.form),
        Query::Policies(_) | Query::Promql(_) => None,
    }
}

fn select(form: &FlowsForm) {
    let _range = form.selectors.narrow(TimeRange { from_nanos: 0, to_nanos: i64::MAX }, 0);
    let Ok(FlowSelection { filters, .. }) = FlowSelection::new(form) else { return };
    let all: Vec<&FlowFilter> = filters.allow.iter().chain(&filters.deny).collect();
    assert!(all.len() <= 64, "{} filters", all.len());
    let values: usize = all.iter().map(|filter| filter.size().values).sum();
    assert!(values <= 2_000, "{values} values");
    let patterns: usize = all.iter().map(|filter| filter.size().patterns).sum();
    assert!(patterns <= 20, "{patterns} patterns");
}

fuzz_target!(|json: &[u8]| {
    let started = Instant::now();
    if let Ok(ReadQuery { mut query, .. }) = ReadQuery::read(json, "") {
        query.as_numbers();
        if let Some(form) = form(&query) {
            select(form);
            let known = BTreeSet::from(["prod".to_owned(), "prod-eu".to_owned()]);
            for is_recorded in [false, true] {
                let mut form = form.clone();
                let names = ClusterNames { own: Some("prod"), known: &known, is_recorded };
                let _notices = names.resolve(&mut form);
                select(&form);
            }
        }
    }
    assert!(started.elapsed() < MAX_TIME, "took {:?}", started.elapsed());
});
