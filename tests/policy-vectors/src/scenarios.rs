//! One file of vectors: scenarios of policies, identities and flows with Cilium's answers, or
//! rows of DNS patterns or of expressions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cilium_policy::{
    Access, Authentication, Cause, Direction, Enforcement, HttpPattern, Identity, Judge, Label,
    NamePattern, NamedPorts, PolicySet, Release, Settings, SourceText, Traffic,
};
use serde_json::Value;

use crate::VectorsError;

/// Differences between a file's answers and the engine's.
#[derive(Debug, Default)]
pub struct Report {
    /// Directions that were judged; for patterns, rows.
    pub directions: usize,
    /// Verdicts, redirects and, for patterns, rows that differ, each as a text.
    pub mismatches: Vec<String>,
    /// Documents that are accepted where Cilium refuses them, or the other way round.
    pub document_mismatches: Vec<String>,
    /// Policies that Cilium names and that do not match at the winning rank here.
    pub attribution_mismatches: Vec<String>,
    /// Directions that rules decided.
    pub map_entries: usize,
    /// Map entries for which Cilium names other policies than [`Judge::map_entry`].
    pub map_entry_mismatches: Vec<String>,
}

/// Judges a file. Errors: a line that is neither a scenario nor a pattern.
pub fn run(text: &str) -> Result<Report, VectorsError> {
    let mut report = Report::default();
    for (line, row) in (1..).zip(text.lines()) {
        let value: Value =
            serde_json::from_str(row).map_err(|source| VectorsError::Json { line, source })?;
        if value.get("Kind").and_then(Value::as_str) == Some("regex") {
            expression(&value, &mut report);
        } else if value.get("Kind").is_some() {
            pattern(&value, &mut report);
        } else if value.get("flows").is_some() {
            scenario(&value, &mut report)
                .ok_or(VectorsError::Lacks { line, what: "a field of a scenario" })?;
        } else {
            return Err(VectorsError::Lacks { line, what: "a scenario or a pattern" });
        }
    }
    Ok(report)
}

fn pattern(row: &Value, report: &mut Report) {
    report.directions += 1;
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let parsed = if text("Kind") == "matchName" {
        NamePattern::of_name(text("Pattern"))
    } else {
        NamePattern::of_pattern(text("Pattern"))
    };
    let refusal = text("Err");
    let expected = row.get("Match").and_then(Value::as_bool).filter(|_| refusal.is_empty());
    let ours = parsed.as_ref().ok().map(|pattern| pattern.matches(text("Name")));
    let agrees = match (&parsed, expected) {
        (Err(err), None) => err.to_string().contains(refusal),
        _ => ours == expected,
    };
    if !agrees {
        report.mismatches.push(format!("{row}\n  ours: {parsed:?} {ours:?}"));
    }
}

/// Checks an expression against Go's `regexp`: refusal and matches of whole texts.
fn expression(row: &Value, report: &mut Report) {
    report.directions += 1;
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let expected =
        row.get("Match").and_then(Value::as_bool).filter(|_| row.get("Err").is_none()).map(Some);
    let ours = HttpPattern::new(text("Pattern")).map(|pattern| pattern.matches(text("Name")));
    if ours.as_ref().ok() != expected.as_ref() {
        report.mismatches.push(format!("{row}\n  ours: {ours:?}"));
    }
}

/// The scenarios of a file with their policies reduced to what verdicts read, and the number of texts that are
/// as they were, because a document in them cannot be reduced.
///
/// Errors: a line that is not JSON.
pub fn reduced(text: &str) -> Result<(String, usize), VectorsError> {
    let (mut lines, mut whole) = (String::new(), 0);
    for (line, row) in (1..).zip(text.lines()) {
        let mut row: Value =
            serde_json::from_str(row).map_err(|source| VectorsError::Json { line, source })?;
        let policies = row.get_mut("policies").and_then(Value::as_array_mut);
        for policy in policies.into_iter().flatten() {
            if let Value::String(text) = policy {
                let reduced = cilium_policy::reduce(text);
                if reduced.unreduced.is_empty() {
                    *text = reduced.text;
                } else {
                    whole += 1;
                }
            }
        }
        lines.push_str(&row.to_string());
        lines.push('\n');
    }
    Ok((lines, whole))
}

/// The settings of a scenario.
#[must_use]
pub fn settings(scenario: &Value) -> Settings {
    let flag = |key: &str| scenario.get(key).and_then(Value::as_bool).unwrap_or(false);
    let modes: Vec<&str> = scenario
        .get("cidrMatchMode")
        .and_then(Value::as_array)
        .map(|modes| modes.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    Settings {
        enforcement: match scenario.get("mode").and_then(Value::as_str) {
            Some("always") => Enforcement::Always,
            Some("never") => Enforcement::Never,
            _ => Enforcement::Default,
        },
        allow_localhost: flag("allowLocalhost"),
        ipv4: true,
        ipv6: flag("dualStack"),
        cluster_name: scenario
            .get("clusterName")
            .and_then(Value::as_str)
            .unwrap_or("default")
            .to_owned(),
        default_local_cluster: Some(!flag("anyCluster")),
        host_firewall: flag("enableHostFirewall"),
        cidr_matches_nodes: modes.contains(&"nodes"),
        cidr_matches_pods: modes.contains(&"pods"),
        node_selector_labels: flag("enableNodeSelectorLabels"),
        extended_ip_protocols: !flag("noExtendedIPProtocols"),
        services_are_empty: true,
        api_server: false,
        namespace: "default".to_owned(),
        release: Release::MAIN,
        ..Settings::default()
    }
}

/// The policies of a scenario, compiled.
#[must_use]
pub fn policies(scenario: &Value) -> Option<PolicySet> {
    let texts: Vec<SourceText<'_>> = scenario
        .get("policies")?
        .as_array()?
        .iter()
        .enumerate()
        .filter_map(|(index, text)| Some(SourceText { index, text: text.as_str()? }))
        .collect();
    Some(PolicySet::read(&texts, settings(scenario)))
}

/// The identities of a scenario by name.
#[must_use]
pub fn identities(scenario: &Value) -> Option<BTreeMap<String, Identity>> {
    let dual_stack = settings(scenario).ipv6;
    let identities = scenario.get("identities")?.as_object()?.iter().map(|(name, labels)| {
        let labels = labels
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(|label| label.as_str().map(Label::parse));
        (name.clone(), Identity::of_labels(labels, dual_stack))
    });
    Some(identities.collect())
}

/// Protocol and port of a flow.
#[must_use]
pub fn traffic(flow: &Value) -> Option<Traffic> {
    let protocol = match flow.get("proto")?.as_str()? {
        "TCP" => 6,
        "UDP" => 17,
        "SCTP" => 132,
        "ICMP" => 1,
        "ICMPv6" => 58,
        "VRRP" => 112,
        "IGMP" => 2,
        "GRE" => 47,
        "IPIP" => 4,
        "IPv6" => 41,
        "ESP" => 50,
        "AH" => 51,
        _ => return None,
    };
    Some(Traffic::new(protocol, u16::try_from(flow.get("port")?.as_u64()?).ok()?))
}

/// Named ports of a flow's destination.
#[must_use]
pub fn named_ports(flow: &Value) -> Vec<(String, u8, u16)> {
    let mut ports = Vec::new();
    for (key, protocol) in [("namedTCP", 6), ("namedUDP", 17)] {
        if let Some(named) = flow.get(key).and_then(Value::as_object) {
            ports.extend(named.iter().filter_map(|(name, port)| {
                Some((name.clone(), protocol, u16::try_from(port.as_u64()?).ok()?))
            }));
        }
    }
    ports
}

fn scenario(scenario: &Value, report: &mut Report) -> Option<()> {
    let name = scenario.get("name")?.as_str()?;
    let set = Arc::new(policies(scenario)?);
    check_refusals(name, scenario, &set, report);
    let knows_peers = scenario.get("egressNamedPorts").and_then(Value::as_bool).unwrap_or(false);
    let identities = identities(scenario)?;
    let judge = Judge::new(Arc::clone(&set));
    for flow in scenario.get("flows")?.as_array()? {
        let traffic = traffic(flow)?;
        let named = named_ports(flow);
        let from = identities.get(flow.get("from")?.as_str()?)?;
        let to = identities.get(flow.get("to")?.as_str()?)?;
        // The library by itself knows no named ports of peers.
        let of_peers = if knows_peers { named.as_slice() } else { &[] };
        for (direction, subject, peer, named) in [
            (Direction::Egress, from, to, of_peers),
            (Direction::Ingress, to, from, named.as_slice()),
        ] {
            let refusal = flow.get(format!("{}Error", direction.name()));
            let expected = match (flow.get(direction.name()), refusal) {
                (Some(expected), _) => Some(expected),
                (None, Some(_)) => None,
                (None, None) => continue,
            };
            report.directions += 1;
            let access = Access::new(subject, peer, direction, traffic)
                .with_named_ports(NamedPorts::Known(named));
            let explanation = judge.explain(access);
            let decision = explanation.decision;
            let ours = decision.verdict.name();
            let show = || {
                format!(
                    "{name}: {direction:?} {flow}\n  from {:?}\n  to {:?}\n  ours: {explanation:?}\n{}",
                    scenario.get("identities").and_then(|i| i.get(flow.get("from")?.as_str()?)),
                    scenario.get("identities").and_then(|i| i.get(flow.get("to")?.as_str()?)),
                    scenario
                        .get("policies")
                        .and_then(Value::as_array)
                        .map(|p| p.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))
                        .unwrap_or_default()
                )
            };
            let Some(expected) = expected else {
                if decision.cause != Cause::Unresolvable {
                    report.mismatches.push(show());
                }
                continue;
            };
            let theirs = expected.get("v").and_then(Value::as_str)?;
            let redirect = expected.get("redirect").and_then(Value::as_bool).unwrap_or(false);
            if ours != theirs || decision.is_redirect != redirect {
                report.mismatches.push(show());
                continue;
            }
            let reserved = |what: &str| format!("reserved:{what}-{}", direction.name());
            let ours_by: Vec<String> = match decision.cause {
                Cause::Entry(_) => explanation
                    .deciding
                    .iter()
                    .filter_map(|rule| set.policy_of(rule.entry))
                    .map(|policy| policy.name.to_string())
                    .collect(),
                Cause::DefaultAllow | Cause::NotSelected | Cause::EnforcementOff => {
                    vec![reserved("allow-any")]
                }
                Cause::AllowLocalhost => vec![reserved("allow-localhost")],
                Cause::DefaultDeny => vec![reserved("deny-any")],
                Cause::MissingFact | Cause::Unresolvable | Cause::FragmentationNeeded => Vec::new(),
            };
            let by: BTreeSet<&str> = expected
                .get("by")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            if !by.iter().all(|by| ours_by.iter().any(|name| name == by)) {
                report.attribution_mismatches.push(show());
            }
            if let Some(entry) = judge.map_entry(access)
                && !by.is_empty()
            {
                let policies = entry.rules.iter().filter_map(|rule| set.policy_of(*rule));
                let named: BTreeSet<String> = policies.map(|p| p.name.to_string()).collect();
                report.map_entries += 1;
                let auth = match entry.authentication {
                    Some(Authentication::Required) => Some("spire"),
                    Some(Authentication::AlwaysFail) => Some("test-always-fail"),
                    _ => None,
                };
                let is_other = auth != expected.get("auth").and_then(Value::as_str);
                if is_other || !named.iter().map(String::as_str).eq(by) {
                    report.map_entry_mismatches.push(format!("{named:?}\n{}", show()));
                }
            }
        }
    }
    Some(())
}

/// The same documents are refused; the words are not compared.
fn check_refusals(name: &str, scenario: &Value, set: &PolicySet, report: &mut Report) {
    let empty = serde_json::Map::new();
    let expected = scenario.get("parseErrors").and_then(Value::as_object).unwrap_or(&empty);
    let mut ours: BTreeMap<String, String> = BTreeMap::new();
    for refused in set.refused() {
        let key = if refused.name.is_empty() {
            refused.document.to_string()
        } else {
            format!("{}:{}", refused.document, refused.name)
        };
        ours.insert(key, refused.refusal.to_string());
    }
    for (key, reason) in expected {
        if ours.remove(key).is_none() {
            report
                .document_mismatches
                .push(format!("{name}: document {key} is refused: {reason}\n{scenario}"));
        }
    }
    for (key, reason) in ours {
        report
            .document_mismatches
            .push(format!("{name}: document {key} is accepted; ours: {reason}\n{scenario}"));
    }
}
