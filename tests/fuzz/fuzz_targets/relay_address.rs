//! Arbitrary relay addresses are read or refused; a written address is read back; no error repeats what
//! stands before `@`. The input is an address.
//!
//! `cargo xtask fuzz relay_address`

#![no_main]

use hubble_api::client::RelayAddress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match RelayAddress::parse(text) {
    Ok(address) => {
        let written = address.to_string();
        let again = RelayAddress::parse(&written).expect("what was written can be read");
        assert_eq!((again.to_string(), again.host()), (written, address.host()));
    }
    Err(error) => {
        let words = error.to_string();
        if let Some((secret, _)) = text.split_once('@').filter(|(secret, _)| secret.len() > 40) {
            assert!(text.trim().starts_with("unix:") || !words.contains(secret), "{words}");
        }
    }
});
