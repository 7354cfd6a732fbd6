//! Arbitrary settings of a data source are read or refused, and neither a result nor an error shows a secret.
//! The input is `jsonData`, a line `===`, the address of the relay, and the secrets, one a line, in the order
//! of their names.
//!
//! `cargo xtask fuzz settings`

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret::Secret;
use settings::{Settings, StoredSettings};

const SECRETS: [&str; 10] = [
    "tlsCACert",
    "tlsClientCert",
    "tlsClientKey",
    "prometheusPassword",
    "prometheusToken",
    "prometheusTlsCACert",
    "prometheusTlsClientCert",
    "prometheusTlsClientKey",
    "azureClientSecret",
    "httpHeaderValue1",
];

fuzz_target!(|text: &str| {
    let (json, rest) = text.split_once("\n===\n").unwrap_or((text, ""));
    let mut lines = rest.split('\n');
    let url = lines.next().unwrap_or_default();
    let secrets = SECRETS.iter().zip(lines);
    let secrets = secrets.filter_map(|(name, text)| Some(((*name).to_owned(), Secret::new(text)?)));
    let stored = StoredSettings {
        url: url.to_owned(),
        json_data: json.as_bytes().to_vec(),
        secrets: secrets.collect(),
    };
    let shown = match Settings::read(&stored) {
        Ok(settings) => {
            if let Some(prometheus) = &settings.prometheus {
                assert!(
                    prometheus.url.password().is_none() && prometheus.url.username().is_empty()
                );
            }
            format!("{settings:?}")
        }
        Err(error) => format!("{error} {error:?}"),
    };
    // Short ones may be part of other words, and any may stand in the JSON, too.
    let mut secrets = stored.secrets.values().map(Secret::reveal);
    let is_shown =
        |secret: &str| secret.len() > 20 && !text_before(text, secret) && shown.contains(secret);
    assert!(!secrets.any(is_shown), "{shown}");
});

/// Whether a part of the secret stands where no secrets are.
fn text_before(text: &str, secret: &str) -> bool {
    text.matches(secret).count() > 1
}
