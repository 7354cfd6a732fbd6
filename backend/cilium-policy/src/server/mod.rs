//! The answer of a Kubernetes server to a document: refused, or stored with the known fields.
//! `kubectl` requests that unknown fields are refused (strict). A controller that applies manifests
//! from Git, or an older client, lets the server drop them (pruned).

mod check;
mod generated;
pub(crate) mod kinds;
mod metadata;
mod network_policy;
mod schema;
mod shape;
mod sloppy;
mod stored;

pub use stored::{Stored, stored};

use self::{
    check::{Check, is_removed},
    generated::tables,
    schema::{Object, Type},
    shape::{Mode, Shape},
};
use crate::{
    PolicyKind, Position,
    document::{Refusal, RefusalCase},
    source::{Document, Key, Node, Value},
};

/// An unknown field.
#[derive(Debug)]
struct Unknown {
    at: Position,
    path: String,
    /// The field that was probably meant.
    likely: Option<&'static str>,
}

/// The answers of a server.
#[derive(Debug)]
pub(crate) struct Served {
    /// The refusal by `kubectl apply`; `None` if it accepts the document.
    pub(crate) strict: Option<Refusal>,
    /// The object as stored without strict validation.
    pub(crate) stored: Result<Node, Refusal>,
    /// The paths of fields that the stored object lacks.
    pub(crate) dropped: Vec<String>,
}

/// Decodes metadata, or a field of a kind, as Go's strict decoder does from YAML.
///
/// Errors: an unknown field, or a value of another type.
pub(crate) fn decode(node: &Node, kind: Option<PolicyKind>, name: &str) -> Result<(), Refusal> {
    let mut shape = Shape::new(Mode::Coerced);
    let path = format!(".{name}");
    match kind {
        None => {
            shape.node(node, &Type::Object(&tables::METADATA), &path);
        }
        Some(kind) => {
            if let Some(field) = table(kind).field(name) {
                shape.node(node, &field.is, &path);
            }
        }
    }
    // Cilium's types include the fields of the experimental channel, and its parser reads them.
    let is_unknown = |unknown: &&Unknown| {
        kind != Some(PolicyKind::ClusterNetworkPolicy) || !EXPERIMENTAL.contains(&unknown.name())
    };
    if let Some(unknown) = shape.unknown.iter().find(is_unknown) {
        let name = unknown.name();
        let reason = format!("json: unknown field \"{name}\"");
        return Err(Refusal::field(unknown.at, &reason).of_case(RefusalCase::UnknownField));
    }
    shape.mismatch.map_or(Ok(()), |refusal| {
        Err(Refusal::field(refusal.at, &refusal.reason).of_case(refusal.case))
    })
}

/// The server's answers to a document; without a policy kind, the document is a CIDR group.
pub(crate) fn serve(document: &Document, kind: Option<PolicyKind>) -> Served {
    let Value::Map(entries) = &document.root.value else {
        let refusal = check::refused(&document.root, "", "must be of type object")
            .of_case(RefusalCase::WrongType);
        return Served { strict: Some(refusal.clone()), stored: Err(refusal), dropped: Vec::new() };
    };
    let table = kind.map_or(&tables::CILIUM_CIDRGROUP, table);
    let mode = if kind == Some(PolicyKind::NetworkPolicy) { Mode::Typed } else { Mode::Custom };
    let is_named = |key: &Key, names: &[&str]| names.contains(&key.name.as_str());
    let (itself, rest): (Vec<_>, Vec<_>) = entries
        .iter()
        .cloned()
        .partition(|(key, _)| is_named(key, &["apiVersion", "kind", "metadata"]));
    let mut typed = Shape::new(Mode::Typed);
    let mut shape = Shape::new(mode);
    let body = Node { at: document.root.at, value: Value::Map(rest) };
    let body = shape.node(&body, &Type::Object(table), "");
    let metadata = document
        .root
        .get("metadata")
        .filter(|node| !node.is_null())
        .map(|node| typed.node(node, &Type::Object(&tables::METADATA), ".metadata"));
    let mut stored: Vec<(Key, Node)> =
        itself.into_iter().filter(|(key, _)| key.name != "metadata").collect();
    let metadata_key = entries.iter().find(|(key, _)| key.name == "metadata").map(|(key, _)| key);
    if let (Some(key), Some(node)) = (metadata_key, &metadata) {
        stored.push((key.clone(), node.clone()));
    }
    if let Value::Map(body) = body.value {
        // A created object has no status yet.
        stored.extend(body.into_iter().filter(|(key, _)| key.name != "status"));
    }
    let stored = Node { at: document.root.at, value: Value::Map(stored) };
    let undecoded = typed.mismatch.take().or_else(|| shape.mismatch.take());
    let unknown = typed.unknown.iter().chain(&shape.unknown).map(Unknown::refusal).next();
    let twice = document.strict().err().map(|err| Refusal::server(err.at, err.reason));
    let strict = undecoded.clone().or(twice).or(unknown);
    let refusal =
        undecoded.or_else(|| validate(&stored, metadata.as_ref(), kind, table, mode).err());
    // The unknown field may be a misspelling of a missing field.
    let both = match (&strict, refusal) {
        (Some(strict), Some(pruned)) if strict.reason != pruned.reason => {
            let reason = format!("{}; and without it: {}", strict.reason, pruned.reason);
            Some(Refusal { reason, case: strict.case.min(pruned.case), ..strict.clone() })
        }
        (_, refusal) => refusal,
    };
    Served {
        strict: strict.or_else(|| both.clone()),
        stored: both.map_or(Ok(stored), Err),
        dropped: shape.dropped.into_iter().filter(|path| is_of_spec(path)).collect(),
    }
}

fn is_of_spec(path: &str) -> bool {
    [".specs", ".spec"].iter().any(|field| {
        path.strip_prefix(field)
            .is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'.' | b'[')))
    })
}

fn table(kind: PolicyKind) -> &'static Object {
    match kind {
        PolicyKind::NetworkPolicy => &tables::NETWORK_POLICY,
        PolicyKind::ClusterNetworkPolicy => &tables::CLUSTER_NETWORK_POLICY,
        PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
            &tables::CILIUM_NETWORK_POLICY
        }
    }
}

fn validate(
    stored: &Node,
    metadata: Option<&Node>,
    kind: Option<PolicyKind>,
    table: &'static Object,
    mode: Mode,
) -> Result<(), Refusal> {
    let is_namespaced =
        matches!(kind, Some(PolicyKind::NetworkPolicy | PolicyKind::CiliumNetworkPolicy));
    metadata::check(stored, metadata, is_namespaced, mode == Mode::Typed)?;
    match mode {
        Mode::Typed | Mode::Coerced => network_policy::check(stored),
        Mode::Custom => Check::default().root(stored, table),
    }
}

/// The fields of a `ClusterNetworkPolicy` that only the experimental channel defines.
const EXPERIMENTAL: &[&str] = &["destinationNamedPort", "domainNames", "nodes"];

impl Unknown {
    fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    fn refusal(&self) -> Refusal {
        let path = self.path.strip_prefix('.').unwrap_or(&self.path);
        let meant = match self.likely {
            Some(name) => format!("; `{name}` is one"),
            None if EXPERIMENTAL.contains(&self.name()) => {
                "; the experimental channel of ClusterNetworkPolicy has it, the standard one does not"
                    .to_owned()
            }
            None => String::new(),
        };
        let reason = format!("strict decoding error: unknown field \"{path}\"{meant}");
        let case =
            if is_removed(path) { RefusalCase::RemovedField } else { RefusalCase::UnknownField };
        Refusal::server(self.at, reason).of_case(case)
    }
}
