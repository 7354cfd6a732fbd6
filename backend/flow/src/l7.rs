//! Messages that the L7 proxy logged.

use crate::L7FlowType;

/// An L7 message. Source: flow.proto `Flow.l7`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layer7 {
    /// Request or response.
    pub l7_type: L7FlowType,
    /// Responses only: nanoseconds since the request.
    pub latency_ns: u64,
    /// The message; absent for a protocol that is not listed here.
    pub record: Option<L7Record>,
}

/// An L7 message by protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum L7Record {
    /// DNS query or answer.
    Dns(Dns),
    /// HTTP request or response.
    Http(Http),
    /// Kafka request or response; no longer sent.
    Kafka(Kafka),
}

/// A DNS message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Dns {
    /// Name asked for, with trailing dot.
    pub query: String,
    /// Addresses of the answer.
    pub ips: Vec<String>,
    /// Seconds that the answer may be kept.
    pub ttl: u32,
    /// CNAMEs of the answer.
    pub cnames: Vec<String>,
    /// Who saw it (`proxy`).
    pub observation_source: String,
    /// Response code: 0 NOERROR, 3 NXDOMAIN, 5 REFUSED, …. Source: IANA, DNS RCODEs.
    pub rcode: u32,
    /// Types asked for (`A`, `AAAA`).
    pub qtypes: Vec<String>,
    /// Types of the answer's records.
    pub rrtypes: Vec<String>,
}

/// An HTTP message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Http {
    /// Status; responses only.
    pub code: u32,
    /// Method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// `HTTP/1.1`, `HTTP/2`.
    pub protocol: String,
    /// All headers that were kept.
    pub headers: Vec<HttpHeader>,
}

/// One HTTP header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HttpHeader {
    /// Header name.
    pub key: String,
    /// Header value.
    pub value: String,
}

/// A Kafka message; no longer sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Kafka {
    /// Kafka's error code.
    pub error_code: i32,
    /// Version of the request.
    pub api_version: i32,
    /// Kind of request (`fetch`, `produce`).
    pub api_key: String,
    /// Links a response to its request.
    pub correlation_id: i32,
    /// Topic.
    pub topic: String,
}

impl L7Record {
    /// The protocol's name as Hubble's filters know it: `dns`, `http`, `kafka`.
    #[must_use]
    pub const fn protocol(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Http(_) => "http",
            Self::Kafka(_) => "kafka",
        }
    }
}
