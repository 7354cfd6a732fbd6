use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// Port of a relay without TLS: its own default, and that of `hubble`.
pub const DEFAULT_PORT: u16 = 4245;
/// Port of a relay with TLS: that of its Kubernetes Service, and gRPC's default, and so `hubble`'s,
/// for an address without a port.
pub const DEFAULT_TLS_PORT: u16 = 443;

/// Longest DNS name, in bytes (RFC 1035).
const MAX_HOST_BYTES: usize = 253;
/// Longest path of a Unix socket on Linux, in bytes (`sun_path` without the terminating zero).
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Address of a relay.
///
/// Written as `host:port`, `tls://host:port`, `http://…`, `https://…`, `dns:///host:port` or
/// `unix:///path`. An IPv6 address followed by a port needs brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    pub(super) target: Target,
    /// Whether the scheme requires or excludes TLS; `None` if it leaves it open.
    pub(super) tls: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Tcp { host: String, port: Option<u16> },
    Unix { path: PathBuf },
}

/// Reasons why a text is not a relay address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Empty text.
    #[error("no relay address is set; write it as `host:port`")]
    Empty,
    /// Unknown scheme.
    #[error(
        "relay address `{address}` begins with the unknown scheme `{scheme}://`; \
         use `host:port`, `tls://host:port` or `unix:///path`"
    )]
    Scheme {
        /// Address from the settings.
        address: String,
        /// Scheme of the address.
        scheme: String,
    },
    /// User name or password. The error does not repeat them, because they are secret.
    #[error("a relay address cannot contain a user name or password; remove the part before `@`")]
    Credentials,
    /// Text after the port.
    #[error("relay address `{address}` has a path; write it as `host:port`")]
    Path {
        /// Address from the settings.
        address: String,
    },
    /// Invalid host.
    #[error("`{host}` in relay address `{address}` is neither a host name nor an IP address")]
    Host {
        /// Address from the settings.
        address: String,
        /// Host of the address.
        host: String,
    },
    /// Invalid port.
    #[error("`{port}` in relay address `{address}` is not a port from 1 to 65535")]
    Port {
        /// Address from the settings.
        address: String,
        /// Port of the address.
        port: String,
    },
    /// IPv6 address without brackets, whose port is ambiguous.
    #[error("put the IPv6 address in relay address `{address}` in brackets, as in `[::1]:4245`")]
    Brackets {
        /// Address from the settings.
        address: String,
    },
    /// Relative path, or a path that is too long for a Unix socket.
    #[error(
        "relay address `{address}` is not a Unix socket; write it as `unix:///path/to/socket`, \
         with a path of at most {MAX_SOCKET_PATH_BYTES} bytes"
    )]
    Socket {
        /// Address from the settings.
        address: String,
    },
}

impl RelayAddress {
    /// Reads an address in a user's spelling.
    ///
    /// Errors: the text is not a relay address. The message says how to write it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Self::socket(text, path.strip_prefix("//").unwrap_or(path));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        if text.contains('@') {
            return Err(AddressError::Credentials);
        }
        let tls = match scheme.map(str::to_ascii_lowercase).as_deref() {
            None | Some("dns") => None,
            Some("tls" | "https") => Some(true),
            Some("http") => Some(false),
            Some(other) => {
                return Err(AddressError::Scheme {
                    address: text.to_owned(),
                    scheme: other.to_owned(),
                });
            }
        };
        // gRPC's own form has a DNS server between the slashes: `dns:///host:port`.
        let rest =
            if scheme == Some("dns") { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(AddressError::Path { address: text.to_owned() });
        }
        let (host, port) = split_port(text, authority)?;
        let port = port.map(|port| parse_port(text, port)).transpose()?;
        Ok(Self { target: Target::Tcp { host: host.to_owned(), port }, tls })
    }

    fn socket(address: &str, path: &str) -> Result<Self, AddressError> {
        if !path.starts_with('/') || path.len() > MAX_SOCKET_PATH_BYTES || path.contains('\0') {
            return Err(AddressError::Socket { address: address.to_owned() });
        }
        Ok(Self { target: Target::Unix { path: PathBuf::from(path) }, tls: None })
    }

    /// Adds the default port for TLS or plain text, if the address has none.
    pub(super) fn with_default_port(mut self, tls: bool) -> Self {
        if let Target::Tcp { port, .. } = &mut self.target {
            port.get_or_insert(if tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT });
        }
        self
    }

    /// Host and port as a URI has them; `None` for a Unix socket.
    pub(super) fn authority(&self) -> Option<String> {
        match &self.target {
            Target::Tcp { host, port } => Some(authority(host, *port)),
            Target::Unix { .. } => None,
        }
    }

    /// Host without brackets; `None` for a Unix socket.
    pub fn host(&self) -> Option<&str> {
        match &self.target {
            Target::Tcp { host, .. } => Some(host),
            Target::Unix { .. } => None,
        }
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Unix { path } => write!(f, "unix://{}", path.display()),
            Target::Tcp { host, port } => {
                // Without a scheme, this host would be read as the scheme of a socket.
                let scheme = if host == "unix" { "dns:///" } else { "" };
                write!(f, "{scheme}{}", authority(host, *port))
            }
        }
    }
}

fn authority(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn split_port<'t>(
    address: &str,
    authority: &'t str,
) -> Result<(&'t str, Option<&'t str>), AddressError> {
    let bad_host =
        |host: &str| AddressError::Host { address: address.to_owned(), host: host.to_owned() };
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']').ok_or_else(|| bad_host(authority))?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(bad_host(host));
        }
        return match (port, port.strip_prefix(':')) {
            ("", _) => Ok((host, None)),
            (_, Some(port)) => Ok((host, Some(port))),
            (_, None) => Err(bad_host(authority)),
        };
    }
    let (host, port) = match authority.split_once(':') {
        None => (authority, None),
        Some((_, rest)) if rest.contains(':') => {
            // Without brackets, `fd00::1:4245` may or may not end in a port.
            return Err(AddressError::Brackets { address: address.to_owned() });
        }
        Some((host, port)) => (host, Some(port)),
    };
    let is_host_name = !host.is_empty()
        && host.len() <= MAX_HOST_BYTES
        && host.split('.').all(|label| label.len() <= 63)
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_host_name { Ok((host, port)) } else { Err(bad_host(host)) }
}

fn parse_port(address: &str, port: &str) -> Result<u16, AddressError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(number) if number > 0 && digits => Ok(number),
        _ => Err(AddressError::Port { address: address.to_owned(), port: port.to_owned() }),
    }
}
