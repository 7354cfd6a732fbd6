//! Flags to filters, as `hubble observe` does it: a flag about either side becomes two filters,
//! source **or** destination; values of one flag are alternatives; flags restrict each other.
//!
//! Source: `hubble/cmd/observe/flows_filter.go`.

use std::net::IpAddr;
use std::str::FromStr;

use flow::filter::{EventTypeFilter, FilterSet, FlowFilter};
use flow::{
    DropReason, MessageType, TcpFlags, TraceObservationPoint, TrafficDirection, Verdict, Workload,
};

use super::flag::{self, Flag, FlagValues, HUBBLE_PROTOCOLS, InvalidFlag, MESSAGE_TYPES};
use super::model::{FlowsQuery, InvalidQuery};

/// Security identities that have names. Source: pkg/identity/numericidentity.go.
const RESERVED_IDENTITIES: [(&str, u32); 10] = [
    ("host", 1),
    ("world", 2),
    ("unmanaged", 3),
    ("health", 4),
    ("init", 5),
    ("remote-node", 6),
    ("kube-apiserver", 7),
    ("ingress", 8),
    ("world-ipv4", 9),
    ("world-ipv6", 10),
];

/// Which flows a query selects: Hubble's filters, and the same as a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlowSelection {
    pub(crate) filters: FilterSet,
    /// Flags and values of `hubble observe`, quoted for a shell.
    pub(crate) observe_flags: String,
}

impl FlowSelection {
    /// What `query` selects. Errors: [`InvalidQuery::Flag`].
    pub(crate) fn new(query: &FlowsQuery) -> Result<Self, InvalidQuery> {
        let allow = Sides::new("filter", &query.filter)?;
        let deny = Sides::new("exclude", &query.exclude)?;
        Ok(Self {
            filters: FilterSet { allow: allow.filters(), deny: deny.filters() },
            observe_flags: super::observe::flags(&query.filter, &query.exclude),
        })
    }
}

/// A filter that may differ by the side it looks at.
#[derive(Default)]
struct Sides {
    source: FlowFilter,
    destination: FlowFilter,
    namespaces: Vec<String>,
    from_namespaces: Vec<String>,
    to_namespaces: Vec<String>,
    is_set: bool,
}

impl Sides {
    fn new(list: &'static str, flags: &FlagValues) -> Result<Self, InvalidQuery> {
        let invalid =
            |flag: Flag, cause| InvalidQuery::Flag { list, flag: flag.key().to_owned(), cause };
        if let Some((first, second)) = flag::conflict(flags) {
            return Err(invalid(second, InvalidFlag::Conflict(first.key())));
        }
        let mut sides = Self::default();
        for (&flag, values) in flags {
            if values.len() > flag::MAX_VALUES {
                return Err(invalid(flag, InvalidFlag::TooMany { count: values.len() }));
            }
            for value in values {
                let value = value.trim();
                if value.len() > flag::MAX_VALUE_BYTES {
                    return Err(invalid(flag, InvalidFlag::TooLong { len: value.len() }));
                }
                sides.add(flag, value).map_err(|cause| invalid(flag, cause))?;
            }
        }
        if let Some(elsewhere) = sides.pod_elsewhere() {
            return Err(invalid(Flag::Pod, elsewhere));
        }
        let types = &sides.source.event_type;
        let has_l7 = types.iter().any(|event| event.message_type == MessageType::L7);
        if flags.contains_key(&Flag::HttpStatus)
            && !types.is_empty()
            && (!has_l7 || types.len() > 1)
        {
            return Err(invalid(Flag::HttpStatus, InvalidFlag::NotL7));
        }
        Ok(sides)
    }

    fn both(&mut self, add: impl Fn(&mut FlowFilter)) {
        add(&mut self.source);
        add(&mut self.destination);
    }

    /// A pod that names a namespace other than one that is asked for beside it.
    fn pod_elsewhere(&self) -> Option<InvalidFlag> {
        let Self { source, destination, namespaces, from_namespaces, to_namespaces, .. } = self;
        let pairs = [
            (namespaces, &source.source_pod),
            (namespaces, &destination.destination_pod),
            (from_namespaces, &source.source_pod),
            (to_namespaces, &destination.destination_pod),
        ];
        pairs.into_iter().find_map(|(namespaces, pods)| {
            namespaces.iter().find_map(|namespace| {
                let pod = pods.iter().find(|pod| {
                    pod.split_once('/').is_some_and(|(own, _)| !own.is_empty() && own != namespace)
                })?;
                let (pod, namespace) = (pod.clone(), namespace.clone());
                Some(InvalidFlag::PodElsewhere { pod, namespace })
            })
        })
    }

    fn add(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        self.is_set = true;
        let text = value.to_owned();
        match flag {
            Flag::Verdict => {
                let verdict = named::<Verdict>(value, "verdict")?;
                self.both(|filter| filter.verdict.push(verdict));
            }
            Flag::DropReasonDesc => {
                let reason = drop_reason(value)?;
                self.both(|filter| filter.drop_reason_desc.push(reason));
            }
            Flag::TrafficDirection => {
                let direction = named::<TrafficDirection>(value, "traffic direction")?;
                self.both(|filter| filter.traffic_direction.push(direction));
            }
            Flag::Type => {
                let event_type = event_type(value)?;
                self.both(|filter| filter.event_type.push(event_type));
            }
            Flag::Namespace => self.namespaces.push(text),
            Flag::FromNamespace => self.from_namespaces.push(text),
            Flag::ToNamespace => self.to_namespaces.push(text),
            Flag::Pod => {
                self.source.source_pod.push(text.clone());
                self.destination.destination_pod.push(text);
            }
            Flag::FromPod => self.both(|filter| filter.source_pod.push(text.clone())),
            Flag::ToPod => self.both(|filter| filter.destination_pod.push(text.clone())),
            Flag::Workload => {
                self.source.source_workload.push(workload(value));
                self.destination.destination_workload.push(workload(value));
            }
            Flag::FromWorkload => self.both(|filter| filter.source_workload.push(workload(value))),
            Flag::ToWorkload => {
                self.both(|filter| filter.destination_workload.push(workload(value)));
            }
            Flag::Label => {
                self.source.source_label.push(text.clone());
                self.destination.destination_label.push(text);
            }
            Flag::FromLabel => self.both(|filter| filter.source_label.push(text.clone())),
            Flag::ToLabel => self.both(|filter| filter.destination_label.push(text.clone())),
            Flag::Ip | Flag::FromIp | Flag::ToIp => self.add_ip(flag, value)?,
            Flag::Fqdn => {
                self.source.source_fqdn.push(text.clone());
                self.destination.destination_fqdn.push(text);
            }
            Flag::FromFqdn => self.both(|filter| filter.source_fqdn.push(text.clone())),
            Flag::ToFqdn => self.both(|filter| filter.destination_fqdn.push(text.clone())),
            Flag::Port | Flag::FromPort | Flag::ToPort => self.add_port(flag, value)?,
            Flag::Identity | Flag::FromIdentity | Flag::ToIdentity => {
                self.add_identity(flag, value)?;
            }
            Flag::Protocol => {
                let protocol = one_of(&value.to_ascii_lowercase(), &HUBBLE_PROTOCOLS)?;
                self.both(|filter| filter.protocol.push(protocol.clone()));
            }
            Flag::HttpStatus => {
                let status = http_status(value)?;
                self.both(|filter| filter.http_status_code.push(status.clone()));
            }
            Flag::TcpFlags => {
                let flags = tcp_flags(value)?;
                self.both(|filter| filter.tcp_flags.push(flags));
            }
            Flag::Reply => {
                let reply = one_of(&value.to_ascii_lowercase(), &["true", "false"])? == "true";
                self.both(|filter| {
                    if !filter.reply.contains(&reply) {
                        filter.reply.push(reply);
                    }
                });
            }
            Flag::NodeName => self.both(|filter| filter.node_name.push(text.clone())),
            Flag::Uuid => self.both(|filter| filter.uuid.push(text.clone())),
        }
        Ok(())
    }

    fn add_ip(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let ip = ip(value)?;
        match flag {
            Flag::FromIp => self.both(|filter| filter.source_ip.push(ip.clone())),
            Flag::ToIp => self.both(|filter| filter.destination_ip.push(ip.clone())),
            _ => {
                self.source.source_ip.push(ip.clone());
                self.destination.destination_ip.push(ip);
            }
        }
        Ok(())
    }

    fn add_port(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let port = value.parse::<u16>().map_err(|_| not_a(value, "port"))?.to_string();
        match flag {
            Flag::FromPort => self.both(|filter| filter.source_port.push(port.clone())),
            Flag::ToPort => self.both(|filter| filter.destination_port.push(port.clone())),
            _ => {
                self.source.source_port.push(port.clone());
                self.destination.destination_port.push(port);
            }
        }
        Ok(())
    }

    fn add_identity(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let identity = identity(value)?;
        match flag {
            Flag::FromIdentity => self.both(|filter| filter.source_identity.push(identity)),
            Flag::ToIdentity => self.both(|filter| filter.destination_identity.push(identity)),
            _ => {
                self.source.source_identity.push(identity);
                self.destination.destination_identity.push(identity);
            }
        }
        Ok(())
    }

    /// No filter when nothing is set, one when both sides ask the same, else source or destination.
    fn filters(mut self) -> Vec<FlowFilter> {
        if !self.is_set {
            return Vec::new();
        }
        for filter in [&mut self.source, &mut self.destination] {
            in_namespaces(&mut filter.destination_pod, &self.to_namespaces);
            in_namespaces(&mut filter.source_pod, &self.from_namespaces);
        }
        in_namespaces(&mut self.source.source_pod, &self.namespaces);
        in_namespaces(&mut self.destination.destination_pod, &self.namespaces);
        if self.source == self.destination {
            return vec![self.source];
        }
        vec![self.source, self.destination]
    }
}

/// Puts `namespaces` before those pods that name none; without pods, the whole namespaces.
fn in_namespaces(pods: &mut Vec<String>, namespaces: &[String]) {
    if namespaces.is_empty() {
        return;
    }
    if pods.is_empty() {
        pods.push(String::new());
    }
    *pods = pods
        .iter()
        .flat_map(|pod| {
            if pod.contains('/') {
                vec![pod.clone()]
            } else {
                namespaces.iter().map(|namespace| format!("{namespace}/{pod}")).collect()
            }
        })
        .collect();
}

fn not_a(value: &str, of: &'static str) -> InvalidFlag {
    InvalidFlag::Value { value: value.to_owned(), of }
}

fn named<T: FromStr>(value: &str, of: &'static str) -> Result<T, InvalidFlag> {
    value.parse().map_err(|_| not_a(value, of))
}

fn one_of(value: &str, known: &'static [&'static str]) -> Result<String, InvalidFlag> {
    if known.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(InvalidFlag::NotOneOf { value: value.to_owned(), known })
}

fn drop_reason(value: &str) -> Result<DropReason, InvalidFlag> {
    let reason = named::<DropReason>(value, "drop reason")?;
    if reason.name().is_none() {
        return Err(InvalidFlag::UnnamedDropReason(value.to_owned()));
    }
    Ok(reason)
}

/// `type`, `type:subtype`, by name or number.
fn event_type(value: &str) -> Result<EventTypeFilter, InvalidFlag> {
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
            match point.map_err(|_| not_a(sub_type, "trace observation point"))? {
                // The monitor's number of this point is 0, which protobuf keeps for "unknown".
                TraceObservationPoint::ToEndpoint => 0,
                point => point.number(),
            }
        }
        Err(_) => return Err(not_a(value, "event type with a sub type")),
    };
    Ok(EventTypeFilter { message_type, match_sub_type: true, sub_type: number })
}

/// `name`, `kind/name` or `kind/`.
fn workload(value: &str) -> Workload {
    let (kind, name) = value.split_once('/').unwrap_or(("", value));
    Workload { kind: kind.to_owned(), name: name.to_owned() }
}

/// An address or a CIDR, as it was written.
fn ip(value: &str) -> Result<String, InvalidFlag> {
    let is_ip = match value.split_once('/') {
        None => value.parse::<IpAddr>().is_ok(),
        Some((address, bits)) => address.parse::<IpAddr>().is_ok_and(|address| {
            let most = if address.is_ipv4() { 32 } else { 128 };
            bits.parse::<u8>().is_ok_and(|bits| bits <= most)
        }),
    };
    if is_ip { Ok(value.to_owned()) } else { Err(not_a(value, "IP address or CIDR")) }
}

fn identity(value: &str) -> Result<u32, InvalidFlag> {
    let reserved = RESERVED_IDENTITIES.iter().find(|(name, _)| *name == value);
    match reserved {
        Some((_, number)) => Ok(*number),
        None => value
            .parse()
            .map_err(|_| not_a(value, "security identity: a number, or a name such as `world`")),
    }
}

/// `404`, or a prefix: `4+`, `40+`, `+`.
fn http_status(value: &str) -> Result<String, InvalidFlag> {
    let invalid = || not_a(value, "HTTP status such as `404` or `5+`");
    let digits = value.strip_suffix('+').unwrap_or(value);
    let is_prefix = digits.len() < value.len();
    let begins_right = digits.bytes().next().is_some_and(|digit| (b'1'..=b'5').contains(&digit));
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    let right_length = if is_prefix { digits.len() <= 2 } else { digits.len() == 3 };
    if begins_right && all_digits && right_length { Ok(value.to_owned()) } else { Err(invalid()) }
}

/// `SYN`, `SYN,ACK`: all of these at once.
fn tcp_flags(value: &str) -> Result<TcpFlags, InvalidFlag> {
    let mut flags = TcpFlags::EMPTY;
    for name in value.split([',', ' ']).filter(|name| !name.is_empty()) {
        let (flag, _) = TcpFlags::ALL
            .into_iter()
            .find(|(_, own)| own.eq_ignore_ascii_case(name))
            .ok_or_else(|| not_a(name, "TCP flag"))?;
        flags |= flag;
    }
    Ok(flags)
}
