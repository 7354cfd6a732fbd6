//! Queries for drops as annotations.

use wording::Notice;

use crate::fields::Fields;
use crate::flag::Flag;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

/// More lines than that hide the chart that they stand in.
pub(crate) const DEFAULT_LIMIT: i64 = 20;
pub(crate) const MAX_LIMIT: i64 = 1_000;
/// First drops of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowAnnotationsQuery {
    /// Which flows; drops, where it does not say otherwise.
    pub form: FlowsForm,
    /// Annotations at most, 1 to 1,000.
    pub limit: usize,
    /// What of the query was not used.
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
    /// Takes the fields of a query. Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (mut form, json, notices) =
            read_fields(fields, "flowAnnotations", FlowAnnotationsJson::take)?;
        let limit = json.limit.unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=MAX_LIMIT).contains(&limit))
            .ok_or(InvalidQuery::Annotations { limit, max: MAX_LIMIT })?;
        // The relay looks for them. Beside raw filters, which are alternatives, it would send
        // all that was dropped; then they are found here alone.
        if form.allowlist.is_empty() {
            form.filter.entry(Flag::Verdict).or_insert_with(|| vec!["DROPPED".to_owned()]);
        }
        Ok(Self { form, limit, notices })
    }
}
