//! Queries for single flows.

use serde::Deserialize;
use wording::Notice;

use crate::fields::{Fields, InvalidFields};
use crate::form::FlowsForm;
use crate::form_json::{InvalidForm, read_fields};
use crate::limit::{self, LimitOutOfRange};

pub(crate) const DEFAULT_LIMIT: usize = 1_000;
pub(crate) const MAX_LIMIT: usize = 100_000;

/// A query for flows of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowsQuery {
    /// Selected flows.
    pub form: FlowsForm,
    /// Format of the answer.
    pub format: FlowsFormat,
    /// Maximum number of flows, 1 to 100,000.
    pub limit: usize,
    /// Notices about parts of the line that were not used.
    pub notices: Vec<Notice>,
}

/// Format in which flows are returned.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowsFormat {
    /// A table that any panel shows.
    #[default]
    Table,
    /// The relay's bytes, for the flows panel.
    Packed,
    /// Log lines.
    Logs,
}

/// The fields that only a flows query has.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "FlowsFields", optional_fields))]
pub(crate) struct FlowsJson {
    format: Option<FlowsFormat>,
    limit: Option<i64>,
}

impl FlowsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        Ok(Self { format: fields.variant("format")?, limit: fields.whole("limit")? })
    }
}

/// Reason why a query for flows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFlowsQuery {
    /// A selection of flows that cannot be read.
    #[error(transparent)]
    Form(#[from] InvalidForm),
    /// A limit out of range.
    #[error(transparent)]
    Limit(#[from] LimitOutOfRange),
}

impl FlowsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidFlowsQuery`].
    pub fn take(fields: Fields) -> Result<Self, InvalidFlowsQuery> {
        let (form, json, notices) = read_fields(fields, "flows", FlowsJson::take)?;
        let limit = limit::read(json.limit, DEFAULT_LIMIT, MAX_LIMIT, "flows")?;
        let selectors = &form.selectors;
        let asked = selectors.last.or(selectors.first).filter(|asked| *asked > 0);
        let limit = match asked {
            // The line has its own `--last` or `--first`; the limit beside it is an upper bound.
            Some(asked) => {
                let most = if json.limit.is_some() { limit } else { MAX_LIMIT };
                usize::try_from(asked).map_or(most, |asked| asked.min(most))
            }
            None => limit,
        };
        Ok(Self { form, format: json.format.unwrap_or_default(), limit, notices })
    }
}
