//! How an end of a flow is called.

use flow::columns::{ABSENT, FlowColumns};

use super::{at, put, put_list};

/// One end of a flow.
pub(super) struct Peer {
    namespace: u32,
    pod: u32,
    service_namespace: u32,
    service: u32,
    names: u32,
    identity: u32,
    ip: u32,
}

impl Peer {
    pub(super) fn source(flows: &FlowColumns, row: usize) -> Self {
        Self {
            namespace: at(flows.source_namespace(), row),
            pod: at(flows.source_pod(), row),
            service_namespace: at(flows.source_service_namespace(), row),
            service: at(flows.source_service(), row),
            names: at(flows.source_names(), row),
            identity: at(flows.source_identity(), row),
            ip: at(flows.source_ip(), row),
        }
    }

    pub(super) fn destination(flows: &FlowColumns, row: usize) -> Self {
        Self {
            namespace: at(flows.destination_namespace(), row),
            pod: at(flows.destination_pod(), row),
            service_namespace: at(flows.destination_service_namespace(), row),
            service: at(flows.destination_service(), row),
            names: at(flows.destination_names(), row),
            identity: at(flows.destination_identity(), row),
            ip: at(flows.destination_ip(), row),
        }
    }

    pub(super) fn key(&self) -> [u32; 7] {
        let &Self { namespace, pod, service_namespace, service, names, identity, ip } = self;
        [namespace, pod, service_namespace, service, names, identity, ip]
    }

    /// The order of `hubble observe`: pod, service, DNS names, address. An address of a reserved
    /// identity says which.
    pub(super) fn put(&self, text: &mut String, flows: &FlowColumns) {
        let join = |text: &mut String, namespace: u32, name: u32| {
            if namespace != ABSENT {
                put(text, format_args!("{}/", flows.text(namespace)));
            }
            text.push_str(flows.text(name));
        };
        if self.pod != ABSENT {
            join(text, self.namespace, self.pod);
        } else if self.service != ABSENT {
            join(text, self.service_namespace, self.service);
        } else if self.names != ABSENT {
            put_list(text, flows, self.names);
        } else {
            text.push_str(flows.text(self.ip));
            if let Some(name) = reserved_identity(self.identity) {
                let space = if text.is_empty() { "" } else { " " };
                put(text, format_args!("{space}({name})"));
            }
        }
    }
}

/// Name of an identity that means the same in every cluster. Source: pkg/identity
/// `ReservedIdentity…`.
const fn reserved_identity(identity: u32) -> Option<&'static str> {
    Some(match identity {
        1 => "host",
        2 => "world",
        3 => "unmanaged",
        4 => "health",
        5 => "init",
        6 => "remote-node",
        7 => "kube-apiserver",
        8 => "ingress",
        9 => "world-ipv4",
        10 => "world-ipv6",
        _ => return None,
    })
}
