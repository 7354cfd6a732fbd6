//! Object metadata, checked as by a server before it stores the object.

use super::check::refused;
use crate::{
    document::{
        Refusal,
        label_error::{LabelError, is_subdomain},
    },
    source::{Node, Value},
};

/// The limit for all annotations, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;
const MAX_NAME: usize = 253;
const MAX_NAMESPACE: usize = 63;

/// Checks decoded metadata. Built-in kinds require a prefix on finalizers.
pub(super) fn check(
    root: &Node,
    metadata: Option<&Node>,
    is_namespaced: bool,
    is_built_in: bool,
) -> Result<(), Refusal> {
    let node = metadata.unwrap_or(root);
    let text = |name: &str| metadata.and_then(|m| m.get(name)).and_then(Node::as_str);
    let fail = |path: &str, why: &str| Err(refused(node, &format!(".metadata.{path}"), why));
    let name = text("name").unwrap_or_default();
    let generated = text("generateName").unwrap_or_default();
    if name.is_empty() && generated.is_empty() {
        return fail("name", "Required value: name or generateName is required");
    }
    if !name.is_empty() && (!is_subdomain(name) || name.len() > MAX_NAME) {
        return fail(
            "name",
            &format!("Invalid value: {name:?}: must be a lowercase RFC 1123 subdomain"),
        );
    }
    // The server appends five letters, so the text may end in a dash.
    let stem = format!("{generated}x");
    if !generated.is_empty() && (!is_subdomain(&stem) || generated.len() > MAX_NAME) {
        return fail("generateName", &format!("Invalid value: {generated:?}"));
    }
    if let Some(namespace) = text("namespace").filter(|text| !text.is_empty() && is_namespaced)
        && (!is_subdomain(namespace) || namespace.contains('.') || namespace.len() > MAX_NAMESPACE)
    {
        return fail(
            "namespace",
            &format!("Invalid value: {namespace:?}: must be a lowercase RFC 1123 label"),
        );
    }
    let map = |name: &str| match metadata.and_then(|m| m.get(name)).map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    for (key, value) in map("labels") {
        let value = value.as_str().unwrap_or_default();
        let errors = LabelError::of_key(&key.name).into_iter().chain(LabelError::of_value(value));
        if let Some(why) = errors.into_iter().next() {
            return fail("labels", &format!("Invalid value: {:?}: {why}", key.name));
        }
    }
    let mut bytes = 0_usize;
    for (key, value) in map("annotations") {
        let size = value.as_str().unwrap_or_default().len().saturating_add(key.name.len());
        bytes = bytes.saturating_add(size);
        if let Some(why) = LabelError::of_key(&lowered(&key.name)).first() {
            return fail("annotations", &format!("Invalid value: {:?}: {why}", key.name));
        }
    }
    if bytes > MAX_ANNOTATIONS {
        return fail(
            "annotations",
            &format!("Too long: may not be more than {MAX_ANNOTATIONS} bytes"),
        );
    }
    let list = |name: &str| match metadata.and_then(|m| m.get(name)).map(|node| &node.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    for item in list("finalizers") {
        let name = item.as_str().unwrap_or_default();
        let is_standard = matches!(name, "kubernetes" | "orphan" | "foregroundDeletion");
        if !LabelError::of_key(name).is_empty()
            || (is_built_in && !is_standard && !name.contains('/'))
        {
            return fail("finalizers", &format!("Invalid value: {name:?}"));
        }
    }
    let mut controllers = 0;
    for item in list("ownerReferences") {
        let text = |name: &str| item.get(name).and_then(Node::as_str).unwrap_or_default();
        for name in ["apiVersion", "kind", "name", "uid"] {
            if text(name).is_empty() {
                return fail(
                    &format!("ownerReferences.{name}"),
                    "Invalid value: \"\": must not be empty",
                );
            }
        }
        if text("apiVersion") == "v1" && text("kind") == "Event" {
            return fail("ownerReferences", "/v1, Kind=Event is disallowed from being an owner");
        }
        controllers +=
            usize::from(item.get("controller").is_some_and(|node| node.value == Value::Bool(true)));
    }
    if controllers > 1 {
        return fail("ownerReferences", "Only one reference can have Controller set to true");
    }
    Ok(())
}

/// A key in lower case, as by Go's `strings.ToLower`, as far as the result can be a key: two
/// letters beyond ASCII become ASCII letters. `str::to_lowercase` turns the second one into `i` and
/// a dot, and its tables take 4 KB in the browser.
fn lowered(key: &str) -> String {
    let lower = |letter: char| match letter {
        '\u{212a}' => 'k',
        '\u{130}' => 'i',
        letter => letter.to_ascii_lowercase(),
    };
    key.chars().map(lower).collect()
}
