//! The time range of `/api/ds/query`: Unix milliseconds from Grafana's frontend, or `now-1h` from
//! people.

/// Error for a time that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a time: use Unix milliseconds or `now-<number><s|m|h|d|w>`")]
pub(super) struct TimeError {
    text: String,
}

/// A time in Unix milliseconds, relative to `now_ms`.
///
/// Errors: another format.
pub(super) fn parse(text: &str, now_ms: i64) -> Result<i64, TimeError> {
    let wrong = || TimeError { text: text.to_owned() };
    let Some(offset) = text.strip_prefix("now") else {
        return text.parse().map_err(|_| wrong());
    };
    if offset.is_empty() {
        return Ok(now_ms);
    }
    let mut parts = offset.strip_prefix('-').ok_or_else(wrong)?.chars();
    let unit_ms = match parts.next_back() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        Some('w') => 604_800_000,
        _ => return Err(wrong()),
    };
    let count: u32 = parts.as_str().parse().map_err(|_| wrong())?;
    now_ms.checked_sub(i64::from(count) * unit_ms).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse(text, 10_000_000).ok(), expected, "{text}");
        };
        check("1700000000000", Some(1_700_000_000_000));
        check("now", Some(10_000_000));
        check("now-5m", Some(9_700_000));
        check("now-1h", Some(6_400_000));
        check("now-", None);
        check("now-m", None);
        check("now-1y", None);
        check("now+1h", None);
        check("now-1h/h", None);
        check("", None);
        check("yesterday", None);
    }
}
