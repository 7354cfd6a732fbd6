//! Documents of kind `ContainerNetworkLog`.

use super::{
    Refusal, Refused,
    object::Object,
    selector::{Decoding, decode},
};
use crate::{
    Position, Prefix, Selector,
    source::{self, MAX_LISTS, Node, Value},
};

/// Log filters of one or more resources: a flow is logged if one of them matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilters {
    /// The filters.
    pub filters: Vec<LogFilter>,
    /// The documents that could not be read.
    pub refused: Vec<Refused>,
}

/// One entry of `includefilters`; an empty field matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The filter's name.
    pub name: String,
    /// The filter's place.
    pub at: Position,
    /// The sender.
    pub from: LogEndpoint,
    /// The receiver.
    pub to: LogEndpoint,
    /// The protocols: `tcp`, `udp`, `dns`.
    pub protocol: Vec<String>,
    /// The verdicts: `forwarded`, `dropped`.
    pub verdict: Vec<String>,
}

/// Source or destination of a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogEndpoint {
    /// Pods as `namespace/prefix of a pod's name`.
    pub namespaced_pod: Vec<String>,
    /// The label selector.
    pub labels: Option<Selector>,
    /// The address prefixes.
    pub ip: Vec<Prefix>,
}

impl LogFilters {
    /// The filters of a text; documents of other kinds are skipped.
    #[must_use]
    pub fn read(source: usize, text: &str) -> Self {
        read(source, text)
    }
}

/// The objects of a document: itself, or the items of a List.
fn objects(node: &Node, depth: usize) -> Vec<&Node> {
    if depth < MAX_LISTS && node.list_of().is_some() {
        let items = node.list_at(&["items"]).iter();
        return items.flat_map(|item| objects(item, depth + 1)).collect();
    }
    vec![node]
}

fn read(source: usize, text: &str) -> LogFilters {
    let mut out = LogFilters::default();
    let mut document = 0;
    for chunk in source::split(text) {
        let refuse = |document, name: String, refusal| Refused { source, document, name, refusal };
        match source::read(&chunk) {
            Ok(nodes) => {
                for root in &nodes {
                    document += 1;
                    for node in objects(root, 0) {
                        if node.get("kind").and_then(Node::as_str) != Some("ContainerNetworkLog") {
                            continue;
                        }
                        match filters(node) {
                            Ok(filters) => out.filters.extend(filters),
                            Err(refusal) => {
                                let name = node.text_at(&["metadata", "name"]);
                                let name = format!("ContainerNetworkLog//{name}");
                                out.refused.push(refuse(document, name, refusal));
                            }
                        }
                    }
                }
            }
            Err(err) => {
                document += 1;
                out.refused.push(refuse(document, String::new(), err.into()));
            }
        }
    }
    out
}

fn filters(node: &Node) -> Result<Vec<LogFilter>, Refusal> {
    let spec = match node.get("spec") {
        Some(spec) => {
            Object::new(spec, "ContainerNetworkLogSpec", "spec".to_owned(), &["includefilters"])?
        }
        None => None,
    };
    let known = &["name", "from", "to", "protocol", "verdict"];
    let items = match &spec {
        Some(spec) => spec.objects("includefilters", "IncludeFilter", known)?,
        None => None,
    }
    .unwrap_or_default();
    if items.is_empty() {
        return Err(Refusal::invalid(node.at, "spec.includefilters needs at least one filter"));
    }
    items
        .iter()
        .map(|item| {
            let name = item.string_or_empty("name")?.into_owned();
            if name.is_empty() {
                return Err(Refusal::invalid(item.at, "a filter needs a name"));
            }
            let texts = |field: &str, allowed: &[&str]| -> Result<Vec<String>, Refusal> {
                let mut out = Vec::new();
                for (at, text) in item.strings(field, "[]string")?.unwrap_or_default() {
                    if !allowed.contains(&text.to_ascii_lowercase().as_str()) {
                        return Err(Refusal::invalid(
                            at,
                            format!("`{text}` is not one of {}", allowed.join(", ")),
                        ));
                    }
                    out.push(text.into_owned());
                }
                Ok(out)
            };
            Ok(LogFilter {
                name,
                at: item.at,
                from: endpoint(item, "from")?,
                to: endpoint(item, "to")?,
                protocol: texts("protocol", &["tcp", "udp", "dns"])?,
                verdict: texts("verdict", &["forwarded", "dropped"])?,
            })
        })
        .collect()
}

fn endpoint(item: &Object<'_>, field: &str) -> Result<LogEndpoint, Refusal> {
    let known = &["namespacedPod", "labelSelector", "ip"];
    let Some(endpoint) = item.object(field, "Endpoint", known)? else {
        return Ok(LogEndpoint::default());
    };
    let labels = endpoint
        .get("labelSelector")
        .filter(|node| matches!(node.value, Value::Map(_)))
        .map(|node| decode(node, &endpoint.path("labelSelector"), Decoding::Strict))
        .transpose()?
        .map(|raw| Selector::new(raw.requirements("", "")));
    let mut ip = Vec::new();
    for (at, text) in endpoint.strings("ip", "[]string")?.unwrap_or_default() {
        ip.push(super::kubernetes::address_or_prefix(&text, at)?);
    }
    Ok(LogEndpoint {
        namespaced_pod: endpoint
            .strings("namespacedPod", "[]string")?
            .unwrap_or_default()
            .into_iter()
            .map(|(_, text)| text.into_owned())
            .collect(),
        labels,
        ip: ip.into_iter().collect::<Vec<Prefix>>(),
    })
}
