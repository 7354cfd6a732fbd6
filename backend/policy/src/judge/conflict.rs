//! Policies that the agent cannot put together: it keeps what it had, and the endpoint's policy
//! is none of the texts' alone. Source: pkg/policy/rule.go `mergePortProto`, l4.go
//! `L7ParserType.Merge`.

use hashbrown::HashMap;

use super::{
    pair::Class,
    set::{CompiledPeers, PolicySet},
};
use crate::{Action, Authentication, Direction, L7Rules, PortRange, Protocol};

/// The key under which the agent merges rules: everything but what they ask of L7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MergeKey<'s> {
    direction: Direction,
    rank: (u8, i64),
    protocol: u8,
    range: Option<&'s PortRange>,
    /// None: every peer.
    matcher: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Merged {
    parser: Option<Parser>,
    authentication: Option<Authentication>,
    is_denied: bool,
    conflict: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parser {
    Tls,
    Http,
    Dns,
    Crd,
}

/// Why the policies of a subject cannot be put together; none: they can.
pub(super) fn find(set: &PolicySet, subject: &Class) -> Option<String> {
    let mut merged: HashMap<MergeKey<'_>, Merged> = HashMap::new();
    let mut order: Vec<MergeKey<'_>> = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for index in set.ordered(direction) {
            let (Some(compiled), Some(entry)) = (set.compiled(*index), set.entry(*index)) else {
                continue;
            };
            if !subject.is_subject_of(compiled) {
                continue;
            }
            let peers: Vec<Option<u32>> = match &compiled.peers {
                CompiledPeers::Nobody => continue,
                CompiledPeers::Everyone => vec![None],
                CompiledPeers::Any(matchers) => matchers.iter().copied().map(Some).collect(),
            };
            let mut add = |protocol: u8, range, l7: Option<&L7Rules>| {
                for matcher in &peers {
                    let key = MergeKey {
                        direction,
                        rank: compiled.rank,
                        protocol,
                        range,
                        matcher: *matcher,
                    };
                    let slot = merged.entry(key.clone()).or_insert_with(|| {
                        order.push(key);
                        Merged::default()
                    });
                    slot.add(compiled.action, l7, protocol, entry.authentication);
                }
            };
            match &entry.ports {
                None => add(0, None, None),
                Some(rules) => {
                    for rule in rules {
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
                                add(*protocol, Some(&port.range), Some(&rule.l7));
                            }
                        }
                    }
                }
            }
        }
    }
    order.iter().filter_map(|key| merged.get(key)).find_map(|slot| slot.conflict).map(str::to_owned)
}

impl Merged {
    fn add(
        &mut self,
        action: Action,
        l7: Option<&L7Rules>,
        protocol: u8,
        authentication: Option<Authentication>,
    ) {
        match action {
            // Deny takes the whole key, and comes first in the order.
            Action::Deny => self.is_denied = true,
            Action::Pass => {}
            Action::Allow if self.is_denied => {}
            Action::Allow => {
                match (self.parser, l7.and_then(|l7| parser(l7, protocol))) {
                    (Some(one), Some(other)) => match merge(one, other) {
                        Some(parser) => self.parser = Some(parser),
                        None => {
                            self.conflict =
                                self.conflict.or(Some("cannot merge conflicting L7 parsers"));
                        }
                    },
                    (None, other) => self.parser = other,
                    (Some(_), None) => {}
                }
                match (self.authentication, authentication) {
                    (Some(one), Some(other)) if one != other => {
                        self.conflict =
                            self.conflict.or(Some("cannot merge conflicting authentication types"));
                    }
                    (None, other) => self.authentication = other,
                    _ => {}
                }
            }
        }
    }
}

fn parser(l7: &L7Rules, protocol: u8) -> Option<Parser> {
    if l7.listener.is_some() {
        Some(Parser::Crd)
    } else if !l7.dns.is_empty() {
        Some(Parser::Dns)
    } else if !l7.http.is_empty() && protocol == 6 {
        Some(Parser::Http)
    } else if l7.tls {
        Some(Parser::Tls)
    } else {
        None
    }
}

/// TLS gives way to HTTP; otherwise only the same goes together.
fn merge(one: Parser, other: Parser) -> Option<Parser> {
    match (one, other) {
        (one, other) if one == other => Some(one),
        (Parser::Tls, Parser::Http) | (Parser::Http, Parser::Tls) => Some(Parser::Http),
        _ => None,
    }
}
