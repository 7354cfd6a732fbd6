//! The dashboards, in the order of their titles.

mod clusters;
mod dns;
mod drops_workload;
mod empty_texts;
mod flow_logs;
mod l7;
mod pod_flows;

use crate::board::Board;
use crate::scope::Scope;

/// Every dashboard.
pub(crate) fn all() -> Vec<Board> {
    vec![
        clusters::board(),
        dns::board(Scope::Cluster),
        dns::board(Scope::Workload),
        drops_workload::board(),
        flow_logs::board(),
        l7::board(Scope::Namespace),
        l7::board(Scope::Workload),
        pod_flows::board(Scope::Namespace),
        pod_flows::board(Scope::Workload),
    ]
}
