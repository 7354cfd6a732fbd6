//! Two filters as one that matches what both match.
//!
//! A relay takes alternatives only: filters of a list are joined by "or", and so are the values of
//! a field. "And" has to be worked out field by field, and not every pair of values has one.

use std::collections::HashSet;
use std::hash::Hash;

use vocabulary::Prefix;

use super::compile::parse_protocol;
use super::compiled::Protocol;
use super::{EventTypeFilter, FlowFilter};
use crate::Workload;

/// Values of one field that a conjunction may have: a pair of lists may mean as many as their product.
const MAX_VALUES: usize = 2_000;
/// Longest label selector: each conjunction makes it longer.
const MAX_SELECTOR_BYTES: usize = 8 << 10;

/// Why two lists of a field have no conjunction; `field` is its name in flow.proto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoConjunction {
    /// "Both" cannot be written as one list of values.
    #[error("no list of `{field}` says what two different lists of it say together")]
    Unknown {
        /// The field.
        field: &'static str,
    },
    /// The list of both is too long to send.
    #[error(
        "two lists of `{field}` are too large together: at most {MAX_VALUES} values, each of {MAX_SELECTOR_BYTES} bytes"
    )]
    TooLarge {
        /// The field.
        field: &'static str,
    },
}

/// The values that a flow has if it has one of either list.
enum Both<T> {
    Values(Vec<T>),
    /// No flow has both.
    Nothing,
}

impl FlowFilter {
    /// The filter that matches what `self` and `other` match; `None` if nothing can.
    ///
    /// Errors: both set a field whose values are patterns, and not to the same ones, or to so many
    /// values that what they say together is too large.
    pub fn and(&self, other: &Self) -> Result<Option<Self>, NoConjunction> {
        let mut both = Self::default();
        macro_rules! meet {
            ($($field:ident: $meet:expr,)*) => {
                $(match meet(stringify!($field), &self.$field, &other.$field, $meet)? {
                    Both::Values(values) => both.$field = values,
                    Both::Nothing => return Ok(None),
                })*
                // Exhaustive: a new field must be met, too.
                let Self { $($field: _),* } = self;
            };
        }
        meet! {
            uuid: same,
            source_ip: addresses,
            source_ip_xlated: addresses,
            source_pod: |one, other| prefixes(one, other),
            source_fqdn: patterns,
            source_label: selectors,
            source_service: |one, other| prefixes(one, other),
            source_workload: workloads,
            source_cluster_name: patterns,
            destination_ip: addresses,
            destination_pod: |one, other| prefixes(one, other),
            destination_fqdn: patterns,
            destination_label: selectors,
            destination_service: |one, other| prefixes(one, other),
            destination_workload: workloads,
            destination_cluster_name: patterns,
            traffic_direction: same,
            verdict: same,
            drop_reason_desc: same,
            interface: unknown,
            event_type: events,
            http_status_code: statuses,
            protocol: protocols,
            source_port: same,
            destination_port: same,
            reply: same,
            dns_query: unknown,
            source_identity: same,
            destination_identity: same,
            http_method: |one, other| methods(one, other),
            http_path: unknown,
            http_url: unknown,
            http_header: unknown,
            // All flags of a set must be there.
            tcp_flags: |one, other| Met::Value(*one | *other),
            node_name: patterns,
            node_labels: selectors,
            ip_version: same,
            trace_id: same,
            ip_trace_id: same,
            encrypted: same,
            cel_expression: unknown,
        }
        Ok(Some(both))
    }
}

/// What two values say together.
enum Met<T> {
    Value(T),
    Nothing,
    Unknown,
    TooLarge,
}

fn meet<T: Clone + Eq + Hash>(
    field: &'static str,
    one: &[T],
    other: &[T],
    values: impl Fn(&T, &T) -> Met<T>,
) -> Result<Both<T>, NoConjunction> {
    if one.is_empty() || other.is_empty() {
        return Ok(Both::Values([one, other].concat()));
    }
    // Whatever the values mean: who has one of the fewer has one of the more.
    for (fewer, more) in [(one, other), (other, one)] {
        let more: HashSet<&T> = more.iter().collect();
        if fewer.iter().all(|value| more.contains(value)) {
            return Ok(Both::Values(fewer.to_vec()));
        }
    }
    let (mut met, mut known) = (Vec::new(), HashSet::new());
    for (first, second) in one.iter().flat_map(|first| other.iter().map(move |it| (first, it))) {
        match values(first, second) {
            Met::Value(value) => {
                if known.insert(value.clone()) {
                    met.push(value);
                }
                if met.len() > MAX_VALUES {
                    return Err(NoConjunction::TooLarge { field });
                }
            }
            Met::Nothing => {}
            Met::Unknown => return Err(NoConjunction::Unknown { field }),
            Met::TooLarge => return Err(NoConjunction::TooLarge { field }),
        }
    }
    Ok(if met.is_empty() { Both::Nothing } else { Both::Values(met) })
}

/// Values of which a flow has one.
fn same<T: Clone + PartialEq>(one: &T, other: &T) -> Met<T> {
    if one == other { Met::Value(one.clone()) } else { Met::Nothing }
}

/// Patterns, or values of which a flow has several.
fn unknown<T: Clone + PartialEq>(one: &T, other: &T) -> Met<T> {
    if one == other { Met::Value(one.clone()) } else { Met::Unknown }
}

/// Names that are patterns where they hold a star; a slash parts cluster and node.
fn patterns(one: &String, other: &String) -> Met<String> {
    let is_pattern = |name: &str| name.contains('*') || name.contains('/');
    if one != other && (is_pattern(one) || is_pattern(other)) {
        return Met::Unknown;
    }
    same(one, other)
}

/// `namespace/prefix`.
fn prefixes(one: &str, other: &str) -> Met<String> {
    let (own, prefix) = one.split_once('/').unwrap_or(("default", one));
    let (others, longer) = other.split_once('/').unwrap_or(("default", other));
    let namespace = match (own, others) {
        ("", namespace) | (namespace, "") => namespace,
        (namespace, same) if namespace == same => namespace,
        _ => return Met::Nothing,
    };
    let (prefix, longer) =
        if longer.len() < prefix.len() { (longer, prefix) } else { (prefix, longer) };
    if longer.starts_with(prefix) {
        Met::Value(format!("{namespace}/{longer}"))
    } else {
        Met::Nothing
    }
}

/// Label selectors: their requirements are joined by "and".
fn selectors(one: &String, other: &String) -> Met<String> {
    if one == other {
        Met::Value(one.clone())
    } else if one.len().saturating_add(other.len()) < MAX_SELECTOR_BYTES {
        Met::Value(format!("{one},{other}"))
    } else {
        Met::TooLarge
    }
}

fn workloads(one: &Workload, other: &Workload) -> Met<Workload> {
    // A flow may have several workloads, so two names do not contradict each other.
    let part = |one: &str, other: &str| match (one, other) {
        ("", part) | (part, "") => Some(part.to_owned()),
        (part, same) => (part == same).then(|| part.to_owned()),
    };
    match (part(&one.name, &other.name), part(&one.kind, &other.kind)) {
        (Some(name), Some(kind)) => Met::Value(Workload { name, kind }),
        _ => Met::Unknown,
    }
}

fn addresses(one: &String, other: &String) -> Met<String> {
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
            if wide.contains(&narrow) { Met::Value(text.clone()) } else { Met::Nothing }
        }
    }
}

fn within(range: Prefix, address: &str) -> Met<String> {
    match address.parse() {
        Ok(parsed) if range.contains_address(parsed) => Met::Value(address.to_owned()),
        Ok(_) => Met::Nothing,
        Err(_) => Met::Unknown,
    }
}

fn events(one: &EventTypeFilter, other: &EventTypeFilter) -> Met<EventTypeFilter> {
    if one.message_type != other.message_type {
        let either = [one, other];
        let any = either.iter().any(|event| event.message_type == crate::MessageType::Unspec);
        return if any { Met::Unknown } else { Met::Nothing };
    }
    match (one.match_sub_type, other.match_sub_type) {
        (false, _) => Met::Value(*other),
        (true, false) => Met::Value(*one),
        (true, true) => same(one, other),
    }
}

/// Codes, or prefixes before a plus.
fn statuses(one: &String, other: &String) -> Met<String> {
    let starts = |status: &str, prefix: &str| {
        prefix.strip_suffix('+').is_some_and(|prefix| status.starts_with(prefix))
    };
    if starts(other, one) {
        Met::Value(other.clone())
    } else if starts(one, other) {
        Met::Value(one.clone())
    } else {
        same(one, other)
    }
}

/// A flow has one protocol of each layer at most, so that two of one layer exclude each other.
fn protocols(one: &String, other: &String) -> Met<String> {
    let (Ok(first), Ok(second)) = (parse_protocol(one), parse_protocol(other)) else {
        return unknown(one, other);
    };
    match (first, second) {
        (first, second) if first == second => Met::Value(one.clone()),
        (Protocol::Icmpv4 | Protocol::Icmpv6, Protocol::Icmp) => Met::Value(one.clone()),
        (Protocol::Icmp, Protocol::Icmpv4 | Protocol::Icmpv6) => Met::Value(other.clone()),
        _ if first.is_of_requests() == second.is_of_requests() => Met::Nothing,
        _ => Met::Unknown,
    }
}

fn methods(one: &str, other: &str) -> Met<String> {
    if one.eq_ignore_ascii_case(other) { Met::Value(one.to_owned()) } else { Met::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    /// `expected`: the values that both lists have in common, none for a contradiction.
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
                format!("no list of `{name}` says what two different lists of it say together")
            });
            assert_eq!(both, expected, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn lists_meet() {
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
        // Ports have no product: a flow has one of either list.
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
