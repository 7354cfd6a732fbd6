//! Durations in the notation of Prometheus and Grafana: `15s`, `1m30s`, `1.5h`, `90`. Go's notation, of
//! `hubble observe --since`, is another one (crate `query`): it ends with hours, has signs and counts
//! nanoseconds; here a bare number means seconds, and `M` and `y` are Grafana's.

/// Units in milliseconds. `M` and `y` are Grafana's, with a mean year of 365 days.
const UNITS_MS: [(&str, f64); 9] = [
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
    ("w", 604_800_000.0),
    ("M", 2_628_000_000.0),
    ("y", 31_536_000_000.0),
    // A bare number means seconds, as in Grafana's `timeInterval`.
    ("", 1_000.0),
];

/// Longest accepted duration, a hundred years, in milliseconds.
const MAX_MS: f64 = 100.0 * 31_536_000_000.0;

/// Duration in milliseconds; `None` if `text` is not one, or exceeds a hundred years.
pub fn parse_ms(text: &str) -> Option<u64> {
    // Grafana's data source settings may contain `<15s>` or `>15s`: a lower bound.
    let mut rest = text.trim().trim_start_matches(['<', '>']).trim_end_matches('>').trim();
    if rest.is_empty() {
        return None;
    }
    let mut total_ms = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let (_, unit_ms) = UNITS_MS.iter().find(|(name, _)| *name == unit)?;
        total_ms += number.parse::<f64>().ok()? * unit_ms;
        rest = tail;
    }
    if !(0.0..=MAX_MS).contains(&total_ms) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 3.2e12"
    )]
    Some(total_ms.round() as u64)
}

/// Duration in one unit that every version of Prometheus reads: whole seconds, or else
/// milliseconds.
pub fn format_ms(duration_ms: u64) -> String {
    if duration_ms.is_multiple_of(1_000) {
        format!("{}s", duration_ms / 1_000)
    } else {
        format!("{duration_ms}ms")
    }
}

/// Duration in the form of Grafana's `$__interval`, in the largest exact unit: `2m`. Grafana
/// instead truncates to its largest unit (90 s become `1m`).
pub fn format_interval(duration_ms: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("y", 31_536_000_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    for (unit, unit_ms) in UNITS {
        if duration_ms >= unit_ms && duration_ms.is_multiple_of(unit_ms) {
            return format!("{}{unit}", duration_ms / unit_ms);
        }
    }
    format!("{duration_ms}ms")
}

/// Duration in Go's form, which Grafana uses for the step and `$__rate_interval`: `1m0s`. Go's
/// Prometheus has no fractions of seconds, so those stay milliseconds.
pub fn format_go(duration_ms: u64) -> String {
    if !duration_ms.is_multiple_of(1_000) || duration_ms == 0 {
        return format_ms(duration_ms);
    }
    let secs = duration_ms / 1_000;
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs}s"),
        (0, minutes, secs) => format!("{minutes}m{secs}s"),
        (hours, minutes, secs) => format!("{hours}h{minutes}m{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (duration_ms, interval, go) in [
            (0, "0ms", "0s"),
            (500, "500ms", "500ms"),
            (1_500, "1500ms", "1500ms"),
            (15_000, "15s", "15s"),
            (60_000, "1m", "1m0s"),
            (90_000, "90s", "1m30s"),
            (3_600_000, "1h", "1h0m0s"),
            (5_400_000, "90m", "1h30m0s"),
            (86_400_000, "1d", "24h0m0s"),
            (31_536_000_000, "1y", "8760h0m0s"),
        ] {
            assert_eq!(
                (format_interval(duration_ms).as_str(), format_go(duration_ms).as_str()),
                (interval, go)
            );
            assert_eq!(parse_ms(interval), Some(duration_ms), "{interval}");
            assert_eq!(parse_ms(go), Some(duration_ms), "{go}");
        }
    }

    #[test]
    fn parse() {
        for (text, expected) in [
            ("15s", Some(15_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("90", Some(90_000)),
            (">10s", Some(10_000)),
            ("<10m>", Some(600_000)),
            ("1d", Some(86_400_000)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("1x", None),
            ("-5s", None),
            ("1e9y", None),
            ("1..5s", None),
            ("200y", None),
            ("五s", None),
        ] {
            assert_eq!(parse_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn format() {
        assert_eq!(format_ms(60_000), "60s");
        assert_eq!(format_ms(1_500), "1500ms");
        assert_eq!(format_ms(0), "0s");
    }

    proptest::proptest! {
        #[test]
        fn formatted_is_read_back(duration_ms in 0_u64..3_000_000_000_000) {
            proptest::prop_assert_eq!(parse_ms(&format_ms(duration_ms)), Some(duration_ms));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _: Option<u64> = parse_ms(&text);
        }
    }
}
