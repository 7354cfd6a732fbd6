//! Label selectors: decoding, Kubernetes' validation, and Cilium's additions.

use std::borrow::Cow;

use vocabulary::split_source;

use super::{
    Refusal,
    label_error::LabelError,
    object::{Object, mismatch},
};
pub(super) use crate::identity_label::{CLUSTER, POD_NAMESPACE};
use crate::{
    Operator, Position, Requirement, Selector, Settings,
    identity_label::NAMESPACE_LABELS,
    source::{Key, Node, Value},
};

/// A decoded selector.
#[derive(Debug, Clone)]
pub(super) struct RawSelector {
    pub(super) at: Position,
    /// Key, operator and values; those of `matchLabels` first.
    pub(super) requirements: Vec<RawRequirement>,
}

#[derive(Debug, Clone)]
pub(super) struct RawRequirement {
    pub(super) at: Position,
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Vec<(Position, String)>,
    /// The index in `matchExpressions`; `None` for `matchLabels`.
    index: Option<usize>,
}

/// The decoding of a selector's JSON, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoding {
    /// Cilium's decoding: null is an empty selector, unknown fields are ignored, values are not
    /// converted to text.
    Own,
    /// Kubernetes' decoding: as strict as the surrounding document.
    Strict,
    /// Kubernetes' decoding, without conversion to text.
    Plain,
}

/// The selector in a field's node.
pub(super) fn decode(node: &Node, path: &str, decoding: Decoding) -> Result<RawSelector, Refusal> {
    let known: &[&str] = &["matchLabels", "matchExpressions"];
    let object = match (&node.value, decoding) {
        (Value::Map(entries), Decoding::Own) => {
            let ours = entries
                .iter()
                .filter(|(key, _)| known.contains(&key.name.as_str()))
                .map(|(key, node)| (key.clone(), known_of_requirements(node)))
                .collect();
            return decode_object(
                &Node { at: node.at, value: Value::Map(ours) },
                String::new(),
                decoding,
            );
        }
        _ => Object::new(node, "LabelSelector", path.to_owned(), known)?,
    };
    match object {
        None => Ok(RawSelector { at: node.at, requirements: Vec::new() }),
        Some(_) => decode_object(node, path.to_owned(), decoding),
    }
}

const REQUIREMENT: &[&str] = &["key", "operator", "values"];

/// The requirements of a list, without their unknown fields.
fn known_of_requirements(node: &Node) -> Node {
    let Value::List(items) = &node.value else { return node.clone() };
    let items = items.iter().map(|item| match &item.value {
        Value::Map(entries) => {
            let is_known = |(key, _): &&(Key, Node)| REQUIREMENT.contains(&key.name.as_str());
            let entries = entries.iter().filter(is_known).cloned().collect();
            Node { at: item.at, value: Value::Map(entries) }
        }
        _ => item.clone(),
    });
    Node { at: node.at, value: Value::List(items.collect()) }
}

fn decode_object(node: &Node, path: String, decoding: Decoding) -> Result<RawSelector, Refusal> {
    let known: &[&str] = &["matchLabels", "matchExpressions"];
    let Some(object) = Object::new(node, "LabelSelector", path, known)? else {
        return Ok(RawSelector { at: node.at, requirements: Vec::new() });
    };
    let mut requirements = Vec::new();
    if let Some(labels) = object.get("matchLabels") {
        let Value::Map(entries) = &labels.value else {
            return Err(mismatch(
                labels,
                Some("LabelSelector"),
                &object.path("matchLabels"),
                "map[string]string",
            ));
        };
        for (key, value) in entries {
            let text = match &value.value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                Value::Bool(value) if decoding == Decoding::Strict => value.to_string(),
                Value::Integer(value) if decoding == Decoding::Strict => value.to_string(),
                Value::Unsigned(value) if decoding == Decoding::Strict => value.to_string(),
                Value::Float(value) if decoding == Decoding::Strict => value.clone(),
                _ => {
                    let refusal = mismatch(
                        value,
                        Some("LabelSelector"),
                        &object.path("matchLabels"),
                        "string",
                    );
                    return Err(unquoted(refusal, value));
                }
            };
            requirements.push(RawRequirement {
                at: key.at,
                key: key.name.clone(),
                operator: "In".to_owned(),
                values: vec![(value.at, text)],
                index: None,
            });
        }
    }
    let expressions = object
        .objects("matchExpressions", "LabelSelectorRequirement", REQUIREMENT)?
        .unwrap_or_default();
    for (index, expression) in expressions.iter().enumerate() {
        for name in ["key", "operator"] {
            if decoding != Decoding::Strict
                && let Some(value) = expression.get(name)
                && value.as_str().is_none()
            {
                let path = expression.path(name);
                return Err(mismatch(value, Some("LabelSelectorRequirement"), &path, "string"));
            }
        }
        if decoding != Decoding::Strict
            && let Some(Value::List(values)) = expression.get("values").map(|node| &node.value)
            && let Some(value) =
                values.iter().find(|v| !matches!(v.value, Value::String(_) | Value::Null))
        {
            let refusal = mismatch(
                value,
                Some("LabelSelectorRequirement"),
                &expression.path("values"),
                "string",
            );
            return Err(unquoted(refusal, value));
        }
        requirements.push(RawRequirement {
            at: expression.at,
            key: expression.string_or_empty("key")?.into_owned(),
            operator: expression.string_or_empty("operator")?.into_owned(),
            values: expression
                .strings("values", "[]string")?
                .unwrap_or_default()
                .into_iter()
                .map(|(at, value)| (at, value.into_owned()))
                .collect(),
            index: Some(index),
        });
    }
    Ok(RawSelector { at: node.at, requirements })
}

fn unquoted(refusal: Refusal, value: &Node) -> Refusal {
    match value.value {
        Value::Bool(_) => refusal.noted(
            "unquoted yes, no, on, off, y and n are booleans in Kubernetes' YAML: put the value in quotes",
        ),
        _ => refusal.noted("put the value in quotes"),
    }
}

impl RawSelector {
    /// The validation of label selectors by Kubernetes and Cilium.
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let mut errors: Vec<(Position, String)> = Vec::new();
        for requirement in &self.requirements {
            requirement.validate(&mut errors);
        }
        let Some(at) = errors.first().map(|(at, _)| *at) else { return Ok(()) };
        let mut texts: Vec<String> = Vec::new();
        for (_, text) in errors {
            // Kubernetes' aggregate error names each message once.
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let text = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        Err(Refusal::invalid(at, format!("invalid label selector: {text}")))
    }

    /// Removes a key of `matchLabels`.
    pub(super) fn remove_match_label(&mut self, key: &str) {
        self.requirements.retain(|raw| raw.index.is_some() || raw.key != key);
    }

    /// The requirements, with this prefix on keys without a source. Unknown operators require
    /// nothing, as in Cilium.
    pub(super) fn requirements(&self, prefix: &str, joined: &str) -> Vec<Requirement> {
        self.requirements
            .iter()
            .filter_map(|raw| {
                let values = || raw.values.iter().map(|(_, value)| value.clone()).collect();
                let operator = match raw.operator.as_str() {
                    "In" => Operator::In(values()),
                    "NotIn" => Operator::NotIn(values()),
                    "Exists" => Operator::Exists,
                    "DoesNotExist" => Operator::DoesNotExist,
                    _ => return None,
                };
                let key = format!("{joined}{}", raw.key);
                let (source, rest) = split_source(&key);
                let key = match source {
                    Some(source) => format!("{source}:{rest}"),
                    None => format!("{prefix}{rest}"),
                };
                Some(Requirement::new(&key, operator))
            })
            .collect()
    }
}

impl RawSelector {
    /// The selector as the agent writes it, with the same prefixes as [`RawSelector::requirements`].
    pub(super) fn spelled(&self, prefix: &str, joined: &str) -> Spelled {
        let mut spelled = Spelled::default();
        for raw in &self.requirements {
            let key = format!("{joined}{}", raw.key);
            let key = match split_source(&key) {
                (Some(source), rest) => format!("{source}:{rest}"),
                (None, rest) => format!("{prefix}{rest}"),
            };
            let mut values = raw.values.iter().map(|(_, value)| value.as_str());
            match raw.index {
                None => spelled.label(key, values.next().unwrap_or_default()),
                Some(_) => {
                    spelled.expression(&key, &raw.operator, &values.collect::<Vec<_>>());
                }
            }
        }
        spelled
    }
}

impl RawRequirement {
    fn validate(&self, errors: &mut Vec<(Position, String)>) {
        let Some(index) = self.index else {
            for err in LabelError::of_cilium_key(&self.key) {
                errors
                    .push((self.at, format!("matchLabels: Invalid value: {:?}: {err}", self.key)));
            }
            for (at, value) in &self.values {
                for err in LabelError::of_value(value) {
                    errors.push((*at, format!("matchLabels: Invalid value: {value:?}: {err}")));
                }
            }
            return;
        };
        let path = format!("matchExpressions[{index}]");
        match self.operator.as_str() {
            "In" | "NotIn" => {
                if self.values.is_empty() {
                    errors.push((
                        self.at,
                        format!(
                            "{path}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
                        ),
                    ));
                }
            }
            "Exists" | "DoesNotExist" => {
                if !self.values.is_empty() {
                    errors.push((
                        self.at,
                        format!(
                            "{path}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                        ),
                    ));
                }
            }
            operator => errors.push((
                self.at,
                format!(
                    "{path}.operator: Invalid value: {operator:?}: not a valid selector operator"
                ),
            )),
        }
        for err in LabelError::of_cilium_key(&self.key) {
            errors.push((self.at, format!("{path}.key: Invalid value: {:?}: {err}", self.key)));
        }
        for (number, (at, value)) in self.values.iter().enumerate() {
            for err in LabelError::of_value(value) {
                errors.push((
                    *at,
                    format!("{path}.values[{number}]: Invalid value: {value:?}: {err}"),
                ));
            }
        }
    }
}

/// A requirement on a `k8s:` label.
pub(super) fn k8s(key: &str, operator: Operator) -> Requirement {
    Requirement { source: Some("k8s".to_owned()), key: key.to_owned(), operator }
}

fn is_k8s_or_any(requirement: &Requirement) -> bool {
    requirement.source.as_deref().is_none_or(|source| source == "k8s")
}

/// Adds the local cluster, unless the selector names a cluster.
fn add_cluster(requirements: &mut Vec<Requirement>, spelled: &mut Spelled, settings: &Settings) {
    if let Some(cluster) = settings.selected_cluster()
        && !requirements.iter().any(|r| is_k8s_or_any(r) && r.key == CLUSTER)
    {
        requirements.push(k8s(CLUSTER, Operator::In(vec![cluster.to_owned()])));
        spelled.label(format!("k8s:{CLUSTER}"), cluster);
    }
}

/// A peer selector of a Cilium policy, with its text. It gets the namespace and the cluster where
/// it names none.
pub(super) fn cilium_peer(
    raw: &RawSelector,
    namespace: &str,
    subject_is_init: bool,
    settings: &Settings,
) -> (Selector, String) {
    let mut requirements = raw.requirements("", "");
    let mut spelled = raw.spelled("any:", "");
    if requirements.iter().any(|r| r.source.as_deref() == Some("reserved")) {
        return (Selector::new(requirements), spelled.into_text());
    }
    if !requirements.iter().any(|r| is_k8s_or_any(r) && r.key == POD_NAMESPACE) {
        if namespace.is_empty() {
            if !subject_is_init {
                requirements.push(k8s(POD_NAMESPACE, Operator::Exists));
                spelled.expression(&format!("k8s:{POD_NAMESPACE}"), "Exists", &[]);
            }
        } else if !requirements
            .iter()
            .any(|r| is_k8s_or_any(r) && r.key.starts_with(NAMESPACE_LABELS))
        {
            requirements.push(k8s(POD_NAMESPACE, Operator::In(vec![namespace.to_owned()])));
            spelled.label(format!("k8s:{POD_NAMESPACE}"), namespace);
        }
    }
    add_cluster(&mut requirements, &mut spelled, settings);
    (Selector::new(requirements), spelled.into_text())
}

/// A node selector of `fromNodes` or `toNodes`, with its text.
pub(super) fn node_peer(raw: &RawSelector, settings: &Settings) -> (Selector, String) {
    let mut requirements = raw.requirements("", "");
    let mut spelled = raw.spelled("any:", "");
    requirements.push(Requirement::new("reserved:remote-node", Operator::Exists));
    spelled.expression("reserved:remote-node", "Exists", &[]);
    add_cluster(&mut requirements, &mut spelled, settings);
    (Selector::new(requirements), spelled.into_text())
}

/// The text of a Kubernetes namespace selector.
pub(super) fn spelled_namespaces(raw: &RawSelector) -> Spelled {
    let mut spelled = raw.spelled("k8s:", NAMESPACE_LABELS);
    if raw.requirements.is_empty() {
        spelled.expression(&format!("k8s:{POD_NAMESPACE}"), "Exists", &[]);
    }
    spelled
}

/// The text of a CIDR selector. Source: pkg/policy/api/cidr.go.
pub(super) fn cidr_text(cidr: &str, except: &[(Position, Cow<'_, str>)]) -> String {
    excepting(format!("cidr:{cidr}"), except)
}

/// A text with its excluded CIDRs.
pub(super) fn excepting(mut text: String, except: &[(Position, Cow<'_, str>)]) -> String {
    for (index, (_, cidr)) in except.iter().enumerate() {
        text.push_str(if index == 0 { "-[" } else { "," });
        text.push_str(cidr);
    }
    if !except.is_empty() {
        text.push(']');
    }
    text
}

/// The text of a selector of DNS names. Source: pkg/policy/api/fqdn.go.
pub(super) fn name_text(name: &str, pattern: &str) -> String {
    format!("MatchName: {name}, MatchPattern: {pattern}")
}

/// A selector as the agent writes it: labels sorted, one value for each key, expressions in their
/// order. Source: pkg/policy/api/selector.go.
#[derive(Debug, Clone, Default)]
pub(super) struct Spelled {
    labels: Vec<(String, String)>,
    expressions: String,
}

impl Spelled {
    /// Requires a value for a key, and replaces an earlier value.
    pub(super) fn label(&mut self, key: String, value: &str) {
        self.labels.retain(|(own, _)| *own != key);
        self.labels.push((key, value.to_owned()));
    }

    /// Adds an expression.
    pub(super) fn expression(&mut self, key: &str, operator: &str, values: &[&str]) {
        for part in [";", key, " ", operator, " "] {
            self.expressions.push_str(part);
        }
        self.expressions.push_str(&values.join(" "));
    }

    /// Both selectors together.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (key, value) in other.labels {
            self.label(key, &value);
        }
        self.expressions.push_str(&other.expressions);
        self
    }

    /// The text; empty for the selector of every endpoint.
    pub(super) fn into_text(mut self) -> String {
        crate::sorted::sort(&mut self.labels);
        let mut text = String::new();
        for (key, value) in &self.labels {
            for part in [if text.is_empty() { "" } else { "," }, key, "=", value] {
                text.push_str(part);
            }
        }
        text + &self.expressions
    }
}

/// The requirements of a Kubernetes namespace selector, with Cilium's keys.
pub(super) fn namespace_requirements(raw: &RawSelector) -> Vec<Requirement> {
    let requirements = raw.requirements("k8s:", NAMESPACE_LABELS);
    if requirements.is_empty() {
        return vec![k8s(POD_NAMESPACE, Operator::Exists)];
    }
    requirements
}

/// Whether a requirement of a pod selector is about the cluster.
pub(super) fn is_cluster(requirement: &Requirement) -> bool {
    requirement.source.as_deref() == Some("k8s") && requirement.key == CLUSTER
}

/// Whether a pod selector itself names a cluster.
pub(super) fn names_cluster(raw: &RawSelector) -> bool {
    raw.requirements.iter().any(|requirement| {
        requirement.key == CLUSTER
            && (requirement.index.is_some()
                || requirement.values.iter().any(|(_, value)| !value.is_empty()))
    })
}
