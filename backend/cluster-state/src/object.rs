//! Objects, reduced to what verdicts read.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use cilium_policy::source::{self, Node};
use cilium_policy::{ReducedObject, UnixTime, reduce_object};

use crate::resource::{Resource, Role};

/// Maximum length of a name in Kubernetes, in bytes.
const MAX_NAME_BYTES: usize = 253;

/// An object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterObject {
    /// Its resource.
    pub resource: &'static Resource,
    /// Its namespace; empty for those of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object as YAML, with what verdicts read.
    pub text: String,
    /// Time of its creation, in Unix milliseconds.
    pub created_ms: Option<i64>,
    /// Time of its last change, in Unix milliseconds; `None`: the object does not say.
    pub changed_ms: Option<i64>,
    /// Whether it is a Service that chooses its pods by labels.
    selects_pods: bool,
    /// The Service of an `EndpointSlice`.
    service: String,
    /// Hash of the text and the times.
    pub(crate) hash: u64,
}

/// Namespace and name.
pub(crate) type Key = (String, String);

/// An object in an answer, with what is needed to go on after it.
#[derive(Debug)]
pub(crate) struct ReadObject {
    pub(crate) key: Key,
    /// `resourceVersion`.
    pub(crate) version: String,
    /// The object; `None`: it cannot be reduced.
    pub(crate) object: Option<ClusterObject>,
}

/// Reads an object of a list or an event. `None`: it has no name that Kubernetes allows.
pub(crate) fn read(
    resource: &'static Resource,
    api_version: &str,
    json: &str,
) -> Option<ReadObject> {
    let chunk = source::split(json).into_iter().next()?;
    let node = source::documents(&chunk).ok()?.into_iter().next()?.root;
    let of_metadata = |name: &str| node.text_at(&["metadata", name]).to_owned();
    let (namespace, name) = (of_metadata("namespace"), of_metadata("name"));
    if !is_name(&name) || !(namespace.is_empty() || is_name(&namespace)) {
        return None;
    }
    let reduced = reduce_object(&node, api_version, resource.kind);
    let key = (namespace, name);
    let object = reduced.map(|reduced| ClusterObject::new(resource, &key, &node, reduced));
    Some(ReadObject { key, version: of_metadata("resourceVersion"), object })
}

/// Whether the text can be a name: it becomes a part of a file's name.
fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    !text.is_empty()
        && text.len() <= MAX_NAME_BYTES
        && text.bytes().all(is_allowed)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

impl ClusterObject {
    fn new(
        resource: &'static Resource,
        (namespace, name): &Key,
        node: &Node,
        reduced: ReducedObject,
    ) -> Self {
        let service = ["metadata", "labels", "kubernetes.io/service-name"];
        let mut object = Self {
            resource,
            namespace: namespace.clone(),
            name: name.clone(),
            text: reduced.text,
            created_ms: reduced.created.map(UnixTime::unix_ms),
            changed_ms: reduced.changed.map(UnixTime::unix_ms),
            selects_pods: !node.texts_of(&["spec", "selector"]).is_empty(),
            service: node.text_at(&service).to_owned(),
            hash: 0,
        };
        let mut hasher = DefaultHasher::new();
        (object.file_name(), &object.text, object.changed_ms).hash(&mut hasher);
        object.hash = hasher.finish();
        object
    }

    /// The name of the object's text: `ciliumnetworkpolicy/pets/allow-store-front.yaml`.
    pub fn file_name(&self) -> String {
        let kind = self.resource.kind.to_ascii_lowercase();
        if self.namespace.is_empty() {
            format!("{kind}/{}.yaml", self.name)
        } else {
            format!("{kind}/{}/{}.yaml", self.namespace, self.name)
        }
    }

    /// Whether this is a Service whose pods are chosen by labels: then its slices do not matter to policies.
    pub(crate) fn selects_pods(&self) -> bool {
        self.resource.kind == "Service" && self.selects_pods
    }

    /// The Service of this slice.
    pub(crate) fn service(&self) -> Option<Key> {
        (self.resource.kind == "EndpointSlice" && !self.service.is_empty())
            .then(|| (self.namespace.clone(), self.service.clone()))
    }

    /// Whether the object is for verdicts, and not for logs.
    pub fn is_for_verdicts(&self) -> bool {
        self.resource.role != Role::Log
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.namespace.len() + self.name.len() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RESOURCES;

    #[test]
    fn names() {
        let file = |index: usize, namespace: &str, name: &str| {
            let json = format!(
                r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","resourceVersion":"7"}}}}"#
            );
            let read = read(&RESOURCES[index], "cilium.io/v2", &json)?;
            assert_eq!(read.version, "7");
            Some(read.object.unwrap().file_name())
        };
        let named = |text: &str| Some(text.to_owned());
        assert_eq!(file(0, "pets", "a.b"), named("ciliumnetworkpolicy/pets/a.b.yaml"));
        assert_eq!(file(1, "", "all"), named("ciliumclusterwidenetworkpolicy/all.yaml"));
        for hostile in ["", "..", "../../etc/passwd", "a/b", "a b", "<b>", "ä", &"a".repeat(254)] {
            assert_eq!(file(0, "pets", hostile), None, "{hostile}");
        }
        assert_eq!(file(0, "../x", "a"), None);
    }
}
