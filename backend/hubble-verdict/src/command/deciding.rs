//! The policy and rule that decide about a flow, for programs.

use cilium_policy::{Cause, EntryId, PolicyName, PolicySet, Position, Verdict};
use hubble_verdict::Judgement;
use serde_json::{Value, json};

/// The policy and rule that decide, where there are such.
pub(crate) struct DecidingRule {
    /// Kind of the cause, in one word.
    cause: &'static str,
    policy: Option<PolicyName>,
    /// Index of the policy's source text.
    pub(crate) source: Option<usize>,
    /// The rule, as `ingress[0]`; `None`: no rule decides.
    rule: Option<String>,
    /// Position of the rule; for a default, of the policy that turned the default on.
    at: Option<Position>,
}

impl DecidingRule {
    pub(crate) fn of(judgement: &Judgement, set: &PolicySet) -> Self {
        let explanation = &judgement.explanation;
        let decision = explanation.decision;
        if let Some(l7) = &judgement.l7
            && decision.verdict == Verdict::Allowed
            && decision.is_redirect
        {
            // The allowing rule; without one, the rule that sends the flow to the proxy.
            return match (l7.verdict, l7.rules.first(), decision.cause) {
                (Verdict::CannotTell, ..) => Self::without("missing-fact"),
                (Verdict::Allowed, Some(rule), _) => {
                    Self::of_rule("proxy", rule.entry, Some(rule.at), set)
                }
                (.., Cause::Entry(entry)) => Self::of_rule("proxy", entry, None, set),
                _ => Self::without("proxy"),
            };
        }
        let cause = match decision.cause {
            Cause::Entry(entry) => return Self::of_rule("rule", entry, None, set),
            Cause::DefaultDeny => "default-deny",
            Cause::DefaultAllow => "default-allow",
            Cause::NotSelected => "not-selected",
            Cause::EnforcementOff => "not-enforced",
            Cause::AllowLocalhost => "localhost",
            Cause::FragmentationNeeded => "fragmentation-needed",
            Cause::MissingFact => "missing-fact",
            Cause::Unresolvable => "unresolvable",
        };
        let by = explanation.default_deny.first().filter(|_| cause == "default-deny");
        match by.and_then(|by| set.policies().get(by.policy)) {
            Some(policy) => Self {
                policy: Some(policy.name.clone()),
                source: Some(policy.source),
                at: Some(policy.at),
                ..Self::without(cause)
            },
            None => Self::without(cause),
        }
    }

    fn of_rule(cause: &'static str, entry: EntryId, at: Option<Position>, set: &PolicySet) -> Self {
        let policy = set.policy_of(entry);
        let entry = set.get(entry);
        Self {
            cause,
            policy: policy.map(|policy| policy.name.clone()),
            source: policy.map(|policy| policy.source),
            rule: entry.map(|entry| entry.clause.to_string()),
            at: at.or(entry.map(|entry| entry.at)),
        }
    }

    const fn without(cause: &'static str) -> Self {
        Self { cause, policy: None, source: None, rule: None, at: None }
    }

    /// The decision as JSON; `file` is the name of the source text.
    pub(crate) fn json(&self, file: Option<&str>) -> Value {
        let policy = self.policy.as_ref();
        json!({
            "cause": self.cause,
            "kind": policy.map(|policy| policy.kind.name()),
            "namespace": policy.map(|policy| &policy.namespace).filter(|name| !name.is_empty()),
            "policy": policy.map(|policy| &policy.name),
            "rule": self.rule,
            "file": self.source.and(file),
            "line": self.at.map(|at| at.line),
            "column": self.at.map(|at| at.column),
        })
    }
}
