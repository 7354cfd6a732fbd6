//! Documents: from nodes to entries, or to the reason why Cilium refuses them.

mod cilium;
mod cluster;
mod groups;
mod kubernetes;
mod log_filters;
mod object;
mod peering;
mod ports;
mod refusal;
mod selector;

pub(crate) use log_filters::{RawFilters, read_log_filters};
pub use refusal::{Refusal, RefusalClass, Refused};
pub(crate) use selector::{CLUSTER, POD_NAMESPACE};

use hashbrown::{HashMap, HashSet};

use crate::{
    CidrGroup, Entry, Label, Policy, PolicyKind, PolicyName, Prefix, Settings,
    source::{self, Node, Value},
};

/// Policies of all texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// Policies in the order of their texts.
    pub policies: Vec<Policy>,
    /// Their entries, in the same order.
    pub entries: Vec<Entry>,
    /// Groups of addresses that policies may refer to.
    pub groups: Vec<CidrGroup>,
    /// What was refused, and what is no policy.
    pub refused: Vec<Refused>,
}

/// A text with policies; which file it is, the caller knows by its index.
#[derive(Debug, Clone, Copy)]
pub struct SourceText<'t> {
    /// Its index.
    pub index: usize,
    /// YAML or JSON, any number of documents.
    pub text: &'t str,
}

/// Policies by the names of their objects, while they are read.
#[derive(Default)]
struct Names {
    latest: HashMap<PolicyName, usize>,
    /// Those that a later one of their name has replaced.
    replaced: HashSet<usize>,
}

/// One document on its way to entries.
struct Document<'n> {
    root: &'n Node,
    name: PolicyName,
    policy: usize,
}

impl Documents {
    /// Reads texts. What is refused stands in `refused`; the rest is not held up by it.
    #[must_use]
    pub fn read(texts: &[SourceText<'_>], settings: &Settings) -> Self {
        let mut documents = Self::default();
        let mut names = Names::default();
        for text in texts {
            let mut number = 0;
            for chunk in source::split(text.text) {
                match source::read(&chunk) {
                    Ok(nodes) => {
                        for node in &nodes {
                            number += 1;
                            documents.add((text.index, number), node, settings, &mut names, 0);
                        }
                    }
                    Err(err) => {
                        number += 1;
                        documents.refused.push(Refused {
                            source: text.index,
                            document: number,
                            name: String::new(),
                            refusal: Refusal {
                                class: RefusalClass::Syntax,
                                reason: err.reason,
                                note: None,
                                at: err.at,
                            },
                        });
                    }
                }
            }
        }
        if !names.replaced.is_empty() {
            documents.entries.retain(|entry| !names.replaced.contains(&entry.policy));
        }
        documents
    }

    fn add(
        &mut self,
        (source, document): (usize, usize),
        node: &Node,
        settings: &Settings,
        names: &mut Names,
        depth: usize,
    ) {
        if node.is_null() {
            return;
        }
        let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
        // kubectl's Lists: v1 List and the typed ones alike.
        if kind.ends_with("List")
            && depth < 4
            && let Some(Value::List(items)) = node.get("items").map(|node| &node.value)
        {
            for item in items {
                self.add((source, document), item, settings, names, depth + 1);
            }
            return;
        }
        if let Err((name, refusal)) = self.add_one(source, kind, node, settings, names) {
            self.refused.push(Refused { source, document, name, refusal });
        }
    }

    fn add_one(
        &mut self,
        source: usize,
        kind: &str,
        node: &Node,
        settings: &Settings,
        names: &mut Names,
    ) -> Result<(), (String, Refusal)> {
        let metadata = |field: &str| {
            node.get("metadata")
                .and_then(|metadata| metadata.get(field))
                .and_then(Node::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (mut namespace, name) = (metadata("namespace"), metadata("name"));
        let given = format!("{kind}/{namespace}/{name}");
        let refuse = |refusal| (given.clone(), refusal);
        if kind == "CiliumCIDRGroup" {
            let group = group(node, name).map_err(refuse)?;
            self.groups.push(group);
            return Ok(());
        }
        let policy_kind = match kind {
            "CiliumNetworkPolicy" => PolicyKind::CiliumNetworkPolicy,
            "CiliumClusterwideNetworkPolicy" => PolicyKind::CiliumClusterwideNetworkPolicy,
            "NetworkPolicy" => PolicyKind::NetworkPolicy,
            "ClusterNetworkPolicy" => PolicyKind::ClusterNetworkPolicy,
            _ => {
                return Err(refuse(Refusal {
                    class: RefusalClass::NotAPolicy,
                    reason: format!("kind \"{kind}\" is not a policy"),
                    note: match kind {
                        "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" => Some(
                            "Cilium reads ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2 instead",
                        ),
                        _ => None,
                    },
                    at: node.at,
                }));
            }
        };
        root_fields(node).map_err(refuse)?;
        if name.is_empty() {
            let reason = format!("{kind} must have name");
            return Err(refuse(Refusal::invalid(node.at, reason)));
        }
        match policy_kind {
            PolicyKind::CiliumNetworkPolicy | PolicyKind::NetworkPolicy => {
                if namespace.is_empty() {
                    namespace.clone_from(&settings.namespace);
                }
            }
            PolicyKind::CiliumClusterwideNetworkPolicy | PolicyKind::ClusterNetworkPolicy => {
                namespace.clear();
            }
        }
        let object = PolicyName { kind: policy_kind, namespace, name };
        let mut name = object.clone();
        if matches!(policy_kind, PolicyKind::NetworkPolicy | PolicyKind::ClusterNetworkPolicy)
            && let Some(annotated) = policy_name_annotation(node)
        {
            name.name = annotated;
        }
        let document = Document { root: node, name, policy: self.policies.len() };
        let entries = match policy_kind {
            PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
                cilium::entries(&document, settings)
            }
            PolicyKind::NetworkPolicy => kubernetes::entries(&document, settings),
            PolicyKind::ClusterNetworkPolicy => cluster::entries(&document, settings),
        }
        .map_err(refuse)?;
        let Document { name, policy, .. } = document;
        self.policies.push(Policy { name, source, at: node.at, object: object.name.clone() });
        // A cluster holds one object of a name: the later one replaces the earlier.
        if let Some(earlier) = names.latest.insert(object, policy) {
            names.replaced.insert(earlier);
        }
        self.entries.extend(entries);
        Ok(())
    }
}

/// Fields beside the spec: what `kubectl get -o yaml` adds is welcome, anything else is not.
fn root_fields(node: &Node) -> Result<(), Refusal> {
    let Value::Map(entries) = &node.value else { return Ok(()) };
    for (key, value) in entries {
        match key.name.as_str() {
            "apiVersion" | "kind" | "spec" | "status" => {}
            "metadata" => {
                object::Object::new(value, "ObjectMeta", "metadata".to_owned(), METADATA)?;
            }
            "specs"
                if value.is_null()
                    || node
                        .get("kind")
                        .and_then(Node::as_str)
                        .is_some_and(|k| k.starts_with("Cilium")) => {}
            name => {
                return Err(Refusal::field(key.at, &format!("json: unknown field \"{name}\"")));
            }
        }
    }
    Ok(())
}

/// Fields of Kubernetes' `ObjectMeta`.
const METADATA: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The annotation that names a policy in Cilium's stead.
fn policy_name_annotation(node: &Node) -> Option<String> {
    let annotations = node.get("metadata")?.get("annotations")?;
    ["policy.cilium.io/name", "io.cilium.name"]
        .iter()
        .find_map(|key| annotations.get(key).and_then(Node::as_str))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

fn group(node: &Node, name: String) -> Result<CidrGroup, Refusal> {
    let labels = match node.get("metadata").and_then(|m| m.get("labels")).map(|n| &n.value) {
        // The agent leaves out the labels that are its own.
        Some(Value::Map(entries)) => entries
            .iter()
            .filter(|(key, _)| !key.name.starts_with("io.cilium.k8s"))
            .map(|(key, value)| Label {
                key: key.name.clone(),
                value: value.as_str().unwrap_or_default().to_owned(),
                source: "cidrgroup".to_owned(),
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut prefixes = Vec::new();
    let spec = node.get("spec");
    if let Some(Value::List(items)) =
        spec.and_then(|spec| spec.get("externalCIDRs")).map(|list| &list.value)
    {
        for item in items {
            // The agent skips what it cannot read, with a warning in its log.
            if let Some(prefix) = item.as_str().and_then(|text| Prefix::parse(text).ok()) {
                prefixes.push(prefix);
            }
        }
    } else {
        return Err(Refusal::invalid(node.at, "spec.externalCIDRs is missing"));
    }
    Ok(CidrGroup { name, labels, prefixes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_holds_one_object_of_a_name_and_annotations_are_not_names() {
        fn check(documents: &str, expect: &[&str]) {
            let texts = [SourceText { index: 0, text: documents }];
            let documents = Documents::read(&texts, &Settings::default());
            assert_eq!(documents.refused, [], "{documents:?}");
            let kept: Vec<&str> = documents
                .entries
                .iter()
                .filter_map(|entry| documents.policies.get(entry.policy))
                .map(|policy| policy.name.name.as_str())
                .collect();
            assert_eq!(kept, expect);
        }
        let network_policy = |name: &str, annotation: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {name}\n  annotations: {{policy.cilium.io/name: {annotation}}}\nspec:\n  podSelector: {{}}\n---\n"
            )
        };
        check(&(network_policy("n0", "same") + &network_policy("n1", "same")), &["same", "same"]);
        check(&(network_policy("n0", "one") + &network_policy("n0", "two")), &["two"]);
    }
}
