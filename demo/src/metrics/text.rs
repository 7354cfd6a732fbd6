//! The exposition format of Prometheus. Own code of forty lines: `prometheus-client` writes metrics that it
//! counts itself, while these samples are computed for each scrape, in the words of several exporters.

use std::fmt::Write;

use super::MetricSample;

/// Appends `,name="value"`, escaped.
pub(crate) fn quote_label(text: &mut String, name: &str, value: &str) {
    text.push(',');
    text.push_str(name);
    text.push_str("=\"");
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Writes samples (sorted by family) as text, version 0.0.4.
pub(crate) fn exposition(samples: &[MetricSample]) -> String {
    let mut text = String::with_capacity(samples.len() * 200);
    let mut family = None;
    for sample in samples {
        let name = sample.family.name();
        // Writing to a String cannot fail.
        if family != Some(sample.family) {
            family = Some(sample.family);
            let _ = writeln!(text, "# HELP {name} {}", sample.family.help());
            let _ = writeln!(text, "# TYPE {name} {}", sample.family.kind().name());
        }
        let _ = writeln!(text, "{name}{}{} {}", sample.suffix, sample.labels, sample.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::quote_label;

    #[test]
    fn label_values_are_escaped() {
        let mut text = String::new();
        quote_label(&mut text, "query", "a\"b\\c\nd");
        assert_eq!(text, ",query=\"a\\\"b\\\\c\\nd\"");
    }
}
