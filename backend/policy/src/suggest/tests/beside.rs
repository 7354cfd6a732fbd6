//! Additions beside rules that ask for more.

use super::*;

#[test]
fn what_a_rule_beside_it_asks_for_is_said() {
    let check = |rule: &str, says: Option<&str>| {
        let text = about_b(&format!(
            "  ingress:\n  - fromEndpoints: [{{matchLabels: {{app: c}}}}]\n{rule}"
        ));
        let flow = tcp(pod("pets", "app=a"), pod("pets", "app=b"), 80, TrafficDirection::Ingress);
        let suggestion = suggested(&text, &[flow], &[0]);
        assert_eq!(suggestion.fixed, [0], "{rule}");
        let says = says.map(|lets| {
            format!("{lets} at pets/b 80/TCP: `CiliumNetworkPolicy/pets/b` ingress[0] (line 11) asks others for more")
        });
        assert_eq!(suggestion.also_allowed, says.into_iter().collect::<Vec<_>>(), "{rule}");
    };
    let ports = |rest: &str| {
        format!("    toPorts:\n    - ports: [{{port: \"80\", protocol: TCP}}]\n{rest}")
    };
    check(&ports(""), None);
    check(&ports("      rules: {http: [{method: GET}]}\n"), Some("every request"));
    check(&ports("      serverNames: [a.example.org]\n"), Some("every server name"));
    check(
        &format!("    authentication: {{mode: required}}\n{}", ports("")),
        Some("connections without authentication"),
    );
    check(&format!("    authentication: {{mode: disabled}}\n{}", ports("")), None);
    let elsewhere = ports("      rules: {http: [{method: GET}]}\n").replace("80", "81");
    check(&elsewhere, None);
}
