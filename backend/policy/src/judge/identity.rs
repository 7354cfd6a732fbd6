//! Who is on a side of a flow, as far as it is known.

use std::net::IpAddr;

use crate::{Label, Prefix};

/// One side of a flow. What is not known is said to be so, and judging takes it into account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    labels: Vec<Label>,
    /// Prefixes of the `cidr:` labels.
    prefixes: Vec<Prefix>,
    address: Option<IpAddr>,
    /// DNS names of the address; empty: none is known.
    names: Vec<String>,
    /// Services that it is a backend of, as namespace and name.
    services: Vec<(String, String)>,
    knowledge: Knowledge,
}

/// How much the labels say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// Everything: what they do not say is not so.
    Everything,
    /// The labels of a recorded flow: what the agent derives from addresses and names of that
    /// day's policies may be missing.
    #[default]
    Recorded,
    /// Nothing: a record without labels.
    Nothing,
}

impl Identity {
    /// An identity of which the labels say everything, as inside the agent. CIDR labels imply the
    /// world, except on nodes, which have them where `policy-cidr-match-mode` is `nodes`.
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
            let key = match (dual_stack, prefix.is_ipv4()) {
                (false, _) => "world",
                (true, true) => "world-ipv4",
                (true, false) => "world-ipv6",
            };
            labels.push(Label {
                key: key.to_owned(),
                value: String::new(),
                source: "reserved".to_owned(),
            });
        }
        let mut identity = Self { knowledge: Knowledge::Everything, ..Self::default() };
        identity.set_labels(labels);
        identity
    }

    /// A side of a recorded flow.
    #[must_use]
    pub fn recorded(labels: impl IntoIterator<Item = Label>, address: Option<IpAddr>) -> Self {
        let mut identity = Self { address, ..Self::default() };
        identity.set_labels(labels.into_iter().collect());
        if identity.labels.is_empty() {
            identity.knowledge = Knowledge::Nothing;
        }
        identity
    }

    /// Adds the DNS names that are known for its address.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names = names.into_iter().collect();
        crate::order::sort(&mut self.names);
        self.names.dedup();
        self
    }

    /// Adds a Service that it is a backend of.
    #[must_use]
    pub fn with_service(mut self, namespace: &str, name: &str) -> Self {
        self.services.push((namespace.to_owned(), name.to_owned()));
        self
    }

    fn set_labels(&mut self, mut labels: Vec<Label>) {
        crate::order::sort(&mut labels);
        labels.dedup();
        self.prefixes = labels
            .iter()
            .filter(|label| label.source == "cidr")
            .filter_map(|label| Prefix::parse_label_key(&label.key))
            .collect();
        self.labels = labels;
    }

    /// Its labels, sorted.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// How much is known.
    #[must_use]
    pub const fn knowledge(&self) -> Knowledge {
        self.knowledge
    }

    /// The value of a `k8s:` label.
    #[must_use]
    pub fn k8s_label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|label| label.key == key && label.source == "k8s")
            .map(|label| label.value.as_str())
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The DNS names known for its address.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Services that it is known to be a backend of.
    #[must_use]
    pub fn services(&self) -> &[(String, String)] {
        &self.services
    }

    /// Prefixes that hold it: those of its labels, and its own address.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = Prefix> + '_ {
        self.prefixes.iter().copied().chain(self.address.map(Prefix::of_address))
    }

    /// Whether it has a label of this key, of any source: the agent looks no closer.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.labels.iter().any(|label| label.key == key)
    }

    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        self.labels.iter().any(|label| label.key == name && label.source == "reserved")
    }

    pub(crate) fn is_world(&self) -> bool {
        self.labels.iter().any(|label| is_world_key(&label.key))
    }

    pub(crate) fn is_node(&self) -> bool {
        self.labels.iter().any(|label| is_node_key(&label.key))
    }
}

fn is_node_key(key: &str) -> bool {
    matches!(key, "host" | "remote-node")
}

fn is_world_key(key: &str) -> bool {
    matches!(key, "world" | "world-ipv4" | "world-ipv6")
}
