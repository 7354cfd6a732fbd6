//! Queries for the data source's network policies.

use wording::Notice;

use crate::fields::{Fields, InvalidFields};

/// A query for all configured policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoliciesQuery;

impl PoliciesQuery {
    /// A query from its fields, and notices about them: this type has no fields of its own.
    ///
    /// Errors: [`InvalidFields`].
    pub(crate) fn take(fields: Fields) -> Result<(Self, Vec<Notice>), InvalidFields> {
        Ok((Self, fields.rest("policies")?))
    }
}
