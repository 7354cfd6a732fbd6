use std::path::Path;

use super::*;
use crate::scenario::Port;

fn read(texts: &[&str], namespace: &str) -> PolicySet {
    let texts: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let settings = Settings {
        cluster_name: CLUSTER_NAME.to_owned(),
        namespace: namespace.to_owned(),
        ..Settings::default()
    };
    let set = PolicySet::read(&texts, settings);
    assert_eq!(set.refused(), &[]);
    set
}

/// Entries as texts, without their positions.
fn entries(set: &PolicySet) -> Vec<String> {
    let mut texts: Vec<String> = set
        .entries()
        .iter()
        .map(|entry| {
            let policy = &set.policy(entry.policy).unwrap().name;
            let debug = format!("{policy} {entry:?}");
            let mut parts = debug.split("Position {");
            let first = parts.next().unwrap_or_default().to_owned();
            let rest = parts.filter_map(|part| part.split_once('}')).map(|(_, rest)| rest);
            let text = first + &rest.collect::<String>();
            // Number of its file among the files read together.
            text.replace(&format!("policy: {:?}", entry.policy), "policy: _")
        })
        .collect();
    texts.sort();
    texts
}

#[test]
fn the_manifests_match_the_lab() {
    let lab = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/policies-lab");
        std::fs::read_to_string(path.join(file)).unwrap()
    };
    let check = |scenario: Scenario, file: &str, only: &str| {
        let text = lab(file);
        let theirs = entries(&read(&[&text], "pets"));
        let ours = entries(&policy_set(scenario));
        let about = |texts: Vec<String>| -> Vec<String> {
            texts.into_iter().filter(|text| text.contains(only)).collect()
        };
        let (ours, theirs) = (about(ours), about(theirs));
        assert!(!ours.is_empty(), "{scenario}");
        assert_eq!(ours, theirs, "{scenario}: {file}");
    };
    check(Scenario::Policies, "acns-network-policy.yaml", "");
    check(
        Scenario::Policies,
        "acns-network-policy-allow-store-front-traffic.yaml",
        "/allow-store-front-traffic ",
    );
    for scenario in [Scenario::Fqdn, Scenario::Chaos] {
        check(scenario, "acns-network-policy.yaml", "/allow-rabbitmq-traffic ");
        check(scenario, "acns-network-policy.yaml", "/allow-product-service-traffic ");
    }
    check(Scenario::Fqdn, "acns-network-policy-fqdn.yaml", "/allow-order-service-traffic ");
    check(Scenario::Chaos, "acns-network-policy-chaos.yaml", "/allow-store-front-traffic ");
    check(Scenario::Combined, "aks-combined-fqdn-l7.yaml", "");
}

#[test]
fn manifests_are_named_after_their_policy_and_read_by_the_engine() {
    for scenario in Scenario::ALL {
        let set = policy_set(scenario);
        assert_eq!(set.refused(), &[], "{scenario}");
        if scenario == Scenario::Lab {
            // Whole files with several policies, of which later ones replace earlier ones.
            let mut names: Vec<&str> = set
                .entries()
                .iter()
                .map(|entry| set.policy(entry.policy).unwrap().name.name.as_str())
                .collect();
            names.dedup();
            let expect = [
                "allow-rabbitmq-traffic",
                "allow-product-service-traffic",
                "allow-order-service-traffic",
                "allow-store-front-traffic",
                "combined-fqdn-l7-policy",
            ];
            assert_eq!(names, expect);
            continue;
        }
        let ours: Vec<String> =
            set.policies().iter().map(|policy| format!("{}.yaml", policy.name.name)).collect();
        let files: Vec<&str> = scenario.manifests().iter().map(|m| m.file_name).collect();
        assert_eq!(ours, files, "{scenario}");
        // The simulation has no proxy in front of a server.
        let ingress_l7 = set.entries().iter().any(|entry| {
            entry.direction == Direction::Ingress
                && entry.ports.iter().flatten().any(|port| port.l7.is_redirect(6))
        });
        assert!(!ingress_l7, "{scenario}");
    }
}

#[test]
fn every_decision_can_be_made() {
    let cluster = Arc::new(Cluster::pet_shop());
    for scenario in Scenario::ALL {
        let policies = Policies::compile(scenario, Arc::clone(&cluster), 1);
        let judge = &policies.judge;
        for subject in &policies.identities {
            for peer in &policies.identities {
                for direction in [Direction::Ingress, Direction::Egress] {
                    for port in [Port::Tcp(443), Port::Tcp(3002), Port::Udp(53), Port::Echo] {
                        let access = Access::new(subject, peer, direction, port.traffic());
                        let decision = judge.judge(access.with_named_ports(NAMED_PORTS));
                        let ours = decision.verdict;
                        assert_ne!(ours, Verdict::CannotTell, "{scenario}: {subject:?} {peer:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn hosts_have_the_labels_of_the_act() {
    let cluster = Arc::new(Cluster::pet_shop());
    let check = |scenario: Scenario, name: &str, labels: Option<&[&str]>| {
        let policies = Policies::compile(scenario, Arc::clone(&cluster), 1);
        let host = cluster.host_named(name).expect("a host");
        let end = policies.named_host(host).map(|id| cluster.endpoint(id));
        let own = end.map(|end| end.labels.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(own.as_deref(), labels, "{scenario}: {name}");
        assert!(end.is_none_or(|end| end.identity > 1 << 24), "{scenario}: {name}");
    };
    let microsoft = Some(["fqdn:*.microsoft.com", "reserved:world"].as_slice());
    let github = Some(["fqdn:api.github.com", "reserved:world"].as_slice());
    check(Scenario::Open, "graph.microsoft.com", None);
    check(Scenario::Fqdn, "graph.microsoft.com", microsoft);
    check(Scenario::Fqdn, "api.github.com", None);
    check(Scenario::Combined, "www.microsoft.com", microsoft);
    check(Scenario::Combined, "api.github.com", github);
    check(Scenario::Combined, "www.bing.com", None);
}

const DENIES: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: queue, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: rabbitmq}}
  ingress:
  - toPorts: [{ports: [{port: '5672', protocol: TCP}]}]
  - fromEndpoints: [{matchLabels: {app: order-service}}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {app: makeline-service}}]
";

const LETS: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: lets, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: mongodb}}
  enableDefaultDeny: {ingress: false}
  ingress:
  - fromEndpoints: [{matchLabels: {app: makeline-service}}]
";

#[test]
fn a_decision_names_one_map_entry() {
    let cluster = Arc::new(Cluster::pet_shop());
    let mut policies = Policies::of_set(read(&[DENIES, LETS], ""), Arc::clone(&cluster), 7);
    let mut decide = |from: &str, to: &str, port: Port| {
        let connection = Connection {
            source: cluster.pods_of(from)[0],
            destination: cluster.pods_of(to)[0],
            port,
        };
        let decision = policies.decide(connection, TrafficDirection::Ingress);
        // The second answer comes from the cache.
        assert_eq!(policies.decide(connection, TrafficDirection::Ingress), decision);
        decision
    };
    let queue: Arc<[RecordedPolicy]> = Arc::from([RecordedPolicy {
        kind: "CiliumNetworkPolicy",
        namespace: "pets".to_owned(),
        name: "queue".to_owned(),
        revision: 7,
    }]);
    let allowed = |match_type, by: &Arc<[RecordedPolicy]>| Decision::Allowed {
        match_type: Some(match_type),
        by: Arc::clone(by),
        proxy: None,
    };
    let no_policy: Arc<[RecordedPolicy]> = Arc::from([]);
    assert_eq!(
        decide("makeline-service", "rabbitmq", Port::Tcp(5672)),
        Decision::Denied {
            reason: DropReason::POLICY_DENY,
            match_type: Some(MatchType::L3Only),
            by: Arc::clone(&queue),
        }
    );
    assert_eq!(
        decide("store-admin", "rabbitmq", Port::Tcp(80)),
        Decision::Denied {
            reason: DropReason::POLICY_DENIED,
            match_type: None,
            by: Arc::clone(&no_policy),
        }
    );
    assert_eq!(
        decide("store-admin", "rabbitmq", Port::Tcp(5672)),
        allowed(MatchType::L4Only, &queue)
    );
    assert_eq!(decide("order-service", "rabbitmq", Port::Echo), allowed(MatchType::L3Only, &queue));
    assert_eq!(
        decide("store-admin", "mongodb", Port::Tcp(27017)),
        allowed(MatchType::All, &no_policy)
    );
    assert_eq!(decide("store-admin", "ai-service", Port::Tcp(5001)), Decision::NotEnforced);
}
