//! The identity of an endpoint of a flow, as far as it is known.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use hashbrown::DefaultHashBuilder;

use crate::{Label, Prefix, identity_label::CLUSTER, settings::world_key};

/// An endpoint of a flow. It states which facts are unknown, and judging takes that into account.
///
/// A clone is the same identity. Its labels are hashed once and compared only with those of other
/// identities, so a second look-up costs nanoseconds.
#[derive(Debug, Clone)]
pub struct Identity(Arc<Known>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Facts {
    labels: Vec<Label>,
    /// The prefixes of its `cidr:` labels.
    prefixes: Vec<Prefix>,
    address: Option<IpAddr>,
    /// The DNS names of the address; empty if unknown.
    names: Vec<String>,
    /// The Services with this identity as a backend, as namespace and name.
    services: Vec<(String, String)>,
    knowledge: Knowledge,
    /// Whether no policy name resolved to the address at the time of the record.
    is_unnamed: bool,
}

#[derive(Debug)]
struct Known {
    facts: Facts,
    hash: u64,
}

/// The completeness of the labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// Complete: a label that is absent does not exist.
    Everything,
    /// The labels of a flow record. Labels that the agent derives from addresses and names, for the
    /// policies of that day, may be missing.
    #[default]
    Recorded,
    /// The labels of a flow record without those that the agent takes from the pod's namespace and
    /// service account, or from the node.
    Partial,
    /// No labels: a record without them.
    Nothing,
}

impl Identity {
    /// An identity with complete labels, as inside the agent. CIDR labels imply the world. Nodes
    /// are the exception: they carry CIDR labels where `policy-cidr-match-mode` is `nodes`.
    #[must_use]
    pub fn of_labels(labels: impl IntoIterator<Item = Label>, dual_stack: bool) -> Self {
        let mut labels: Vec<Label> = labels.into_iter().collect();
        let cidr = labels
            .iter()
            .find(|label| label.source == "cidr")
            .and_then(|label| Prefix::parse_label_key(&label.key));
        if let Some(prefix) = cidr
            && !labels.iter().any(|label| is_world_key(&label.key) || is_node_key(&label.key))
        {
            let key = world_key(prefix.is_ipv4(), true, dual_stack);
            labels.push(Label {
                key: key.to_owned(),
                value: String::new(),
                source: "reserved".to_owned(),
            });
        }
        let mut facts = Facts { knowledge: Knowledge::Everything, ..Facts::default() };
        facts.set_labels(labels);
        facts.into()
    }

    /// An endpoint of a flow record.
    #[must_use]
    pub fn recorded(labels: impl IntoIterator<Item = Label>, address: Option<IpAddr>) -> Self {
        let mut facts = Facts { address, ..Facts::default() };
        facts.set_labels(labels.into_iter().collect());
        if facts.labels.is_empty() {
            facts.knowledge = Knowledge::Nothing;
        }
        facts.into()
    }

    /// Adds the known DNS names of its address.
    #[must_use]
    pub fn with_names(self, names: impl IntoIterator<Item = String>) -> Self {
        let mut facts = self.into_facts();
        facts.names = names.into_iter().collect();
        crate::sorted::sort(&mut facts.names);
        facts.names.dedup();
        facts.into()
    }

    /// Marks its labels as incomplete, see [`Knowledge::Partial`].
    #[must_use]
    pub fn with_partial_labels(self) -> Self {
        let mut facts = self.into_facts();
        facts.knowledge = Knowledge::Partial;
        facts.into()
    }

    /// Marks it as an identity that no policy name resolved to at the time of the record: with such
    /// a name, policy would have given it an identity of its own.
    #[must_use]
    pub fn without_learned_name(self) -> Self {
        let mut facts = self.into_facts();
        facts.is_unnamed = true;
        facts.into()
    }

    pub(crate) fn is_unnamed(&self) -> bool {
        self.facts().is_unnamed
    }

    /// Adds a Service with this identity as a backend.
    #[must_use]
    pub fn with_service(self, namespace: &str, name: &str) -> Self {
        let mut facts = self.into_facts();
        facts.services.push((namespace.to_owned(), name.to_owned()));
        facts.into()
    }

    /// The same identity in another cluster. `None` if it is in that cluster already, or in no
    /// cluster.
    pub(crate) fn in_cluster(&self, name: &str) -> Option<Self> {
        if self.k8s_label(CLUSTER).is_none_or(|own| own == name) {
            return None;
        }
        let mut facts = self.facts().clone();
        for label in &mut facts.labels {
            if label.key == CLUSTER && label.source == "k8s" {
                name.clone_into(&mut label.value);
            }
        }
        Some(facts.into())
    }

    fn into_facts(self) -> Facts {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.facts.clone(), |own| own.facts)
    }

    fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// Its labels, sorted.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.facts().labels
    }

    /// The completeness of its labels.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge {
        self.facts().knowledge
    }

    /// The value of a `k8s:` label.
    #[must_use]
    pub fn k8s_label(&self, key: &str) -> Option<&str> {
        self.facts()
            .labels
            .iter()
            .find(|label| label.key == key && label.source == "k8s")
            .map(|label| label.value.as_str())
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.facts().address
    }

    /// The DNS names known for its address.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.facts().names
    }

    /// The Services with this identity as a known backend.
    #[must_use]
    pub fn services(&self) -> &[(String, String)] {
        &self.facts().services
    }

    /// The prefixes around it: those of its labels, and its own address.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = Prefix> + '_ {
        self.facts().prefixes.iter().copied().chain(self.facts().address.map(Prefix::of_address))
    }

    /// Whether it has a label with this key, from any source: the agent ignores the source too.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.facts().labels.iter().any(|label| label.key == key)
    }

    /// Whether it is the reserved identity of this name, such as `kube-apiserver`.
    #[must_use]
    pub fn is_reserved(&self, name: &str) -> bool {
        self.facts().labels.iter().any(|label| label.key == name && label.source == "reserved")
    }

    /// Whether it is outside the cluster.
    #[must_use]
    pub fn is_world(&self) -> bool {
        self.facts().labels.iter().any(|label| is_world_key(&label.key))
    }

    /// Whether it is a node.
    #[must_use]
    pub fn is_node(&self) -> bool {
        self.facts().labels.iter().any(|label| is_node_key(&label.key))
    }
}

impl Facts {
    fn set_labels(&mut self, mut labels: Vec<Label>) {
        crate::sorted::sort(&mut labels);
        labels.dedup();
        self.prefixes = labels
            .iter()
            .filter(|label| label.source == "cidr")
            .filter_map(|label| Prefix::parse_label_key(&label.key))
            .collect();
        self.labels = labels;
    }
}

impl From<Facts> for Identity {
    fn from(facts: Facts) -> Self {
        // One key for all identities of a process, another one in the next process. Labels come
        // from untrusted senders, who must not predict which labels collide.
        static KEY: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);
        let hash = KEY.hash_one(&facts);
        Self(Arc::new(Known { facts, hash }))
    }
}

impl Default for Identity {
    fn default() -> Self {
        Facts::default().into()
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash && self.facts() == other.facts())
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0.hash);
    }
}

fn is_node_key(key: &str) -> bool {
    matches!(key, "host" | "remote-node")
}

fn is_world_key(key: &str) -> bool {
    matches!(key, "world" | "world-ipv4" | "world-ipv6")
}
