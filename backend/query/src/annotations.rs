//! Queries for drops as annotations.

use wording::Notice;

use crate::fields::Fields;
use crate::flag::Flag;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

/// Default number of annotations; more lines hide the chart behind them.
pub(crate) const DEFAULT_LIMIT: i64 = 20;
pub(crate) const MAX_LIMIT: i64 = 1_000;
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
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { limit: fields.whole("limit")? })
    }
}

impl FlowAnnotationsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (mut form, json, notices) =
            read_fields(fields, "flowAnnotations", FlowAnnotationsJson::take)?;
        let limit = json.limit.unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=MAX_LIMIT).contains(&limit))
            .ok_or(InvalidQuery::Annotations { limit, max: MAX_LIMIT })?;
        // The relay filters by verdict. Raw filters are alternatives: a verdict beside them would
        // select all drops, so drops are picked out here instead.
        if form.allowlist.is_empty() {
            form.filter.entry(Flag::Verdict).or_insert_with(|| vec!["DROPPED".to_owned()]);
        }
        Ok(Self { form, limit, notices })
    }
}
