//! Queries for single flows.

use serde::Deserialize;
use wording::Notice;

use crate::fields::Fields;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

pub(crate) const DEFAULT_LIMIT: u32 = 1_000;
pub(crate) const MAX_LIMIT: u32 = 100_000;

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
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { format: fields.variant("format")?, limit: fields.whole("limit")? })
    }
}

impl FlowsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidQuery`].
    pub fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(fields, "flows", FlowsJson::take)?;
        let limit = json.limit.unwrap_or(i64::from(DEFAULT_LIMIT));
        let limit = u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or(InvalidQuery::Limit(limit))?;
        let selectors = &form.selectors;
        let asked = selectors.last.or(selectors.first).filter(|asked| *asked > 0);
        let limit = match asked {
            // The line has its own `--last` or `--first`; the limit beside it is an upper bound.
            Some(asked) => {
                let most = if json.limit.is_some() { limit } else { MAX_LIMIT };
                u64::from(most).min(asked)
            }
            None => u64::from(limit),
        };
        Ok(Self {
            form,
            format: json.format.unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            notices,
        })
    }
}
