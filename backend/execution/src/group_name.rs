//! Names of groups of flows.

use std::borrow::Cow;

use flow::group::GroupField;
use vocabulary::reserved;

/// Identities of addresses outside of the cluster that policies name (CIDR identities). Source:
/// pkg/identity/numericidentity.go.
const OUTSIDE: std::ops::Range<u32> = 1 << 24..1 << 25;

/// The short name of a group: `pets/a → pets/b, POLICY_DENIED`. An identity beside a pod or a
/// workload names an endpoint that is not a pod: `world → pets/b`. `None`: all flows are one group.
pub(crate) fn group_name(fields: &[GroupField], texts: &[String]) -> Option<String> {
    let mut name = String::new();
    let mut before: Option<(GroupField, &str)> = None;
    let parts: Vec<(GroupField, Cow<'_, str>)> = named_ends(fields, texts);
    for (field, text) in &parts {
        let (field, shown) = (*field, text.as_ref());
        let is_ip = matches!(field, GroupField::SourceIp | GroupField::DestinationIp);
        if is_ip && before.is_some_and(|(_, last)| last == shown) {
            // An endpoint without a name is shown by its address.
            before = Some((field, shown));
            continue;
        }
        match before {
            None => name.push_str(shown),
            Some((last, _)) if is_of(last, "from") && is_of(field, "to") => {
                name.push_str(" → ");
                name.push_str(shown);
            }
            Some((last, namespace)) if is_workload_of(field, last) => {
                if namespace == nothing(last) {
                    name.truncate(name.len().saturating_sub(namespace.len()));
                } else {
                    name.push('/');
                }
                name.push_str(shown);
            }
            Some((GroupField::DestinationIp, ip)) if field == GroupField::DestinationPort => {
                if ip.contains(':') {
                    let at = name.len().saturating_sub(ip.len());
                    name.insert(at, '[');
                    name.push(']');
                }
                name.push(':');
                name.push_str(shown);
            }
            Some(_) => {
                name.push_str(", ");
                name.push_str(shown);
            }
        }
        before = Some((field, shown));
    }
    (!fields.is_empty()).then_some(name)
}

/// The text to show for each field. The identity of an endpoint is left out if its pod or workload
/// has a name, and replaces the name otherwise.
fn named_ends<'t>(fields: &[GroupField], texts: &'t [String]) -> Vec<(GroupField, Cow<'t, str>)> {
    let mut parts: Vec<(GroupField, Cow<'t, str>)> = Vec::with_capacity(fields.len());
    let mut unnamed = false;
    for (&field, text) in fields.iter().zip(texts) {
        match parts.last_mut() {
            Some((owner, shown)) if is_identity_of(field, *owner) => {
                if unnamed && !text.is_empty() {
                    *shown = identity_name(text);
                }
            }
            _ => {
                unnamed = text.is_empty();
                let shown = if unnamed { nothing(field) } else { text };
                parts.push((field, Cow::Borrowed(shown)));
            }
        }
    }
    parts
}

/// Whether `field` is the identity of the pod or workload `owner`.
fn is_identity_of(field: GroupField, owner: GroupField) -> bool {
    matches!(
        (owner, field),
        (GroupField::SourcePod | GroupField::SourceWorkload, GroupField::SourceIdentity)
            | (
                GroupField::DestinationPod | GroupField::DestinationWorkload,
                GroupField::DestinationIdentity
            )
    )
}

/// The name of an identity: `world`, `host`; for a CIDR identity, `world` and its number.
fn identity_name(number: &str) -> Cow<'_, str> {
    let known = number.parse::<u32>().ok();
    match (known.and_then(reserved::name), known) {
        (Some(name), _) => Cow::Borrowed(name),
        (None, Some(identity)) if OUTSIDE.contains(&identity) => format!("world {number}").into(),
        _ => format!("identity {number}").into(),
    }
}

/// Whether `field` is the workload that lies in `namespace`.
fn is_workload_of(field: GroupField, namespace: GroupField) -> bool {
    matches!(
        (namespace, field),
        (GroupField::SourceNamespace, GroupField::SourceWorkload)
            | (GroupField::DestinationNamespace, GroupField::DestinationWorkload)
    )
}

/// Whether a field belongs to the flow's source (`from`) or destination (`to`).
fn is_of(field: GroupField, role: &str) -> bool {
    match field {
        GroupField::Source => role == "from",
        GroupField::Destination => role == "to",
        field => field.key().starts_with(role),
    }
}

/// The text for a field that a flow does not have.
fn nothing(field: GroupField) -> &'static str {
    match field {
        GroupField::SourcePod | GroupField::DestinationPod => "no pod",
        GroupField::SourceWorkload | GroupField::DestinationWorkload => "no workload",
        GroupField::SourceNamespace | GroupField::DestinationNamespace => "no namespace",
        GroupField::DestinationPort => "no port",
        GroupField::DropReason => "no reason",
        GroupField::DnsQuery => "no name",
        GroupField::HttpStatus => "no status",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_in_a_few_words() {
        fn check(fields: &[&str], texts: &[&str], expected: Option<&str>) {
            let fields: Vec<GroupField> =
                fields.iter().map(|key| GroupField::from_key(key).unwrap()).collect();
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(group_name(&fields, &texts).as_deref(), expected, "{fields:?} {texts:?}");
        }
        check(&[], &[], None);
        check(&["verdict"], &["DROPPED"], Some("DROPPED"));
        check(&["verdict"], &[""], Some("none"));
        let pair = ["fromPod", "toPod", "dropReasonDesc"];
        check(
            &pair,
            &["pets/a", "pets/b", "POLICY_DENIED"],
            Some("pets/a → pets/b, POLICY_DENIED"),
        );
        check(&pair, &["", "pets/b", ""], Some("no pod → pets/b, no reason"));
        check(&["toNamespace", "toWorkload"], &["pets", "store-front"], Some("pets/store-front"));
        check(&["toNamespace", "toWorkload"], &["", ""], Some("no workload"));
        check(&["fromWorkload", "toWorkload"], &["web", "web"], Some("web → web"));
        let outside = ["destination", "toIp", "toPort"];
        check(&outside, &["github.com", "1.2.3.4", "443"], Some("github.com, 1.2.3.4:443"));
        check(&outside, &["1.2.3.4", "1.2.3.4", "443"], Some("1.2.3.4:443"));
        check(&outside, &["::1", "::1", "443"], Some("[::1]:443"));
        check(&outside, &["1.2.3.4", "1.2.3.4", ""], Some("1.2.3.4:no port"));
        let fields = ["fromPod", "fromIdentity", "toPod", "toIdentity", "dropReasonDesc"];
        for (texts, expected) in [
            (["", "2", "pets/b", "4711", "CT_FULL"], "world → pets/b, CT_FULL"),
            (["pets/a", "4711", "", "1", ""], "pets/a → host, no reason"),
            (["", "7", "", "16777218", "X"], "kube-apiserver → world 16777218, X"),
            (["", "", "", "4711", "X"], "no pod → identity 4711, X"),
        ] {
            check(&fields, &texts, Some(expected));
        }
        check(&["toWorkload", "toIdentity"], &["", "6"], Some("remote-node"));
        check(&["fromIdentity"], &["2"], Some("2"));
        check(&["toPod", "fromIdentity"], &["pets/a", "2"], Some("pets/a, 2"));
        check(&["fromPod", "dnsQuery"], &["pets/a", "x.io."], Some("pets/a, x.io."));
        check(&["source", "destination"], &["pets/a", "x.io"], Some("pets/a → x.io"));
    }
}
