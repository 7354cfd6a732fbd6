//! Addresses that a rule excludes by `except`.

use super::{
    access::Access, decide::entry_covers, identity::Identity, set::PolicySet, truth::Truth,
};
use crate::{Action, PeerMatcher, Peers, Position};

impl PolicySet {
    /// The position of a peer that would match the traffic but for its `except`.
    #[must_use]
    pub fn excluding_peer(&self, access: Access<'_, &Identity>) -> Option<Position> {
        let Access { subject, peer, direction, traffic, named_ports } = access;
        let world = self.world();
        let is_kept_out = |matcher: &PeerMatcher| {
            whole(matcher).is_some_and(|whole| {
                world.selects(&whole, peer) == Truth::Yes
                    && world.selects(matcher, peer) == Truth::No
            })
        };
        self.rules().find_map(|(id, entry)| {
            let Peers::Any(peers) = &entry.peers else { return None };
            let is_about = entry.direction == direction
                && entry.action == Action::Allow
                && entry.subject.matches(subject.labels())
                && entry_covers(self.compiled(id), traffic, named_ports) != Truth::No;
            let peer = peers.iter().filter(|_| is_about).find(|peer| is_kept_out(&peer.matcher));
            peer.map(|peer| peer.at)
        })
    }
}

/// The same peer without its `except`. `None` if it has no `except`.
fn whole(matcher: &PeerMatcher) -> Option<PeerMatcher> {
    let except = Vec::new();
    match matcher {
        PeerMatcher::Cidr { prefix, except: own } if !own.is_empty() => {
            Some(PeerMatcher::Cidr { prefix: *prefix, except })
        }
        PeerMatcher::CidrGroup { selector, except: own } if !own.is_empty() => {
            Some(PeerMatcher::CidrGroup { selector: selector.clone(), except })
        }
        _ => None,
    }
}
