//! The fields of a query's JSON. Each known field is taken with its type; a field that is left over
//! is Grafana's own, a misspelt one of ours, or one without effect here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde_json::{Map, Value};
use wording::{Notice, names, quote};

use crate::flag::Flag;

/// Maximum size of one query's JSON, in bytes.
pub const MAX_QUERY_BYTES: usize = 1 << 20;
/// Maximum number of fields in one query; Grafana and the editors write about twenty.
pub(crate) const MAX_FIELDS: usize = 100;

/// Fields that Grafana and its Prometheus editor add to queries of any data source, and leave
/// behind when a query moves to another one. Source: Grafana 12.4.
const OF_GRAFANA: [&str; 33] = [
    // packages/grafana-schema/src/common/common.gen.ts, and the SDK's `CommonQueryProperties`.
    "datasource",
    "datasourceId",
    "hide",
    "intervalMs",
    "key",
    "maxDataPoints",
    "queryType",
    "refId",
    "resultAssertions",
    "timeRange",
    // packages/grafana-runtime/src/utils/DataSourceWithBackend.ts, and earlier versions of it.
    "cacheTimeout",
    "queryCachingTTL",
    "requestId",
    // public/app/features/alerting/unified/rule-editor/formProcessing.ts: `setInstantOrRange`.
    "instant",
    "range",
    // packages/grafana-prometheus/src/{dataquery,types}.ts, datasource.ts, querybuilder/.
    "_doNotUse",
    "disableTextWrap",
    "editorMode",
    "exemplar",
    "fromExploreMetrics",
    "fullMetaSearch",
    "hinting",
    "includeNullMetadata",
    "interval",
    "intervalFactor",
    "legendFormat",
    "showingGraph",
    "showingTable",
    "step",
    "target",
    "useBackend",
    "utcOffsetSec",
    "valueWithRefId",
];

/// Further fields of old Prometheus queries; in other queries they look like misspelt fields of
/// ours.
const OF_PROMETHEUS: [&str; 2] = ["filters", "metric"];

/// Fields by which Grafana narrows a query of its own Prometheus source, and the name of a
/// dashboard's ad hoc variable. Only the browser knows the variable's conditions, so an alert rule
/// made from such a panel selects more than the panel shows.
const NARROWING: [&str; 4] = ["adhocFilters", "adhocVariable", "groupByKeys", "scopes"];

/// Fields of a query: those not yet taken, and the names of those that were.
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

/// Reason why the fields of a JSON object cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFields {
    /// More than 1 MiB of JSON.
    #[error("the query is larger than {} KiB", MAX_QUERY_BYTES >> 10)]
    TooLarge,
    /// JSON of another type.
    #[error("the query is not a JSON object")]
    NoObject,
    /// Text that is not JSON.
    #[error("the query cannot be read: {0}")]
    Json(serde_json::Error),
    /// More than 100 fields.
    #[error("the query has {count} fields; the limit is {MAX_FIELDS}")]
    TooManyFields {
        /// Number of fields.
        count: usize,
    },
    /// A field that the query type does not have.
    #[error("the query has no field `{field}`{}", names::did_you_mean(.meant.as_deref()))]
    UnknownField {
        /// Field as given.
        field: String,
        /// Nearest known name.
        meant: Option<String>,
    },
    /// A required field that is absent.
    #[error("`{field}` is missing: it must be {expected}")]
    Missing {
        /// Name of the field.
        field: &'static str,
        /// The value's type, with an article.
        expected: &'static str,
    },
    /// A field with a value of the wrong type.
    #[error("`{field}` must be {expected}, not {found}")]
    Field {
        /// Path of the field.
        field: String,
        /// The value's type, with an article.
        expected: String,
        /// The value as given, shortened.
        found: String,
    },
}

impl Fields {
    /// Reads a JSON object.
    ///
    /// Errors: the text is too large, or is not an object.
    pub fn read(json: &[u8]) -> Result<Self, InvalidFields> {
        if json.len() > MAX_QUERY_BYTES {
            return Err(InvalidFields::TooLarge);
        }
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidFields::NoObject);
        }
        Self::of(serde_json::from_slice(json).map_err(InvalidFields::Json)?)
    }

    /// The fields of a JSON object.
    ///
    /// Errors: the value is not an object, or has too many fields.
    pub fn of(json: Value) -> Result<Self, InvalidFields> {
        let Value::Object(left) = json else { return Err(InvalidFields::NoObject) };
        if left.len() > MAX_FIELDS {
            return Err(InvalidFields::TooManyFields { count: left.len() });
        }
        Ok(Self { left, known: Vec::new() })
    }

    /// The string in a field, which stays in place; null counts as absent.
    ///
    /// Errors: the field does not hold a string.
    pub fn peek_text(&self, name: &'static str) -> Result<Option<String>, InvalidFields> {
        let value = self.left.get(name).filter(|value| !value.is_null());
        value.map(|value| text(name, value.clone())).transpose()
    }

    /// Whether a field, which stays in place, holds `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.left.get(name) == Some(&Value::Bool(true))
    }

    /// Whether the field exists and is not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// The value of a field; null counts as absent.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// The string in a field.
    ///
    /// Errors: the field does not hold a string.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, InvalidFields> {
        self.take(name).map(|value| text(name, value)).transpose()
    }

    pub(crate) fn texts(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<String>>, InvalidFields> {
        self.take(name).map(|value| texts(name, value)).transpose()
    }

    pub(crate) fn truth(&mut self, name: &'static str) -> Result<Option<bool>, InvalidFields> {
        let read =
            |value: Value| value.as_bool().ok_or_else(|| unfit(name, "true or false", &value));
        self.take(name).map(read).transpose()
    }

    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<f64>, InvalidFields> {
        let read = |value: Value| value.as_f64().ok_or_else(|| unfit(name, "a number", &value));
        self.take(name).map(read).transpose()
    }

    /// The integer in a field; `3.0` and `3` are both 3.
    ///
    /// Errors: the field does not hold an integer.
    pub fn whole(&mut self, name: &'static str) -> Result<Option<i64>, InvalidFields> {
        let read = |value: Value| {
            let whole = value.as_i64().or_else(|| value.as_f64().and_then(without_fraction));
            whole.ok_or_else(|| unfit(name, "a whole number", &value))
        };
        self.take(name).map(read).transpose()
    }

    /// The integer in a field, 0 or more.
    ///
    /// Errors: the field does not hold such an integer.
    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<u64>, InvalidFields> {
        let read = |value: Value| {
            let whole = || u64::try_from(without_fraction(value.as_f64()?)?).ok();
            let count = value.as_u64().or_else(whole);
            count.ok_or_else(|| unfit(name, "a whole number, 0 or more", &value))
        };
        self.take(name).map(read).transpose()
    }

    /// The variant of `T` whose name a field holds.
    ///
    /// Errors: the field holds something else.
    pub(crate) fn variant<T: for<'de> Deserialize<'de>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, InvalidFields> {
        self.take(name).map(|value| variant(name, &value)).transpose()
    }

    /// Lists of strings, each under its name.
    pub(crate) fn named_texts(
        &mut self,
        name: &'static str,
    ) -> Result<Option<BTreeMap<String, Vec<String>>>, InvalidFields> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Object(lists) = value else {
            return Err(unfit(
                name,
                "an object that holds a list of strings for each filter",
                &value,
            ));
        };
        let lists = lists.into_iter().filter(|(_, list)| !list.is_null());
        let read = lists.map(|(key, list)| {
            let list = texts(&format!("{name}.{}", quote(&key)), list)?;
            Ok((key, list))
        });
        read.collect::<Result<_, _>>().map(Some)
    }

    /// A list of objects. `read` takes the fields of each; further fields matter to Grafana alone.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&mut Self) -> Result<T, InvalidFields>,
    ) -> Result<Option<Vec<T>>, InvalidFields> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(items) = value else {
            return Err(unfit(name, "a list of objects", &value));
        };
        let read = items.into_iter().enumerate().map(|(index, item)| {
            let path = format!("{name}[{index}]");
            let Value::Object(left) = item else { return Err(unfit(path, "an object", &item)) };
            read(&mut Self { left, known: Vec::new() }).map_err(|error| match error {
                InvalidFields::Field { field, expected, found } => {
                    InvalidFields::Field { field: format!("{path}.{field}"), expected, found }
                }
                other => other,
            })
        });
        read.collect::<Result<_, _>>().map(Some)
    }

    /// Notices about fields that were not used.
    ///
    /// Errors: a field looks like a misspelt one of this query, or is a filter in the wrong place.
    /// Ignoring it would widen the query.
    pub(crate) fn rest(self, query_type: &str) -> Result<Vec<Notice>, InvalidFields> {
        let selects_flows = self.known.contains(&"filter");
        let is_promql = self.known.contains(&"expr");
        let mut notices = Vec::new();
        for (field, value) in &self.left {
            let name = field.as_str();
            if OF_GRAFANA.contains(&name)
                || is_promql && OF_PROMETHEUS.contains(&name)
                || asks_for_nothing(value)
            {
                continue;
            }
            let field = quote(field);
            if NARROWING.contains(&name) {
                let instead = if is_promql { ": write it into the expression" } else { "" };
                notices.push(Notice::warning(format!("`{field}` is not applied{instead}")));
                continue;
            }
            let meant = meant(name, &self.known, selects_flows);
            if selects_flows && let Some(meant) = meant {
                return Err(InvalidFields::UnknownField { field, meant: Some(meant) });
            }
            let is_it = names::did_you_mean(meant.as_deref());
            notices.push(Notice::warning(format!(
                "`{field}` was not used: a `{query_type}` query has no such field{is_it}"
            )));
        }
        Ok(notices)
    }

    /// Checks that every field was taken.
    ///
    /// Errors: a field is left over.
    pub fn no_rest(self) -> Result<(), InvalidFields> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let meant = meant(name, &self.known, self.known.contains(&"filter"));
        Err(InvalidFields::UnknownField { field: quote(name), meant })
    }
}

/// The field that `name` most likely stands for.
fn meant(name: &str, known: &[&'static str], selects_flows: bool) -> Option<String> {
    let flags = Flag::keys().filter(|_| selects_flows);
    // The query's own fields come before filters.
    let candidates = known.iter().copied().map(|known| (known, known.to_owned()));
    let candidates = candidates.chain(flags.map(|flag| (flag, format!("filter.{flag}"))));
    names::nearest(name, candidates, names::most_for_correction)
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn text(path: impl Into<String>, value: Value) -> Result<String, InvalidFields> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(unfit(path, "a string", &other)),
    }
}

fn texts(path: &str, value: Value) -> Result<Vec<String>, InvalidFields> {
    let Value::Array(items) = value else { return Err(unfit(path, "a list of strings", &value)) };
    let items = items.into_iter().enumerate();
    items.map(|(index, item)| text(format!("{path}[{index}]"), item)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn without_fraction(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// The variant of `T` that a string names.
///
/// Errors: [`InvalidFields::Field`].
pub(crate) fn variant<T: for<'de> Deserialize<'de>>(
    name: &'static str,
    value: &Value,
) -> Result<T, InvalidFields> {
    let text = value.as_str().unwrap_or_default();
    T::deserialize(StrDeserializer::<NotOneOf>::new(text)).map_err(|NotOneOf(known)| {
        let known = known.iter().copied();
        let mut error = unfit(name, format!("one of {}", names::list(known.clone())), value);
        if let InvalidFields::Field { found, .. } = &mut error {
            found.push_str(&names::did_you_mean(names::suggested(text, known)));
        }
        error
    })
}

/// Error for a string that names no variant, with the names that exist.
#[derive(Debug, thiserror::Error)]
#[error("not one of {0:?}")]
struct NotOneOf(&'static [&'static str]);

impl serde::de::Error for NotOneOf {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, names: &'static [&'static str]) -> Self {
        Self(names)
    }
}

fn unfit(field: impl Into<String>, expected: impl Into<String>, found: &Value) -> InvalidFields {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string `{}`", quote(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    InvalidFields::Field { field: field.into(), expected: expected.into(), found }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Query, ReadQuery};
    use crate::selection::FlowSelection;

    #[test]
    fn misspelt_fields_and_others() {
        let check = |name: &str, expected: Option<&str>| {
            let known = ["text", "filter", "limit", "groupBy", "since", "ip"];
            assert_eq!(meant(name, &known, true).as_deref(), expected, "{name}");
        };
        check("limt", Some("limit"));
        check("lmiit", Some("limit"));
        check("groupby", Some("groupBy"));
        check("filters", Some("filter"));
        check("IP", Some("ip"));
        check("namespace", Some("filter.namespace"));
        check("namespce", Some("filter.namespace"));
        check("frompod", Some("filter.fromPod"));
        check("verdicts", Some("filter.verdict"));
        check("type", Some("filter.type"));
        for other in ["id", "pd", "panelId", "alias", "query", "rawSql", "expr", "metric", "by"] {
            check(other, None);
        }
    }

    fn shown<T: std::fmt::Debug>(read: Result<Option<T>, InvalidFields>) -> String {
        match read {
            Ok(Some(value)) => format!("{value:?}"),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string().replace("`a` must be ", ""),
        }
    }

    #[test]
    fn values_have_the_type_of_their_field() {
        let check = |value: Value, expected: [&str; 5]| {
            let fields = || Fields::read(json!({ "a": value }).to_string().as_bytes()).unwrap();
            let found = [
                shown(fields().text("a")),
                shown(fields().texts("a")),
                shown(fields().whole("a")),
                shown(fields().number("a")),
                shown(fields().truth("a")),
            ];
            assert_eq!(found, expected, "{value}");
        };
        check(json!(null), ["none"; 5]);
        check(
            json!("10"),
            [
                "\"10\"",
                "a list of strings, not the string `10`",
                "a whole number, not the string `10`",
                "a number, not the string `10`",
                "true or false, not the string `10`",
            ],
        );
        check(
            json!(1.5),
            [
                "a string, not the number 1.5",
                "a list of strings, not the number 1.5",
                "a whole number, not the number 1.5",
                "1.5",
                "true or false, not the number 1.5",
            ],
        );
        check(
            json!(3.0),
            [
                "a string, not the number 3.0",
                "a list of strings, not the number 3.0",
                "3",
                "3.0",
                "true or false, not the number 3.0",
            ],
        );
        check(
            json!(["x", true]),
            [
                "a string, not a list",
                "`a[1]` must be a string, not true",
                "a whole number, not a list",
                "a number, not a list",
                "true or false, not a list",
            ],
        );
        check(
            json!(false),
            [
                "a string, not false",
                "a list of strings, not false",
                "a whole number, not false",
                "a number, not false",
                "false",
            ],
        );
    }

    #[test]
    fn more_fields_than_any_query_has() {
        let many: Map<String, Value> =
            (0..=MAX_FIELDS).map(|index| (index.to_string(), Value::Null)).collect();
        let error = Fields::read(Value::Object(many).to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the query has 101 fields; the limit is 100");
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest_one() {
        let check = |query: Value, expected: &str| {
            let read = ReadQuery::read(query.to_string().as_bytes(), "");
            let selected = read.and_then(|read| match read.query {
                Query::Flows(query) => Ok(FlowSelection::new(&query.form).map(drop)?),
                _ => Ok(()),
            });
            let error = selected.unwrap_err();
            let words = wording::with_causes(&error);
            // Without a near name all names are listed; the list is cut off here.
            let (message, _) = words.split_once("there are ").unwrap_or((&words, ""));
            assert_eq!(message, expected);
        };
        let filter = |name: &str, value: &str| json!({ "filter": { name: [value] } });
        let adhoc =
            |key: &str| json!({ "adhocFilters": [{ "key": key, "operator": "=", "value": "x" }] });
        check(
            filter("namspace", "x"),
            "`filter.namspace`: no such filter; did you mean `namespace`?",
        );
        check(filter("source_pod", "x"), "`filter.source_pod`: no such filter; ");
        check(
            filter("from_pod", "x"),
            "`filter.from_pod`: no such filter; did you mean `fromPod`?",
        );
        check(
            adhoc("namspace"),
            "ad hoc filter `namspace`: flows cannot be filtered by it; did you mean `namespace`?",
        );
        check(
            adhoc("Source pods"),
            "ad hoc filter `Source pods`: flows cannot be filtered by it; did you mean `Source pod`?",
        );
        check(adhoc("planet"), "ad hoc filter `planet`: flows cannot be filtered by it");
        check(
            filter("protocol", "tpc"),
            "`filter.protocol`: `tpc` is unknown; did you mean `tcp`?",
        );
        check(
            filter("verdict", "DROPED"),
            "`filter.verdict`: `DROPED` is not a verdict; did you mean `DROPPED`?",
        );
        check(
            filter("tcpFlags", "SYNN"),
            "`filter.tcpFlags`: `SYNN` is not a TCP flag; did you mean `SYN`?",
        );
        check(
            filter("type", "trace:to-endpont"),
            "`filter.type`: `to-endpont` is not a trace observation point; did you mean `to-endpoint`?",
        );
        check(
            json!({ "queryType": "flowMetrics", "groupBy": ["verdicts"] }),
            "`groupBy`: `verdicts` is unknown; did you mean `verdict`?",
        );
        check(
            json!({ "queryType": "flows", "format": "tabel" }),
            "`format` must be one of `table`, `packed`, `logs`, not the string `tabel`; did you mean `table`?",
        );
    }
}
