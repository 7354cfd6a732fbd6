//! Arbitrary settings of a data source are read or refused, and both look the same with other secrets.
//! The input is `jsonData`, a line `===`, the address of the relay, and the secrets, one a line, in the order
//! of their names.
//!
//! `cargo xtask fuzz settings`

#![no_main]

use std::mem::discriminant;

use libfuzzer_sys::fuzz_target;
use secret::Secret;
use settings::{Settings, StoredSettings};

const SECRETS: [&str; 13] = [
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
    "kubernetesKubeconfig",
    "kubernetesToken",
    "kubernetesCACert",
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
    let read = Settings::read(&stored);
    if let Ok(Settings { prometheus: Some(prometheus), .. }) = &read {
        assert!(prometheus.url.password().is_none() && prometheus.url.username().is_empty());
    }
    let mut other = stored.clone();
    let other_secret = Secret::new("other").expect("it is not empty");
    other.secrets.values_mut().for_each(|secret| secret.clone_from(&other_secret));
    match (read, Settings::read(&other)) {
        (Ok(read), Ok(other)) => assert_eq!(format!("{read:?}"), format!("{other:?}")),
        // A header cannot hold every value, so the reasons may differ.
        (Err(read), Err(other)) if discriminant(&read) == discriminant(&other) => {
            assert_eq!(format!("{read} {read:?}"), format!("{other} {other:?}"));
        }
        _ => {}
    }
});
