//! Fixes for flows of several kinds, and for pods that little is known of.

use super::*;

/// A fix is made to many flows at once; each of them passes by itself.
#[test]
fn flows_of_all_kinds_are_fixed_together() {
    let ping = |kind: u8| Flow {
        l4: Some(Layer4::Icmpv4(flow::Icmp { icmp_type: kind, code: 0 })),
        ..to_b("app=a", 0)
    };
    let udp = Flow {
        l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 90 })),
        ..to_b("app=a", 0)
    };
    let v6 = Flow {
        l4: Some(Layer4::Icmpv6(flow::Icmp { icmp_type: 128, code: 0 })),
        ..to_b("app=a", 0)
    };
    let mut abroad = to_b("app=a", 80);
    for label in &mut abroad.source.as_mut().unwrap().labels {
        *label = label.replace("cluster=default", "cluster=west");
    }
    let flows = [ping(8), to_b("app=a", 80), udp, v6, abroad, request("app=c", "GET", "http://b/")];
    let all: Vec<usize> = (0..flows.len()).collect();
    // Within a policy, and beside one that is about others as well.
    for text in [about_b("  ingress: [{}]\n"), CLOSED.to_owned()] {
        let suggestion = suggested(&text, &flows, &all);
        assert_eq!(suggestion.unfixed, [], "{text}");
        assert_eq!(suggestion.fixed, all);
    }
    // A selector that names no cluster would mean the local one.
    let suggestion = suggested(CLOSED, &flows, &[4]);
    assert!(suggestion.yaml.contains("io.cilium.k8s.policy.cluster: west"), "{}", suggestion.yaml);
    assert_eq!((suggestion.fixed, suggestion.also_allowed.len()), (vec![4], 0));
}

#[test]
fn pods_without_labels_get_no_rule_for_their_namespace() {
    let bare = || {
        let namespace = "k8s:io.kubernetes.pod.namespace=pets".to_owned();
        let labels = vec![namespace, "k8s:io.cilium.k8s.policy.cluster=default".to_owned()];
        Endpoint { labels, ..Endpoint::default() }
    };
    let check = |from: Endpoint, to: Endpoint, reason: &str| {
        let flow = tcp(from, to, 80, TrafficDirection::Ingress);
        let suggestion = suggested(CLOSED, &[flow], &[0]);
        assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
        let given = &suggestion.unfixed[0].reason;
        assert!(given.starts_with(reason), "{given}");
    };
    let b = || pod("pets", "app=b");
    check(bare(), b(), "the record has no label that makes out the other side");
    check(b(), bare(), "the record has no label that makes out the subject");
}

#[test]
fn a_record_without_a_port_opens_none() {
    for l4 in [Layer4::Tcp(flow::Tcp::default()), Layer4::Udp(Udp::default())] {
        let flow = Flow { l4: Some(l4), ..to_b("app=a", 80) };
        let suggestion = suggested(CLOSED, &[flow], &[0]);
        assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
        let given = &suggestion.unfixed[0].reason;
        assert_eq!(given, "the record has no port: a rule for it would open every one");
    }
}

/// A rule for the resolver without names, beside those that are listed, would let every name pass.
#[test]
fn names_that_are_listed_stay_the_only_ones() {
    let closed = about_b("  egress: [{}]\n");
    let lookup = Flow { l7: None, ..query("api.github.com") };
    let suggestion = suggested(&closed, &[lookup, to_name("api.github.com")], &[0, 1]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([0, 1].as_slice(), 0));
    let text = suggestion.texts.first().map_or(closed.as_str(), |(_, text)| text);
    let text = format!("{text}\n---\n{}", suggestion.yaml);
    let set = PolicySet::read(&[SourceText { index: 0, text: &text }], Settings::default());
    let mut judge = Judge::new(Arc::new(set));
    let mut verdict = |name: &str| {
        let flow = query(name);
        judge.explain_flow(&flow, &Learned::default()).unwrap().verdict
    };
    assert_eq!(verdict("api.github.com"), Verdict::Allowed, "{text}");
    assert_eq!(verdict("exfil.example"), Verdict::Denied, "{text}");
}

/// Every edit reads all policies again: of large ones, a few are made, and the rest stands apart.
#[test]
fn large_policies_are_read_again_a_few_times() {
    let wanted: Vec<Flow> =
        (0..6).map(|number| to_b(&format!("app=a{number}"), 8_000 + number)).collect();
    let indices: Vec<usize> = (0..wanted.len()).collect();
    let check = |padding: usize, edits: usize| {
        let policy = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: b, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: b}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: known}}]
    toPorts: [{ports: [{port: '80', protocol: TCP}]}]
";
        let beside = format!("# {}", "x".repeat(padding));
        let texts = [SourceText { index: 0, text: policy }, SourceText { index: 1, text: &beside }];
        let suggestion = suggest(&texts, &Settings::default(), &wanted, &indices);
        assert_eq!(suggestion.fixed, indices);
        assert_eq!(suggestion.edits.len(), edits);
        assert_eq!(suggestion.yaml.is_empty(), edits == wanted.len());
    };
    check(0, 6);
    check(MAX_REREAD / 4, 3);
    check(MAX_REREAD, 0);
}
