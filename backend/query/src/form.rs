//! The selection of flows as the query editor's builder holds it: single flags, and the part of the
//! matching flows that is returned.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use flow::TimeRange;
use serde_json::{Map, Value, json};
use wording::{Notice, quote};

use crate::adhoc::AdhocFilter;
use crate::flag::{self, FlagValues, InvalidFlag};

/// The builder's form of a selection of flows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowsForm {
    /// Flags that flows must match, all of them.
    pub(crate) filter: FlagValues,
    /// Flags that exclude a flow if it matches all of them.
    pub(crate) exclude: FlagValues,
    /// Filters in JSON, as alternatives that replace `filter`.
    pub(crate) allowlist: Vec<String>,
    /// Filters in JSON that each exclude the flows they match.
    pub(crate) denylist: Vec<String>,
    /// Ad hoc conditions, which restrict the selection further.
    pub(crate) adhoc: Vec<AdhocFilter>,
    /// The part of the matching flows that is returned.
    pub selectors: Selectors,
}

/// The part of the matching flows to return, by time and number. Source: "Selectors Flags" of
/// `hubble observe`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selectors {
    /// Start: a duration before now, or a time.
    pub since: Option<String>,
    /// End: a duration before now, or a time.
    pub until: Option<String>,
    /// Number of newest flows.
    pub last: Option<u64>,
    /// Number of oldest flows.
    pub first: Option<u64>,
    /// `--all`: all flows that the nodes hold.
    pub all: bool,
    /// `--follow`: continue with new flows.
    pub follow: bool,
}

/// Reason why selectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSelectors {
    /// A time that cannot be read, or that lies outside the time range.
    #[error("`{name}`: {reason}")]
    Time {
        /// `since` or `until`.
        name: &'static str,
        /// Reason, as the end of a sentence.
        reason: String,
    },
    /// Two selectors that `hubble observe` does not take together.
    #[error("`{one}` and `{other}` cannot be combined, as in `hubble observe`")]
    Combined {
        /// First selector.
        one: &'static str,
        /// Second selector.
        other: &'static str,
    },
    /// `until` together with `follow`.
    #[error("`until` and `follow` cannot be combined: a followed query has no end")]
    UntilWithFollow,
}

impl FlowsForm {
    /// The form without values that contain a dashboard variable.
    pub(crate) fn without_variables(&self) -> Self {
        let is_plain = |value: &String| flag::unresolved_variable(value).is_none();
        let plain = |flags: &FlagValues| -> FlagValues {
            let of = |values: &[String]| -> Vec<String> {
                values.iter().filter(|value| is_plain(value)).cloned().collect()
            };
            let flags = flags.iter().map(|(&flag, values)| (flag, of(values)));
            flags.filter(|(_, values)| !values.is_empty()).collect()
        };
        let mut form = self.clone();
        form.filter = plain(&self.filter);
        form.exclude = plain(&self.exclude);
        form.allowlist.retain(is_plain);
        form.denylist.retain(is_plain);
        form
    }

    /// The form as JSON, without unset fields.
    pub fn to_json(&self) -> Value {
        let flags = |flags: &FlagValues| -> Value {
            flags.iter().map(|(flag, values)| (flag.key().to_owned(), json!(values))).collect()
        };
        let Selectors { since, until, last, first, all, follow } = &self.selectors;
        let mut form = Map::new();
        form.insert("filter".to_owned(), flags(&self.filter));
        form.insert("exclude".to_owned(), flags(&self.exclude));
        let optional = [
            ("allowlist", (!self.allowlist.is_empty()).then(|| json!(self.allowlist))),
            ("denylist", (!self.denylist.is_empty()).then(|| json!(self.denylist))),
            ("since", since.as_ref().map(|since| json!(since))),
            ("until", until.as_ref().map(|until| json!(until))),
            ("last", last.map(|last| json!(last))),
            ("first", first.map(|first| json!(first))),
            ("all", all.then_some(json!(true))),
            ("follow", follow.then_some(json!(true))),
        ];
        form.extend(
            optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        Value::Object(form)
    }
}

impl Selectors {
    /// Checks that the selectors can be combined and that their times can be read.
    ///
    /// Errors: [`InvalidSelectors`].
    pub(crate) fn check(&self) -> Result<(), InvalidSelectors> {
        let first = self.first.is_some_and(|first| first > 0);
        let last = self.last.is_some_and(|last| last > 0);
        for (is_set, one, other) in [
            (first && last, "first", "last"),
            (first && self.all, "first", "all"),
            (first && self.follow, "first", "follow"),
            (last && self.all, "last", "all"),
        ] {
            if is_set {
                return Err(InvalidSelectors::Combined { one, other });
            }
        }
        if self.until.is_some() && self.follow {
            return Err(InvalidSelectors::UntilWithFollow);
        }
        self.times(0).map(|_| ())
    }

    /// Start and end, if set, in Unix nanoseconds.
    fn times(&self, now_nanos: i64) -> Result<(Option<i64>, Option<i64>), InvalidSelectors> {
        let time = |name: &'static str, text: Option<&String>| {
            let Some(text) = text else { return Ok(None) };
            if let Some(variable) = flag::unresolved_variable(text) {
                let cause = InvalidFlag::Unresolved(variable.to_owned());
                return Err(InvalidSelectors::Time { name, reason: cause.to_string() });
            }
            time_nanos(text.trim(), now_nanos).map(Some).ok_or_else(|| InvalidSelectors::Time {
                name,
                reason: format!(
                    "`{}` is neither a duration such as `1h30m` nor a time such as `2006-01-02T15:04:05Z`",
                    quote(text)
                ),
            })
        };
        Ok((time("since", self.since.as_ref())?, time("until", self.until.as_ref())?))
    }

    /// The intersection of a time range with the selectors' times, and notices about it.
    ///
    /// Errors: [`InvalidSelectors::Time`], also if the intersection is empty.
    pub fn narrow(
        &self,
        range: TimeRange,
        now_ms: i64,
    ) -> Result<(TimeRange, Vec<Notice>), InvalidSelectors> {
        let (since, until) = self.times(now_ms.saturating_mul(1_000_000))?;
        let mut notices = Vec::new();
        if since.is_some_and(|since| since < range.from_nanos) {
            notices.push(Notice::info(
                "`--since` reaches further back than the dashboard's time range, which applies",
            ));
        }
        if self.follow {
            notices
                .push(Notice::info("`--follow`: this answer ends now; only live mode continues"));
        }
        let narrowed = TimeRange {
            from_nanos: since.map_or(range.from_nanos, |since| since.max(range.from_nanos)),
            to_nanos: until.map_or(range.to_nanos, |until| until.min(range.to_nanos)),
        };
        if narrowed.from_nanos > narrowed.to_nanos {
            return Err(InvalidSelectors::Time {
                name: if since.is_some() { "since" } else { "until" },
                reason: "lies outside the dashboard's time range".to_owned(),
            });
        }
        Ok((narrowed, notices))
    }
}

/// The time that `text` means, in Unix nanoseconds: a Go duration before now, or one of the layouts
/// of `hubble observe --since`. The layout `Jan _2 15:04:05.000` is refused because it has no year.
/// Times outside the range of 64-bit nanoseconds become the nearest one within it.
fn time_nanos(text: &str, now_nanos: i64) -> Option<i64> {
    if let Some(duration_nanos) = go_duration_nanos(text) {
        return Some(now_nanos.saturating_sub(duration_nanos));
    }
    let nanos = |time: DateTime<Utc>| {
        let end = if time.timestamp() < 0 { i64::MIN } else { i64::MAX };
        time.timestamp_nanos_opt().unwrap_or(end)
    };
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(nanos(date.and_time(NaiveTime::MIN).and_utc()));
    }
    // A time may be given by its hour alone or by hour and minute, each before the zone.
    let filled = [(13, ":00:00"), (16, ":00"), (text.len(), "")];
    let rfc3339 = filled.into_iter().find_map(|(at, zeros)| {
        let (head, tail) = text.split_at_checked(at)?;
        DateTime::parse_from_rfc3339(&format!("{head}{zeros}{tail}")).ok()
    });
    let time = rfc3339.or_else(|| DateTime::parse_from_rfc2822(text).ok())?;
    Some(nanos(time.to_utc()))
}

/// A duration as Go writes it (`1h43m`, `1.5h`, `300ms`), in nanoseconds. Source: Go's
/// `time.ParseDuration`. No crate reads the same: `humantime` has no fractions and no signs.
fn go_duration_nanos(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, unit) = rest.split_at_checked(end)?;
        let end =
            unit.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(unit.len());
        let (unit, after) = unit.split_at_checked(end)?;
        let unit_nanos = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(times_unit(number, unit_nanos)?)?;
        rest = after;
    }
    Some(if negative { -total } else { total })
}

/// A decimal number of units, in nanoseconds; fractions of a nanosecond are cut off, as in Go.
fn times_unit(number: &str, unit_nanos: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    // Digits beyond the 18th are less than a nanosecond in any unit.
    let fraction = fraction.get(..fraction.len().min(18))?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let unit = i128::from(unit_nanos);
    let nanos = digits(whole)?.checked_mul(unit)?.checked_add(digits(fraction)? * unit / scale)?;
    i64::try_from(nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond() {
        const S: i64 = 1_000_000_000;
        // 2026-01-02T15:04:05Z.
        const NOW: i64 = 1_767_366_245 * S;
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(time_nanos(text, NOW), expected, "{text}");
        };
        let ago = |nanos: i64| Some(NOW - nanos);
        check("5m", ago(300 * S));
        check("1h30m", ago(5_400 * S));
        check("1.5h", ago(5_400 * S));
        check(".5h", ago(1_800 * S));
        check("1h.5m", ago(3_630 * S));
        check("1ns", ago(1));
        check("1.9ns", ago(1));
        check("1.000000001s", ago(S + 1));
        check("250µs", ago(250_000));
        check("-5m", ago(-300 * S));
        check("+5m", ago(300 * S));
        check("0", ago(0));
        for wrong in [
            "",
            "5",
            "5x",
            "m",
            ".h",
            "1.2.3s",
            "5m3",
            "300000h300000h300000h300000h300000h300000h300000h300000h300000h",
        ] {
            check(wrong, None);
        }
        check("2026-01-02T15:04:05.123456789Z", Some(NOW + 123_456_789));
        check("2026-01-02T16:04:05.000000001+01:00", Some(NOW + 1));
        check("2026-01-02T15:04Z", Some(NOW - 5 * S));
        check("2026-01-02T15Z", Some(NOW - 245 * S));
        check("2026-01-02", Some(NOW - 54_245 * S));
        check("Fri, 02 Jan 2026 15:04:05 +0000", Some(NOW));
        // Later than 64-bit nanoseconds reach.
        check("9999-12-31T23:59:59Z", Some(i64::MAX));
        check("0001-01-01T00:00:00Z", Some(i64::MIN));
    }
}
