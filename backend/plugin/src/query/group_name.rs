//! What a group of flows is called.

use flow::group::GroupField;

/// A group in a few words: `pets/a → pets/b, POLICY_DENIED`. `None`: all flows are one group.
pub(super) fn group_name(fields: &[GroupField], texts: &[String]) -> Option<String> {
    let mut name = String::new();
    let mut before: Option<(GroupField, &str)> = None;
    for (&field, text) in fields.iter().zip(texts) {
        let shown = if text.is_empty() { nothing(field) } else { text };
        let is_ip = matches!(field, GroupField::SourceIp | GroupField::DestinationIp);
        if is_ip && before.is_some_and(|(_, last)| last == shown) {
            // An end without a name is called by its address.
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

/// Whether `field` is the workload that lies in `namespace`.
fn is_workload_of(field: GroupField, namespace: GroupField) -> bool {
    matches!(
        (namespace, field),
        (GroupField::SourceNamespace, GroupField::SourceWorkload)
            | (GroupField::DestinationNamespace, GroupField::DestinationWorkload)
    )
}

/// Whether a field is of the flow's source (`from`) or destination (`to`).
fn is_of(field: GroupField, end: &str) -> bool {
    match field {
        GroupField::Source => end == "from",
        GroupField::Destination => end == "to",
        field => field.key().starts_with(end),
    }
}

/// The word for a flow that says nothing of a field.
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
        check(&["fromPod", "dnsQuery"], &["pets/a", "x.io."], Some("pets/a, x.io."));
        check(&["source", "destination"], &["pets/a", "x.io"], Some("pets/a → x.io"));
    }
}
