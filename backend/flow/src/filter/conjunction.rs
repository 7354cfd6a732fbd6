//! Conjunction of two filters: a filter that matches what both match.
//!
//! A relay joins the filters of a list by "or", and likewise the values of a field. An "and" has to
//! be worked out field by field, and some pairs of values have none.

use std::collections::HashSet;
use std::hash::Hash;

use vocabulary::Prefix;

use super::EventTypeFilter;
use super::compile::parse_protocol;
use super::compiled::Protocol;
use crate::{TcpFlags, Workload};

/// Maximum number of values of one field in a conjunction. Two lists may have as many as their
/// product.
const MAX_VALUES: usize = 2_000;
/// Longest label selector, in bytes. Each conjunction adds to it.
const MAX_SELECTOR_BYTES: usize = 8 << 10;

/// Reasons why two lists of a field have no conjunction. `field` is its name in flow.proto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoConjunction {
    /// The conjunction cannot be written as one list of values.
    #[error("two different lists of `{field}` cannot be combined into one")]
    Unknown {
        /// Field name.
        field: &'static str,
    },
    /// The combined list is too long to send.
    #[error(
        "two lists of `{field}` combined are too large: at most {MAX_VALUES} values of {MAX_SELECTOR_BYTES} bytes each"
    )]
    TooLarge {
        /// Field name.
        field: &'static str,
    },
}

/// Conjunction of two lists of values.
pub(super) enum Both<T> {
    Values(Vec<T>),
    /// The lists exclude each other.
    Nothing,
}

/// Conjunction of two values.
pub(super) enum Intersection<T> {
    Value(T),
    Nothing,
    Unknown,
    TooLarge,
}

pub(super) fn intersect<T: Clone + Eq + Hash>(
    field: &'static str,
    one: &[T],
    other: &[T],
    values: impl Fn(&T, &T) -> Intersection<T>,
) -> Result<Both<T>, NoConjunction> {
    if one.is_empty() || other.is_empty() {
        return Ok(Both::Values([one, other].concat()));
    }
    // A list is the conjunction with any of its supersets, whatever its values mean.
    for (fewer, more) in [(one, other), (other, one)] {
        let more: HashSet<&T> = more.iter().collect();
        if fewer.iter().all(|value| more.contains(value)) {
            return Ok(Both::Values(fewer.to_vec()));
        }
    }
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for (first, second) in one.iter().flat_map(|first| other.iter().map(move |it| (first, it))) {
        match values(first, second) {
            Intersection::Value(value) => {
                if known.insert(value.clone()) {
                    found.push(value);
                }
                if found.len() > MAX_VALUES {
                    return Err(NoConjunction::TooLarge { field });
                }
            }
            Intersection::Nothing => {}
            Intersection::Unknown => return Err(NoConjunction::Unknown { field }),
            Intersection::TooLarge => return Err(NoConjunction::TooLarge { field }),
        }
    }
    Ok(if found.is_empty() { Both::Nothing } else { Both::Values(found) })
}

/// Conjunction of values of which a flow has exactly one.
pub(super) fn same<T: Clone + PartialEq>(one: &T, other: &T) -> Intersection<T> {
    if one == other { Intersection::Value(one.clone()) } else { Intersection::Nothing }
}

/// Conjunction of patterns, or of values of which a flow may have several.
pub(super) fn unknown<T: Clone + PartialEq>(one: &T, other: &T) -> Intersection<T> {
    if one == other { Intersection::Value(one.clone()) } else { Intersection::Unknown }
}

/// Conjunction of names. A star makes a name a pattern, and a slash separates cluster and node.
pub(super) fn patterns(one: &String, other: &String) -> Intersection<String> {
    let is_pattern = |name: &str| name.contains('*') || name.contains('/');
    if one != other && (is_pattern(one) || is_pattern(other)) {
        return Intersection::Unknown;
    }
    same(one, other)
}

/// Conjunction of two `namespace/prefix`.
#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
pub(super) fn prefixes(one: &String, other: &String) -> Intersection<String> {
    let (own, prefix) = one.split_once('/').unwrap_or(("default", one));
    let (others, longer) = other.split_once('/').unwrap_or(("default", other));
    let namespace = match (own, others) {
        ("", namespace) | (namespace, "") => namespace,
        (namespace, same) if namespace == same => namespace,
        _ => return Intersection::Nothing,
    };
    let (prefix, longer) =
        if longer.len() < prefix.len() { (longer, prefix) } else { (prefix, longer) };
    if longer.starts_with(prefix) {
        Intersection::Value(format!("{namespace}/{longer}"))
    } else {
        Intersection::Nothing
    }
}

/// Conjunction of label selectors, whose requirements are joined by "and".
pub(super) fn selectors(one: &String, other: &String) -> Intersection<String> {
    if one == other {
        Intersection::Value(one.clone())
    } else if one.len().saturating_add(other.len()) < MAX_SELECTOR_BYTES {
        Intersection::Value(format!("{one},{other}"))
    } else {
        Intersection::TooLarge
    }
}

pub(super) fn workloads(one: &Workload, other: &Workload) -> Intersection<Workload> {
    // A flow may have several workloads, so two names do not contradict each other.
    let part = |one: &str, other: &str| match (one, other) {
        ("", part) | (part, "") => Some(part.to_owned()),
        (part, same) => (part == same).then(|| part.to_owned()),
    };
    match (part(&one.name, &other.name), part(&one.kind, &other.kind)) {
        (Some(name), Some(kind)) => Intersection::Value(Workload { name, kind }),
        _ => Intersection::Unknown,
    }
}

pub(super) fn addresses(one: &String, other: &String) -> Intersection<String> {
    match (Prefix::parse(one).ok(), Prefix::parse(other).ok()) {
        (None, None) => same(one, other),
        (Some(range), None) => within(range, other),
        (None, Some(range)) => within(range, one),
        (Some(wide), Some(narrow)) => {
            let (wide, narrow, text) = if wide.bits() <= narrow.bits() {
                (wide, narrow, other)
            } else {
                (narrow, wide, one)
            };
            if wide.contains(&narrow) {
                Intersection::Value(text.clone())
            } else {
                Intersection::Nothing
            }
        }
    }
}

fn within(range: Prefix, address: &str) -> Intersection<String> {
    match address.parse() {
        Ok(parsed) if range.contains_address(parsed) => Intersection::Value(address.to_owned()),
        Ok(_) => Intersection::Nothing,
        Err(_) => Intersection::Unknown,
    }
}

pub(super) fn events(
    one: &EventTypeFilter,
    other: &EventTypeFilter,
) -> Intersection<EventTypeFilter> {
    if one.message_type != other.message_type {
        let either = [one, other];
        let any = either.iter().any(|event| event.message_type == crate::MessageType::Unspec);
        return if any { Intersection::Unknown } else { Intersection::Nothing };
    }
    match (one.match_sub_type, other.match_sub_type) {
        (false, _) => Intersection::Value(*other),
        (true, false) => Intersection::Value(*one),
        (true, true) => same(one, other),
    }
}

/// Conjunction of status codes, or prefixes that end with a plus.
pub(super) fn statuses(one: &String, other: &String) -> Intersection<String> {
    let starts = |status: &str, prefix: &str| {
        prefix.strip_suffix('+').is_some_and(|prefix| status.starts_with(prefix))
    };
    if starts(other, one) {
        Intersection::Value(other.clone())
    } else if starts(one, other) {
        Intersection::Value(one.clone())
    } else {
        same(one, other)
    }
}

/// Conjunction of sets of flags, of which a flow has all.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is called as for values of any type")]
pub(super) fn all_flags(one: &TcpFlags, other: &TcpFlags) -> Intersection<TcpFlags> {
    Intersection::Value(*one | *other)
}

/// Conjunction of protocols. A flow has at most one protocol of each layer, so two of one layer
/// exclude each other.
pub(super) fn protocols(one: &String, other: &String) -> Intersection<String> {
    let (Ok(first), Ok(second)) = (parse_protocol(one), parse_protocol(other)) else {
        return unknown(one, other);
    };
    match (first, second) {
        (first, second) if first == second => Intersection::Value(one.clone()),
        (Protocol::Icmpv4 | Protocol::Icmpv6, Protocol::Icmp) => Intersection::Value(one.clone()),
        (Protocol::Icmp, Protocol::Icmpv4 | Protocol::Icmpv6) => Intersection::Value(other.clone()),
        _ if first.is_of_requests() == second.is_of_requests() => Intersection::Nothing,
        _ => Intersection::Unknown,
    }
}

#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
pub(super) fn methods(one: &String, other: &String) -> Intersection<String> {
    if one.eq_ignore_ascii_case(other) {
        Intersection::Value(one.clone())
    } else {
        Intersection::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::super::FlowFilter;
    use super::*;
    use crate::Verdict;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    /// Checks the values that both lists have in common; `None` expects a contradiction.
    #[track_caller]
    fn check(
        field: fn(&mut FlowFilter) -> &mut Vec<String>,
        one: &[&str],
        other: &[&str],
        expected: Result<Option<&[&str]>, &str>,
    ) {
        let filter = |values: &[&str]| {
            let mut filter = FlowFilter::default();
            *field(&mut filter) = texts(values);
            filter
        };
        let expected = expected.map(|both| both.map(filter));
        for (one, other) in [(one, other), (other, one)] {
            let both = filter(one).and(&filter(other)).map_err(|error| error.to_string());
            let expected = expected.clone().map_err(|name| {
                format!("two different lists of `{name}` cannot be combined into one")
            });
            assert_eq!(both, expected, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn lists_of_values_are_intersected() {
        check(|it| &mut it.source_pod, &["pets/"], &["pets/store"], Ok(Some(&["pets/store"])));
        check(|it| &mut it.source_pod, &["/store"], &["pets/"], Ok(Some(&["pets/store"])));
        check(|it| &mut it.source_pod, &["store"], &["pets/"], Ok(None));
        check(|it| &mut it.source_pod, &["pets/a", "dns/b"], &["dns/"], Ok(Some(&["dns/b"])));
        check(|it| &mut it.source_ip, &["10.0.0.0/8"], &["10.1.2.3"], Ok(Some(&["10.1.2.3"])));
        check(
            |it| &mut it.source_ip,
            &["10.0.0.0/8"],
            &["10.1.0.0/16"],
            Ok(Some(&["10.1.0.0/16"])),
        );
        check(|it| &mut it.source_ip, &["10.0.0.0/8"], &["192.168.0.1"], Ok(None));
        check(|it| &mut it.destination_port, &["53", "80"], &["80", "443"], Ok(Some(&["80"])));
        check(|it| &mut it.http_status_code, &["5+"], &["503"], Ok(Some(&["503"])));
        check(|it| &mut it.http_status_code, &["5+"], &["404"], Ok(None));
        check(|it| &mut it.node_name, &["a", "b"], &["b", "c"], Ok(Some(&["b"])));
        check(|it| &mut it.node_name, &["a*"], &["ab"], Err("node_name"));
        check(|it| &mut it.source_fqdn, &["*.a", "b"], &["b"], Ok(Some(&["b"])));
        check(|it| &mut it.protocol, &["tcp"], &["http"], Err("protocol"));
        check(|it| &mut it.protocol, &["dns"], &["http"], Ok(None));
        check(|it| &mut it.protocol, &["tcp", "sctp"], &["udp"], Ok(None));
        check(|it| &mut it.protocol, &["icmp"], &["icmpv6"], Ok(Some(&["icmpv6"])));
        check(|it| &mut it.http_method, &["GET"], &["POST"], Ok(None));
    }

    #[test]
    fn lists_that_multiply() {
        let labels = |prefix: &str| FlowFilter {
            node_labels: (0..500).map(|number| format!("{prefix}{number}")).collect(),
            ..FlowFilter::default()
        };
        let too_large = NoConjunction::TooLarge { field: "node_labels" };
        assert_eq!(labels("a").and(&labels("b")), Err(too_large));
        let long =
            |letter: &str| FlowFilter { node_labels: vec![letter.repeat(5_000)], ..labels("") };
        assert_eq!(long("a").and(&long("b")), Err(too_large));
        assert_eq!(long("a").and(&long("a")), Ok(Some(long("a"))));
        // Lists of ports do not multiply: a flow has only one port.
        let ports = |from: u32| FlowFilter {
            source_port: (from..from + 500).map(|port| port.to_string()).collect(),
            ..FlowFilter::default()
        };
        assert_eq!(ports(0).and(&ports(499)).unwrap().unwrap().source_port, ["499"]);
    }

    #[test]
    fn labels_are_joined_and_other_fields_kept() {
        let web = FlowFilter { source_label: texts(&["app=web"]), ..FlowFilter::default() };
        let dropped = FlowFilter {
            source_label: texts(&["tier=1", "tier=2"]),
            verdict: vec![Verdict::Dropped],
            ..FlowFilter::default()
        };
        let both = web.and(&dropped).unwrap().unwrap();
        assert_eq!(both.source_label, texts(&["app=web,tier=1", "app=web,tier=2"]));
        assert_eq!(both.verdict, [Verdict::Dropped]);
        let forwarded = FlowFilter { verdict: vec![Verdict::Forwarded], ..FlowFilter::default() };
        assert_eq!(both.and(&forwarded), Ok(None));
    }
}
