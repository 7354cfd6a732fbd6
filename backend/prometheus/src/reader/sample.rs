//! Samples in the form of every Prometheus, `[1700000000.123,"0.25"]`, read in place.
//!
//! They make up nearly all of an answer. Other forms (spaces, exponents in times, numbers without
//! quotes) yield `None` here and are read by the ordinary JSON reader.

/// Time in nanoseconds and value of the sample at the start of `bytes`, and the rest.
pub(super) fn sample(bytes: &[u8]) -> Option<(i64, f64, &[u8])> {
    let (secs, rest) = digits(bytes.strip_prefix(b"[")?)?;
    let (millis, rest) = if let Some(rest) = rest.strip_prefix(b",\"") {
        (0, rest)
    } else {
        let (millis, rest) = millis(rest.strip_prefix(b".")?)?;
        (millis, rest.strip_prefix(b",\"")?)
    };
    let (value, len) = match decimal(rest) {
        Some(read) => read,
        None => lexical_core::parse_partial(rest).ok()?,
    };
    let rest = rest.get(len..)?.strip_prefix(b"\"]")?;
    Some(((secs * 1_000 + millis) * 1_000_000, value, rest))
}

/// Seconds of at most ten digits, before the limit of nanoseconds in 64 bits in 2262.
fn digits(bytes: &[u8]) -> Option<(i64, &[u8])> {
    const MAX_SECS: i64 = 9_214_646_400;
    let mut secs = 0;
    for (at, byte) in bytes.iter().enumerate().take(11) {
        if !byte.is_ascii_digit() {
            let is_number = at > 0 && (at == 1 || bytes.first() != Some(&b'0'));
            return (is_number && secs <= MAX_SECS).then_some((secs, bytes.get(at..)?));
        }
        secs = secs * 10 + i64::from(byte - b'0');
    }
    None
}

/// Milliseconds from one to three digits after the point.
fn millis(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut millis = 0;
    let mut unit = 100;
    for (at, byte) in bytes.iter().enumerate().take(4) {
        if !byte.is_ascii_digit() {
            return (at > 0).then_some((millis, bytes.get(at..)?));
        }
        millis += unit * i64::from(byte - b'0');
        unit /= 10;
    }
    None
}

/// Powers of ten that a float represents exactly.
const POWERS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19,
];
/// Largest integer up to which floats represent all integers.
const MAX_EXACT: u64 = 1 << 53;

/// Plain decimal up to its closing quote, and its length. All digits together form an integer that
/// a float represents exactly, like the power of ten, so the quotient is rounded once, as the
/// standard requires. `None` for other numbers.
fn decimal(bytes: &[u8]) -> Option<(f64, usize)> {
    let is_negative = bytes.first() == Some(&b'-');
    let mut digits = 0_u64;
    let mut point = None;
    let start = usize::from(is_negative);
    for (at, byte) in bytes.iter().enumerate().skip(start).take(20) {
        match byte {
            b'0'..=b'9' => digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            b'.' if point.is_none() => point = Some(at),
            // Eighteen digits cannot overflow.
            b'"' if at - start <= 18 && digits <= MAX_EXACT => {
                let fraction = point.map_or(0, |point| at - point - 1);
                let has_digits = at > start + usize::from(point.is_some());
                #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
                let value = digits as f64 / POWERS.get(fraction)?;
                return has_digits.then_some((if is_negative { -value } else { value }, at));
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn samples() {
        let check = |json: &str, expected: Option<(i64, f64, &str)>| {
            let read = sample(json.as_bytes());
            let read = read.map(|(nanos, value, rest)| {
                (nanos / 1_000_000, value.to_bits(), str::from_utf8(rest).unwrap())
            });
            let expected = expected.map(|(millis, value, rest)| (millis, value.to_bits(), rest));
            assert_eq!(read, expected, "{json}");
        };
        check(r#"[1,"2"],"#, Some((1_000, 2.0, ",")));
        check(r#"[1700000000.5,"-0.25"]"#, Some((1_700_000_000_500, -0.25, "")));
        check(r#"[1.05,"1e-3"]"#, Some((1_050, 0.001, "")));
        check(r#"[1.123,"+Inf"]"#, Some((1_123, f64::INFINITY, "")));
        check(r#"[0,"-Inf"]"#, Some((0, f64::NEG_INFINITY, "")));
        check(r#"[1,"-0"]"#, Some((1_000, -0.0, "")));
        check(r#"[1,"0.06666666666666667"]"#, Some((1_000, 0.066_666_666_666_666_67, "")));
        check(r#"[1,"18446744073709551617"]"#, Some((1_000, 18_446_744_073_709_551_617.0, "")));
        check(r#"[1,"1e999"]"#, Some((1_000, f64::INFINITY, "")));
        // Forms that the ordinary reader reads or refuses.
        for json in [
            r#"[1,""]"#,
            r#"[1,"."]"#,
            r#"[1,"-"]"#,
            r#"[1,"1"#,
            r#"[1,"1""#,
            r#"[1, "1"]"#,
            r#"[-1,"1"]"#,
            r#"[1.1234,"1"]"#,
            r#"[1e3,"1"]"#,
            r#"[99999999999,"1"]"#,
            r#"[9999999999,"1"]"#,
            r#"[01,"1"]"#,
            r#"[1.,"1"]"#,
            "[1,1]",
            r#"[1,"1",2]"#,
            "[1]",
            "",
            "[",
        ] {
            check(json, None);
        }
        assert!(sample(br#"[1,"NaN"]"#).unwrap().1.is_nan());
    }

    proptest! {
        #[test]
        fn values_are_those_of_the_standard_library(
            value in prop_oneof![any::<f64>().prop_map(|value| value.to_string()), "-?[0-9]{1,19}(\\.[0-9]{1,9})?"],
        ) {
            let json = format!("[1,\"{value}\"]");
            if let Some((_, read, _)) = sample(json.as_bytes()) {
                let expected: f64 = value.parse().unwrap();
                prop_assert!(read.to_bits() == expected.to_bits() || read.is_nan() && expected.is_nan());
            }
        }
    }
}
