//! Services that are more than a name for pods.

use super::*;

/// Headless Services: DNS gives the addresses of the pods, so the dialled port is the pods' own.
#[test]
fn the_port_of_a_headless_service_is_not_translated() {
    let headless = |ports: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: direct, namespace: pets}}\nspec: {{clusterIP: None, selector: {{app: store-front}}, ports: [{ports}]}}\n"
        )
    };
    let check = |ports: &str, to: &str, asked: &str, verdict: Verdict, is_noted: bool| {
        let answer = answer(&[ZERO_TRUST, CLUSTER, &headless(ports)], "world", to);
        let seen: Vec<String> = answer.paths.iter().map(|path| path.traffic.to_string()).collect();
        assert_eq!((seen, answer.verdict), (vec![asked.to_owned()], verdict), "{to}");
        let note = "the Service `pets/direct` is headless: nothing translates its port 80/TCP, the answer is for the pods' own port 80/TCP";
        assert_eq!(answer.notes.iter().any(|own| own == note), is_noted, "{:?}", answer.notes);
        assert!(!answer.notes.iter().any(|own| own.contains("has no port")), "{:?}", answer.notes);
    };
    let (yes, no) = (Verdict::Allowed, Verdict::Denied);
    check("{port: 80, targetPort: 8080}", "pets/direct:80", "80/TCP", no, true);
    check("{port: 80, targetPort: web}", "direct.pets.svc.cluster.local:80", "80/TCP", no, true);
    check("{port: 80, targetPort: 8080}", "direct.pets:80", "80/TCP", no, true);
    check("{port: 80, targetPort: 8080}", "pets/direct:8080", "8080/TCP", yes, false);
    check("{port: 8080}", "pets/direct:8080", "8080/TCP", yes, false);
    check("{port: 80}", "pets/direct:80", "80/TCP", no, false);
}

/// The API server's Service, its slices and its backends.
#[test]
fn the_service_of_the_api_server_leads_to_the_entity() {
    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\nspec: {clusterIP: 10.0.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}\n";
    let slice = |address: &str, port: u16| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: kubernetes, namespace: default, labels: {{kubernetes.io/service-name: kubernetes}}}}\nports: [{{name: https, port: {port}}}]\nendpoints: [{{addresses: [{address}]}}]\n"
        )
    };
    let policy = |rule: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: pets}}\nspec:\n  endpointSelector: {{}}\n  egress:\n  - {{toEntities: [cluster], toPorts: [{{ports: [{{port: '53'}}]}}]}}\n  - {{{rule}}}\n"
        )
    };
    let check = |rule: &str, beside: &[&str], to: &str, verdict: Verdict| {
        let policy = policy(rule);
        let texts: Vec<&str> = [&*policy, CLUSTER].iter().chain(beside).copied().collect();
        let answer = answer(&texts, "order-service", to);
        assert_eq!(answer.verdict, verdict, "{rule} {to}: {:?}", answer.notes);
        let is_noted = answer.notes.iter().any(|note| note.contains("the API server's own port"));
        assert_eq!(is_noted, beside.len() < 2, "{:?}", answer.notes);
        answer
    };
    let entity =
        "toEntities: [kube-apiserver], toPorts: [{ports: [{port: '443'}, {port: '6443'}]}]";
    for to in [
        "default/kubernetes:443",
        "kubernetes.default:443",
        "kubernetes.default.svc:443",
        "kubernetes.default.svc.cluster.local:443",
    ] {
        check(entity, &[], to, Verdict::Allowed);
        check(entity, &[SERVICE], to, Verdict::Allowed);
    }
    let (outside, node) = (slice("20.1.1.1", 443), slice("10.224.0.9", 6443));
    check(entity, &[SERVICE, &outside], "10.0.0.1:443", Verdict::Allowed);
    check(entity, &[SERVICE, &node], "10.0.0.1:443", Verdict::Allowed);
    check("toCIDR: [20.1.1.0/24]", &[SERVICE, &outside], "10.0.0.1:443", Verdict::Allowed);
    check("toEntities: [world]", &[SERVICE, &outside], "kubernetes.default:443", Verdict::Allowed);
    check("toEndpoints: [{}]", &[SERVICE, &outside], "kubernetes.default:443", Verdict::Denied);
    // Whether the backend is a node or outside the cluster is not known.
    check("toEntities: [world]", &[SERVICE], "kubernetes.default:443", Verdict::CannotTell);
    let answer = check(
        "toEntities: [kube-apiserver], toPorts: [{ports: [{port: '443'}]}]",
        &[SERVICE, &node],
        "kubernetes.default:443",
        Verdict::Denied,
    );
    assert_eq!(answer.paths[0].traffic.port, 6443);
    // The entity allows the connection that the addresses refuse.
    let (policy, outside) = (policy("toEndpoints: [{}]"), slice("20.1.1.1", 443));
    let texts = [&*policy, CLUSTER, SERVICE, &outside];
    let refused = super::answer(&texts, "order-service", "kubernetes.default.svc:443");
    let fix = refused.suggest(&sources(&texts), &settings(), &[]);
    let fixed: String = fix.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert!((fixed + &fix.yaml).contains("kube-apiserver"), "{fix:?}");
}

/// Addresses that a headless Service names have no backend.
#[test]
fn a_headless_service_has_no_addresses() {
    let check = |spec: &str, note: &str| {
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: direct, namespace: pets}}\nspec: {{{spec}, selector: {{app: store-front}}, ports: [{{port: 8080}}], externalIPs: [20.1.1.1]}}\n"
        );
        let answer = answer(&[ZERO_TRUST, CLUSTER, &service], "order-service", "20.1.1.1:8080");
        let notes = answer.notes.join("; ");
        assert!(notes.contains(note), "{notes}");
        assert_eq!(notes.contains("outside the cluster"), !note.is_empty(), "{notes}");
    };
    check("clusterIP: None", "20.1.1.1 is assumed to be outside the cluster");
    check("clusterIP: none", "20.1.1.1 is assumed to be outside the cluster");
    check("clusterIP: 10.0.0.8", "");
}

/// Labels that the agent leaves out of identities match no pod in policies, but Services still
/// select by them.
#[test]
fn labels_of_pods_are_those_of_their_identities() {
    const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: queue-0, namespace: pets, labels: {app: queue, apps.kubernetes.io/pod-index: '0', app.kubernetes.io/part-of: shop}}
spec: {containers: [{name: main}]}
status: {podIP: 10.244.0.90}
---
apiVersion: v1
kind: Service
metadata: {name: queue-first, namespace: pets}
spec: {clusterIP: 10.0.0.9, selector: {apps.kubernetes.io/pod-index: '0'}, ports: [{port: 5672}]}
";
    let check = |label: &str, to: &str, verdict: Verdict| {
        let policy = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: to-queue, namespace: pets}}\nspec:\n  endpointSelector: {{matchLabels: {{app: store-front}}}}\n  egress: [{{toEndpoints: [{{matchLabels: {{{label}}}}}]}}]\n"
        );
        let answer = answer(&[&policy, CLUSTER, PODS], "store-front-1", to);
        assert_eq!(answer.verdict, verdict, "{label} {to} {:?}", answer.notes);
    };
    let (yes, no) = (Verdict::Allowed, Verdict::Denied);
    for to in ["10.244.0.90:5672", "10.0.0.9:5672"] {
        check("app: queue", to, yes);
        check("app.kubernetes.io/part-of: shop", to, yes);
        check("apps.kubernetes.io/pod-index: '0'", to, no);
    }
}

/// The address in the slices of a Gateway has no backend; `Endpoints` count as slices.
#[test]
fn backends_are_those_that_the_agent_has() {
    let objects = |backends: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: edge, namespace: pets}}\nspec: {{clusterIP: 10.0.0.20, ports: [{{port: 443}}]}}\n---\napiVersion: v1\n{backends}\n"
        )
    };
    let check = |rule: &str, backends: &str, verdict: Verdict, note: &str| {
        let policy = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: to-edge, namespace: pets}}\nspec:\n  endpointSelector: {{matchLabels: {{app: store-front}}}}\n  egress: [{rule}]\n"
        );
        let answer =
            answer(&[&policy, CLUSTER, &objects(backends)], "store-front-1", "10.0.0.20:443");
        assert_eq!(answer.verdict, verdict, "{rule} {:?}", answer.notes);
        assert!(answer.notes.iter().any(|own| own.contains(note)), "{:?}", answer.notes);
    };
    let slice = |address: &str, port: u16| {
        format!(
            "kind: Endpoints\nmetadata: {{name: edge, namespace: pets}}\nsubsets: [{{addresses: [{{ip: {address}}}], ports: [{{port: {port}}}]}}]"
        )
    };
    let gateway = slice("192.192.192.192", 9999);
    for rule in
        ["{toEntities: [world]}", "{toCIDR: [192.192.192.192/32]}", "{toEntities: [ingress]}"]
    {
        check(rule, &gateway, Verdict::CannotTell, "Gateway or an Ingress");
    }
    let outside = slice("203.0.113.77", 8443);
    let port = |port: u16| {
        format!(
            "{{toCIDR: [203.0.113.77/32], toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]}}"
        )
    };
    check(&port(8443), &outside, Verdict::Allowed, "203.0.113.77");
    check(&port(443), &outside, Verdict::Denied, "203.0.113.77");
}

/// A node's address means the node, or the backends of the Service whose node port is dialled.
#[test]
fn a_nodes_address_is_known_by_documents() {
    const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: one}
status: {addresses: [{type: InternalIP, address: 10.224.0.21}, {type: Hostname, address: one}]}
---
apiVersion: v1
kind: Pod
metadata: {name: printer-0, namespace: pets, labels: {app: printer}}
spec: {containers: [{name: main}]}
status: {podIP: 10.244.0.95, hostIP: 10.224.0.22}
---
apiVersion: v1
kind: Service
metadata: {name: printer, namespace: pets}
spec: {type: NodePort, clusterIP: 10.0.0.30, selector: {app: printer}, ports: [{port: 80, targetPort: 6310, nodePort: 31310}]}
";
    let check = |rules: &str, to: &str, verdict: Verdict, note: &str| {
        let policy = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: out, namespace: pets}}\nspec:\n  endpointSelector: {{matchLabels: {{app: store-front}}}}\n  egress: [{rules}]\n"
        );
        let answer = answer(&[&policy, CLUSTER, NODES], "store-front-1", to);
        assert_eq!(answer.verdict, verdict, "{rules} {to} {:?}", answer.notes);
        assert!(
            note.is_empty() || answer.notes.iter().any(|own| own.contains(note)),
            "{:?}",
            answer.notes
        );
        assert!(!answer.notes.iter().any(|own| own.contains("in none of")), "{:?}", answer.notes);
    };
    let (yes, no, open) = (Verdict::Allowed, Verdict::Denied, Verdict::CannotTell);
    let nodes = "{toEntities: [host, remote-node]}";
    let pods = "{toEndpoints: [{matchLabels: {app: printer}}], toPorts: [{ports: [{port: '6310', protocol: TCP}]}]}";
    for node in ["10.224.0.21", "10.224.0.22"] {
        check(nodes, &format!("{node}:10250"), yes, "");
        check(pods, &format!("{node}:10250"), no, "");
        let to = format!("{node}:31310");
        let note = "the node port of the Service `pets/printer`";
        check(nodes, &to, open, note);
        check(pods, &to, open, note);
        check(&format!("{nodes}, {pods}"), &to, yes, note);
        check("{toEntities: [world]}", &to, no, note);
    }
}
