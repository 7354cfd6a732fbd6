//! What policies say, in the form that judges: entries of a tier and a priority.
//! Source: pkg/policy/types/policyentry.go.

use std::sync::Arc;

use crate::{
    HttpPattern, NamePattern, PolicyId, Position, Prefix, Selector, dates::Dated,
    document::GENERATED,
};

/// Where a policy's text stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// Index of the source text that it was read from.
    pub source: usize,
    /// Where its document begins.
    pub at: Position,
    /// The object's own name: an annotation may give the policy another.
    pub object: String,
    /// Whether a server makes the name, of `generateName`: `kubectl create` does, `kubectl apply`
    /// refuses it.
    pub is_generated: bool,
    /// Whether its document lacks the namespace that it needs.
    pub is_unplaced: bool,
    /// When it was last changed, as far as that is known.
    pub(crate) dated: Dated,
}

impl Policy {
    /// When it was last changed; none: not known.
    #[must_use]
    pub const fn changed(&self) -> Option<crate::UnixTime> {
        self.dated.changed
    }
}

/// Identifies a policy as Hubble names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// Kind.
    pub kind: PolicyKind,
    /// Namespace; empty for clusterwide ones.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// Kinds of policy.
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

/// One side's view of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the subject.
    Ingress,
    /// From the subject.
    Egress,
}

/// What an entry does with what it matches; of equal priority, the first one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Refuses.
    Deny,
    /// Lets pass.
    Allow,
    /// Leaves it to the next tier.
    Pass,
}

/// Order of judging; the numbers are Cilium's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// `ClusterNetworkPolicy` of tier Admin.
    Admin = 100,
    /// Everything else.
    Normal = 200,
    /// `ClusterNetworkPolicy` of tier Baseline.
    Baseline = 250,
}

/// The part of a policy that an entry comes from: `specs[1].ingress[0]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    /// Index in `specs`; none for `spec`.
    pub spec: Option<usize>,
    /// `ingress`, `ingressDeny`, `egress`, `egressDeny`.
    pub list: &'static str,
    /// Index in the list; none where the policy only selects, without a rule.
    pub index: Option<usize>,
    /// Index of the peer, for kinds whose peers are entries of their own.
    pub peer: Option<usize>,
}

/// One rule, ready to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its policy.
    pub policy: PolicyId,
    /// Which part of the policy it is.
    pub clause: Clause,
    /// Where that part begins.
    pub at: Position,
    /// Direction.
    pub direction: Direction,
    /// Tier.
    pub tier: Tier,
    /// Hundredths of a priority: `spec.priority` and, behind the point, the rule's index.
    pub priority: i64,
    /// What it does.
    pub action: Action,
    /// Whom it is about.
    pub subject: Selector,
    /// Whether it is about nodes and nothing else.
    pub is_node: bool,
    /// Whether being selected by it turns the default to deny.
    pub default_deny: bool,
    /// The other side.
    pub peers: Peers,
    /// Ports; none: all of every protocol, if there are peers.
    pub ports: Option<Vec<PortRule>>,
    /// Mutual authentication that it asks for.
    pub authentication: Option<Authentication>,
    /// `log.value`.
    pub log: String,
}

/// The other side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// An explicit empty list: nobody, whatever the ports.
    Nobody {
        /// Where the empty list stands.
        at: Position,
    },
    /// No list at all: everyone, but only together with ports.
    Unlimited,
    /// These.
    Any(Vec<Peer>),
}

/// One peer of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it stands.
    pub at: Position,
    /// The field that it stands in: `fromEndpoints`.
    pub field: &'static str,
    /// Whom it selects.
    pub matcher: PeerMatcher,
    /// The selector's text as the agent keeps it: rules of the same text are merged, those of the
    /// same meaning are not.
    pub text: Arc<str>,
}

/// Whom a peer selects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerMatcher {
    /// By labels.
    Labels(Selector),
    /// Nodes by labels.
    Nodes(Selector),
    /// World addresses.
    Cidr {
        /// In this one,
        prefix: Prefix,
        /// but in none of these.
        except: Vec<Prefix>,
    },
    /// Addresses of the CIDR groups that this selects.
    CidrGroup {
        /// Over the group's labels, or its name.
        selector: GroupSelector,
        /// But in none of these.
        except: Vec<Prefix>,
    },
    /// World addresses that the agent learned for a name.
    Name(NamePattern),
    /// Addresses of a group of a cloud provider.
    CloudGroup {
        /// Key of the label, of source `cidrgroup`, that the addresses carry.
        key: String,
    },
    /// Backends of Services that are not at hand.
    Service(ServiceSelector),
}

/// Which Services; an empty namespace stands for all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceSelector {
    /// By name.
    Name {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// By their own labels.
    Labels {
        /// Namespace.
        namespace: String,
        /// Over the labels, whatever source it names.
        selector: Selector,
    },
}

/// Which CIDR groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupSelector {
    /// By name.
    Name(String),
    /// By labels.
    Labels(Selector),
}

/// Ports with what they ask of L7.
#[derive(Debug, Clone, PartialEq)]
pub struct PortRule {
    /// Where it stands.
    pub at: Position,
    /// Ports; without any it matches nothing.
    pub ports: Vec<Port>,
    /// What the proxy checks.
    pub l7: L7Rules,
}

/// One port of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Where it stands.
    pub at: Position,
    /// Protocol.
    pub protocol: Protocol,
    /// Which ones.
    pub range: PortRange,
    /// `endPort` as written, in the 16 bits that the agent keeps of it; 0: none.
    pub end: u16,
}

/// Port numbers of a rule; for ICMP, the types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRange {
    /// Every one of the protocol.
    All,
    /// From the first to the last, both included.
    Numbers(u16, u16),
    /// The destination's port of that name.
    Named(String),
}

/// Protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, UDP and SCTP; never ICMP.
    Any,
    /// A number of the IP header.
    Number(u8),
}

/// What the proxy checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct L7Rules {
    /// HTTP requests; any of them is enough.
    pub http: Vec<HttpRule>,
    /// DNS names; any of them is enough.
    pub dns: Vec<DnsRule>,
    /// `terminatingTLS`.
    pub terminating_tls: Option<Box<TlsContext>>,
    /// `originatingTLS`.
    pub originating_tls: Option<Box<TlsContext>>,
    /// Server names that are allowed.
    pub server_names: Vec<String>,
    /// It goes to a listener of an Envoy configuration.
    pub listener: Option<Box<Listener>>,
}

/// What opens TLS: the secret by its name, as written. What the secret holds is never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsContext {
    /// Namespace; empty where the text names none.
    pub namespace: String,
    /// Name; empty where the text names none, which the agent cannot resolve.
    pub name: String,
}

/// A listener of an Envoy configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// Kind and name of the Envoy configuration; none crashes the agent.
    pub config: Option<(String, String)>,
    /// 1 comes first; 0: none given, which comes last.
    pub priority: u8,
}

/// An HTTP rule; absent parts allow everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// Where it stands.
    pub at: Position,
    /// `:path`, query included.
    pub path: Option<HttpPattern>,
    /// `:method`.
    pub method: Option<HttpPattern>,
    /// `:authority`.
    pub host: Option<HttpPattern>,
    /// Headers that have to be there; flows rarely carry them.
    pub headers: Vec<String>,
    /// Whether a header match can reject.
    pub header_matches: bool,
}

/// A DNS rule; with a name and a pattern, either is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRule {
    /// Where it stands.
    pub at: Position,
    /// What it allows.
    pub patterns: Vec<NamePattern>,
}

/// `authentication.mode`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authentication {
    /// No mode, or one that Cilium does not know: nothing is asked for.
    Other(String),
    /// None, explicitly.
    Disabled,
    /// By SPIFFE identities: packets are dropped until the handshake is done.
    Required,
    /// Never succeeds.
    AlwaysFail,
}

// === impl PolicyKind ===

impl PolicyKind {
    /// The kind as documents name it.
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

impl PolicyName {
    /// Whether a name that an agent reports may be this policy's: behind `generateName` a server
    /// puts five letters and digits.
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
    /// `Kind/namespace/name`, the namespace empty for clusterwide ones.
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
    /// `ingress` or `egress`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl Action {
    /// `allow`, `deny`, `pass`.
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

    /// Reads a protocol in any case; an empty text is any. None: Cilium knows none of that name.
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

    /// Whether it covers a protocol of the IP header.
    #[must_use]
    pub const fn covers(self, number: u8) -> bool {
        match self {
            Self::Any => matches!(number, 6 | 17 | 132),
            Self::Number(own) => own == number,
        }
    }

    /// Whether it has no ports.
    #[must_use]
    pub const fn is_extended(self) -> bool {
        matches!(self, Self::Number(112 | 2 | 47 | 4 | 41 | 50 | 51))
    }

    /// Its name.
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
    /// Whether TLS is opened, or its server names are checked.
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
    /// Its name.
    pub name: String,
    /// Its labels, all of source `cidrgroup`.
    pub labels: Vec<crate::Label>,
    /// Its addresses.
    pub prefixes: Vec<Prefix>,
    /// Index of the source text that it was read from.
    pub source: usize,
    /// When its addresses were last changed, as far as that is known.
    pub(crate) dated: Dated,
    /// When its labels were.
    pub(crate) labelled: Dated,
}
