//! The limits whose refusals are counted.

/// A limit that refuses work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Scans of one relay at once.
    RelayScans,
    /// Calls of one Prometheus at once.
    PrometheusCalls,
    /// Reads of policies at once.
    PolicyReads,
    /// Bytes that all answers hold.
    Memory,
    /// Live channels at once.
    LiveChannels,
    /// Queries of one request.
    RequestQueries,
    /// Size of a query, or of a resource call's body.
    RequestSize,
    /// Filters of a query, and what they combine to.
    QueryFilters,
    /// Size of an answer of Prometheus.
    PrometheusAnswerSize,
}

impl Limit {
    /// All limits.
    pub(crate) const ALL: [Self; 9] = [
        Self::RelayScans,
        Self::PrometheusCalls,
        Self::PolicyReads,
        Self::Memory,
        Self::LiveChannels,
        Self::RequestQueries,
        Self::RequestSize,
        Self::QueryFilters,
        Self::PrometheusAnswerSize,
    ];

    /// The limit's name in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RelayScans => "relay_scans",
            Self::PrometheusCalls => "prometheus_calls",
            Self::PolicyReads => "policy_reads",
            Self::Memory => "memory",
            Self::LiveChannels => "live_channels",
            Self::RequestQueries => "request_queries",
            Self::RequestSize => "request_size",
            Self::QueryFilters => "query_filters",
            Self::PrometheusAnswerSize => "prometheus_answer_size",
        }
    }
}
