//! Fixes for flows of several kinds, and for pods with few known facts.

use super::*;

/// One fix for many flows at once; each of them passes alone too.
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
    // Within a policy, and beside one that selects other pods as well.
    for text in [about_b("  ingress: [{}]\n"), CLOSED.to_owned()] {
        let suggestion = suggested(&text, &flows, &all);
        assert_eq!(suggestion.unfixed, [], "{text}");
        assert_eq!(suggestion.fixed, all);
    }
    // A selector without a cluster would mean the local one.
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
    let check = |from: Endpoint, to: Endpoint, reason: UnfixedReason| {
        let flow = tcp(from, to, 80, TrafficDirection::Ingress);
        let suggestion = suggested(CLOSED, &[flow], &[0]);
        assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
        assert_eq!(suggestion.unfixed[0].reason, reason);
    };
    let b = || pod("pets", "app=b");
    let namespace = || "pets".to_owned();
    check(bare(), b(), UnfixedReason::NoPeerLabel { namespace: namespace() });
    check(b(), bare(), UnfixedReason::NoSubjectLabel { namespace: namespace() });
}

#[test]
fn a_record_without_a_port_opens_none() {
    for l4 in [Layer4::Tcp(flow::Tcp::default()), Layer4::Udp(Udp::default())] {
        let flow = Flow { l4: Some(l4), ..to_b("app=a", 80) };
        let suggestion = suggested(CLOSED, &[flow], &[0]);
        assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
        assert_eq!(suggestion.unfixed[0].reason, UnfixedReason::NoPort);
    }
}

/// A rule for the resolver without names, beside the listed names, would let every name pass.
#[test]
fn names_that_are_listed_stay_the_only_ones() {
    let closed = about_b("  egress: [{}]\n");
    let lookup = Flow { l7: None, ..query("api.github.com") };
    let suggestion = suggested(&closed, &[lookup, to_name("api.github.com")], &[0, 1]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([0, 1].as_slice(), 0));
    let text = suggestion.texts.first().map_or(closed.as_str(), |(_, text)| text);
    let text = format!("{text}\n---\n{}", suggestion.yaml);
    let set = PolicySet::read(&[SourceText { index: 0, text: &text }], Settings::default());
    let judge = Judge::new(Arc::new(set));
    let verdict = |name: &str| {
        let flow = query(name);
        judge.explain_flow(&flow, &Learned::default()).unwrap().verdict
    };
    assert_eq!(verdict("api.github.com"), Verdict::Allowed, "{text}");
    assert_eq!(verdict("exfil.example"), Verdict::Denied, "{text}");
}

/// An addition to one document moves the later ones, and those of other subjects.
#[test]
fn documents_of_one_text_grow_together() {
    let policy = |app: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {app}, namespace: pets}}\nspec:\n  endpointSelector: {{matchLabels: {{app: {app}}}}}\n  ingress:\n  - fromEndpoints: [{{matchLabels: {{app: known}}}}]\n    toPorts: [{{ports: [{{port: '80', protocol: TCP}}]}}]\n"
        )
    };
    let text = format!("\u{feff}# é\n{}--- # c\n{}---\n{}", policy("c"), policy("a"), policy("b"));
    let flow = |to: &str, from: &str, port: u16| {
        let (from, to) = (pod("pets", from), pod("pets", &format!("app={to}")));
        tcp(from, to, port, TrafficDirection::Ingress)
    };
    let flows = [
        flow("b", "app=x", 1),
        flow("a", "app=x", 2),
        flow("c", "app=x", 3),
        flow("a", "app=known", 4),
        flow("c", "app=y", 3),
    ];
    let suggestion = suggested(&text, &flows, &[0, 1, 2, 3, 4]);
    assert_eq!((suggestion.unfixed.len(), suggestion.yaml.as_str()), (0, ""));
    assert_eq!(suggestion.edits.len(), 5);
    // The edits, applied in order, produce the text.
    let mut made = text;
    for edit in &suggestion.edits {
        made.insert_str(edit.offset, &edit.inserted);
    }
    assert_eq!(suggestion.texts, [(7, made)]);
}
