//! The plan of a request: how a relay is asked for flows, by what its nodes know, and what is left
//! to do here.

use std::fmt;

use flow::columns::{ColumnSet, FlowColumns};
use flow::filter::{CompiledFilterSet, FilterSet, FlowFilter};
use hubble_api::client::{FlowRequest, RelayError as ClientError, RelayNotice, WireFlow};
use hubble_api::release::{
    Release, UnsupportedCondition, columns_since, mask_paths, supported_filters,
};
use wording::names;

use crate::nodes::Known;
use crate::{Relay, RelayError};

/// Words of a node that does not know a path of a mask. Source: `pkg/hubble/parser/fieldmask`.
const MASK_REFUSED: &str = "invalid fieldmask";
/// Fields that a sentence lists.
const MAX_FIELDS_SHOWN: usize = 6;

/// The filters and fields that nodes are asked for, and the filters that are applied here instead.
#[derive(Debug, Default)]
pub struct Plan {
    filters: FilterSet,
    field_mask: Vec<String>,
    check: Option<Check>,
    remarks: Vec<Remark>,
    /// Nodes that the relay is connected to; 0: not known.
    pub(crate) nodes: usize,
}

/// Filters that are applied here.
#[derive(Debug)]
struct Check {
    filters: CompiledFilterSet,
    /// Flows that they took out.
    left_out: u64,
    /// Whether it is known that the nodes let more through than was asked for.
    expected: bool,
}

/// What a user should know about how the relay was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Conditions that nodes do not know were applied here.
    FiltersHere {
        /// The oldest release of a node.
        oldest: Release,
        /// What that release cannot filter by.
        unknown: Vec<UnsupportedCondition>,
    },
    /// Flows came that the filters exclude, from nodes of an unknown release.
    LetThrough {
        /// How many.
        flows: u64,
    },
    /// Fields that nodes do not record.
    FieldsMissing {
        /// The oldest release of a node.
        oldest: Release,
        /// Names of the fields.
        fields: Vec<&'static str>,
    },
    /// A node did not take the list of fields.
    MaskRefused,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FiltersHere { oldest, unknown } => {
                let fields: Vec<String> = unknown
                    .iter()
                    .map(|need| format!("`{}` (Cilium {})", need.field, need.since))
                    .collect();
                write!(
                    f,
                    "nodes run Cilium {oldest}, which cannot filter by {}: the flows were filtered after they came",
                    fields.join(", ")
                )
            }
            Self::LetThrough { flows } => {
                match flows {
                    1 => f.write_str("1 flow came that the filter excludes, and is")?,
                    _ => write!(f, "{flows} flows came that the filter excludes, and are")?,
                }
                f.write_str(" left out: the relay's nodes are older than the filter")
            }
            Self::FieldsMissing { oldest, fields } => {
                let fields = names::first(fields.iter().copied(), MAX_FIELDS_SHOWN);
                write!(f, "nodes run Cilium {oldest}, which does not record {fields}")
            }
            Self::MaskRefused => f.write_str(
                "nodes did not take the list of fields that are needed: all fields were read, which takes longer",
            ),
        }
    }
}

impl Relay {
    /// How to ask for flows that pass `filters`, of which `columns` are shown.
    ///
    /// Errors: [`RelayError::TooOld`], for a filter that neither the nodes nor this side can apply;
    /// [`RelayError::NotRecorded`], for one that looks at what the flows of old nodes do not hold.
    pub async fn plan(&self, filters: &FilterSet, columns: ColumnSet) -> Result<Plan, RelayError> {
        let known = self.known().await;
        let mut plan = Plan::new(filters, columns, known)?;
        if self.masks_refused() {
            plan.field_mask.clear();
        }
        Ok(plan)
    }
}

impl Plan {
    fn new(filters: &FilterSet, columns: ColumnSet, known: Known) -> Result<Self, RelayError> {
        let Some(oldest) = known.oldest else {
            // What is not known to be older is asked for everything, and its answer is looked at.
            let has_filters = !filters.allow.is_empty() || !filters.deny.is_empty();
            let check = has_filters.then(|| Check::new(filters, false)).flatten();
            return Ok(Self {
                filters: filters.clone(),
                check,
                nodes: known.nodes,
                ..Self::default()
            });
        };
        let mut remarks = Vec::new();
        // A node that does not know of aggregates makes none: each of its records is one flow.
        let missing = columns_since(columns, oldest)
            .into_iter()
            .filter(|(column, _)| !FlowColumns::STANDS_FOR_COLUMNS.contains(*column));
        let fields: Vec<&str> = missing.map(|(column, _)| column.name()).collect();
        if !fields.is_empty() && columns != ColumnSet::ALL {
            remarks.push(Remark::FieldsMissing { oldest, fields });
        }
        let asked = supported_filters(filters, oldest);
        let (mut check, mut field_mask) = (None, mask_paths(columns, oldest));
        if !asked.unknown.is_empty() {
            if let Some(need) = asked.unknown.iter().find(|need| need.field == "cel_expression") {
                return Err(RelayError::TooOld { filter: need.field, since: need.since, oldest });
            }
            // All of their flows would pass it, or none, and either would claim what is not known.
            if let Some(need) = asked.unknown.iter().find(|need| oldest < need.recorded_since()) {
                let since = need.recorded_since();
                return Err(RelayError::NotRecorded { filter: need.field, since, oldest });
            }
            check = Check::new(filters, true);
            // What filters look at need not be shown.
            field_mask.clear();
            remarks.push(Remark::FiltersHere { oldest, unknown: asked.unknown });
        }
        Ok(Self { filters: asked.filters, field_mask, check, remarks, nodes: known.nodes })
    }

    /// The filters and the mask of a request.
    pub fn request(&self) -> FlowRequest {
        FlowRequest {
            filters: self.filters.clone(),
            field_mask: self.field_mask.clone(),
            ..FlowRequest::default()
        }
    }

    /// Whether the nodes let through all that is asked for and no more, as far as is known: then
    /// a number of flows can be left to them.
    pub(crate) fn is_exact(&self) -> bool {
        self.check.as_ref().is_none_or(|check| !check.expected)
    }

    /// Whether flows came that the filters exclude.
    pub(crate) fn has_left_out(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.left_out > 0)
    }

    /// Forgets what came: it is asked for again.
    pub(crate) fn begin_again(&mut self) {
        if let Some(check) = &mut self.check {
            check.left_out = 0;
        }
    }

    /// Whether a flow passes the filters that are applied here. One that cannot be read passes.
    pub fn passes(&mut self, flow: &WireFlow) -> bool {
        let Some(check) = &mut self.check else { return true };
        let Some(flow) = flow.flow() else { return true };
        let passes = check.filters.matches(&flow);
        check.left_out += u64::from(!passes);
        passes
    }

    /// Whether a node says that it does not take the mask. From then on it is asked without.
    pub fn is_mask_refused(&self, relay: &Relay, notice: &RelayNotice) -> bool {
        let refused = matches!(notice, RelayNotice::NodeError { message, .. } if message.contains(MASK_REFUSED));
        self.refuse_mask(relay, refused)
    }

    /// The same of a relay that gives no other answer.
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
        self.remarks.push(Remark::MaskRefused);
        self
    }

    /// What there is to say about it beforehand.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Flows that came against the filter, and are not yet in a remark.
    pub fn take_let_through(&mut self) -> Option<Remark> {
        let check = self.check.as_mut().filter(|check| !check.expected && check.left_out > 0)?;
        Some(Remark::LetThrough { flows: std::mem::take(&mut check.left_out) })
    }

    /// What there is to say about it, once the answer has come.
    pub(crate) fn into_remarks(mut self) -> Vec<Remark> {
        let let_through = self.take_let_through();
        self.remarks.extend(let_through);
        self.remarks
    }
}

impl Check {
    /// `None`: there is nothing that could be applied here.
    fn new(filters: &FilterSet, expected: bool) -> Option<Self> {
        // CEL is for the nodes alone. Without it a filter that allows lets more through; one that
        // excludes would take too much.
        let allow = filters
            .allow
            .iter()
            .map(|filter| FlowFilter { cel_expression: Vec::new(), ..filter.clone() });
        let deny = filters.deny.iter().filter(|filter| filter.cel_expression.is_empty());
        let filters = FilterSet { allow: allow.collect(), deny: deny.cloned().collect() };
        // They have been compiled when the query was read.
        let filters = filters.compile().ok()?;
        Some(Self { filters, left_out: 0, expected })
    }
}
