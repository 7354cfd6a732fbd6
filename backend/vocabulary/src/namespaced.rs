//! Names of pods and Services with their namespace. Source: pkg/hubble/filters/k8s.go.

/// Namespace and prefix of a name. An empty part matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespacedPrefix {
    namespace: String,
    prefix: String,
}

impl NamespacedPrefix {
    /// Reads `ns/prefix`, `ns/`, `/prefix`, or `prefix`, which means namespace `default`. Text
    /// after a second slash is ignored, as in Cilium. `None` if the text is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut parts = text.split('/');
        let first = parts.next().unwrap_or_default();
        let (namespace, prefix) = match parts.next() {
            Some(second) => (first, second),
            None => ("default", first),
        };
        Some(Self { namespace: namespace.to_owned(), prefix: prefix.to_owned() })
    }

    /// Whether a namespace and a name match. An object with neither never matches.
    #[must_use]
    pub fn matches(&self, namespace: &str, name: &str) -> bool {
        if namespace.is_empty() && name.is_empty() {
            return false;
        }
        name.starts_with(&self.prefix) && (self.namespace.is_empty() || self.namespace == namespace)
    }
}
