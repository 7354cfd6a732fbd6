//! Documents: from nodes to entries, or to the reason for a refusal.

mod backends;
mod cilium;
mod cluster;
pub(crate) mod dates;
mod groups;
mod kubernetes;
pub(crate) mod label_error;
mod log_filters;
pub(crate) mod nodes;
mod object;
pub mod objects;
mod peering;
pub(crate) mod pods;
mod ports;
mod refusal;
mod selector;
mod services;

pub use backends::Backends;
pub use dates::Dates;
pub use log_filters::{LogEndpoint, LogFilter, LogFilters};
pub use nodes::ClusterNode;
pub use pods::Pod;
pub use refusal::{Refusal, RefusalCase, RefusalClass, Refused};
pub use services::Service;
use services::Services;

use hashbrown::{HashMap, HashSet};

use crate::{
    CidrGroup, Entry, EntryId, Label, Policy, PolicyId, PolicyKind, PolicyName, Prefix, Settings,
    dated::Dated,
    ids::{Arena, Id},
    rule::GENERATED,
    server::{self, kinds::Kind},
    source::{self, MAX_LISTS, Node, Value},
};

/// The documents of all texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// The policies in the order of their texts.
    pub policies: Arena<PolicyId, Policy>,
    /// The entries of the policies, in the same order.
    pub entries: Vec<Entry>,
    /// The policies replaced by a later one of the same name, in the order of the later ones.
    pub replaced: Vec<Replaced>,
    /// The CIDR groups that policies may refer to.
    pub groups: Vec<CidrGroup>,
    /// The Services that policies may refer to.
    pub services: Vec<Service>,
    /// Entries with the indices of the Services behind their peers.
    pub(crate) by_service: Vec<(EntryId, usize)>,
    /// The pods with ports that policies may name.
    pub pods: Vec<Pod>,
    /// The nodes with labels that policies may select.
    pub nodes: Vec<ClusterNode>,
    /// The refused documents, and objects other than policies.
    pub refused: Vec<Refused>,
    /// The indices of texts with a Kubernetes object.
    with_objects: Vec<usize>,
}

/// A policy without effect: a cluster holds only one object of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// The policy.
    pub policy: PolicyId,
    /// The next policy of the same name.
    pub by: PolicyId,
}

/// A text with policies; the caller knows its file by the index.
#[derive(Debug, Clone, Copy)]
pub struct SourceText<'t> {
    /// The text's index.
    pub index: usize,
    /// The content: YAML or JSON, any number of documents.
    pub text: &'t str,
}

/// One document during conversion to entries.
struct Document<'n> {
    root: &'n Node,
    name: PolicyName,
    policy: PolicyId,
}

impl Documents {
    /// The policies without effect, each with the next policy of the same name.
    pub fn replacements(&self) -> impl Iterator<Item = (&Policy, &Policy)> {
        let both =
            |own: &Replaced| Some((self.policies.get(own.policy)?, self.policies.get(own.by)?));
        self.replaced.iter().filter_map(both)
    }

    /// The entry for an id of these documents.
    pub(crate) fn entry(&self, id: EntryId) -> &Entry {
        #[expect(clippy::indexing_slicing, reason = "the id was made of an index of these entries")]
        &self.entries[id.index()]
    }

    /// Whether a text, by its index, holds a Kubernetes object of any kind.
    #[must_use]
    pub fn holds_object(&self, source: usize) -> bool {
        self.with_objects.contains(&source)
    }

    /// Whether both hold the same policies and objects, at the same places. Refused documents do not count.
    pub(crate) fn is_judged_as(&self, other: &Self) -> bool {
        self.policies == other.policies
            && self.entries == other.entries
            && self.replaced == other.replaced
            && self.groups == other.groups
            && self.services == other.services
            && self.by_service == other.by_service
            && self.pods == other.pods
            && self.nodes == other.nodes
    }

    /// The documents of texts. Those that are refused stand in `refused` and do not affect the
    /// others.
    #[must_use]
    pub fn read(texts: &[SourceText<'_>], settings: &Settings) -> Self {
        let mut reading = Reading {
            documents: Self::default(),
            latest: HashMap::new(),
            services: Services::default(),
            settings,
        };
        for text in texts {
            let mut number = 0;
            for chunk in source::split(text.text) {
                let before = reading.documents.refused.len();
                match source::documents(&chunk) {
                    Ok(documents) => {
                        for document in documents {
                            number += 1;
                            reading.add((text.index, number), document, 0);
                        }
                    }
                    Err(err) => {
                        number += 1;
                        reading.refuse((text.index, number), String::new(), err.into());
                    }
                }
                if let Some(note) = template(chunk.text) {
                    let new = reading.documents.refused.iter_mut().skip(before);
                    for refused in new.filter(|refused| refused.refusal.note.is_none()) {
                        refused.refusal.note = Some(note);
                    }
                }
            }
        }
        let Reading { mut documents, services, .. } = reading;
        if !documents.replaced.is_empty() {
            let replaced: HashSet<PolicyId> =
                documents.replaced.iter().map(|replaced| replaced.policy).collect();
            documents.entries.retain(|entry| !replaced.contains(&entry.policy));
        }
        documents.services = services.finish();
        documents.by_service =
            services::resolve(&mut documents.entries, &documents.services, settings);
        documents
    }
}

/// Whether a node's kind or version names a policy, or nearly does.
fn is_ours(node: &Node) -> bool {
    let text = |name: &str| node.get(name).and_then(Node::as_str);
    !matches!(Kind::of(text("apiVersion"), text("kind")), Kind::Foreign(_))
}

impl Node {
    /// The items of a list without a List kind: an array, or `items` without a kind.
    fn bare_list(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ if self.text_at(&["kind"]).is_empty() => self.list_at(&["items"]),
            _ => &[],
        }
    }
}

/// The name of a template engine with traces in the text, and the command that renders it.
pub(crate) fn template(text: &str) -> Option<&'static str> {
    if text.contains("{{") {
        Some("a template of Helm: render it first, `helm template`")
    } else if text.contains("${") {
        Some(
            "a template of Flux or of a shell: put the variables in first, `flux build` or `envsubst`",
        )
    } else {
        None
    }
}

/// The state while texts are read.
struct Reading<'s> {
    documents: Documents,
    /// The latest policy for each object name.
    latest: HashMap<PolicyName, PolicyId>,
    services: Services,
    settings: &'s Settings,
}

impl Reading<'_> {
    fn refuse(&mut self, (source, document): (usize, usize), name: String, refusal: Refusal) {
        self.documents.refused.push(Refused { source, document, name, refusal });
    }

    fn add(&mut self, origin: (usize, usize), document: source::Document, depth: usize) {
        if document.root.is_null() {
            return;
        }
        if !self.settings.api_server
            && let Err(err) = document.strict()
        {
            return self.refuse(origin, String::new(), err.into());
        }
        if let Some(at) = document.unread.filter(|_| self.settings.api_server) {
            let reason = "what stands behind the end of a document is not read: part documents with a line `---`";
            let refusal = Refusal::new(RefusalClass::Syntax, at, reason.to_owned());
            self.refuse(origin, String::new(), refusal);
        }
        let at = document.root.at;
        if let Some((version, kind)) = document.root.list_of() {
            if depth >= MAX_LISTS {
                let reason = format!("Lists inside each other, more than {MAX_LISTS}");
                let refusal = Refusal::new(RefusalClass::Syntax, at, reason);
                return self.refuse(origin, String::new(), refusal);
            }
            let what = Kind::of(Some(version), Some(kind));
            if let Kind::Unknown(reason) = what
                && !kind.is_empty()
                && document.root.list_at(&["items"]).is_empty()
            {
                let refusal = Refusal::new(RefusalClass::UnknownKind, at, reason)
                    .noted("the List has no items");
                return self.refuse(origin, format!("{kind}List//"), refusal);
            }
            for item in document.into_items() {
                self.add(origin, item, depth + 1);
            }
            return;
        }
        if self.settings.api_server && document.root.bare_list().iter().any(is_ours) {
            let reason = "a list of policies is not an object of Kubernetes".to_owned();
            let refusal = Refusal::new(RefusalClass::UnknownKind, at, reason)
                .noted("part them by lines of `---`, or make them the `items` of a `kind: List`");
            return self.refuse(origin, String::new(), refusal);
        }
        if let Err((name, refusal)) = self.add_one(origin, &document) {
            self.refuse(origin, name, refusal);
        }
    }

    fn add_one(
        &mut self,
        origin: (usize, usize),
        document: &source::Document,
    ) -> Result<(), (String, Refusal)> {
        let node = &document.root;
        let text = |name: &str| node.get(name).and_then(Node::as_str);
        let kind = text("kind").unwrap_or_default();
        let given =
            format!("{kind}/{}/{}", node.text_at(&["metadata", "namespace"]), name_of(node).0);
        let refuse = |refusal| (given.clone(), refusal);
        let api_version = text("apiVersion").unwrap_or_default();
        if !kind.is_empty() && self.documents.with_objects.last() != Some(&origin.0) {
            self.documents.with_objects.push(origin.0);
        }
        self.services.add((api_version, kind), node, &self.settings.namespace, origin.0);
        if self.documents.nodes.len() < nodes::MAX_NODES {
            self.documents.nodes.extend(nodes::read(api_version, kind, node));
        }
        if self.documents.pods.len() < pods::MAX_PODS {
            self.documents.pods.extend(pods::read(kind, node, &self.settings.namespace));
        }
        // Cilium's parser gets the kind from its caller, and ignores the version.
        let is_served = self.settings.api_server;
        let what = if is_served {
            Kind::of(text("apiVersion"), text("kind"))
        } else {
            Kind::of_name(kind)
        };
        let policy_kind = match what {
            Kind::Policy(kind) => Some(kind),
            Kind::CidrGroup => None,
            Kind::Foreign(belongs) => {
                let reason = match (kind.is_empty(), api_version.is_empty()) {
                    (true, _) => "no object of Kubernetes: it has no kind".to_owned(),
                    (false, true) => format!("kind \"{kind}\" is not a policy"),
                    (false, false) => format!("{api_version} {kind} is not a network policy"),
                };
                let class = match belongs {
                    None if is_read(api_version, kind) => RefusalClass::Read,
                    _ => RefusalClass::NotAPolicy,
                };
                return Err(refuse(Refusal {
                    note: belongs,
                    ..Refusal::new(class, node.at, reason)
                }));
            }
            Kind::Unknown(reason) => {
                let at =
                    node.get("kind").or_else(|| node.get("apiVersion")).map_or(node.at, |n| n.at);
                return Err(refuse(Refusal::new(RefusalClass::UnknownKind, at, reason)));
            }
        };
        if !is_served {
            return self.parse(origin, node, policy_kind).map_err(refuse);
        }
        let served = server::serve(document, policy_kind);
        let stored = served.stored.map_err(refuse)?;
        self.parse(origin, &stored, policy_kind).map_err(refuse)?;
        if let Some(mut refusal) = served.strict {
            // Without strict validation the server stores it, and the engine has judged it in that
            // form.
            refusal.class = RefusalClass::Strict;
            self.refuse(origin, given, refusal);
        }
        Ok(())
    }

    /// Runs Cilium's own parser; without a policy kind, the document is a CIDR group.
    fn parse(
        &mut self,
        (source, _): (usize, usize),
        node: &Node,
        kind: Option<PolicyKind>,
    ) -> Result<(), Refusal> {
        let mut namespace = node.text_at(&["metadata", "namespace"]).to_owned();
        let (mut name, is_generated) = name_of(node);
        let Some(kind) = kind else {
            let group = group(node, name, source)?;
            if !is_generated {
                self.documents.groups.retain(|own| own.name != group.name);
            }
            self.documents.groups.push(group);
            return Ok(());
        };
        root_fields(node, kind)?;
        if is_generated && !self.settings.api_server {
            name.clear();
        }
        if name.is_empty() {
            let reason = format!("{} must have name", kind.name());
            return Err(Refusal::invalid(node.at, reason));
        }
        let mut lacks_namespace = false;
        match kind {
            PolicyKind::CiliumNetworkPolicy | PolicyKind::NetworkPolicy => {
                if namespace.is_empty() {
                    lacks_namespace = true;
                    namespace.clone_from(&self.settings.namespace);
                }
            }
            PolicyKind::CiliumClusterwideNetworkPolicy | PolicyKind::ClusterNetworkPolicy => {
                namespace.clear();
            }
        }
        if kind == PolicyKind::ClusterNetworkPolicy && !self.settings.cluster_network_policy {
            let reason = "the agent does not read ClusterNetworkPolicy: enable-k8s-cluster-network-policy is off";
            return Err(Refusal::invalid(node.at, reason));
        }
        let object = PolicyName { kind, namespace, name };
        let mut name = object.clone();
        if matches!(kind, PolicyKind::NetworkPolicy | PolicyKind::ClusterNetworkPolicy)
            && let Some(annotated) = policy_name_annotation(node)
        {
            name.name = annotated;
        }
        let document = Document { root: node, name, policy: self.documents.policies.next() };
        let entries = match kind {
            PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
                cilium::entries(&document, self.settings)
            }
            PolicyKind::NetworkPolicy => kubernetes::entries(&document, self.settings),
            PolicyKind::ClusterNetworkPolicy => cluster::entries(&document, self.settings),
        }?;
        let Document { name, policy, .. } = document;
        let dated = Dated::of(node);
        let own = object.name.clone();
        let policies = &mut self.documents.policies;
        let at = node.at;
        policies.push(Policy {
            name,
            source,
            at,
            object: own,
            is_generated,
            lacks_namespace,
            dated,
        });
        // A cluster holds one object of a name: the later one replaces the earlier. Generated names
        // are always new.
        if !is_generated && let Some(earlier) = self.latest.insert(object, policy) {
            self.documents.replaced.push(Replaced { policy: earlier, by: policy });
        }
        self.documents.entries.extend(entries);
        Ok(())
    }
}

/// Whether the engine reads objects of a kind for pods, nodes, Services and namespaces.
pub(crate) fn is_read(api_version: &str, kind: &str) -> bool {
    match api_version {
        "v1" => matches!(kind, "Service" | "Endpoints" | "Pod" | "Node" | "Namespace"),
        "discovery.k8s.io/v1" => kind == "EndpointSlice",
        "cilium.io/v2" => kind == "CiliumNode",
        "apps/v1" | "batch/v1" => pods::template(kind).is_some(),
        _ => false,
    }
}

/// Checks the fields beside the spec: those of `kubectl get -o yaml` are allowed, others are not.
fn root_fields(node: &Node, kind: PolicyKind) -> Result<(), Refusal> {
    let Value::Map(entries) = &node.value else { return Ok(()) };
    let is_cilium = matches!(
        kind,
        PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy
    );
    for (key, value) in entries {
        match key.name.as_str() {
            "apiVersion" | "kind" => {
                if !matches!(value.value, Value::String(_) | Value::Null) {
                    return Err(object::mismatch(value, Some("TypeMeta"), &key.name, "string"));
                }
            }
            // These types do not decode themselves, so their tables are complete.
            "spec" if !is_cilium => server::decode(value, Some(kind), "spec")?,
            "spec" => {}
            "specs" if value.is_null() || is_cilium => {}
            "metadata" => server::decode(value, None, "metadata")?,
            "status" if kind != PolicyKind::NetworkPolicy => {
                server::decode(value, Some(kind), "status")?;
            }
            name => {
                return Err(Refusal::field(key.at, &format!("json: unknown field \"{name}\""))
                    .of_case(RefusalCase::UnknownField));
            }
        }
    }
    Ok(())
}

/// An object's name, and whether the server makes it from `generateName`.
fn name_of(node: &Node) -> (String, bool) {
    let text = |field: &str| node.text_at(&["metadata", field]);
    match (text("name"), text("generateName")) {
        ("", "") => (String::new(), false),
        ("", stem) => (format!("{stem}{GENERATED}"), true),
        (name, _) => (name.to_owned(), false),
    }
}

/// The annotation that overrides the policy's name in Cilium.
fn policy_name_annotation(node: &Node) -> Option<String> {
    let annotations = node.get("metadata")?.get("annotations")?;
    ["policy.cilium.io/name", "io.cilium.name"]
        .iter()
        .find_map(|key| annotations.get(key).and_then(Node::as_str))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

fn group(node: &Node, name: String, source: usize) -> Result<CidrGroup, Refusal> {
    let labels = match node.get("metadata").and_then(|m| m.get("labels")).map(|n| &n.value) {
        // The agent drops labels that are its own.
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
            // The agent skips unreadable items, with a warning in its log.
            if let Some(prefix) = item.as_str().and_then(|text| Prefix::parse(text).ok()) {
                prefixes.push(prefix);
            }
        }
    } else {
        return Err(Refusal::invalid(node.at, "spec.externalCIDRs is missing"));
    }
    let (dated, labelled) = (Dated::of(node), Dated::of_labels(node));
    Ok(CidrGroup { name, labels, prefixes, source, dated, labelled })
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
