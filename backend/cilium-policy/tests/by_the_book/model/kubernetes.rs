//! `NetworkPolicy` and `ClusterNetworkPolicy`, read into the same rules.

use serde_json::Value;

use super::{
    ALLOW, Agent, DENY, L3, NAMESPACE, PASS, Range, Rule, Test, all, cidr_test, exactly, exists,
    items, local_cluster, protocols, range, text, written,
};

/// Keys without a source are of Kubernetes here.
fn k8s_keys(selector: &Value, prefix: &str) -> Vec<(String, String, Vec<String>)> {
    let with_prefix =
        |(key, op, values): (String, _, _)| (format!("k8s:{prefix}{key}"), op, values);
    written(selector).into_iter().map(with_prefix).collect()
}

fn namespaces(selector: &Value) -> Vec<(String, String, Vec<String>)> {
    let own = k8s_keys(selector, "io.cilium.k8s.namespace.labels.");
    if own.is_empty() { vec![exists(&format!("k8s:{NAMESPACE}"))] } else { own }
}

pub(super) fn kubernetes<'d>(document: &'d Value, agent: Agent, rules: &mut Vec<Rule<'d>>) {
    let spec = &document["spec"];
    let namespace = text(&document["metadata"], "namespace");
    let pods_here = |selector: &Value| {
        let mut own = k8s_keys(selector, "");
        own.push(exactly(&format!("k8s:{NAMESPACE}"), namespace));
        own
    };
    let types: Vec<&str> = items(spec, "policyTypes").iter().filter_map(Value::as_str).collect();
    for (list, is_ingress, side) in [("ingress", true, "from"), ("egress", false, "to")] {
        let mut add = |l3, l4| {
            rules.push(Rule {
                is_ingress,
                rank: (200, 0, ALLOW),
                subject: all(pods_here(&spec["podSelector"])),
                is_node: false,
                default_deny: true,
                l3,
                l4,
            });
        };
        for rule in items(spec, list) {
            let l4 = || match items(rule, "ports") {
                [] => None,
                ports => Some(
                    ports
                        .iter()
                        .map(|port| {
                            let protocol = match text(port, "protocol") {
                                "" => "TCP",
                                name => name,
                            };
                            let number = match &port["port"] {
                                Value::String(name) => name.clone(),
                                Value::Number(number) => number.to_string(),
                                _ => "0".to_owned(),
                            };
                            let end = port["endPort"].as_u64().unwrap_or(0);
                            (protocols(protocol), range(&number, end))
                        })
                        .collect(),
                ),
            };
            let peers = items(rule, side);
            if peers.is_empty() {
                add(L3::Any(vec![Box::new(|_| true)]), l4());
            }
            for peer in peers {
                let test: Test<'d> = if let Some(block) = peer.get("ipBlock") {
                    cidr_test(text(block, "cidr"), items(block, "except"), agent)
                } else {
                    let mut own = match peer.get("namespaceSelector") {
                        Some(selector) => {
                            let mut own = namespaces(selector);
                            own.extend(k8s_keys(&peer["podSelector"], ""));
                            own
                        }
                        None => pods_here(&peer["podSelector"]),
                    };
                    own.push(local_cluster());
                    all(own)
                };
                add(L3::Any(vec![test]), l4());
            }
        }
        let listed = |name: &str| types.contains(&name);
        let is_isolated =
            if is_ingress { listed("Ingress") || !listed("Egress") } else { listed("Egress") };
        if items(spec, list).is_empty() && is_isolated {
            add(L3::Nobody, None);
        }
    }
}

pub(super) fn cluster<'d>(document: &'d Value, agent: Agent, rules: &mut Vec<Rule<'d>>) {
    let spec = &document["spec"];
    let tier = if text(spec, "tier") == "Baseline" { 250 } else { 100 };
    let subject = || {
        if let Some(selector) = spec["subject"].get("namespaces") {
            all(namespaces(selector))
        } else {
            let pods = &spec["subject"]["pods"];
            let mut own = namespaces(&pods["namespaceSelector"]);
            own.extend(k8s_keys(&pods["podSelector"], ""));
            all(own)
        }
    };
    for (list, is_ingress, side) in [("ingress", true, "from"), ("egress", false, "to")] {
        for (index, rule) in items(spec, list).iter().enumerate() {
            let action = match text(rule, "action") {
                "Deny" => DENY,
                "Pass" => PASS,
                _ => ALLOW,
            };
            let priority =
                spec["priority"].as_i64().unwrap_or(0) * 100 + i64::try_from(index).unwrap();
            let peers: Vec<Test<'d>> =
                items(rule, side).iter().flat_map(|peer| cluster_peer(peer, agent)).collect();
            rules.push(Rule {
                is_ingress,
                rank: (tier, priority, action),
                subject: subject(),
                is_node: false,
                default_deny: false,
                l3: L3::Any(peers),
                l4: cluster_l4(rule),
            });
        }
    }
}

fn cluster_peer(peer: &Value, agent: Agent) -> Vec<Test<'_>> {
    if let Some(selector) = peer.get("namespaces") {
        return vec![all(namespaces(selector))];
    }
    if let Some(pods) = peer.get("pods") {
        let mut own = namespaces(&pods["namespaceSelector"]);
        own.extend(k8s_keys(&pods["podSelector"], ""));
        own.push(local_cluster());
        return vec![all(own)];
    }
    items(peer, "networks")
        .iter()
        .map(|cidr| cidr_test(cidr.as_str().unwrap(), &[], agent))
        .collect()
}

fn cluster_l4(rule: &Value) -> Option<Vec<(Vec<u8>, Range)>> {
    let protocols_of = items(rule, "protocols");
    if protocols_of.is_empty() {
        return None;
    }
    let mut ports = Vec::new();
    for item in protocols_of {
        if let Some(name) = item["destinationNamedPort"].as_str() {
            ports.push((protocols("ANY"), Range::Named(name.to_owned())));
            continue;
        }
        for own in ["tcp", "udp", "sctp"] {
            let Some(object) = item.get(own) else { continue };
            let port = &object["destinationPort"];
            let number = |value: &Value| u16::try_from(value.as_u64().unwrap()).unwrap();
            let range = if let Some(bounds) = port.get("range") {
                Range::Numbers(number(&bounds["start"]), number(&bounds["end"]))
            } else if port.get("number").is_some() {
                Range::Numbers(number(&port["number"]), number(&port["number"]))
            } else {
                Range::All
            };
            ports.push((protocols(own), range));
        }
    }
    Some(ports)
}
