//! Rules to add: their subjects, peers and contents.

use cilium_policy::Direction;

/// Rules by subject, with their contents; both in order.
pub(super) type Rules = Vec<(SubjectKey, Vec<(RuleKey, RuleBody)>)>;

/// The subject of an addition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SubjectKey {
    /// An endpoint of the agent itself, without namespace and labels.
    pub(super) entity: Option<&'static str>,
    pub(super) namespace: String,
    pub(super) labels: Vec<(String, String)>,
}

impl SubjectKey {
    /// The subject in words.
    pub(super) fn shown(&self) -> String {
        let name = self.labels.first().map_or("", |(_, value)| value);
        self.entity.map_or_else(|| format!("{}/{name}", self.namespace), ToOwned::to_owned)
    }
}

/// One rule to add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKey {
    pub(super) direction: Direction,
    pub(super) peer: PeerKey,
    /// Protocol and port; for names, those of the resolver.
    pub(super) port: (u8, u16),
    pub(super) l7: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PeerKey {
    Pods { namespace: Option<String>, labels: Vec<(String, String)> },
    Entity(&'static str),
    Cidr(String),
    Name(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct RuleBody {
    /// Protocol and port.
    pub(super) ports: Vec<(u8, u16)>,
    pub(super) dns: Vec<String>,
    pub(super) http: Vec<HttpRequest>,
}

/// A request to allow; method and path as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HttpRequest {
    pub(super) method: String,
    pub(super) path: String,
    /// The host, as an existing rule requires it.
    pub(super) host: Option<String>,
    pub(super) headers: Vec<String>,
}

impl RuleBody {
    /// Adds the contents of another.
    pub(super) fn extend(&mut self, other: Self) {
        other.ports.into_iter().for_each(|port| push(&mut self.ports, port));
        other.dns.into_iter().for_each(|name| push(&mut self.dns, name));
        other.http.into_iter().for_each(|request| push(&mut self.http, request));
    }
}

/// The resolver, by its labels in every cluster.
pub(super) fn resolver() -> PeerKey {
    PeerKey::Pods {
        namespace: Some("kube-system".to_owned()),
        labels: vec![("k8s-app".to_owned(), "kube-dns".to_owned())],
    }
}

/// The most telling label of a pod.
pub(super) fn own_label<'l>(
    label: impl Fn(&str) -> Option<&'l str>,
) -> Option<(&'static str, &'l str)> {
    ["app.kubernetes.io/name", "k8s-app", "app"]
        .into_iter()
        .find_map(|key| Some((key, label(key)?)))
}

/// Appends an item that the list lacks.
pub(super) fn push<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}
