//! `ContainerNetworkLog` (acn.azure.com/v1alpha1): which flows a resource logs, and the resource
//! that a filter of Hubble needs.

mod wish;

use std::net::IpAddr;

use flow::{Endpoint, Flow, L7Record, Layer4, Verdict};
use vocabulary::NamespacedPrefix;

use crate::{
    Label, Position, Prefix, Refused, Selector,
    document::{RawFilters, read_log_filters},
};
pub use wish::LogWish;

/// One or more resources: a flow is logged where any filter of any of them matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogResources {
    /// Their filters.
    pub filters: Vec<LogFilter>,
    /// Documents that could not be read.
    pub refused: Vec<Refused>,
}

/// One entry of `includefilters`; what is empty is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub at: Position,
    /// The sender.
    pub from: LogSide,
    /// The receiver.
    pub to: LogSide,
    /// `tcp`, `udp`, `dns`.
    pub protocol: Vec<String>,
    /// `forwarded`, `dropped`.
    pub verdict: Vec<String>,
}

/// One side of a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSide {
    /// `namespace/prefix of a pod's name`.
    pub namespaced_pod: Vec<String>,
    /// By labels.
    pub labels: Option<Selector>,
    /// By addresses.
    pub ip: Vec<Prefix>,
}

impl LogResources {
    /// Reads the resources of a text; other documents are passed over.
    #[must_use]
    pub fn read(source: usize, text: &str) -> Self {
        let RawFilters { filters, refused } = read_log_filters(source, text);
        Self { filters, refused }
    }

    /// The name of the first filter that logs a flow.
    #[must_use]
    pub fn logs(&self, flow: &Flow) -> Option<&str> {
        self.filters.iter().find(|filter| filter.matches(flow)).map(|f| f.name.as_str())
    }
}

impl LogFilter {
    /// Whether it logs a flow.
    #[must_use]
    pub fn matches(&self, flow: &Flow) -> bool {
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let ip = flow.ip.as_ref();
        self.from.matches(flow.source.as_ref(), ip.and_then(|ip| address(&ip.source)))
            && self
                .to
                .matches(flow.destination.as_ref(), ip.and_then(|ip| address(&ip.destination)))
            && (self.protocol.is_empty()
                || self.protocol.iter().any(|wanted| is_protocol(wanted, flow)))
            && (self.verdict.is_empty()
                || self.verdict.iter().any(|wanted| is_verdict(wanted, flow)))
    }
}

impl LogSide {
    fn matches(&self, endpoint: Option<&Endpoint>, address: Option<IpAddr>) -> bool {
        let pods = self.namespaced_pod.is_empty()
            || endpoint.is_some_and(|endpoint| {
                self.namespaced_pod.iter().any(|wanted| {
                    NamespacedPrefix::parse(wanted)
                        .is_some_and(|own| own.matches(&endpoint.namespace, &endpoint.pod_name))
                })
            });
        let labels = self.labels.as_ref().is_none_or(|selector| {
            endpoint.is_some_and(|endpoint| {
                let mut labels: Vec<Label> =
                    endpoint.labels.iter().map(|text| Label::parse(text)).collect();
                labels.sort();
                selector.matches(&labels)
            })
        });
        let ips = self.ip.is_empty()
            || address.is_some_and(|address| {
                self.ip.iter().any(|prefix| prefix.contains_address(address))
            });
        pods && labels && ips
    }
}

fn is_protocol(wanted: &str, flow: &Flow) -> bool {
    match wanted.to_ascii_lowercase().as_str() {
        "tcp" => matches!(flow.l4, Some(Layer4::Tcp(_))),
        "udp" => matches!(flow.l4, Some(Layer4::Udp(_))),
        "dns" => {
            matches!(flow.l7.as_ref().and_then(|l7| l7.record.as_ref()), Some(L7Record::Dns(_)))
        }
        _ => false,
    }
}

fn is_verdict(wanted: &str, flow: &Flow) -> bool {
    match wanted.to_ascii_lowercase().as_str() {
        "forwarded" => flow.verdict == Verdict::Forwarded,
        "dropped" => flow.verdict == Verdict::Dropped,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
