//! The limit that a refused query exceeds.

use std::error::Error;

use flow::filter::NoConjunction;

use crate::adhoc::InvalidAdhocFilter;
use crate::budget::TooLarge;
use crate::fields::InvalidFields;
use crate::flag::InvalidFlag;
use crate::model::InvalidQuery;

/// A limit on queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryLimit {
    /// The size of the query itself.
    Size,
    /// The number and size of its filters, and of what they combine to.
    Filters,
}

impl InvalidQuery {
    /// The limit that the query exceeds. `None`: it is refused for another reason.
    pub fn exceeded(&self) -> Option<QueryLimit> {
        if let Self::Fields(InvalidFields::TooLarge | InvalidFields::TooManyFields { .. }) = self {
            return Some(QueryLimit::Size);
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            if exceeds_filters(error) {
                return Some(QueryLimit::Filters);
            }
            cause = error.source();
        }
        None
    }
}

fn exceeds_filters(error: &(dyn Error + 'static)) -> bool {
    let flag = || {
        let flag = error.downcast_ref::<InvalidFlag>()?;
        Some(matches!(
            flag,
            InvalidFlag::TooLarge(_) | InvalidFlag::TooMany { .. } | InvalidFlag::TooLong { .. }
        ))
    };
    let adhoc = || match error.downcast_ref::<InvalidAdhocFilter>()? {
        InvalidAdhocFilter::TooMany
        | InvalidAdhocFilter::TooManyValues
        | InvalidAdhocFilter::TooLarge(_) => Some(true),
        _ => None,
    };
    let conjunction = || {
        let conjunction = error.downcast_ref::<NoConjunction>()?;
        Some(matches!(conjunction, NoConjunction::TooLarge { .. }))
    };
    error.is::<TooLarge>() || flag().or_else(adhoc).or_else(conjunction).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{FlowSelection, Query, ReadQuery};

    fn exceeded(query: &Value) -> Option<QueryLimit> {
        let read = ReadQuery::read(query.to_string().as_bytes(), "");
        let selected = read.and_then(|read| match read.query {
            Query::Flows(query) => Ok(FlowSelection::new(&query.form).map(drop)?),
            _ => Ok(()),
        });
        selected.err().and_then(|error| error.exceeded())
    }

    #[test]
    fn limits_are_told_from_other_reasons() {
        let check = |query: Value, expected: Option<QueryLimit>| {
            let text = query.to_string();
            assert_eq!(exceeded(&query), expected, "{}", text.get(..200).unwrap_or(&text));
        };
        let names = |count: usize| -> Vec<String> { (0..count).map(|n| format!("n{n}")).collect() };
        let adhoc = |count: usize| -> Vec<Value> {
            let one = |n| json!({ "key": "label", "operator": "=", "value": format!("a{n}") });
            (0..count).map(one).collect()
        };
        check(json!({}), None);
        check(json!({ "filter": { "fromPod": "a" } }), None);
        check(json!({ "nosuch": 1 }), None);
        check(json!({ "filter": { "pod": ["x".repeat(1 << 20)] } }), Some(QueryLimit::Size));
        check(json!({ "filter": { "pod": ["x".repeat(3_000)] } }), Some(QueryLimit::Filters));
        check(json!({ "filter": { "pod": names(501) } }), Some(QueryLimit::Filters));
        let product = json!({ "namespace": names(100), "pod": names(100) });
        check(json!({ "filter": product }), Some(QueryLimit::Filters));
        check(json!({ "adhocFilters": adhoc(20) }), Some(QueryLimit::Filters));
        check(json!({ "adhocFilters": adhoc(51) }), Some(QueryLimit::Filters));
    }
}
