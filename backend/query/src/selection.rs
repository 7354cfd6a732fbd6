//! The flows that a query selects, as filters for the relay and as a command line.

use flow::filter::{
    FilterError, FilterList, FilterSet, FilterSetError, FlowFilter, PreparedFilters,
};
use hubble_api::json::read_filter;
use serde_json::value::RawValue;

use crate::adhoc::{self, InvalidAdhocFilters};
use crate::budget::{self, TooLarge};
use crate::filter::EndpointFilters;
use crate::flag::{self, FlagValues, InvalidFlag, RefusedFlag};
use crate::form::FlowsForm;
use crate::observe;

/// The flows that a query selects: as Hubble's filters and as a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowSelection {
    /// Hubble's filters.
    pub filters: FilterSet,
    /// Flags and values of `hubble observe`, quoted for a shell.
    pub observe_flags: String,
}

/// Whether a data source allows CEL expressions, which every node evaluates for every flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CelExpressions {
    /// They are sent to the nodes.
    Allowed,
    /// They are refused.
    Refused,
}

/// Reason why flows cannot be selected.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSelection {
    /// A flag that cannot be used.
    #[error(transparent)]
    Flag(#[from] RefusedFlag),
    /// A selection that is too large.
    #[error("`{list}`")]
    TooLarge {
        /// Field that holds the filters.
        list: &'static str,
        /// Reason.
        #[source]
        cause: TooLarge,
    },
    /// A filter in JSON that Hubble refuses.
    #[error("`{list}`: {reason}")]
    RawFilter {
        /// `allowlist` or `denylist`.
        list: &'static str,
        /// Place of the filter in the list, from 0.
        index: usize,
        /// Reason, as the end of a sentence.
        reason: String,
    },
    /// A regular expression that takes too much memory when compiled.
    #[error("`{key}`")]
    Pattern {
        /// Path of the field, as in `filter.httpPath`.
        key: String,
        /// Reason.
        #[source]
        cause: FilterError,
    },
    /// CEL expressions, which the data source does not allow.
    #[error(
        "CEL expressions are off in this data source, because every node evaluates them for every flow: `Allow CEL expressions` in its settings turns them on"
    )]
    CelIsOff,
    /// Ad hoc filters that cannot be applied.
    #[error(transparent)]
    Adhoc(#[from] InvalidAdhocFilters),
}

impl FlowSelection {
    /// Translates `form`. Its regular expressions are parsed but not compiled.
    ///
    /// Errors: [`InvalidSelection`].
    pub fn new(form: &FlowsForm) -> Result<Self, InvalidSelection> {
        let mut filters = FilterSet::default();
        filters.allow = EndpointFilters::new("filter", &form.filter)?.filters();
        let too_large = |list| move |cause| InvalidSelection::TooLarge { list, cause };
        budget::check(&filters).map_err(too_large("filter"))?;
        filters.deny = EndpointFilters::new("exclude", &form.exclude)?.filters();
        budget::check(&filters).map_err(too_large("exclude"))?;
        for (list, texts) in [("allowlist", &form.allowlist), ("denylist", &form.denylist)] {
            for (index, text) in texts.iter().enumerate() {
                let of_text = raw_filters(list, index, text)?;
                let into = if list == "allowlist" { &mut filters.allow } else { &mut filters.deny };
                into.extend(of_text);
                budget::check(&filters).map_err(|cause| {
                    let reason = cause.to_string();
                    InvalidSelection::RawFilter { list, index, reason }
                })?;
            }
        }
        adhoc::narrow(&mut filters, &form.adhoc)?;
        let observe_flags = if observe::can_be_flags(form) {
            observe::flags(form)
        } else {
            observe::raw_flags(&filters)
        };
        Ok(Self { filters, observe_flags })
    }
}

/// Compiles the filters of a selection; the relay takes no others. Takes milliseconds for large regular
/// expressions: call it on a thread that may block.
///
/// Errors: [`InvalidSelection::CelIsOff`], or a regular expression that takes too much memory, by
/// [`InvalidSelection::Pattern`] or, in a filter in JSON, [`InvalidSelection::RawFilter`].
pub fn prepare(
    filters: FilterSet,
    form: &FlowsForm,
    cel: CelExpressions,
) -> Result<PreparedFilters, InvalidSelection> {
    let mut all = filters.allow.iter().chain(&filters.deny);
    if cel == CelExpressions::Refused && all.any(|filter| !filter.cel_expression.is_empty()) {
        return Err(InvalidSelection::CelIsOff);
    }
    filters.prepare().map_err(|FilterSetError { list, index, source }| {
        match flag_of(form, &source) {
            Some(key) => InvalidSelection::Pattern { key, cause: source },
            None => InvalidSelection::RawFilter {
                list: match list {
                    FilterList::Allow => "allowlist",
                    FilterList::Deny => "denylist",
                },
                index,
                reason: wording::with_causes(&source),
            },
        }
    })
}

/// The path of the flag from which a filter has the value that it refuses. `None`: it is from JSON.
fn flag_of(form: &FlowsForm, error: &FilterError) -> Option<String> {
    let FilterError::Regex { field, value, .. } = error else { return None };
    let has_value = |values: &[String]| values.iter().any(|own| own.trim() == value);
    let of_list = |list: &str, flags: &FlagValues| {
        let mut set = flags.iter().filter(|(flag, values)| flag.sets(field) && has_value(values));
        set.next().map(|(flag, _)| format!("{list}.{}", flag.key()))
    };
    let of_adhoc = || {
        let mut set = form.adhoc.iter().filter(|it| it.key.sets(field) && has_value(&it.values));
        set.next().map(|condition| format!("adhocFilters.{}", condition.key.key()))
    };
    of_list("filter", &form.filter).or_else(|| of_list("exclude", &form.exclude)).or_else(of_adhoc)
}

/// Filters in JSON, one after the other, as `--allowlist` and `--denylist` take them and
/// `--print-raw-filters` prints them. Reading stops after the maximum number of filters.
fn raw_filters(
    list: &'static str,
    index: usize,
    text: &str,
) -> Result<Vec<FlowFilter>, InvalidSelection> {
    let invalid = |reason: String| InvalidSelection::RawFilter { list, index, reason };
    if let Some(variable) = flag::unresolved_variable(text) {
        return Err(invalid(InvalidFlag::Unresolved(variable.to_owned()).to_string()));
    }
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values
        .take(budget::MAX_FILTERS + 1)
        .map(|value| {
            let value = value.map_err(|error| invalid(format!("it is not JSON: {error}")))?;
            let (filter, skipped) = read_filter(value.get().as_bytes())
                .map_err(|error| invalid(wording::with_causes(&error)))?;
            match skipped.names.first() {
                Some(name) => Err(invalid(format!("`{name}` is not known"))),
                None => Ok(filter),
            }
        })
        .collect()
}

/// The line that selects what `form` selects, narrowed by its ad hoc filters.
///
/// Errors: a filter that Hubble refuses.
pub(crate) fn command(form: &FlowsForm) -> Result<String, InvalidSelection> {
    let FlowSelection { filters, .. } = FlowSelection::new(form)?;
    if observe::can_be_flags(form) {
        return Ok(observe::line(form));
    }
    let selectors = FlowsForm { selectors: form.selectors.clone(), ..FlowsForm::default() };
    Ok(format!("{} {}", observe::line(&selectors), observe::raw_flags(&filters)))
}
