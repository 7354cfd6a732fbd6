//! Arbitrary lines do not panic, and lines that were read can be written and read again.
//!
//! `cargo xtask fuzz json`

#![no_main]

use hubble_api::json::{Skipped, read_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok(read) = read_line(line) else { return };
    let written = read.record.write().expect("what was read can be written");
    let again = read_line(written.as_bytes()).expect("what was written can be read");
    assert_eq!(again.skipped, Skipped::default());
    assert_eq!(again.record.write().ok(), Some(written));
    if let Some(Ok(flow)) = read.record.into_flow() {
        let wire = hubble_api::pb::flow::Flow::from(&flow);
        assert_eq!(flow::Flow::try_from(wire), Ok(flow));
    }
});
