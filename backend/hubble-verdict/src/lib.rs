//! Recorded flows of Hubble against network policies.
//!
//! [`cilium_policy`] judges identities and ports; a record has endpoints, addresses and a verdict of
//! its own. Here stands what lies between: which end of a record is the subject of policy, what the
//! record proves and whether the policies agree, findings that flows give evidence for, the smallest
//! fix of refused flows, questions about connections that nobody has tried, and log resources.

mod ask;
mod lint;
mod log_resource;
mod lookup;
mod recorded;
mod suggest;
mod unplaced;
mod what_if;

pub use ask::{
    Answer, AskError, Directory, Path, Question, Step, StepKind, Target, TargetError, ask,
};
pub use lint::{lint, registry as lints};
pub use log_resource::is_logged;
pub use recorded::{
    Agreement, Exchange, JudgeFlows, Judgement, Learned, Observed, PolicyLabel, Prepared, Proof,
    Sides, Summary, Unjudged, settings_from, settings_from_counted, unix_time,
};
pub use suggest::{Edit, Suggestion, Unfixed, suggest};
pub use unplaced::Unplaced;
pub use what_if::{ends_of, parties, what_if, what_if_prepared};
