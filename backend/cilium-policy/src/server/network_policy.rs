//! Kubernetes' checks of a NetworkPolicy beyond its types.

use super::{check::refused, sloppy};
use crate::{
    document::{Refusal, label_error::LabelError},
    source::{Node, Value},
};

type Checked = Result<(), Refusal>;

/// Checks the spec of a decoded NetworkPolicy.
pub(super) fn check(root: &Node) -> Checked {
    let Some(spec) = root.get("spec") else { return Ok(()) };
    if let Some(node) = spec.get("podSelector") {
        selector(node, ".spec.podSelector")?;
    }
    for (list, field) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(spec, list).iter().enumerate() {
            let path = format!(".spec.{list}[{index}]");
            for (index, node) in items(rule, "ports").iter().enumerate() {
                port(node, &format!("{path}.ports[{index}]"))?;
            }
            for (index, node) in items(rule, field).iter().enumerate() {
                peer(node, &format!("{path}.{field}[{index}]"))?;
            }
        }
    }
    let types = items(spec, "policyTypes");
    if types.len() > 2 {
        return Err(refused(
            spec,
            ".spec.policyTypes",
            "may not specify more than two policyTypes",
        ));
    }
    for (index, node) in types.iter().enumerate() {
        let name = node.as_str().unwrap_or_default();
        if !matches!(name, "Ingress" | "Egress") {
            let why =
                format!("Unsupported value: {name:?}: supported values: \"Ingress\", \"Egress\"");
            return Err(refused(node, &format!(".spec.policyTypes[{index}]"), &why));
        }
    }
    Ok(())
}

fn items<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    match node.get(name).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn port(node: &Node, path: &str) -> Checked {
    let fail = |field: &str, why: &str| Err(refused(node, &format!("{path}.{field}"), why));
    if let Some(protocol) = node.get("protocol").and_then(Node::as_str)
        && !matches!(protocol, "TCP" | "UDP" | "SCTP")
    {
        let why = format!(
            "Unsupported value: {protocol:?}: supported values: \"TCP\", \"UDP\", \"SCTP\""
        );
        return fail("protocol", &why);
    }
    let end = node.get("endPort").and_then(|node| node.value.whole_number());
    let is_port = |number: i64| (1..=65535).contains(&number);
    match node.get("port").map(|node| &node.value) {
        None if end.is_some() => {
            fail("endPort", "may not be specified when `port` is not specified")
        }
        None => Ok(()),
        Some(Value::String(_)) if end.is_some() => {
            fail("endPort", "may not be specified when `port` is non-numeric")
        }
        Some(Value::String(name)) => match check_port_name(name) {
            Ok(()) => Ok(()),
            Err(err) => fail("port", &format!("Invalid value: {name:?}: {err}")),
        },
        Some(value) => {
            let number = value.whole_number().unwrap_or_default();
            if !is_port(number) {
                return fail(
                    "port",
                    &format!("Invalid value: {number}: must be between 1 and 65535, inclusive"),
                );
            }
            match end {
                Some(end) if end < number => fail(
                    "endPort",
                    &format!("Invalid value: {end}: must be greater than or equal to `port`"),
                ),
                Some(end) if !is_port(end) => fail(
                    "endPort",
                    &format!("Invalid value: {end}: must be between 1 and 65535, inclusive"),
                ),
                _ => Ok(()),
            }
        }
    }
}

/// The reason why a text is not the name of a port, in the words of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum PortNameError {
    #[error("must be no more than 15 characters")]
    TooLong,
    #[error("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    Character,
    #[error("must contain at least one letter (a-z); a number has no quotes")]
    NoLetter,
    #[error("must not contain consecutive hyphens")]
    DoubleHyphen,
    #[error("must not begin or end with a hyphen")]
    OuterHyphen,
}

/// Checks the name of a port. Errors: Kubernetes refuses the name.
fn check_port_name(name: &str) -> Result<(), PortNameError> {
    if name.len() > 15 {
        return Err(PortNameError::TooLong);
    }
    let is_in_set = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || !name.bytes().all(is_in_set) {
        return Err(PortNameError::Character);
    }
    if !name.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(PortNameError::NoLetter);
    }
    if name.contains("--") {
        return Err(PortNameError::DoubleHyphen);
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(PortNameError::OuterHyphen);
    }
    Ok(())
}

fn peer(node: &Node, path: &str) -> Checked {
    let mut selectors = 0;
    for name in ["podSelector", "namespaceSelector"] {
        if let Some(own) = node.get(name) {
            selectors += 1;
            selector(own, &format!("{path}.{name}"))?;
        }
    }
    match node.get("ipBlock") {
        Some(block) => {
            ip_block(block, &format!("{path}.ipBlock"))?;
            if selectors > 0 {
                return Err(refused(
                    node,
                    path,
                    "Forbidden: may not specify both ipBlock and another peer",
                ));
            }
            Ok(())
        }
        None if selectors == 0 => Err(refused(node, path, "Required value: must specify a peer")),
        None => Ok(()),
    }
}

fn ip_block(node: &Node, path: &str) -> Checked {
    let text = node.get("cidr").and_then(Node::as_str).unwrap_or_default();
    if text.is_empty() {
        return Err(refused(node, &format!("{path}.cidr"), "Required value"));
    }
    let invalid = |path: &str, text: &str| {
        let why = format!(
            "Invalid value: {text:?}: must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        );
        Err(refused(node, path, &why))
    };
    let Some(prefix) = sloppy::prefix(text) else { return invalid(&format!("{path}.cidr"), text) };
    exact(node, text, &format!("{path}.cidr"))?;
    for (index, item) in items(node, "except").iter().enumerate() {
        let path = format!("{path}.except[{index}]");
        let text = item.as_str().unwrap_or_default();
        let Some(except) = sloppy::prefix(text) else { return invalid(&path, text) };
        exact(item, text, &path)?;
        if !prefix.contains(&except) || prefix.bits() >= except.bits() {
            let why = format!("Invalid value: {text:?}: must be a strict subset of `cidr`");
            return Err(refused(item, &path, &why));
        }
    }
    Ok(())
}

/// Checks a prefix as Kubernetes does since 1.36.
fn exact(node: &Node, text: &str, path: &str) -> Checked {
    if sloppy::is_masked(text) {
        return Ok(());
    }
    let why = format!(
        "Invalid value: {text:?}: must have no leading zeros, no bits set beyond the prefix length, and be no IPv4-mapped IPv6 address"
    );
    Err(refused(node, path, &why).noted("since Kubernetes 1.36; older servers store it"))
}

fn selector(node: &Node, path: &str) -> Checked {
    if let Some(Value::Map(labels)) = node.get("matchLabels").map(|node| &node.value) {
        for (key, value) in labels {
            let value = value.as_str().unwrap_or_default();
            let errors =
                LabelError::of_key(&key.name).into_iter().chain(LabelError::of_value(value));
            if let Some(why) = errors.into_iter().next() {
                let path = format!("{path}.matchLabels");
                return Err(refused(node, &path, &format!("Invalid value: {:?}: {why}", key.name)));
            }
        }
    }
    for (index, item) in items(node, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let fail = |field: &str, why: &str| Err(refused(item, &format!("{path}.{field}"), why));
        let values = items(item, "values");
        let operator = item.get("operator").and_then(Node::as_str).unwrap_or_default();
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                return fail(
                    "values",
                    "Required value: must be specified when `operator` is 'In' or 'NotIn'",
                );
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                return fail(
                    "values",
                    "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                let why = format!("Invalid value: {operator:?}: not a valid selector operator");
                return fail("operator", &why);
            }
        }
        let key = item.get("key").and_then(Node::as_str).unwrap_or_default();
        if let Some(why) = LabelError::of_key(key).first() {
            return fail("key", &format!("Invalid value: {key:?}: {why}"));
        }
        for value in values {
            let value = value.as_str().unwrap_or_default();
            if let Some(why) = LabelError::of_value(value).first() {
                return fail("values", &format!("Invalid value: {value:?}: {why}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PortNameError::*, *};

    #[test]
    fn each_error_has_a_port_name() {
        let check = |name: &str, expected: Result<(), PortNameError>| {
            assert_eq!(check_port_name(name), expected, "{name}");
        };
        check("http-2", Ok(()));
        check("abcdefghijklmnop", Err(TooLong));
        check("", Err(Character));
        check("Http", Err(Character));
        check("80", Err(NoLetter));
        check("http--2", Err(DoubleHyphen));
        check("http-", Err(OuterHyphen));
    }
}
