//! Path of a request's URL, as Go's `url.ParseRequestURI` reads it: Hubble's `http_path` matches
//! against it. Own, and not the crate `url`, which follows the rules of browsers: it accepts and rewrites
//! what Go refuses.

use std::net::Ipv6Addr;

/// Decoded path, in bytes, because escapes may stand for any byte. `None` if Go refuses the URL;
/// then Hubble's filter does not match.
pub(super) fn path(url: &str) -> Option<Vec<u8>> {
    if url.is_empty() || url.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    if url == "*" {
        return Some(b"*".to_vec());
    }
    let (scheme, rest) = split_scheme(url)?;
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        // A URL such as `mailto:x` is opaque and has no path.
        return scheme.map(|_| Vec::new());
    }
    match rest.strip_prefix("//") {
        Some(after) if scheme.is_some() => {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            let is_http = scheme.is_some_and(|scheme| {
                scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
            });
            if is_authority(authority, is_http) { unescape(path) } else { None }
        }
        _ => unescape(rest),
    }
}

/// Scheme, if there is one, and the rest. `None` if the URL starts with a colon.
fn split_scheme(url: &str) -> Option<(Option<&str>, &str)> {
    for (index, byte) in url.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index > 0 => {
                let (scheme, rest) = url.split_at(index);
                return Some((Some(scheme), rest.strip_prefix(':').unwrap_or(rest)));
            }
            b':' => return None,
            _ => break,
        }
    }
    Some((None, url))
}

fn is_authority(authority: &str, is_http: bool) -> bool {
    match authority.rsplit_once('@') {
        Some((userinfo, host)) => is_userinfo(userinfo) && is_host(host, is_http),
        None => is_host(authority, is_http),
    }
}

fn is_userinfo(userinfo: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    userinfo.bytes().all(allowed) && unescape(userinfo).is_some()
}

fn is_host(host: &str, is_http: bool) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        return literal.rsplit_once(']').is_some_and(|(address, port)| {
            !literal.contains('[') && is_optional_port(port) && is_ip_literal(address)
        });
    }
    // Some databases list several hosts with ports; HTTP has one.
    let colon = if is_http { host.find(':') } else { host.rfind(':') };
    let (_, port) = host.split_at(colon.unwrap_or(host.len()));
    !host.contains('[') && is_optional_port(port) && is_host_name(host, false)
}

fn is_optional_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => port.is_empty(),
    }
}

/// Whether a text is an IPv6 address, optionally with `%25` and a zone.
fn is_ip_literal(address: &str) -> bool {
    match address.split_once("%25") {
        Some((address, zone)) => {
            address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && is_host_name(zone, true)
        }
        None => address.parse::<Ipv6Addr>().is_ok(),
    }
}

/// Whether a text is a host name. It may hold bytes beyond ASCII, plain or escaped, and an escaped
/// `%`; a zone may also escape the characters that are allowed in it, and the space.
fn is_host_name(name: &str, is_zone: bool) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || !byte.is_ascii()
            || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
    };
    let mut parts = name.split('%');
    parts.next().is_some_and(|first| first.bytes().all(allowed))
        && parts.all(|part| match escape(part) {
            Some((value, rest)) => {
                let may_escape = if is_zone {
                    value == b'%' || value == b' ' || allowed(value)
                } else {
                    value == b'%' || !value.is_ascii()
                };
                may_escape && rest.bytes().all(allowed)
            }
            None => false,
        })
}

/// Decodes `%XX`. `None` if two hexadecimal digits do not follow a `%`.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (value, rest) = escape(part)?;
        out.push(value);
        out.extend_from_slice(rest.as_bytes());
    }
    Some(out)
}

/// Byte of the two hexadecimal digits at the start of `text`, and the rest.
fn escape(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}
