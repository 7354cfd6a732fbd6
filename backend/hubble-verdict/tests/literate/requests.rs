//! Lines of a `requests` block: `METHOD authority/path [Header: value] → verdict`, with `egress`
//! before it for the client's side, or `DNS name → verdict`.

use cilium_policy::{
    Access, Direction, Identity, Judge, Label, NamedPorts, Request, Settings, SourceText, Traffic,
};

/// Judges one request under one policy. `spec`: indented by two spaces.
pub(super) fn check(at: &str, spec: &str, line: &str) {
    let text = format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: case, namespace: pets}}\nspec:\n{spec}"
    );
    let texts = [SourceText { index: 0, text: &text }];
    let judge = Judge::read(&texts, Settings::default());
    assert_eq!(judge.set().refused(), &[], "{at}");
    let (request, expect) = line.split_once(" → ").unwrap();
    let (request, is_egress) = match request.strip_prefix("egress ") {
        Some(request) => (request, true),
        None => (request, false),
    };
    let (method, rest) = request.split_once(' ').unwrap();
    let pod = |app: &str| {
        Identity::of_labels(
            [
                format!("k8s:app={app}"),
                "k8s:io.kubernetes.pod.namespace=pets".to_owned(),
                "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
            ]
            .iter()
            .map(|label| Label::parse(label)),
            false,
        )
    };
    let (client, server) = (pod("client"), pod("server"));
    let named = NamedPorts::Known(&[]);
    let answer = if method == "DNS" {
        let traffic = Traffic::new(17, 53);
        let request = Request::Dns { name: rest };
        let access = Access::new(&client, &server, Direction::Egress, traffic);
        judge.explain_l7(access.with_named_ports(named), request)
    } else {
        let (rest, header) = match rest.split_once(" [") {
            Some((rest, header)) => (rest, header.strip_suffix(']')),
            None => (rest, None),
        };
        let headers: Vec<(String, String)> = header
            .iter()
            .map(|header| header.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (host, _) = rest.split_once('/').unwrap();
        let path = rest.strip_prefix(host).unwrap();
        let request = Request::Http { method, path, host: Some(host), headers: &headers };
        let traffic = Traffic::new(6, 80);
        let access = if is_egress {
            Access::new(&client, &server, Direction::Egress, traffic)
        } else {
            Access::new(&server, &client, Direction::Ingress, traffic)
        };
        judge.explain_l7(access.with_named_ports(named), request)
    };
    assert_eq!(answer.verdict.name(), expect, "{at}: {line}\n{answer:?}");
}
