//! Arbitrary lines of `hubble observe` are read or refused: every message has a place between characters of
//! the line, and the text of a line reads as itself. The input is a line.
//!
//! `cargo xtask fuzz observe_line`

#![no_main]

use libfuzzer_sys::fuzz_target;
use query::convert;
use serde_json::{Value, json};

fn converted(text: &str) -> Value {
    let body = json!({ "text": text }).to_string();
    convert(body.as_bytes()).expect("a line is never refused as JSON")
}

fuzz_target!(|line: &str| {
    let answer = converted(line);
    for list in ["errors", "warnings"] {
        let messages = answer[list].as_array().expect("a list");
        // A hundred, one that says that there are more, and one about the whole.
        assert!(messages.len() <= 102, "{} {list}", messages.len());
        for message in messages {
            let at = |end: &str| {
                let byte = message[end].as_u64().expect("a place");
                usize::try_from(byte).expect("a place")
            };
            let (start, end) = (at("startByte"), at("endByte"));
            assert!(line.get(start..end).is_some(), "{start}..{end}: {message}");
            assert_eq!(at("end") - at("start"), line[start..end].encode_utf16().count());
        }
    }
    let Some(text) = answer["text"].as_str() else { return };
    let again = converted(text);
    assert_eq!(again["errors"], json!([]), "{text}");
    assert_eq!(again["text"], answer["text"]);
});
