//! Proof in a record about policy at its subject.

use cilium_policy::{Direction, Settings};
use flow::{
    DropReason, Flow, L7FlowType, L7Record, MessageType, TraceObservationPoint, TraceReason,
    Verdict,
};

use super::{
    Learned,
    shape::{Exchange, Shape},
};

/// The proof in a record, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Observed {
    /// Kind of the proof.
    pub proof: Proof,
    /// Reason why the record proves this much and no more.
    pub why: &'static str,
    /// Whether the record is a policy verdict event.
    pub is_verdict: bool,
    /// Whether the flow passed in audit mode, where denied flows pass too.
    pub is_audited: bool,
}

/// Kinds of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// Policy allowed the flow.
    Allowed,
    /// Policy sent the flow to the proxy.
    Redirected,
    /// Policy, or the proxy, denied the flow.
    Denied,
    /// A deny rule denied the flow.
    DeniedByRule,
    /// The flow was denied because no rule allowed it.
    DeniedByDefault,
    /// The record proves nothing about policy.
    Nothing,
}

impl Observed {
    const fn new(proof: Proof, why: &'static str) -> Self {
        Self { proof, why, is_verdict: false, is_audited: false }
    }

    /// The proof in a record about its subject's direction.
    #[must_use]
    pub(super) fn of(flow: &Flow, shape: Shape, learned: &Learned, settings: &Settings) -> Self {
        if flow.l7.is_some() {
            return l7(flow);
        }
        let event = flow.event_type.map(|event| event.message_type);
        match event {
            Some(MessageType::PolicyVerdict) => Self { is_verdict: true, ..verdict(flow) },
            Some(MessageType::Drop) => dropped(flow),
            _ if flow.verdict == Verdict::Dropped => dropped(flow),
            Some(MessageType::Trace) | None => {
                let traced = trace(flow, shape);
                let is_audited = traced.proof == Proof::Allowed
                    && (settings.audit_mode || learned.is_audited(flow, shape));
                if !is_audited {
                    return traced;
                }
                let why = "it passed, as in audit mode what policy refuses does too";
                Self { why, is_audited, ..traced }
            }
            Some(_) => Self::new(Proof::Nothing, "this kind of event proves nothing about policy"),
        }
    }
}

fn verdict(flow: &Flow) -> Observed {
    match flow.verdict {
        Verdict::Forwarded => Observed::new(Proof::Allowed, "policy allowed it"),
        Verdict::Redirected => Observed::new(Proof::Redirected, "policy sent it to the proxy"),
        Verdict::Audit => {
            Observed::new(Proof::Denied, "policy would have refused it, were it not in audit mode")
        }
        Verdict::Dropped => dropped(flow),
        _ => Observed::new(Proof::Nothing, "the record has no verdict of policy"),
    }
}

fn dropped(flow: &Flow) -> Observed {
    match flow.drop_reason() {
        DropReason::POLICY_DENIED => {
            Observed::new(Proof::DeniedByDefault, "dropped: no rule allowed it")
        }
        DropReason::POLICY_DENY => {
            Observed::new(Proof::DeniedByRule, "dropped: a deny rule refused it")
        }
        DropReason::AUTH_REQUIRED => Observed::new(
            Proof::Allowed,
            "policy allowed it; dropped until mutual authentication is done",
        ),
        _ => Observed::new(Proof::Nothing, "dropped for a reason that is not policy"),
    }
}

fn trace(flow: &Flow, shape: Shape) -> Observed {
    use TraceObservationPoint as Point;
    if shape.exchange == Exchange::Reply
        || matches!(flow.trace_reason, TraceReason::Reply | TraceReason::Related)
    {
        return Observed::new(Proof::Nothing, "policy does not check replies and related packets");
    }
    if flow.verdict != Verdict::Forwarded {
        return Observed::new(Proof::Nothing, "the record has no verdict of policy");
    }
    match (flow.trace_observation_point, shape.direction) {
        (Point::ToProxy, _) => Observed::new(Proof::Redirected, "it went to the proxy, by policy"),
        (Point::ToEndpoint, Direction::Ingress) => {
            Observed::new(Proof::Allowed, "it was delivered, and so passed ingress policy")
        }
        (
            Point::ToEndpoint
            | Point::ToStack
            | Point::ToOverlay
            | Point::ToNetwork
            | Point::ToHost
            | Point::ToCrypto,
            Direction::Egress,
        ) => Observed::new(
            Proof::Allowed,
            "it left its endpoint, and so passed egress policy; the destination may still deny it",
        ),
        (Point::FromEndpoint, _) => {
            Observed::new(Proof::Nothing, "seen before policy decided: forwarded says nothing yet")
        }
        _ => Observed::new(
            Proof::Nothing,
            "seen on its way: forwarded says nothing about policy in this direction",
        ),
    }
}

fn l7(flow: &Flow) -> Observed {
    match flow.verdict {
        Verdict::Dropped => Observed::new(Proof::Denied, "the proxy refused it"),
        // Envoy's own answer to a refused request is recorded as forwarded, too.
        Verdict::Forwarded if is_forbidden(flow) => Observed::new(
            Proof::Nothing,
            "a 403 on its way back: the server's, or the proxy's own for what it refused",
        ),
        Verdict::Forwarded | Verdict::Redirected => {
            Observed::new(Proof::Redirected, "the proxy let it pass")
        }
        _ => Observed::new(Proof::Nothing, "the proxy could not tell"),
    }
}

fn is_forbidden(flow: &Flow) -> bool {
    flow.l7.as_ref().is_some_and(|l7| {
        l7.l7_type == L7FlowType::Response
            && matches!(&l7.record, Some(L7Record::Http(http)) if http.code == 403)
    })
}
