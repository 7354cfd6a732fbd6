#![doc = include_str!("../README.md")]

mod dated;
mod document;
mod http_pattern;
pub mod identity_label;
mod ids;
mod judge;
mod lint;
pub mod name_patterns;
mod reduce;
mod rule;
mod server;
mod settings;
pub mod sorted;
pub mod source;
mod time;
mod what_if;
pub mod yaml_writer;

/// The modelled release of Cilium: the main branch on the way to 1.21, commit 4df675e3c5a7.
/// [`Settings::release`] covers the differences of older agents.
pub const RELEASE: &str = "1.21.0-dev (4df675e3c5a7)";

pub use document::{
    Backends, ClusterNode, Dates, Documents, LogEndpoint, LogFilter, LogFilters, Pod, Refusal,
    RefusalCase, RefusalClass, Refused, Replaced, Service, SourceText, objects,
};
pub use http_pattern::HttpPattern;
pub use ids::{Arena, EntryId, Id, PolicyId};
pub use judge::{
    Access, Cause, Changed, ClassId, Conflict, Decision, DefaultDenyBy, Dependence, Explanation,
    Fact, Identity, Judge, Knowledge, L7Explanation, L7RuleRef, Loss, LostMatch, MapEntry,
    MatchType, MergeError, Miss, NamedPorts, NearestMiss, PeerMiss, PolicySet, PortNames, Request,
    RuleMatch, Traffic, Verdict,
};
pub use lint::{
    Finding, Severity, lint,
    registry::{self as lints, Description, Lint},
    sorted_findings, unsorted_findings,
};
pub use reduce::{Reduced, ReducedObject, Unreduced, UnreducedReason, reduce, reduce_object};
pub use rule::{
    Action, Authentication, CidrGroup, Clause, Direction, DnsRule, Entry, GroupSelector, HttpRule,
    L7Rules, Listener, Peer, PeerMatcher, Peers, Policy, PolicyKind, PolicyName, Port, PortRange,
    PortRule, Protocol, ServiceSelector, Tier, TlsContext,
};
pub use server::{Stored, stored};
pub use settings::{Enforcement, Families, Release, Settings};
pub use source::{MAX_COPIED_BYTES, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_NODES, Position};
pub use time::UnixTime;
pub use vocabulary::re2::RegexError;
pub use vocabulary::{
    Label, NamePattern, NamePatternError, Operator, Prefix, PrefixError, Requirement, Selector,
};
pub use what_if::{ChangeGroup, ChangedConnection, Compared, WhatIf};
