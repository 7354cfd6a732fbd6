//! Arbitrary filters on arbitrary flows do not panic. The input is a filter's JSON and a flow's
//! JSON, one a line, as in `tests/vectors/filters`.
//!
//! `cargo xtask fuzz filter`

#![no_main]

use flow::filter::FlowFilter;
use hubble_api::json::{read, read_line};
use hubble_api::pb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| {
    let mut lines = lines.splitn(2, |byte| *byte == b'\n');
    let (Some(filter), Some(line)) = (lines.next(), lines.next()) else { return };
    let Ok((filter, _)) = read::<pb::flow::FlowFilter>(filter) else { return };
    let Ok(filter) = FlowFilter::from(filter).compile() else { return };
    let Ok(line) = read_line(line) else { return };
    if let Some(Ok(flow)) = line.record.into_flow() {
        let _matches = filter.matches(&flow);
    }
});
