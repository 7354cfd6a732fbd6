//! Judgements in words.

use std::fmt::Write;

use cilium_policy::{Cause, Miss, PeerMiss, PolicySet, Verdict};
use flow::CompanionKind;

use super::{Agreement, Exchange, Judgement, Proof};

impl Judgement {
    /// The verdict and its reason, in one sentence.
    #[must_use]
    pub fn sentence(&self, set: &PolicySet) -> String {
        let sentence = self.decided(set);
        if self.verdict == Verdict::Allowed {
            return sentence;
        }
        if let Some(kind) = self.connection.companion {
            if kind == CompanionKind::FragmentationNeeded {
                return format!("{sentence}; it is {kind}, and connections need it");
            }
            return format!(
                "{sentence}; it is {kind}, taken for a connection because the node did not know what it belongs to: no rule should open its port or type"
            );
        }
        // The proxy answers with a refusal; a packet dropped before it gets no answer.
        if let Some(lookup) = &self.lookup
            && self.explanation.decision.is_redirect
        {
            return format!("{sentence}; {}", lookup.sentence());
        }
        match self.connection.untranslated_service() {
            Some(service) => format!(
                "{sentence}; the address is that of the Service `{service}` and was not translated: policy saw an address of the world, which no rule for the Service's pods matches"
            ),
            None => sentence,
        }
    }

    fn decided(&self, set: &PolicySet) -> String {
        let direction = self.connection.direction.name();
        let decision = self.explanation.decision;
        if let Some(l7) = &self.l7
            && decision.verdict == Verdict::Allowed
            && decision.is_redirect
        {
            let rule = l7.rules.first().map(|rule| set.rule_text(rule.entry, Some(rule.at)));
            return match (l7.verdict, rule) {
                (Verdict::Allowed, _) if l7.is_unrestricted => {
                    format!("allowed on {direction}: the proxy has nothing to check")
                }
                (Verdict::Allowed, Some(rule)) => {
                    format!("allowed on {direction} by the proxy: {rule}")
                }
                (Verdict::Denied, Some(rule)) => {
                    format!(
                        "refused by the proxy on {direction}: no L7 rule allows it, the nearest is {rule}"
                    )
                }
                (Verdict::Denied, None) => {
                    format!("refused by the proxy on {direction}: no L7 rule allows it")
                }
                _ => format!("cannot tell what the proxy does: {}", list(&l7.missing)),
            };
        }
        match decision.cause {
            Cause::Entry(entry) => {
                let how = match (decision.verdict, decision.is_redirect) {
                    (Verdict::Denied, _) => "denied",
                    (_, true) => "sent to the proxy",
                    _ => "allowed",
                };
                format!("{how} on {direction} by {}", set.rule_text(entry, None))
            }
            Cause::DefaultDeny => self.default_deny(set),
            Cause::DefaultAllow => {
                format!("allowed on {direction}: no rule matches, and no policy denies by default")
            }
            Cause::NotSelected => {
                format!("allowed: no policy is about this endpoint on {direction}")
            }
            Cause::EnforcementOff if self.connection.subject.is_node() => {
                "allowed: policies are not enforced at nodes (`enable-host-firewall` is off)"
                    .to_owned()
            }
            Cause::EnforcementOff => {
                "allowed: policies are not enforced at this endpoint".to_owned()
            }
            Cause::AllowLocalhost => "allowed: a node may reach its own pods".to_owned(),
            Cause::FragmentationNeeded => {
                "allowed: the answer to a packet that is too large passes without a rule".to_owned()
            }
            Cause::MissingFact => match decision.verdict {
                Verdict::CannotTell => {
                    format!("cannot tell without knowing {}", list(&self.explanation.missing))
                }
                verdict => format!("{} on {direction}, by one rule or another", verdict.name()),
            },
            Cause::Unresolvable => {
                let conflict = self.explanation.conflict.as_ref();
                let conflict = conflict.map_or("conflict".to_owned(), ToString::to_string);
                format!("cannot tell: the agent cannot put the policies together ({conflict})")
            }
        }
    }

    fn default_deny(&self, set: &PolicySet) -> String {
        let direction = self.connection.direction.name();
        let Some(by) = self.explanation.default_deny.first() else {
            return format!("denied on {direction} by default");
        };
        let policy =
            set.policies().get(by.policy).map(|policy| policy.name.to_string()).unwrap_or_default();
        let mut text = format!("denied on {direction} by default, which `{policy}` turned on");
        // Misses are sorted nearest first: if the first one misses peer and port, all do.
        if let Some(Miss::PeerAndPort(peer, _)) = by.misses.first().map(|miss| &miss.miss) {
            let _ = write!(text, "; none of its {direction} rules names this peer or this port");
            // The other misses say no more than that.
            if let PeerMiss::NotInWorld { .. } = peer {
                let _ = write!(text, ": {}", peer.reason());
            }
        } else if let Some(miss) = by.misses.first() {
            let clause = set.get(miss.entry).map(|e| e.clause.to_string());
            text.push_str("; nearest rule: ");
            text.push_str(&clause.unwrap_or_default());
            let _ = write!(text, " (line {}): ", miss.at.line);
            text.push_str(&miss.miss.reason(self.connection.traffic));
        }
        text
    }

    /// The proof in the record and its comparison with the policies, in words.
    #[must_use]
    pub fn comparison(&self) -> String {
        let observed = self.observed.why;
        match (self.agreement, self.connection.exchange) {
            (_, Exchange::Reply) if self.l7.is_none() => "policy does not check replies".to_owned(),
            (Agreement::Agrees, _) => format!("agrees: {observed}"),
            (Agreement::Differs, _)
                if self.observed.proof == Proof::Redirected && self.verdict == Verdict::Allowed =>
            {
                format!("differs: {observed}; these policies do not send it to the proxy")
            }
            (Agreement::Differs, _) => {
                let labels = if self.is_undated {
                    "; the age of its CIDR groups' labels is not known"
                } else {
                    ""
                };
                format!(
                    "differs: {observed}; the policies have changed since, or some are missing{labels}"
                )
            }
            (Agreement::Later, _) => {
                let changed = self.later.map(|time| time.to_string()).unwrap_or_default();
                format!(
                    "judged by later policies (changed {changed}): {observed}; what the policies said then is not known"
                )
            }
            (Agreement::CannotTell, _) if self.verdict == Verdict::CannotTell => {
                format!("cannot tell: {observed}, but a fact is missing")
            }
            (Agreement::CannotTell, _)
                if self.explanation.decision.cause == Cause::EnforcementOff
                    && self.observed.proof != Proof::Nothing =>
            {
                let setting = if self.connection.subject.is_node() {
                    "enable-host-firewall"
                } else {
                    "enable-policy"
                };
                format!(
                    "cannot tell: {observed}, so policies are enforced there; the setting `{setting}` here says that they are not"
                )
            }
            (Agreement::CannotTell, _) => format!("cannot tell: {observed}"),
        }
    }
}

fn list(facts: &[cilium_policy::Fact]) -> String {
    if facts.is_empty() {
        return "a fact".to_owned();
    }
    facts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
