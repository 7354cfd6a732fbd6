//! Arbitrary policies, YAML or JSON: no panic, bounded time, and every refusal has a place.
//!
//! `cargo xtask fuzz policies`

#![no_main]

use std::sync::Arc;

use cilium_policy::{Judge, LogFilters, PolicySet, Settings, SourceText};
use hubble_verdict::lint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let texts = [SourceText { index: 0, text }];
    let set = Arc::new(PolicySet::read(&texts, Settings::default()));
    for refused in set.refused() {
        assert!(refused.refusal.at.line > 0 && refused.refusal.at.column > 0);
    }
    let _findings = lint(&texts, &[], &Judge::new(set), &[]);
    let _filters = LogFilters::read(0, text);
});
