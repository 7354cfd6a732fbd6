//! Spans of Grafana's calls. Their fields stand in every log line about a call, under the names that
//! Grafana's SDK for Go uses, and in its trace.

use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TraceContextExt as _;
use tonic::Request;
use tonic::metadata::{KeyRef, MetadataMap};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::message::{
    CallResourceRequest, CheckHealthRequest, PluginContext, PublishStreamRequest, QueryDataRequest,
    RunStreamRequest, SubscribeStreamRequest,
};

/// A message that says on whose account it is sent.
pub(crate) trait Called {
    /// The caller and its data source.
    fn plugin_context(&self) -> Option<&PluginContext>;
}

macro_rules! called {
    ($($message:ty),+ $(,)?) => {
        $(impl Called for $message {
            fn plugin_context(&self) -> Option<&PluginContext> {
                self.plugin_context.as_ref()
            }
        })+
    };
}

called!(
    CallResourceRequest,
    CheckHealthRequest,
    PublishStreamRequest,
    QueryDataRequest,
    RunStreamRequest,
    SubscribeStreamRequest,
);

/// The span of a call to an endpoint, below the span of Grafana that the metadata name. It has the level of
/// errors, so that lines of every level have its fields.
pub(crate) fn span<T: Called>(endpoint: &'static str, request: &Request<T>) -> Span {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator
            .extract_with_context(&opentelemetry::Context::new(), &CallMetadata(request.metadata()))
    });
    let span = tracing::error_span!(
        "call",
        otel.name = endpoint,
        otel.kind = "server",
        endpoint,
        traceId = Empty,
        orgId = Empty,
        dsUid = Empty,
    );
    let trace_id = parent.span().span_context().trace_id();
    if trace_id != opentelemetry::TraceId::INVALID {
        span.record("traceId", tracing::field::display(trace_id));
    }
    span.set_parent(parent);
    if let Some(context) = request.get_ref().plugin_context() {
        span.record("orgId", context.org_id);
        if let Some(source) = &context.data_source_instance_settings {
            span.record("dsUid", source.uid.as_str());
        }
    }
    span
}

struct CallMetadata<'a>(&'a MetadataMap);

impl Extractor for CallMetadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        let keys = self.0.keys().filter_map(|key| match key {
            KeyRef::Ascii(key) => Some(key.as_str()),
            KeyRef::Binary(_) => None,
        });
        keys.collect()
    }
}
