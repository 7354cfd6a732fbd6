//! `ContainerNetworkLog` resources (acn.azure.com/v1alpha1) and the flows that they log.

use std::net::IpAddr;

use cilium_policy::{Label, LogEndpoint, LogFilter};
use flow::{Endpoint, Flow, L7Record, Layer4, Verdict};
use vocabulary::NamespacedPrefix;

/// Whether a filter of a resource logs a flow.
#[must_use]
pub fn is_logged(filter: &LogFilter, flow: &Flow) -> bool {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let ip = flow.ip.as_ref();
    matches(&filter.from, flow.source.as_ref(), ip.and_then(|ip| address(&ip.source)))
        && matches(
            &filter.to,
            flow.destination.as_ref(),
            ip.and_then(|ip| address(&ip.destination)),
        )
        && (filter.protocol.is_empty()
            || filter.protocol.iter().any(|wanted| is_protocol(wanted, flow)))
        && (filter.verdict.is_empty()
            || filter.verdict.iter().any(|wanted| is_verdict(wanted, flow)))
}

fn matches(wanted: &LogEndpoint, endpoint: Option<&Endpoint>, address: Option<IpAddr>) -> bool {
    let pods = wanted.namespaced_pod.is_empty()
        || endpoint.is_some_and(|endpoint| {
            wanted.namespaced_pod.iter().any(|prefix| {
                NamespacedPrefix::parse(prefix)
                    .is_some_and(|own| own.matches(&endpoint.namespace, &endpoint.pod_name))
            })
        });
    let labels = wanted.labels.as_ref().is_none_or(|selector| {
        endpoint.is_some_and(|endpoint| {
            let mut labels: Vec<Label> =
                endpoint.labels.iter().map(|text| Label::parse(text)).collect();
            labels.sort();
            selector.matches(&labels)
        })
    });
    let ips = wanted.ip.is_empty()
        || address
            .is_some_and(|address| wanted.ip.iter().any(|prefix| prefix.contains_address(address)));
    pods && labels && ips
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
