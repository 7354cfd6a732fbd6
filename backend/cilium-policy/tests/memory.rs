//! The memory that a hostile text takes, counted by the allocator: one test, so that no other adds to it.

use cilium_policy::{PolicySet, Settings, SourceText, reduce};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// 1.5 MB that stand a thousand times are 1.5 GB written out.
#[test]
fn aliases_are_counted_before_they_are_written_out() {
    let text = "x".repeat(1_500_000);
    let aliases = vec!["*a"; 1_000].join(", ");
    let bomb = format!("apiVersion: v1\nkind: &a {text}\nspec: [{aliases}]\n");
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage_as_mb();
    let set = PolicySet::read(&[SourceText { index: 0, text: &bomb }], Settings::default());
    let refusal = set.refused().first().map(|refused| refused.refusal.to_string());
    assert!(refusal.is_some_and(|own| own.contains("write out more than")));
    assert_eq!(reduce(&bomb).unreduced.len(), 1);
    let peak = HEAP.peak_usage_as_mb() - before;
    assert!(peak < 50.0, "{peak} MB");
}
