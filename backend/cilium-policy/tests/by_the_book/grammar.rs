//! Random policies, wide: every kind, every field that decides, and the traps among them.

use serde_json::{Value, json};

use super::model::{Agent, OwnLabel};

/// Numbers that look random and are the same in every run (xorshift).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() >> 33).unwrap() % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn list(&mut self, most: usize, make: impl Fn(&mut Self) -> Value) -> Value {
        let count = self.below(most + 1);
        (0..count).map(|_| make(self)).collect::<Vec<_>>().into()
    }
}

/// Everybody who sends or receives.
pub(crate) fn cast(dual_stack: bool) -> Vec<Vec<OwnLabel>> {
    let label = |text: &str| {
        let (source, rest) = text.split_once(':').unwrap();
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        (source.to_owned(), key.to_owned(), value.to_owned())
    };
    let of = |texts: &[&str]| texts.iter().map(|text| label(text)).collect::<Vec<_>>();
    let pod = |namespace: &str, own: &[&str], cluster: &str| {
        let mut labels = of(own);
        labels.push(label(&format!("k8s:io.kubernetes.pod.namespace={namespace}")));
        labels.push(label(&format!("k8s:io.cilium.k8s.policy.cluster={cluster}")));
        labels.push(label(&format!("k8s:io.cilium.k8s.namespace.labels.team={namespace}")));
        labels.push(label(&format!(
            "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name={namespace}"
        )));
        labels.push(label("k8s:io.cilium.k8s.policy.serviceaccount=default"));
        labels
    };
    let world = |v4: bool| match (dual_stack, v4) {
        (false, _) => "reserved:world",
        (true, true) => "reserved:world-ipv4",
        (true, false) => "reserved:world-ipv6",
    };
    vec![
        pod("one", &["k8s:app=a", "k8s:env=dev"], "default"),
        pod("one", &["k8s:app=b"], "default"),
        pod("two", &["k8s:app=a", "k8s:env=prod"], "default"),
        pod("two", &["k8s:app=b", "container:tier=x"], "default"),
        pod("one", &["k8s:app=b"], "other"),
        of(&["reserved:host"]),
        of(&["reserved:host", "reserved:kube-apiserver"]),
        of(&["reserved:remote-node"]),
        of(&["reserved:remote-node", "reserved:kube-apiserver", "cidr:10.9.0.1/32"]),
        of(&["reserved:health"]),
        of(&["reserved:ingress"]),
        of(&["reserved:init"]),
        of(&["reserved:unmanaged"]),
        of(&[world(true)]),
        of(&[world(true), "cidr:10.1.2.3/32"]),
        of(&[world(true), "cidr:10.1.0.0/16"]),
        of(&[world(true), "cidr:1.1.1.1/32", "fqdn:*.x.io", "fqdn:a.x.io"]),
        of(&[world(false), "cidr:2001-db8--1/128"]),
        of(&[world(true), "reserved:kube-apiserver", "cidr:10.2.0.1/32"]),
    ]
}

/// What flows: protocol and port or ICMP type.
pub(crate) const TRAFFIC: &[(u8, u16)] = &[
    (6, 80),
    (6, 8080),
    (6, 443),
    (17, 80),
    (17, 53),
    (132, 80),
    (1, 8),
    (1, 0),
    (1, 11),
    (58, 128),
    (58, 129),
    (47, 0),
];

pub(crate) fn agent(dice: &mut Dice) -> Agent {
    Agent {
        mode: dice.pick(&["default", "default", "default", "default", "always", "never"]),
        allow_localhost: !dice.one_in(4),
        dual_stack: dice.one_in(3),
        host_firewall: dice.one_in(3),
        cidr_nodes: dice.one_in(5),
    }
}

pub(crate) fn documents(dice: &mut Dice) -> Vec<Value> {
    let mut documents = vec![
        json!({"kind": "CiliumCIDRGroup", "metadata": {"name": "g1", "labels": {"zone": "in"}}, "spec": {"externalCIDRs": ["10.1.0.0/16", "2001:db8::/32"]}}),
        json!({"kind": "CiliumCIDRGroup", "metadata": {"name": "g2", "labels": {"zone": "out"}}, "spec": {"externalCIDRs": ["1.1.1.1/32"]}}),
    ];
    for number in 0..=dice.below(4) {
        let name = format!("p{number}");
        let document = match dice.below(6) {
            0 => kubernetes(dice, &name),
            1 => cluster(dice, &name),
            _ => cilium(dice, &name),
        };
        documents.push(document);
    }
    documents
}

fn selector(dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 | 1 => json!({}),
        2 => json!({"matchLabels": {"app": "a"}}),
        3 => json!({"matchLabels": {"k8s:app": "b"}}),
        4 => json!({"matchLabels": {"any:app": "a", "env": "dev"}}),
        5 => json!({"matchLabels": {"container:tier": "x"}}),
        6 => json!({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["dev"]}]}),
        7 => json!({"matchExpressions": [{"key": "env", "operator": "Exists"}]}),
        8 => json!({"matchExpressions": [{"key": "k8s:env", "operator": "DoesNotExist"}]}),
        9 => {
            json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]})
        }
        10 => json!({"matchLabels": {"io.cilium.k8s.policy.serviceaccount": "default"}}),
        11 => {
            json!({"matchLabels": {"app": "b"}, "matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]})
        }
        12 => json!({"matchLabels": {"kubernetes.io/metadata.name": "two"}}),
        _ => json!({"matchLabels": {"k8s:io.kubernetes.pod.namespace": "two"}}),
    }
}

/// A selector of peers may also name namespaces, clusters and what is reserved.
fn peer_selector(dice: &mut Dice) -> Value {
    match dice.below(16) {
        0 => json!({"matchLabels": {"io.kubernetes.pod.namespace": "two", "app": "a"}}),
        1 => json!({"matchLabels": {"k8s:io.cilium.k8s.namespace.labels.team": "two"}}),
        2 => json!({"matchLabels": {"io.cilium.k8s.policy.cluster": "other"}}),
        3 => {
            json!({"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]})
        }
        4 => {
            json!({"matchExpressions": [{"key": "io.cilium.k8s.policy.cluster", "operator": "Exists"}]})
        }
        5 => json!({"matchLabels": {"reserved:world": ""}}),
        6 => json!({"matchExpressions": [{"key": "reserved:host", "operator": "Exists"}]}),
        7 => json!({"matchExpressions": [{"key": "reserved:host", "operator": "DoesNotExist"}]}),
        8 => {
            json!({"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["one"]}]})
        }
        _ => selector(dice),
    }
}

fn cidr(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.2.3/32",
        "1.1.1.0/24",
        "2001:db8::/32",
        "10.9.0.0/16",
    ])
}

fn port(dice: &mut Dice) -> Value {
    let number = dice.pick(&["80", "443", "0", "8080", "web", "dns", "0120", "53", "70"]);
    let mut port = json!({"port": number});
    if let Some(protocol) = dice.pick(&[
        None,
        Some("TCP"),
        Some("TCP"),
        Some("UDP"),
        Some("ANY"),
        Some("SCTP"),
        Some("tcp"),
    ]) {
        port["protocol"] = protocol.into();
    }
    if dice.one_in(4) {
        port["endPort"] = dice.pick(&[90, 500, 9000, 10, 0]).into();
    }
    port
}

fn ports(dice: &mut Dice, rule: &mut Value, is_ingress: bool, is_deny: bool) {
    match dice.below(8) {
        0..=2 => {}
        3 => {
            let field = |dice: &mut Dice| {
                dice.pick(&[
                    json!({"type": 8}),
                    json!({"type": "EchoRequest", "family": "IPv4"}),
                    json!({"type": "EchoRequest", "family": "IPv6"}),
                    json!({"type": 129, "family": "IPv6"}),
                    json!({"type": "EchoReply", "family": "IPv6"}),
                    json!({"type": "EchoReply"}),
                    json!({"type": "TimeExceeded"}),
                    json!({"type": 0, "family": "IPv6"}),
                ])
            };
            let fields: Vec<Value> = (0..=dice.below(2)).map(|_| field(dice)).collect();
            rule["icmps"] = json!([{ "fields": fields }]);
        }
        4 if !is_deny && !is_ingress => {
            rule["toPorts"] = json!([{"ports": [{"port": "53", "protocol": "UDP"}], "rules": {"dns": [{"matchPattern": "*"}]}}]);
        }
        5 if !is_deny => {
            rule["toPorts"] = json!([{"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"path": "/"}]}}]);
        }
        6 => rule["toPorts"] = dice.pick(&[json!([]), json!([{"ports": []}])]),
        _ => {
            let item = |dice: &mut Dice| {
                let own: Vec<Value> = (0..=dice.below(2)).map(|_| port(dice)).collect();
                json!({ "ports": own })
            };
            let items: Vec<Value> = (0..=dice.below(1)).map(|_| item(dice)).collect();
            rule["toPorts"] = items.into();
        }
    }
}

fn cilium_rule(dice: &mut Dice, side: &str, is_deny: bool) -> Value {
    let mut rule = json!({});
    let field = |name: &str| format!("{side}{name}");
    match dice.below(12) {
        0 => {}
        1 => {
            let name = dice.pick(&["Endpoints", "Entities", "CIDR", "CIDRSet"]);
            rule[field(name)] = json!([]);
        }
        2..=4 => {
            let own: Vec<Value> = (0..=dice.below(2)).map(|_| peer_selector(dice)).collect();
            rule[field("Endpoints")] = own.into();
        }
        5 | 6 => {
            let entity = |dice: &mut Dice| -> Value {
                dice.pick(&[
                    "all",
                    "world",
                    "world-ipv4",
                    "world-ipv6",
                    "cluster",
                    "cluster-mesh",
                    "host",
                    "remote-node",
                    "health",
                    "init",
                    "ingress",
                    "unmanaged",
                    "none",
                    "kube-apiserver",
                ])
                .into()
            };
            let own: Vec<Value> = (0..=dice.below(2)).map(|_| entity(dice)).collect();
            rule[field("Entities")] = own.into();
        }
        7 => {
            let own: Vec<Value> = (0..=dice.below(2)).map(|_| cidr(dice).into()).collect();
            rule[field("CIDR")] = own.into();
        }
        8 | 9 => {
            let item = match dice.below(5) {
                0 => json!({"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}),
                1 => json!({"cidr": "0.0.0.0/0", "except": ["10.1.0.0/16", "1.1.1.1/32"]}),
                2 => json!({"cidrGroupRef": dice.pick(&["g1", "g2", "missing"])}),
                3 => json!({"cidrGroupRef": "g1", "except": ["10.1.2.0/24"]}),
                _ => {
                    json!({"cidrGroupSelector": {"matchLabels": {"zone": dice.pick(&["in", "out"])}}})
                }
            };
            rule[field("CIDRSet")] = json!([item]);
        }
        10 if side == "to" && !is_deny => {
            rule["toFQDNs"] = dice.pick(&[
                json!([{"matchPattern": "*.x.io"}]),
                json!([{"matchName": "a.x.io"}, {"matchName": "b.x.io"}]),
                json!([{"matchName": "b.x.io"}]),
            ]);
        }
        _ => rule[field("Endpoints")] = json!([{}]),
    }
    ports(dice, &mut rule, side == "from", is_deny);
    rule
}

fn cilium(dice: &mut Dice, name: &str) -> Value {
    let is_namespaced = dice.one_in(2);
    let spec = |dice: &mut Dice| {
        let mut spec = json!({});
        let is_node = !is_namespaced && dice.one_in(4);
        if is_node {
            spec["nodeSelector"] = dice.pick(&[json!({}), json!({"matchLabels": {"x": "y"}})]);
        } else {
            spec["endpointSelector"] = match dice.below(8) {
                0 => json!({"matchExpressions": [{"key": "reserved:init", "operator": "Exists"}]}),
                1 => json!({"matchLabels": {"reserved:health": ""}}),
                _ => selector(dice),
            };
        }
        for (list, side, is_deny) in [
            ("ingress", "from", false),
            ("ingressDeny", "from", true),
            ("egress", "to", false),
            ("egressDeny", "to", true),
        ] {
            if dice.one_in(2) {
                spec[list] = dice.list(2, |dice| {
                    let mut rule = cilium_rule(dice, side, is_deny);
                    if is_node {
                        // The proxy does not serve the node itself.
                        for item in rule["toPorts"].as_array_mut().into_iter().flatten() {
                            item.as_object_mut().unwrap().remove("rules");
                        }
                    }
                    rule
                });
            }
        }
        let is_empty = ["ingress", "ingressDeny", "egress", "egressDeny"]
            .iter()
            .all(|list| spec[list].as_array().is_none_or(Vec::is_empty));
        if is_empty {
            spec["ingress"] = json!([{}]);
        }
        if dice.one_in(3) {
            spec["enableDefaultDeny"] =
                json!({"ingress": dice.one_in(2), "egress": dice.one_in(2)});
        } else if dice.one_in(6) {
            spec["enableDefaultDeny"] = json!({"egress": false});
        }
        spec
    };
    let kind = if is_namespaced { "CiliumNetworkPolicy" } else { "CiliumClusterwideNetworkPolicy" };
    let mut document =
        json!({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": {"name": name}});
    if is_namespaced {
        document["metadata"]["namespace"] = dice.pick(&["one", "one", "two"]).into();
    }
    if dice.one_in(4) {
        document["specs"] = json!([spec(dice), spec(dice)]);
    } else {
        document["spec"] = spec(dice);
    }
    document
}

fn kubernetes(dice: &mut Dice, name: &str) -> Value {
    let plain = |dice: &mut Dice| {
        dice.pick(&[
            json!({}),
            json!({"matchLabels": {"app": "a"}}),
            json!({"matchLabels": {"app": "b"}}),
            json!({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["dev"]}]}),
            json!({"matchExpressions": [{"key": "env", "operator": "Exists"}]}),
        ])
    };
    let namespaces = |dice: &mut Dice| {
        dice.pick(&[
            json!({}),
            json!({"matchLabels": {"team": "one"}}),
            json!({"matchLabels": {"kubernetes.io/metadata.name": "two"}}),
            json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["one"]}]}),
        ])
    };
    let rule = |dice: &mut Dice, side: &str| {
        let mut rule = json!({});
        if dice.one_in(2) {
            rule["ports"] = dice.list(2, |dice| {
                dice.pick(&[
                    json!({"port": 80}),
                    json!({"port": 80, "protocol": "UDP"}),
                    json!({"protocol": "TCP"}),
                    json!({"port": "web"}),
                    json!({"port": 70, "endPort": 90, "protocol": "TCP"}),
                    json!({"port": 443, "protocol": "SCTP"}),
                    json!({}),
                ])
            });
        }
        if !dice.one_in(4) {
            rule[side] = dice.list(2, |dice| match dice.below(6) {
                0 => json!({"podSelector": plain(dice)}),
                1 => json!({"namespaceSelector": namespaces(dice)}),
                2 | 3 => json!({"namespaceSelector": namespaces(dice), "podSelector": plain(dice)}),
                4 => json!({"ipBlock": {"cidr": cidr(dice)}}),
                _ => json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
            });
        }
        rule
    };
    let mut spec = json!({"podSelector": plain(dice)});
    if dice.one_in(2) {
        spec["ingress"] = dice.list(2, |dice| rule(dice, "from"));
    }
    if dice.one_in(2) {
        spec["egress"] = dice.list(2, |dice| rule(dice, "to"));
    }
    if let Some(types) = dice.pick(&[
        None,
        Some(json!(["Ingress"])),
        Some(json!(["Egress"])),
        Some(json!(["Ingress", "Egress"])),
        Some(json!([])),
    ]) {
        spec["policyTypes"] = types;
    }
    let namespace = dice.pick(&["one", "two"]);
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn cluster(dice: &mut Dice, name: &str) -> Value {
    let namespaces = |dice: &mut Dice| {
        dice.pick(&[
            json!({}),
            json!({"matchLabels": {"team": "one"}}),
            json!({"matchLabels": {"team": "two"}}),
        ])
    };
    let pods = |dice: &mut Dice| {
        let own = dice.pick(&[json!({}), json!({"matchLabels": {"app": "a"}})]);
        json!({"namespaceSelector": namespaces(dice), "podSelector": own})
    };
    let rule = |dice: &mut Dice, side: &str| {
        let peer = |dice: &mut Dice| match dice.below(if side == "to" { 4 } else { 3 }) {
            0 | 1 => json!({"namespaces": namespaces(dice)}),
            2 => json!({"pods": pods(dice)}),
            _ => json!({"networks": [cidr(dice)]}),
        };
        let peers: Vec<Value> = (0..=dice.below(1)).map(|_| peer(dice)).collect();
        let mut rule = json!({"action": dice.pick(&["Accept", "Deny", "Pass"]), side: peers});
        if dice.one_in(2) {
            rule["protocols"] = json!([dice.pick(&[
                json!({"tcp": {"destinationPort": {"number": 80}}}),
                json!({"udp": {"destinationPort": {"range": {"start": 50, "end": 90}}}}),
                json!({"tcp": {}}),
                json!({"destinationNamedPort": "web"}),
            ])]);
        }
        rule
    };
    let subject = match dice.below(2) {
        0 => json!({"namespaces": namespaces(dice)}),
        _ => json!({"pods": pods(dice)}),
    };
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "tier": dice.pick(&["Admin", "Baseline"]),
            "priority": dice.below(3),
            "subject": subject,
            "ingress": dice.list(3, |dice| rule(dice, "from")),
            "egress": dice.list(3, |dice| rule(dice, "to")),
        }
    })
}
