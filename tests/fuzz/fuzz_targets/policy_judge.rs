//! Arbitrary policies and flows: the short answer equals the long one, and a suggestion is proven.
//! The input is policies, a line `===`, and a flow's JSON.
//!
//! `cargo xtask fuzz policy_judge`

#![no_main]

use std::sync::Arc;

use cilium_policy::{Judge, PolicySet, Settings, SourceText};
use hubble_api::json::read_line;
use hubble_verdict::{JudgeFlows, Learned, suggest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((policies, line)) = text.split_once("\n===\n") else { return };
    let Ok(line) = read_line(line.as_bytes()) else { return };
    let Some(Ok(flow)) = line.record.into_flow() else { return };
    let texts = [SourceText { index: 0, text: policies }];
    let judge = Judge::new(Arc::new(PolicySet::read(&texts, Settings::default())));
    let learned = Learned::from_flows([&flow]);
    let short = judge.judge_flow(&flow, &learned);
    let long = judge.explain_flow(&flow, &learned);
    assert_eq!(short.map(|own| own.verdict), long.map(|own| own.verdict));
    let suggestion = suggest(&texts, &Settings::default(), &[flow], &[0]);
    assert!(suggestion.fixed.len() + suggestion.unfixed.len() <= 1);
});
