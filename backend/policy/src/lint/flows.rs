//! Lints that recorded flows give evidence for.

use flow::{Flow, L7Record};
use hashbrown::{HashMap, HashSet};

use super::{Finding, MAX_EVIDENCE, Severity};
use crate::order::{counted, sort};
use crate::{
    Cause, Direction, Entry, Identity, Judge, Learned, NamePattern, PeerMatcher, Peers, PolicySet,
    Sides, Traffic, Verdict, parties,
};

/// What the flows tell, gathered once.
#[derive(Default)]
struct Seen {
    /// Entries that decided about a flow.
    decided: HashSet<u32>,
    subjects: HashSet<Identity>,
    /// Refused queries: name, who asked; with how often.
    refused: Vec<((String, String), usize)>,
    /// Connections refused by default.
    denied: Vec<Denied>,
    /// Addresses with their names.
    names: Vec<(String, Vec<String>)>,
    /// Subjects that no policy is about, by name and direction.
    open: Vec<((String, Direction), usize)>,
}

struct Denied {
    source: String,
    destination: String,
    subject: Identity,
    peer: Identity,
    direction: Direction,
    traffic: Traffic,
}

/// Denied connections that are kept.
const MAX_DENIED: usize = 10_000;

/// Looks at flows, and adds evidence to what was found before.
pub(super) fn lint(judge: &mut Judge, flows: &[Flow], findings: &mut Vec<Finding>) {
    let seen = gather(judge, flows);
    let set = std::sync::Arc::clone(judge.set());
    refused_queries(&set, &seen, findings);
    private_cidrs(&set, &seen, findings);
    unused(&set, &seen, findings);
    shared_addresses(&set, &seen, findings);
    unselected(&seen, findings);
    denied_peers(&set, &seen, findings);
    other_namespaces(&set, &seen, findings);
}

fn gather(judge: &mut Judge, flows: &[Flow]) -> Seen {
    let learned = Learned::from_flows(flows);
    let mut seen = Seen::default();
    let (mut refused, mut open, mut peers) = (Vec::new(), Vec::new(), HashSet::new());
    for flow in flows {
        let Ok(sides) = Sides::of(flow, &learned, judge.set().settings()) else { continue };
        let Ok(summary) = judge.judge_flow(flow, &learned) else { continue };
        if sides.companion.is_some() {
            continue;
        }
        if seen.subjects.len() < MAX_DENIED {
            seen.subjects.insert(sides.subject.clone());
        }
        if let Cause::Entry(entry) = summary.decision.cause {
            seen.decided.insert(entry);
        }
        let (source, destination) = parties(flow, &sides);
        if let Some(L7Record::Dns(dns)) = flow.l7.as_ref().and_then(|l7| l7.record.as_ref())
            && flow.verdict == flow::Verdict::Dropped
        {
            let name = dns.query.trim_end_matches('.').to_ascii_lowercase();
            refused.push((name, source.clone()));
        }
        match (summary.decision.verdict, summary.decision.cause) {
            (Verdict::Denied, Cause::DefaultDeny) if seen.denied.len() < MAX_DENIED => {
                seen.denied.push(Denied {
                    source,
                    destination,
                    subject: sides.subject.clone(),
                    peer: sides.peer.clone(),
                    direction: sides.direction,
                    traffic: sides.traffic,
                });
            }
            (_, Cause::NotSelected) if !sides.subject.is_world() && !sides.subject.is_node() => {
                let subject =
                    if sides.direction == Direction::Egress { source } else { destination };
                open.push((subject, sides.direction));
            }
            _ => {}
        }
        if sides.peer.names().len() > 1 && peers.len() < MAX_DENIED {
            peers.insert(sides.peer);
        }
    }
    seen.refused = counted(refused);
    seen.open = counted(open);
    let named = peers
        .into_iter()
        .filter_map(|peer| Some((peer.address()?.to_string(), peer.names().to_vec())));
    seen.names = named.collect();
    sort(&mut seen.names);
    seen.names.dedup_by(|one, other| one.0 == other.0);
    seen
}

/// Refused queries belong to the names that toFQDNs hopes for.
fn refused_queries(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    let patterns: Vec<(&Entry, &NamePattern, crate::Position)> = set
        .entries()
        .iter()
        .flat_map(|entry| {
            let peers = match &entry.peers {
                Peers::Any(peers) => peers.as_slice(),
                _ => &[],
            };
            peers.iter().filter_map(move |peer| match &peer.matcher {
                PeerMatcher::Name(pattern) => Some((entry, pattern, peer.at)),
                _ => None,
            })
        })
        .collect();
    for (entry, pattern, at) in patterns {
        let policy = set.policies().get(entry.policy).map(|p| (p.source, p.name.to_string()));
        let evidence: Vec<String> = seen
            .refused
            .iter()
            .filter(|((name, _), _)| pattern.matches(name))
            .map(|((name, who), count)| format!("{count} refused queries for {name} by {who}"))
            .take(MAX_EVIDENCE)
            .collect();
        for finding in findings.iter_mut() {
            let is_it = finding.at == at
                && finding.id.starts_with("fqdn-")
                && policy.as_ref().is_some_and(|(_, name)| *name == finding.policy);
            if is_it {
                finding.evidence.clone_from(&evidence);
            }
        }
    }
    // A name that its search list extends is refused before the name itself is asked for.
    let mut evidence = Vec::new();
    for ((name, who), count) in &seen.refused {
        let Some(stem) = name
            .strip_suffix(".cluster.local")
            .and_then(|rest| rest.strip_suffix(".svc").or(Some(rest)))
        else {
            continue;
        };
        let stems = [stem, stem.rsplit_once('.').map_or("", |(head, _)| head)];
        let is_extended = set
            .entries()
            .iter()
            .flat_map(|entry| entry.ports.iter().flatten())
            .flat_map(|rule| &rule.l7.dns)
            .flat_map(|rule| &rule.patterns)
            .any(|pattern| stems.iter().any(|stem| stem.contains('.') && pattern.matches(stem)));
        if is_extended && evidence.len() < MAX_EVIDENCE {
            evidence.push(format!("{count} refused queries for {name} by {who}"));
        }
    }
    if !evidence.is_empty() {
        findings.push(Finding {
            id: "dns-search-list",
            severity: Severity::Hint,
            sentence: "names that the search list extends are refused: musl (Alpine) gives up at the first refusal".to_owned(),
            source: None,
            at: crate::Position::default(),
            policy: String::new(),
            evidence,
            fix: None,
        });
    }
}

/// Prefixes that hold addresses of the cluster.
fn private_cidrs(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    for entry in set.entries() {
        let Peers::Any(peers) = &entry.peers else { continue };
        for peer in peers {
            let PeerMatcher::Cidr { prefix, .. } = &peer.matcher else { continue };
            let evidence: Vec<String> = seen
                .denied
                .iter()
                .filter(|denied| {
                    denied.direction == entry.direction
                        && !denied.peer.is_world()
                        && denied
                            .peer
                            .address()
                            .is_some_and(|ip| prefix.contains(&crate::Prefix::of_address(ip)))
                })
                .map(Denied::line)
                .take(MAX_EVIDENCE)
                .collect();
            if evidence.is_empty() {
                continue;
            }
            let policy = set.policies().get(entry.policy);
            findings.push(Finding {
                id: "cidr-inside-cluster",
                severity: Severity::Error,
                sentence: format!("{prefix} holds addresses of pods or nodes, which CIDR rules do not match: select them by labels or entities"),
                source: policy.map(|policy| policy.source),
                at: peer.at,
                policy: policy.map(|policy| policy.name.to_string()).unwrap_or_default(),
                evidence,
                fix: None,
            });
        }
    }
}

/// Policies about nobody seen, rules that decided nothing.
fn unused(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    let mut selected: HashMap<usize, bool> = HashMap::new();
    for entry in set.entries() {
        let is_selected =
            seen.subjects.iter().any(|subject| entry.subject.matches(subject.labels()));
        let slot = selected.entry(entry.policy).or_default();
        *slot |= is_selected;
    }
    for (index, policy) in set.policies().iter().enumerate() {
        if selected.get(&index) == Some(&false) {
            findings.push(Finding {
                id: "selects-nobody-seen",
                severity: Severity::Warning,
                sentence: "no endpoint of these flows is selected by this policy".to_owned(),
                source: Some(policy.source),
                at: policy.at,
                policy: policy.name.to_string(),
                evidence: Vec::new(),
                fix: None,
            });
        }
    }
    for (index, entry) in set.entries().iter().enumerate() {
        let is_hit = u32::try_from(index).is_ok_and(|index| seen.decided.contains(&index));
        if !is_hit
            && selected.get(&entry.policy) == Some(&true)
            && matches!(entry.peers, Peers::Any(_))
        {
            let policy = set.policies().get(entry.policy);
            findings.push(Finding {
                id: "rule-never-hit",
                severity: Severity::Hint,
                sentence: format!("`{}` decided about none of these flows", entry.clause),
                source: policy.map(|policy| policy.source),
                at: entry.at,
                policy: policy.map(|policy| policy.name.to_string()).unwrap_or_default(),
                evidence: Vec::new(),
                fix: None,
            });
        }
    }
}

/// Addresses with several names: whoever may reach one of them reaches all.
fn shared_addresses(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    for entry in set.entries() {
        let Peers::Any(peers) = &entry.peers else { continue };
        for peer in peers {
            let PeerMatcher::Name(pattern) = &peer.matcher else { continue };
            let evidence: Vec<String> = seen
                .names
                .iter()
                .filter(|(_, names)| {
                    names.iter().any(|name| pattern.matches(name))
                        && names.iter().any(|name| !pattern.matches(name))
                })
                .map(|(address, names)| format!("{address} is {}", names.join(", ")))
                .take(MAX_EVIDENCE)
                .collect();
            if evidence.is_empty() {
                continue;
            }
            let policy = set.policies().get(entry.policy);
            findings.push(Finding {
                id: "shared-address",
                severity: Severity::Hint,
                sentence: format!("`{pattern}` shares addresses with other names: allowing it allows them (cilium#31803)"),
                source: policy.map(|policy| policy.source),
                at: peer.at,
                policy: policy.map(|policy| policy.name.to_string()).unwrap_or_default(),
                evidence,
                fix: None,
            });
        }
    }
}

fn unselected(seen: &Seen, findings: &mut Vec<Finding>) {
    if seen.open.is_empty() {
        return;
    }
    let evidence = seen
        .open
        .iter()
        .map(|((who, direction), count)| format!("{who}: {count} flows on {}", direction.name()))
        .take(MAX_EVIDENCE)
        .collect();
    findings.push(Finding {
        id: "unselected-endpoints",
        severity: Severity::Hint,
        sentence: format!(
            "no policy is about {} of the endpoints and directions seen: everything passes there",
            seen.open.len()
        ),
        source: None,
        at: crate::Position::default(),
        policy: String::new(),
        evidence,
        fix: None,
    });
}

/// Id, sentence, and the denials that it is about.
type PeerLint<'l> = (&'static str, &'static str, &'l dyn Fn(&Denied) -> bool);

/// Peers that rules could not mean, whatever they say.
fn denied_peers(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
    let own = set.settings().cluster_name.as_str();
    let groups: [PeerLint<'_>; 3] = [
        (
            "other-cluster",
            "pods of another cluster are refused: since Cilium 1.19, selectors without a cluster mean this one",
            &|denied| denied.peer.k8s_label(CLUSTER).is_some_and(|cluster| cluster != own),
        ),
        (
            "host-network-peer",
            "nodes are refused: pods on the host's network have the node's identity, and no labels of their own",
            &|denied| denied.peer.is_node(),
        ),
        (
            "node-local-dns",
            "DNS to a node or a link-local address is refused: the DNS rule does not select node-local-dns, and no name is learned",
            &|denied| {
                denied.traffic.port == 53
                    && denied.direction == Direction::Egress
                    && (denied.peer.is_node()
                        || denied.peer.address().is_some_and(
                            |ip| matches!(ip, std::net::IpAddr::V4(v4) if v4.is_link_local()),
                        ))
            },
        ),
    ];
    for (id, sentence, is_meant) in groups {
        let mut evidence: Vec<String> =
            seen.denied.iter().filter(|denied| is_meant(denied)).map(Denied::line).collect();
        sort(&mut evidence);
        evidence.dedup();
        evidence.truncate(MAX_EVIDENCE);
        if !evidence.is_empty() {
            findings.push(Finding {
                id,
                severity: Severity::Warning,
                sentence: sentence.to_owned(),
                source: None,
                at: crate::Position::default(),
                policy: String::new(),
                evidence,
                fix: None,
            });
        }
    }
}

/// Peers that a selector means by every label but the namespace that it does not name.
fn other_namespaces(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    const NAMESPACE: &str = "io.kubernetes.pod.namespace";
    for entry in set.entries() {
        let Peers::Any(peers) = &entry.peers else { continue };
        let Some(policy) = set.policies().get(entry.policy) else { continue };
        let own = policy.name.namespace.as_str();
        for peer in peers {
            let PeerMatcher::Labels(selector) = &peer.matcher else { continue };
            let (implied, said): (Vec<_>, Vec<_>) = selector.requirements.iter().partition(|r| {
                r.key == NAMESPACE
                    && matches!(&r.operator, crate::Operator::In(values) if values.as_slice() == [own])
            });
            // Without a label of its own, a selector means nobody in particular.
            if implied.is_empty() || own.is_empty() || said.len() < 2 {
                continue;
            }
            let mut evidence: Vec<String> = seen
                .denied
                .iter()
                .filter(|denied| {
                    denied.direction == entry.direction
                        && entry.subject.matches(denied.subject.labels())
                        && denied.peer.k8s_label(NAMESPACE).is_some_and(|other| other != own)
                        && said.iter().all(|r| r.matches(denied.peer.labels()))
                })
                .map(Denied::line)
                .collect();
            sort(&mut evidence);
            evidence.dedup();
            evidence.truncate(MAX_EVIDENCE);
            if evidence.is_empty() {
                continue;
            }
            findings.push(Finding {
                id: "peer-in-other-namespace",
                severity: Severity::Warning,
                sentence: format!("a selector that names no namespace means `{own}` alone; pods of another namespace with these labels are refused"),
                source: Some(policy.source),
                at: peer.at,
                policy: policy.name.to_string(),
                evidence,
                fix: None,
            });
        }
    }
}

impl Denied {
    fn line(&self) -> String {
        format!(
            "{} → {} {} refused on {}",
            self.source,
            self.destination,
            self.traffic,
            self.direction.name()
        )
    }
}
