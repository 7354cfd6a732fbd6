//! Tests of one judge shared by many threads.

use std::{sync::Arc, thread};

use cilium_policy::{
    Access, Decision, Direction, Documents, Explanation, Identity, Judge, Label, PolicySet,
    Settings, SourceText, Traffic, Verdict,
};

/// A compile-time check that a type can be shared between threads and handed from one to another.
const fn is_shared<T: Send + Sync>() {}

const _: () = {
    is_shared::<Judge>();
    is_shared::<PolicySet>();
    is_shared::<Documents>();
    is_shared::<Settings>();
    is_shared::<Identity>();
    is_shared::<Decision>();
    is_shared::<Explanation>();
};

const POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: shop, namespace: street}
spec:
  endpointSelector: {matchLabels: {app: shop}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: oven}}]
    toPorts: [{ports: [{port: '80', protocol: TCP}]}]
";

fn pod(app: &str) -> Identity {
    let labels = [
        format!("k8s:app={app}"),
        "k8s:io.kubernetes.pod.namespace=street".to_owned(),
        "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
    ];
    Identity::of_labels(labels.iter().map(|label| Label::parse(label)), false)
}

#[test]
fn threads_ask_one_judge_and_get_the_same_answers() {
    let texts = [SourceText { index: 0, text: POLICY }];
    let judge = Judge::new(Arc::new(PolicySet::read(&texts, Settings::default())));
    let ask = |app: &str, port: u16| {
        let traffic = Traffic::new(6, port);
        let (subject, peer) = (pod("shop"), pod(app));
        judge.judge(Access::new(&subject, &peer, Direction::Ingress, traffic)).verdict
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // More classes than there are rows.
                for number in 0..600_u16 {
                    let stranger = format!("other-{number}");
                    assert_eq!(ask(&stranger, 80), Verdict::Denied, "{stranger}");
                    assert_eq!(ask("oven", 80), Verdict::Allowed);
                    assert_eq!(ask("oven", number.saturating_add(81)), Verdict::Denied);
                }
            });
        }
    });
}
