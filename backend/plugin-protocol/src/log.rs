//! Log lines as hashicorp/go-hclog writes them in JSON: Grafana reads them from stderr and logs
//! them again under the plugin's name, at the level that each line says.
//!
//! Only this plugin's own crates log below `warn`: debug lines of HTTP libraries hold headers.

use std::fmt;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging of the crates `own` at `level` (`trace`, `debug`, `info`, `warn`, `error`;
/// anything else is `info`), and of all others at `warn`.
pub(crate) fn init(level: Option<&str>, own: &[&'static str]) {
    let level =
        level.and_then(|level| level.parse::<LevelFilter>().ok()).unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_targets(own.iter().map(|name| (*name, level)));
    tracing_subscriber::registry().with(HclogLayer.with_filter(targets)).init();
    std::panic::set_hook(Box::new(|panic| {
        // The payload may quote data of a request, so only the place is logged.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

struct HclogLayer;

impl<S: Subscriber> Layer<S> for HclogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = line(event, Utc::now());
        line.push('\n');
        // A log line that cannot be written has nowhere to be reported.
        drop(io::stderr().lock().write_all(line.as_bytes()));
    }
}

fn line(event: &Event<'_>, now: DateTime<Utc>) -> String {
    let mut fields = Fields(Map::new());
    let metadata = event.metadata();
    let level = metadata.level().as_str().to_ascii_lowercase();
    fields.put("@level", level);
    fields.put("@timestamp", now.to_rfc3339_opts(SecondsFormat::Micros, true));
    fields.put("@module", metadata.target().to_owned());
    event.record(&mut fields);
    Value::Object(fields.0).to_string()
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        let name = if name == "message" { "@message" } else { name };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Captured(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Captured {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(line(event, DateTime::from_timestamp(1, 5_000).unwrap()));
        }
    }

    #[test]
    fn lines_are_hclog_json() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Captured(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "gpx_hubble", nodes = 2_u64, ok = true, reason = "a \"b\"\n", "partial {}", "answer");
        });
        assert_eq!(
            *lines.lock().unwrap(),
            [
                r#"{"@level":"warn","@message":"partial answer","@module":"gpx_hubble","@timestamp":"1970-01-01T00:00:01.000005Z","nodes":2,"ok":true,"reason":"a \"b\"\n"}"#
            ]
        );
    }
}
