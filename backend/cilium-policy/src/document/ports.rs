//! Ports, ICMP types and L7 rules of Cilium policies. Source: `pkg/policy/api/`.

use super::{Refusal, RefusalCase, object::Object};
use crate::{
    DnsRule, HttpPattern, HttpRule, L7Rules, Listener, NamePattern, Port, PortRange, PortRule,
    Position, Protocol, Settings, TlsContext,
    source::{Value, magnitude},
};

const MAX_PORTS: usize = 40;

/// The limits that the surrounding rule sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct PortContext<'s> {
    pub(super) is_ingress: bool,
    pub(super) is_deny: bool,
    pub(super) is_host: bool,
    pub(super) settings: &'s Settings,
}

/// The ports of `toPorts`; `None` if the field is missing. The second value tells whether an item
/// has L7 rules, which Cilium counts before it checks the ports.
pub(super) fn to_ports(
    rule: &Object<'_>,
    context: PortContext<'_>,
) -> Result<Option<Vec<PortRule>>, Refusal> {
    let (go_type, known): (_, &[&str]) = if context.is_deny {
        ("PortDenyRule", &["ports"])
    } else {
        (
            "PortRule",
            &["ports", "terminatingTLS", "originatingTLS", "serverNames", "listener", "rules"],
        )
    };
    let Some(items) = rule.objects("toPorts", go_type, known)? else { return Ok(None) };
    let decoded = items.iter().map(RawPortRule::decode).collect::<Result<Vec<_>, _>>()?;
    if !context.is_deny {
        check_l7_placement(&decoded, context)?;
    }
    decoded.into_iter().map(|raw| raw.validate(context)).collect::<Result<_, _>>().map(Some)
}

struct RawPortRule<'n> {
    at: Position,
    ports: Vec<RawPort>,
    server_names: Vec<(Position, String)>,
    terminating_tls: Option<TlsContext>,
    originating_tls: Option<TlsContext>,
    listener: Option<(Position, Listener)>,
    http: Option<Vec<Object<'n>>>,
    dns: Option<Vec<Object<'n>>>,
}

struct RawPort {
    at: Position,
    port: String,
    end_port: i32,
    protocol: String,
}

impl<'n> RawPortRule<'n> {
    fn decode(item: &Object<'n>) -> Result<Self, Refusal> {
        let ports = item
            .objects("ports", "PortProtocol", &["port", "endPort", "protocol"])?
            .unwrap_or_default()
            .iter()
            .map(|port| {
                Ok(RawPort {
                    at: port.at,
                    port: port.string_or_empty("port")?.into_owned(),
                    end_port: port.int32("endPort")?.unwrap_or(0),
                    protocol: port.string_or_empty("protocol")?.into_owned(),
                })
            })
            .collect::<Result<_, Refusal>>()?;
        let tls = |name| -> Result<Option<TlsContext>, Refusal> {
            let known = &["secret", "trustedCA", "certificate", "privateKey"];
            let Some(context) = item.object(name, "TLSContext", known)? else { return Ok(None) };
            Ok(Some(match context.object("secret", "Secret", &["namespace", "name"])? {
                Some(secret) => TlsContext {
                    namespace: secret.string_or_empty("namespace")?.into_owned(),
                    name: secret.string_or_empty("name")?.into_owned(),
                },
                None => TlsContext { namespace: String::new(), name: String::new() },
            }))
        };
        let listener = item.object("listener", "Listener", &["envoyConfig", "name", "priority"])?;
        let listener = match listener {
            None => None,
            Some(object) => Some((object.at, listener_of(&object)?)),
        };
        let (mut http, mut dns) = (None, None);
        if let Some(rules) = item.object("rules", "L7Rules", &["http", "dns"])? {
            http = rules.objects(
                "http",
                "PortRuleHTTP",
                &["path", "method", "host", "headers", "headerMatches"],
            )?;
            dns = rules.objects("dns", "PortRuleDNS", &["matchName", "matchPattern"])?;
        }
        Ok(Self {
            at: item.at,
            ports,
            server_names: item
                .strings("serverNames", "[]api.ServerName")?
                .unwrap_or_default()
                .into_iter()
                .map(|(at, name)| (at, name.into_owned()))
                .collect(),
            terminating_tls: tls("terminatingTLS")?,
            originating_tls: tls("originatingTLS")?,
            listener,
            http,
            dns,
        })
    }

    fn http_count(&self) -> usize {
        self.http.as_ref().map_or(0, Vec::len)
    }

    fn dns_count(&self) -> usize {
        self.dns.as_ref().map_or(0, Vec::len)
    }

    fn has_rules(&self) -> bool {
        self.http_count().saturating_add(self.dns_count()) > 0
    }

    fn validate(self, context: PortContext<'_>) -> Result<PortRule, Refusal> {
        let has_dns = self.dns_count() > 0;
        if context.is_ingress && has_dns {
            return Err(Refusal::invalid(self.at, "DNS rules are not allowed on ingress"));
        }
        if !self.server_names.is_empty() && self.has_rules() && self.terminating_tls.is_none() {
            return Err(Refusal::invalid(
                self.at,
                "ServerNames are not allowed with L7 rules without TLS termination",
            ));
        }
        if let Some((at, _)) = self.server_names.iter().find(|(_, name)| name.is_empty()) {
            return Err(Refusal::invalid(*at, "empty server name is not allowed"));
        }
        if self.ports.len() > MAX_PORTS {
            return Err(Refusal::invalid(
                self.at,
                format!("too many ports, the max is {MAX_PORTS}"),
            ));
        }
        let mut ports = Vec::new();
        let mut zero = None;
        for raw in &self.ports {
            let port = port(raw, has_dns, context)?;
            if self.has_rules() && !has_dns && port.protocol != Protocol::TCP {
                return Err(Refusal::invalid(
                    raw.at,
                    format!(
                        "L7 rules can only apply to TCP (not {}) except for DNS rules",
                        port.protocol.name()
                    ),
                ));
            }
            if port.range == PortRange::All && !raw.port.is_empty() {
                zero = Some(raw.at);
            }
            ports.push(port);
        }
        if let Some((at, Listener { name, .. })) = &self.listener {
            if context.is_ingress {
                return Err(Refusal::invalid(
                    *at,
                    format!("Listener is not allowed on ingress ({name})"),
                ));
            }
            if self.has_rules() {
                return Err(Refusal::invalid(
                    *at,
                    format!("Listener is not allowed with L7 rules ({name})"),
                ));
            }
        }
        let mut l7 = L7Rules {
            terminating_tls: self.terminating_tls.clone().map(Box::new),
            originating_tls: self.originating_tls.clone().map(Box::new),
            server_names: self.server_names.iter().map(|(_, name)| name.clone()).collect(),
            listener: self.listener.as_ref().map(|(_, listener)| Box::new(listener.clone())),
            ..L7Rules::default()
        };
        if self.has_rules() {
            if let Some(at) = zero {
                return Err(Refusal::invalid(at, "L7 rules can not be used when a port is 0"));
            }
            for rule in self.http.iter().flatten() {
                l7.http.push(http(rule)?);
            }
            if self.dns.is_some() && self.ports.is_empty() {
                return Err(Refusal::invalid(self.at, "port 53 must be specified for DNS rules"));
            }
            for rule in self.dns.iter().flatten() {
                l7.dns.push(dns(rule)?);
            }
            if self.http.is_some() && self.dns.is_some() {
                return Err(Refusal::invalid(
                    self.at,
                    "multiple L7 protocol rule types specified in single rule",
                ));
            }
        }
        Ok(PortRule { at: self.at, ports, l7 })
    }
}

fn listener_of(object: &Object<'_>) -> Result<Listener, Refusal> {
    let config = match object.object("envoyConfig", "EnvoyConfig", &["kind", "name"])? {
        Some(config) => Some((
            config.string_or_empty("kind")?.into_owned(),
            config.string_or_empty("name")?.into_owned(),
        )),
        None => None,
    };
    let priority = object.int32("priority")?.unwrap_or(0);
    let priority = u8::try_from(priority).map_err(|_| {
        Refusal::field(
            object.at("priority"),
            &format!(
                "json: cannot unmarshal number {priority} into Go struct field Listener.{} of type uint8",
                object.path("priority")
            ),
        )
        .of_case(RefusalCase::WrongType)
    })?;
    Ok(Listener { name: object.string_or_empty("name")?.into_owned(), config, priority })
}

fn check_l7_placement(rules: &[RawPortRule<'_>], context: PortContext<'_>) -> Result<(), Refusal> {
    let Some(first) = rules.iter().find(|rule| rule.has_rules()) else { return Ok(()) };
    if context.is_ingress && context.is_host {
        return Err(Refusal::invalid(first.at, "L7 policy is not supported on host ingress yet"));
    }
    if context.is_ingress
        && let Some(rule) = rules.iter().find(|rule| rule.dns_count() > 0)
    {
        return Err(Refusal::invalid(rule.at, "L7 protocol DNS is not supported on ingress yet"));
    }
    if !context.is_ingress
        && context.is_host
        && let Some(rule) = rules.iter().find(|rule| rule.http_count() > 0)
    {
        return Err(Refusal::invalid(
            rule.at,
            "L7 protocol HTTP is not supported on host egress yet",
        ));
    }
    Ok(())
}

fn port(raw: &RawPort, has_dns: bool, context: PortContext<'_>) -> Result<Port, Refusal> {
    let invalid = |reason: String| Err(Refusal::invalid(raw.at, reason));
    if raw.port.is_empty() && !context.settings.extended_ip_protocols {
        return invalid("port must be specified".to_owned());
    }
    let protocol = Protocol::parse(&raw.protocol);
    let range = if is_service_name(&raw.port) {
        PortRange::Named(raw.port.to_ascii_lowercase())
    } else if raw.port.is_empty() {
        PortRange::All
    } else {
        // Cilium compares before it converts the case.
        let is_extended = protocol.is_some_and(Protocol::is_extended)
            && raw.protocol == raw.protocol.to_ascii_uppercase();
        if raw.port != "0" && is_extended {
            return invalid("port must be empty or 0".to_owned());
        }
        let number = match parse_port(&raw.port) {
            Ok(number) => number,
            Err(err) => {
                let reason = format!(
                    "unable to parse port: strconv.ParseUint: parsing {:?}: {err}",
                    raw.port
                );
                let refusal = Refusal::invalid(raw.at, reason);
                let is_range = raw.port.split_once('-').is_some_and(|(low, high)| {
                    let is_number = |text: &str| text.trim().parse::<u16>().is_ok();
                    is_number(low) && is_number(high)
                });
                return Err(if is_range {
                    refusal.noted("a range is `port` and `endPort`")
                } else {
                    refusal
                });
            }
        };
        if has_dns && raw.end_port > i32::from(number) {
            return invalid("DNS rules do not support port ranges".to_owned());
        }
        range(number, raw.end_port)
    };
    match protocol {
        Some(protocol) => {
            Ok(Port { at: raw.at, protocol, range, end_port: kept_end_port(raw.end_port) })
        }
        None => invalid(format!(
            "invalid protocol {:?}, must be {{ tcp | udp | sctp | vrrp | igmp | gre | ipip | ipv6 | esp | ah | any }}",
            raw.protocol.to_ascii_uppercase()
        )),
    }
}

/// The ports from a number to an end; an end at or below the number is ignored.
pub(super) fn range(number: u16, end: i32) -> PortRange {
    match (number, kept_end_port(end)) {
        (0, _) => PortRange::All,
        (number, end) if end > number => PortRange::Numbers(number, end),
        (number, _) => PortRange::Numbers(number, number),
    }
}

/// The 16 bits of an end that Cilium keeps.
pub(super) fn kept_end_port(end: i32) -> u16 {
    u16::try_from(end & 0xffff).unwrap_or(0)
}

/// The reason why a text is not a port number, in the words of Go's `strconv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PortNumberError {
    #[error("invalid syntax")]
    Syntax,
    #[error("value out of range")]
    OutOfRange,
}

impl PortNumberError {
    /// The number that `ParseUint` returns beside the error.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Syntax => 0,
            Self::OutOfRange => u16::MAX,
        }
    }
}

/// The number of `strconv.ParseUint(text, 0, 16)`: a leading zero means octal. Errors: the text is
/// not a number, or is beyond 65535.
pub(super) fn parse_port(text: &str) -> Result<u16, PortNumberError> {
    let digits = text.replace('_', "");
    match magnitude(&digits).filter(|_| are_separators(text)) {
        None => Err(PortNumberError::Syntax),
        Some(value) => u16::try_from(value).map_err(|_| PortNumberError::OutOfRange),
    }
}

/// Whether underscores stand alone, between digits or after the base's prefix.
fn are_separators(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_base = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let digits = if has_base { bytes.get(2..).unwrap_or_default() } else { bytes };
    (has_base || !digits.starts_with(b"_"))
        && !digits.ends_with(b"_")
        && !digits.windows(2).any(|two| two == b"__")
}

/// Whether a text is an IANA service name: at most 15 letters, digits and single dashes, with at
/// least one letter.
pub(super) fn is_service_name(text: &str) -> bool {
    text.len() <= 15
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

fn http(rule: &Object<'_>) -> Result<HttpRule, Refusal> {
    let pattern = |name: &str, is_checked: bool| -> Result<Option<HttpPattern>, Refusal> {
        let Some(text) = rule.string(name)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match HttpPattern::new(&text) {
            Ok(pattern) => Ok(Some(pattern)),
            Err(err) if is_checked => Err(Refusal::invalid(rule.at(name), err.to_string())),
            // Cilium leaves the check of the host to Envoy, which refuses it later.
            Err(_) => Ok(Some(HttpPattern::unjudged(&text))),
        }
    };
    let mut header_matches = false;
    let matches = rule
        .objects("headerMatches", "HeaderMatch", &["mismatch", "name", "secret", "value"])?
        .unwrap_or_default();
    for item in matches {
        if item.string_or_empty("name")?.is_empty() {
            return Err(Refusal::invalid(item.at, "Header name missing"));
        }
        let mismatch = item.string_or_empty("mismatch")?;
        match mismatch.as_ref() {
            // These actions let the request pass; without an action, a mismatch is denied.
            "LOG" | "ADD" | "DELETE" | "REPLACE" => {}
            "" => header_matches = true,
            other => {
                return Err(Refusal::invalid(
                    item.at("mismatch"),
                    format!("Invalid header action: {other}"),
                ));
            }
        }
        if let Some(secret) = item.object("secret", "Secret", &["namespace", "name"])?
            && secret.string_or_empty("name")?.is_empty()
        {
            return Err(Refusal::invalid(secret.at, "Secret name missing"));
        }
    }
    Ok(HttpRule {
        at: rule.at,
        path: pattern("path", true)?,
        method: pattern("method", true)?,
        host: pattern("host", false)?,
        headers: rule
            .strings("headers", "[]string")?
            .unwrap_or_default()
            .into_iter()
            .map(|(_, text)| text.into_owned())
            .collect(),
        header_matches,
    })
}

fn dns(rule: &Object<'_>) -> Result<DnsRule, Refusal> {
    let name = rule.string_or_empty("matchName")?;
    let pattern = rule.string_or_empty("matchPattern")?;
    let mut patterns = Vec::new();
    if !name.is_empty() {
        let name = NamePattern::of_name(&name)
            .map_err(|err| Refusal::invalid(rule.at("matchName"), err.to_string()))?;
        patterns.push(name);
    }
    if !pattern.is_empty() {
        patterns.push(
            NamePattern::of_pattern(&pattern)
                .map_err(|err| Refusal::invalid(rule.at("matchPattern"), err.to_string()))?,
        );
    }
    Ok(DnsRule { at: rule.at, patterns })
}

/// The types of `icmps` as ports; empty if the field is missing or empty.
pub(super) fn icmps(rule: &Object<'_>) -> Result<Vec<PortRule>, Refusal> {
    let items = rule.objects("icmps", "ICMPRule", &["fields"])?.unwrap_or_default();
    let mut rules = Vec::new();
    for item in items {
        let fields = item.list("fields", "[]api.ICMPField")?.unwrap_or_default();
        if fields.len() > MAX_PORTS {
            return Err(Refusal::invalid(
                item.at,
                format!("too many types, the max is {MAX_PORTS}"),
            ));
        }
        let mut ports = Vec::new();
        for node in fields {
            // The type decodes its own JSON, and so is not strict.
            let family = match node.get("family").map(|node| (node, &node.value)) {
                Some((_, Value::String(family))) => family.as_str(),
                None | Some((_, Value::Null)) => "",
                Some((node, _)) => {
                    return Err(super::object::mismatch(node, Some(""), "family", "string"));
                }
            };
            let kind = match node.get("type").map(|node| &node.value) {
                Some(Value::Integer(number)) if i32::try_from(*number).is_ok() => {
                    number.to_string()
                }
                Some(Value::String(text)) => text.clone(),
                _ => return Err(Refusal::invalid(node.at, "ICMP type is missing")),
            };
            let code = icmp_code(&kind, family);
            if kind != "0" && kind.parse::<i64>().unwrap_or(0) == 0 && code.is_none() {
                return Err(Refusal::field(
                    node.at,
                    &format!("ICMP type {kind} not found in {family}"),
                ));
            }
            if !matches!(family, "" | "IPv4" | "IPv6") {
                return Err(Refusal::invalid(node.at, format!("wrong family: {family}")));
            }
            let number = match code {
                Some(code) => u16::from(code),
                None => parse_port(&kind).unwrap_or_else(PortNumberError::number),
            };
            let protocol = if family == "IPv6" { Protocol::ICMPV6 } else { Protocol::ICMP };
            ports.push(Port { at: node.at, protocol, range: range(number, 0), end_port: 0 });
        }
        rules.push(PortRule { at: item.at, ports, l7: L7Rules::default() });
    }
    Ok(rules)
}

/// The ICMP type of a name.
fn icmp_code(name: &str, family: &str) -> Option<u8> {
    let table: &[(&str, u8)] = if family == "IPv6" {
        &[
            ("DestinationUnreachable", 1),
            ("PacketTooBig", 2),
            ("TimeExceeded", 3),
            ("ParameterProblem", 4),
            ("EchoRequest", 128),
            ("EchoReply", 129),
            ("MulticastListenerQuery", 130),
            ("MulticastListenerReport", 131),
            ("MulticastListenerDone", 132),
            ("RouterSolicitation", 133),
            ("RouterAdvertisement", 134),
            ("NeighborSolicitation", 135),
            ("NeighborAdvertisement", 136),
            ("RedirectMessage", 137),
            ("RouterRenumbering", 138),
            ("ICMPNodeInformationQuery", 139),
            ("ICMPNodeInformationResponse", 140),
            ("InverseNeighborDiscoverySolicitation", 141),
            ("InverseNeighborDiscoveryAdvertisement", 142),
            ("HomeAgentAddressDiscoveryRequest", 144),
            ("HomeAgentAddressDiscoveryReply", 145),
            ("MobilePrefixSolicitation", 146),
            ("MobilePrefixAdvertisement", 147),
            ("DuplicateAddressRequestCodeSuffix", 157),
            ("DuplicateAddressConfirmationCodeSuffix", 158),
            ("ExtendedEchoRequest", 160),
            ("ExtendedEchoReply", 161),
        ]
    } else {
        &[
            ("EchoReply", 0),
            ("DestinationUnreachable", 3),
            ("Redirect", 5),
            ("Echo", 8),
            ("EchoRequest", 8),
            ("RouterAdvertisement", 9),
            ("RouterSelection", 10),
            ("TimeExceeded", 11),
            ("ParameterProblem", 12),
            ("Timestamp", 13),
            ("TimestampReply", 14),
            ("Photuris", 40),
            ("ExtendedEchoRequest", 42),
            ("ExtendedEchoReply", 43),
        ]
    };
    table.iter().find(|(own, _)| *own == name).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_numbers_are_those_of_parse_uint() {
        let check = |text: &str, expected: Result<u16, &str>| {
            let found = parse_port(text).map_err(|err| err.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("80", Ok(80));
        check("0120", Ok(80));
        check("0x50", Ok(80));
        check("1_000", Ok(1000));
        check("", Err("invalid syntax"));
        check("http", Err("invalid syntax"));
        check("_80", Err("invalid syntax"));
        check("65536", Err("value out of range"));
        assert_eq!(PortNumberError::Syntax.number(), 0);
        assert_eq!(PortNumberError::OutOfRange.number(), u16::MAX);
    }
}
