//! A selection of flows as the `hubble observe` line that shows the same.

use flow::DropReason;

use super::flag::{Flag, FlagValues};

/// Flags and values, quoted for a shell: what is filtered first, then, each after `--not`, what
/// is excluded.
pub(super) fn flags(filter: &FlagValues, exclude: &FlagValues) -> String {
    let mut words = Vec::new();
    for (&flag, values) in filter {
        for value in values {
            words.extend(flag_words(flag, value));
        }
    }
    for (&flag, values) in exclude {
        for value in values {
            words.push("--not".to_owned());
            words.extend(flag_words(flag, value));
        }
    }
    words.join(" ")
}

fn flag_words(flag: Flag, value: &str) -> Vec<String> {
    let value = value.trim();
    let value = match flag {
        Flag::Reply => {
            let name = if value.eq_ignore_ascii_case("true") { "--reply" } else { "--not-reply" };
            return vec![name.to_owned()];
        }
        // The command takes these in one spelling only.
        Flag::Verdict => value.to_ascii_uppercase(),
        Flag::TrafficDirection | Flag::Protocol => value.to_ascii_lowercase(),
        Flag::DropReasonDesc => value
            .parse::<DropReason>()
            .ok()
            .and_then(DropReason::name)
            .map_or_else(|| value.to_owned(), str::to_owned),
        Flag::TcpFlags => {
            let names: Vec<&str> =
                value.split([',', ' ']).filter(|name| !name.is_empty()).collect();
            names.join(",")
        }
        _ => value.to_owned(),
    };
    vec![format!("--{}", flag.name()), quoted(&value)]
}

/// `value` as one word of a POSIX shell.
fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte));
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}
