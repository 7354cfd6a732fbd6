//! IP prefixes. Source: Go's net/netip, pkg/labels/cidr.go.
//!
//! Not `ipnet`: it reads `010.0.0.0/08`, which Go refuses, and does not read label keys. It would
//! replace only the twelve lines of the masks.

use std::net::{AddrParseError, IpAddr, Ipv6Addr};

/// IP prefix with its host bits cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

/// The reason why a text is not a prefix, in the words of Go's `netip.ParsePrefix`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// A text without a length.
    #[error("netip.ParsePrefix({text:?}): no '/'")]
    NoLength {
        /// The text.
        text: String,
    },
    /// An address with a zone.
    #[error("netip.ParsePrefix({text:?}): IPv6 zones cannot be present in a prefix")]
    Zone {
        /// The text.
        text: String,
    },
    /// A text before the slash that is not an address.
    #[error("netip.ParsePrefix({text:?}): ParseAddr({address:?}): unable to parse IP")]
    Address {
        /// The text.
        text: String,
        /// The part before the slash.
        address: String,
        /// The cause.
        #[source]
        source: AddrParseError,
    },
    /// A length that is not a decimal number without leading zeros.
    #[error("netip.ParsePrefix({text:?}): bad bits after slash: {length:?}")]
    Length {
        /// The text.
        text: String,
        /// The part after the slash.
        length: String,
    },
    /// A length beyond that of the address.
    #[error("netip.ParsePrefix({text:?}): prefix length out of range")]
    LengthOutOfRange {
        /// The text.
        text: String,
    },
}

impl Prefix {
    /// Prefix of a single address (/32 or /128).
    #[must_use]
    pub const fn of_address(addr: IpAddr) -> Self {
        let len = if addr.is_ipv4() { 32 } else { 128 };
        Self { addr, len }
    }

    /// Reads a prefix such as `10.0.0.0/8`. Errors: the text is not a prefix.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        let given = || text.to_owned();
        let Some((addr, len)) = text.rsplit_once('/') else {
            return Err(PrefixError::NoLength { text: given() });
        };
        if addr.contains('%') {
            return Err(PrefixError::Zone { text: given() });
        }
        let parsed: IpAddr = addr.parse().map_err(|source| PrefixError::Address {
            text: given(),
            address: addr.to_owned(),
            source,
        })?;
        let is_number = !len.is_empty()
            && len.bytes().all(|b| b.is_ascii_digit())
            && (len == "0" || !len.starts_with('0'));
        if !is_number {
            return Err(PrefixError::Length { text: given(), length: len.to_owned() });
        }
        let max = if parsed.is_ipv4() { 32 } else { 128 };
        match len.parse::<u8>() {
            Ok(bits) if bits <= max => Ok(Self::new(parsed, bits)),
            _ => Err(PrefixError::LengthOutOfRange { text: given() }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_in_the_words_of_go() {
        let check = |text: &str, expected: &str| {
            let message = Prefix::parse(text).unwrap_err().to_string();
            assert_eq!(message, format!("netip.ParsePrefix({text:?}): {expected}"));
        };
        check("10.0.0.0", "no '/'");
        check("fe80::1%eth0/64", "IPv6 zones cannot be present in a prefix");
        check("10.0.0/8", "ParseAddr(\"10.0.0\"): unable to parse IP");
        check("10.0.0.0/08", "bad bits after slash: \"08\"");
        check("10.0.0.0/", "bad bits after slash: \"\"");
        check("10.0.0.0/33", "prefix length out of range");
        check("::/129", "prefix length out of range");
        check("::/999", "prefix length out of range");
    }
}
