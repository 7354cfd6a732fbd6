//! Flows without an addition.

use super::*;

/// Checks that the first flow gets no addition, for this reason.
fn check(texts: &[&str], flows: &[Flow], reason: &str) {
    let sources: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let suggestion = suggest(&sources, &Settings::default(), flows, &[0]);
    assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""), "{texts:?}");
    let given = suggestion.unfixed[0].reason.to_string();
    assert!(given.contains(reason), "{given}");
}

fn outside(address: &str, labels: &[&str]) -> Endpoint {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Endpoint { identity: u32::from(address.is_empty()), labels, ..Endpoint::default() }
}

/// A connection from `app=b` to an address of the world.
fn to_address(address: &str, port: u16, labels: &[&str]) -> Flow {
    let ip = Ip { destination: address.to_owned(), ..Ip::default() };
    let to = outside(address, labels);
    Flow { ip: Some(ip), ..tcp(pod("pets", "app=b"), to, port, TrafficDirection::Egress) }
}

#[test]
fn what_an_except_keeps_shut_stays_shut() {
    let kubernetes = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: pets}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock: {cidr: 198.51.0.0/16, except: [198.51.100.0/24]}
  egress:
  - to:
    - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}
    ports: [{port: 80}]
";
    let cilium = about_b(
        "  egress:\n  - toCIDRSet:\n    - {cidrGroupSelector: {matchLabels: {who: us}}, except: [10.0.0.0/24]}\n  - toCIDRSet:\n    - {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}\n",
    );
    let group = "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {name: us, labels: {who: us}}\nspec: {externalCIDRs: [10.0.0.0/8]}\n";
    let world = &["reserved:world"][..];
    let imds = |port| to_address("169.254.169.254", port, world);
    check(&[kubernetes], &[imds(80)], "`except` in line 12 denies it on purpose");
    check(&[&cilium, group], &[imds(80)], "`except` in line 14 denies it on purpose");
    let named = Flow { destination_names: vec!["meta.internal".to_owned()], ..imds(80) };
    check(&[kubernetes], &[named], "`except` in line 12 denies it on purpose");
    let ip = Ip { source: "198.51.100.7".to_owned(), ..Ip::default() };
    let inward = tcp(outside("", world), pod("pets", "app=b"), 443, TrafficDirection::Ingress);
    let inward = Flow { ip: Some(ip), ..inward };
    check(&[kubernetes], &[inward], "`except` in line 9 denies it on purpose");
    // The rule, and so its `except`, is for another port.
    let other = suggested(kubernetes, &[imds(8080)], &[0]);
    assert_eq!(other.fixed, [0], "{:?}", other.unfixed);
    // CIDR rules never match a pod.
    let dns = tcp(pod("pets", "app=b"), pod("pets", "app=c"), 80, TrafficDirection::Egress);
    assert_eq!(suggested(kubernetes, &[dns], &[0]).fixed, [0]);
}

#[test]
fn the_address_of_a_pod_gets_no_rule() {
    let text = about_b("  ingress:\n  - fromEndpoints: [{matchLabels: {app: hose}}]\n");
    let from = |endpoint: Endpoint, address: &str| {
        let ip = Ip { source: address.to_owned(), ..Ip::default() };
        Flow { ip: Some(ip), ..tcp(endpoint, pod("pets", "app=b"), 80, TrafficDirection::Ingress) }
    };
    let hose = Endpoint {
        pod_name: "hose-1".to_owned(),
        namespace: "pets".to_owned(),
        ..pod("pets", "app=hose")
    };
    let document = "apiVersion: v1\nkind: Pod\nmetadata: {name: hose-1, namespace: pets, labels: {app: hose}}\nspec: {containers: []}\nstatus: {podIP: 10.244.1.32}\n";
    for label in ["reserved:world", "reserved:world-ipv4", "reserved:init", "reserved:unmanaged"] {
        let strange = from(outside("", &[label]), "10.244.1.32");
        let flows = [strange.clone(), from(hose.clone(), "10.244.1.32")];
        check(
            &[&text],
            &flows,
            "the address is that of pod pets/hose-1: its identity was not known yet",
        );
        check(&[&text, document], &[strange], "the address is that of pod pets/hose:");
    }
    let another = from(outside("", &["reserved:world"]), "10.244.1.33");
    let suggestion = suggested(&text, &[another, from(hose, "10.244.1.32")], &[0]);
    assert_eq!(suggestion.fixed, [0]);
}

#[test]
fn a_header_that_is_demanded_is_carried() {
    let rules = "  ingress:\n  - fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts:\n    - ports: [{port: '80', protocol: TCP}]\n      rules:\n        http:\n        - method: POST\n          path: /v2\n          headers: ['X-Token: loaf']\n";
    let asking = |url: &str, headers: &[(&str, &str)]| {
        let mut flow = request("app=front", "POST", url);
        if let Some(L7Record::Http(http)) = flow.l7.as_mut().and_then(|l7| l7.record.as_mut()) {
            let headers = headers.iter().map(|(key, value)| flow::HttpHeader {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            });
            http.headers = headers.collect();
        }
        flow
    };
    let text = about_b(rules);
    for url in ["http://b/v2?x=1", "http://b/v2/", "http://b/v2/buns"] {
        let suggestion = suggested(&text, &[asking(url, &[("x-token", "loaf")])], &[0]);
        assert_eq!(suggestion.fixed, [0], "{url} {:?}", suggestion.unfixed);
        assert!(suggestion.edits[0].inserted.contains("X-Token: loaf"), "{:?}", suggestion.edits);
        for headers in [&[][..], &[("X-Token", "bun")], &[("X-Token", "**HUBBLE-REDACTED**")]] {
            check(&[&text], &[asking(url, headers)], "line 16 requires a header or host");
        }
    }
    let secret =
        text.replace("headers: ['X-Token: loaf']", "headerMatches: [{name: X-Token, value: loaf}]");
    check(&[&secret], &[asking("http://b/v2?x=1", &[("X-Token", "loaf")])], "requires a header");
    let host = text.replace("headers: ['X-Token: loaf']", "host: b");
    let suggestion = suggested(&host, &[asking("http://b/v2?x=1", &[])], &[0]);
    assert!(suggestion.edits[0].inserted.contains("host: b"), "{:?}", suggestion.unfixed);
    // The rule is for another path.
    let other = suggested(&text, &[asking("http://b/v3", &[])], &[0]);
    assert_eq!(other.fixed, [0], "{:?}", other.unfixed);
}
