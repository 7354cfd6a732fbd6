use std::fmt::Write;
use std::sync::Arc;

use cilium_policy::{Judge, PolicySet, Settings, SourceText, Verdict};

use super::{Answer, AnswerStep, Directory, Question, StepKind, Target, ask};

mod services;

const ZERO_TRUST: &str =
    include_str!("../../../../tests/vectors/policies-lab/acns-network-policy.yaml");
const COMBINED: &str =
    include_str!("../../../../tests/vectors/policies-lab/aks-combined-fqdn-l7.yaml");

const CLUSTER: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: pets, labels: {team: shop}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: order-service, namespace: pets}
spec:
  template:
    metadata: {labels: {app: order-service}}
    spec: {containers: [{name: main, ports: [{name: web, containerPort: 3000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: store-front-1, namespace: pets, labels: {app: store-front}}
spec: {containers: [{name: main, ports: [{name: web, containerPort: 8080}]}]}
status: {podIP: 10.244.0.87}
---
apiVersion: v1
kind: Pod
metadata: {name: product-service-1, namespace: pets, labels: {app: product-service}}
spec: {containers: []}
status: {podIP: 10.244.0.88}
---
apiVersion: v1
kind: Service
metadata: {name: store-front, namespace: pets}
spec:
  clusterIP: 10.0.0.7
  selector: {app: store-front}
  ports: [{port: 80, targetPort: web}]
---
apiVersion: v1
kind: Service
metadata: {name: product-service, namespace: pets}
spec: {selector: {app: product-service}, ports: [{port: 3002}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system, labels: {app: agent}}
spec: {hostNetwork: true, containers: []}
";

fn sources<'t>(texts: &[&'t str]) -> Vec<SourceText<'t>> {
    texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect()
}

fn settings() -> Settings {
    Settings { namespace: "pets".to_owned(), ..Settings::default() }
}

fn answer(texts: &[&str], from: &str, to: &str) -> Answer {
    let (texts, settings) = (sources(texts), settings());
    let directory = Directory::of(&texts, &[], &settings);
    let judge = Judge::new(Arc::new(PolicySet::read(&texts, settings)));
    let labels = |text: &str| -> (String, Vec<String>) {
        let mut words = text.split(' ').map(str::to_owned);
        (words.next().unwrap_or_default(), words.collect())
    };
    let ((from, from_labels), (to, to_labels)) = (labels(from), labels(to));
    let (to, traffic) = Target::parse_with_port(&to).unwrap();
    let from = Target::parse(&from).unwrap();
    let question = Question { from, from_labels, to, to_labels, traffic, request: None };
    ask(&judge, &directory, &question).unwrap()
}

/// The answer, step by step and as a whole. Queries of one lookup with the same verdict are merged.
fn answered(texts: &[&str], from: &str, to: &str) -> String {
    let answer = answer(texts, from, to);
    let mut out = answer.verdict.name().to_owned();
    for path in &answer.paths {
        out.push_str(" |");
        let is_same = |a: &AnswerStep, b: &AnswerStep| {
            (a.kind, a.judgement.verdict) == (b.kind, b.judgement.verdict)
        };
        for step in path.steps.chunk_by(is_same).filter_map(<[AnswerStep]>::first) {
            let verdict = step.judgement.verdict.name();
            write!(out, " {} {verdict};", step.kind.name()).unwrap();
        }
    }
    out
}

#[test]
fn each_step_is_decided_by_itself() {
    let check = |policies: &str, from: &str, to: &str, expect: &str| {
        assert_eq!(answered(&[policies, CLUSTER], from, to), expect, "{from} > {to}");
    };
    let shut = "denied | DNS denied; egress denied; ingress denied;";
    check(ZERO_TRUST, "order-service", "product-service:3002", shut);
    check(ZERO_TRUST, "pets/order-service", "product-service.pets.svc:3002", shut);
    // Written labels take precedence over those of documents.
    check(
        ZERO_TRUST,
        "pets/order-service app=store-front",
        "product-service:3002",
        "denied | DNS denied; egress allowed; ingress allowed;",
    );
    // A pod is reached by its address, without a lookup.
    check(
        ZERO_TRUST,
        "store-front-1",
        "10.244.0.88:3002",
        "allowed | egress allowed; ingress allowed;",
    );
    check(ZERO_TRUST, "order-service", "www.bing.com:443", "denied | DNS denied; egress denied;");
    // The Service's port differs from its pods': 80 is 8080 there.
    check(ZERO_TRUST, "world", "store-front:80", "allowed | ingress allowed;");
    check(ZERO_TRUST, "world", "10.0.0.7:80", "allowed | ingress allowed;");
    check(ZERO_TRUST, "world", "store-front-1:80", "denied | ingress denied;");
    // A node's agent reaches the node's own pods without a rule.
    check(
        ZERO_TRUST,
        "kube-system/agent",
        "store-front-1:8080",
        "cannot tell | egress allowed; ingress allowed; | egress allowed; ingress denied;",
    );
    // In toFQDNs, and not in the DNS rules.
    check(COMBINED, "store-front", "api.github.com:443", "denied | DNS denied; egress allowed;");
    check(
        COMBINED,
        "store-front",
        "www.microsoft.com:443",
        "allowed | DNS allowed; egress allowed;",
    );
    check(COMBINED, "store-front", "www.google.com:443", "denied | DNS denied; egress denied;");
    check("", "order-service", "www.bing.com:443", "allowed | DNS allowed; egress allowed;");
}

/// The queries of a lookup; refused ones are marked with `!`.
fn queries(texts: &[&str], from: &str, to: &str) -> Vec<String> {
    let answer = answer(texts, from, to);
    let steps = answer.paths.iter().flat_map(|path| &path.steps);
    let lookups = steps.filter(|step| step.kind == StepKind::Lookup);
    lookups
        .map(|step| match step.judgement.verdict {
            Verdict::Denied => format!("!{}", step.about),
            _ => step.about.clone(),
        })
        .collect()
}

#[test]
fn a_name_is_looked_up_as_resolvers_do() {
    let check = |policies: &str, to: &str, expect: &[&str]| {
        assert_eq!(queries(&[policies, CLUSTER], "store-front", to), expect, "{to}");
    };
    check(
        COMBINED,
        "api.github.com:443",
        &[
            "!api.github.com.pets.svc.cluster.local",
            "!api.github.com.svc.cluster.local",
            "!api.github.com.cluster.local",
            "!api.github.com.*.*.internal.cloudapp.net",
            "!api.github.com",
        ],
    );
    // A query that is dropped on its way to the resolver gets no refusal from the proxy.
    let dropped = answer(&[ZERO_TRUST, CLUSTER], "order-service", "api.github.com:443");
    assert_eq!(dropped.notes.iter().filter(|note| note.contains("ndots")).count(), 0);
    let judge = Judge::new(Arc::new(PolicySet::read(&sources(&[ZERO_TRUST]), settings())));
    let sentence = dropped.paths[0].steps[0].judgement.sentence(judge.set());
    assert!(sentence.starts_with("denied on egress by default") && !sentence.contains("musl"));
    // A dot at the end, or many dots: only the name itself is queried.
    check(COMBINED, "api.github.com.:443", &["!api.github.com"]);
    check(COMBINED, "a.b.c.d.e.example:443", &["!a.b.c.d.e.example"]);
    // A Service's name, as it is written.
    let full = "product-service.pets.svc.cluster.local";
    check(COMBINED, "product-service:3002", &[full]);
    check(COMBINED, "pets/product-service:3002", &[full]);
    check(COMBINED, "product-service.pets.svc.cluster.local.:3002", &[full]);
    check(
        COMBINED,
        "product-service.pets:3002",
        &["!product-service.pets.pets.svc.cluster.local", full],
    );
    check(
        COMBINED,
        "product-service.pets.svc:3002",
        &[
            "!product-service.pets.svc.pets.svc.cluster.local",
            "!product-service.pets.svc.svc.cluster.local",
            full,
        ],
    );
    check(
        COMBINED,
        "product-service.pets.svc.cluster.local:3002",
        &[
            "!product-service.pets.svc.cluster.local.pets.svc.cluster.local",
            "!product-service.pets.svc.cluster.local.svc.cluster.local",
            "!product-service.pets.svc.cluster.local.cluster.local",
            "!product-service.pets.svc.cluster.local.*.*.internal.cloudapp.net",
            full,
        ],
    );
}

#[test]
fn the_first_refusal_of_a_lookup_decides_and_the_fix_holds_all_of_it() {
    // The fix that most people would write: the name alone.
    let half = COMBINED.replace(
        "          # NOTE: api.github.com",
        "          - matchName: api.github.com\n          # NOTE: api.github.com",
    );
    let before = answer(&[&half, CLUSTER], "store-front", "api.github.com:443");
    assert_eq!(before.verdict, Verdict::Denied);
    assert!(before.notes.iter().any(|note| note.contains("glibc goes on")), "{:?}", before.notes);
    for policies in [half.as_str(), COMBINED, ZERO_TRUST] {
        let texts = sources(&[policies, CLUSTER]);
        for to in ["api.github.com:443", "github.com:443", "product-service.pets.svc:3002"] {
            let before = answer(&[policies, CLUSTER], "store-front", to);
            let suggestion = before.suggest(&texts, &settings(), &[]);
            assert_eq!(suggestion.unfixed, [], "{to}");
            let mut fixed = [policies.to_owned(), CLUSTER.to_owned(), suggestion.yaml];
            for (index, text) in suggestion.texts {
                fixed[index] = text;
            }
            let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
            let after = answer(&fixed, "store-front", to);
            assert_eq!(after.verdict, Verdict::Allowed, "{to}: {fixed:#?}");
        }
    }
}

/// Services that lead out of the cluster, and a pod with an IPv4 and an IPv6 address.
const ELSEWHERE: &str = "
apiVersion: v1
kind: Service
metadata: {name: bank, namespace: pets}
spec: {clusterIP: 10.0.0.8, ports: [{port: 443, name: tls}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: bank-1, namespace: pets, labels: {kubernetes.io/service-name: bank}}
ports: [{port: 8443, name: tls}]
endpoints: [{addresses: [20.1.1.1]}]
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: pets}
spec: {type: ExternalName, externalName: API.example.com}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: pets, labels: {app: db}}
spec: {containers: []}
status: {podIP: 10.244.0.90, podIPs: [{ip: 10.244.0.90}, {ip: 'fd00::90'}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: front, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: store-front}}
  egress:
  - toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts: [{ports: [{port: '53', protocol: ANY}], rules: {dns: [{matchPattern: '*.pets.svc.cluster.local'}]}}]
  - PEER
    toPorts: [{ports: [{port: '8443', protocol: TCP}, {port: '80', protocol: TCP}]}]
";

#[test]
fn services_and_pods_are_found_behind_their_names() {
    let check = |peer: &str, to: &str, expect: &str| {
        let policy = ELSEWHERE.replace("PEER", peer);
        assert_eq!(answered(&[&policy, CLUSTER], "store-front", to), expect, "{peer} {to}");
    };
    let (yes, no) =
        ("allowed | DNS allowed; egress allowed;", "denied | DNS allowed; egress denied;");
    // The destination behind a Service comes from its slices, with their port.
    check("toCIDR: [20.1.1.1/32]", "bank:443", yes);
    check("toCIDR: [20.1.1.2/32]", "bank:443", no);
    // The name leads to an address that policy never sees, except for a headless Service: whether
    // another name led to the backend is not known.
    let by_name = "toFQDNs: [{matchName: bank.pets.svc.cluster.local}]";
    check(by_name, "bank:443", "cannot tell | DNS allowed; egress cannot tell;");
    let headless = ELSEWHERE.replace("10.0.0.8", "None").replace("PEER", by_name);
    // The port is not translated, either.
    assert_eq!(answered(&[&headless, CLUSTER], "store-front", "bank:8443"), yes);
    assert_eq!(answered(&[&headless, CLUSTER], "store-front", "bank:443"), no);
    // For an external name, the agent knows the name that was queried.
    check("toFQDNs: [{matchName: api.pets.svc.cluster.local}]", "api:80", yes);
    check("toFQDNs: [{matchName: api.example.com}]", "api:80", no);
    check(
        "toEndpoints: [{matchLabels: {app: db}}]",
        "[fd00::90]:80",
        "allowed | egress allowed; ingress allowed;",
    );
    // A connection that passes says nothing about its requests.
    let proxied = answer(&[COMBINED, CLUSTER], "store-front", "product-service:3002");
    assert_eq!(proxied.verdict, Verdict::Allowed);
    assert!(
        proxied
            .notes
            .iter()
            .any(|note| note.starts_with("on egress, the proxy checks each request"))
    );
    // A connection of a pod to itself.
    let own = answer(&[ZERO_TRUST, CLUSTER], "store-front-1", "10.244.0.87:8080");
    assert_eq!((own.verdict, own.paths[0].steps.len()), (Verdict::Allowed, 0));
    assert_eq!(own.notes, ["policy does not decide about a pod's connection to itself"]);
    check(by_name, "kube-system/kube-dns:53/UDP", "allowed | egress allowed; ingress allowed;");
}

/// A policy without a namespace would select the pod in the pod's own namespace: cannot tell.
#[test]
fn policies_without_a_namespace_leave_it_open() {
    let shut = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: shut}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
    let asked = |text: &str| answered(&[text], "x/a app=a", "x/b:80 app=b");
    assert_eq!(asked(shut), "cannot tell | DNS allowed; egress allowed; ingress allowed;");
    let placed = |namespace: &str| {
        shut.replace("name: shut", &format!("name: shut, namespace: {namespace}"))
    };
    assert_eq!(asked(&placed("x")), "denied | DNS allowed; egress allowed; ingress denied;");
    assert_eq!(asked(&placed("y")), "allowed | DNS allowed; egress allowed; ingress allowed;");
}

#[test]
fn what_is_not_known_is_named() {
    let check = |policies: &str, from: &str, to: &str, expect: &str| {
        assert_eq!(answered(&[policies], from, to), expect, "{from} > {to}");
    };
    let unknown = "cannot tell | DNS cannot tell; egress cannot tell; ingress cannot tell;";
    check(ZERO_TRUST, "order-service", "product-service:3002", unknown);
    check(
        ZERO_TRUST,
        "order-service app=order-service",
        "product-service:3002",
        "denied | DNS denied; egress denied; ingress cannot tell;",
    );
    // No rule opens 3002 for any peer. An address in the cluster's ranges may be any pod's; the
    // peer's labels are missing.
    check(
        ZERO_TRUST,
        "order-service app=order-service",
        "10.244.0.9:5672",
        "cannot tell | egress cannot tell; ingress cannot tell;",
    );
    check(
        ZERO_TRUST,
        "order-service app=order-service",
        "10.244.0.9:443",
        "denied | egress denied; ingress cannot tell;",
    );
    let by_namespace = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-team}
spec:
  endpointSelector: {}
  ingress:
  - fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: shop}}]
";
    // Written labels lack those of the namespace; the namespace's document has them.
    let unknown = "cannot tell | egress allowed; ingress cannot tell;";
    check(by_namespace, "x/a app=a", "10.244.0.9:80 app=b", unknown);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x, labels: {team: shop}}\n";
    assert_eq!(
        answered(&[by_namespace, namespace], "x/a app=a", "10.244.0.9:80 app=b"),
        "allowed | egress allowed; ingress allowed;"
    );
    // A rule without names lets the query pass, but the agent learns no name from it.
    let open_dns = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: unseen}
spec:
  endpointSelector: {}
  egress:
  - toEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: kube-system}}]
    toPorts: [{ports: [{port: '53', protocol: ANY}]}]
  - toFQDNs: [{matchPattern: '*.bing.com'}]
";
    check(
        open_dns,
        "a app=a",
        "www.bing.com:443",
        "cannot tell | DNS allowed; egress cannot tell;",
    );
}

#[test]
fn targets_are_read_or_refused() {
    let check = |text: &str, expect: &str| {
        let read = match Target::parse_with_port(text) {
            Ok((target, traffic)) => format!("{target:?} {traffic}"),
            Err(err) => err.to_string(),
        };
        assert_eq!(read, expect, "{text}");
    };
    let named = |namespace: &str, name: &str| {
        let namespace =
            if namespace.is_empty() { "None".to_owned() } else { format!("Some({namespace:?})") };
        format!("Name {{ namespace: {namespace}, name: {name:?}, dns: None }}")
    };
    let dns = |named: String, dns: &str| named.replace("None }", &format!("Some({dns:?}) }}"));
    check("product-service:3002", &format!("{} 3002/TCP", named("", "product-service")));
    check("pets/a:53/udp", &format!("{} 53/UDP", named("pets", "a")));
    let spelt = |text: &str| format!("{} 1/TCP", dns(named("pets", "a"), text));
    check("a.pets.svc:1", &spelt("a.pets.svc"));
    check("a.pets.svc.cluster.local.:1", &spelt("a.pets.svc.cluster.local."));
    check("www.bing.com.:443", "Dns(\"www.bing.com.\") 443/TCP");
    check("WWW.Bing.com:443", "Dns(\"www.bing.com\") 443/TCP");
    check("[2001:db8::1]:443/SCTP", "Address(2001:db8::1) 443/SCTP");
    check("10.0.0.1:1", "Address(10.0.0.1) 1/TCP");
    check("reserved:world:80", "Entity(\"world\") 80/TCP");
    let no_port = |text: &str| {
        format!("`{text}` has no port: write it after the name, as `product-service:3002`")
    };
    check("product-service", &no_port("product-service"));
    check("2001:db8::1", &no_port("2001:db8::1"));
    check("reserved:world", &no_port("reserved:world"));
    check("a:0", "`0` is not a port: write a number from 1 to 65535");
    check("a:http", "`http` is not a port: write a number from 1 to 65535");
    check("a:1/ICMP", "`ICMP` is not a protocol with ports: write TCP, UDP or SCTP");
    check(":1", "the name is empty: write a pod, a Service, an address, a DNS name or `world`");
    let no_name = "is not a name: write `namespace/name`, an address, a DNS name or `world`";
    check("a/b/c:1", &format!("`a/b/c` {no_name}"));
    check("a b:1", &format!("`a b` {no_name}"));
}

#[test]
fn a_name_in_several_namespaces_is_asked_back() {
    let pod = |namespace: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: {namespace}}}\n---\n")
    };
    let text = pod("x") + &pod("z");
    let texts = [SourceText { index: 0, text: &text }];
    let directory = Directory::of(&texts, &[], &Settings::default());
    let find = |near: Option<&str>| {
        let target = Target::parse("a").unwrap();
        directory.find(&target, &[], near, None).map(|found| found.shown)
    };
    assert_eq!(find(Some("z")).unwrap(), "z/a");
    let error = find(None).unwrap_err();
    assert_eq!(error.to_string(), "`a` is in several namespaces: write one of `x/a`, `z/a`");
}

#[test]
fn a_name_with_a_namespace_behind_it_is_one_of_the_cluster() {
    let in_shop = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
    let check = |to: &str, is_inside: bool, note: &str| {
        let answer = answer(&[in_shop, ZERO_TRUST, CLUSTER], "product-service", to);
        let path = &answer.paths[0];
        let name = to.rsplit_once(':').unwrap().0;
        let expect = match (is_inside, name.split_once('.')) {
            (true, Some((name, namespace))) => {
                format!("{}/{name}", namespace.trim_end_matches(".svc"))
            }
            _ => name.to_owned(),
        };
        assert_eq!(path.destination, expect, "{to}");
        let has_ingress = path.steps.iter().any(|step| step.kind == StepKind::Ingress);
        assert_eq!(has_ingress, is_inside, "{to}");
        assert_eq!(answer.notes[0], note, "{to}");
    };
    let unknown = |name: &str| {
        format!(
            "`{name}` is not in the flows or documents: add flows of it, its Pod and Namespace documents, or its labels"
        )
    };
    // A policy or a Namespace names the namespace; some namespaces are in every cluster.
    check("redis.shop:6379", true, &unknown("shop/redis"));
    check("redis.shop.svc:6379", true, &unknown("shop/redis"));
    check("redis.pets:6379", true, &unknown("pets/redis"));
    check("metrics.kube-system:443", true, &unknown("kube-system/metrics"));
    check("info.kube-public:443", true, &unknown("kube-public/info"));
    let outside = "the addresses of `redis.store` are not known; it is assumed to be a name outside the cluster, unless `store` is a namespace";
    check("redis.store:6379", false, outside);
    let outside = "the addresses of `api.bing.com` are not known; it is assumed to be a name outside the cluster";
    check("api.bing.com:443", false, outside);
    // A pod of a Service, by each way to write its name.
    for name in ["product-service-1.db.pets", "product-service-1.db.pets.svc"] {
        let answer = answer(&[ZERO_TRUST, CLUSTER], "store-front", &format!("{name}:3002"));
        assert_eq!(answer.paths[0].destination, "pets/product-service-1", "{name}");
    }
}

#[test]
fn loopback_never_leaves_the_pod() {
    let check = |to: &str, shown: &str| {
        let answer = answer(&[ZERO_TRUST, CLUSTER], "order-service", to);
        assert_eq!(answer.verdict, Verdict::Allowed, "{to}");
        let paths: Vec<_> = answer
            .paths
            .iter()
            .map(|path| (path.source.as_str(), path.destination.as_str(), path.steps.len()))
            .collect();
        assert_eq!(paths, [("pets/order-service", shown, 0)], "{to}");
        let note = format!("`{shown}` is loopback, which never leaves the pod: no policy decides");
        assert_eq!(answer.notes, [note], "{to}");
    };
    check("127.0.0.1:8080", "127.0.0.1");
    check("127.8.0.9:53/UDP", "127.8.0.9");
    check("[::1]:8080", "::1");
    check("[::ffff:127.0.0.1]:8080", "::ffff:127.0.0.1");
    check("localhost:8080", "localhost");
    check("LocalHost.:8080", "LocalHost.");
    // A pod may have the name.
    let named = answer(&[ZERO_TRUST, CLUSTER], "order-service", "pets/localhost:8080");
    assert_eq!(named.paths[0].steps.len(), 3);
    // Other pods do not know the source of traffic from this address.
    let sender = answered(&[ZERO_TRUST, CLUSTER], "127.0.0.1", "store-front-1:8080");
    assert_ne!(sender, answered(&[ZERO_TRUST, CLUSTER], "20.1.1.1", "store-front-1:8080"));
}

const SHUT: &str = include_str!("../../../../demo/manifests/chaos/allow-store-front-traffic.yaml");

#[test]
fn the_world_itself_is_let_in_as_such() {
    let texts = [SHUT, CLUSTER];
    let before = answer(&texts, "world", "store-front-1:8080");
    assert_eq!(before.verdict, Verdict::Denied);
    let flows: Vec<flow::Flow> =
        before.paths.iter().flat_map(|path| &path.steps).map(|step| step.flow.clone()).collect();
    // A record of the connection in question is not listed as passing too.
    let suggestion = before.suggest(&sources(&texts), &settings(), &flows);
    assert_eq!(suggestion.unfixed, []);
    assert_eq!(
        suggestion.also_allowed,
        [
            "everyone from outside the cluster → pets/store-front 8080/TCP: `fromEntities: [world]` allows all of them"
        ]
    );
    let mut fixed = texts.map(str::to_owned).to_vec();
    for (index, text) in suggestion.texts {
        fixed[index] = text;
    }
    fixed.push(suggestion.yaml);
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    assert!(fixed.concat().contains("world") && fixed.concat().contains("8080"));
    assert_eq!(answer(&fixed, "world", "store-front-1:8080").verdict, Verdict::Allowed);
    assert_eq!(answer(&fixed, "world", "store-front-1:8081").verdict, Verdict::Denied);
    // A name without a known address is an address of the world, not the world itself.
    let named = answer(&[ZERO_TRUST, CLUSTER], "order-service", "www.bing.com:443");
    let offered = named.suggest(&sources(&[ZERO_TRUST, CLUSTER]), &settings(), &[]);
    let added: String = offered.edits.iter().map(|edit| edit.inserted.as_str()).collect();
    assert!(!added.contains("world") && !offered.yaml.contains("world"), "{offered:?}");
}

#[test]
fn a_service_is_known_without_its_pods() {
    let service = |target: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: shop, namespace: pets}}\nspec: {{clusterIP: 10.0.0.9, selector: {{app: shop, tier: web}}, ports: [{{port: 80, targetPort: {target}}}]}}\n"
        )
    };
    let known = "the Service `pets/shop` is known, its pods (`app=shop,tier=web`) are not: add flows of them, their Pod or Deployment documents, or their labels";
    let ports = "policy sees the pod's port: if 80 is the port of a Service, add its document or use the pod's port";
    let check = |texts: &[&str], to: &str, port: u16, notes: &[&str]| {
        let answer = answer(texts, "world", to);
        assert_eq!(answer.paths[0].traffic.port, port, "{to}");
        assert_eq!(answer.notes, notes, "{to}");
    };
    check(&[&service("8080")], "shop:80", 8080, &[known]);
    check(&[&service("8080")], "10.0.0.9:80", 8080, &[known]);
    check(&[&service("8080")], "shop:80 app=shop", 8080, &[]);
    // Only its pods define the number of the named port.
    check(&[&service("web")], "shop:80", 80, &[known]);
    // None of the documents explains the port.
    check(&[CLUSTER], "order-service:80", 80, &[ports]);
    check(&[CLUSTER], "order-service:3000", 3000, &[]);
    check(&[CLUSTER], "store-front-1:80", 80, &[]);
    check(&[CLUSTER], "store-front:80", 8080, &[]);
}
