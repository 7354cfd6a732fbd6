//! The proxy's decision about a request that policy redirects. Source: pkg/policy/rule.go,
//! pkg/envoy/policy, pkg/fqdn/dnsproxy.

use super::{
    Judge,
    access::Access,
    decide::{Cause, Verdict, port_covers, trace},
    explain::Fact,
    identity::Identity,
    pair::SubjectEnforcement,
    set::{CompiledPort, EntryId},
    truth::Truth,
    walk::Role,
};
use crate::{HttpRule, L7Rules, Position};

/// A request at the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'r> {
    /// An HTTP request; `path` includes the query.
    Http {
        /// `:method`.
        method: &'r str,
        /// `:path`.
        path: &'r str,
        /// `:authority`; `None` if not recorded.
        host: Option<&'r str>,
        /// The recorded headers; the client may have sent others.
        headers: &'r [(String, String)],
    },
    /// A DNS query.
    Dns {
        /// The name.
        name: &'r str,
    },
}

/// The proxy's decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L7Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// The L7 rules that allow the request; without any, those that the proxy checked.
    pub rules: Vec<L7RuleRef>,
    /// Whether it passes unchecked: there is no L7 rule, or a wider rule stands beside it.
    pub is_unrestricted: bool,
    /// The unknown facts.
    pub missing: Vec<Fact>,
}

/// An L7 rule of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L7RuleRef {
    /// The entry.
    pub entry: EntryId,
    /// Place of the rule in its text.
    pub at: Position,
}

/// The L7 rules of one port of a matching entry.
struct Scope<'s> {
    entry: EntryId,
    port: &'s CompiledPort,
    rules: &'s L7Rules,
}

impl Judge {
    /// Judges a request that has passed L3 and L4.
    pub fn explain_l7(&self, access: Access<'_, &Identity>, request: Request<'_>) -> L7Explanation {
        let access = self.by_class(access);
        let decision = self.decide(access);
        let plain = |verdict, is_unrestricted| L7Explanation {
            verdict,
            rules: Vec::new(),
            is_unrestricted,
            missing: Vec::new(),
        };
        if decision.verdict != Verdict::Allowed {
            return plain(decision.verdict, false);
        }
        if !matches!(decision.cause, Cause::Entry(_)) || !decision.is_redirect {
            return plain(Verdict::Allowed, true);
        }
        let set = &self.set;
        let Access { traffic, named_ports, .. } = access;
        let pair = self.pair(access.subject, access.peer, access.direction);
        if pair.enforcement == SubjectEnforcement::DefaultAllow {
            // Without default deny, the agent adds a rule that allows everything.
            return plain(Verdict::Allowed, true);
        }
        let mut scopes = Vec::new();
        // Whether a rule without ports allows the peer: the proxy holds that rule for every port.
        let mut is_open = false;
        for (entry, role) in trace(set, &pair, traffic, named_ports) {
            if role != Role::Decides {
                continue;
            }
            let compiled = set.compiled(entry);
            is_open |= compiled.ports.is_none();
            for port in compiled.ports.iter().flatten() {
                if port_covers(port, traffic, named_ports) == Truth::Yes
                    && let Some(rule) =
                        set.entry(entry).ports.as_ref().and_then(|rules| rules.get(port.rule))
                {
                    scopes.push(Scope { entry, port, rules: &rule.l7 });
                }
            }
        }
        // The proxy goes on to the plain rules if no HTTP rule allows the request. Source:
        // pkg/envoy/model.go `GetDirectionNetworkPolicy`, cilium/proxy `forEachRule`. The behavior
        // of a listener's Envoy is unknown.
        let is_plain = |scope: &Scope<'_>| !scope.rules.is_redirect(6);
        let has_listener = scopes.iter().any(|scope| scope.rules.listener.is_some());
        if matches!(request, Request::Http { .. })
            && !has_listener
            && (is_open || scopes.iter().any(is_plain))
        {
            return plain(Verdict::Allowed, true);
        }
        let mut answer = plain(Verdict::Denied, false);
        for scope in &scopes {
            match request {
                Request::Dns { name } => scope.dns(name, &scopes, &mut answer),
                Request::Http { .. } => scope.http(request, &mut answer),
            }
        }
        if answer.verdict == Verdict::Denied && !answer.missing.is_empty() {
            answer.verdict = Verdict::CannotTell;
        }
        answer
    }
}

impl Scope<'_> {
    fn dns(&self, name: &str, scopes: &[Self], answer: &mut L7Explanation) {
        if self.rules.dns.is_empty() {
            // The DNS proxy allows every query of a peer that a rule without names allows on the
            // same port.
            let is_beside =
                scopes.iter().any(|other| !other.rules.dns.is_empty() && other.has_port_of(self));
            if is_beside {
                answer.verdict = Verdict::Allowed;
                answer.is_unrestricted = true;
            }
            return;
        }
        for rule in &self.rules.dns {
            let reference = L7RuleRef { entry: self.entry, at: rule.at };
            if rule.patterns.iter().any(|pattern| pattern.matches(name)) {
                answer.allow(reference);
            } else if answer.verdict == Verdict::Denied {
                answer.rules.push(reference);
            }
        }
    }

    fn http(&self, request: Request<'_>, answer: &mut L7Explanation) {
        if self.rules.listener.is_some() {
            answer.missing.push(Fact::Proxy { what: "what the Envoy listener does" });
            return;
        }
        if self.rules.http.is_empty() {
            if !self.rules.server_names.is_empty() {
                answer.missing.push(Fact::Proxy { what: "the TLS server name (SNI)" });
            }
            return;
        }
        let known = Known::of(request);
        for rule in &self.rules.http {
            let reference = L7RuleRef { entry: self.entry, at: rule.at };
            match known.meets(rule) {
                (Truth::Yes, _) => answer.allow(reference),
                (Truth::Unknown, what) => answer.missing.push(Fact::Proxy { what }),
                (Truth::No, _) if answer.verdict == Verdict::Denied => {
                    answer.rules.push(reference);
                }
                (Truth::No, _) => {}
            }
        }
    }

    fn has_port_of(&self, other: &Self) -> bool {
        self.port.range == other.port.range
            && (self.port.protocol == other.port.protocol
                || self.port.protocol == crate::Protocol::Any
                || other.port.protocol == crate::Protocol::Any)
    }
}

impl L7Explanation {
    fn allow(&mut self, rule: L7RuleRef) {
        if self.verdict != Verdict::Allowed {
            self.rules.clear();
        }
        self.verdict = Verdict::Allowed;
        self.rules.push(rule);
    }
}

/// The text that Hubble writes in place of a redacted value. Source: pkg/hubble/defaults.
const REDACTED: &str = "HUBBLE_REDACTED";

impl HttpRule {
    /// Whether a request surely matches the rule.
    #[must_use]
    pub fn is_met_by(&self, request: Request<'_>) -> bool {
        Known::of(request).meets(self).0 == Truth::Yes
    }
}

/// The recorded facts of an HTTP request.
#[derive(Default)]
struct Known<'r> {
    method: Option<&'r str>,
    path: Option<&'r str>,
    host: Option<&'r str>,
    headers: &'r [(String, String)],
}

impl<'r> Known<'r> {
    fn of(request: Request<'r>) -> Self {
        let Request::Http { method, path, host, headers } = request else {
            return Self::default();
        };
        let known = |text: &'r str| (!text.contains(REDACTED)).then_some(text);
        Self { method: known(method), path: known(path), host: host.and_then(known), headers }
    }

    /// Whether the request matches a rule; if that is unknown, the missing fact.
    fn meets(&self, rule: &HttpRule) -> (Truth, &'static str) {
        let mut missing = "";
        let mut truth = Truth::Yes;
        for (pattern, text, what) in [
            (&rule.method, self.method, "whether the method's pattern matches"),
            (&rule.path, self.path, "whether the path's pattern matches"),
            (&rule.host, self.host, "the request's host"),
        ] {
            let Some(pattern) = pattern else { continue };
            match text.and_then(|text| pattern.matches(text)) {
                // One failed part is enough, whatever the others are.
                Some(false) => return (Truth::No, ""),
                Some(true) => {}
                None => (truth, missing) = (Truth::Unknown, what),
            }
        }
        for wanted in &rule.headers {
            let (name, value) = match wanted.split_once([':', ' ']) {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (wanted.trim(), None),
            };
            let sent = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            let own = match (sent, value) {
                (None, _) => Truth::Unknown,
                (Some(_), None) => Truth::Yes,
                (Some((_, sent)), Some(_)) if sent.contains(REDACTED) => Truth::Unknown,
                (Some((_, sent)), Some(value)) => Truth::of(sent == value),
            };
            if own == Truth::Unknown {
                missing = "the request's headers";
            }
            truth = truth.and(own);
        }
        if rule.header_matches {
            missing = "the request's headers";
            truth = truth.and(Truth::Unknown);
        }
        (truth, missing)
    }
}
