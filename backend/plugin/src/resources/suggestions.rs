//! Suggested values for fields of the query editor, from the cluster's current state.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flow::columns::FlowColumns;
use flow::group::GroupField;
use flow::{DropReason, EndpointRole, TcpFlags, TraceObservationPoint, TrafficDirection, Verdict};
use query::{Flag, HUBBLE_PROTOCOLS, InvalidFields, MESSAGE_TYPES};
use serde_json::json;
use wording::{names, quote};

use super::{CallError, Reply};
use crate::instance::Instance;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
/// Maximum number of nodes that a notice names.
const MAX_NODES_SHOWN: usize = 10;

const EITHER: &[EndpointRole] = &[EndpointRole::Source, EndpointRole::Destination];
const SOURCE: &[EndpointRole] = &[EndpointRole::Source];
const DESTINATION: &[EndpointRole] = &[EndpointRole::Destination];

/// Answers `GET nodes`.
pub(super) async fn nodes(instance: &Instance) -> Result<Reply, CallError> {
    let nodes = instance.relay()?.nodes().await?;
    let missing: Vec<&str> =
        nodes.iter().filter(|node| !node.connected).map(|node| node.name.as_str()).collect();
    let shown = names::first(missing.iter().copied(), MAX_NODES_SHOWN);
    let notices = match missing.len() {
        0 => Vec::new(),
        1 => vec![format!("no flows from node {shown}: the relay cannot reach it")],
        _ => vec![format!("no flows from nodes {shown}: the relay cannot reach them")],
    };
    Ok(reply(nodes.into_iter().map(|node| node.name), &notices))
}

/// Answers `GET suggestions`.
///
/// Errors: an unknown field or parameter, a limit that is not a number in range, or a relay that
/// does not answer.
pub(super) async fn suggestions(instance: &Instance, query: &str) -> Result<Reply, CallError> {
    let [field, prefix, namespace, limit] =
        super::named_params(query, &["field", "prefix", "namespace", "limit"])?;
    let missing = InvalidFields::Missing { field: "field", expected: "the name of a filter" };
    let field = field.ok_or(missing)?;
    let flag = Flag::from_key(&field).ok_or_else(|| CallError::Field { field: quote(&field) })?;
    let limit = limit.map_or(Ok(DEFAULT_LIMIT), |limit| {
        let whole = limit.parse().ok().filter(|whole| (1..=MAX_LIMIT).contains(whole));
        whole.ok_or_else(|| CallError::Limit { found: quote(&limit), most: MAX_LIMIT })
    })?;
    let (values, mut notices) = values(instance, flag, namespace.as_deref()).await?;
    let values = matching(values, prefix.as_deref().unwrap_or_default());
    if values.len() > limit {
        notices.push(format!("showing {limit} of {} values: type more of it", values.len()));
    }
    Ok(reply(values.into_iter().take(limit), &notices))
}

/// Answers `GET tag-keys`: the keys of ad hoc filters, in Grafana's format.
pub(super) fn tag_keys() -> Reply {
    let keys: Vec<_> = Flag::ALL.iter().map(|flag| json!({ "text": flag.key() })).collect();
    Reply::json(200, &keys.into())
}

/// Answers `GET group-by-keys`: the fields to group counts by, in Grafana's format.
pub(super) fn group_by_keys() -> Reply {
    let keys: Vec<_> = GroupField::ALL.iter().map(|field| json!({ "text": field.key() })).collect();
    Reply::json(200, &keys.into())
}

/// The common answer format of all suggestions.
pub(super) fn reply(values: impl IntoIterator<Item = String>, notices: &[String]) -> Reply {
    let values: Vec<String> = values.into_iter().collect();
    Reply::json(200, &json!({ "values": values, "notices": notices }))
}

type Values = (Vec<String>, Vec<String>);

async fn values(
    instance: &Instance,
    flag: Flag,
    namespace: Option<&str>,
) -> Result<Values, CallError> {
    let fixed = |values: Vec<String>| Ok((values, Vec::new()));
    match flag {
        Flag::Verdict => fixed(texts(Verdict::ALL.iter().skip(1))),
        Flag::TrafficDirection => fixed(texts(TrafficDirection::ALL.iter().skip(1))),
        Flag::Protocol => fixed(texts(HUBBLE_PROTOCOLS)),
        Flag::DropReasonDesc => {
            let named = DropReason::ALL.iter().filter(|reason| reason.is_known());
            fixed(named.filter_map(|reason| reason.name()).map(str::to_owned).collect())
        }
        Flag::Type => fixed(event_types()),
        Flag::TcpFlags => fixed(texts(TcpFlags::ALL.iter().map(|(_, name)| name))),
        Flag::Reply | Flag::Encrypted => fixed(texts(["true", "false"])),
        Flag::AllNamespaces | Flag::FromAllNamespaces | Flag::ToAllNamespaces => {
            fixed(texts(["true"]))
        }
        Flag::IpVersion => fixed(texts(["v4", "v6", "none"])),
        Flag::Namespace | Flag::FromNamespace | Flag::ToNamespace => {
            fixed(instance.relay()?.namespaces().await?)
        }
        Flag::NodeName => {
            let nodes = instance.relay()?.nodes().await?;
            fixed(nodes.into_iter().map(|node| node.name).collect())
        }
        // These values are unique to one flow, or are expressions.
        Flag::Uuid | Flag::CelExpression | Flag::DnsQuery => fixed(Vec::new()),
        _ => seen(instance, flag, namespace).await,
    }
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

fn event_types() -> Vec<String> {
    let points = TraceObservationPoint::ALL
        .iter()
        .skip(1)
        .map(|point| format!("trace:{}", point.to_string().to_ascii_lowercase().replace('_', "-")));
    let mut types: Vec<String> = texts(MESSAGE_TYPES).into_iter().chain(points).collect();
    types.sort_unstable();
    types
}

/// Values from recent flows.
async fn seen(
    instance: &Instance,
    flag: Flag,
    namespace: Option<&str>,
) -> Result<Values, CallError> {
    type ReadValues = fn(&FlowColumns, EndpointRole, usize, &mut BTreeSet<String>);
    let (roles, read): (&[EndpointRole], ReadValues) = match flag {
        Flag::Pod => (EITHER, pod),
        Flag::FromPod => (SOURCE, pod),
        Flag::ToPod => (DESTINATION, pod),
        Flag::Workload => (EITHER, workload),
        Flag::FromWorkload => (SOURCE, workload),
        Flag::ToWorkload => (DESTINATION, workload),
        Flag::Label => (EITHER, label),
        Flag::FromLabel => (SOURCE, label),
        Flag::ToLabel => (DESTINATION, label),
        Flag::Ip => (EITHER, ip),
        Flag::FromIp => (SOURCE, ip),
        Flag::ToIp => (DESTINATION, ip),
        Flag::Fqdn => (EITHER, fqdn),
        Flag::FromFqdn => (SOURCE, fqdn),
        Flag::ToFqdn => (DESTINATION, fqdn),
        Flag::Port => (EITHER, port),
        Flag::FromPort => (SOURCE, port),
        Flag::ToPort => (DESTINATION, port),
        Flag::Identity => (EITHER, identity),
        Flag::FromIdentity => (SOURCE, identity),
        Flag::ToIdentity => (DESTINATION, identity),
        Flag::HttpStatus => (SOURCE, http_status),
        Flag::HttpMethod => (SOURCE, http_method),
        Flag::Service => (EITHER, service),
        Flag::FromService => (SOURCE, service),
        Flag::ToService => (DESTINATION, service),
        Flag::Cluster => (EITHER, cluster),
        Flag::FromCluster => (SOURCE, cluster),
        Flag::ToCluster => (DESTINATION, cluster),
        Flag::Interface => (SOURCE, interface),
        _ => return Ok((Vec::new(), Vec::new())),
    };
    let sample = instance.flow_sample().await?;
    let values = sample.collect(roles, namespace, read);
    let mut notices = sample.notices.clone();
    notices.push(format!("from the newest {} flows", sample.flows()));
    Ok((values.into_iter().collect(), notices))
}

/// The values that contain the typed text. Values that start with it come first; a pod's name also
/// starts after its namespace.
pub(super) fn matching(values: Vec<String>, typed: &str) -> Vec<String> {
    if typed.is_empty() {
        return values;
    }
    let typed = typed.to_lowercase();
    let begins = |value: &str| {
        value.starts_with(&typed)
            || value.split_once('/').is_some_and(|(_, name)| name.starts_with(&typed))
    };
    let holding = values.into_iter().filter(|value| value.to_lowercase().contains(&typed));
    let (mut first, rest): (Vec<String>, Vec<String>) =
        holding.partition(|value| begins(&value.to_lowercase()));
    first.extend(rest);
    first
}

fn pod(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(role.pod(columns, row).into_owned());
}

fn workload(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.extend(role.workloads(columns, row).map(|workload| workload.name.into_owned()));
}

fn label(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.extend(role.labels(columns, row).map(Cow::into_owned));
}

fn ip(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(role.ip(columns, row).to_owned());
}

fn fqdn(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.extend(role.dns_names(columns, row).map(Cow::into_owned));
}

fn port(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    number(role.port(columns, row).into(), values);
}

fn identity(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    number(role.identity(columns, row), values);
}

fn service(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(role.service(columns, row).into_owned());
}

fn cluster(columns: &FlowColumns, role: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(role.cluster(columns, row).to_owned());
}

fn http_status(columns: &FlowColumns, _: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(GroupField::HttpStatus.text(columns, row).into_owned());
}

fn http_method(columns: &FlowColumns, _: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    values.insert(GroupField::HttpMethod.text(columns, row).into_owned());
}

fn interface(columns: &FlowColumns, _: EndpointRole, row: usize, values: &mut BTreeSet<String>) {
    let code = columns.interface().get(row).copied().unwrap_or_default();
    values.insert(columns.text(code).to_owned());
}

/// Adds a number; 0 is absent.
fn number(number: u32, values: &mut BTreeSet<String>) {
    values.extend((number != 0).then(|| number.to_string()));
}
