//! Arbitrary forms of the query editor become a line in bounded time, and the line means the same form. The
//! input is the form's JSON.
//!
//! `cargo xtask fuzz form`

#![no_main]

use libfuzzer_sys::fuzz_target;
use query::convert;
use serde_json::json;

fuzz_target!(|json: &[u8]| {
    let Ok(answer) = convert(json) else { return };
    // A line with errors has no form.
    let (Some(text), Some(form)) = (answer["text"].as_str(), answer.get("form")) else { return };
    let line = json!({ "text": text }).to_string();
    let again = convert(line.as_bytes()).expect("a line is never refused as JSON");
    if again["errors"] == json!([]) {
        assert_eq!(again.get("text"), answer.get("text"), "{form}");
    }
});
