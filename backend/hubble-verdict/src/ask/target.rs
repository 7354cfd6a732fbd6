//! Sources and destinations as people write them.

use std::net::IpAddr;

use cilium_policy::Traffic;
use vocabulary::reserved;

/// Source or destination of a connection, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An IP address: `10.0.0.1`.
    Address(IpAddr),
    /// An entity: `world`, `host`, `reserved:kube-apiserver`.
    Entity(String),
    /// A pod, a workload or a Service: `pets/order-service`, `order-service`,
    /// `order-service.pets.svc.cluster.local`.
    Name {
        /// The namespace, if it is written.
        namespace: Option<String>,
        /// The name.
        name: String,
        /// The name to resolve, where a DNS name is written.
        dns: Option<String>,
    },
    /// Another DNS name: `www.bing.com`. A dot at its end keeps the resolver from extending it.
    Dns(String),
}

/// The reason why a text is not a source or a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// An empty name.
    #[error("the name is empty: write a pod, a Service, an address, a DNS name or `world`")]
    Empty,
    /// A missing port; policies decide by port.
    #[error("`{0}` has no port: write it after the name, as `product-service:3002`")]
    NoPort(String),
    /// A port that is not a number from 1 to 65535.
    #[error("`{0}` is not a port: write a number from 1 to 65535")]
    Port(String),
    /// A protocol without ports.
    #[error("`{0}` is not a protocol with ports: write TCP, UDP or SCTP")]
    Protocol(String),
    /// A text that is not a valid Kubernetes or DNS name.
    #[error("`{0}` is not a name: write `namespace/name`, an address, a DNS name or `world`")]
    Name(String),
}

/// Suffix of Service names in a cluster with the usual domain.
pub(super) const CLUSTER_DOMAIN: &str = "svc.cluster.local";

impl Target {
    /// Whether the target is the source itself, reached without the network. Source: RFC 6761
    /// (6.3).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name { namespace: None, name, .. } => {
                name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
            }
            Self::Name { .. } | Self::Entity(_) | Self::Dns(_) => false,
        }
    }

    /// The source or destination that a text names. Errors: the text is not a name.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        let entity = text.strip_prefix("reserved:").unwrap_or(text);
        if reserved::number(entity).is_some() {
            return Ok(Self::Entity(entity.to_owned()));
        }
        let is_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = |name: &str| !name.is_empty() && name.chars().all(is_label);
        if let Some((namespace, name)) = text.split_once('/') {
            if !is_name(namespace) || !is_name(name) {
                return Err(TargetError::Name(text.to_owned()));
            }
            let (namespace, name) = (Some(namespace.to_owned()), name.to_owned());
            return Ok(Self::Name { namespace, name, dns: None });
        }
        if !is_name(text) {
            return Err(TargetError::Name(text.to_owned()));
        }
        let written = text.to_ascii_lowercase();
        let lower = written.trim_end_matches('.');
        let of_service = lower.strip_suffix(".svc").or_else(|| Some(lower.split_once(".svc.")?.0));
        if let Some((name, namespace)) = of_service.and_then(|own| own.split_once('.'))
            // Services and namespaces have no dots: a search list extended this name.
            && !namespace.contains('.')
        {
            let (namespace, name) = (Some(namespace.to_owned()), name.to_owned());
            return Ok(Self::Name { namespace, name, dns: Some(written) });
        }
        if lower.contains('.') {
            return Ok(Self::Dns(written));
        }
        Ok(Self::Name { namespace: None, name: text.to_owned(), dns: None })
    }

    /// Whether the target is the world itself.
    pub(super) fn is_world(&self) -> bool {
        matches!(self, Self::Entity(name) if name.starts_with("world"))
    }

    /// The destination that a text names: `NAME:PORT`, `NAME:PORT/UDP`; an IPv6 address is in
    /// brackets. Errors: a part is missing or invalid.
    pub fn parse_with_port(text: &str) -> Result<(Self, Traffic), TargetError> {
        let text = text.trim();
        let no_port = || TargetError::NoPort(text.to_owned());
        let (name, port) = text.rsplit_once(':').ok_or_else(no_port)?;
        if text.parse::<IpAddr>().is_ok() || port.ends_with(']') {
            return Err(no_port());
        }
        let (port, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
        let number: u16 = port.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
            if reserved::number(port).is_some() {
                no_port()
            } else {
                TargetError::Port(port.to_owned())
            }
        })?;
        let protocol = match protocol {
            own if own.eq_ignore_ascii_case("tcp") => 6,
            own if own.eq_ignore_ascii_case("udp") => 17,
            own if own.eq_ignore_ascii_case("sctp") => 132,
            other => return Err(TargetError::Protocol(other.to_owned())),
        };
        Ok((Self::parse(name)?, Traffic::new(protocol, number)))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name { namespace: Some(namespace), name, .. } => {
                write!(f, "{namespace}/{name}")
            }
            Self::Entity(name) | Self::Name { name, .. } => f.write_str(name),
            Self::Dns(name) => f.write_str(name.trim_end_matches('.')),
        }
    }
}
