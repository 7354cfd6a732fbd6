//! Queries for drops as annotations.

use wording::Notice;

use crate::fields::{Fields, InvalidFields};
use crate::flag::Flag;
use crate::form::FlowsForm;
use crate::form_json::{InvalidForm, read_fields};
use crate::limit::{self, LimitOutOfRange};

/// Default number of annotations; more lines hide the chart behind them.
pub(crate) const DEFAULT_LIMIT: usize = 20;
pub(crate) const MAX_LIMIT: usize = 1_000;
/// A query for annotations: the first drop of each pair of source and destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowAnnotationsQuery {
    /// Selected flows; only drops where the query names no verdict.
    pub form: FlowsForm,
    /// Maximum number of annotations, 1 to 1,000.
    pub limit: usize,
    /// Notices about parts of the query that were not used.
    pub notices: Vec<Notice>,
}

#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "FlowAnnotationsFields", optional_fields)
)]
pub(crate) struct FlowAnnotationsJson {
    limit: Option<i64>,
}

impl FlowAnnotationsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        Ok(Self { limit: fields.whole("limit")? })
    }
}

/// Reason why a query for annotations cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFlowAnnotationsQuery {
    /// A selection of flows that cannot be read.
    #[error(transparent)]
    Form(#[from] InvalidForm),
    /// A limit out of range.
    #[error(transparent)]
    Limit(#[from] LimitOutOfRange),
}

impl FlowAnnotationsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidFlowAnnotationsQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidFlowAnnotationsQuery> {
        let (mut form, json, notices) =
            read_fields(fields, "flowAnnotations", FlowAnnotationsJson::take)?;
        let limit = limit::read(json.limit, DEFAULT_LIMIT, MAX_LIMIT, "annotations")?;
        // The relay filters by verdict. Raw filters are alternatives: a verdict beside them would
        // select all drops, so drops are picked out here instead.
        if form.allowlist.is_empty() {
            form.filter.entry(Flag::Verdict).or_insert_with(|| vec!["DROPPED".to_owned()]);
        }
        Ok(Self { form, limit, notices })
    }
}
