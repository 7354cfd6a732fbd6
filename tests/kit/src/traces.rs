//! A receiver of spans, as Grafana's tracing names one.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::{sockets, until};

/// A running receiver.
#[derive(Debug)]
pub struct Traces {
    /// The address that it listens on.
    pub address: SocketAddr,
    received: watch::Sender<Vec<ReceivedSpan>>,
}

/// A received span.
#[derive(Clone, Debug)]
pub struct ReceivedSpan {
    /// The name.
    pub name: String,
    /// The trace, in hex.
    pub trace_id: String,
    /// The span, in hex.
    pub id: String,
    /// The span above, in hex; empty without one.
    pub parent_id: String,
    /// Whether its status is an error.
    pub is_error: bool,
    /// `name=value` of its attributes, sorted.
    pub attributes: Vec<String>,
    /// `name=value` of the resource's attributes, sorted.
    pub resource: Vec<String>,
}

impl Traces {
    /// Starts a receiver.
    pub async fn start() -> Self {
        let (listener, address) = sockets::listen().await;
        let received = watch::Sender::default();
        let service = TraceServiceServer::new(Receiver(received.clone()));
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        Self { address, received }
    }

    /// Waits for spans of these names, and returns all spans so far.
    pub async fn received(&self, names: &[&str]) -> Vec<ReceivedSpan> {
        let has_all = |spans: &Vec<ReceivedSpan>| {
            names.iter().all(|name| spans.iter().any(|span| span.name == *name))
        };
        until(&self.received, has_all).await;
        self.received.borrow().clone()
    }

    /// The spans so far.
    pub fn so_far(&self) -> Vec<ReceivedSpan> {
        self.received.borrow().clone()
    }
}

#[derive(Debug)]
struct Receiver(watch::Sender<Vec<ReceivedSpan>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for group in request.into_inner().resource_spans {
            let resource = attributes(group.resource.map(|of| of.attributes).unwrap_or_default());
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let spans: Vec<ReceivedSpan> = spans.map(|span| read(span, &resource)).collect();
            self.0.send_modify(|received| received.extend(spans));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn read(span: Span, resource: &[String]) -> ReceivedSpan {
    ReceivedSpan {
        name: span.name,
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        // Status code 2 is `ERROR`.
        is_error: span.status.is_some_and(|status| status.code == 2),
        attributes: attributes(span.attributes),
        resource: resource.to_vec(),
    }
}

fn attributes(list: Vec<KeyValue>) -> Vec<String> {
    let text = |attribute: KeyValue| {
        let value = match attribute.value.and_then(|any| any.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(is_true)) => is_true.to_string(),
            other => format!("{other:?}"),
        };
        format!("{}={value}", attribute.key)
    };
    let mut texts: Vec<String> = list.into_iter().map(text).collect();
    texts.sort_unstable();
    texts
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
