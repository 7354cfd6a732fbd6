//! Lints that recorded flows give evidence for.

use cilium_policy::{
    Action, Direction, Entry, Finding, Judge, NamePattern, PeerMatcher, Peers, PolicySet, Severity,
    identity_label::CLUSTER,
    lints::{
        ApiserverIngress, DefaultDenyWithoutRules, DenyOnly, EmptyDirection, FqdnNotInDnsRules,
        FqdnWithoutDnsRule, NoDnsEgress,
    },
    sorted::sort,
};
use flow::Flow;

use super::{
    MAX_EVIDENCE,
    registry::{
        CidrInsideCluster, DnsSearchList, HostNetworkPeer, NodeLocalDns, OlderFlows, OtherCluster,
        PeerInOtherNamespace, RuleNeverHit, SelectsNobodySeen, SharedAddress, UnselectedEndpoints,
    },
    seen::{AnsweredQuery, RefusedQuery, Seen, UndecidedConnection},
};

/// Looks at flows: removes findings that they disprove, adds evidence to others, and adds findings.
pub(super) fn lint(judge: &Judge, flows: &[Flow], findings: &mut Vec<Finding>) {
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

/// Refused queries, as evidence for names of `toFQDNs` and as findings about the search list.
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
            .map(RefusedQuery::line)
            .take(MAX_EVIDENCE)
            .collect();
        for finding in findings.iter_mut() {
            let is_it = finding.at == at
                && (finding.is::<FqdnWithoutDnsRule>() || finding.is::<FqdnNotInDnsRules>())
                && policy.as_ref().is_some_and(|(_, name)| *name == finding.policy);
            if is_it {
                finding.evidence.clone_from(&evidence);
                if !evidence.is_empty() && finding.is::<FqdnNotInDnsRules>() {
                    finding.fix = Some(whole_lookup(&seen.lists.patterns(&pattern.text), pattern));
                }
            }
        }
    }
    // A query with a suffix of the search list comes before the query for the name itself.
    let extended = seen.refused.iter().filter(|(refused, _)| refused.is_extended());
    let evidence: Vec<String> = extended.map(RefusedQuery::line).take(MAX_EVIDENCE).collect();
    if !evidence.is_empty() {
        let sentence = "names that the search list extends are refused: musl (Alpine) gives up at the first refusal";
        let finding = Finding::of::<DnsSearchList>(sentence.to_owned());
        findings.push(finding.with_evidence(evidence));
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

/// Prefixes that hold addresses of pods or nodes whose flows are refused.
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
                .map(UndecidedConnection::line)
                .take(MAX_EVIDENCE)
                .collect();
            if evidence.is_empty() {
                continue;
            }
            // A prefix of every address means the whole world, or everyone.
            let severity = if prefix.is_everything() { Severity::Hint } else { Severity::Error };
            let sentence = format!(
                "{prefix} holds addresses of pods or nodes, which CIDR rules do not match: select them by labels or entities"
            );
            let finding = Finding::of::<CidrInsideCluster>(sentence)
                .graded(severity)
                .in_policy(set.policies().get(entry.policy), peer.at);
            findings.push(finding.with_evidence(evidence));
        }
    }
}

/// Policies that select none of the endpoints seen, and rules that decided no flow, as far as the flows can show it.
fn unused(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    for (id, policy) in set.policies().numbered() {
        let mut entries = set.entries().iter().filter(|entry| entry.policy == id).peekable();
        let namespace = policy.name.namespace.as_str();
        // Flows of other namespaces or of a single pod prove nothing about the other pods.
        if entries.peek().is_none() || seen.pods_of(namespace) < 2 {
            continue;
        }
        let selects_no_endpoint = |entry: &Entry| {
            !entry.is_node && !seen.has(|endpoint| entry.subject.matches(endpoint.labels()))
        };
        if entries.all(selects_no_endpoint) {
            let sentence = "no endpoint of these flows is selected by this policy";
            let finding = Finding::of::<SelectsNobodySeen>(sentence.to_owned());
            findings.push(finding.in_policy(Some(policy), policy.at));
        }
    }
    for (id, entry) in set.rules() {
        let is_hit = seen.decided.contains(&id);
        // Flows filtered by verdict do not show which rules decided the other flows.
        if !is_hit && matches!(entry.peers, Peers::Any(_)) && seen.shows(entry) {
            let sentence = format!("`{}` decided about none of these flows", entry.clause);
            let policy = set.policies().get(entry.policy);
            findings.push(Finding::of::<RuleNeverHit>(sentence).in_policy(policy, entry.at));
        }
    }
}

/// Adds the flows that the fix of a finding would change, where the fix turns default deny on or off. Where it
/// would let refused flows pass, the fix goes: the smallest fix of these flows is better.
fn what_fixes_change(set: &PolicySet, seen: &Seen, findings: &mut [Finding]) {
    for finding in findings {
        let (flows, becomes) = if finding.is::<DenyOnly>() {
            (&seen.denied, "is refused by default")
        } else if finding.is::<EmptyDirection>() || finding.is::<DefaultDenyWithoutRules>() {
            (&seen.unselected, "passes, and would be refused")
        } else {
            continue;
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
        if finding.is::<DenyOnly>() && !evidence.is_empty() {
            finding.fix = None;
            finding.message.push_str("; the smallest fix lets these flows pass and no others");
        }
        finding.evidence = evidence;
    }
}

/// Whether the flows disprove a finding.
fn is_disproved(finding: &Finding, set: &PolicySet, seen: &Seen) -> bool {
    let of_policy = || {
        set.entries().iter().filter(|entry| {
            set.policies().get(entry.policy).is_some_and(|policy| {
                Some(policy.source) == finding.source && policy.name.to_string() == finding.policy
            })
        })
    };
    let is_by = |entry: &Entry, query: &AnsweredQuery| {
        entry.direction == Direction::Egress && entry.subject.matches(query.by.labels())
    };
    let mut queries = seen.answered.iter();
    if finding.is::<NoDnsEgress>() || finding.is::<FqdnWithoutDnsRule>() {
        return queries.any(|query| of_policy().any(|entry| is_by(entry, query)));
    }
    if finding.is::<FqdnNotInDnsRules>() {
        return of_policy().any(|entry| {
            let Peers::Any(peers) = &entry.peers else { return false };
            let mut meant = peers.iter().filter(|peer| peer.at == finding.at);
            meant.any(|peer| match &peer.matcher {
                PeerMatcher::Name(pattern) => {
                    queries.any(|query| is_by(entry, query) && pattern.matches(&query.name))
                }
                _ => false,
            })
        });
    }
    finding.is::<ApiserverIngress>() && seen.has_apiserver_client
}

/// Addresses with several names: a rule for one name allows the others too.
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
            let sentence = format!(
                "`{pattern}` shares addresses with other names: allowing it allows them (cilium#31803)"
            );
            let policy = set.policies().get(entry.policy);
            let finding = Finding::of::<SharedAddress>(sentence).in_policy(policy, peer.at);
            findings.push(finding.with_evidence(evidence));
        }
    }
}

/// Endpoints that no policy selects.
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
    let sentence = format!(
        "no policy is about {} of the endpoints and directions seen: everything passes there",
        seen.open.len()
    );
    findings.push(Finding::of::<UnselectedEndpoints>(sentence).with_evidence(evidence));
}

/// Flows that are older than the policies, and therefore no evidence about them.
fn older(seen: &Seen, flows: &[Flow], findings: &mut Vec<Finding>) {
    let (count, Some(changed)) = seen.older else { return };
    let all: u64 = flows.iter().map(Flow::stands_for).sum();
    findings.push(Finding::of::<OlderFlows>(format!(
        "{count} of these {all} flows are older than the policies (changed {changed}): what became of them then says nothing about the policies now"
    )));
}

/// Constructor of a finding, its sentence, and a test for the refused connections that are its evidence.
type PeerLint<'l> = (fn(String) -> Finding, &'static str, &'l dyn Fn(&UndecidedConnection) -> bool);

/// Refused peers that selectors of pods cannot match: of other clusters, nodes, node-local DNS.
fn denied_peers(set: &PolicySet, seen: &Seen, findings: &mut Vec<Finding>) {
    let own = set.settings().cluster_name.as_str();
    let is_local = set.settings().default_local_cluster();
    let groups: [PeerLint<'_>; 3] = [
        (
            Finding::of::<OtherCluster>,
            "pods of another cluster are refused: since Cilium 1.19, selectors without a cluster mean this one",
            &|denied| {
                is_local && denied.peer.k8s_label(CLUSTER).is_some_and(|cluster| cluster != own)
            },
        ),
        (
            Finding::of::<HostNetworkPeer>,
            "nodes are refused: pods on the host's network, and what a node masquerades (hostPort, NodePort), have the node's identity and no labels of their own",
            &|denied| denied.peer.is_node() && !denied.peer.is_reserved("kube-apiserver"),
        ),
        (
            Finding::of::<NodeLocalDns>,
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
    for (of, sentence, is_meant) in groups {
        let mut evidence: Vec<String> = seen
            .denied
            .iter()
            .filter(|denied| is_meant(denied))
            .map(UndecidedConnection::line)
            .collect();
        sort(&mut evidence);
        evidence.dedup();
        evidence.truncate(MAX_EVIDENCE);
        if !evidence.is_empty() {
            findings.push(of(sentence.to_owned()).with_evidence(evidence));
        }
    }
}

/// Refused pods of another namespace that have all labels of a selector without a namespace.
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
            // Only a selector with a label of its own means certain pods.
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
                .map(UndecidedConnection::line)
                .collect();
            sort(&mut evidence);
            evidence.dedup();
            evidence.truncate(MAX_EVIDENCE);
            if evidence.is_empty() {
                continue;
            }
            let sentence = format!(
                "a selector that names no namespace means `{own}` alone; pods of another namespace with these labels are refused"
            );
            let finding = Finding::of::<PeerInOtherNamespace>(sentence);
            findings.push(finding.in_policy(Some(policy), peer.at).with_evidence(evidence));
        }
    }
}
