//! Addresses and CIDRs, read as Go's `net/netip` reads them.

use std::net::{IpAddr, Ipv6Addr};

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    address: IpAddr,
    bits: u32,
}

impl Cidr {
    /// Reads `address/bits`; bits below the mask may be set.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.rsplit_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let plain = !bits.is_empty()
            && bits.len() <= 3
            && bits.bytes().all(|digit| digit.is_ascii_digit())
            && (bits.len() == 1 || !bits.starts_with('0'));
        let bits: u32 = if plain { bits.parse().ok()? } else { return None };
        (bits <= width(address)).then_some(Self { address, bits })
    }

    /// Length of the network part.
    pub(super) const fn bits(self) -> u32 {
        self.bits
    }

    /// The address that it was written with.
    pub(super) const fn address(self) -> IpAddr {
        self.address
    }

    /// Whether `address` lies in the range. An IPv4 address is in no IPv6 range, nor the other
    /// way round, IPv4-mapped ones included.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - self.bits;
                (u64::from(own.to_bits()) >> shift) == (u64::from(other.to_bits()) >> shift)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let difference = own.to_bits() ^ other.to_bits();
                self.bits == 0 || difference.leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether `text` is an address. A link-local one may carry a zone (`fe80::1%eth0`).
pub(super) fn is_address(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<IpAddr>().is_ok(),
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
