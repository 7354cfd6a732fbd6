//! What a real API server answers to documents: refused, or stored, and what the stored object lacks.

#[path = "../examples/documents/run.rs"]
mod run;

use std::path::Path;

#[test]
fn documents_are_stored_and_refused_alike() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/apiserver/documents.jsonl.gz");
    let text = run::lines::read(&path).unwrap();
    let mut report = run::Report::default();
    report.file(&path, &text).unwrap();
    assert!(report.lines.len() > 500, "{}", report.lines.len());
    assert_eq!(report.mismatches.first(), None);
}
