//! Callers: on whose account work is done.

/// The caller of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller {
    /// Id of the organisation in Grafana.
    pub org_id: i64,
    /// Purpose of the work.
    pub purpose: Purpose,
}

/// The purpose of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// An evaluation of an alert rule.
    AlertRule,
    /// A person who waits: a panel, Explore, an editor, a check of the settings.
    Person,
}

impl Caller {
    /// A person of an organisation.
    pub fn person(org_id: i64) -> Self {
        Self { org_id, purpose: Purpose::Person }
    }

    /// An alert rule of an organisation.
    pub fn alert_rule(org_id: i64) -> Self {
        Self { org_id, purpose: Purpose::AlertRule }
    }
}
