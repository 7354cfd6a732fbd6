//! IP prefixes. Source: Go's net/netip, pkg/labels/cidr.go.
//!
//! Not `ipnet`: it reads `010.0.0.0/08`, which Go refuses, and does not read label keys. It would
//! replace only the twelve lines of the masks.

use std::net::{IpAddr, Ipv6Addr};

/// IP prefix with its host bits cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// Prefix of a single address (/32 or /128).
    #[must_use]
    pub const fn of_address(addr: IpAddr) -> Self {
        let len = if addr.is_ipv4() { 32 } else { 128 };
        Self { addr, len }
    }

    /// Reads a prefix such as `10.0.0.0/8`. Errors: the message of Go's `netip.ParsePrefix`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let error = |what: &str| format!("netip.ParsePrefix({text:?}): {what}");
        let Some((addr, len)) = text.rsplit_once('/') else { return Err(error("no '/'")) };
        if addr.contains('%') {
            return Err(error("IPv6 zones cannot be present in a prefix"));
        }
        let parsed: IpAddr =
            addr.parse().map_err(|_| error(&format!("ParseAddr({addr:?}): unable to parse IP")))?;
        let is_number = !len.is_empty()
            && len.bytes().all(|b| b.is_ascii_digit())
            && (len == "0" || !len.starts_with('0'));
        if !is_number {
            return Err(error(&format!("bad bits after slash: {len:?}")));
        }
        let max = if parsed.is_ipv4() { 32 } else { 128 };
        match len.parse::<u8>() {
            Ok(bits) if bits <= max => Ok(Self::new(parsed, bits)),
            _ => Err(error("prefix length out of range")),
        }
    }

    /// Reads the key of a `cidr:` label, in which `-` stands for the `:` of IPv6.
    #[must_use]
    pub fn parse_label_key(key: &str) -> Option<Self> {
        Self::parse(&key.replace('-', ":")).ok()
    }

    /// Prefix of the given length, in bits, around an address. A length beyond the address' own
    /// counts as the full length.
    #[must_use]
    pub fn new(addr: IpAddr, len: u8) -> Self {
        match addr {
            IpAddr::V4(v4) => {
                let len = len.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                Self { addr: IpAddr::from((u32::from(v4) & mask).to_be_bytes()), len }
            }
            IpAddr::V6(v6) => {
                let len = len.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
                Self { addr: IpAddr::from((u128::from(v6) & mask).to_be_bytes()), len }
            }
        }
    }

    /// Whether the other prefix lies within this one.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.len <= other.len && Self::new(other.addr, self.len) == *self
    }

    /// Whether the prefix holds an address. Addresses of the other family, IPv4-mapped ones
    /// included, lie outside.
    #[must_use]
    pub fn contains_address(&self, address: IpAddr) -> bool {
        self.contains(&Self::of_address(address))
    }

    /// First address of the prefix.
    #[must_use]
    pub const fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Number of fixed bits; 0 covers every address of the family.
    #[must_use]
    pub const fn bits(&self) -> u8 {
        self.len
    }

    /// Whether the prefix is an IPv4 prefix.
    #[must_use]
    pub const fn is_ipv4(&self) -> bool {
        self.addr.is_ipv4()
    }

    /// Whether the prefix covers every address of its family.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.len == 0
    }
}

/// Whether a text is an IP address. An IPv6 address may carry a zone (`fe80::1%eth0`).
#[must_use]
pub fn is_address(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<IpAddr>().is_ok(),
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}
