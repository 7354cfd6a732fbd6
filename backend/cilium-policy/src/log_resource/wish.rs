//! The resource that logs what filters of Hubble would show.

use flow::{Verdict, filter::FlowFilter};

use super::{LogFilter, LogSide};
use crate::{Operator, Prefix, Requirement, Selector, tree::Tree};

/// A resource for a wish. It logs all that was asked for, and more where a resource cannot say
/// what the filter says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogWish {
    /// Its filters; a flow is logged where any of them matches.
    pub filters: Vec<LogFilter>,
    /// What a resource cannot say: fields of the filters that it leaves out, each with its value.
    pub left_out: Vec<String>,
}

/// One way in which a side can match.
type Side = LogSide;

impl LogWish {
    /// The resource for filters of which any may match. No filter at all is one for everything.
    #[must_use]
    pub fn of(filters: &[FlowFilter]) -> Self {
        let mut wish = Self::default();
        let everything = [FlowFilter::default()];
        for filter in if filters.is_empty() { everything.as_slice() } else { filters } {
            wish.add(filter);
        }
        let is_one = wish.filters.len() == 1;
        for (index, filter) in wish.filters.iter_mut().enumerate() {
            filter.name = if is_one {
                "flows".to_owned()
            } else {
                format!("flows-{}", index.saturating_add(1))
            };
        }
        crate::order::sort(&mut wish.left_out);
        wish.left_out.dedup();
        wish
    }

    /// As YAML, under this name.
    #[must_use]
    pub fn resource(&self, name: &str) -> String {
        let filters = self.filters.iter().map(filter_tree).collect();
        let resource = Tree::map([
            ("apiVersion", Tree::text("acn.azure.com/v1alpha1")),
            ("kind", Tree::text("ContainerNetworkLog")),
            ("metadata", Tree::map([("name", Tree::text(name))])),
            ("spec", Tree::map([("includefilters", Tree::List(filters))])),
        ]);
        let mut out = String::new();
        resource.block(0, 0, &mut out);
        out
    }

    fn add(&mut self, filter: &FlowFilter) {
        let own = filter.clone();
        let from = self.sides("source", &own.source_pod, &own.source_label, &own.source_ip);
        let to = self.sides(
            "destination",
            &own.destination_pod,
            &own.destination_label,
            &own.destination_ip,
        );
        let protocol = self.protocols(&own.protocol);
        let verdict = self.verdicts(&own.verdict);
        // What is left of the filter when all that a resource can say is taken from it.
        let rest = FlowFilter {
            source_pod: Vec::new(),
            source_label: Vec::new(),
            source_ip: Vec::new(),
            destination_pod: Vec::new(),
            destination_label: Vec::new(),
            destination_ip: Vec::new(),
            protocol: Vec::new(),
            verdict: Vec::new(),
            ..own
        };
        if rest != FlowFilter::default() {
            self.left_out.push(
                "a resource chooses by pod, label, address, protocol (tcp, udp, dns) and verdict (forwarded, dropped) alone: the rest of the filter is left out".to_owned(),
            );
        }
        for one in &from {
            for other in &to {
                self.filters.push(LogFilter {
                    from: one.clone(),
                    to: other.clone(),
                    protocol: protocol.clone(),
                    verdict: verdict.clone(),
                    ..LogFilter::default()
                });
            }
        }
    }

    /// The ways in which a side can match; several where a resource has room for one selector.
    fn sides(
        &mut self,
        name: &str,
        pods: &[String],
        labels: &[String],
        ips: &[String],
    ) -> Vec<Side> {
        let mut prefixes = Vec::new();
        for ip in ips {
            match ip.parse().map(Prefix::of_address).or_else(|_| Prefix::parse(ip)) {
                Ok(prefix) => prefixes.push(prefix),
                Err(_) => self.left_out.push(format!("{name} address `{ip}`")),
            }
        }
        if prefixes.len() < ips.len() {
            // One that cannot be said would be missing: better all of them.
            prefixes.clear();
        }
        let side = LogSide { namespaced_pod: pods.to_vec(), labels: None, ip: prefixes };
        let selectors: Option<Vec<Selector>> = labels.iter().map(|text| selector(text)).collect();
        match selectors {
            Some(selectors) if !selectors.is_empty() => selectors
                .into_iter()
                .map(|own| LogSide { labels: Some(own), ..side.clone() })
                .collect(),
            Some(_) => vec![side],
            None => {
                self.left_out.push(format!("{name} labels `{}`", labels.join("`, `")));
                vec![side]
            }
        }
    }

    fn protocols(&mut self, wanted: &[String]) -> Vec<String> {
        let lower: Vec<String> = wanted.iter().map(|own| own.to_ascii_lowercase()).collect();
        let other = lower.iter().find(|own| !matches!(own.as_str(), "tcp" | "udp" | "dns"));
        if let Some(other) = other {
            // HTTP is within TCP; what is neither is logged only where nothing is chosen.
            let is_http = |own: &String| matches!(own.as_str(), "tcp" | "udp" | "dns" | "http");
            self.left_out.push(format!("protocol `{other}`"));
            if !lower.iter().all(is_http) {
                return Vec::new();
            }
        }
        let mut own: Vec<String> = lower
            .into_iter()
            .map(|name| if name == "http" { "tcp".to_owned() } else { name })
            .collect();
        crate::order::sort(&mut own);
        own.dedup();
        own
    }

    fn verdicts(&mut self, wanted: &[Verdict]) -> Vec<String> {
        let mut own = Vec::new();
        for verdict in wanted {
            match verdict {
                Verdict::Forwarded => own.push("forwarded".to_owned()),
                Verdict::Dropped => own.push("dropped".to_owned()),
                other => {
                    self.left_out.push(format!("verdict `{other}`"));
                    return Vec::new();
                }
            }
        }
        own
    }
}

/// `app=front,tier` as a selector; other expressions are not for a resource.
fn selector(text: &str) -> Option<Selector> {
    let requirements: Option<Vec<Requirement>> = text
        .split(',')
        .map(|part| {
            let part = part.trim();
            let part = part.strip_prefix("k8s:").unwrap_or(part);
            let is_plain = |text: &str| {
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_' | b'-'))
            };
            let (key, operator) = match part.split_once('=') {
                Some((key, value)) => {
                    (key, Operator::In(vec![value.trim_start_matches('=').to_owned()]))
                }
                None => (part, Operator::Exists),
            };
            let value = match &operator {
                Operator::In(values) => values.first().is_some_and(|own| is_plain(own)),
                _ => true,
            };
            (!key.is_empty() && is_plain(key) && value).then(|| Requirement::new(key, operator))
        })
        .collect();
    requirements.map(Selector::new)
}

fn filter_tree(filter: &LogFilter) -> Tree {
    let mut entries = vec![("name".to_owned(), Tree::text(&filter.name))];
    for (key, side) in [("from", &filter.from), ("to", &filter.to)] {
        if *side != LogSide::default() {
            entries.push((key.to_owned(), side_tree(side)));
        }
    }
    for (key, values) in [("protocol", &filter.protocol), ("verdict", &filter.verdict)] {
        if !values.is_empty() {
            entries.push((key.to_owned(), Tree::List(values.iter().map(Tree::text).collect())));
        }
    }
    Tree::Map(entries)
}

fn side_tree(side: &LogSide) -> Tree {
    let mut entries = Vec::new();
    if !side.namespaced_pod.is_empty() {
        let pods = side.namespaced_pod.iter().map(Tree::text).collect();
        entries.push(("namespacedPod".to_owned(), Tree::List(pods)));
    }
    if let Some(selector) = &side.labels {
        let (mut labels, mut expressions) = (Vec::new(), Vec::new());
        for requirement in &selector.requirements {
            match &requirement.operator {
                Operator::In(values) if values.len() == 1 => {
                    let value = values.first().cloned().unwrap_or_default();
                    labels.push((requirement.key.clone(), Tree::Text(value)));
                }
                operator => expressions.push(expression(&requirement.key, operator)),
            }
        }
        let mut own = Vec::new();
        if !labels.is_empty() {
            own.push(("matchLabels".to_owned(), Tree::Map(labels)));
        }
        if !expressions.is_empty() {
            own.push(("matchExpressions".to_owned(), Tree::List(expressions)));
        }
        entries.push(("labelSelector".to_owned(), Tree::Map(own)));
    }
    if !side.ip.is_empty() {
        let ips = side.ip.iter().map(|prefix| Tree::text(prefix.to_string())).collect();
        entries.push(("ip".to_owned(), Tree::List(ips)));
    }
    Tree::Map(entries)
}

fn expression(key: &str, operator: &Operator) -> Tree {
    let (name, values) = match operator {
        Operator::In(values) => ("In", values.as_slice()),
        Operator::NotIn(values) => ("NotIn", values.as_slice()),
        Operator::Exists => ("Exists", [].as_slice()),
        Operator::DoesNotExist => ("DoesNotExist", [].as_slice()),
    };
    let mut entries =
        vec![("key".to_owned(), Tree::text(key)), ("operator".to_owned(), Tree::text(name))];
    if !values.is_empty() {
        entries.push(("values".to_owned(), Tree::List(values.iter().map(Tree::text).collect())));
    }
    Tree::Map(entries)
}
