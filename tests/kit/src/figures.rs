//! Figures in Prometheus' text format, read strictly: a scrape that this accepts, Prometheus accepts.

use std::collections::{BTreeMap, BTreeSet};

/// The figures of one scrape.
#[derive(Debug)]
pub struct Figures {
    /// The text.
    pub text: String,
    samples: BTreeMap<String, f64>,
}

impl Figures {
    /// Reads a scrape. Panics at the first line against the rules.
    pub fn read(text: &str) -> Self {
        let mut described = BTreeSet::new();
        let mut samples = BTreeMap::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<&str> = comment.splitn(3, ' ').collect();
                match words.as_slice() {
                    ["HELP", name, _help] => assert!(is_name(name), "{line}"),
                    ["TYPE", name, "counter" | "gauge" | "histogram"] => {
                        assert!(described.insert((*name).to_owned()), "twice: {line}");
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect(line);
            let name = series.split_once('{').map_or(series, |(name, labels)| {
                assert!(labels.strip_suffix('}').is_some_and(are_labels), "{line}");
                name
            });
            let parts = ["_bucket", "_sum", "_count"];
            let base = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            assert!(described.contains(name) || described.contains(base), "no type: {line}");
            let value: f64 = value.parse().expect(line);
            assert_eq!(samples.insert(series.to_owned(), value), None, "twice: {line}");
        }
        Self { text: text.to_owned(), samples }
    }

    /// The value of a series, named with its labels in their order.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// The sum over the series of a name whose labels contain a text.
    pub fn sum(&self, name: &str, label: &str) -> f64 {
        let series = self
            .samples
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(label));
        series.map(|(_, value)| value).sum()
    }

    /// Number of series.
    pub fn count(&self) -> usize {
        self.samples.len()
    }

    /// The names of all series, with their labels.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.samples.keys().map(String::as_str)
    }
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// Whether a text is a list of labels: `name="value",…`.
fn are_labels(mut text: &str) -> bool {
    loop {
        let Some((name, rest)) = text.split_once("=\"") else { return false };
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let Some(end) = end.filter(|_| is_name(name)) else { return false };
        match rest.get(end + 1..).and_then(|more| more.strip_prefix(',')) {
            Some(more) => text = more,
            None => return rest.len() == end + 1,
        }
    }
}
