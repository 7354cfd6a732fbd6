//! False findings that flows or other policies rule out, and fixes that do no harm.

use super::*;

#[test]
fn what_flows_disprove_is_not_said() {
    let has = |policy: &str, flows: &[Flow], id: &str| {
        findings(policy, &Settings::default(), flows).iter().any(|own| own.id() == id)
    };
    let answered = |name: &str| Flow { verdict: flow::Verdict::Forwarded, ..refused_query(name) };
    let alone = cnp("egress: [{toFQDNs: [{matchName: x.io}]}]");
    for id in ["fqdn-without-dns-rule", "no-dns-egress"] {
        assert!(has(&alone, &[], id), "{id}");
        assert!(has(&alone, &[refused_query("x.io")], id), "{id}");
        assert!(!has(&alone, &[answered("x.io")], id), "{id}");
    }
    let other = names("{matchName: x.io}", "{matchName: y.io}");
    assert!(has(&other, &[answered("y.io")], "fqdn-not-in-dns-rules"));
    assert!(!has(&other, &[answered("x.io")], "fqdn-not-in-dns-rules"));
    // Queries of other pods disprove nothing.
    let till =
        alone.replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: till}}");
    assert!(has(&till, &[answered("x.io")], "fqdn-without-dns-rule"));

    let api = cnp("ingress: [{fromEntities: [kube-apiserver]}]");
    let from = |labels: &[&str]| Flow {
        source: Some(endpoint(labels)),
        destination: Some(pod("a", "x", "default")),
        traffic_direction: TrafficDirection::Ingress,
        ..passed(tcp(endpoint(labels), "10.1.0.1", 9443))
    };
    assert!(has(&api, &[from(&["reserved:remote-node"])], "apiserver-ingress"));
    assert!(!has(
        &api,
        &[from(&["reserved:kube-apiserver", "reserved:world"])],
        "apiserver-ingress"
    ));
}

#[test]
fn flows_of_others_say_nothing_about_a_policy() {
    let policy = cnp("ingress: [{}]")
        .replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: z}}");
    let has = |flows: &[Flow]| {
        findings(&policy, &Settings::default(), flows)
            .iter()
            .any(|own| own.id() == "selects-nobody-seen")
    };
    let between =
        |one: Endpoint, other: Endpoint| Flow { source: Some(one), ..tcp(other, "10.1.0.1", 80) };
    let of = |namespace: &str, app: &str| pod(namespace, app, "default");
    assert!(has(&[between(of("a", "x"), of("a", "y"))]));
    assert!(!has(&[between(of("b", "x"), of("b", "y"))]));
    // Flows of a single pod.
    assert!(!has(&[between(of("a", "x"), of("b", "y"))]));
    // The policy selects the destination, or the pod is in a record to which no policy applies.
    assert!(!has(&[between(of("a", "x"), of("a", "z"))]));
    let own = Flow {
        ip: Some(Ip {
            source: "10.1.0.9".to_owned(),
            destination: "10.1.0.9".to_owned(),
            ..Ip::default()
        }),
        ..between(of("a", "z"), of("a", "z"))
    };
    assert!(!has(&[own, between(of("a", "x"), of("a", "y"))]));
}

#[test]
fn a_dns_fix_speaks_the_dialect_of_its_policy() {
    let fix = |policy: &str| {
        let found = findings(policy, &Settings::default(), &[]);
        found.into_iter().find(|own| own.id() == "no-dns-egress").unwrap().fix.unwrap()
    };
    let of_kubernetes = fix(&np("  policyTypes: [Egress]"));
    let whole = np(&format!(
        "  policyTypes: [Egress]\n  egress:\n  {}",
        of_kubernetes.replace('\n', "\n  ")
    ));
    assert_eq!(ids(&whole), [""; 0], "{whole}");
    let of_cilium = fix(&cnp("egress: [{}]"));
    assert!(!ids(&cnp(&format!("egress:\n{of_cilium}"))).contains(&"no-dns-egress"));
    assert!(!of_kubernetes.contains("toEndpoints") && of_cilium.contains("toEndpoints"));
}

#[test]
fn another_place_is_named_with_its_file() {
    let one = cnp("ingress: [{fromEntities: [cluster]}]");
    let two = one.replace("name: p", "name: q");
    let texts = [SourceText { index: 0, text: &one }, SourceText { index: 1, text: &two }];
    let set = Arc::new(PolicySet::read(&texts, Settings::default()));
    let found = lint(&texts, &[], &Judge::new(set), &[]);
    let finding = found.iter().find(|own| own.id() == "duplicate-rule").unwrap();
    let name = |source: usize| ["a.yaml", "b.yaml"].get(source).copied();
    assert_eq!(
        (finding.source, finding.text(name).as_str()),
        (Some(1), "another rule says the same (a.yaml:6)")
    );
    assert_eq!(finding.text(|_| None), "another rule says the same (line 6)");
}

#[test]
fn overlays_do_not_cry_wolf() {
    let check = |names: &[&str], texts: &[&str], expect: &[(&str, usize)]| {
        let texts: Vec<SourceText<'_>> =
            texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
        let set = Arc::new(PolicySet::read(&texts, Settings::default()));
        let found = lint(&texts, names, &Judge::new(set), &[]);
        let said: Vec<_> = found
            .iter()
            .filter(|own| own.id() == "duplicate-name")
            .map(|own| (own.severity().name(), own.other.unwrap().0))
            .collect();
        assert_eq!(said, expect, "{names:?}");
    };
    let (one, other) = (cnp("ingress: [{}]"), cnp("egress: [{}]"));
    let both: &[&str] = &[&one, &other];
    check(&["base/p.yaml", "overlays/dev/p.yaml"], both, &[("hint", 0)]);
    check(&["values/dev/p.yaml", "values\\prod\\p.yaml"], both, &[("hint", 0)]);
    check(&["policies/p.yaml", "policies/q.yaml"], both, &[("warning", 0)]);
    check(&["p.yaml", "q.yaml"], both, &[("warning", 0)]);
    check(&[], both, &[("hint", 0)]);
    let file = format!("{one}---\n{other}");
    check(&["p.yaml"], &[&file], &[("error", 0)]);
    // Each replaces the one before it.
    check(&["a/p", "b/p", "b/q"], &[&one, &other, &one], &[("hint", 0), ("warning", 1)]);
    // Objects of two names with one annotation, and the reverse.
    let named = |object: &str, name: &str| {
        np("  ingress: [{}]").replace(
            "name: p,",
            &format!("name: {object}, annotations: {{policy.cilium.io/name: {name}}},"),
        )
    };
    check(&["p.yaml", "q.yaml"], &[&named("p", "same"), &named("q", "same")], &[]);
    check(&["p.yaml", "q.yaml"], &[&named("p", "one"), &named("p", "two")], &[("warning", 0)]);
}

#[test]
fn no_lint_makes_default_deny_worse() {
    for spec in [
        "ingressDeny: [{}]",
        "egressDeny: [{}]",
        "enableDefaultDeny: {ingress: false}\ningressDeny: [{}]",
    ] {
        for finding in findings(&cnp(spec), &Settings::default(), &[]) {
            assert!(
                finding.id() == "no-dns-egress" || finding.severity() == Severity::Hint,
                "{finding:?}"
            );
            assert!(finding.id() == "no-dns-egress" || finding.fix.is_none(), "{finding:?}");
        }
    }
}

#[test]
fn dns_is_missed_most_where_names_are_used() {
    let severity = |spec: &str| {
        let found = findings(&cnp(spec), &Settings::default(), &[]);
        found.into_iter().find(|own| own.id() == "no-dns-egress").map(|own| own.severity())
    };
    let ports = "toPorts: [{ports: [{port: '443', protocol: TCP}]}]";
    let to = |peers: &str| severity(&format!("egress: [{{{peers}, {ports}}}]"));
    assert_eq!(to("toEndpoints: [{matchLabels: {app: b}}]"), Some(Severity::Warning));
    assert_eq!(to("toEntities: [world]"), Some(Severity::Warning));
    assert_eq!(to("toFQDNs: [{matchName: x.io}]"), Some(Severity::Warning));
    assert_eq!(severity(&format!("egress: [{{{ports}}}]")), Some(Severity::Warning));
    // The API server is reached by its address; a rule without peers reaches no one.
    assert_eq!(to("toEntities: [kube-apiserver]"), Some(Severity::Hint));
    assert_eq!(to("toCIDR: [1.2.3.4/32]"), Some(Severity::Hint));
    assert_eq!(severity("egress: [{}]"), Some(Severity::Hint));
    // Denied peers need no name.
    assert_eq!(severity("egressDeny: [{toEntities: [world]}]"), None);
}

#[test]
fn a_namespace_that_is_missing_is_said_once_of_a_file() {
    let text =
        |name: &str| cnp("ingress: [{}]").replace(", namespace: a", "").replace("name: p", name);
    let both = format!("{}---\n{}", text("name: p"), text("name: q"));
    let found = findings(&both, &Settings::default(), &[]);
    let said: Vec<&Finding> = found.iter().filter(|own| own.id() == "no-namespace").collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].message.starts_with("2 documents of this file name no namespace"));
    assert_eq!(said[0].at.line, 3);
}

#[test]
fn what_a_fix_would_change_is_said() {
    let finding = |spec: &str, id: &str, flows: &[Flow]| {
        let found = findings(&cnp(spec), &Settings::default(), flows);
        found.into_iter().find(|own| own.id() == id).unwrap()
    };
    let to_b = tcp(pod("a", "b", "default"), "10.1.0.1", 80);
    let deny = "egressDeny: [{toEntities: [world]}]";
    let quiet = finding(deny, "deny-only", &[]);
    assert_eq!((quiet.evidence.len(), quiet.fix.is_some()), (0, true));
    // Switching default deny off would let everything pass, with these flows.
    let said = finding(deny, "deny-only", std::slice::from_ref(&to_b));
    assert_eq!(said.evidence, ["a/x → a/b 80/TCP is refused by default on egress"]);
    assert_eq!(said.fix, None);

    let ingress = Flow { traffic_direction: TrafficDirection::Ingress, ..passed(to_b) };
    let open = "ingress: []\negress: [{toEntities: [all]}]";
    let said = finding(open, "empty-direction", &[ingress]);
    assert_eq!(said.evidence, ["a/x → a/b 80/TCP passes, and would be refused on ingress"]);
    assert!(said.fix.is_some());
}

#[test]
fn a_label_that_flows_have_is_not_left_out() {
    let policy =
        cnp("ingress: [{fromEndpoints: [{matchLabels: {topology.kubernetes.io/zone: one}}]}]");
    let has = |flows: &[Flow]| {
        let found = findings(&policy, &Settings::default(), flows);
        found.iter().any(|own| own.id() == "label-left-out")
    };
    let from = |labels: &[&str]| [tcp(endpoint(labels), "10.1.0.1", 9443)];
    assert!(has(&[]));
    assert!(has(&from(&["k8s:topology.kubernetes.io/zones=one", "k8s:app=a"])));
    assert!(!has(&from(&["k8s:topology.kubernetes.io/zone=two"])));
}
