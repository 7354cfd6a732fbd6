//! Plans of requests: filters and fields that the nodes support, and filters that remain to be
//! applied here.

use std::fmt;
use std::sync::Arc;

use flow::columns::{ColumnSet, FlowColumns};
use flow::filter::{FilterSet, PreparedFilters};
use hubble_api::client::{ClientError, FlowRequest, RelayNotice, WireFlow};
use hubble_api::release::{
    Release, UnsupportedCondition, columns_since, mask_paths, supported_filters,
};
use wording::names;

use crate::nodes::KnownNodes;
use crate::{Relay, RelayError};

/// Part of the message by which a node refuses a mask. Source: `pkg/hubble/parser/fieldmask`.
const MASK_REFUSED: &str = "invalid fieldmask";
/// Maximum number of fields that a notice lists.
const MAX_FIELDS_SHOWN: usize = 6;

/// Filters and fields for the nodes, and the filters that are applied here instead.
#[derive(Debug, Default)]
pub struct Plan {
    filters: FilterSet,
    field_mask: Vec<String>,
    check: Option<LocalFilter>,
    notices: Vec<PlanNotice>,
    /// Number of nodes that the relay is connected to; 0: unknown.
    pub(crate) nodes: usize,
}

/// Filters that are applied here.
#[derive(Debug)]
struct LocalFilter {
    filters: Arc<PreparedFilters>,
    /// Number of flows that they removed.
    left_out: u64,
    /// Whether the nodes are known to send more than the filters select.
    expected: bool,
}

/// A fact about the request that users should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanNotice {
    /// Conditions that the nodes lack were applied here.
    FiltersHere {
        /// Oldest release of a node.
        oldest: Release,
        /// Conditions that this release does not have.
        unknown: Vec<UnsupportedCondition>,
    },
    /// Flows arrived that the filters exclude, from nodes of an unknown release.
    LetThrough {
        /// Number of flows.
        flows: u64,
    },
    /// Fields that nodes do not record.
    FieldsMissing {
        /// Oldest release of a node.
        oldest: Release,
        /// Names of the fields.
        fields: Vec<&'static str>,
    },
    /// A node refused the list of fields.
    MaskRefused,
}

impl fmt::Display for PlanNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FiltersHere { oldest, unknown } => {
                let fields: Vec<String> = unknown
                    .iter()
                    .map(|need| format!("`{}` (Cilium {})", need.field, need.since))
                    .collect();
                write!(
                    f,
                    "nodes run Cilium {oldest}, which cannot filter by {}: the flows were filtered here instead",
                    fields.join(", ")
                )
            }
            Self::LetThrough { flows } => {
                match flows {
                    1 => f.write_str("1 flow that the filter excludes was left out here")?,
                    _ => write!(f, "{flows} flows that the filter excludes were left out here")?,
                }
                f.write_str(": the relay's nodes are too old to apply the filter")
            }
            Self::FieldsMissing { oldest, fields } => {
                let fields = names::first(fields.iter().copied(), MAX_FIELDS_SHOWN);
                write!(f, "nodes run Cilium {oldest}, which does not record {fields}")
            }
            Self::MaskRefused => f.write_str(
                "nodes refused the list of fields: all fields were read, which takes longer",
            ),
        }
    }
}

impl Relay {
    /// The plan of a request for flows that pass `filters`, with `columns`.
    ///
    /// Errors: [`RelayError::TooOld`] for a filter that neither the nodes nor this client can
    /// apply; [`RelayError::NotRecorded`] for a filter by fields that old nodes do not record.
    pub async fn plan(
        &self,
        filters: &Arc<PreparedFilters>,
        columns: ColumnSet,
    ) -> Result<Plan, RelayError> {
        let known = self.known().await;
        let mut plan = Plan::new(filters, columns, known)?;
        if self.masks_refused() {
            plan.field_mask.clear();
        }
        Ok(plan)
    }
}

impl Plan {
    fn new(
        prepared: &Arc<PreparedFilters>,
        columns: ColumnSet,
        known: KnownNodes,
    ) -> Result<Self, RelayError> {
        let filters = prepared.set();
        let check = |expected| {
            let filters = prepared.clone();
            filters.here().is_some().then_some(LocalFilter { filters, left_out: 0, expected })
        };
        let Some(oldest) = known.oldest else {
            // Nodes of unknown release are sent every filter, and their answers are checked.
            let has_filters = !filters.allow.is_empty() || !filters.deny.is_empty();
            let check = has_filters.then(|| check(false)).flatten();
            return Ok(Self {
                filters: filters.clone(),
                check,
                nodes: known.nodes,
                ..Self::default()
            });
        };
        let mut notices = Vec::new();
        // A node without aggregation sends one record per flow.
        let missing = columns_since(columns, oldest)
            .into_iter()
            .filter(|(column, _)| !FlowColumns::STANDS_FOR_COLUMNS.contains(*column));
        let fields: Vec<&str> = missing.map(|(column, _)| column.name()).collect();
        if !fields.is_empty() && columns != ColumnSet::ALL {
            notices.push(PlanNotice::FieldsMissing { oldest, fields });
        }
        let supported = supported_filters(filters, oldest);
        let (mut checked, mut field_mask) = (None, mask_paths(columns, oldest));
        if !supported.unknown.is_empty() {
            if let Some(need) = supported.unknown.iter().find(|need| need.field == "cel_expression")
            {
                return Err(RelayError::TooOld { filter: need.field, since: need.since, oldest });
            }
            // Either all of their flows would pass or none, and both would be wrong.
            if let Some(need) = supported.unknown.iter().find(|need| oldest < need.recorded_since())
            {
                let since = need.recorded_since();
                return Err(RelayError::NotRecorded { filter: need.field, since, oldest });
            }
            checked = check(true);
            // Fields that filters need are not in the mask.
            field_mask.clear();
            notices.push(PlanNotice::FiltersHere { oldest, unknown: supported.unknown });
        }
        let filters = supported.filters;
        Ok(Self { filters, field_mask, check: checked, notices, nodes: known.nodes })
    }

    /// The filters and the mask of a request.
    pub fn request(&self) -> FlowRequest {
        FlowRequest {
            filters: self.filters.clone(),
            field_mask: self.field_mask.clone(),
            ..FlowRequest::default()
        }
    }

    /// Whether the nodes apply all filters exactly, as far as known. Then they can also apply a
    /// limit.
    pub(crate) fn is_exact(&self) -> bool {
        self.check.as_ref().is_none_or(|check| !check.expected)
    }

    /// Whether flows arrived that the filters exclude.
    pub(crate) fn has_left_out(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.left_out > 0)
    }

    /// Resets the counts for a repeated request.
    pub(crate) fn begin_again(&mut self) {
        if let Some(check) = &mut self.check {
            check.left_out = 0;
        }
    }

    /// Whether a flow passes the filters that are applied here. An unreadable flow passes.
    pub fn passes(&mut self, flow: &WireFlow) -> bool {
        let Some(check) = &mut self.check else { return true };
        let Some(flow) = flow.flow() else { return true };
        let passes = check.filters.here().is_none_or(|filters| filters.matches(&flow));
        check.left_out += u64::from(!passes);
        passes
    }

    /// Whether a node's notice refuses the mask. Later requests go without one.
    pub fn is_mask_refused(&self, relay: &Relay, notice: &RelayNotice) -> bool {
        let refused = matches!(notice, RelayNotice::NodeError { message, .. } if message.contains(MASK_REFUSED));
        self.refuse_mask(relay, refused)
    }

    /// Whether the relay's error refuses the mask.
    pub fn is_mask_refused_by(&self, relay: &Relay, error: &ClientError) -> bool {
        self.refuse_mask(relay, error.user_message().contains(MASK_REFUSED))
    }

    fn refuse_mask(&self, relay: &Relay, refused: bool) -> bool {
        let refused = refused && !self.field_mask.is_empty();
        if refused {
            relay.refuse_masks();
        }
        refused
    }

    /// The same plan without a mask.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.field_mask.clear();
        self.begin_again();
        self.notices.push(PlanNotice::MaskRefused);
        self
    }

    /// Notices known before the answer.
    pub fn notices(&self) -> &[PlanNotice] {
        &self.notices
    }

    /// A notice about flows that arrived against the filter since the last call.
    pub fn take_let_through(&mut self) -> Option<PlanNotice> {
        let check = self.check.as_mut().filter(|check| !check.expected && check.left_out > 0)?;
        Some(PlanNotice::LetThrough { flows: std::mem::take(&mut check.left_out) })
    }

    /// All notices, after the answer.
    pub(crate) fn into_notices(mut self) -> Vec<PlanNotice> {
        let let_through = self.take_let_through();
        self.notices.extend(let_through);
        self.notices
    }
}
