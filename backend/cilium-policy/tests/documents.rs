//! Comparison with a real API server: refused and stored documents, and the fields that the stored
//! object lacks.

use std::path::Path;

use policy_vectors::{documents::Report, read_lines};

#[test]
fn documents_are_stored_and_refused_alike() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors/apiserver/documents.jsonl.gz");
    let text = read_lines(&path).unwrap();
    let mut report = Report::default();
    report.file(&path, &text).unwrap();
    assert!(report.lines.len() > 500, "{}", report.lines.len());
    assert_eq!(report.mismatches.first(), None);
}
