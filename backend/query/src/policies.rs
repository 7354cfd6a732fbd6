//! Queries for the data source's network policies.

use wording::Notice;

use crate::fields::Fields;
use crate::model::InvalidQuery;

/// A query for all configured policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoliciesQuery;

impl PoliciesQuery {
    /// A query from its fields, and notices about them: this type has no fields of its own.
    ///
    /// Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<(Self, Vec<Notice>), InvalidQuery> {
        Ok((Self, fields.rest("policies")?))
    }
}
