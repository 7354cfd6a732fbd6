//! Prefixes as Kubernetes reads them: like older releases of Go, with leading zeros allowed.

use std::net::IpAddr;

use crate::Prefix;

/// The prefix of a text; an address inside it counts as the prefix. `None` for any other text.
pub(super) fn prefix(text: &str) -> Option<Prefix> {
    let (address, bits) = text.split_once('/')?;
    if bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let bits: u32 = bits.parse().ok()?;
    let (head, tail) = match address.rfind(':') {
        Some(at) => address.split_at_checked(at + 1)?,
        None => ("", address),
    };
    let tail = if tail.contains('.') {
        let octets: Vec<&str> = tail
            .split('.')
            .map(|octet| match octet.trim_start_matches('0') {
                "" if !octet.is_empty() => "0",
                rest => rest,
            })
            .collect();
        octets.join(".")
    } else {
        tail.to_owned()
    };
    let groups: Vec<&str> = head.split(':').map(short).collect();
    let tail = if tail.contains('.') { tail } else { short(&tail).to_owned() };
    let address: IpAddr = format!("{}{tail}", groups.join(":")).parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (bits <= most).then(|| Prefix::new(address, u8::try_from(bits).unwrap_or(u8::MAX)))
}

/// Whether a text is a prefix without leading zeros, and without bits beyond its length.
pub(super) fn is_masked(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let is_plain = bits == "0" || !bits.starts_with('0');
    let Some(prefix) = prefix(text) else { return false };
    let is_mapped = matches!(prefix.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    is_plain && !is_mapped && address.parse() == Ok(prefix.addr())
}

/// A group of an IPv6 address without superfluous zeros.
fn short(group: &str) -> &str {
    let zeros = group.len().saturating_sub(4);
    match group.split_at_checked(zeros) {
        Some((lead, rest)) if lead.bytes().all(|b| b == b'0') => rest,
        _ => group,
    }
}
