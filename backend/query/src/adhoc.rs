//! Ad hoc filters: conditions that Grafana adds to a query. All of them must hold beside what the
//! query selects itself, whatever flags that uses.

use std::collections::BTreeMap;

use flow::filter::{FilterSet, FlowFilter, NoConjunction};
use wording::names;
use wording::quote;

use crate::budget;
use crate::choice;
use crate::filter::Sides;
use crate::flag::{self, Flag};
use crate::model::InvalidQuery;

/// More conditions than a person sets by hand.
const MAX_ADHOC_FILTERS: usize = 50;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdhocFilter {
    pub(crate) key: Flag,
    /// The flow has none of the values, where it would have one.
    pub(crate) negated: bool,
    pub(crate) values: Vec<String>,
}

/// A condition as Grafana writes it; what else it holds is for Grafana alone.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "AdhocFilter", optional_fields))]
#[derive(Debug, Clone)]
pub(crate) struct AdhocFilterJson {
    pub(crate) key: String,
    pub(crate) operator: String,
    pub(crate) value: String,
    pub(crate) values: Option<Vec<String>>,
}

/// Why a condition cannot be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum InvalidAdhocFilter {
    #[error("flows cannot be filtered by it{}", names::did_you_mean(*.meant))]
    Key { meant: Option<&'static str> },
    #[error("operator `{0}` is not possible for flows: use `=`, `!=`, `=|` or `!=|`")]
    Operator(String),
    #[error("`{0}` was not replaced by a value: is there such a variable on the dashboard?")]
    Unresolved(String),
    #[error("the query's own filter on it cannot be narrowed")]
    Conjunction(#[source] NoConjunction),
    #[error("there are more than {MAX_ADHOC_FILTERS} ad hoc filters")]
    TooMany,
    #[error("the ad hoc filters have more than {} values", budget::MAX_VALUES)]
    TooManyValues,
    #[error(transparent)]
    TooLarge(#[from] budget::TooLarge),
}

/// Names of columns in the table, which Grafana filters by when a cell is clicked.
const TABLE_COLUMNS: [(&str, Flag); 19] = [
    ("Verdict", Flag::Verdict),
    ("Drop reason", Flag::DropReasonDesc),
    ("Direction", Flag::TrafficDirection),
    ("Source namespace", Flag::FromNamespace),
    ("Source pod", Flag::FromPod),
    ("Source workload", Flag::FromWorkload),
    ("Source IP", Flag::FromIp),
    ("Source port", Flag::FromPort),
    ("Source identity", Flag::FromIdentity),
    ("Destination namespace", Flag::ToNamespace),
    ("Destination pod", Flag::ToPod),
    ("Destination workload", Flag::ToWorkload),
    ("Destination IP", Flag::ToIp),
    ("Destination port", Flag::ToPort),
    ("Destination identity", Flag::ToIdentity),
    ("Protocol", Flag::Protocol),
    ("Reply", Flag::Reply),
    ("TCP flags", Flag::TcpFlags),
    ("Node", Flag::NodeName),
];

/// Reads the conditions of a query. Errors: [`InvalidQuery::Adhoc`].
pub(crate) fn read(filters: Vec<AdhocFilterJson>) -> Result<Vec<AdhocFilter>, InvalidQuery> {
    if let Some(filter) = filters.get(MAX_ADHOC_FILTERS) {
        let cause = InvalidAdhocFilter::TooMany;
        return Err(InvalidQuery::Adhoc { key: quote(&filter.key), cause });
    }
    let mut values = 0_usize;
    for filter in &filters {
        values = values.saturating_add(filter.values.as_ref().map_or(1, Vec::len));
        if values > budget::MAX_VALUES {
            let cause = InvalidAdhocFilter::TooManyValues;
            return Err(InvalidQuery::Adhoc { key: quote(&filter.key), cause });
        }
    }
    let filters = filters.into_iter().enumerate();
    filters
        .filter_map(|(index, filter)| {
            if filter.lacks_key() {
                return Some(Err(InvalidQuery::Field {
                    field: format!("adhocFilters[{index}].key"),
                    expected: "the name of what to filter by".to_owned(),
                    found: "empty".to_owned(),
                }));
            }
            AdhocFilter::read(filter).transpose()
        })
        .collect()
}

impl AdhocFilterJson {
    /// Whether it names values and not what has them: without it the query would ask for more.
    fn lacks_key(&self) -> bool {
        let mut values = self.values.iter().flatten().chain([&self.value]);
        self.key.trim().is_empty() && values.any(|value| !value.trim().is_empty())
    }
}

impl AdhocFilter {
    /// `None`: no value is chosen yet.
    fn read(filter: AdhocFilterJson) -> Result<Option<Self>, InvalidQuery> {
        let AdhocFilterJson { key, operator, value, values } = filter;
        if key.trim().is_empty() {
            return Ok(None);
        }
        let (negated, many) = match operator.as_str() {
            "=" => (false, false),
            "!=" => (true, false),
            "=|" => (false, true),
            "!=|" => (true, true),
            _ => {
                let cause = InvalidAdhocFilter::Operator(quote(&operator));
                return Err(InvalidQuery::Adhoc { key: quote(&key), cause });
            }
        };
        let mut values = match values {
            Some(values) if many && !values.is_empty() => values,
            _ => vec![value],
        };
        values.retain(|value| !value.trim().is_empty());
        if values.is_empty() {
            return Ok(None);
        }
        if let Some(variable) = values.iter().find_map(|value| flag::unresolved_variable(value)) {
            let cause = InvalidAdhocFilter::Unresolved(variable.to_owned());
            return Err(InvalidQuery::Adhoc { key: quote(&key), cause });
        }
        let Some(known) = flag_of(key.trim()) else {
            let columns = TABLE_COLUMNS.iter().map(|(column, _)| *column);
            let meant = names::suggested(key.trim(), Flag::keys().chain(columns));
            let cause = InvalidAdhocFilter::Key { meant };
            return Err(InvalidQuery::Adhoc { key: quote(&key), cause });
        };
        if !negated && choice::is_all(known, &values) {
            return Ok(None);
        }
        if ["Source pod", "Destination pod"].contains(&key.trim()) {
            // The table's cells hold no namespace, and a flag without one means `default`.
            let bare = values.iter_mut().filter(|value| !value.contains('/'));
            bare.for_each(|value| value.insert(0, '/'));
        }
        Ok(Some(Self { key: known, negated, values }))
    }

    /// Flows that have one of the values.
    fn filters(&self) -> Result<Vec<FlowFilter>, InvalidQuery> {
        let flags = BTreeMap::from([(self.key, self.values.clone())]);
        Ok(Sides::new("adhocFilters", &flags)?.filters())
    }
}

/// The flag of that name in a query's JSON, or the one that a column of the table filters by.
fn flag_of(name: &str) -> Option<Flag> {
    let column = || TABLE_COLUMNS.iter().find(|(column, _)| *column == name);
    Flag::from_key(name).or_else(|| Some(column()?.1))
}

/// Narrows what `set` selects by `conditions`. The filters of alternatives multiply, so their size is
/// looked at after each condition: a condition is two filters at most.
///
/// Errors: a value that Hubble would not take, a field that cannot be narrowed, or more filters than
/// a query may have.
pub(crate) fn narrow(set: &mut FilterSet, conditions: &[AdhocFilter]) -> Result<(), InvalidQuery> {
    for condition in conditions {
        let invalid = |cause: InvalidAdhocFilter| InvalidQuery::Adhoc {
            key: condition.key.key().to_owned(),
            cause,
        };
        let filters = condition.filters()?;
        if condition.negated {
            set.deny.extend(filters);
        } else if set.allow.is_empty() {
            set.allow = filters;
        } else {
            let narrowed = both(&set.allow, &filters)
                .map_err(|error| invalid(InvalidAdhocFilter::Conjunction(error)))?;
            if narrowed.is_empty() {
                // Nothing can match, and no filter at all would select everything.
                set.allow.clear();
                set.deny.push(FlowFilter::default());
                return Ok(());
            }
            set.allow = narrowed;
        }
        budget::check(set).map_err(|error| invalid(error.into()))?;
    }
    Ok(())
}

/// Filters that match what one of either list matches.
fn both(one: &[FlowFilter], other: &[FlowFilter]) -> Result<Vec<FlowFilter>, NoConjunction> {
    let mut narrowed = Vec::new();
    for (own, added) in one.iter().flat_map(|own| other.iter().map(move |added| (own, added))) {
        narrowed.extend(own.and(added)?.filter(|both| !narrowed.contains(both)));
    }
    Ok(narrowed)
}
