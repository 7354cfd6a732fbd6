//! Arbitrary answers of Microsoft Entra ID: no panic, and neither token nor secret in an error. The input is
//! a status and a body.
//!
//! `cargo xtask fuzz token_answer`

#![no_main]

use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use entra::token_answer::read;
use secret::Secret;

/// A secret that no error text has by chance.
const SECRET: &str = "hunter2-hunter2";

fuzz_target!(|input: (u16, &[u8])| {
    let (status, answer) = input;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    match read(status, answer, "login.example", Secret::new(SECRET).as_ref()) {
        Ok(issued) => assert!(issued.header.is_sensitive() && issued.life.as_secs() <= 86_400),
        Err(error) => {
            let words = error.to_string();
            assert!(!words.contains(SECRET), "{words}");
            assert!(words.chars().count() <= 600, "{words}");
        }
    }
});
