//! Drops as annotations, in the fields that Grafana reads events from.

use std::sync::Arc;

use arrow::array::{StringArray, TimestampNanosecondArray};
use flow::DropReason;

use crate::{Field, Frame, Meta};

/// Drops of one source, destination, port and reason within a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropAnnotation {
    /// Name of the source.
    pub source: String,
    /// Name of the destination.
    pub destination: String,
    /// Destination port; 0 if absent.
    pub port: u16,
    /// Protocol, such as `TCP`; empty if unknown.
    pub protocol: &'static str,
    /// Drop reason.
    pub reason: DropReason,
    /// Namespaces of source and destination; empty for endpoints that are not pods.
    pub namespaces: [String; 2],
    /// Time of the first drop, in Unix nanoseconds.
    pub first_nanos: i64,
    /// Time of the last drop, in Unix nanoseconds.
    pub last_nanos: i64,
    /// Number of dropped packets.
    pub drops: u64,
}

/// Frame with one event for each item, in order.
pub fn drop_annotations(drops: &[DropAnnotation], meta: Meta) -> Frame {
    let times = drops.iter().map(|drop| drop.first_nanos);
    // Events without an end: Grafana draws those with an end as regions, which would cover the
    // chart.
    let texts = |text: &dyn Fn(&DropAnnotation) -> String| {
        Arc::new(StringArray::from_iter_values(drops.iter().map(text)))
    };
    Frame {
        name: "drops".to_owned(),
        fields: vec![
            Field::new("time", Arc::new(TimestampNanosecondArray::from_iter_values(times))),
            Field::new("title", texts(&|drop| escaped(&drop.title()))),
            Field::new("text", texts(&|drop| escaped(&drop.text()))),
            Field::new("tags", texts(&|drop| drop.tags())),
        ],
        meta,
    }
}

impl DropAnnotation {
    fn reason(&self) -> String {
        if self.reason.is_known() { self.reason.to_string() } else { "DROPPED".to_owned() }
    }

    fn title(&self) -> String {
        let named = |name: &str| if name.is_empty() { "?".to_owned() } else { name.to_owned() };
        format!("{}: {} to {}", self.reason(), named(&self.source), named(&self.destination))
    }

    fn text(&self) -> String {
        let port = if self.port == 0 { String::new() } else { format!("port {} ", self.port) };
        let packets = if self.drops == 1 { "packet" } else { "packets" };
        let within = match span_text(self.last_nanos.saturating_sub(self.first_nanos)) {
            Some(span) => format!(" within {span}"),
            None => String::new(),
        };
        let text = format!("{port}{} {} {packets} dropped{within}", self.protocol, self.drops);
        text.trim().to_owned()
    }

    /// Comma-separated tags, as Grafana splits them.
    fn tags(&self) -> String {
        let mut tags = vec![self.reason()];
        for namespace in &self.namespaces {
            if !namespace.is_empty() && !tags.contains(namespace) {
                tags.push(namespace.replace(',', " "));
            }
        }
        tags.join(",")
    }
}

/// Duration in its two largest units, such as `1 h 5 min` or `3 s`; `None` below a second.
fn span_text(nanos: i64) -> Option<String> {
    let secs = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (secs / 3_600, secs / 60 % 60, secs % 60);
    let units = [(hours, "h"), (minutes, "min"), (rest, "s")];
    let from = units.iter().position(|(number, _)| *number > 0)?;
    let shown = units.iter().skip(from).take(2).filter(|(number, _)| *number > 0);
    let shown: Vec<String> = shown.map(|(number, unit)| format!("{number} {unit}")).collect();
    Some(shown.join(" "))
}

/// Text escaped for HTML, because Grafana shows title and text of an event as sanitised HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
