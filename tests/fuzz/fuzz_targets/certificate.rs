//! Arbitrary certificates yield facts of one line each or none, and arbitrary PEM a TLS configuration or an
//! error. The input is DER, or PEM of authorities, of a certificate and of its key, divided by `===`.
//!
//! `cargo xtask fuzz certificate`

#![no_main]

use hubble_api::client::{CertificateFacts, ClientIdentity, TlsSettings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some(facts) = CertificateFacts::read(input) {
        assert!(facts.names.len() <= 8);
        for text in facts.names.iter().chain([&facts.subject, &facts.issuer]) {
            assert!(text.chars().count() <= 200 && !text.contains(char::is_control), "{text:?}");
        }
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.split("===\n").map(str::to_owned);
    let ca_pem = parts.next();
    let identity = parts.next().zip(parts.next());
    let identity =
        identity.map(|(certificate_pem, key_pem)| ClientIdentity { certificate_pem, key_pem });
    let settings = TlsSettings { ca_pem, identity, ..TlsSettings::default() };
    let _config = settings.client_config();
});
