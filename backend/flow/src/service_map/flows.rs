//! Filters for the flows of a node or an edge, in the relay's form.

use std::collections::BTreeSet;

use crate::EndpointRole;
use crate::columns::FlowColumns;
use crate::filter::FlowFilter;

use super::MapBy;

/// Maximum number of pods that a filter lists by name.
const MAX_PODS: usize = 20;

/// Endpoints behind a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum EndpointSet {
    /// No flows yet.
    #[default]
    None,
    /// Pods as `namespace/pod`. Only the pod's own node knows its workload, so a filter by workload
    /// would miss flows seen by others.
    Pods(BTreeSet<String>),
    /// The pods of a namespace.
    Namespace(String),
    /// A security identity.
    Identity(u32),
    /// A reserved identity.
    Reserved(String),
    /// A DNS name.
    DnsName(String),
    /// Service as `namespace/service`.
    Service(String),
    /// Endpoints that no single filter selects: of different kinds, or without any name.
    Unnamed,
}

impl EndpointSet {
    pub(super) fn of(by: MapBy, columns: &FlowColumns, row: usize, role: EndpointRole) -> Self {
        let namespace = role.namespace(columns, row);
        let pod = role.pod(columns, row);
        match by {
            MapBy::Identity => match role.identity(columns, row) {
                0 => Self::Unnamed,
                identity => Self::Identity(identity),
            },
            MapBy::Namespace if !namespace.is_empty() => Self::Namespace(namespace.to_owned()),
            MapBy::Workload | MapBy::Pod if !pod.is_empty() => {
                Self::Pods(BTreeSet::from([pod.into_owned()]))
            }
            MapBy::Workload | MapBy::Pod if role.is_service(columns, row) => {
                Self::Service(role.service(columns, row).into_owned())
            }
            MapBy::Workload | MapBy::Pod | MapBy::Namespace => {
                let name = role.dns_names(columns, row).next().filter(|_| by != MapBy::Namespace);
                match (name, role.reserved(columns, row)) {
                    (Some(name), _) => Self::DnsName(name.into_owned()),
                    (None, Some(reserved)) => Self::Reserved(reserved.into_owned()),
                    (None, None) => Self::Unnamed,
                }
            }
        }
    }

    /// Adds other endpoints.
    pub(super) fn add(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::None, endpoints) | (endpoints, Self::None) => endpoints,
            (Self::Pods(mut pods), Self::Pods(more)) => {
                let more: Vec<String> =
                    more.into_iter().filter(|pod| !covers(&pods, pod)).collect();
                pods.extend(more);
                Self::few_of(pods)
            }
            (Self::Namespace(namespace), Self::Pods(pods))
            | (Self::Pods(pods), Self::Namespace(namespace))
                if pods.iter().all(|pod| namespace_of(pod) == namespace) =>
            {
                Self::Namespace(namespace)
            }
            (endpoints, other) if endpoints == other => endpoints,
            _ => Self::Unnamed,
        };
    }

    /// Whether an endpoint is already one of the pods. `room` is a buffer for its name, reused from
    /// flow to flow.
    pub(super) fn has(
        &self,
        columns: &FlowColumns,
        row: usize,
        role: EndpointRole,
        room: &mut String,
    ) -> bool {
        let Self::Pods(pods) = self else { return false };
        room.clear();
        room.push_str(role.namespace(columns, row));
        room.push('/');
        room.push_str(role.pod_name(columns, row));
        covers(pods, room)
    }

    /// Shortens a long list of pods to prefixes: a filter by pod matches the beginning of its name.
    /// The first prefix ends at the last dash and selects the pods of one `ReplicaSet`,
    /// `StatefulSet` or `DaemonSet`. If there are still too many, it ends at the dash before; then
    /// the whole namespace is selected.
    fn few_of(mut pods: BTreeSet<String>) -> Self {
        while pods.len() > MAX_PODS {
            // Whole names are shortened before prefixes.
            let is_whole = |pod: &String| !pod.ends_with('-') && owner_prefix(pod) != pod;
            let has_whole = pods.iter().any(is_whole);
            let shorter = pods
                .iter()
                .map(
                    |pod| {
                        if has_whole && !is_whole(pod) { pod.as_str() } else { owner_prefix(pod) }
                    },
                )
                .map(str::to_owned)
                .collect();
            if shorter == pods {
                let first = pods.first().map(|pod| namespace_of(pod)).unwrap_or_default();
                return if pods.iter().all(|pod| namespace_of(pod) == first) {
                    Self::Namespace(first.to_owned())
                } else {
                    Self::Unnamed
                };
            }
            pods = shorter;
        }
        Self::Pods(pods)
    }

    /// Filter for flows from these endpoints.
    fn sources(&self) -> Option<FlowFilter> {
        let filter = FlowFilter::default();
        Some(match self {
            Self::None | Self::Unnamed => return None,
            Self::Pods(pods) => FlowFilter { source_pod: pods.iter().cloned().collect(), ..filter },
            Self::Namespace(namespace) => {
                FlowFilter { source_pod: vec![format!("{namespace}/")], ..filter }
            }
            Self::Identity(identity) => FlowFilter { source_identity: vec![*identity], ..filter },
            Self::Reserved(name) => {
                FlowFilter { source_label: vec![format!("reserved:{name}")], ..filter }
            }
            Self::DnsName(name) => FlowFilter { source_fqdn: vec![name.clone()], ..filter },
            Self::Service(service) => {
                FlowFilter { source_service: vec![service.clone()], ..filter }
            }
        })
    }

    /// Filters for flows from and to these endpoints.
    pub(super) fn either_way(&self) -> Option<[FlowFilter; 2]> {
        let from = self.sources()?;
        Some([from.clone(), from.mirrored()])
    }

    /// Filters for flows from these endpoints to `others` and back.
    pub(super) fn between(&self, others: &Self) -> Option<[FlowFilter; 2]> {
        let (from, to) = (self.sources()?, others.sources()?.mirrored());
        let there = FlowFilter {
            source_pod: from.source_pod,
            source_identity: from.source_identity,
            source_label: from.source_label,
            source_fqdn: from.source_fqdn,
            source_service: from.source_service,
            ..to
        };
        Some([there.clone(), there.mirrored()])
    }
}

/// Prefix of a pod's name that ends at the last dash: `pets/store-front-7d8f9c6b5-` of
/// `pets/store-front-7d8f9c6b5-x2lqk`, and `pets/store-front-` of that. A name without such a dash
/// stays as it is.
fn owner_prefix(pod: &str) -> &str {
    let name_at = pod.find('/').map_or(0, |slash| slash + 1);
    match pod.strip_suffix('-').unwrap_or(pod).rfind('-') {
        Some(dash) if dash > name_at => pod.get(..=dash).unwrap_or(pod),
        _ => pod,
    }
}

/// Whether the set contains a pod, by name or prefix.
fn covers(pods: &BTreeSet<String>, pod: &str) -> bool {
    pods.contains(pod) || pods.iter().any(|known| known.ends_with('-') && pod.starts_with(known))
}

fn namespace_of(pod: &str) -> &str {
    pod.split_once('/').map_or("", |(namespace, _)| namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pods_are_selected_by_prefix() {
        #[track_caller]
        fn check(pods: impl Iterator<Item = String>, expected: Option<&[&str]>) {
            let mut endpoints = EndpointSet::None;
            for pod in pods {
                endpoints.add(EndpointSet::Pods(BTreeSet::from([pod])));
            }
            let filter = endpoints.either_way().map(|[from, _]| from.source_pod);
            assert_eq!(
                filter.as_deref(),
                expected
                    .map(|pods| pods.iter().map(|pod| (*pod).to_owned()).collect::<Vec<_>>())
                    .as_deref()
            );
        }
        let pods = |count: usize, of: fn(usize) -> String| (0..count).map(of);
        check(pods(2, |n| format!("pets/web-5d-{n}")), Some(&["pets/web-5d-0", "pets/web-5d-1"]));
        check(
            pods(300, |n| format!("pets/web-{}-{n}", n % 3)),
            Some(&["pets/web-0-", "pets/web-1-", "pets/web-2-"]),
        );
        check(pods(300, |n| format!("pets/backup-{n}-x")), Some(&["pets/backup-"]));
        check(pods(300, |n| format!("pets/pod{n}")), Some(&["pets/"]));
        check(pods(300, |n| format!("ns{n}/pod")), None);
        check(pods(0, |_| String::new()), None);
    }

    #[test]
    fn endpoints_of_different_kinds_have_no_filter() {
        let both = |a: &EndpointSet, b: &EndpointSet| {
            let mut endpoints = a.clone();
            endpoints.add(b.clone());
            endpoints
        };
        let pods = EndpointSet::Pods(BTreeSet::from(["pets/a-0".to_owned()]));
        let pets = EndpointSet::Namespace("pets".to_owned());
        let host = EndpointSet::Reserved("host".to_owned());
        assert_eq!(both(&host, &host), host);
        assert_eq!(both(&pods, &pets), pets);
        assert_eq!(both(&pets, &pods), pets);
        assert_eq!(both(&EndpointSet::Namespace("shop".to_owned()), &pods), EndpointSet::Unnamed);
        assert_eq!(both(&host, &pods), EndpointSet::Unnamed);
        assert_eq!(both(&EndpointSet::Unnamed, &host), EndpointSet::Unnamed);
        assert_eq!(
            (EndpointSet::Unnamed.either_way(), host.between(&EndpointSet::Unnamed)),
            (None, None)
        );
        let [there, back] = pods.between(&host).unwrap();
        assert_eq!(
            (there.source_pod, there.destination_label),
            (vec!["pets/a-0".to_owned()], vec!["reserved:host".to_owned()])
        );
        assert_eq!(
            (back.source_label, back.destination_pod),
            (vec!["reserved:host".to_owned()], vec!["pets/a-0".to_owned()])
        );
    }
}
