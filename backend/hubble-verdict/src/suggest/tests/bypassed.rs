//! Additions beside rules that check more, and labels that additions never use.

use super::*;

#[test]
fn checks_of_a_bypassed_rule_are_named() {
    let check = |rule: &str, says: Option<&str>| {
        let text = about_b(&format!(
            "  ingress:\n  - fromEndpoints: [{{matchLabels: {{app: c}}}}]\n{rule}"
        ));
        let flow = tcp(pod("pets", "app=a"), pod("pets", "app=b"), 80, TrafficDirection::Ingress);
        let suggestion = suggested(&text, &[flow], &[0]);
        assert_eq!(suggestion.fixed, [0], "{rule}");
        let says = says.map(|lets| {
            format!("{lets} at pets/b 80/TCP pass without the checks of `CiliumNetworkPolicy/pets/b` ingress[0] (line 11)")
        });
        assert_eq!(suggestion.also_allowed, says.into_iter().collect::<Vec<_>>(), "{rule}");
    };
    let ports = |rest: &str| {
        format!("    toPorts:\n    - ports: [{{port: \"80\", protocol: TCP}}]\n{rest}")
    };
    check(&ports(""), None);
    check(&ports("      rules: {http: [{method: GET}]}\n"), Some("all requests"));
    check(&ports("      serverNames: [a.example.org]\n"), Some("all server names"));
    check(
        &format!("    authentication: {{mode: required}}\n{}", ports("")),
        Some("connections without authentication"),
    );
    check(&format!("    authentication: {{mode: disabled}}\n{}", ports("")), None);
    let elsewhere = ports("      rules: {http: [{method: GET}]}\n").replace("80", "81");
    check(&elsewhere, None);
}

#[test]
fn labels_of_one_run_identify_no_pod() {
    let check = |labels: &[&str], added: Option<&str>| {
        let mut job = pod("pets", labels.first().unwrap_or(&""));
        job.labels.extend(labels.iter().skip(1).map(|own| format!("k8s:{own}")));
        let flow = tcp(job, pod("pets", "app=b"), 80, TrafficDirection::Ingress);
        let suggestion = suggested(&about_b("  ingress:\n  - fromEndpoints: []\n"), &[flow], &[0]);
        let all: String = suggestion
            .edits
            .iter()
            .map(|own| own.inserted.as_str())
            .chain([&*suggestion.yaml])
            .collect();
        match added {
            Some(added) => {
                assert_eq!(suggestion.fixed, [0], "{labels:?}");
                assert!(all.contains(added) && !all.contains("j-17"), "{all}");
            }
            None => assert_eq!((suggestion.fixed.len(), all.as_str()), (0, ""), "{labels:?}"),
        }
    };
    let account = "io.cilium.k8s.policy.serviceaccount=backup";
    check(&["job-name=j-17", account], Some("backup"));
    check(&["batch.kubernetes.io/job-name=j-17", "team=a"], Some("team: a"));
    check(&["job-name=j-17"], None);
    check(&["controller-uid=j-17", "io.cilium.k8s.policy.serviceaccount=default"], None);
}
