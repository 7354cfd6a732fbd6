//! Rules in the form for judging: entries with a tier and a priority. Source:
//! pkg/policy/types/policyentry.go.

use std::sync::Arc;

use crate::{HttpPattern, NamePattern, PolicyId, Position, Prefix, Selector, dated::Dated};

/// A policy and its place in the texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// The index of its source text.
    pub source: usize,
    /// The start of its document.
    pub at: Position,
    /// The object's own name: an annotation may give the policy another name.
    pub object: String,
    /// Whether the server makes the name from `generateName`: `kubectl create` accepts that,
    /// `kubectl apply` refuses it.
    pub is_generated: bool,
    /// Whether its document lacks a required namespace.
    pub lacks_namespace: bool,
    /// The time of its last change, as far as known.
    pub(crate) dated: Dated,
}

impl Policy {
    /// The time of its last change; `None` if unknown.
    #[must_use]
    pub const fn changed(&self) -> Option<crate::UnixTime> {
        self.dated.changed
    }
}

/// The name of a policy as Hubble reports it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// The kind.
    pub kind: PolicyKind,
    /// The namespace; empty for clusterwide policies.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// The kinds of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// `cilium.io/v2`.
    CiliumNetworkPolicy,
    /// `cilium.io/v2`.
    CiliumClusterwideNetworkPolicy,
    /// `networking.k8s.io/v1`.
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2`.
    ClusterNetworkPolicy,
}

/// The direction of a flow, seen from the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Traffic to the subject.
    Ingress,
    /// Traffic from the subject.
    Egress,
}

/// The action of an entry on a match. Among equal priorities, the action listed first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Denies the traffic.
    Deny,
    /// Allows the traffic.
    Allow,
    /// Passes the traffic to the next tier.
    Pass,
}

/// The tiers in the order of judging; the numbers are Cilium's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// `ClusterNetworkPolicy` of tier Admin.
    Admin = 100,
    /// Every other policy.
    Normal = 200,
    /// `ClusterNetworkPolicy` of tier Baseline.
    Baseline = 250,
}

/// The part of a policy behind an entry, as `specs[1].ingress[0]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    /// The index in `specs`; `None` for `spec`.
    pub spec: Option<usize>,
    /// The list: `ingress`, `ingressDeny`, `egress` or `egressDeny`.
    pub list: &'static str,
    /// The index in the list; `None` for a policy that selects a subject without a rule.
    pub index: Option<usize>,
    /// The index of the peer, for kinds with one entry per peer.
    pub peer: Option<usize>,
}

/// One rule in the form for judging.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The policy of the rule.
    pub policy: PolicyId,
    /// The part of the policy.
    pub clause: Clause,
    /// The start of that part.
    pub at: Position,
    /// The direction.
    pub direction: Direction,
    /// The tier.
    pub tier: Tier,
    /// The priority in hundredths: `spec.priority`, with the rule's index as the fraction.
    pub priority: i64,
    /// The action.
    pub action: Action,
    /// The endpoint selector of the subject.
    pub subject: Selector,
    /// Whether the rule applies to nodes only.
    pub is_node: bool,
    /// Whether the entry enables default deny for the endpoints that it selects.
    pub default_deny: bool,
    /// The peers.
    pub peers: Peers,
    /// The ports; `None` covers all ports of every protocol, provided that there are peers.
    pub ports: Option<Vec<PortRule>>,
    /// The mutual authentication that the rule requires.
    pub authentication: Option<Authentication>,
    /// The value of `log.value`.
    pub log: String,
}

/// The peers of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// An explicit empty list: it selects no peer, whatever the ports.
    Empty {
        /// The place of the empty list.
        at: Position,
    },
    /// An absent list: it selects every peer, but only together with ports.
    Absent,
    /// A list of peers.
    Any(Vec<Peer>),
}

/// One peer of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The place of the peer.
    pub at: Position,
    /// The field of the peer, as `fromEndpoints`.
    pub field: &'static str,
    /// The matcher of the peer.
    pub matcher: PeerMatcher,
    /// The selector's text as the agent keeps it. The agent merges rules with equal texts, and not
    /// those with equal meaning.
    pub text: Arc<str>,
}

/// The matcher of a peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerMatcher {
    /// Endpoints by labels.
    Labels(Selector),
    /// Nodes by labels.
    Nodes(Selector),
    /// Addresses of the world.
    Cidr {
        /// The prefix that holds the addresses.
        prefix: Prefix,
        /// The excluded prefixes.
        except: Vec<Prefix>,
    },
    /// Addresses of the selected CIDR groups.
    CidrGroup {
        /// The selector over the group's labels, or its name.
        selector: GroupSelector,
        /// The excluded prefixes.
        except: Vec<Prefix>,
    },
    /// World addresses that the agent learned for a DNS name.
    Name(NamePattern),
    /// Addresses of a cloud provider's group.
    CloudGroup {
        /// The key of the addresses' label, with source `cidrgroup`.
        key: String,
    },
    /// Backends of Services that are not loaded.
    Service(ServiceSelector),
}

/// A selector of Services; an empty namespace stands for all namespaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceSelector {
    /// Services by name.
    Name {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// Services by their own labels.
    Labels {
        /// The namespace.
        namespace: String,
        /// The selector over the labels; it ignores the source of a key.
        selector: Selector,
    },
}

/// A selector of CIDR groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupSelector {
    /// CIDR groups by name.
    Name(String),
    /// CIDR groups by labels.
    Labels(Selector),
}

/// Ports with their L7 rules.
#[derive(Debug, Clone, PartialEq)]
pub struct PortRule {
    /// The place of the port rule.
    pub at: Position,
    /// The ports; an empty list matches nothing.
    pub ports: Vec<Port>,
    /// The rules that the proxy checks.
    pub l7: L7Rules,
}

/// One port of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The place of the port.
    pub at: Position,
    /// The protocol.
    pub protocol: Protocol,
    /// The port numbers.
    pub range: PortRange,
    /// The `endPort` as written, in the 16 bits that the agent keeps; 0 if absent.
    pub end_port: u16,
}

/// The port numbers of a rule; for ICMP, the types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRange {
    /// All ports of the protocol.
    All,
    /// The ports from the first to the last, both included.
    Numbers(u16, u16),
    /// The destination's port of this name.
    Named(String),
}

/// The protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, UDP and SCTP; never ICMP.
    Any,
    /// A protocol number of the IP header.
    Number(u8),
}

/// The rules that the proxy checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct L7Rules {
    /// The HTTP rules; a request must match one of them.
    pub http: Vec<HttpRule>,
    /// The DNS rules; a query must match one of them.
    pub dns: Vec<DnsRule>,
    /// `terminatingTLS`.
    pub terminating_tls: Option<Box<TlsContext>>,
    /// `originatingTLS`.
    pub originating_tls: Option<Box<TlsContext>>,
    /// The allowed server names.
    pub server_names: Vec<String>,
    /// The listener of an Envoy configuration that receives the traffic.
    pub listener: Option<Box<Listener>>,
}

/// The TLS settings of a rule: the secret by its name, as written. The engine never reads the
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsContext {
    /// The namespace; empty if the text names none.
    pub namespace: String,
    /// The name; empty if the text names none, which the agent cannot resolve.
    pub name: String,
}

/// A listener of an Envoy configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The listener's name.
    pub name: String,
    /// The kind and name of the Envoy configuration; the agent crashes if it is absent.
    pub config: Option<(String, String)>,
    /// The priority: 1 comes first; 0 stands for no number, and comes last.
    pub priority: u8,
}

/// An HTTP rule; absent parts allow everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// The place of the rule.
    pub at: Position,
    /// The pattern for `:path`, query included.
    pub path: Option<HttpPattern>,
    /// The pattern for `:method`.
    pub method: Option<HttpPattern>,
    /// The pattern for `:authority`.
    pub host: Option<HttpPattern>,
    /// The required headers; flows rarely carry them.
    pub headers: Vec<String>,
    /// Whether a header match can reject.
    pub header_matches: bool,
}

/// A DNS rule; with a name and a pattern, one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRule {
    /// The place of the rule.
    pub at: Position,
    /// The patterns of allowed names.
    pub patterns: Vec<NamePattern>,
}

/// The values of `authentication.mode`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authentication {
    /// No mode, or one that Cilium does not know: no authentication is required.
    Other(String),
    /// The mode `disabled`.
    Disabled,
    /// Authentication by SPIFFE identities: packets are dropped until the handshake is done.
    Required,
    /// A mode that always fails.
    AlwaysFail,
}

/// The mark for the letters that the server appends to `generateName`; it occurs in no name.
pub(crate) const GENERATED: char = '…';

impl PolicyKind {
    /// The kind's name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CiliumNetworkPolicy => "CiliumNetworkPolicy",
            Self::CiliumClusterwideNetworkPolicy => "CiliumClusterwideNetworkPolicy",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ClusterNetworkPolicy => "ClusterNetworkPolicy",
        }
    }
}

impl Peer {
    /// Whether the peer is the selector of everyone: pods, nodes and the world.
    pub(crate) fn is_everyone(&self) -> bool {
        matches!(&self.matcher, PeerMatcher::Labels(selector) if selector.is_wildcard())
    }
}

impl PolicyName {
    /// Whether a name that an agent reports may be this policy's: the server appends five letters
    /// and digits to `generateName`.
    #[must_use]
    pub fn is_named(&self, reported: &str) -> bool {
        match self.name.strip_suffix(GENERATED) {
            Some(stem) => reported.strip_prefix(stem).is_some_and(|rest| {
                rest.len() == 5
                    && rest.bytes().all(|own| own.is_ascii_lowercase() || own.is_ascii_digit())
            }),
            None => reported == self.name,
        }
    }
}

impl std::fmt::Display for PolicyName {
    /// The name as `Kind/namespace/name`, with an empty namespace for clusterwide policies.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.namespace, self.name)
    }
}

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(spec) = self.spec {
            write!(f, "specs[{spec}].")?;
        }
        f.write_str(self.list)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        if let Some(peer) = self.peer {
            let field = if self.list == "ingress" { "from" } else { "to" };
            write!(f, ".{field}[{peer}]")?;
        }
        Ok(())
    }
}

impl Direction {
    /// The word for the direction: `ingress` or `egress`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl Action {
    /// The word for the action: `allow`, `deny` or `pass`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Pass => "pass",
        }
    }
}

impl Protocol {
    /// TCP.
    pub const TCP: Self = Self::Number(6);
    /// UDP.
    pub const UDP: Self = Self::Number(17);
    /// SCTP.
    pub const SCTP: Self = Self::Number(132);
    /// ICMP of IPv4.
    pub const ICMP: Self = Self::Number(1);
    /// ICMP of IPv6.
    pub const ICMPV6: Self = Self::Number(58);

    /// The protocol of a name, in any case; an empty text means any. `None` if Cilium does not know
    /// the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "" | "ANY" => Self::Any,
            "TCP" => Self::TCP,
            "UDP" => Self::UDP,
            "SCTP" => Self::SCTP,
            "VRRP" => Self::Number(112),
            "IGMP" => Self::Number(2),
            "GRE" => Self::Number(47),
            "IPIP" => Self::Number(4),
            "IPV6" => Self::Number(41),
            "ESP" => Self::Number(50),
            "AH" => Self::Number(51),
            _ => return None,
        })
    }

    /// Whether it covers a protocol number of the IP header.
    #[must_use]
    pub const fn covers(self, number: u8) -> bool {
        match self {
            Self::Any => matches!(number, 6 | 17 | 132),
            Self::Number(own) => own == number,
        }
    }

    /// Whether the protocol has no ports.
    #[must_use]
    pub const fn is_extended(self) -> bool {
        matches!(self, Self::Number(112 | 2 | 47 | 4 | 41 | 50 | 51))
    }

    /// The protocol's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "ANY",
            Self::Number(6) => "TCP",
            Self::Number(17) => "UDP",
            Self::Number(132) => "SCTP",
            Self::Number(1) => "ICMP",
            Self::Number(58) => "ICMPv6",
            Self::Number(112) => "VRRP",
            Self::Number(2) => "IGMP",
            Self::Number(47) => "GRE",
            Self::Number(4) => "IPIP",
            Self::Number(41) => "IPV6",
            Self::Number(50) => "ESP",
            Self::Number(51) => "AH",
            Self::Number(_) => "unknown protocol",
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.range {
            PortRange::All => write!(f, "every port/{}", self.protocol.name()),
            PortRange::Numbers(first, last) if first == last => {
                write!(f, "{first}/{}", self.protocol.name())
            }
            PortRange::Numbers(first, last) => {
                write!(f, "{first}-{last}/{}", self.protocol.name())
            }
            PortRange::Named(name) => write!(f, "{name}/{}", self.protocol.name()),
        }
    }
}

impl std::fmt::Display for PeerMatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let except = |f: &mut std::fmt::Formatter<'_>, except: &[Prefix]| {
            except.iter().try_for_each(|prefix| write!(f, " except {prefix}"))
        };
        match self {
            Self::Labels(selector) | Self::Nodes(selector) => write!(f, "{selector}"),
            Self::Cidr { prefix, except: without } => {
                write!(f, "{prefix}")?;
                except(f, without)
            }
            Self::CidrGroup { selector: GroupSelector::Name(name), except: without } => {
                write!(f, "CIDR group {name}")?;
                except(f, without)
            }
            Self::CidrGroup { selector: GroupSelector::Labels(selector), except: without } => {
                write!(f, "CIDR groups with {selector}")?;
                except(f, without)
            }
            Self::Name(pattern) => write!(f, "{pattern}"),
            Self::CloudGroup { .. } => f.write_str("a cloud provider's group"),
            Self::Service(ServiceSelector::Name { namespace, name }) if namespace.is_empty() => {
                write!(f, "Services {name} of any namespace")
            }
            Self::Service(ServiceSelector::Name { namespace, name }) => {
                write!(f, "Service {namespace}/{name}")
            }
            Self::Service(ServiceSelector::Labels { namespace, selector }) => {
                write!(f, "Services with {selector}")?;
                if namespace.is_empty() { Ok(()) } else { write!(f, " in {namespace}") }
            }
        }
    }
}

impl Authentication {
    /// The mode as written.
    #[must_use]
    pub fn mode(&self) -> &str {
        match self {
            Self::Other(mode) => mode,
            Self::Disabled => "disabled",
            Self::Required => "required",
            Self::AlwaysFail => "test-always-fail",
        }
    }
}

impl L7Rules {
    /// Whether the proxy opens TLS or checks server names.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.terminating_tls.is_some()
            || self.originating_tls.is_some()
            || !self.server_names.is_empty()
    }

    /// Whether packets go to the proxy.
    #[must_use]
    pub fn is_redirect(&self, protocol: u8) -> bool {
        self.is_tls()
            || self.listener.is_some()
            || !self.dns.is_empty()
            || (!self.http.is_empty() && protocol == 6)
    }
}

/// A `CiliumCIDRGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CidrGroup {
    /// The group's name.
    pub name: String,
    /// The group's labels, all with source `cidrgroup`.
    pub labels: Vec<crate::Label>,
    /// The group's addresses.
    pub prefixes: Vec<Prefix>,
    /// The index of its source text.
    pub source: usize,
    /// The time of the last change to its addresses, as far as known.
    pub(crate) dated: Dated,
    /// The time of the last change to its labels, as far as known.
    pub(crate) labelled: Dated,
}
