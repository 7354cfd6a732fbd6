//! Names as resolvers query them, and flows that no policy intends to allow.

use super::*;

/// A policy with names of the world and DNS rules.
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
    // An independent judgement: every query of the lookup passes with the fix.
    let texts: Vec<String> = suggestion.texts.into_iter().map(|(_, text)| text).collect();
    let fixed = [SourceText { index: 0, text: &texts[0] }];
    let set = PolicySet::read(&fixed, Settings::default());
    let judge = Judge::new(Arc::new(set));
    for tail in [".pets.svc.cluster.local", ".svc.cluster.local", ".cluster.local", ""] {
        let flow = query(&format!("api.github.com{tail}"));
        let summary = judge.judge_flow(&flow, &Learned::default()).unwrap();
        assert_eq!(summary.verdict, Verdict::Allowed, "{tail}");
    }
    let other = judge.judge_flow(&query("www.github.com"), &Learned::default()).unwrap();
    assert_eq!(other.verdict, Verdict::Denied);
}

/// Only the query of the bare name was recorded: musl would stop at the first of the others.
#[test]
fn a_bare_name_is_fixed_with_its_search_list() {
    let check = |name: &str, is_whole: bool| {
        let text = by_names("known.io");
        let suggestion = suggested(&text, &[query(name)], &[0]);
        assert_eq!(suggestion.fixed, [0], "{name}: {:?}", suggestion.unfixed);
        let texts: Vec<String> = suggestion.texts.into_iter().map(|(_, text)| text).collect();
        let fixed = [SourceText { index: 0, text: &texts[0] }];
        let judge = Judge::new(Arc::new(PolicySet::read(&fixed, Settings::default())));
        for tail in [".pets.svc.cluster.local", ".svc.cluster.local", ".cluster.local"] {
            let flow = query(&format!("{name}{tail}"));
            let verdict = judge.judge_flow(&flow, &Learned::default()).unwrap().verdict;
            assert_eq!(verdict == Verdict::Allowed, is_whole, "{name}{tail}");
        }
    };
    check("api.github.com", true);
    check("API.GitHub.com", true);
    check("quad9.net", true);
    // Names of the cluster, and names that are queried as they stand.
    check("vault.security.svc.cluster.local", false);
    check("a.b.c.d.e.github.com", false);
    check("vault", false);
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
    let unintended = |what: &str| UnfixedReason::Unintended(what.to_owned());
    let unfixed = |flow, name| Unfixed { flow, reason: unintended(name) };
    assert_eq!(
        suggestion.unfixed,
        [
            unfixed(1, "`www.bing.com`"),
            unfixed(2, "`www.google.com`"),
            unfixed(3, "`www.bing.com`")
        ]
    );
    assert!(!suggestion.texts[0].1.contains("bing"));
    // Alone, a flow is let through as recorded.
    assert_eq!(suggested(&text, &flows, &[2]).fixed, [2]);

    let get = "  ingress:\n  - fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts:\n    - ports: [{port: '80', protocol: TCP}]\n      rules:\n        http:\n        - {method: GET, path: /cart}\n";
    let flows = [
        request("app=front", "PUT", "http://b/cart"),
        request("app=front", "GET", "http://b/list"),
    ];
    let suggestion = suggested(&about_b(get), &flows, &[0, 1]);
    assert_eq!(suggestion.fixed, [1]);
    assert_eq!(suggestion.unfixed[0].reason, unintended("`PUT` requests"));
}

#[test]
fn of_many_flows_names_of_the_cluster_pass_that_some_policy_means() {
    // `b` may reach `cart` by its labels, and looks up further names.
    let text = by_names("shop.pets.svc.cluster.local")
        + "  - toEndpoints: [{matchLabels: {app: cart}}]\n    toPorts: [{ports: [{port: '80', protocol: TCP}]}]\n";
    let connection = |app: &str, port: u16| {
        let (b, other) = (pod("pets", "app=b"), pod("pets", &format!("app={app}")));
        let service = flow::Service { name: app.to_owned(), namespace: "pets".to_owned() };
        Flow { destination_service: Some(service), ..tcp(b, other, port, TrafficDirection::Egress) }
    };
    let check = |wanted: &[Flow], others: &[Flow], apart: &[&str]| {
        let flows = [wanted, others].concat();
        let all: Vec<usize> = (0..wanted.len()).collect();
        let suggestion = suggested(&text, &flows, &all);
        let reasons: Vec<String> =
            suggestion.unfixed.iter().map(|own| own.reason.to_string()).collect();
        let expect: Vec<String> = apart
            .iter()
            .map(|name| format!("refused, and no policy means to allow it: `{name}`"))
            .collect();
        assert_eq!(reasons, expect);
        assert_eq!(suggestion.fixed.len() + apart.len(), wanted.len());
        let fixed: String = suggestion.texts.iter().map(|(_, text)| text.as_str()).collect();
        for name in apart {
            assert!(!fixed.contains(name) && !suggestion.yaml.contains(name), "{fixed}");
        }
    };
    let meant = query("api.github.com.pets.svc.cluster.local");
    let stranger = "vault.security.svc.cluster.local";
    let cart = "cart.pets.svc.cluster.local";
    // No rule leads to that name.
    check(&[meant.clone(), query(stranger)], &[], &[stranger]);
    check(
        &[meant.clone(), query("www.bing.com.svc.cluster.local")],
        &[],
        &["www.bing.com.svc.cluster.local"],
    );
    check(&[meant.clone(), query(cart)], &[], &[cart]);
    // A rule leads to it, or a connection that is requested with it.
    check(&[meant.clone(), query(cart)], &[connection("cart", 80)], &[]);
    check(&[meant.clone(), query(cart)], &[connection("cart", 81)], &[cart]);
    check(&[meant.clone(), query(cart), connection("cart", 81)], &[], &[]);
    // The lookup of a name in DNS rules.
    check(&[meant.clone(), query("shop.pets.svc.cluster.local.pets.svc.cluster.local")], &[], &[]);
}

/// A connection to another port of a name in `toFQDNs`.
fn to_another_port() -> Flow {
    Flow {
        l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: 8443, flags: None })),
        ..to_name("api.github.com")
    }
}

/// A rule that lets every name be looked up, past the proxy.
const UNSEEN: &str = "  egress:\n  - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]\n  - toFQDNs: [{matchName: api.github.com}]\n    toPorts: [{ports: [{port: '443', protocol: TCP}]}]\n";

#[test]
fn a_name_that_has_to_be_seen_does_not_shut_out_the_others() {
    let flows = [to_another_port(), query("known.io")];
    let suggestion = suggested(&about_b(UNSEEN), &flows, &[0]);
    assert_eq!(suggestion.fixed, [0], "{:?}", suggestion.unfixed);
    let inserted: String = suggestion.edits.iter().map(|edit| edit.inserted.as_str()).collect();
    assert!(inserted.contains("dns:\n        - matchPattern: \"*\"\n"), "{inserted}");
}

#[test]
fn what_does_harm_is_left_out_and_the_rest_is_offered() {
    // Names are limited over UDP alone. The policy selects other pods as well, so that a rule for
    // the name of a connection is added beside it, and limits TCP.
    let text = CLOSED.replace("  ingress: [{}]\n", "").replace("ANY", "UDP")
        + UNSEEN.trim_start_matches("  egress:\n");
    let by_tcp = Flow {
        l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: 53, flags: None })),
        ..query("any.io")
    };
    let cart = tcp(pod("pets", "app=b"), pod("pets", "app=cart"), 80, TrafficDirection::Egress);
    let flows = [to_another_port(), cart, by_tcp];
    let suggestion = suggested(&text, &flows, &[0, 1]);
    assert_eq!(suggestion.fixed, [1], "{:?}", suggestion.unfixed);
    let harmful =
        UnfixedReason::Harmful { flow: "pets/b → kube-system/kube-dns 53/TCP".to_owned() };
    assert_eq!(suggestion.unfixed, [Unfixed { flow: 0, reason: harmful.clone() }]);
    assert!(suggestion.yaml.contains("cart") && !suggestion.yaml.contains("8443"));
    // Alone, it gets no offer.
    let suggestion = suggested(&text, &flows, &[0]);
    assert_eq!((suggestion.fixed.len(), suggestion.edits.len()), (0, 0));
    assert_eq!((suggestion.yaml.as_str(), &suggestion.unfixed[0].reason), ("", &harmful));
}

#[test]
fn what_no_policy_can_say_takes_nothing_with_it() {
    // DNS rules do not exist on ingress, where policy sees only a query's port.
    let text = about_b("  ingress: [{}]\n");
    let asked = Flow {
        l7: query("known.io").l7,
        l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 53 })),
        ..to_b("app=a", 53)
    };
    let flows = [asked, to_b("app=a", 80)];
    let suggestion = suggested(&text, &flows, &[0, 1]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([0, 1].as_slice(), 0));
    // The flow with an invalid label is left out; the fix for the other one stays.
    let flows = [to_b("app=-not-a-label-", 80), to_b("app=a", 81)];
    let suggestion = suggested(CLOSED, &flows, &[0, 1]);
    assert_eq!(suggestion.fixed, [1], "{suggestion:#?}");
    assert!(matches!(suggestion.unfixed[0].reason, UnfixedReason::Refused(_)), "{suggestion:#?}");
    // No policy intends a request to an address without a learned name.
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    let ip = Ip { destination: "20.1.1.2".to_owned(), ..Ip::default() };
    let connection = tcp(pod("pets", "app=b"), world, 80, TrafficDirection::Egress);
    let connection = Flow { ip: Some(ip), ..connection };
    let get = Flow { l7: request("app=b", "GET", "http://20.1.1.2/").l7, ..connection.clone() };
    let meant = query("api.github.com.pets.svc.cluster.local");
    let flows = [meant, connection, get];
    let suggestion = suggested(&by_names("known.io"), &flows, &[0, 1, 2]);
    assert_eq!(suggestion.fixed, [0]);
    for unfixed in suggestion.unfixed {
        assert_eq!(unfixed.reason, UnfixedReason::Unintended("`20.1.1.2/32`".to_owned()));
    }
}

/// The resolver of a subject that uses names gets DNS rules: past the proxy, no name would ever be
/// learned.
#[test]
fn the_resolver_of_a_subject_that_goes_by_names_gets_names() {
    let to =
        |label: &str| Flow { destination: Some(pod("kube-system", label)), l7: None, ..query("") };
    let check = |text: &str, flow: Flow, names: &[&str]| {
        let suggestion = suggested(text, std::slice::from_ref(&flow), &[0]);
        assert_eq!(suggestion.fixed, [0], "{:?}", suggestion.unfixed);
        let (_, text) = &suggestion.texts[0];
        let lines =
            suggestion.edits[0].inserted.lines().filter_map(|line| line.split_once("match"));
        let listed: Vec<&str> =
            lines.map(|(_, own)| own).filter(|own| !own.starts_with("Labels")).collect();
        assert_eq!(listed, names);
        let sources = [SourceText { index: 0, text }];
        let judge = Judge::new(Arc::new(PolicySet::read(&sources, Settings::default())));
        let findings = crate::lint(&sources, &["p.yaml"], &judge, &[]);
        assert!(findings.iter().all(|own| own.id() != "fqdn-without-dns-rule"), "{findings:#?}");
    };
    let only_names =
        about_b("  egress:\n  - toFQDNs: [{matchName: seeds.io}, {matchPattern: '*.soil.io'}]\n");
    let listed = [
        "Name: seeds.io",
        "Pattern: \"seeds.io.*.svc.cluster.local\"",
        "Name: seeds.io.svc.cluster.local",
        "Name: seeds.io.cluster.local",
        "Pattern: \"*.soil.io\"",
        "Pattern: \"*.soil.io.*.svc.cluster.local\"",
        "Pattern: \"*.soil.io.svc.cluster.local\"",
        "Pattern: \"*.soil.io.cluster.local\"",
    ];
    check(&only_names, to("k8s-app=kube-dns"), &listed);
    check(&only_names, to("k8s-app=node-local-dns"), &listed);
    // Another resolver has DNS rules already.
    let with_rule = format!(
        "{only_names}  - toEndpoints: [{{matchLabels: {{io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}}}]\n    toPorts:\n    - ports: [{{port: '53', protocol: ANY}}]\n      rules: {{dns: [{{matchPattern: '*'}}]}}\n"
    );
    check(&with_rule, to("k8s-app=node-local-dns"), &["Pattern: \"*\""]);
    // A subject without `toFQDNs` needs no DNS rules.
    check(&about_b("  egress: [{}]\n"), to("k8s-app=kube-dns"), &[]);
}

/// A connection by a name that the pod cannot look up yet: the fix lets the whole lookup pass.
#[test]
fn a_new_name_comes_with_its_lookup() {
    let suggestion =
        suggested(&about_b("  egress:\n  - toEndpoints: []\n"), &[to_name("seeds.io")], &[0]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([0].as_slice(), 0));
    let mut all = suggestion.yaml;
    all.extend(suggestion.edits.iter().map(|edit| edit.inserted.as_str()));
    for name in [
        "seeds.io",
        "\"seeds.io.*.svc.cluster.local\"",
        "seeds.io.svc.cluster.local",
        "seeds.io.cluster.local",
    ] {
        let listed = all.matches(&format!(": {name}\n")).count();
        // The name itself is in `toFQDNs` too.
        assert_eq!(listed, if name == "seeds.io" { 2 } else { 1 }, "{name}: {all}");
    }
}
