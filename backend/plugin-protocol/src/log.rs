//! Log lines as hashicorp/go-hclog writes them in JSON: Grafana reads them from stderr and logs
//! them again under the plugin's name, at the level that each line says.
//!
//! Only this plugin's own crates log below `warn`: debug lines of HTTP libraries hold headers.

use std::fmt;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

use crate::program::Program;
use crate::trace;

/// Starts logging of the program's own crates at `level` (`trace`, `debug`, `info`, `warn`, `error`;
/// anything else is `info`), and of all others at `warn`; with `traces`, also their spans.
pub(crate) fn init(level: Option<&str>, program: Program, traces: Option<&SdkTracerProvider>) {
    let level =
        level.and_then(|level| level.parse::<LevelFilter>().ok()).unwrap_or(LevelFilter::INFO);
    let own = |level: LevelFilter| {
        Targets::new()
            .with_target(env!("CARGO_CRATE_NAME"), level)
            .with_targets(program.crates.iter().map(|name| (*name, level)))
    };
    let lines = own(level).with_default(LevelFilter::WARN.min(level));
    let spans =
        traces.map(|provider| trace::layer(provider, program, own(trace::MAX_LEVEL.into())));
    tracing_subscriber::registry().with(HclogLayer.with_filter(lines)).with(spans).init();
    std::panic::set_hook(Box::new(|panic| {
        // The payload may quote data of a request, so only the place is logged.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

struct HclogLayer;

/// The fields of a span, which every line within it has.
struct SpanFields(Map<String, Value>);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for HclogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields(Map::new());
            attributes.record(&mut fields);
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(kept)) = span.extensions_mut().get_mut()
        {
            let mut fields = Fields(std::mem::take(kept));
            values.record(&mut fields);
            *kept = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        of_spans(event, &context, &mut fields);
        let mut line = line(event, fields, Utc::now());
        line.push('\n');
        // A log line that cannot be written has nowhere to be reported.
        drop(io::stderr().lock().write_all(line.as_bytes()));
    }
}

/// Adds the fields of an event's spans, the inner ones last.
fn of_spans<S>(event: &Event<'_>, context: &Context<'_, S>, fields: &mut Map<String, Value>)
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
        if let Some(SpanFields(own)) = span.extensions().get() {
            fields.extend(own.clone());
        }
    }
}

/// The line of an event, with the fields of its spans.
fn line(event: &Event<'_>, of_spans: Map<String, Value>, now: DateTime<Utc>) -> String {
    let mut fields = Fields(of_spans);
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
        // Words of a span to the tracer.
        if name.starts_with("otel.") {
            return;
        }
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

    use tracing::field::Empty;

    use super::*;

    struct Captured(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Captured {
        fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
            let mut fields = Map::new();
            of_spans(event, &context, &mut fields);
            let now = DateTime::from_timestamp(1, 5_000).unwrap();
            self.0.lock().unwrap().push(line(event, fields, now));
        }
    }

    fn lines(log: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        // Spans alone: the lines are captured.
        let spans = HclogLayer.with_filter(LevelFilter::ERROR);
        let subscriber = tracing_subscriber::registry().with(spans).with(Captured(lines.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn lines_are_hclog_json() {
        let lines = lines(|| {
            tracing::warn!(target: "gpx_hubble", nodes = 2_u64, ok = true, reason = "a \"b\"\n", "partial {}", "answer");
        });
        assert_eq!(
            lines,
            [
                r#"{"@level":"warn","@message":"partial answer","@module":"gpx_hubble","@timestamp":"1970-01-01T00:00:01.000005Z","nodes":2,"ok":true,"reason":"a \"b\"\n"}"#
            ]
        );
    }

    #[test]
    fn lines_have_the_fields_of_their_spans() {
        let lines = lines(|| {
            let call =
                tracing::error_span!("call", otel.kind = "server", orgId = 7, traceId = Empty);
            call.record("traceId", "4bf9");
            let _call = call.entered();
            let query = tracing::error_span!("query", refId = "A").entered();
            tracing::warn!(target: "gpx_hubble", "within");
            drop(query);
            tracing::warn!(target: "gpx_hubble", "after");
        });
        let head = |message: &str| {
            format!(
                r#"{{"@level":"warn","@message":"{message}","@module":"gpx_hubble","@timestamp":"1970-01-01T00:00:01.000005Z","orgId":7"#
            )
        };
        assert_eq!(
            lines,
            [
                format!(r#"{},"refId":"A","traceId":"4bf9"}}"#, head("within")),
                format!(r#"{},"traceId":"4bf9"}}"#, head("after")),
            ]
        );
    }
}
