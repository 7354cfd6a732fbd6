//! Random-looking identifiers that depend only on the seed.

use std::fmt::Write;

/// A version 4 UUID from 128 bits, in lower case.
pub(crate) fn uuid_v4(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let mut text = String::with_capacity(36);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff,
    );
    text
}

/// The UUID of a flow: its number, mixed by splitmix64 so that neighbours differ in all digits.
pub(crate) fn flow_uuid(seed: u64, sequence: u64) -> String {
    let base = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(sequence);
    uuid_v4(splitmix64(base), splitmix64(base ^ 0x5851_f42d_4c95_7f2d))
}

fn splitmix64(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_4_and_differ() {
        let first = flow_uuid(1, 0);
        assert_eq!(first.len(), 36);
        assert_eq!(first.get(14..15), Some("4"));
        assert!(matches!(first.get(19..20), Some("8" | "9" | "a" | "b")));
        assert_ne!(first, flow_uuid(1, 1));
        assert_ne!(first, flow_uuid(2, 0));
    }
}
