//! Traces by OpenTelemetry where Grafana's tracing is on. Spans are those of `tracing`; without an address
//! for them there is no exporter, no thread, and no span that only a trace would show.
//!
//! Source: Grafana's `pkg/services/pluginsintegration/pluginconfig/envvars.go` for the variables, and its
//! SDK for Go, `internal/tracerprovider`, for their meaning.

use std::time::Duration;

use opentelemetry::global;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_jaeger_propagator::Propagator as JaegerPropagator;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::program::Program;

/// Time for the last spans at the end of the process; with the time for calls in flight it stays below
/// the 2 s after which go-plugin kills.
const FLUSH: Duration = Duration::from_millis(400);

/// Lowest level of spans that traces show.
pub(crate) const MAX_LEVEL: Level = Level::DEBUG;

/// The address of Grafana's own receiver, as `host:port`.
const ADDRESS: &str = "GF_INSTANCE_OTLP_ADDRESS";
/// `w3c`, `jaeger`, or both with a comma.
const PROPAGATION: &str = "GF_INSTANCE_OTLP_PROPAGATION";
const SAMPLER_TYPE: &str = "GF_INSTANCE_OTLP_SAMPLER_TYPE";
const SAMPLER_PARAM: &str = "GF_INSTANCE_OTLP_SAMPLER_PARAM";

/// Reason why there are no traces although Grafana has some.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    #[error(
        "{SAMPLER_TYPE} is `{0}`, which is not a sampler: use `const`, `probabilistic`, `rateLimiting` or `remote`"
    )]
    Sampler(String),
    #[error("{PROPAGATION} names `{0}`, which is not a propagation: use `w3c` or `jaeger`")]
    Propagation(String),
    #[error("{ADDRESS} cannot be used")]
    Exporter(#[source] ExporterBuildError),
}

/// Sets how traces pass from call to call, by Grafana's environment: also without traces of our own, so
/// that log lines name Grafana's.
///
/// Errors: [`TraceError::Propagation`].
pub(crate) fn set_propagation(var: impl Fn(&str) -> Option<String>) -> Result<(), TraceError> {
    let names = var(PROPAGATION).unwrap_or_default();
    global::set_text_map_propagator(TextMapCompositePropagator::new(propagators(&names)?));
    Ok(())
}

type Propagators = Vec<Box<dyn TextMapPropagator + Send + Sync>>;

fn propagators(names: &str) -> Result<Propagators, TraceError> {
    let mut propagators = Propagators::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        propagators.push(match name {
            "w3c" => Box::new(TraceContextPropagator::new()),
            "jaeger" => Box::new(JaegerPropagator::new()),
            other => return Err(TraceError::Propagation(other.to_owned())),
        });
    }
    if propagators.is_empty() {
        propagators.push(Box::new(TraceContextPropagator::new()));
    }
    Ok(propagators)
}

/// The exporter of spans, by Grafana's environment. `None`: Grafana's tracing is off. Call it within a Tokio
/// runtime.
///
/// Errors: [`TraceError`].
pub(crate) fn provider(
    program: Program,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Option<SdkTracerProvider>, TraceError> {
    let Some(address) = var(ADDRESS).filter(|address| !address.is_empty()) else {
        return Ok(None);
    };
    let param = var(SAMPLER_PARAM).and_then(|param| param.parse().ok()).unwrap_or(1.0);
    let root = root_sampler(&var(SAMPLER_TYPE).unwrap_or_default(), param)?;
    let endpoint = if address.contains("://") { address } else { format!("http://{address}") };
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    let exporter = exporter.build().map_err(TraceError::Exporter)?;
    let version = opentelemetry::KeyValue::new("service.version", program.version);
    let resource =
        Resource::builder().with_service_name(program.id).with_attribute(version).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(root)))
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}

/// The sampler of spans without a parent. Grafana is the parent of all its calls and has decided on them;
/// where it asks a server, or counts spans a second, the few without one are not sampled here.
fn root_sampler(kind: &str, param: f64) -> Result<Sampler, TraceError> {
    match kind {
        "" | "const" if param >= 1.0 => Ok(Sampler::AlwaysOn),
        "" | "const" | "rateLimiting" | "remote" => Ok(Sampler::AlwaysOff),
        "probabilistic" => Ok(Sampler::TraceIdRatioBased(param)),
        other => Err(TraceError::Sampler(other.to_owned())),
    }
}

/// The layer that gives the spans of the crates `own` to the exporter. Events stay in the log: a trace
/// leaves the machine.
pub(crate) fn layer<S>(
    provider: &SdkTracerProvider,
    program: Program,
    own: Targets,
) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let spans = filter_fn(|metadata| metadata.is_span() && *metadata.level() <= MAX_LEVEL)
        .with_max_level_hint(MAX_LEVEL);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(program.name))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(spans.and(own))
}

/// Sends the last spans, as far as the receiver takes them in time.
pub(crate) async fn flush(provider: SdkTracerProvider) {
    // It blocks until the exporter has ended, whose connection needs this runtime.
    let flushed = tokio::task::spawn_blocking(move || provider.shutdown());
    // A receiver that does not answer loses them.
    drop(tokio::time::timeout(FLUSH, flushed).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers() {
        let check = |kind: &str, param: f64, expected: Option<&str>| {
            let sampler = root_sampler(kind, param).ok().map(|sampler| format!("{sampler:?}"));
            assert_eq!(sampler.as_deref(), expected, "{kind} {param}");
        };
        check("", 1.0, Some("AlwaysOn"));
        check("", 0.0, Some("AlwaysOff"));
        check("const", 1.0, Some("AlwaysOn"));
        check("const", 0.5, Some("AlwaysOff"));
        check("probabilistic", 0.5, Some("TraceIdRatioBased(0.5)"));
        check("rateLimiting", 2.0, Some("AlwaysOff"));
        check("remote", 1.0, Some("AlwaysOff"));
        check("dice", 1.0, None);
    }

    #[test]
    fn propagations() {
        let check = |names: &str, expected: Result<usize, &str>| {
            let propagators = propagators(names);
            let count = propagators.map(|all| all.len()).map_err(|error| error.to_string());
            assert_eq!(count, expected.map_err(str::to_owned), "{names}");
        };
        check("", Ok(1));
        check("w3c", Ok(1));
        check("jaeger,w3c", Ok(2));
        let refused = "GF_INSTANCE_OTLP_PROPAGATION names `b3`, which is not a propagation: use `w3c` or `jaeger`";
        check("w3c, b3", Err(refused));
    }

    #[test]
    fn no_address_is_no_exporter() {
        let program = Program { id: "plugin", name: "plugin", version: "1", crates: &[] };
        for address in [None, Some(String::new())] {
            let provider = provider(program, |name| address.clone().filter(|_| name == ADDRESS));
            assert!(provider.unwrap().is_none());
        }
    }
}
