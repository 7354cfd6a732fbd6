use flow::{
    Dns, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4, Layer7, Tcp, TrafficDirection,
    Udp, Verdict as FlowVerdict,
};

use super::*;
use crate::JudgeFlows;

mod agents;
mod bypassed;
mod lookups;
mod public;
mod several;
mod unfixable;

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
        ip: Some(Ip { destination: "20.1.1.2".to_owned(), ..Ip::default() }),
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

/// A policy that selects `app=b`, with its rules as a block.
fn about_b(rules: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: b # the backend\n  namespace: pets\nspec:\n  endpointSelector:\n    matchLabels:\n      app: b\n{rules}"
    )
}

/// Checks that adding `added` to `list` lets the first flow pass, with the rest of the text
/// unchanged.
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
    // Windows line endings are kept.
    let crlf = |text: &str| text.replace('\n', "\r\n");
    check(
        &crlf(&text),
        &[to_b("app=front", 8080)],
        "ingress[0].toPorts[0].ports",
        &crlf(added),
        &crlf(&expect),
    );
    // A file without a final newline, and one with a byte order mark.
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
    // Lists without indentation keep that style.
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
  "apiVersion": "cilium.io/v2",
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
    // With the name, the queries that a search list makes of it.
    let added = "              - matchName: api.github.com
              - matchPattern: \"api.github.com.*.svc.cluster.local\"
              - matchName: api.github.com.svc.cluster.local
              - matchName: api.github.com.cluster.local
";
    let expect = text.replace("    - toFQDNs", &format!("{added}    - toFQDNs"));
    let list = "egress[0].toPorts[0].rules.dns";
    check(&text, &[query("api.github.com")], list, added, &expect);

    // A connection by a new name needs both.
    let suggestion = suggested(&text, &[to_name("new.io")], &[0]);
    assert_eq!(suggestion.yaml, "");
    let lists: Vec<&str> = suggestion.edits.iter().map(|edit| edit.list.as_str()).collect();
    assert_eq!(lists, ["egress[0].toPorts[0].rules.dns", "egress[1].toFQDNs"]);
    assert_eq!(suggestion.fixed, [0]);
    // A name that may be queried already needs only its addresses.
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
    // Another client gets its own rule, as narrow as its request.
    let suggestion = suggested(&text, &[request("app=admin", "GET", "http://b/cart")], &[0]);
    assert_eq!(suggestion.edits[0].list, "ingress");
    assert!(suggestion.edits[0].inserted.contains("path: /cart"), "{:?}", suggestion.edits);
}

#[test]
fn lists_and_other_documents_are_left_alone() {
    let text = format!(
        "# ours\n---\n{}---\nkind: List\nitems:\n- apiVersion: cilium.io/v2\n  kind: CiliumNetworkPolicy\n  metadata: {{name: other, namespace: pets}}\n  spec:\n    endpointSelector: {{matchLabels: {{app: c}}}}\n    ingress:\n    - fromEntities: [world]\n\n# the end\n",
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
    // The policy selects every pod.
    check(CLOSED, to_b("app=front", 80));
    // A shared YAML anchor is used in two places.
    let shared = about_b(
        "  ingress:\n  - &rule\n    fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts: [{ports: [{port: '80', protocol: TCP}]}]\n  - *rule\n",
    );
    check(&shared, to_b("app=front", 81));
    // The policy has no rules of this direction: a first one would deny all other traffic.
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
        let reason = suggestion.unfixed[0].reason.to_string();
        for part in expect {
            assert!(reason.contains(part), "{reason}");
        }
    }
    let denied = CLOSED.replace("ingress: [{}]", "ingressDeny: [{fromEntities: [all]}]");
    check(
        &denied,
        to_b("app=a", 80),
        &["a deny rule denies it", "pets/closed", "ingressDeny[0]", "line 6"],
    );
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    let mut nameless = tcp(pod("pets", "app=b"), world, 443, TrafficDirection::Egress);
    nameless.ip = None;
    check(CLOSED, nameless, &["no address of the peer"]);
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

const KUBERNETES: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: b, namespace: pets}
spec:
  podSelector: {matchLabels: {app: b}}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector: {matchLabels: {app: front}}
    ports:
    - port: 80
";

#[test]
fn a_network_policy_is_mended_in_its_own_dialect() {
    let added = "  - from:\n    - podSelector:\n        matchLabels:\n          app: a\n    ports:\n    - port: 80\n      protocol: TCP\n";
    check(KUBERNETES, &[to_b("app=a", 80)], "ingress", added, &format!("{KUBERNETES}{added}"));
    let mut shop = pod("shop", "app=a");
    let name = "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop";
    shop.labels.push(name.to_owned());
    let elsewhere = tcp(shop, pod("pets", "app=b"), 80, TrafficDirection::Ingress);
    let added = "  - from:\n    - namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: shop\n      podSelector:\n        matchLabels:\n          app: a\n    ports:\n    - port: 80\n      protocol: TCP\n";
    check(KUBERNETES, &[elsewhere], "ingress", added, &format!("{KUBERNETES}{added}"));

    // The policy selects every pod of the namespace: another policy for one of them isolates no
    // further pod.
    let wide = KUBERNETES.replace("{matchLabels: {app: b}}\n  policy", "{}\n  policy");
    let suggestion = suggested(&wide, &[to_b("app=a", 80)], &[0]);
    assert_eq!((suggestion.edits.len(), suggestion.fixed.as_slice()), (0, [0].as_slice()));
    assert!(suggestion.yaml.contains("kind: NetworkPolicy\n"), "{}", suggestion.yaml);
    assert!(suggestion.yaml.contains("podSelector:\n    matchLabels:\n      app: b"));
    assert!(!suggestion.yaml.contains("enableDefaultDeny"));

    // Another kind of policy expresses what this one cannot.
    let gateway = Endpoint { labels: vec!["reserved:ingress".to_owned()], ..Endpoint::default() };
    let flow = tcp(gateway, pod("pets", "app=b"), 80, TrafficDirection::Ingress);
    let suggestion = suggested(KUBERNETES, &[flow], &[0]);
    assert!(suggestion.yaml.contains("kind: CiliumNetworkPolicy"), "{}", suggestion.yaml);
    assert_eq!(suggestion.fixed, [0]);
    // Together with a Cilium policy that also isolates the pod.
    let both = format!("{KUBERNETES}---\n{}", CLOSED.replace("ingress: [{}]", "ingress: [{}] #"));
    let suggestion = suggested(
        &both.replace("{matchLabels: {app: b}}\n  policy", "{}\n  policy"),
        &[to_b("app=a", 80)],
        &[0],
    );
    assert!(suggestion.yaml.contains("kind: CiliumNetworkPolicy"), "{}", suggestion.yaml);
}

#[test]
fn the_narrowest_entity_is_taken() {
    let check = |labels: &[&str], entity: &str| {
        let labels = labels.iter().map(|label| format!("reserved:{label}")).collect();
        let peer = Endpoint { labels, ..Endpoint::default() };
        let flow = tcp(pod("pets", "app=b"), peer, 6443, TrafficDirection::Egress);
        let suggestion = suggested(CLOSED, &[flow], &[0]);
        assert!(
            suggestion.yaml.contains(&format!("- toEntities:\n    - {entity}\n")),
            "{}",
            suggestion.yaml
        );
        assert_eq!(suggestion.fixed, [0]);
    };
    check(&["kube-apiserver", "remote-node"], "kube-apiserver");
    check(&["host", "kube-apiserver"], "kube-apiserver");
    check(&["kube-apiserver", "world"], "kube-apiserver");
    check(&["remote-node"], "remote-node");
    check(&["ingress"], "ingress");
}

#[test]
fn what_does_not_help_is_not_offered() {
    // An unknown verdict stays unknown, and nothing is opened for it.
    let unknown = "  ingressDeny: [{fromCIDRSet: [{cidrGroupRef: unknown}]}]\n  ingress: [{fromEndpoints: [{matchLabels: {app: front}}]}]\n";
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    let mut stranger = tcp(world, pod("pets", "app=b"), 80, TrafficDirection::Ingress);
    stranger.ip = Some(Ip { source: "20.1.1.1".to_owned(), ..Ip::default() });
    let text = about_b(unknown);
    let suggestion = suggested(&text, std::slice::from_ref(&stranger), &[0]);
    assert_eq!(
        (suggestion.edits.len(), suggestion.yaml.as_str(), suggestion.unfixed.len()),
        (0, "", 1)
    );
    assert_eq!(suggestion.fixed, [0; 0]);
    // The addition for another flow is offered without it.
    let suggestion = suggested(&text, &[stranger, to_b("app=a", 80)], &[0, 1]);
    assert_eq!((suggestion.fixed.as_slice(), suggestion.unfixed.len()), ([1].as_slice(), 1));
    let all: String = suggestion.edits.iter().map(|edit| edit.inserted.as_str()).collect();
    assert!(all.contains("\"app\": \"a\"") && !all.contains("20.1.1.1"), "{all}");
}

#[test]
fn an_http_rule_is_not_made_void() {
    let rules = "  ingress:\n  - fromEndpoints: [{matchLabels: {app: front}}]\n    toPorts:\n    - ports: [{port: '80', protocol: TCP}]\n      rules:\n        http:\n        - {method: GET, path: /cart, headers: ['X-Token: loaf']}\n        - {method: PUT, host: b}\n";
    let with_token = |value: &str| {
        let mut flow = request("app=front", "GET", "http://b/cart");
        if let Some(L7Record::Http(http)) = flow.l7.as_mut().and_then(|l7| l7.record.as_mut()) {
            http.headers =
                vec![flow::HttpHeader { key: "X-Token".to_owned(), value: value.to_owned() }];
        }
        flow
    };
    for flow in [with_token("bun"), request("app=front", "PUT", "http://other/")] {
        let suggestion = suggested(&about_b(rules), &[flow], &[0]);
        assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
        assert!(matches!(suggestion.unfixed[0].reason, UnfixedReason::NarrowerRule(_)));
    }
    let other = request("app=front", "POST", "http://b/cart");
    assert_eq!(suggested(&about_b(rules), &[other], &[0]).fixed, [0]);
}

#[test]
fn answers_get_no_rule() {
    let answer = |source_port, destination_port, flags| {
        let l4 = Layer4::Tcp(Tcp { source_port, destination_port, flags: Some(flags) });
        Flow { l4: Some(l4), drop_reason_desc: flow::DropReason::POLICY_DENIED, ..to_b("app=a", 0) }
    };
    let (syn, ack, rst) = (flow::TcpFlags::SYN, flow::TcpFlags::ACK, flow::TcpFlags::RST);
    let refused =
        [answer(4317, 51_622, syn | ack), answer(4317, 51_622, rst), answer(443, 40_907, ack)];
    let suggestion = suggested(CLOSED, &refused, &[0, 1, 2]);
    assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
    assert_eq!(suggestion.unfixed.len(), 3);
    assert_eq!(suggested(CLOSED, &[answer(51_622, 4317, syn)], &[0]).fixed, [0]);
}

#[test]
fn what_is_denied_next_is_named() {
    let lab = include_str!("../../../../tests/vectors/policies-lab/acns-network-policy.yaml");
    let combined = include_str!("../../../../tests/vectors/policies-lab/aks-combined-fqdn-l7.yaml");
    let settings = Settings { namespace: "pets".to_owned(), ..Settings::default() };
    let check = |text: &str, flows: &[Flow], wanted: &[usize], expect: &[&str]| {
        let suggestion = suggest(&[SourceText { index: 0, text }], &settings, flows, wanted);
        assert_eq!(suggestion.fixed, wanted, "{:?}", suggestion.unfixed);
        let heads: Vec<&str> = suggestion
            .still_denied
            .iter()
            .map(|sentence| sentence.split(": denied on").next().unwrap_or_default())
            .collect();
        assert_eq!(heads, expect);
    };
    let app = |name: &str| pod("pets", &format!("app={name}"));
    let of = |from: &str, flow: Flow| Flow { source: Some(app(from)), ..flow };
    let connect = |direction| tcp(app("order-service"), app("product-service"), 3002, direction);
    let (out, inward) = (connect(TrafficDirection::Egress), connect(TrafficDirection::Ingress));
    let resolver = pod("kube-system", "k8s-app=kube-dns");
    let nameless = of("order-service", Flow { l7: None, ..query("") });
    // One direction is opened, the other is not.
    check(
        lab,
        &[out.clone(), inward.clone()],
        &[0],
        &["ingress of pets/product-service 3002/TCP from pets/order-service stays denied"],
    );
    check(
        lab,
        &[out.clone(), inward.clone()],
        &[1],
        &["egress of pets/order-service to pets/product-service 3002/TCP stays denied"],
    );
    check(lab, &[out.clone(), inward.clone()], &[0, 1], &[]);
    // The lookup is opened, the connection after it is not.
    let beyond = "pets/order-service can look up names, which alone opens nothing: ";
    check(
        lab,
        &[nameless.clone(), out.clone()],
        &[0],
        &[&format!("{beyond}egress to pets/product-service 3002/TCP stays denied")],
    );
    check(
        lab,
        std::slice::from_ref(&nameless),
        &[0],
        &[&format!(
            "{beyond}the name is not in the record, and its egress stays limited to the rules of `CiliumNetworkPolicy/pets/allow-order-service-traffic` egress[0] (line 38)"
        )],
    );
    // If all connections that it tries pass with the fix, there is no note.
    check(lab, &[nameless, out.clone(), inward.clone()], &[0, 1, 2], &[]);
    // The port of a name comes from flows, else it is HTTPS.
    let named = of("order-service", query("product-service.pets.svc.cluster.local"));
    let name = "product-service.pets.svc.cluster.local";
    check(
        lab,
        &[named, inward],
        &[0],
        &[&format!(
            "pets/order-service can look up {name}, which alone opens nothing: egress to pets/product-service 3002/TCP and ingress to pets/product-service 3002/TCP stay denied"
        )],
    );
    let front =
        |name: &str| Flow { destination: Some(resolver.clone()), ..of("store-front", query(name)) };
    check(
        combined,
        &[front("www.bing.com")],
        &[0],
        &[
            "pets/store-front can look up www.bing.com, which alone opens nothing: egress to www.bing.com 443/TCP stays denied",
        ],
    );
    check(combined, &[front("api.github.com")], &[0], &[]);
}

#[test]
fn what_the_agent_lets_pass_by_a_setting_gets_no_rule() {
    let too_large =
        Flow { l4: Some(Layer4::Icmpv4(flow::Icmp { icmp_type: 3, code: 4 })), ..to_b("app=a", 0) };
    let text = about_b("  ingress: [{}]\n");
    let sources = [SourceText { index: 0, text: &text }];
    let settings = Settings { icmp_frag_needed: false, ..Settings::default() };
    let what = "it is ICMP fragmentation needed, which the agent lets pass without a rule unless `allow-icmp-frag-needed` is off";
    let suggestion = suggest(&sources, &settings, std::slice::from_ref(&too_large), &[0]);
    assert_eq!((suggestion.edits.len(), suggestion.yaml.as_str()), (0, ""));
    assert!(suggestion.unfixed[0].reason.to_string().starts_with(what), "{:?}", suggestion.unfixed);
    let judge = Judge::new(Arc::new(PolicySet::read(&sources, settings)));
    let judgement = judge.explain_flow(&too_large, &Learned::default()).unwrap();
    let sentence = judgement.sentence(judge.set());
    assert!(sentence.starts_with("denied on ingress by default"), "{sentence}");
    assert!(sentence.ends_with(&format!("{what}, and connections need it")), "{sentence}");
}
