//! Translation of flags into Hubble's filters, as `hubble observe` does it. A flag about either
//! endpoint becomes two filters, source **or** destination. Values of one flag are alternatives;
//! different flags restrict each other.
//!
//! Source: `hubble/cmd/observe/flows_filter.go`.

use flow::MessageType;
use flow::filter::FlowFilter;

use crate::budget;
use crate::flag::{self, Flag, FlagValues, InvalidFlag, RefusedFlag, flags};
use crate::value::{
    dns_name, drop_reason, event_type, http_header, http_status, identity, interface, ip,
    ip_trace_id, ip_version, port, protocol, tcp_flags, text, traffic_direction, truth, verdict,
    workload,
};

/// Flags about HTTP. Nodes accept them beside event types only if one of these is `l7`. Source:
/// pkg/hubble/filters `httpMatchCompatibleEventFilter`.
const HTTP_FLAGS: [Flag; 5] =
    [Flag::HttpStatus, Flag::HttpMethod, Flag::HttpPath, Flag::HttpUrl, Flag::HttpHeader];

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
    /// Errors: [`RefusedFlag`].
    pub(crate) fn new(list: &'static str, flags: &FlagValues) -> Result<Self, RefusedFlag> {
        let invalid = |flag: Flag, cause| RefusedFlag { list, flag: flag.key().to_owned(), cause };
        if let Some((first, second)) = flag::conflict(flags) {
            return Err(invalid(second, InvalidFlag::Conflict(first.key())));
        }
        let mut filters = Self::default();
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
                filters.add(flag, value).map_err(|cause| invalid(flag, cause))?;
                // Before the rest is parsed: each of the values may be long.
                if filters.source.size().patterns > budget::MAX_PATTERNS {
                    let cause = InvalidFlag::TooManyPatterns { count: values.len() };
                    return Err(invalid(flag, cause));
                }
            }
        }
        for (flag, list) in
            [(Flag::Reply, &filters.source.reply), (Flag::Encrypted, &filters.source.encrypted)]
        {
            if list.contains(&true) && list.contains(&false) {
                return Err(invalid(flag, InvalidFlag::Both));
            }
        }
        filters.check_namespaces().map_err(|(flag, cause)| invalid(flag, cause))?;
        let types = &filters.source.event_type;
        let has_l7 = types.iter().any(|event| event.message_type == MessageType::L7);
        let of_http = HTTP_FLAGS.into_iter().find(|flag| flags.contains_key(flag));
        if let Some(flag) = of_http.filter(|_| !types.is_empty() && !has_l7) {
            return Err(invalid(flag, InvalidFlag::NotL7));
        }
        Ok(filters)
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

    /// Adds the value of a flag of namespaces.
    fn add_namespace(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
        let (list, is_switch) = match flag {
            Flag::FromNamespace => (&mut self.from_namespaces, false),
            Flag::ToNamespace => (&mut self.to_namespaces, false),
            Flag::AllNamespaces => (&mut self.namespaces, true),
            Flag::FromAllNamespaces => (&mut self.from_namespaces, true),
            Flag::ToAllNamespaces => (&mut self.to_namespaces, true),
            _ => (&mut self.namespaces, false),
        };
        if !is_switch {
            list.push(value.to_owned());
        } else if truth(value)? {
            // The namespace of any name.
            list.push(String::new());
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

/// Adds a value of a flag to both versions of a filter.
macro_rules! add_value {
    ($filters:ident, $flag:ident, $value:ident,) => {
        $filters.add_namespace($flag, $value)
    };
    ($filters:ident, $flag:ident, $value:ident, $source:ident $destination:ident $read:ident) => {{
        let value = $read($value)?;
        $filters.source.$source.push(value.clone());
        $filters.destination.$destination.push(value);
        Ok(())
    }};
}

macro_rules! add_by_flag {
    ($(
        $variant:ident $key:literal $flag:literal $label:literal
        $(sets $field:ident read $read:ident)?
        $(either $source:ident or $destination:ident read $read_either:ident)?,
    )*) => {
        impl EndpointFilters {
            fn add(&mut self, flag: Flag, value: &str) -> Result<(), InvalidFlag> {
                self.is_set = true;
                match flag {
                    $( Flag::$variant => add_value!(
                        self, flag, value,
                        $($field $field $read)? $($source $destination $read_either)?
                    ), )*
                }
            }
        }

        // The compiler reports a field of the filter without a flag of its own.
        const _: fn(&FlowFilter) = |FlowFilter { $($($field: _,)?)* }| ();
    };
}

flags!(add_by_flag);

/// Checks a single value as Hubble would. Regular expressions are parsed but not compiled.
///
/// Errors: Hubble refuses the value.
pub(crate) fn check_value(flag: Flag, value: &str) -> Result<(), InvalidFlag> {
    if let Some(variable) = flag::unresolved_variable(value) {
        return Err(InvalidFlag::Unresolved(variable.to_owned()));
    }
    let mut filters = EndpointFilters::default();
    filters.add(flag, value)?;
    for filter in [&filters.source, &filters.destination] {
        filter.check().map_err(|error| InvalidFlag::Filter(Box::new(error)))?;
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
