//! Arbitrary headers of a call: no token is shown, and none of a browser's own headers becomes the user's
//! token. The input is names and values, one a line, with a colon between them.
//!
//! `cargo xtask fuzz identity_headers`

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus::{ForwardedIdentity, HeaderOrigin};

fn has_prefix(name: &str) -> bool {
    name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http_"))
}

fuzz_target!(|text: &str| {
    let headers: Vec<(&str, &str)> =
        text.split('\n').filter_map(|line| line.split_once(':')).collect();
    for of in [HeaderOrigin::Grafana, HeaderOrigin::Browser] {
        if let Ok(identity) = ForwardedIdentity::new(headers.iter().copied(), of) {
            let shown = format!("{identity:?}").replace("Some(Sensitive)", "None");
            assert_eq!(shown, format!("{:?}", ForwardedIdentity::default()));
        }
    }
    let all = ForwardedIdentity::new(headers.iter().copied(), HeaderOrigin::Browser);
    let plain = headers.iter().copied().filter(|(name, _)| !has_prefix(name));
    assert_eq!(all, ForwardedIdentity::new(plain, HeaderOrigin::Browser));
});
