//! Network policies as Cilium reads and judges them.
//!
//! Texts become documents, documents become entries, and a flow's two directions are judged
//! against the entries. No IO, no clock; the answers carry the place in the text they come from.

mod ask;
mod dates;
mod document;
mod identity_label;
mod judge;
mod lint;
mod log_resource;
mod lookup;
mod order;
mod recorded;
mod rule;
mod server;
mod settings;
mod source;
mod suggest;
mod tree;
mod unplaced;
mod what_if;

pub use ask::{
    Answer, AskError, Directory, Path, Question, Step, StepKind, Target, TargetError, ask,
};
pub use dates::Dates;
pub use document::{
    ClusterNode, Documents, Pod, Refusal, RefusalClass, Refused, Replaced, Service, SourceText,
};
pub use judge::{
    Cause, ClassId, Decision, DefaultDenyBy, Dependence, Explanation, Fact, Identity, Judge,
    Knowledge, L7Explanation, L7RuleRef, Loss, LostMatch, MapEntry, MatchType, Miss, NamedPorts,
    NearestMiss, PeerMiss, PolicySet, Request, RuleMatch, Traffic, Verdict,
};
pub use lint::{Finding, Severity, lint};
pub use log_resource::{LogFilter, LogResources, LogSide, LogWish};
pub use recorded::{
    Agreement, Exchange, Judgement, Learned, Observed, PolicyLabel, Prepared, Proof, Sides,
    Summary, Unjudged, settings_from,
};
pub use rule::{
    Action, Authentication, CidrGroup, Clause, Direction, DnsRule, Entry, GroupSelector,
    HttpPattern, HttpRule, L7Rules, Listener, Peer, PeerMatcher, Peers, Policy, PolicyKind,
    PolicyName, Port, PortRange, PortRule, Protocol, ServiceSelector, Tier, TlsContext,
};
pub use server::{Stored, stored};
pub use settings::{Enforcement, Families, Release, Settings};
pub use source::{MAX_COPIED_BYTES, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_NODES, Position};
pub use suggest::{Edit, Suggestion, Unfixed, suggest};
pub use unplaced::Unplaced;
pub use vocabulary::{Label, NamePattern, Operator, Prefix, Requirement, Selector};
pub use what_if::{ChangeGroup, Ends, WhatIf, parties, what_if, what_if_prepared};
