//! The merge of two rules of one peer and port, as the agent does it. Source: pkg/policy/rule.go
//! `mergePortProto` and `mergeRedirect`, l4.go `createL4Filter`.

use crate::{
    Action, Authentication, Direction, Entry, EntryId, L7Rules, Listener, Operator, Peer, Peers,
    Port, PortRange, Protocol, Tier, TlsContext, identity_label::POD_NAMESPACE,
};

/// The reason why the agent cannot put the policies of a subject together, or may fail to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// More rules than the engine compares.
    #[error("the rules have more peers and ports than the engine compares")]
    TooManyRules,
    /// A TLS context without a secret.
    #[error("a TLS context names no secret")]
    NoSecret,
    /// A secret that the agent reads itself, with unknown content.
    #[error("the agent reads the secret `{secret}` itself, and its content is unknown")]
    UnreadSecret {
        /// The secret's name.
        secret: String,
    },
    /// A listener without an Envoy configuration.
    #[error("listener `{listener}` names no Envoy configuration")]
    NoEnvoyConfig {
        /// The listener's name.
        listener: String,
    },
    /// A listener of a namespace, for a subject without a namespace.
    #[error(
        "listener `{listener}` is of kind CiliumEnvoyConfig, which an endpoint without a namespace cannot use"
    )]
    NamespacedEnvoyConfig {
        /// The listener's name.
        listener: String,
    },
    /// Two rules that contradict each other.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// The reason why the agent cannot merge two rules of one peer and port, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Two modes of mutual authentication.
    #[error("cannot merge conflicting authentication types ({}/{})", new.mode(), merged.mode())]
    Authentication {
        /// The mode of the new rule.
        new: Authentication,
        /// The mode of the rules before it.
        merged: Authentication,
    },
    /// Two settings of `terminatingTLS`.
    #[error("cannot merge conflicting terminating TLS contexts")]
    TerminatingTls,
    /// Two settings of `originatingTLS`.
    #[error("cannot merge conflicting originating TLS contexts")]
    OriginatingTls,
    /// Server names beside L7 rules, where the proxy does not open TLS.
    #[error("cannot merge L7 rules with SNI filtering without TLS termination")]
    ServerNames,
    /// Two kinds of L7 rules.
    #[error("cannot merge conflicting L7 parsers ({merged}/{new})")]
    Parsers {
        /// The parser of the rules so far.
        merged: &'static str,
        /// The parser of the new rule.
        new: &'static str,
    },
    /// Two listeners of one priority.
    #[error(
        "cannot merge conflicting CiliumEnvoyConfig listeners of the same priority ({priority})"
    )]
    Listeners {
        /// The priority.
        priority: u8,
    },
}

/// One rule on its way into the policy of a subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Its index in the agent's order of merging.
    pub(super) index: u32,
    pub(super) entry: EntryId,
    /// Index in the entry's `ports`; `None` if the entry has no ports.
    pub(super) rule: Option<u32>,
    pub(super) protocol: u8,
}

/// The key under which the agent merges rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key<'e> {
    direction: Direction,
    tier: Tier,
    pub(super) protocol: u8,
    /// Range and end as written; `None` if the entry has no ports.
    pub(super) ports: Option<(&'e PortRange, u16)>,
    /// The peer's selector as the agent writes it; empty selects everyone.
    pub(super) peer: &'e str,
}

/// The rules merged so far under one key.
#[derive(Debug, Clone)]
pub(super) struct Merged<'e> {
    pub(super) priority: i64,
    pub(super) action: Action,
    pub(super) parser: Parser,
    has_rules: bool,
    pub(super) authentication: Option<&'e Authentication>,
    pub(super) terminating_tls: Option<&'e TlsContext>,
    pub(super) originating_tls: Option<&'e TlsContext>,
    pub(super) has_server_names: bool,
    pub(super) listener: Option<QualifiedListener<'e>>,
    pub(super) listener_priority: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parser {
    None,
    Tls,
    Http,
    Dns,
    Listener,
}

/// A listener as the agent names it: `namespace/configuration/name`. The namespace is empty where
/// the configuration is clusterwide. Source: pkg/policy/api/utils.go `ResourceQualifiedName`.
#[derive(Debug, Clone, Copy)]
pub(super) struct QualifiedListener<'e> {
    is_clusterwide: bool,
    /// `None` where the name already begins with the namespace; the agent then takes it as it is.
    config: Option<&'e str>,
    /// The part behind the configuration, or behind the namespace.
    name: &'e str,
}

/// The keys of an entry's rules, in the agent's order.
pub(super) fn steps<'e>(
    entry: &'e Entry,
    mut add: impl FnMut(Key<'e>, Option<u32>, Option<&'e L7Rules>),
) {
    let peers: Vec<&str> = match &entry.peers {
        Peers::Empty { .. } => return,
        Peers::Absent if entry.ports.is_none() => return,
        Peers::Absent => vec![""],
        // The agent drops all other selectors beside the one for everyone.
        Peers::Any(peers) if peers.iter().any(Peer::is_everyone) => vec![""],
        Peers::Any(peers) => {
            let mut texts: Vec<&str> = peers.iter().map(|peer| &*peer.text).collect();
            crate::sorted::sort(&mut texts);
            texts.dedup();
            texts
        }
    };
    let key = |protocol, port: Option<&'e Port>, peer| Key {
        direction: entry.direction,
        tier: entry.tier,
        protocol,
        ports: port.map(|port| {
            let is_named = matches!(port.range, PortRange::Named(_));
            (&port.range, if is_named { 0 } else { port.end_port })
        }),
        peer,
    };
    let Some(rules) = &entry.ports else {
        for peer in peers {
            add(key(0, None, peer), None, None);
        }
        return;
    };
    for (index, rule) in (0..).zip(rules) {
        for port in &rule.ports {
            let own;
            let protocols: &[u8] = match port.protocol {
                Protocol::Any => &[6, 17, 132],
                Protocol::Number(number) => {
                    own = [number];
                    &own
                }
            };
            for protocol in protocols {
                for peer in &peers {
                    add(key(*protocol, Some(port), peer), Some(index), Some(&rule.l7));
                }
            }
        }
    }
}

/// Whether rules do more than allow.
pub(super) fn loads(l7: &L7Rules) -> bool {
    l7.is_tls() || has_rules(l7) || l7.listener.is_some()
}

fn has_rules(l7: &L7Rules) -> bool {
    !l7.http.is_empty() || !l7.dns.is_empty()
}

/// The reason why the agent cannot resolve a rule, or may fail to, whatever other rules exist.
pub(super) fn fails_alone(
    l7: &L7Rules,
    is_without_namespace: bool,
    is_synced: bool,
) -> Option<Conflict> {
    for context in [&l7.terminating_tls, &l7.originating_tls].into_iter().flatten() {
        if context.name.is_empty() {
            return Some(Conflict::NoSecret);
        }
        if !is_synced {
            return Some(Conflict::UnreadSecret { secret: context.name.clone() });
        }
    }
    let listener = l7.listener.as_deref()?;
    let name = || listener.name.clone();
    match &listener.config {
        None => Some(Conflict::NoEnvoyConfig { listener: name() }),
        Some((kind, _)) if kind == "CiliumEnvoyConfig" && is_without_namespace => {
            Some(Conflict::NamespacedEnvoyConfig { listener: name() })
        }
        Some(_) => None,
    }
}

impl Step {
    pub(super) fn l7<'e>(&self, entry: &'e Entry) -> Option<&'e L7Rules> {
        Some(&entry.ports.as_ref()?.get(self.rule? as usize)?.l7)
    }
}

impl<'e> Merged<'e> {
    /// The rule that the agent adds for packets without a match.
    pub(super) const fn of_agent(priority: i64, action: Action) -> Self {
        Self {
            priority,
            action,
            parser: Parser::None,
            has_rules: false,
            authentication: None,
            terminating_tls: None,
            originating_tls: None,
            has_server_names: false,
            listener: None,
            listener_priority: 0,
        }
    }

    /// Whether packets go to the proxy.
    pub(super) fn is_redirect(&self) -> bool {
        self.action == Action::Allow && self.parser != Parser::None
    }

    /// Whether both send packets to the same place in the proxy.
    pub(super) fn shares_redirect(&self, other: &Self) -> bool {
        (self.parser, self.listener) == (other.parser, other.listener)
    }

    pub(super) fn of(entry: &'e Entry, step: &Step) -> Self {
        let l7 = step.l7(entry);
        let parser = l7.map_or(Parser::None, |l7| Parser::of(l7, step.protocol));
        let listener = l7.and_then(|l7| l7.listener.as_deref());
        let priority = listener.map_or(0, |listener| listener.priority);
        Self {
            priority: entry.priority,
            action: entry.action,
            parser,
            has_rules: l7.is_some_and(has_rules),
            authentication: entry.authentication.as_ref(),
            terminating_tls: l7.and_then(|l7| l7.terminating_tls.as_deref()),
            originating_tls: l7.and_then(|l7| l7.originating_tls.as_deref()),
            has_server_names: l7.is_some_and(|l7| !l7.server_names.is_empty()),
            listener: listener.map(|listener| QualifiedListener::of(entry, listener)),
            listener_priority: if priority == 0 { parser.default_priority() } else { priority },
        }
    }

    /// Merges the next rule. Errors: the rules contradict each other.
    pub(super) fn add(&mut self, new: Self) -> Result<(), MergeError> {
        // Rules come by priority; within a priority, deny before allow, allow before pass.
        if self.priority < new.priority || self.action < new.action || self.action == Action::Deny {
            return Ok(());
        }
        if new.action < self.action {
            *self = new;
            return Ok(());
        }
        self.add_redirect(&new)?;
        match (self.authentication, new.authentication) {
            (Some(one), Some(other)) if one.mode() != other.mode() => {
                return Err(MergeError::Authentication { new: other.clone(), merged: one.clone() });
            }
            (one, other) => self.authentication = one.or(other),
        }
        for (own, new, error) in [
            (&mut self.terminating_tls, new.terminating_tls, MergeError::TerminatingTls),
            (&mut self.originating_tls, new.originating_tls, MergeError::OriginatingTls),
        ] {
            match (*own, new) {
                (Some(one), Some(other)) if one != other => {
                    return Err(error);
                }
                (one, other) => *own = one.or(other),
            }
        }
        self.has_server_names |= new.has_server_names;
        // The agent checks this part of a new rule only when the next rule arrives.
        if self.has_server_names && self.has_rules && self.terminating_tls.is_none() {
            return Err(MergeError::ServerNames);
        }
        self.has_rules |= new.has_rules;
        Ok(())
    }

    fn add_redirect(&mut self, new: &Self) -> Result<(), MergeError> {
        let parser = self.parser.merge(new.parser).ok_or_else(|| MergeError::Parsers {
            merged: self.parser.name(),
            new: new.parser.name(),
        })?;
        if parser != self.parser {
            self.parser = parser;
            self.listener_priority = new.listener_priority;
        }
        let Some(listener) = new.listener else { return Ok(()) };
        let is_same = self.listener == Some(listener);
        // 0 wraps around, and so comes last.
        let rank = |priority: u8| priority.wrapping_sub(1);
        let (own, other) = (rank(self.listener_priority), rank(new.listener_priority));
        if own < other || (is_same && own == other) {
            return Ok(());
        }
        if self.listener.is_none() || other < own {
            self.listener = Some(listener);
            self.listener_priority = new.listener_priority;
            return Ok(());
        }
        Err(MergeError::Listeners { priority: new.listener_priority })
    }
}

impl Parser {
    fn of(l7: &L7Rules, protocol: u8) -> Self {
        if l7.listener.is_some() {
            Self::Listener
        } else if !l7.dns.is_empty() {
            Self::Dns
        } else if !l7.http.is_empty() && protocol == 6 {
            Self::Http
        } else if l7.is_tls() {
            Self::Tls
        } else {
            Self::None
        }
    }

    /// The parser for both rules: any parser beats none, TLS and HTTP merge into HTTP, otherwise
    /// only equal parsers merge.
    pub(super) fn merge(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::None, parser) | (parser, Self::None) => Some(parser),
            (Self::Tls, Self::Http) | (Self::Http, Self::Tls) => Some(Self::Http),
            _ => None,
        }
    }

    const fn default_priority(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Http => 101,
            Self::Tls => 116,
            Self::Dns => 121,
            Self::Listener => 126,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::Listener => "crd",
        }
    }
}

/// The namespace of an entry's subjects, where its selector names one.
fn namespace_of(entry: &Entry) -> Option<&str> {
    entry.subject.requirements.iter().find_map(|requirement| match &requirement.operator {
        Operator::In(values) if requirement.key == POD_NAMESPACE => match values.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        },
        _ => None,
    })
}

impl<'e> QualifiedListener<'e> {
    fn of(entry: &Entry, listener: &'e Listener) -> Self {
        let (kind, config) = listener.config.as_ref().map_or(("", ""), |(k, c)| (k, c));
        let is_clusterwide = kind == "CiliumClusterwideEnvoyConfig";
        let namespace = if is_clusterwide { Some("") } else { namespace_of(entry) };
        let behind = namespace
            .and_then(|own| listener.name.strip_prefix(own))
            .and_then(|rest| rest.strip_prefix('/'));
        match behind {
            Some(name) => Self { is_clusterwide, config: None, name },
            None => Self { is_clusterwide, config: Some(config), name: &listener.name },
        }
    }

    /// The name behind the namespace.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let config = self.config.into_iter().flat_map(|config| config.bytes().chain([b'/']));
        config.chain(self.name.bytes())
    }
}

impl PartialEq for QualifiedListener<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_clusterwide == other.is_clusterwide && self.bytes().eq(other.bytes())
    }
}
