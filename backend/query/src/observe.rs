//! A selection of flows as the equivalent `hubble observe` line.

use flow::DropReason;
use flow::filter::{FilterSet, FlowFilter};
use hubble_api::json::write_filter;

use crate::flag::{Flag, FlagValues, unresolved_variable};
use crate::form::{FlowsForm, Selectors};
use crate::value::event_type;

/// Whether the flags of `hubble observe` can express all of `form`.
pub(crate) fn can_be_flags(form: &FlowsForm) -> bool {
    let mut flags = form.filter.keys().chain(form.exclude.keys());
    form.adhoc.is_empty() && flags.all(|flag| flag.is_of_hubble())
}

/// The whole line, which [`crate::line::read`] reads back into the same form.
pub(crate) fn line(form: &FlowsForm) -> String {
    let Selectors { since, until, last, first, all, follow } = &form.selectors;
    let mut words = vec!["hubble observe".to_owned()];
    for (name, value) in [("since", since), ("until", until)] {
        words.extend(value.iter().map(|value| valued(name, value.trim())));
    }
    for (name, value) in [("last", last), ("first", first)] {
        words.extend(value.iter().map(|value| format!("--{name} {value}")));
    }
    for (name, is_set) in [("all", *all), ("follow", *follow)] {
        words.extend(is_set.then(|| format!("--{name}")));
    }
    words.push(flags(form));
    words.join(" ").trim_end().to_owned()
}

/// Flags and values, quoted for a shell: first the filters, then, each after `--not`, the excluded
/// flags, then filters in JSON.
pub(crate) fn flags(form: &FlowsForm) -> String {
    let words = |flags: &FlagValues, not: &str| -> Vec<String> {
        flags
            .iter()
            .flat_map(|(&flag, values)| values.iter().map(move |value| (flag, value)))
            .filter_map(|(flag, value)| Some(format!("{not}{}", flag_text(flag, value)?)))
            .collect()
    };
    let mut all = words(&form.filter, "");
    all.extend(words(&form.exclude, "--not "));
    for (name, filters) in [("allowlist", &form.allowlist), ("denylist", &form.denylist)] {
        all.extend(filters.iter().map(|filter| valued(name, filter.trim())));
    }
    all.join(" ")
}

/// The filters as JSON flags: plain flags cannot express every filter.
pub(crate) fn raw_flags(filters: &FilterSet) -> String {
    let words = |name, filters: &[FlowFilter]| -> Vec<String> {
        // Everything that came from flags or from JSON can be written as JSON.
        let json = filters.iter().filter_map(|filter| write_filter(filter).ok());
        json.map(|json| valued(name, &json)).collect()
    };
    let all = [words("allowlist", &filters.allow), words("denylist", &filters.deny)];
    all.concat().join(" ")
}

/// The flag as text. `None`: the value restricts nothing.
fn flag_text(flag: Flag, value: &str) -> Option<String> {
    let value = value.trim();
    if flag.is_switch() {
        if value.eq_ignore_ascii_case("true") {
            return Some(format!("--{}", flag.name()));
        }
        return flag.opposite().map(|opposite| format!("--{opposite}"));
    }
    let value = match flag {
        // The names of Grafana's variables have one spelling only.
        _ if unresolved_variable(value).is_some() => value.to_owned(),
        // The command takes these in one spelling only.
        Flag::Verdict => value.to_ascii_uppercase(),
        Flag::TrafficDirection | Flag::Protocol => value.to_ascii_lowercase(),
        Flag::DropReasonDesc => value
            .parse::<DropReason>()
            .ok()
            .and_then(DropReason::name)
            .map_or_else(|| value.to_owned(), str::to_owned),
        Flag::Type => event_type(value).ok().map_or_else(|| value.to_owned(), |_| type_text(value)),
        Flag::Port | Flag::FromPort | Flag::ToPort => {
            value.parse::<u16>().map_or_else(|_| value.to_owned(), |port| port.to_string())
        }
        Flag::TcpFlags => {
            let names: Vec<&str> =
                value.split([',', ' ']).filter(|name| !name.is_empty()).collect();
            names.join(",")
        }
        _ => value.to_owned(),
    };
    Some(valued(flag.name(), &value))
}

/// A known event type, in the command's spelling.
fn type_text(value: &str) -> String {
    value.to_ascii_lowercase().replace('_', "-")
}

/// A flag with its value. A value that begins with `-` or `=` is bound by `=`, so that it is not
/// read as another flag or as the sign that binds the next word.
fn valued(name: &str, value: &str) -> String {
    let between = if value.starts_with(['-', '=']) { '=' } else { ' ' };
    format!("--{name}{between}{}", quoted(value))
}

/// `value` as one word of a POSIX shell. Own code of three lines: `shlex` mixes three styles of quotes within
/// one word, and saved lines and the vectors of the real `hubble` have this one.
fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte));
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}
