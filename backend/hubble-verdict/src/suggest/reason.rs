//! Reasons why a denied flow gets no addition.

use cilium_policy::{Direction, Position, Traffic};
use flow::CompanionKind;

use crate::Unjudged;

/// The reason why no addition lets a flow pass.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum UnfixedReason {
    /// A record that cannot be judged.
    #[error(transparent)]
    Unjudged(#[from] Unjudged),
    /// A flow whose verdict is not known, with the judgement in words.
    #[error("cannot tell whether policy denies it: {0}")]
    CannotTell(String),
    /// One of many flows, which no policy intends to allow: a name, an address or a method.
    #[error("refused, and no policy means to allow it: {0}")]
    Unintended(String),
    /// A subject that policies of nodes select.
    #[error("policies of nodes (`nodeSelector`) decide about it; additions to them are not made")]
    Node,
    /// A record without its pod.
    #[error("the record does not name the pod: a policy would select other pods too")]
    NoPod,
    /// A subject without labels of its own.
    #[error(
        "the record has no label that identifies the subject: a policy would select all pods of `{namespace}`"
    )]
    NoSubjectLabel {
        /// The subject's namespace.
        namespace: String,
    },
    /// A peer without labels of its own.
    #[error(
        "the record has no label that identifies the peer: a rule would select all pods of `{namespace}`"
    )]
    NoPeerLabel {
        /// The peer's namespace.
        namespace: String,
    },
    /// A peer outside the cluster without its address.
    #[error("the record has no address of the peer: a rule would have to allow the whole world")]
    NoPeerAddress,
    /// A record without its port.
    #[error("the record has no port: a rule would open every port")]
    NoPort,
    /// An ICMP answer to a packet that is too large.
    #[error(
        "it is {}: connections of all pods need it, a rule would help some",
        CompanionKind::FragmentationNeeded
    )]
    FragmentationNeeded,
    /// A packet that accompanies a connection.
    #[error("it is {0}: a rule would open a port or an ICMP type to which no client connects")]
    Companion(CompanionKind),
    /// A connection to the address of a Service, which Cilium did not translate.
    #[error(
        "it went to the address of the Service `{service}` untranslated: a rule for that address would not match the Service's pods, which policy sees once Cilium translates the address"
    )]
    UntranslatedService {
        /// The Service, as `namespace/name`.
        service: String,
    },
    /// A deny rule, with the judgement in words.
    #[error("a deny rule denies it, which no addition overrides: {0}")]
    DenyRule(String),
    /// An address that an `except` excludes.
    #[error("`except` in line {} denies it on purpose: an addition would open what it keeps closed", .0.line)]
    Except(Position),
    /// The address of a pod that was recorded without the pod's identity.
    #[error(
        "the address is that of pod {pod}: its identity was not known yet, and once it is, a rule for the address matches nothing"
    )]
    PodAddress {
        /// The pod, as `namespace/name`.
        pod: String,
    },
    /// An HTTP rule for this method and path, with a header or host that the request lacks.
    #[error(
        "the HTTP rule in line {} is for this method and path, with a header or host that the request lacks: a rule without it would make that rule void",
        .0.line
    )]
    NarrowerRule(Position),
    /// An HTTP rule for this method and a similar path, with a header or host that the record does
    /// not show.
    #[error(
        "the HTTP rule in line {} requires a header or host for this method and the paths below its own, which the record does not show: a rule without it would open them to every client",
        .0.line
    )]
    UnknownHeader(Position),
    /// One of many addresses outside the cluster that the subject cannot reach.
    #[error(
        "{pods} is denied {addresses} addresses outside the cluster {traffic}, too many to list: `toFQDNs` allows names, `toEntities: [world]` all of them"
    )]
    ManyDestinations {
        /// The subject.
        pods: String,
        /// Number of addresses.
        addresses: usize,
        /// Protocol and port.
        traffic: Traffic,
    },
    /// One of many private addresses that cannot reach the subject.
    #[error(
        "{addresses} private addresses are denied at {pods} {traffic}, too many to list: `fromCIDR` allows their ranges"
    )]
    ManySources {
        /// The subject.
        pods: String,
        /// Number of addresses.
        addresses: usize,
        /// Protocol and port.
        traffic: Traffic,
    },
    /// An addition that is refused itself, with the reason.
    #[error("no policy can express what it needs: {0}")]
    Refused(String),
    /// An addition that denies another flow.
    #[error(
        "an addition for it would do harm: {flow} passes now, or may pass, and would not with it"
    )]
    Harmful {
        /// The other flow, as `source → destination port`.
        flow: String,
    },
    /// An addition that was not tried by itself.
    #[error(
        "the additions together do not help, and the one for it was not tried by itself: choose fewer flows"
    )]
    NotTried,
    /// A lookup beyond the limit.
    #[error("too many lookups to prove it: choose fewer flows")]
    TooManyLookups,
    /// An addition that does not let the flow pass.
    #[error(
        "it does not pass with the addition either: a deny rule, or a rule whose match is not known"
    )]
    NoHelp,
}

impl UnfixedReason {
    /// The reason for one of many addresses at a subject's port.
    pub(super) fn many_addresses(
        direction: Direction,
        (pods, traffic): (String, Traffic),
        addresses: usize,
    ) -> Self {
        match direction {
            Direction::Egress => Self::ManyDestinations { pods, addresses, traffic },
            Direction::Ingress => Self::ManySources { pods, addresses, traffic },
        }
    }
}
