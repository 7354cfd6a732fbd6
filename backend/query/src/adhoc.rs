//! Ad hoc filters: conditions that Grafana adds to a query. Every condition must hold in addition
//! to the query's own filters, whatever flags these use.

use std::collections::BTreeMap;

use flow::filter::{FilterSet, FlowFilter, NoConjunction};
use wording::names;
use wording::quote;

use crate::budget;
use crate::filter::EndpointFilters;
use crate::flag::{self, Flag, RefusedFlag};
use crate::multi_value;

/// Maximum number of conditions in one query; more than a person sets by hand.
const MAX_ADHOC_FILTERS: usize = 50;

/// One condition of an ad hoc filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdhocFilter {
    pub(crate) key: Flag,
    /// Whether the condition is `!=` or `!=|`: flows with one of the values are left out.
    pub(crate) negated: bool,
    pub(crate) values: Vec<String>,
}

/// A condition as Grafana writes it. Its other fields matter to Grafana alone and are ignored.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "AdhocFilter", optional_fields))]
#[derive(Debug, Clone)]
pub(crate) struct AdhocFilterJson {
    pub(crate) key: String,
    pub(crate) operator: String,
    pub(crate) value: String,
    pub(crate) values: Option<Vec<String>>,
}

/// Reason why an ad hoc filter cannot be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidAdhocFilter {
    /// The key names neither a flag nor a column of the table.
    #[error("flows cannot be filtered by it{}", names::did_you_mean(*.meant))]
    Key {
        /// Nearest known key.
        meant: Option<&'static str>,
    },
    /// The operator is not one of the four that flow filters have.
    #[error("operator `{0}` is not possible for flows: use `=`, `!=`, `=|` or `!=|`")]
    Operator(String),
    /// A dashboard variable that Grafana left in place, as it was written.
    #[error("`{0}` was not replaced by a value: is there such a variable on the dashboard?")]
    Unresolved(String),
    /// The flag is set in the query too, and the two filters have no conjunction.
    #[error("the query's own filter on it cannot be narrowed")]
    Conjunction(#[source] NoConjunction),
    /// More than 50 conditions.
    #[error("there are more than {MAX_ADHOC_FILTERS} ad hoc filters")]
    TooMany,
    /// More values in all conditions than a selection may have.
    #[error("the ad hoc filters have more than {} values", budget::MAX_VALUES)]
    TooManyValues,
    /// The filters that result are too large.
    #[error(transparent)]
    TooLarge(#[from] budget::TooLarge),
}

/// Reason why the ad hoc filters of a query cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAdhocFilters {
    /// A condition with values but without a key.
    #[error("`adhocFilters[{index}].key` must be the name of what to filter by, not empty")]
    NoKey {
        /// Place of the condition in the list, from 0.
        index: usize,
    },
    /// A condition that cannot be applied.
    #[error("ad hoc filter `{key}`")]
    Filter {
        /// Key of the condition.
        key: String,
        /// Reason.
        #[source]
        cause: InvalidAdhocFilter,
    },
    /// A value that its flag does not take.
    #[error(transparent)]
    Flag(#[from] RefusedFlag),
}

/// Columns of the flows table by name, with the flag that a click on a cell filters by.
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

/// Reads the conditions of a query.
///
/// Errors: [`InvalidAdhocFilters`].
pub(crate) fn read(filters: Vec<AdhocFilterJson>) -> Result<Vec<AdhocFilter>, InvalidAdhocFilters> {
    if let Some(filter) = filters.get(MAX_ADHOC_FILTERS) {
        let cause = InvalidAdhocFilter::TooMany;
        return Err(InvalidAdhocFilters::Filter { key: quote(&filter.key), cause });
    }
    let mut values = 0_usize;
    for filter in &filters {
        values = values.saturating_add(filter.values.as_ref().map_or(1, Vec::len));
        if values > budget::MAX_VALUES {
            let cause = InvalidAdhocFilter::TooManyValues;
            return Err(InvalidAdhocFilters::Filter { key: quote(&filter.key), cause });
        }
    }
    let filters = filters.into_iter().enumerate();
    filters
        .filter_map(|(index, filter)| {
            if filter.lacks_key() {
                return Some(Err(InvalidAdhocFilters::NoKey { index }));
            }
            AdhocFilter::read(filter).transpose()
        })
        .collect()
}

impl AdhocFilterJson {
    /// Whether the condition has values but no key. Dropping it would widen the query.
    fn lacks_key(&self) -> bool {
        let mut values = self.values.iter().flatten().chain([&self.value]);
        self.key.trim().is_empty() && values.any(|value| !value.trim().is_empty())
    }
}

impl AdhocFilter {
    /// Reads one condition. `None`: no value is chosen yet.
    fn read(filter: AdhocFilterJson) -> Result<Option<Self>, InvalidAdhocFilters> {
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
                return Err(InvalidAdhocFilters::Filter { key: quote(&key), cause });
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
            return Err(InvalidAdhocFilters::Filter { key: quote(&key), cause });
        }
        let Some(known) = flag_of(key.trim()) else {
            let columns = TABLE_COLUMNS.iter().map(|(column, _)| *column);
            let meant = names::suggested(key.trim(), Flag::keys().chain(columns));
            let cause = InvalidAdhocFilter::Key { meant };
            return Err(InvalidAdhocFilters::Filter { key: quote(&key), cause });
        };
        if !negated && multi_value::is_all(known, &values) {
            return Ok(None);
        }
        if ["Source pod", "Destination pod"].contains(&key.trim()) {
            // The table's cells hold no namespace, and Hubble reads a bare name as one of
            // `default`.
            let bare = values.iter_mut().filter(|value| !value.contains('/'));
            bare.for_each(|value| value.insert(0, '/'));
        }
        Ok(Some(Self { key: known, negated, values }))
    }

    /// Filters that together match the flows with one of the values.
    fn filters(&self) -> Result<Vec<FlowFilter>, InvalidAdhocFilters> {
        let flags = BTreeMap::from([(self.key, self.values.clone())]);
        Ok(EndpointFilters::new("adhocFilters", &flags)?.filters())
    }
}

/// The flag with this name in a query's JSON, or the flag of the table column with this name.
fn flag_of(name: &str) -> Option<Flag> {
    let column = || TABLE_COLUMNS.iter().find(|(column, _)| *column == name);
    Flag::from_key(name).or_else(|| Some(column()?.1))
}

/// Narrows the flows that `set` selects by `conditions`. Alternatives multiply, so the size is
/// checked after each condition, which adds two filters at most.
///
/// Errors: a value that Hubble refuses, a field that cannot be narrowed, or more filters than a
/// query may have.
pub(crate) fn narrow(
    set: &mut FilterSet,
    conditions: &[AdhocFilter],
) -> Result<(), InvalidAdhocFilters> {
    for condition in conditions {
        let invalid = |cause: InvalidAdhocFilter| InvalidAdhocFilters::Filter {
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
                // Nothing can match. An empty list of filters would select everything, so it is
                // excluded instead.
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

/// The product of two lists of filters: each matches what one of either list matches.
fn both(one: &[FlowFilter], other: &[FlowFilter]) -> Result<Vec<FlowFilter>, NoConjunction> {
    let mut narrowed = Vec::new();
    for (own, added) in one.iter().flat_map(|own| other.iter().map(move |added| (own, added))) {
        narrowed.extend(own.and(added)?.filter(|both| !narrowed.contains(both)));
    }
    Ok(narrowed)
}
