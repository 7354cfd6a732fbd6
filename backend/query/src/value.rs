//! Values of flags, read as `hubble observe` reads them.

use std::str::FromStr;

use flow::filter::EventTypeFilter;
use flow::{
    DropReason, HttpHeader, IpVersion, MessageType, NetworkInterface, TcpFlags,
    TraceObservationPoint, TrafficDirection, Verdict, Workload,
};
use vocabulary::{Prefix, is_address, reserved};
use wording::names;

use crate::flag::{HUBBLE_PROTOCOLS, InvalidFlag, MESSAGE_TYPES};

fn not_a(value: &str, expected: &'static str) -> InvalidFlag {
    InvalidFlag::Value { value: value.to_owned(), expected, meant: None }
}

/// Error for a value that is not one of `names`, with the nearest of them.
fn none_of(
    value: &str,
    expected: &'static str,
    names: impl IntoIterator<Item = String>,
) -> InvalidFlag {
    let names: Vec<String> = names.into_iter().collect();
    let meant = names::suggested(value, names.iter().map(String::as_str)).map(str::to_owned);
    InvalidFlag::Value { value: value.to_owned(), expected, meant }
}

/// The item of `all` with this name.
fn named<T: FromStr + ToString>(
    value: &str,
    expected: &'static str,
    all: &[T],
) -> Result<T, InvalidFlag> {
    value.parse().map_err(|_| none_of(value, expected, all.iter().map(ToString::to_string)))
}

fn one_of(value: &str, known: &'static [&'static str]) -> Result<String, InvalidFlag> {
    if known.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(InvalidFlag::NotOneOf { value: value.to_owned(), known })
}

/// Any text.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the readers of values")]
pub(crate) fn text(value: &str) -> Result<String, InvalidFlag> {
    Ok(value.to_owned())
}

pub(crate) fn verdict(value: &str) -> Result<Verdict, InvalidFlag> {
    named(value, "a verdict", Verdict::ALL)
}

pub(crate) fn traffic_direction(value: &str) -> Result<TrafficDirection, InvalidFlag> {
    named(value, "a traffic direction", TrafficDirection::ALL)
}

pub(crate) fn protocol(value: &str) -> Result<String, InvalidFlag> {
    one_of(&value.to_ascii_lowercase(), &HUBBLE_PROTOCOLS)
}

/// A decimal port, without leading zeros.
pub(crate) fn port(value: &str) -> Result<String, InvalidFlag> {
    Ok(value.parse::<u16>().map_err(|_| not_a(value, "a port"))?.to_string())
}

/// A device by its name.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the readers of values")]
pub(crate) fn interface(value: &str) -> Result<NetworkInterface, InvalidFlag> {
    Ok(NetworkInterface { name: value.to_owned(), ..NetworkInterface::default() })
}

pub(crate) fn drop_reason(value: &str) -> Result<DropReason, InvalidFlag> {
    let reason = named(value, "a drop reason", DropReason::ALL)?;
    if reason.name().is_none() {
        return Err(InvalidFlag::UnnamedDropReason(value.to_owned()));
    }
    Ok(reason)
}

/// A regular expression that matches only this DNS name. Flows write the root's dot at the end,
/// metrics do not.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the readers of values")]
pub(crate) fn dns_name(value: &str) -> Result<String, InvalidFlag> {
    let mut pattern = String::from("^");
    for char in value.trim_end_matches('.').chars() {
        if !char.is_alphanumeric() && !matches!(char, '-' | '_') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern.push_str("\\.?$");
    Ok(pattern)
}

/// An event type filter from `type` or `type:subtype`, each a name or a number.
pub(crate) fn event_type(value: &str) -> Result<EventTypeFilter, InvalidFlag> {
    let (name, sub_type) = match value.split_once(':') {
        Some((name, sub_type)) => (name, Some(sub_type)),
        None => (value, None),
    };
    let unknown = || InvalidFlag::NotOneOf { value: value.to_owned(), known: &MESSAGE_TYPES };
    let message_type = match name.parse::<u8>() {
        Ok(number) => MessageType::from_number(number.into()),
        Err(_) => name.parse().map_err(|_| unknown())?,
    };
    let Some(sub_type) = sub_type else {
        return Ok(EventTypeFilter { message_type, ..EventTypeFilter::default() });
    };
    let number = match sub_type.parse::<u8>() {
        Ok(number) => i32::from(number),
        Err(_) if message_type == MessageType::Trace => {
            let point = sub_type.replace('-', "_").parse::<TraceObservationPoint>();
            let names = TraceObservationPoint::ALL
                .iter()
                .map(|point| point.to_string().to_ascii_lowercase().replace('_', "-"));
            match point.map_err(|_| none_of(sub_type, "a trace observation point", names))? {
                // The monitor's number of this point is 0, which protobuf reserves for "unknown".
                TraceObservationPoint::ToEndpoint => 0,
                point => point.number(),
            }
        }
        Err(_) => return Err(not_a(value, "an event type with a subtype")),
    };
    Ok(EventTypeFilter { message_type, match_sub_type: true, sub_type: number })
}

/// A workload from `name`, `kind/name` or `kind/`.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the readers of values")]
pub(crate) fn workload(value: &str) -> Result<Workload, InvalidFlag> {
    let (kind, name) = value.split_once('/').unwrap_or(("", value));
    Ok(Workload { kind: kind.to_owned(), name: name.to_owned() })
}

/// A valid address or CIDR, as written.
pub(crate) fn ip(value: &str) -> Result<String, InvalidFlag> {
    let is_ip = if value.contains('/') { Prefix::parse(value).is_ok() } else { is_address(value) };
    if is_ip { Ok(value.to_owned()) } else { Err(not_a(value, "an IP address or CIDR")) }
}

pub(crate) fn identity(value: &str) -> Result<u32, InvalidFlag> {
    match reserved::number(value) {
        Some(number) => Ok(number),
        None => value.parse().map_err(|_| {
            let names = reserved::IDENTITIES.iter().map(|(name, _)| (*name).to_owned());
            none_of(value, "a security identity: use a number, or a name such as `world`", names)
        }),
    }
}

/// An HTTP status such as `404`, or a prefix such as `4+`, `40+`, `+`.
pub(crate) fn http_status(value: &str) -> Result<String, InvalidFlag> {
    let invalid = || not_a(value, "an HTTP status such as `404` or `5+`");
    let digits = value.strip_suffix('+').unwrap_or(value);
    let is_prefix = digits.len() < value.len();
    let begins_right = digits.bytes().next().is_some_and(|digit| (b'1'..=b'5').contains(&digit));
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    let right_length = if is_prefix { digits.len() <= 2 } else { digits.len() == 3 };
    if begins_right && all_digits && right_length { Ok(value.to_owned()) } else { Err(invalid()) }
}

/// TCP flags that must all be set: `SYN`, `SYN,ACK`.
pub(crate) fn tcp_flags(value: &str) -> Result<TcpFlags, InvalidFlag> {
    let mut flags = TcpFlags::EMPTY;
    for name in value.split([',', ' ']).filter(|name| !name.is_empty()) {
        let known = TcpFlags::ALL.into_iter();
        let found = known.clone().find(|(_, own)| own.eq_ignore_ascii_case(name));
        let names = known.map(|(_, own)| own.to_owned());
        let (flag, _) = found.ok_or_else(|| none_of(name, "a TCP flag", names))?;
        flags |= flag;
    }
    Ok(flags)
}

/// A header from `name:value`; the value may contain colons.
pub(crate) fn http_header(value: &str) -> Result<HttpHeader, InvalidFlag> {
    let (key, header) =
        value.split_once(':').ok_or_else(|| not_a(value, "an HTTP header such as `name:value`"))?;
    Ok(HttpHeader { key: key.to_owned(), value: header.to_owned() })
}

/// An IP version from `v4`, `v6`, `none` or another spelling of the command.
pub(crate) fn ip_version(value: &str) -> Result<IpVersion, InvalidFlag> {
    match value.to_ascii_lowercase().as_str() {
        "4" | "v4" | "ipv4" | "ip4" => Ok(IpVersion::V4),
        "6" | "v6" | "ipv6" | "ip6" => Ok(IpVersion::V6),
        "none" => Ok(IpVersion::NotUsed),
        _ => Err(InvalidFlag::NotOneOf { value: value.to_owned(), known: &["v4", "v6", "none"] }),
    }
}

/// An IP trace ID: a decimal number above 0.
pub(crate) fn ip_trace_id(value: &str) -> Result<u64, InvalidFlag> {
    let number = value.parse::<u64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| not_a(value, "an IP trace ID, which is a number above 0"))
}

/// `true` or `false`.
pub(crate) fn truth(value: &str) -> Result<bool, InvalidFlag> {
    Ok(one_of(&value.to_ascii_lowercase(), &["true", "false"])? == "true")
}
