//! Arbitrary messages of Grafana's plugin protocol are read or refused, `Debug` looks the same with other secrets, and
//! what was read is written and read again. The input is the kind of the message, one byte, and its bytes;
//! the last kind is a handshake line.
//!
//! `cargo xtask fuzz plugin_protocol`

#![no_main]

use libfuzzer_sys::fuzz_target;
use plugin_protocol::{
    CallResourceRequest, CheckHealthRequest, DataSourceInstanceSettings, PublishStreamRequest,
    QueryDataRequest, QueryDataResponse, RunStreamRequest, SubscribeStreamRequest, handshake,
};
use prost::Message;

fn again<M: Message + Default + PartialEq>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let written = message.encode_to_vec();
    assert_eq!(M::decode(&*written).ok().as_ref(), Some(&message));
    Some(message)
}

/// The settings with other secrets.
fn with_other_secrets(settings: &DataSourceInstanceSettings) -> DataSourceInstanceSettings {
    let mut other = settings.clone();
    other.decrypted_secure_json_data.values_mut().for_each(|secret| "other".clone_into(secret));
    other
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 9 {
        0 => drop(again::<QueryDataRequest>(bytes)),
        1 => drop(again::<CheckHealthRequest>(bytes)),
        2 => drop(again::<CallResourceRequest>(bytes)),
        3 => drop(again::<SubscribeStreamRequest>(bytes)),
        4 => drop(again::<RunStreamRequest>(bytes)),
        5 => drop(again::<PublishStreamRequest>(bytes)),
        6 => drop(again::<QueryDataResponse>(bytes)),
        7 => {
            if let Some(settings) = again::<DataSourceInstanceSettings>(bytes) {
                let other = with_other_secrets(&settings);
                assert_eq!(format!("{settings:?}"), format!("{other:?}"));
            }
        }
        _ => drop(handshake::parse(&String::from_utf8_lossy(bytes))),
    }
});
