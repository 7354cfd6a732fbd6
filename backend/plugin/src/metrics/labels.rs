//! Labels of the figures, each with a bounded number of values.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;

/// Maximum number of data sources with figures of their own; those after them count together.
const MAX_SOURCES: usize = 64;
/// Longest uid of a data source, in bytes, as Grafana allows it.
const MAX_UID_BYTES: usize = 40;

/// A data source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(crate) struct SourceLabels {
    org_id: i64,
    uid: Arc<str>,
}

impl SourceLabels {
    /// The labels of all data sources beyond the maximum.
    fn others() -> Self {
        Self { org_id: 0, uid: "other".into() }
    }
}

/// The data sources with figures of their own.
#[derive(Debug, Default)]
pub(super) struct KnownSources(Mutex<BTreeSet<SourceLabels>>);

impl KnownSources {
    /// The labels of a data source.
    pub(super) fn labels(&self, org_id: i64, uid: &str) -> SourceLabels {
        if uid.len() > MAX_UID_BYTES {
            return SourceLabels::others();
        }
        let labels = SourceLabels { org_id, uid: uid.into() };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&labels) {
            return labels;
        }
        if known.len() >= MAX_SOURCES {
            return SourceLabels::others();
        }
        known.insert(labels.clone());
        labels
    }
}

/// The queries of one type and outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueryLabels {
    #[prometheus(flatten)]
    pub(super) source: SourceLabels,
    pub(super) query_type: &'static str,
    pub(super) outcome: &'static str,
}

/// The queries of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueryTypeLabels {
    pub(super) query_type: &'static str,
}

/// The calls of a data source to the relay, or to Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TargetLabels {
    #[prometheus(flatten)]
    pub(super) source: SourceLabels,
    pub(super) target: &'static str,
}

/// A cache of a data source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheLabels {
    #[prometheus(flatten)]
    pub(super) source: SourceLabels,
    pub(super) cache: &'static str,
}

/// The gates of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct GateLabels {
    pub(super) gate: &'static str,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LimitLabels {
    pub(super) limit: &'static str,
}

/// The origin of the process' memory limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OriginLabels {
    pub(super) origin: &'static str,
}

/// A build of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BuildLabels {
    pub(super) version: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_sources_are_bounded() {
        let known = KnownSources::default();
        let first = known.labels(1, "hubble");
        for org_id in 2..1_000 {
            known.labels(org_id, "hubble");
        }
        assert_eq!(known.0.lock().unwrap().len(), MAX_SOURCES);
        assert_eq!(known.labels(1, "hubble"), first);
        assert_eq!(known.labels(1_000, "hubble"), SourceLabels::others());
        let known = KnownSources::default();
        assert_eq!(known.labels(1, &"x".repeat(41)), SourceLabels::others());
    }
}
