//! Lints that recorded flows give evidence for.

use cilium_policy::{
    Action, Direction, Entry, Finding, Judge, NamePattern, PeerMatcher, Peers, PolicySet, Severity,
    identity_label::CLUSTER, sorted::sort,
};
use flow::Flow;

use super::{
    MAX_EVIDENCE,
    seen::{Denied, Refused, Seen},
};

/// Looks at flows, and adds evidence to what was found before.
pub(super) fn lint(judge: &mut Judge, flows: &[Flow], findings: &mut Vec<Finding>) {
    let seen = Seen::of(judge, flows);
    let set = std::sync::Arc::clone(judge.set());
    findings.retain(|finding| !is_disproved(finding, &set, &seen));
    what_fixes_change(&set, &seen, findings);
    refused_queries(&set, &seen, findings);
    private_cidrs(&set, &seen, findings);
    unused(&set, &seen, findings);
    shared_addresses(&set, &seen, findings);
    unselected(&seen, findings);
    older(&seen, flows, findings);
    denied_peers(&set, &seen, findings);
    other_namespaces(&set, &seen, findings);
}

/// Refused queries belong to the names that toFQDNs hopes for.
fn refused_queries(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    let patterns: Vec<(&Entry, &NamePattern, cilium_policy::Position)> = set
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
            .filter(|(refused, _)| pattern.matches(refused.name()))
            .map(Refused::line)
            .take(MAX_EVIDENCE)
            .collect();
        for finding in findings.iter_mut() {
            let is_it = finding.at == at
                && finding.id.starts_with("fqdn-")
                && policy.as_ref().is_some_and(|(_, name)| *name == finding.policy);
            if is_it {
                finding.evidence.clone_from(&evidence);
                if !evidence.is_empty() && finding.id == "fqdn-not-in-dns-rules" {
                    finding.fix = Some(whole_lookup(&seen.lists.patterns(&pattern.text), pattern));
                }
            }
        }
    }
    // A name that its search list extends is refused before the name itself is asked for.
    let extended = seen.refused.iter().filter(|(refused, _)| refused.is_extended());
    let evidence: Vec<String> = extended.map(Refused::line).take(MAX_EVIDENCE).collect();
    if !evidence.is_empty() {
        findings.push(Finding {
            id: "dns-search-list",
            severity: Severity::Hint,
            sentence: "names that the search list extends are refused: musl (Alpine) gives up at the first refusal".to_owned(),
            source: None,
            at: cilium_policy::Position::default(),
            policy: String::new(),
            evidence,
            fix: None,
            other: None,
        });
    }
}

/// DNS rules for every query of a lookup.
fn whole_lookup(patterns: &[String], of: &NamePattern) -> String {
    let rules: Vec<String> = patterns
        .iter()
        .map(|text| {
            let is_name = !text.contains('*') && (of.is_name || *text != of.text);
            format!("- {}: \"{text}\"", if is_name { "matchName" } else { "matchPattern" })
        })
        .collect();
    rules.join("\n")
}

/// Prefixes that hold addresses of the cluster.
fn private_cidrs(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    for entry in set.entries().iter().filter(|entry| entry.action == Action::Allow) {
        let Peers::Any(peers) = &entry.peers else { continue };
        for peer in peers {
            let PeerMatcher::Cidr { prefix, .. } = &peer.matcher else { continue };
            let evidence: Vec<String> = seen
                .denied
                .iter()
                .filter(|denied| {
                    denied.direction == entry.direction
                        && entry.subject.matches(denied.subject.labels())
                        && !denied.peer.is_world()
                        && denied.peer.address().is_some_and(|ip| {
                            prefix.contains(&cilium_policy::Prefix::of_address(ip))
                        })
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
                // The whole world is meant, or everyone.
                severity: if prefix.is_everything() { Severity::Hint } else { Severity::Error },
                sentence: format!("{prefix} holds addresses of pods or nodes, which CIDR rules do not match: select them by labels or entities"),
                source: policy.map(|policy| policy.source),
                at: peer.at,
                policy: policy.map(|policy| policy.name.to_string()).unwrap_or_default(),
                evidence,
                fix: None,
                other: None,
            });
        }
    }
}

/// Policies about nobody seen, rules that decided nothing; as far as these flows can show it.
fn unused(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    for (index, policy) in set.policies().iter().enumerate() {
        let mut entries = set.entries().iter().filter(|entry| entry.policy == index).peekable();
        let namespace = policy.name.namespace.as_str();
        // Flows of other namespaces, or of one pod, say nothing about the rest.
        if entries.peek().is_none() || seen.pods_of(namespace) < 2 {
            continue;
        }
        let is_about_nobody =
            |entry: &Entry| !entry.is_node && !seen.has(|end| entry.subject.matches(end.labels()));
        if entries.all(is_about_nobody) {
            findings.push(Finding {
                id: "selects-nobody-seen",
                severity: Severity::Hint,
                sentence: "no endpoint of these flows is selected by this policy".to_owned(),
                source: Some(policy.source),
                at: policy.at,
                policy: policy.name.to_string(),
                evidence: Vec::new(),
                fix: None,
                other: None,
            });
        }
    }
    for (index, entry) in set.entries().iter().enumerate() {
        let is_hit = u32::try_from(index).is_ok_and(|index| seen.decided.contains(&index));
        // Flows that were filtered by verdict do not show what the others were decided by.
        if !is_hit && matches!(entry.peers, Peers::Any(_)) && seen.shows(entry) {
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
                other: None,
            });
        }
    }
}

/// What becomes of the flows with the fix of a finding that turns default deny on or off. Where it
/// would let more pass than was asked for, the smallest fix of those flows is the better one.
fn what_fixes_change(set: &PolicySet, seen: &Seen, findings: &mut [Finding]) {
    for finding in findings {
        let (flows, becomes) = match finding.id {
            "deny-only" => (&seen.denied, "is refused by default"),
            "empty-direction" | "default-deny-without-rules" => {
                (&seen.unselected, "passes, and would be refused")
            }
            _ => continue,
        };
        let Some(fix) = &finding.fix else { continue };
        let direction = if fix.contains("egress") { Direction::Egress } else { Direction::Ingress };
        let is_of_policy = |entry: &Entry| {
            set.policies().get(entry.policy).is_some_and(|policy| {
                Some(policy.source) == finding.source && policy.name.to_string() == finding.policy
            })
        };
        let subjects: Vec<_> = set
            .entries()
            .iter()
            .filter(|entry| is_of_policy(entry))
            .map(|entry| &entry.subject)
            .collect();
        let mut evidence: Vec<String> = flows
            .iter()
            .filter(|flow| {
                flow.direction == direction
                    && subjects.iter().any(|subject| subject.matches(flow.subject.labels()))
            })
            .map(|flow| flow.line_that(becomes))
            .collect();
        sort(&mut evidence);
        evidence.dedup();
        evidence.truncate(MAX_EVIDENCE);
        if finding.id == "deny-only" && !evidence.is_empty() {
            finding.fix = None;
            finding.sentence.push_str("; the smallest fix lets these flows pass and no others");
        }
        finding.evidence = evidence;
    }
}

/// Whether the flows show that what was found is not so.
fn is_disproved(finding: &Finding, set: &PolicySet, seen: &Seen) -> bool {
    let of_policy = || {
        set.entries().iter().filter(|entry| {
            set.policies().get(entry.policy).is_some_and(|policy| {
                Some(policy.source) == finding.source && policy.name.to_string() == finding.policy
            })
        })
    };
    let is_by = |entry: &Entry, query: &super::seen::Query| {
        entry.direction == Direction::Egress && entry.subject.matches(query.by.labels())
    };
    let mut queries = seen.answered.iter();
    match finding.id {
        "no-dns-egress" | "fqdn-without-dns-rule" => {
            queries.any(|query| of_policy().any(|entry| is_by(entry, query)))
        }
        "fqdn-not-in-dns-rules" => of_policy().any(|entry| {
            let Peers::Any(peers) = &entry.peers else { return false };
            let mut meant = peers.iter().filter(|peer| peer.at == finding.at);
            meant.any(|peer| match &peer.matcher {
                PeerMatcher::Name(pattern) => {
                    queries.any(|query| is_by(entry, query) && pattern.matches(&query.name))
                }
                _ => false,
            })
        }),
        "apiserver-ingress" => seen.has_apiserver_client,
        _ => false,
    }
}

/// Addresses with several names: a pod that may reach one of them reaches all.
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
                other: None,
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
        .map(|((who, direction), count)| {
            let flows = if *count == 1 { "flow" } else { "flows" };
            format!("{who}: {count} {flows} on {}", direction.name())
        })
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
        at: cilium_policy::Position::default(),
        policy: String::new(),
        evidence,
        fix: None,
        other: None,
    });
}

/// Flows recorded under other policies, which are not evidence about these.
fn older(seen: &Seen, flows: &[Flow], findings: &mut Vec<Finding>) {
    let (count, Some(changed)) = seen.older else { return };
    let all: u64 = flows.iter().map(Flow::stands_for).sum();
    findings.push(Finding {
        id: "older-flows",
        severity: Severity::Hint,
        sentence: format!(
            "{count} of these {all} flows are older than the policies (changed {changed}): what became of them then says nothing about the policies now"
        ),
        source: None,
        at: cilium_policy::Position::default(),
        policy: String::new(),
        evidence: Vec::new(),
        fix: None,
        other: None,
    });
}

/// Id, sentence, and the denials that it is about.
type PeerLint<'l> = (&'static str, &'static str, &'l dyn Fn(&Denied) -> bool);

/// Peers that no rule of this kind can mean.
fn denied_peers(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    let own = set.settings().cluster_name.as_str();
    let is_local = set.settings().default_local_cluster();
    let groups: [PeerLint<'_>; 3] = [
        (
            "other-cluster",
            "pods of another cluster are refused: since Cilium 1.19, selectors without a cluster mean this one",
            &|denied| {
                is_local && denied.peer.k8s_label(CLUSTER).is_some_and(|cluster| cluster != own)
            },
        ),
        (
            "host-network-peer",
            "nodes are refused: pods on the host's network, and what a node masquerades (hostPort, NodePort), have the node's identity and no labels of their own",
            &|denied| denied.peer.is_node() && !denied.peer.is_reserved("kube-apiserver"),
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
                at: cilium_policy::Position::default(),
                policy: String::new(),
                evidence,
                fix: None,
                other: None,
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
                    && matches!(&r.operator, cilium_policy::Operator::In(values) if values.as_slice() == [own])
            });
            // Without a label of its own, a selector means nobody in particular.
            if implied.is_empty() || own.is_empty() || !said.iter().any(|r| r.key != CLUSTER) {
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
                other: None,
            });
        }
    }
}
