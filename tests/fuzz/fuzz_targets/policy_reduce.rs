//! Arbitrary texts of policies, reduced to what verdicts read: the lines stay, nothing of a Secret does, and the
//! engine finds the same policies.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz policy_reduce tests/vectors/policies-lab`

#![no_main]

use cilium_policy::{PolicySet, Settings, SourceText, reduce};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines = |text: &str| text.matches('\n').count();
    let reduced = reduce(text);
    assert_eq!(lines(&reduced.text), lines(text));
    if reduced.unreduced.is_empty() {
        let read = |text| {
            let set = PolicySet::read(&[SourceText { index: 0, text }], Settings::default());
            set.policies().iter().map(|policy| (policy.name.clone(), policy.at)).collect::<Vec<_>>()
        };
        assert_eq!(read(text), read(&reduced.text));
    }
    let with_secret = format!("{text}\n---\nkind: Secret\nstringData: {{a: 'hunter2 42'}}\n");
    if !text.contains("hunter2 42") {
        assert!(!reduce(&with_secret).text.contains("hunter2 42"));
    }
});
