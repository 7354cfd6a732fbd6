//! Findings and evidence from flows.

use super::*;

/// Id, a policy, flows with the finding, flows without it, and a part of the evidence.
pub(super) type Recorded = (&'static str, String, Vec<Flow>, Vec<Flow>, &'static str);

/// Cases.
#[expect(clippy::too_many_lines, reason = "a table, one lint after the other")]
pub(super) fn recorded() -> Vec<Recorded> {
    let world = || endpoint(&["reserved:world"]);
    let named = |names: &[&str]| Flow {
        destination_names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..tcp(world(), "1.2.3.4", 443)
    };
    let closed = || cnp("egress: [{}]");
    let to_b = cnp("egress: [{toEndpoints: [{matchLabels: {app: b}}]}]");
    let same = || tcp(pod("a", "b", "default"), "10.1.0.1", 80);
    let node = || endpoint(&["reserved:remote-node"]);
    vec![
        (
            "fqdn-not-in-dns-rules",
            names("{matchName: x.io}", "{matchName: y.io}"),
            vec![refused_query("x.io"), refused_query("x.io")],
            vec![],
            "2 refused queries for x.io",
        ),
        (
            "fqdn-not-in-dns-rules",
            names("{matchName: api.x.io}", "{matchName: y.io}"),
            vec![refused_query("api.x.io.a.svc.cluster.local")],
            vec![],
            "1 refused queries for api.x.io.a.svc.cluster.local",
        ),
        (
            "dns-search-list",
            names("{matchName: x.io}", "{matchName: y.io}"),
            vec![refused_query("x.io.svc.cluster.local")],
            vec![refused_query("www.bing.com.a.svc.cluster.local")],
            ": x.io is meant",
        ),
        (
            "dns-search-list",
            names("{matchName: x.io}", "{matchName: x.io}"),
            vec![refused_query("x.io.a.svc.cluster.local")],
            vec![refused_query("z.io.a.svc.cluster.local")],
            "1 refused queries for x.io.a.svc.cluster.local",
        ),
        (
            "node-local-dns",
            closed(),
            vec![tcp(node(), "169.254.20.10", 53)],
            vec![tcp(node(), "169.254.20.10", 80)],
            "53/TCP refused on egress",
        ),
        (
            "host-network-peer",
            closed(),
            vec![tcp(node(), "10.224.0.4", 9100)],
            vec![same()],
            "9100/TCP refused on egress",
        ),
        (
            "other-cluster",
            to_b.clone(),
            vec![tcp(pod("a", "b", "west"), "10.1.0.1", 80)],
            vec![same()],
            "80/TCP refused",
        ),
        (
            "peer-in-other-namespace",
            to_b.clone(),
            vec![tcp(pod("c", "b", "default"), "10.1.0.1", 80)],
            vec![tcp(pod("c", "other", "default"), "10.1.0.1", 80)],
            "80/TCP refused",
        ),
        (
            "cidr-inside-cluster",
            cnp("egress: [{toCIDR: [10.0.0.0/8]}]"),
            vec![same()],
            vec![tcp(world(), "10.1.0.1", 80)],
            "80/TCP refused",
        ),
        (
            "shared-address",
            names("{matchName: x.io}", "{matchName: x.io}"),
            vec![named(&["x.io", "tracker.io"])],
            vec![named(&["x.io"])],
            "1.2.3.4 is tracker.io, x.io",
        ),
        (
            "unselected-endpoints",
            cnp("ingress: [{}]"),
            vec![same()],
            vec![Flow { traffic_direction: TrafficDirection::Ingress, ..same() }],
            "1 flow on egress",
        ),
        (
            "older-flows",
            to_b.replace("name: p,", "name: p, creationTimestamp: '2026-11-30T14:03:00Z',"),
            vec![Flow { time: flow::Timestamp::new(1_000, 0).ok(), ..passed(same()) }],
            vec![passed(same())],
            "",
        ),
        (
            "selects-nobody-seen",
            to_b.replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: z}}"),
            vec![same()],
            vec![Flow { source: Some(pod("a", "z", "default")), ..same() }],
            "",
        ),
        (
            "rule-never-hit",
            to_b.clone(),
            vec![passed(tcp(pod("a", "other", "default"), "10.1.0.1", 80))],
            vec![same()],
            "",
        ),
        // Flows filtered by verdict do not show which rules decided the others.
        (
            "rule-never-hit",
            to_b,
            vec![passed(tcp(pod("a", "other", "default"), "10.1.0.1", 80))],
            vec![tcp(pod("a", "other", "default"), "10.1.0.1", 80)],
            "",
        ),
        // A missing fact may be in favour of the rule.
        (
            "rule-never-hit",
            cnp(
                "egress: [{toServices: [{k8sService: {serviceName: s, namespace: a}}], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]",
            ),
            vec![passed(same())],
            vec![passed(tcp(world(), "1.2.3.4", 443))],
            "",
        ),
        // A redirect counts for the rule that made it.
        (
            "rule-never-hit",
            names("{matchName: x.io}", "{matchPattern: '*'}")
                .replace("egress:", "egress:\n  - toEntities: [all]"),
            vec![passed(same())],
            vec![passed(named(&["x.io"])), passed(tcp(resolver(), "10.0.0.10", 53))],
            "",
        ),
    ]
}

#[test]
fn flows_give_evidence() {
    for (id, policy, bad, good, evidence) in recorded() {
        let own_cluster = Settings { default_local_cluster: Some(true), ..Settings::default() };
        if id != "other-cluster" {
            let found = findings(&policy, &Settings::default(), &bad);
            assert!(found.iter().any(|own| own.id() == id), "{id} is not among {found:?}");
        }
        let settings = own_cluster;
        let found = findings(&policy, &settings, &bad);
        let finding = found.iter().find(|own| own.id() == id);
        let mut lines = String::new();
        for own in &found {
            writeln!(lines, "{} {:?}", own.id(), own.evidence).unwrap();
        }
        let finding = finding.unwrap_or_else(|| panic!("{id} is not among\n{lines}"));
        if evidence.is_empty() {
            assert_eq!(finding.evidence, [""; 0], "{id}");
        } else {
            let has = finding.evidence.iter().any(|line| line.contains(evidence));
            assert!(has, "{id}: {:?}", finding.evidence);
        }
        let found = findings(&policy, &settings, &good);
        let again = found.iter().find(|own| own.id() == id);
        // The lint about names fires without flows too; only its evidence goes.
        let is_left =
            again.is_some_and(|own| id != "fqdn-not-in-dns-rules" || !own.evidence.is_empty());
        assert!(!is_left, "{id}: {again:?}");
    }
}
