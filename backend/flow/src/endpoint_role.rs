//! Source and destination of a flow, read from columns: their properties and display names.

use std::borrow::Cow;

use vocabulary::reserved;

use crate::columns::{ABSENT, Column, ColumnSet, FlowColumns, WorkloadName, at};

/// Columns that both kinds of names need.
const NAMES: ColumnSet = ColumnSet::of(&[
    Column::SourceNamespace,
    Column::SourcePod,
    Column::SourceNames,
    Column::SourceService,
    Column::SourceServiceNamespace,
    Column::SourceIdentity,
    Column::SourceIp,
    Column::DestinationNamespace,
    Column::DestinationPod,
    Column::DestinationNames,
    Column::DestinationService,
    Column::DestinationServiceNamespace,
    Column::DestinationIdentity,
    Column::DestinationIp,
]);

/// Accessors of a column of the source and of the same column of the destination.
type Accessors<T> = [fn(&FlowColumns) -> &[T]; 2];

/// Role of an endpoint in a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointRole {
    /// Sender of the packet.
    Source,
    /// Receiver of the packet.
    Destination,
}

impl EndpointRole {
    /// Columns that [`EndpointRole::name`] reads.
    pub const NAME_COLUMNS: ColumnSet =
        NAMES.with(Column::SourceLabels).with(Column::DestinationLabels);

    /// Columns that [`EndpointRole::shown`] reads.
    pub const SHOWN_COLUMNS: ColumnSet = NAMES.with(Column::SourceMac).with(Column::DestinationMac);

    fn of<T: Copy + Default>(self, columns: &FlowColumns, row: usize, of: Accessors<T>) -> T {
        let [source, destination] = of;
        at(
            match self {
                Self::Source => source(columns),
                Self::Destination => destination(columns),
            },
            row,
        )
    }

    /// Namespace of the pod; empty if absent.
    pub fn namespace(self, columns: &FlowColumns, row: usize) -> &str {
        let of = [FlowColumns::source_namespace, FlowColumns::destination_namespace];
        columns.text(self.of(columns, row, of))
    }

    /// Name of the pod; empty for endpoints that are not pods.
    pub fn pod_name(self, columns: &FlowColumns, row: usize) -> &str {
        let of = [FlowColumns::source_pod, FlowColumns::destination_pod];
        columns.text(self.of(columns, row, of))
    }

    /// `namespace/pod`; empty for endpoints that are not pods.
    pub fn pod(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        let pod = self.pod_name(columns, row);
        if pod.is_empty() { Cow::Borrowed("") } else { joined(self.namespace(columns, row), pod) }
    }

    /// Workloads of the pod.
    pub fn workloads(
        self,
        columns: &FlowColumns,
        row: usize,
    ) -> impl Iterator<Item = WorkloadName<'_>> {
        let of = [FlowColumns::source_workloads, FlowColumns::destination_workloads];
        columns.workloads(self.of(columns, row, of))
    }

    /// Name of the first workload; empty if absent.
    pub fn workload(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        self.workloads(columns, row).next().map_or(Cow::Borrowed(""), |workload| workload.name)
    }

    /// `namespace/service`; empty if no Service has the address.
    pub fn service(self, columns: &FlowColumns, row: usize) -> Cow<'_, str> {
        let of = [FlowColumns::source_service, FlowColumns::destination_service];
        let service = columns.text(self.of(columns, row, of));
        if service.is_empty() {
            return Cow::Borrowed("");
        }
        let of =
            [FlowColumns::source_service_namespace, FlowColumns::destination_service_namespace];
        joined(columns.text(self.of(columns, row, of)), service)
    }

    /// Labels with their sources: `k8s:app=db`.
    pub fn labels(self, columns: &FlowColumns, row: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let of = [FlowColumns::source_labels, FlowColumns::destination_labels];
        columns.items(self.of(columns, row, of))
    }

    /// Cilium's name of the cluster; empty if absent.
    pub fn cluster(self, columns: &FlowColumns, row: usize) -> &str {
        let of = [FlowColumns::source_cluster, FlowColumns::destination_cluster];
        columns.text(self.of(columns, row, of))
    }

    /// DNS names of the address.
    pub fn dns_names(
        self,
        columns: &FlowColumns,
        row: usize,
    ) -> impl Iterator<Item = Cow<'_, str>> {
        let of = [FlowColumns::source_names, FlowColumns::destination_names];
        columns.items(self.of(columns, row, of))
    }

    /// IP address; empty if absent.
    pub fn ip(self, columns: &FlowColumns, row: usize) -> &str {
        columns.text(self.of(columns, row, [FlowColumns::source_ip, FlowColumns::destination_ip]))
    }

    /// Security identity; 0 if absent.
    pub fn identity(self, columns: &FlowColumns, row: usize) -> u32 {
        self.of(columns, row, [FlowColumns::source_identity, FlowColumns::destination_identity])
    }

    /// Port; 0 if absent.
    pub fn port(self, columns: &FlowColumns, row: usize) -> u16 {
        self.of(columns, row, [FlowColumns::source_port, FlowColumns::destination_port])
    }

    /// Name of the reserved identity (`world`, `host`, …); `None` for pods. The identity of a CIDR
    /// in a policy carries the name in its labels.
    pub fn reserved(self, columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
        if let Some(name) = reserved::name(self.identity(columns, row)) {
            return Some(Cow::Borrowed(name));
        }
        self.labels(columns, row)
            .find_map(|label| Some(label.strip_prefix("reserved:")?.to_owned().into()))
    }

    /// Whether its name is that of a Service, because it is not a pod.
    pub(crate) fn is_service(self, columns: &FlowColumns, row: usize) -> bool {
        self.pod(columns, row).is_empty() && !self.service(columns, row).is_empty()
    }

    /// Stable name, the same for all flows of an endpoint: the pod, the Service, the first DNS name
    /// (an address gains more over time), the reserved identity, or the address, in this order. For
    /// `world` the address is used, because it says more. `None` if nothing is known.
    pub fn name(self, columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
        let name = [self.pod(columns, row), self.service(columns, row)]
            .into_iter()
            .find(|name| !name.is_empty());
        name.or_else(|| self.dns_names(columns, row).next())
            .or_else(|| self.reserved(columns, row).filter(|name| !name.starts_with("world")))
            .or_else(|| Some(self.ip(columns, row)).filter(|ip| !ip.is_empty()).map(Cow::Borrowed))
    }

    /// Display name, as in `hubble observe`, followed by `port` unless it is 0: the pod, the
    /// Service, the DNS names, or the address with its reserved identity in brackets, in this
    /// order; the MAC address of a packet without IP. `None` if nothing is known. Source:
    /// pkg/printer `Hostname`.
    pub fn shown(self, columns: &FlowColumns, row: usize, port: u16) -> Option<Cow<'_, str>> {
        let ip = self.ip(columns, row);
        if ip.is_empty() {
            let mac =
                self.of(columns, row, [FlowColumns::source_mac, FlowColumns::destination_mac]);
            if mac != ABSENT {
                return Some(columns.text(mac).into());
            }
        }
        let mut shown = self.pod(columns, row);
        if shown.is_empty() {
            shown = self.service(columns, row);
        }
        if shown.is_empty() {
            shown = comma_separated(self.dns_names(columns, row));
        }
        let is_named = !shown.is_empty();
        if !is_named {
            shown = ip.into();
        }
        if port != 0 {
            let brackets = shown.contains(':');
            shown = if brackets { format!("[{shown}]:{port}") } else { format!("{shown}:{port}") }
                .into();
        }
        if !is_named && let Some(name) = reserved::name(self.identity(columns, row)) {
            let space = if shown.is_empty() { "" } else { " " };
            shown = format!("{shown}{space}({name})").into();
        }
        (!shown.is_empty()).then_some(shown)
    }

    /// Dictionary codes and numbers that determine [`EndpointRole::shown`], except for the port.
    pub fn shown_codes(self, columns: &FlowColumns, row: usize) -> [u32; 8] {
        let codes: [Accessors<u32>; 8] = [
            [FlowColumns::source_namespace, FlowColumns::destination_namespace],
            [FlowColumns::source_pod, FlowColumns::destination_pod],
            [FlowColumns::source_service_namespace, FlowColumns::destination_service_namespace],
            [FlowColumns::source_service, FlowColumns::destination_service],
            [FlowColumns::source_names, FlowColumns::destination_names],
            [FlowColumns::source_identity, FlowColumns::destination_identity],
            [FlowColumns::source_ip, FlowColumns::destination_ip],
            [FlowColumns::source_mac, FlowColumns::destination_mac],
        ];
        codes.map(|of| self.of(columns, row, of))
    }
}

fn joined<'t>(namespace: &str, name: &'t str) -> Cow<'t, str> {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

fn comma_separated<'t>(mut items: impl Iterator<Item = Cow<'t, str>>) -> Cow<'t, str> {
    let mut joined = items.next().unwrap_or_default();
    for item in items {
        let joined = joined.to_mut();
        joined.push(',');
        joined.push_str(&item);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::RowLists;
    use crate::{Endpoint, Ethernet, Flow, Ip, Service};

    fn of(flow: &Flow, port: u16) -> [Option<String>; 2] {
        let mut columns = FlowColumns::default();
        columns.append_flow(flow, &mut RowLists::default()).unwrap();
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let role = EndpointRole::Destination;
        [own(role.name(&columns, 0)), own(role.shown(&columns, 0, port))]
    }

    #[test]
    fn an_endpoint_is_named_as_in_hubble() {
        #[track_caller]
        fn check(flow: &Flow, name: &str, shown: &str) {
            let expected = [name, shown].map(|text| Some(text.to_owned()));
            assert_eq!(of(flow, 80), expected);
        }
        let mut flow = Flow {
            ip: Some(Ip { destination: "192.0.2.1".to_owned(), ..Ip::default() }),
            destination: Some(Endpoint {
                namespace: "pets".to_owned(),
                pod_name: "order-0".to_owned(),
                ..Endpoint::default()
            }),
            destination_service: Some(Service {
                namespace: "shop".to_owned(),
                name: "order".to_owned(),
            }),
            destination_names: vec!["a.example".to_owned(), "b.example".to_owned()],
            ..Flow::default()
        };
        check(&flow, "pets/order-0", "pets/order-0:80");
        flow.destination = None;
        check(&flow, "shop/order", "shop/order:80");
        flow.destination_service = None;
        check(&flow, "a.example", "a.example,b.example:80");
        flow.destination_names.clear();
        check(&flow, "192.0.2.1", "192.0.2.1:80");
        for (identity, label, name, shown) in [
            (2, "", "192.0.2.1", "192.0.2.1:80 (world)"),
            // Like Hubble, which shows nothing for the identity of a CIDR.
            (16_777_217, "reserved:world", "192.0.2.1", "192.0.2.1:80"),
            (6, "", "remote-node", "192.0.2.1:80 (remote-node)"),
            (16_777_218, "reserved:kube-apiserver", "kube-apiserver", "192.0.2.1:80"),
            (9_000, "k8s:app=x", "192.0.2.1", "192.0.2.1:80"),
        ] {
            let labels = vec![label.to_owned()];
            flow.destination = Some(Endpoint { identity, labels, ..Endpoint::default() });
            check(&flow, name, shown);
        }
        flow.destination = Some(Endpoint { identity: 1, ..Endpoint::default() });
        flow.ip = Some(Ip { destination: "fd00::1".to_owned(), ..Ip::default() });
        check(&flow, "host", "[fd00::1]:80 (host)");
        flow.ip = None;
        assert_eq!(of(&flow, 0), ["host", "(host)"].map(|text| Some(text.to_owned())));
        flow.ethernet =
            Some(Ethernet { destination: "2e:00:00:00:00:01".to_owned(), ..Ethernet::default() });
        assert_eq!(of(&flow, 0), ["host", "2e:00:00:00:00:01"].map(|text| Some(text.to_owned())));
        assert_eq!(of(&Flow::default(), 0), [None, None]);
    }
}
