//! Names as resolvers ask for them, and what no policy means to allow.

use super::*;

/// Names of the world, and the DNS rules beside them.
fn by_names(dns: &str) -> String {
    about_b(&format!(
        "  egress:\n  - toEndpoints: [{{matchLabels: {{'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}}}]\n    toPorts:\n    - ports: [{{port: '53', protocol: ANY}}]\n      rules:\n        dns:\n        - matchName: {dns}\n  - toFQDNs: [{{matchName: api.github.com}}]\n    toPorts: [{{ports: [{{port: '443', protocol: TCP}}]}}]\n"
    ))
}

#[test]
fn a_name_is_asked_for_with_its_search_list() {
    let text = by_names("known.io");
    let first = query("api.github.com.pets.svc.cluster.local");
    let suggestion = suggested(&text, &[first], &[0]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([0].as_slice(), 0));
    let inserted: String = suggestion.edits.iter().map(|edit| edit.inserted.as_str()).collect();
    for rule in [
        "matchName: api.github.com\n",
        "matchPattern: \"api.github.com.*.svc.cluster.local\"",
        "matchName: api.github.com.svc.cluster.local",
        "matchName: api.github.com.cluster.local",
    ] {
        assert!(inserted.contains(rule), "{inserted}");
    }
    // The answer is judged by another hand: every query of the lookup passes with it.
    let texts: Vec<String> = suggestion.texts.into_iter().map(|(_, text)| text).collect();
    let fixed = [SourceText { index: 0, text: &texts[0] }];
    let set = PolicySet::read(&fixed, Settings::default());
    let mut judge = Judge::new(Arc::new(set));
    for tail in [".pets.svc.cluster.local", ".svc.cluster.local", ".cluster.local", ""] {
        let flow = query(&format!("api.github.com{tail}"));
        let summary = judge.judge_flow(&flow, &Learned::default()).unwrap();
        assert_eq!(summary.verdict, Verdict::Allowed, "{tail}");
    }
    let other = judge.judge_flow(&query("www.github.com"), &Learned::default()).unwrap();
    assert_eq!(other.verdict, Verdict::Denied);
}

#[test]
fn of_many_flows_those_pass_that_some_policy_means() {
    let text = by_names("known.io");
    let flows = [
        query("api.github.com.pets.svc.cluster.local"),
        query("www.bing.com.pets.svc.cluster.local"),
        query("www.google.com"),
        to_name("www.bing.com"),
    ];
    let suggestion = suggested(&text, &flows, &[0, 1, 2, 3]);
    assert_eq!(suggestion.fixed, [0]);
    let apart: Vec<(usize, &str)> =
        suggestion.unfixed.iter().map(|own| (own.flow, own.reason.as_str())).collect();
    let meant = "refused, and no policy means to allow it: ";
    assert_eq!(
        apart,
        [
            (1, format!("{meant}`www.bing.com`").as_str()),
            (2, format!("{meant}`www.google.com`").as_str()),
            (3, format!("{meant}`www.bing.com`").as_str()),
        ]
    );
    assert!(!suggestion.texts[0].1.contains("bing"));
    // By itself, a flow is let through as it is asked.
    assert_eq!(suggested(&text, &flows, &[2]).fixed, [2]);

    let get = "  ingress:\n  - fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts:\n    - ports: [{port: '80', protocol: TCP}]\n      rules:\n        http:\n        - {method: GET, path: /cart}\n";
    let flows = [
        request("app=front", "PUT", "http://b/cart"),
        request("app=front", "GET", "http://b/list"),
    ];
    let suggestion = suggested(&about_b(get), &flows, &[0, 1]);
    assert_eq!(suggestion.fixed, [1]);
    assert_eq!(suggestion.unfixed[0].reason, format!("{meant}`PUT` requests"));
}
