//! Translation of flags into Hubble's filters, as `hubble observe` does it. A flag about either
//! endpoint becomes two filters, source **or** destination. Values of one flag are alternatives;
//! different flags restrict each other.
//!
//! Source: `hubble/cmd/observe/flows_filter.go`.

use flow::filter::{FilterSet, FlowFilter};
use flow::{MessageType, NetworkInterface, TrafficDirection, Verdict};
use hubble_api::pb::flow::FlowFilter as WireFilter;
use serde_json::value::RawValue;

use crate::flag::{self, Flag, FlagValues, HUBBLE_PROTOCOLS, InvalidFlag};
use crate::form::FlowsForm;
use crate::model::InvalidQuery;
use crate::value::{
    dns_name, drop_reason, event_type, http_header, http_status, identity, ip, ip_trace_id,
    ip_version, named, not_a, one_of, tcp_flags, truth, workload,
};
use crate::{adhoc, budget};

/// Flags about HTTP. Nodes accept them beside event types only if one of these is `l7`. Source:
/// pkg/hubble/filters `httpMatchCompatibleEventFilter`.
const HTTP_FLAGS: [Flag; 5] =
    [Flag::HttpStatus, Flag::HttpMethod, Flag::HttpPath, Flag::HttpUrl, Flag::HttpHeader];

/// The flows that a query selects: as Hubble's filters and as a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowSelection {
    /// Hubble's filters.
    pub filters: FilterSet,
    /// Flags and values of `hubble observe`, quoted for a shell.
    pub observe_flags: String,
}

impl FlowSelection {
    /// Translates `form`.
    ///
    /// Errors: [`InvalidQuery::Flag`], [`InvalidQuery::Selection`], [`InvalidQuery::RawFilter`],
    /// [`InvalidQuery::Adhoc`].
    pub fn new(form: &FlowsForm) -> Result<Self, InvalidQuery> {
        let mut filters = FilterSet::default();
        filters.allow = EndpointFilters::new("filter", &form.filter)?.filters();
        let too_large = |list| move |cause| InvalidQuery::Selection { list, cause };
        budget::check(&filters).map_err(too_large("filter"))?;
        filters.deny = EndpointFilters::new("exclude", &form.exclude)?.filters();
        budget::check(&filters).map_err(too_large("exclude"))?;
        for (list, texts) in [("allowlist", &form.allowlist), ("denylist", &form.denylist)] {
            for (index, text) in texts.iter().enumerate() {
                let of_text = raw_filters(list, index, text)?;
                let into = if list == "allowlist" { &mut filters.allow } else { &mut filters.deny };
                into.extend(of_text);
                budget::check(&filters).map_err(|cause| {
                    let reason = cause.to_string();
                    InvalidQuery::RawFilter { list, index, reason }
                })?;
            }
        }
        adhoc::narrow(&mut filters, &form.adhoc)?;
        let observe_flags = if crate::observe::can_be_flags(form) {
            crate::observe::flags(form)
        } else {
            crate::observe::raw_flags(&filters)
        };
        Ok(Self { filters, observe_flags })
    }
}

/// Filters in JSON, one after the other, as `--allowlist` and `--denylist` take them and
/// `--print-raw-filters` prints them. Reading stops after the maximum number of filters.
fn raw_filters(
    list: &'static str,
    index: usize,
    text: &str,
) -> Result<Vec<FlowFilter>, InvalidQuery> {
    let invalid = |reason: String| InvalidQuery::RawFilter { list, index, reason };
    if let Some(variable) = flag::unresolved_variable(text) {
        return Err(invalid(InvalidFlag::Unresolved(variable.to_owned()).to_string()));
    }
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values
        .take(budget::MAX_FILTERS + 1)
        .map(|value| {
            let value = value.map_err(|error| invalid(format!("it is not JSON: {error}")))?;
            let (wire, skipped) = hubble_api::json::read::<WireFilter>(value.get().as_bytes())
                .map_err(|error| invalid(wording::with_causes(&error)))?;
            match skipped.names.first() {
                Some(name) => Err(invalid(format!("`{name}` is not known"))),
                None => Ok(wire.into()),
            }
        })
        .collect()
}

/// One filter in two versions: for flows by their source and by their destination.
#[derive(Default)]
pub(crate) struct EndpointFilters {
    source: FlowFilter,
    destination: FlowFilter,
    namespaces: Vec<String>,
    from_namespaces: Vec<String>,
    to_namespaces: Vec<String>,
    is_set: bool,
}

impl EndpointFilters {
    /// The filter of all `flags`, which stand in the query's `list`.
    ///
    /// Errors: [`InvalidQuery::Flag`].
    pub(crate) fn new(list: &'static str, flags: &FlagValues) -> Result<Self, InvalidQuery> {
        let invalid =
            |flag: Flag, cause| InvalidQuery::Flag { list, flag: flag.key().to_owned(), cause };
        if let Some((first, second)) = flag::conflict(flags) {
            return Err(invalid(second, InvalidFlag::Conflict(first.key())));
        }
        let mut sides = Self::default();
        for (&flag, values) in flags {
            if values.len() > flag::MAX_VALUES {
                return Err(invalid(flag, InvalidFlag::TooMany { count: values.len() }));
            }
            for value in values {
                let value = value.trim();
                if value.len() > flag::MAX_VALUE_BYTES {
                    return Err(invalid(flag, InvalidFlag::TooLong { len: value.len() }));
                }
                check_value(flag, value).map_err(|cause| invalid(flag, cause))?;
                sides.add(flag, value).map_err(|cause| invalid(flag, cause))?;
            }
        }
        for (flag, list) in
            [(Flag::Reply, &sides.source.reply), (Flag::Encrypted, &sides.source.encrypted)]
        {
            if list.contains(&true) && list.contains(&false) {
                return Err(invalid(flag, InvalidFlag::Both));
            }
        }
        sides.check_namespaces().map_err(|(flag, cause)| invalid(flag, cause))?;
        let types = &sides.source.event_type;
        let has_l7 = types.iter().any(|event| event.message_type == MessageType::L7);
        let of_http = HTTP_FLAGS.into_iter().find(|flag| flags.contains_key(flag));
        if let Some(flag) = of_http.filter(|_| !types.is_empty() && !has_l7) {
            return Err(invalid(flag, InvalidFlag::NotL7));
        }
        Ok(sides)
    }

    fn both(&mut self, add: impl Fn(&mut FlowFilter)) {
        add(&mut self.source);
        add(&mut self.destination);
    }

    /// Checks that pods and services which name a namespace agree with the namespaces that are
    /// selected.
    fn check_namespaces(&self) -> Result<(), (Flag, InvalidFlag)> {
        let Self { source, destination, namespaces, from_namespaces, to_namespaces, .. } = self;
        // Each name without a namespace is combined with each selected namespace.
        for (namespaces, flag, names) in [
            (namespaces, Flag::Namespace, [&source.source_pod, &source.source_service]),
            (
                namespaces,
                Flag::Namespace,
                [&destination.destination_pod, &destination.destination_service],
            ),
            (from_namespaces, Flag::FromNamespace, [&source.source_pod, &source.source_service]),
            (
                to_namespaces,
                Flag::ToNamespace,
                [&destination.destination_pod, &destination.destination_service],
            ),
        ] {
            let bare = names.into_iter().flatten().filter(|name| !name.contains('/')).count();
            budget::product(bare, namespaces.len())
                .map_err(|cause| (flag, InvalidFlag::TooLarge(cause)))?;
        }
        let groups = [
            (namespaces, Flag::Pod, &source.source_pod),
            (namespaces, Flag::Pod, &destination.destination_pod),
            (from_namespaces, Flag::Pod, &source.source_pod),
            (to_namespaces, Flag::Pod, &destination.destination_pod),
            (namespaces, Flag::Service, &source.source_service),
            (namespaces, Flag::Service, &destination.destination_service),
            (from_namespaces, Flag::Service, &source.source_service),
            (to_namespaces, Flag::Service, &destination.destination_service),
        ];
        for (namespaces, flag, names) in groups {
            for namespace in namespaces {
                let elsewhere = |name: &&String| {
                    name.split_once('/').is_some_and(|(own, _)| !own.is_empty() && own != namespace)
                };
                let Some(name) = names.iter().find(elsewhere).cloned() else { continue };
                return Err(if namespace.is_empty() {
                    (flag, InvalidFlag::NamespaceGiven { value: name })
                } else {
                    (flag, InvalidFlag::PodElsewhere { pod: name, namespace: namespace.clone() })
                });
            }
        }
        for (pods, services) in [
            (&source.source_pod, &source.source_service),
            (&destination.destination_pod, &destination.destination_service),
        ] {
            for pod in pods {
                let Some((own, _)) = pod.split_once('/').filter(|(own, _)| !own.is_empty()) else {
                    continue;
                };
                let elsewhere = |service: &&String| {
                    service.split_once('/').map_or("", |(namespace, _)| namespace) != own
                };
                if let Some(service) = services.iter().find(elsewhere) {
                    let (service, pod) = (service.clone(), pod.clone());
                    return Err((Flag::Service, InvalidFlag::ServiceElsewhere { service, pod }));
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "a line or two for each of the flags")]
    fn add(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        self.is_set = true;
        let text = value.to_owned();
        match flag {
            Flag::Verdict => {
                let verdict = named(value, "a verdict", Verdict::ALL)?;
                self.both(|filter| filter.verdict.push(verdict));
            }
            Flag::DropReasonDesc => {
                let reason = drop_reason(value)?;
                self.both(|filter| filter.drop_reason_desc.push(reason));
            }
            Flag::TrafficDirection => {
                let direction = named(value, "a traffic direction", TrafficDirection::ALL)?;
                self.both(|filter| filter.traffic_direction.push(direction));
            }
            Flag::Type => {
                let event_type = event_type(value)?;
                self.both(|filter| filter.event_type.push(event_type));
            }
            Flag::Namespace => self.namespaces.push(text),
            Flag::FromNamespace => self.from_namespaces.push(text),
            Flag::ToNamespace => self.to_namespaces.push(text),
            Flag::AllNamespaces | Flag::FromAllNamespaces | Flag::ToAllNamespaces => {
                if truth(value)? {
                    match flag {
                        Flag::AllNamespaces => self.namespaces.push(String::new()),
                        Flag::FromAllNamespaces => self.from_namespaces.push(String::new()),
                        _ => self.to_namespaces.push(String::new()),
                    }
                }
            }
            Flag::Pod => {
                self.source.source_pod.push(text.clone());
                self.destination.destination_pod.push(text);
            }
            Flag::FromPod => self.both(|filter| filter.source_pod.push(text.clone())),
            Flag::ToPod => self.both(|filter| filter.destination_pod.push(text.clone())),
            Flag::Service => {
                self.source.source_service.push(text.clone());
                self.destination.destination_service.push(text);
            }
            Flag::FromService => self.both(|filter| filter.source_service.push(text.clone())),
            Flag::ToService => self.both(|filter| filter.destination_service.push(text.clone())),
            Flag::Workload => {
                self.source.source_workload.push(workload(value));
                self.destination.destination_workload.push(workload(value));
            }
            Flag::FromWorkload => self.both(|filter| filter.source_workload.push(workload(value))),
            Flag::ToWorkload => {
                self.both(|filter| filter.destination_workload.push(workload(value)));
            }
            Flag::Label => {
                self.source.source_label.push(text.clone());
                self.destination.destination_label.push(text);
            }
            Flag::FromLabel => self.both(|filter| filter.source_label.push(text.clone())),
            Flag::ToLabel => self.both(|filter| filter.destination_label.push(text.clone())),
            Flag::Ip | Flag::FromIp | Flag::ToIp => self.add_ip(flag, value)?,
            Flag::SnatIp => {
                let ip = ip(value)?;
                self.both(|filter| filter.source_ip_xlated.push(ip.clone()));
            }
            Flag::IpVersion => {
                let version = ip_version(value)?;
                self.both(|filter| filter.ip_version.push(version));
            }
            Flag::Fqdn => {
                self.source.source_fqdn.push(text.clone());
                self.destination.destination_fqdn.push(text);
            }
            Flag::FromFqdn => self.both(|filter| filter.source_fqdn.push(text.clone())),
            Flag::ToFqdn => self.both(|filter| filter.destination_fqdn.push(text.clone())),
            Flag::Port | Flag::FromPort | Flag::ToPort => self.add_port(flag, value)?,
            Flag::Identity | Flag::FromIdentity | Flag::ToIdentity => {
                self.add_identity(flag, value)?;
            }
            Flag::Protocol => {
                let protocol = one_of(&value.to_ascii_lowercase(), &HUBBLE_PROTOCOLS)?;
                self.both(|filter| filter.protocol.push(protocol.clone()));
            }
            Flag::HttpStatus => {
                let status = http_status(value)?;
                self.both(|filter| filter.http_status_code.push(status.clone()));
            }
            Flag::DnsQuery => {
                let name = dns_name(value);
                self.both(|filter| filter.dns_query.push(name.clone()));
            }
            Flag::HttpMethod => self.both(|filter| filter.http_method.push(text.clone())),
            Flag::HttpPath => self.both(|filter| filter.http_path.push(text.clone())),
            Flag::HttpUrl => self.both(|filter| filter.http_url.push(text.clone())),
            Flag::HttpHeader => {
                let header = http_header(value)?;
                self.both(|filter| filter.http_header.push(header.clone()));
            }
            Flag::TcpFlags => {
                let flags = tcp_flags(value)?;
                self.both(|filter| filter.tcp_flags.push(flags));
            }
            Flag::Reply => {
                let reply = truth(value)?;
                self.both(|filter| filter.reply.push(reply));
            }
            Flag::Encrypted => {
                let encrypted = truth(value)?;
                self.both(|filter| filter.encrypted.push(encrypted));
            }
            Flag::NodeName => self.both(|filter| filter.node_name.push(text.clone())),
            Flag::NodeLabel => self.both(|filter| filter.node_labels.push(text.clone())),
            Flag::Cluster => {
                self.source.source_cluster_name.push(text.clone());
                self.destination.destination_cluster_name.push(text);
            }
            Flag::FromCluster => self.both(|filter| filter.source_cluster_name.push(text.clone())),
            Flag::ToCluster => {
                self.both(|filter| filter.destination_cluster_name.push(text.clone()));
            }
            Flag::Interface => self.both(|filter| {
                let name = text.clone();
                filter.interface.push(NetworkInterface { name, ..NetworkInterface::default() });
            }),
            Flag::TraceId => self.both(|filter| filter.trace_id.push(text.clone())),
            Flag::IpTraceId => {
                let id = ip_trace_id(value)?;
                self.both(|filter| filter.ip_trace_id.push(id));
            }
            Flag::CelExpression => self.both(|filter| filter.cel_expression.push(text.clone())),
            Flag::Uuid => self.both(|filter| filter.uuid.push(text.clone())),
        }
        Ok(())
    }

    fn add_ip(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let ip = ip(value)?;
        match flag {
            Flag::FromIp => self.both(|filter| filter.source_ip.push(ip.clone())),
            Flag::ToIp => self.both(|filter| filter.destination_ip.push(ip.clone())),
            _ => {
                self.source.source_ip.push(ip.clone());
                self.destination.destination_ip.push(ip);
            }
        }
        Ok(())
    }

    fn add_port(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let port = value.parse::<u16>().map_err(|_| not_a(value, "a port"))?.to_string();
        match flag {
            Flag::FromPort => self.both(|filter| filter.source_port.push(port.clone())),
            Flag::ToPort => self.both(|filter| filter.destination_port.push(port.clone())),
            _ => {
                self.source.source_port.push(port.clone());
                self.destination.destination_port.push(port);
            }
        }
        Ok(())
    }

    fn add_identity(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let identity = identity(value)?;
        match flag {
            Flag::FromIdentity => self.both(|filter| filter.source_identity.push(identity)),
            Flag::ToIdentity => self.both(|filter| filter.destination_identity.push(identity)),
            _ => {
                self.source.source_identity.push(identity);
                self.destination.destination_identity.push(identity);
            }
        }
        Ok(())
    }

    /// No filter if nothing is set, one if both versions are equal, else source or destination.
    pub(crate) fn filters(mut self) -> Vec<FlowFilter> {
        if !self.is_set {
            return Vec::new();
        }
        for filter in [&mut self.source, &mut self.destination] {
            let FlowFilter { destination_pod, destination_service, .. } = filter;
            in_namespaces(destination_pod, destination_service, &self.to_namespaces);
            let FlowFilter { source_pod, source_service, .. } = filter;
            in_namespaces(source_pod, source_service, &self.from_namespaces);
        }
        let FlowFilter { source_pod, source_service, .. } = &mut self.source;
        in_namespaces(source_pod, source_service, &self.namespaces);
        let FlowFilter { destination_pod, destination_service, .. } = &mut self.destination;
        in_namespaces(destination_pod, destination_service, &self.namespaces);
        if self.source == self.destination {
            return vec![self.source];
        }
        vec![self.source, self.destination]
    }
}

/// Checks a single value as Hubble would.
///
/// Errors: Hubble refuses the value.
pub(crate) fn check_value(flag: Flag, value: &str) -> Result<(), InvalidFlag> {
    if let Some(variable) = flag::unresolved_variable(value) {
        return Err(InvalidFlag::Unresolved(variable.to_owned()));
    }
    // Only the relay can check CEL.
    if flag == Flag::CelExpression {
        return Ok(());
    }
    let mut sides = EndpointFilters::default();
    sides.add(flag, value)?;
    for filter in [&sides.source, &sides.destination] {
        filter.compile().map_err(InvalidFlag::Filter)?;
    }
    Ok(())
}

/// Puts `namespaces` before the pods and services without one. Without pods and services, selects
/// the whole namespaces.
fn in_namespaces(pods: &mut Vec<String>, services: &mut Vec<String>, namespaces: &[String]) {
    if namespaces.is_empty() {
        return;
    }
    if pods.is_empty() && services.is_empty() {
        pods.push(String::new());
    }
    for names in [pods, services] {
        *names = names
            .iter()
            .flat_map(|name| {
                if name.contains('/') {
                    vec![name.clone()]
                } else {
                    namespaces.iter().map(|namespace| format!("{namespace}/{name}")).collect()
                }
            })
            .collect();
    }
}
