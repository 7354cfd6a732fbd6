use flow::{
    Dns, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4, Layer7, Tcp, TrafficDirection,
    Udp, Verdict as FlowVerdict,
};

use super::*;

const CLOSED: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: closed, namespace: pets}
spec:
  endpointSelector: {}
  ingress: [{}]
  egress:
  - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: '53', protocol: ANY}]
      rules: {dns: [{matchName: known.io}]}
";

fn pod(namespace: &str, label: &str) -> Endpoint {
    Endpoint {
        identity: 1000,
        labels: vec![
            format!("k8s:{label}"),
            format!("k8s:io.kubernetes.pod.namespace={namespace}"),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
        ],
        ..Endpoint::default()
    }
}

fn tcp(from: Endpoint, to: Endpoint, port: u16, direction: TrafficDirection) -> Flow {
    Flow {
        source: Some(from),
        destination: Some(to),
        l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: port, flags: None })),
        traffic_direction: direction,
        verdict: FlowVerdict::Dropped,
        ip: Some(Ip { destination: "20.1.1.1".to_owned(), ..Ip::default() }),
        ..Flow::default()
    }
}

/// A connection to the pod `app=b` of the namespace `pets`.
fn to_b(app: &str, port: u16) -> Flow {
    tcp(pod("pets", app), pod("pets", "app=b"), port, TrafficDirection::Ingress)
}

/// A connection from the pod `app=b` to an address with a name.
fn to_name(name: &str) -> Flow {
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    Flow {
        destination_names: vec![name.to_owned()],
        ..tcp(pod("pets", "app=b"), world, 443, TrafficDirection::Egress)
    }
}

/// A query of the pod `app=b`.
fn query(name: &str) -> Flow {
    Flow {
        l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 53 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Request,
            record: Some(L7Record::Dns(Dns { query: format!("{name}."), ..Dns::default() })),
            ..Layer7::default()
        }),
        ..tcp(
            pod("pets", "app=b"),
            pod("kube-system", "k8s-app=kube-dns"),
            53,
            TrafficDirection::Egress,
        )
    }
}

/// A request to the pod `app=b`.
fn request(app: &str, method: &str, url: &str) -> Flow {
    Flow {
        l7: Some(Layer7 {
            l7_type: L7FlowType::Request,
            record: Some(L7Record::Http(Http {
                method: method.to_owned(),
                url: url.to_owned(),
                ..Http::default()
            })),
            ..Layer7::default()
        }),
        ..to_b(app, 80)
    }
}

fn suggested(text: &str, flows: &[Flow], wanted: &[usize]) -> Suggestion {
    suggest(&[SourceText { index: 7, text }], &Settings::default(), flows, wanted)
}

/// A policy about `app=b`, its rules as a block.
fn about_b(rules: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: b # the backend\n  namespace: pets\nspec:\n  endpointSelector:\n    matchLabels:\n      app: b\n{rules}"
    )
}

/// The first flow is let pass by adding `added` to `list`; the text is otherwise as before.
fn check(text: &str, flows: &[Flow], list: &str, added: &str, expect: &str) {
    let suggestion = suggested(text, flows, &[0]);
    assert_eq!(suggestion.unfixed, [], "{text}");
    assert_eq!(suggestion.yaml, "", "{text}\n{:?}", suggestion.edits);
    let edits: Vec<(&str, &str)> =
        suggestion.edits.iter().map(|e| (e.list.as_str(), e.inserted.as_str())).collect();
    assert_eq!(edits, [(list, added)], "{text}");
    assert_eq!(suggestion.texts, [(7, expect.to_owned())]);
    assert_eq!(suggestion.fixed, [0], "{text}");
    assert_eq!(suggestion.also_allowed, [""; 0], "{text}");
}

const RULE: &str = "  ingress:
    # Only the front talks to us.
    - fromEndpoints:
        - matchLabels:
            app: front # as labelled by helm
      toPorts:
        - ports:
            - port: \"80\"
              protocol: TCP
  # Nothing about egress yet.
";

#[test]
fn a_port_joins_the_rule_of_its_peer() {
    let text = about_b(RULE);
    let added = "            - port: \"8080\"\n              protocol: TCP\n";
    let expect = text.replace("  # Nothing about", &format!("{added}  # Nothing about"));
    check(&text, &[to_b("app=front", 8080)], "ingress[0].toPorts[0].ports", added, &expect);
    // Two lines of Windows stay two lines of Windows.
    let crlf = |text: &str| text.replace('\n', "\r\n");
    check(
        &crlf(&text),
        &[to_b("app=front", 8080)],
        "ingress[0].toPorts[0].ports",
        &crlf(added),
        &crlf(&expect),
    );
    // A file that ends without a newline, and one that begins with a byte order mark.
    let cut = text.replace("\n  # Nothing about egress yet.\n", "");
    let bare = format!("\n{}", added.trim_end());
    let list = "ingress[0].toPorts[0].ports";
    check(&cut, &[to_b("app=front", 8080)], list, &bare, &format!("{cut}{bare}"));
    let mark = "\u{feff}";
    let marked = format!("{mark}{text}");
    check(&marked, &[to_b("app=front", 8080)], list, added, &format!("{mark}{expect}"));
}

#[test]
fn a_peer_joins_the_rule_of_its_port() {
    let text = about_b(RULE);
    let added = "        - matchLabels:\n            app: admin\n";
    let expect = text.replace("      toPorts", &format!("{added}      toPorts"));
    check(&text, &[to_b("app=admin", 80)], "ingress[0].fromEndpoints", added, &expect);
}

#[test]
fn a_rule_of_its_own_where_neither_is_there() {
    let text = about_b(RULE);
    let added = "    - fromEndpoints:\n        - matchLabels:\n            app: admin\n      toPorts:\n        - ports:\n            - port: \"8080\"\n              protocol: TCP\n";
    let expect = text.replace("  # Nothing about", &format!("{added}  # Nothing about"));
    check(&text, &[to_b("app=admin", 8080)], "ingress", added, &expect);
    // Lists that are not indented stay so.
    let flat = about_b("  ingress:\n  - fromEntities:\n    - world\n  description: the rest\n");
    let added = "  - fromEndpoints:\n    - matchLabels:\n        app: admin\n    toPorts:\n    - ports:\n      - port: \"80\"\n        protocol: TCP\n";
    let expect = flat.replace("  description", &format!("{added}  description"));
    check(&flat, &[to_b("app=admin", 80)], "ingress", added, &expect);
}

#[test]
fn flow_style_and_json_stay_what_they_are() {
    let text = about_b(
        "  ingress: [{fromEndpoints: [{matchLabels: {app: front}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}] # short\n",
    );
    let added = ", {\"port\": \"8080\", \"protocol\": \"TCP\"}";
    let expect = text.replace("TCP}]", &format!("TCP}}{added}]"));
    check(&text, &[to_b("app=front", 8080)], "ingress[0].toPorts[0].ports", added, &expect);

    let empty = about_b("  ingress: [{}]\n");
    let rule = "{\"fromEndpoints\": [{\"matchLabels\": {\"app\": \"front\"}}], \"toPorts\": [{\"ports\": [{\"port\": \"80\", \"protocol\": \"TCP\"}]}]}";
    let expect = empty.replace("{}]", &format!("{{}}, {rule}]"));
    check(&empty, &[to_b("app=front", 80)], "ingress", &format!(", {rule}"), &expect);

    let json = r#"{
  "kind": "CiliumNetworkPolicy",
  "metadata": {"name": "b", "namespace": "pets"},
  "spec": {
    "endpointSelector": {"matchLabels": {"app": "b"}},
    "ingress": [
      {"fromEntities": ["world"]}
    ]
  }
}
"#;
    let added = format!(",\n      {rule}");
    let expect = json.replace("[\"world\"]}", &format!("[\"world\"]}}{added}"));
    check(json, &[to_b("app=front", 80)], "ingress", &added, &expect);
}

#[test]
fn a_name_joins_the_dns_rule_and_the_addresses() {
    let rules = "  egress:
    - toEndpoints:
        - matchLabels:
            io.kubernetes.pod.namespace: kube-system
            k8s-app: kube-dns
      toPorts:
        - ports:
            - port: \"53\"
              protocol: ANY
          rules:
            dns:
              - matchPattern: \"*.known.io\"
    - toFQDNs:
        - matchPattern: \"*.known.io\"
        - matchName: api.github.com
      toPorts:
        - ports:
            - port: \"443\"
              protocol: TCP
";
    let text = about_b(rules);
    let added = "              - matchName: api.github.com\n";
    let expect = text.replace("    - toFQDNs", &format!("{added}    - toFQDNs"));
    let list = "egress[0].toPorts[0].rules.dns";
    check(&text, &[query("api.github.com")], list, added, &expect);

    // A connection by a new name needs both.
    let suggestion = suggested(&text, &[to_name("new.io")], &[0]);
    assert_eq!(suggestion.yaml, "");
    let lists: Vec<&str> = suggestion.edits.iter().map(|edit| edit.list.as_str()).collect();
    assert_eq!(lists, ["egress[0].toPorts[0].rules.dns", "egress[1].toFQDNs"]);
    assert_eq!(suggestion.fixed, [0]);
    // A name that may be asked for already needs its addresses alone.
    let added = "        - matchName: \"a.b.known.io\"\n".replace('"', "");
    let wide = text.replace(
        "- matchPattern: \"*.known.io\"\n    - toFQDNs",
        "- matchPattern: \"*\"\n    - toFQDNs",
    );
    let expect = wide.replace("com\n      toPorts", &format!("com\n{added}      toPorts"));
    check(&wide, &[to_name("a.b.known.io")], "egress[1].toFQDNs", &added, &expect);
}

#[test]
fn a_request_joins_the_http_rules_of_its_client() {
    let rules = "  ingress:
  - fromEndpoints:
    - matchLabels: {app: front}
    toPorts:
    - ports:
      - port: \"80\"
        protocol: TCP
      rules:
        http:
        - method: GET
          path: /cart
";
    let text = about_b(rules);
    let added = "        - method: POST\n          path: \"/cart\\\\?id=1\"\n";
    let flows = [request("app=front", "POST", "http://b/cart?id=1")];
    let list = "ingress[0].toPorts[0].rules.http";
    check(&text, &flows, list, added, &format!("{text}{added}"));
    // Another client gets a rule of its own, no wider than its request.
    let suggestion = suggested(&text, &[request("app=admin", "GET", "http://b/cart")], &[0]);
    assert_eq!(suggestion.edits[0].list, "ingress");
    assert!(suggestion.edits[0].inserted.contains("path: /cart"), "{:?}", suggestion.edits);
}

#[test]
fn lists_and_other_documents_are_left_alone() {
    let text = format!(
        "# ours\n---\n{}---\nkind: List\nitems:\n- kind: CiliumNetworkPolicy\n  metadata: {{name: other, namespace: pets}}\n  spec:\n    endpointSelector: {{matchLabels: {{app: c}}}}\n    ingress:\n    - fromEntities: [world]\n\n# the end\n",
        about_b(RULE)
    );
    let flow = tcp(pod("pets", "app=a"), pod("pets", "app=c"), 80, TrafficDirection::Ingress);
    let added = "    - fromEndpoints:\n      - matchLabels:\n          app: a\n      toPorts:\n      - ports:\n        - port: \"80\"\n          protocol: TCP\n";
    let expect = text.replace("\n\n# the end", &format!("\n{added}\n# the end"));
    check(&text, &[flow], "ingress", added, &expect);
}

#[test]
fn what_would_be_wider_goes_into_a_policy_of_its_own() {
    fn check(text: &str, flow: Flow) {
        let suggestion = suggested(text, &[flow], &[0]);
        assert_eq!(suggestion.edits, [], "{text}");
        assert_eq!(suggestion.texts, []);
        assert_eq!(suggestion.fixed, [0], "{text}");
        assert!(suggestion.yaml.contains("enableDefaultDeny"), "{}", suggestion.yaml);
    }
    // The policy is about every pod.
    check(CLOSED, to_b("app=front", 80));
    // What is written once is meant twice.
    let shared = about_b(
        "  ingress:\n  - &rule\n    fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts: [{ports: [{port: '80', protocol: TCP}]}]\n  - *rule\n",
    );
    check(&shared, to_b("app=front", 81));
    // It has no rules of this direction: a first one would cut off everything else.
    let other = format!("{}---\n{CLOSED}", about_b("  egress: [{}]\n"));
    check(&other, to_b("app=front", 80));
}

#[test]
fn additions_let_the_asked_flows_pass_and_list_the_rest() {
    let inside = tcp(pod("pets", "app=a"), pod("pets", "app=b"), 80, TrafficDirection::Ingress);
    let mut twin = inside.clone();
    if let Some(source) = &mut twin.source {
        source.labels.push("k8s:version=2".to_owned());
    }
    let named = to_name("api.github.com");
    let flows = [named, query("api.github.com"), inside, twin, to_b("app=a", 81)];
    let suggestion = suggested(CLOSED, &flows, &[0, 1, 2, 4]);
    assert_eq!(suggestion.fixed, [0, 1, 2, 4], "{}", suggestion.yaml);
    assert_eq!(suggestion.unfixed, []);
    assert_eq!(suggestion.also_allowed, ["pets/a → pets/b 80/TCP"]);
    insta::assert_snapshot!(suggestion.yaml);
}

#[test]
fn what_no_addition_helps_is_said() {
    fn check(text: &str, flow: Flow, expect: &[&str]) {
        let suggestion = suggested(text, &[flow], &[0]);
        assert_eq!((suggestion.yaml.as_str(), suggestion.edits.len()), ("", 0));
        let reason = &suggestion.unfixed[0].reason;
        for part in expect {
            assert!(reason.contains(part), "{reason}");
        }
    }
    let denied = CLOSED.replace("ingress: [{}]", "ingressDeny: [{fromEntities: [all]}]");
    check(
        &denied,
        to_b("app=a", 80),
        &["a deny rule refuses it", "pets/closed", "ingressDeny[0]", "line 6"],
    );
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    let mut nameless = tcp(pod("pets", "app=b"), world, 443, TrafficDirection::Egress);
    nameless.ip = None;
    check(CLOSED, nameless, &["no address of the other side"]);
}

#[test]
fn an_addition_comes_before_the_baseline() {
    let text = "\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: baseline}
spec:
  tier: Baseline
  priority: 1
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {}}]}]
";
    let suggestion = suggested(text, &[to_b("app=a", 80), to_b("app=c", 80)], &[0]);
    assert_eq!(suggestion.fixed, [0], "{:?}", suggestion.unfixed);
    assert_eq!(suggestion.also_allowed, [""; 0]);
}
