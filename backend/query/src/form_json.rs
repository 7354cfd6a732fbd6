//! The selection of flows in a query's JSON: single flags, or one `hubble observe …` line.

use std::collections::BTreeMap;

use wording::{Notice, quote};

use crate::adhoc::{self, AdhocFilterJson, InvalidAdhocFilters};
use crate::budget::MAX_FILTERS;
use crate::fields::{Fields, InvalidFields};
use crate::flag::{Flag, FlagValues, InvalidFlag, RefusedFlag};
use crate::form::{FlowsForm, InvalidSelectors, Selectors};
use crate::line::{self, Diagnostic, Variables};
use crate::multi_value;
use crate::selection::InvalidSelection;

/// A [`FlowsForm`] in JSON.
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "FormFields", rename_all = "camelCase", optional_fields)
)]
#[derive(Debug)]
pub(crate) struct FormJson {
    pub text: Option<String>,
    #[cfg_attr(feature = "typescript", ts(optional, type = "FlowFilter"))]
    pub filter: Option<BTreeMap<String, Vec<String>>>,
    #[cfg_attr(feature = "typescript", ts(optional, type = "FlowFilter"))]
    pub exclude: Option<BTreeMap<String, Vec<String>>>,
    pub allowlist: Option<Vec<String>>,
    pub denylist: Option<Vec<String>>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub last: Option<u64>,
    pub first: Option<u64>,
    pub all: Option<bool>,
    pub follow: Option<bool>,
    pub adhoc_filters: Option<Vec<AdhocFilterJson>>,
}

/// Reason why a query's selection of flows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidForm {
    /// Fields that cannot be used.
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    /// A flag that cannot be used.
    #[error(transparent)]
    Flag(#[from] RefusedFlag),
    /// Ad hoc filters that cannot be applied.
    #[error(transparent)]
    Adhoc(#[from] InvalidAdhocFilters),
    /// Flows that cannot be selected.
    #[error(transparent)]
    Selection(#[from] InvalidSelection),
    /// Selectors that cannot be used.
    #[error(transparent)]
    Selectors(#[from] InvalidSelectors),
    /// A line together with fields of the builder.
    #[error("`text` and the builder's fields are both set: use one of them")]
    TextAndFilter,
    /// The errors of a line.
    #[error("`text`, byte {start}: {text}{}", and_more(*.more))]
    Text {
        /// First byte of the fault in the line.
        start: usize,
        /// Message of the first error.
        text: String,
        /// Number of further errors.
        more: usize,
    },
}

impl FormJson {
    /// Takes the form's fields.
    ///
    /// Errors: [`InvalidFields`].
    pub(crate) fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        let adhoc_filter = |fields: &mut Fields| {
            Ok(AdhocFilterJson {
                key: fields.text("key")?.unwrap_or_default(),
                operator: fields.text("operator")?.unwrap_or_default(),
                value: fields.text("value")?.unwrap_or_default(),
                values: fields.texts("values")?,
            })
        };
        Ok(Self {
            text: fields.text("text")?,
            filter: fields.named_texts("filter")?,
            exclude: fields.named_texts("exclude")?,
            allowlist: fields.texts("allowlist")?,
            denylist: fields.texts("denylist")?,
            since: fields.text("since")?,
            until: fields.text("until")?,
            last: fields.count("last")?,
            first: fields.count("first")?,
            all: fields.truth("all")?,
            follow: fields.truth("follow")?,
            adhoc_filters: fields.objects("adhocFilters", adhoc_filter)?,
        })
    }

    /// The line, if there is one and no other field of the form.
    ///
    /// Errors: [`InvalidForm::TextAndFilter`].
    pub(crate) fn text(&self) -> Result<Option<&str>, InvalidForm> {
        let Some(text) = self.text.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        let is_set = |flags: &Option<BTreeMap<String, Vec<String>>>| {
            flags.iter().flat_map(BTreeMap::values).flatten().any(|value| !value.trim().is_empty())
        };
        let beside = is_set(&self.filter)
            || is_set(&self.exclude)
            || [&self.allowlist, &self.denylist].into_iter().flatten().any(|list| !list.is_empty())
            || self.since.is_some()
            || self.until.is_some()
            || self.last.is_some()
            || self.first.is_some()
            || self.all == Some(true)
            || self.follow == Some(true);
        if beside { Err(InvalidForm::TextAndFilter) } else { Ok(Some(text)) }
    }

    /// The form, and the parts of the line that were not used.
    ///
    /// Errors: [`InvalidForm`].
    pub(crate) fn read(mut self) -> Result<(FlowsForm, Vec<Diagnostic>), InvalidForm> {
        let adhoc = adhoc::read(self.adhoc_filters.take().unwrap_or_default())?;
        if let Some(text) = self.text()? {
            let line = line::read(text, Variables::Refused);
            return match line.errors.first() {
                None => Ok((FlowsForm { adhoc, ..line.form }, line.warnings)),
                Some(first) => Err(InvalidForm::Text {
                    start: first.start,
                    text: first.text.clone(),
                    more: line.errors.len() - 1,
                }),
            };
        }
        let blank = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let form = FlowsForm {
            filter: read_flags("filter", self.filter.unwrap_or_default())?,
            exclude: read_flags("exclude", self.exclude.unwrap_or_default())?,
            allowlist: read_raw("allowlist", self.allowlist)?,
            denylist: read_raw("denylist", self.denylist)?,
            adhoc,
            selectors: Selectors {
                since: blank(self.since),
                until: blank(self.until),
                last: self.last,
                first: self.first,
                all: self.all.unwrap_or(false),
                follow: self.follow.unwrap_or(false),
            },
        };
        form.selectors.check()?;
        Ok((form, Vec::new()))
    }
}

fn read_flags(
    list: &'static str,
    flags: BTreeMap<String, Vec<String>>,
) -> Result<FlagValues, RefusedFlag> {
    let mut read = FlagValues::new();
    for (key, mut values) in flags {
        let invalid = |cause| RefusedFlag { list, flag: quote(&key), cause };
        let flag = Flag::from_key(&key)
            .ok_or_else(|| invalid(InvalidFlag::Unknown { key: quote(&key) }))?;
        values.retain(|value| !value.trim().is_empty());
        if !values.is_empty() {
            read.insert(flag, values);
        }
    }
    multi_value::resolve(&mut read).map_err(|(flag, cause)| {
        let flag = flag.key().to_owned();
        RefusedFlag { list, flag, cause }
    })?;
    Ok(read)
}

fn read_raw(
    list: &'static str,
    texts: Option<Vec<String>>,
) -> Result<Vec<String>, InvalidSelection> {
    let mut texts = texts.unwrap_or_default();
    texts.retain(|text| !text.trim().is_empty());
    if texts.len() > MAX_FILTERS {
        let reason = format!("has {} filters; the limit is {MAX_FILTERS}", texts.len());
        return Err(InvalidSelection::RawFilter { list, index: MAX_FILTERS, reason });
    }
    Ok(texts)
}

/// Reads a query about flows: the selection, the fields that `own` takes, and notices about the
/// query.
///
/// Errors: [`InvalidForm`].
pub(crate) fn read_fields<T>(
    mut fields: Fields,
    query_type: &str,
    own: impl FnOnce(&mut Fields) -> Result<T, InvalidFields>,
) -> Result<(FlowsForm, T, Vec<Notice>), InvalidForm> {
    let form = FormJson::take(&mut fields)?;
    let own = own(&mut fields)?;
    let mut notices = fields.rest(query_type)?;
    let (form, warnings) = form.read()?;
    notices.extend(warnings.into_iter().map(|warning| Notice::info(warning.text)));
    Ok((form, own, notices))
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more errors)") }
}
