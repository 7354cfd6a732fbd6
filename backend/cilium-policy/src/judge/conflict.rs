//! Conflicts between policies that the agent cannot merge. The agent then keeps the previous policy
//! of the endpoint, which the texts do not show. Source: pkg/policy/rule.go `mergePortProto` and
//! `mergeRedirect`, l4.go `createL4Filter`, rules.go `sort`.

#[cfg(test)]
mod tests;

use hashbrown::HashMap;

use super::{
    pair::Class,
    set::{EntryId, PolicySet, is_everyone},
};
use crate::identity_label::POD_NAMESPACE;
use crate::ids::Id;
use crate::{
    Action, Authentication, Direction, Documents, Entry, L7Rules, Listener, Operator, Peers,
    Policy, PolicyKind, Port, PortRange, Protocol, Settings, Tier, TlsContext,
};

/// The merges that can fail among the policies of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Merges {
    /// The rules under one key, for keys with at least one rule that does more than allow.
    keys: Vec<Vec<Step>>,
    /// The rules that fail by themselves, for some subjects or for all.
    alone: Vec<Step>,
    /// Whether there are more than [`MAX_LOADED`] or [`MAX_STEPS`] keys.
    is_too_much: bool,
}

/// The limit of keys for rules that do more than allow. A rule has one key for each of its peers at
/// each of its ports.
const MAX_LOADED: usize = 1 << 20;
/// The limit of keys for all rules.
const MAX_STEPS: usize = 8 << 20;

/// One rule on its way into the policy of a subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Its place in the agent's order of merging.
    pub(super) order: u32,
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

/// The entity `none`, which the agent never merges.
const NONE: &str = "reserved:none=";

/// The rules merged so far under one key.
#[derive(Debug, Clone)]
pub(super) struct Merged<'e> {
    pub(super) priority: i64,
    pub(super) action: Action,
    parser: Parser,
    has_rules: bool,
    pub(super) authentication: Option<&'e Authentication>,
    terminating_tls: Option<&'e TlsContext>,
    originating_tls: Option<&'e TlsContext>,
    has_server_names: bool,
    listener: Option<QualifiedListener<'e>>,
    pub(super) listener_priority: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parser {
    None,
    Tls,
    Http,
    Dns,
    Listener,
}

/// A listener as the agent names it: `namespace/configuration/name`. The namespace is empty where
/// the configuration is clusterwide. Source: pkg/policy/api/utils.go `ResourceQualifiedName`.
#[derive(Debug, Clone, Copy)]
struct QualifiedListener<'e> {
    is_clusterwide: bool,
    /// `None` where the name already begins with the namespace; the agent then takes it as it is.
    config: Option<&'e str>,
    /// The part behind the configuration, or behind the namespace.
    name: &'e str,
}

impl Merges {
    /// The merges that documents lead to.
    pub(super) fn of(documents: &Documents) -> Self {
        let is_loaded = |entry: &&Entry| {
            entry.authentication.is_some()
                || entry.ports.iter().flatten().any(|rule| loads(&rule.l7))
        };
        let mut merges = Self::default();
        // Without a rule that does more than allow, no merge can fail.
        if !documents.entries.iter().any(|entry| is_loaded(&entry)) {
            return merges;
        }
        let count = |entries: &mut dyn Iterator<Item = &Entry>| {
            entries.map(count_of_steps).fold(0, usize::saturating_add)
        };
        if count(&mut documents.entries.iter().filter(is_loaded)) > MAX_LOADED
            || count(&mut documents.entries.iter()) > MAX_STEPS
        {
            merges.is_too_much = true;
            return merges;
        }
        let mut keys: HashMap<Key<'_>, Vec<Step>> = HashMap::new();
        for entry in documents.entries.iter().filter(is_loaded) {
            steps(entry, |key, _, l7| {
                if entry.authentication.is_some() || l7.is_some_and(loads) {
                    keys.entry(key).or_default();
                }
            });
        }
        let mut order = 0_u32;
        for id in in_order(documents) {
            let entry = documents.entry(id);
            steps(entry, |key, rule, l7| {
                let step = Step { order, entry: id, rule, protocol: key.protocol };
                order = order.saturating_add(1);
                if l7.is_some_and(|l7| fails_alone(l7, true, false).is_some()) {
                    merges.alone.push(step);
                }
                if key.peer != NONE
                    && let Some(steps) = keys.get_mut(&key)
                {
                    steps.push(step);
                }
            });
        }
        let may_fail = |steps: &Vec<Step>| steps.len() > 1 && may_fail(documents, steps);
        merges.keys = keys.into_values().filter(may_fail).collect();
        merges
    }

    /// Whether the merge can fail for some subject.
    pub(super) const fn can_fail(&self) -> bool {
        self.is_too_much || !self.alone.is_empty() || !self.keys.is_empty()
    }

    /// The reason why the policies of a subject conflict or may conflict; `None` if they merge.
    pub(super) fn find(
        &self,
        (set, settings): (&PolicySet, &Settings),
        subject: &Class,
    ) -> Option<String> {
        if self.is_too_much {
            return Some("the rules have more peers and ports than are looked at".to_owned());
        }
        let mut first: Option<(u32, String)> = None;
        let mut found = |order: u32, why: String| {
            if first.as_ref().is_none_or(|(earlier, _)| order < *earlier) {
                first = Some((order, why));
            }
        };
        let is_merged = |step: &Step| subject.is_subject_of(set.compiled(step.entry));
        for step in self.alone.iter().filter(|step| is_merged(step)) {
            if let Some(why) = step.l7(set.entry(step.entry)).and_then(|l7| {
                fails_alone(l7, !subject.has_namespace, settings.policy_secrets_sync)
            }) {
                found(step.order, why);
            }
        }
        for steps in &self.keys {
            let mut merged: Option<Merged<'_>> = None;
            for step in steps.iter().filter(|step| is_merged(step)) {
                let new = Merged::of(set.entry(step.entry), step);
                match &mut merged {
                    None => merged = Some(new),
                    Some(merged) => {
                        if let Err(why) = merged.add(new) {
                            found(step.order, why);
                            break;
                        }
                    }
                }
            }
        }
        first.map(|(_, why)| why)
    }
}

/// Whether rules of one key may conflict. Most keys hold equal rules; the check for each subject
/// skips those.
fn may_fail(documents: &Documents, steps: &[Step]) -> bool {
    let mut parser = Parser::None;
    let (mut mode, mut terminating, mut originating) = (None, None, None);
    let mut differs = |step: &Step| {
        let new = Merged::of(documents.entry(step.entry), step);
        if new.listener.is_some() || new.has_server_names {
            return true;
        }
        match parser.merge(new.parser) {
            Some(merged) => parser = merged,
            None => return true,
        }
        is_other(&mut mode, new.authentication.map(Authentication::mode))
            || is_other(&mut terminating, new.terminating_tls)
            || is_other(&mut originating, new.originating_tls)
    };
    steps.iter().any(&mut differs)
}

/// Keeps the first value of a kind. Returns whether the new value differs from the kept one.
fn is_other<T: PartialEq>(kept: &mut Option<T>, new: Option<T>) -> bool {
    match (&*kept, new) {
        (Some(one), Some(other)) => *one != other,
        (None, new) => {
            *kept = new;
            false
        }
        (Some(_), None) => false,
    }
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
        Peers::Any(peers) if peers.iter().any(is_everyone) => vec![""],
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

/// An upper bound for the number of an entry's keys.
fn count_of_steps(entry: &Entry) -> usize {
    let peers = match &entry.peers {
        Peers::Empty { .. } => 0,
        Peers::Absent => 1,
        Peers::Any(peers) => peers.len(),
    };
    let ports = match &entry.ports {
        None => 1,
        Some(rules) => rules
            .iter()
            .flat_map(|rule| &rule.ports)
            .map(|port| if port.protocol == Protocol::Any { 3 } else { 1 })
            .sum(),
    };
    peers.saturating_mul(ports)
}

/// The entries in the agent's order: tier, priority, resource, position.
fn in_order(documents: &Documents) -> Vec<EntryId> {
    let resource = |policy: &Policy| {
        let kind = match policy.name.kind {
            PolicyKind::CiliumClusterwideNetworkPolicy => "ccnp",
            PolicyKind::CiliumNetworkPolicy => "cnp",
            PolicyKind::ClusterNetworkPolicy => "kcnp",
            PolicyKind::NetworkPolicy => "netpol",
        };
        format!("{kind}/{}/{}", policy.name.namespace, policy.object)
    };
    let resources: Vec<String> = documents.policies.iter().map(resource).collect();
    let mut order: Vec<_> = documents
        .entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let resource = resources.get(entry.policy.index());
            (entry.tier, entry.priority, resource, EntryId::new(index))
        })
        .collect();
    crate::sorted::sort(&mut order);
    order.into_iter().map(|(.., id)| id).collect()
}

/// Whether rules do more than allow.
fn loads(l7: &L7Rules) -> bool {
    l7.is_tls() || has_rules(l7) || l7.listener.is_some()
}

fn has_rules(l7: &L7Rules) -> bool {
    !l7.http.is_empty() || !l7.dns.is_empty()
}

/// The reason why the agent cannot resolve a rule, or may fail to, whatever other rules exist.
fn fails_alone(l7: &L7Rules, is_without_namespace: bool, is_synced: bool) -> Option<String> {
    for context in [&l7.terminating_tls, &l7.originating_tls].into_iter().flatten() {
        if context.name.is_empty() {
            return Some("a TLS context names no secret".to_owned());
        }
        if !is_synced {
            return Some(format!(
                "the agent reads the secret `{}` itself, and what it holds is not known",
                context.name
            ));
        }
    }
    let listener = l7.listener.as_deref()?;
    match &listener.config {
        None => Some(format!("listener `{}` names no Envoy configuration", listener.name)),
        Some((kind, _)) if kind == "CiliumEnvoyConfig" && is_without_namespace => Some(format!(
            "listener `{}` is of kind CiliumEnvoyConfig, which an endpoint without a namespace cannot use",
            listener.name
        )),
        Some(_) => None,
    }
}

impl Step {
    fn l7<'e>(&self, entry: &'e Entry) -> Option<&'e L7Rules> {
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

    /// Merges the next rule. Errors: the reason why it cannot be merged.
    pub(super) fn add(&mut self, new: Self) -> Result<(), String> {
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
                return Err(format!(
                    "cannot merge conflicting authentication types ({}/{})",
                    other.mode(),
                    one.mode()
                ));
            }
            (one, other) => self.authentication = one.or(other),
        }
        for (own, new, what) in [
            (&mut self.terminating_tls, new.terminating_tls, "terminating"),
            (&mut self.originating_tls, new.originating_tls, "originating"),
        ] {
            match (*own, new) {
                (Some(one), Some(other)) if one != other => {
                    return Err(format!("cannot merge conflicting {what} TLS contexts"));
                }
                (one, other) => *own = one.or(other),
            }
        }
        self.has_server_names |= new.has_server_names;
        // The agent checks this part of a new rule only when the next rule arrives.
        if self.has_server_names && self.has_rules && self.terminating_tls.is_none() {
            return Err("cannot merge L7 rules with SNI filtering without TLS termination".into());
        }
        self.has_rules |= new.has_rules;
        Ok(())
    }

    fn add_redirect(&mut self, new: &Self) -> Result<(), String> {
        let parser = self.parser.merge(new.parser).ok_or_else(|| {
            let (one, other) = (self.parser.name(), new.parser.name());
            format!("cannot merge conflicting L7 parsers ({one}/{other})")
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
        Err(format!(
            "cannot merge conflicting CiliumEnvoyConfig listeners of the same priority ({})",
            new.listener_priority
        ))
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
    fn merge(self, other: Self) -> Option<Self> {
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
