//! Messages that the L7 proxy logged.

use crate::L7FlowType;

/// L7 message. Source: flow.proto `Flow.l7`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layer7 {
    /// Role of the message.
    pub l7_type: L7FlowType,
    /// Time since the request in nanoseconds; responses only.
    pub latency_ns: u64,
    /// Message; absent for a protocol that is not listed here.
    pub record: Option<L7Record>,
}

/// L7 message, by protocol.
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
    /// Queried name, with trailing dot.
    pub query: String,
    /// Addresses of the answer.
    pub ips: Vec<String>,
    /// Time that the answer may be cached, in seconds.
    pub ttl: u32,
    /// CNAMEs of the answer.
    pub cnames: Vec<String>,
    /// Observer of the message (`proxy`).
    pub observation_source: String,
    /// Response code: 0 NOERROR, 3 NXDOMAIN, 5 REFUSED, …. Source: IANA, DNS RCODEs.
    pub rcode: u32,
    /// Queried types (`A`, `AAAA`).
    pub qtypes: Vec<String>,
    /// Types of the answer's records.
    pub rrtypes: Vec<String>,
}

/// An HTTP message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Http {
    /// Status code; responses only.
    pub code: u32,
    /// Method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// `HTTP/1.1`, `HTTP/2`.
    pub protocol: String,
    /// Recorded headers.
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
    /// Protocol name in Hubble's filters: `dns`, `http`, `kafka`.
    #[must_use]
    pub const fn protocol(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Http(_) => "http",
            Self::Kafka(_) => "kafka",
        }
    }
}
