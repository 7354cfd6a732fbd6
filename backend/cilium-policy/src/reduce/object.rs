//! One object of a cluster, reduced to what verdicts read and written anew: what an API server sends is not
//! written by a person, so its lines and columns need not stay.

use super::fields::{self, Keep};
use crate::{
    PolicyKind, UnixTime,
    dated::Dated,
    server::kinds::Kind,
    source::{Node, Value},
    yaml_writer::Yaml,
};

/// Fields of `metadata` that are times or lead to them: they stand beside the text.
const TIMES: [&str; 3] = ["creationTimestamp", "generation", "managedFields"];

/// An object without what verdicts do not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReducedObject {
    /// The object as YAML, without times.
    pub text: String,
    /// The time at which it was created.
    pub created: Option<UnixTime>,
    /// The time of the last change of what verdicts read; `None`: the object does not say.
    pub changed: Option<UnixTime>,
}

/// Reduces an object of a kind; the items of a list name neither version nor kind. `None`: verdicts read no
/// objects of this kind.
#[must_use]
pub fn reduce_object(object: &Node, api_version: &str, kind: &str) -> Option<ReducedObject> {
    let keep = fields::of_kind(api_version, kind).or_else(|| fields::of_log(api_version, kind))?;
    let (Keep::Fields(fields, _), Value::Map(entries)) = (keep, &object.value) else {
        return None;
    };
    let mut written = vec![("apiVersion", Yaml::text(api_version)), ("kind", Yaml::text(kind))];
    for (name, keep) in *fields {
        let given = entries.iter().find(|(key, _)| key.name == *name).map(|(_, value)| value);
        let is_type = matches!(*name, "apiVersion" | "kind");
        if let Some(value) = given.filter(|_| !is_type).and_then(|given| kept(given, keep)) {
            written.push((name, value));
        }
    }
    let written = written.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut text = String::new();
    Yaml::Map(written).block(0, 0, &mut text);
    let dated = match Kind::of(Some(api_version), Some(kind)) {
        Kind::Policy(
            PolicyKind::CiliumNetworkPolicy
            | PolicyKind::CiliumClusterwideNetworkPolicy
            | PolicyKind::NetworkPolicy
            | PolicyKind::ClusterNetworkPolicy,
        ) => Dated::of(object),
        Kind::CidrGroup => {
            let (spec, labels) = (Dated::of(object), Dated::of_labels(object));
            let is_at_least = spec.is_at_least || labels.is_at_least;
            Dated { changed: spec.changed.max(labels.changed), is_at_least }
        }
        Kind::Foreign(_) | Kind::Unknown(_) => Dated::of_object(object),
    };
    let created = UnixTime::parse(object.text_at(&["metadata", "creationTimestamp"]));
    Some(ReducedObject { text, created, changed: dated.changed.filter(|_| !dated.is_at_least) })
}

/// The kept part of a value, in the order of the table; `None`: nothing of it.
fn kept(node: &Node, keep: &Keep) -> Option<Yaml> {
    match (keep, &node.value) {
        (_, Value::Null) => None,
        (Keep::All, _) => Some(yaml(node)),
        (Keep::Fields(fields, _), Value::Map(entries)) => {
            let of_field = |(name, keep): &(&str, Keep)| {
                let (_, value) = entries.iter().find(|(key, _)| key.name == *name)?;
                let is_time = TIMES.contains(name);
                kept(value, keep).filter(|_| !is_time).map(|value| ((*name).to_owned(), value))
            };
            let map: Vec<(String, Yaml)> = fields.iter().filter_map(of_field).collect();
            (!map.is_empty()).then_some(Yaml::Map(map))
        }
        (Keep::Each(keep), Value::List(items)) => {
            Some(Yaml::List(items.iter().filter_map(|item| kept(item, keep)).collect()))
        }
        _ => None,
    }
}

/// A whole value. Its depth is bounded by the reader of the node.
fn yaml(node: &Node) -> Yaml {
    match &node.value {
        Value::Null => Yaml::Bare("null".to_owned()),
        Value::Bool(value) => Yaml::Bare(value.to_string()),
        Value::Integer(value) => Yaml::Bare(value.to_string()),
        Value::Unsigned(value) => Yaml::Bare(value.to_string()),
        Value::Float(value) => Yaml::Bare(value.clone()),
        Value::String(text) => Yaml::text(text.as_str()),
        Value::List(items) => Yaml::List(items.iter().map(yaml).collect()),
        Value::Map(entries) => {
            Yaml::Map(entries.iter().map(|(key, value)| (key.name.clone(), yaml(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Documents, Settings, SourceText, source};

    fn check(json: &str, api_version: &str, kind: &str, expect: Option<(&str, &str)>) {
        let chunk = source::split(json).remove(0);
        let documents = source::documents(&chunk).unwrap();
        let reduced = reduce_object(&documents[0].root, api_version, kind);
        let shown = reduced.as_ref().map(|own| {
            let shown = |time: Option<UnixTime>| time.map_or("-".to_owned(), |own| own.to_string());
            (own.text.clone(), format!("{}, {}", shown(own.created), shown(own.changed)))
        });
        let shown = shown.as_ref().map(|(text, times)| (text.as_str(), times.as_str()));
        assert_eq!(shown, expect, "{json}");
    }

    #[test]
    fn objects_as_yaml() {
        let managed = |manager: &str, fields: &str, time: &str| {
            format!(r#"{{"manager":"{manager}","time":"{time}","fieldsV1":{{{fields}}}}}"#)
        };
        let metadata = format!(
            r#""metadata":{{"managedFields":[{},{}],"uid":"u","generation":3,"name":"allow","namespace":"pets","annotations":{{"secret":"hunter2","policy.cilium.io/name":"shown"}},"creationTimestamp":"2026-11-30T10:00:00Z"}}"#,
            managed("kubectl", r#""f:spec":{}"#, "2026-11-30T14:00:00Z"),
            managed("agent", r#""f:status":{}"#, "2026-11-30T15:00:00Z"),
        );
        let policy = format!(
            r#"{{{metadata},"spec":{{"endpointSelector":{{}},"ingress":[{{"toPorts":[{{"ports":[{{"port":"80"}}]}}]}}]}},"status":{{"note":"hunter2"}}}}"#
        );
        check(
            &policy,
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            Some((
                "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: allow\n  namespace: pets\n  annotations:\n    policy.cilium.io/name: shown\nspec:\n  endpointSelector: {}\n  ingress:\n  - toPorts:\n    - ports:\n      - port: \"80\"\n",
                "2026-11-30 10:00:00 UTC, 2026-11-30 14:00:00 UTC",
            )),
        );
        // Without managed fields, a later generation has an unknown time.
        let group = |generation: u8| {
            format!(
                r#"{{"apiVersion":"other","metadata":{{"name":"g","generation":{generation},"creationTimestamp":"2026-11-30T10:00:00Z"}},"spec":{{"externalCIDRs":["10.0.0.0/8"]}}}}"#
            )
        };
        let text = "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata:\n  name: g\nspec:\n  externalCIDRs:\n  - \"10.0.0.0/8\"\n";
        let expect = Some((text, "2026-11-30 10:00:00 UTC, -"));
        check(&group(2), "cilium.io/v2", "CiliumCIDRGroup", expect);
        let slice = r#"{"metadata":{"name":"s-1","labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"nodeName":"n"},{"conditions":{}}],"ports":[{"port":80,"name":""}]}"#;
        check(
            slice,
            "discovery.k8s.io/v1",
            "EndpointSlice",
            Some((
                "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: s-1\n  labels:\n    kubernetes.io/service-name: s\nendpoints:\n- addresses:\n  - \"10.0.0.1\"\nports:\n- port: 80\n  name: \"\"\n",
                "-, -",
            )),
        );
        let log = r#"{"metadata":{"name":"l"},"spec":{"includefilters":[]},"status":{"state":"CONFIGURED"}}"#;
        check(
            log,
            "acn.azure.com/v1alpha1",
            "ContainerNetworkLog",
            Some((
                "apiVersion: acn.azure.com/v1alpha1\nkind: ContainerNetworkLog\nmetadata:\n  name: l\nspec:\n  includefilters: []\nstatus:\n  state: CONFIGURED\n",
                "-, -",
            )),
        );
        for (version, kind) in [("v1", "Secret"), ("v1", "ConfigMap"), ("", "")] {
            check(r#"{"metadata":{"name":"s"},"data":{"a":"hunter2"}}"#, version, kind, None);
        }
        check("[]", "cilium.io/v2", "CiliumNetworkPolicy", None);
    }

    /// Texts that look like other types, or like YAML of their own, stay texts.
    #[test]
    fn hostile_texts_stay_texts() {
        let json = r#"{"metadata":{"name":"p","namespace":"pets","labels":{"a: b":"yes","c\n---\nkind: Secret":"<script>","n":"1e3"}},"spec":{"podSelector":{"matchLabels":{"app":"on"}}}}"#;
        let chunk = source::split(json).remove(0);
        let node = source::documents(&chunk).unwrap().remove(0).root;
        let text = reduce_object(&node, "networking.k8s.io/v1", "NetworkPolicy").unwrap().text;
        let chunks = source::split(&text);
        assert_eq!(chunks.len(), 1, "{text}");
        let again = source::documents(&chunks[0]).unwrap().remove(0).root;
        assert_eq!(again.texts_of(&["metadata", "labels"]), node.texts_of(&["metadata", "labels"]));
        let read = |text| {
            let settings = Settings { api_server: false, ..Settings::default() };
            Documents::read(&[SourceText { index: 0, text }], &settings).policies.iter().count()
        };
        assert_eq!(read(&text), 1);
    }
}
