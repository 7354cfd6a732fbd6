//! Arbitrary patterns of HTTP rules and names of DNS rules: no panic, and time bounded by pattern
//! times text. The input is a pattern and a text, one per line.
//!
//! `cargo xtask fuzz policy_regex`

#![no_main]

use cilium_policy::{HttpPattern, NamePattern};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(pattern) = HttpPattern::new(pattern) {
        let _matches = pattern.matches(text);
    }
    if let Ok(pattern) = NamePattern::of_pattern(pattern) {
        let _matches = pattern.matches(text);
    }
});
