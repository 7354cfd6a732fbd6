//! Cases written as prose: `tests/vectors/l7.md`.

#![expect(clippy::unwrap_used, reason = "a broken case fails the test")]

use std::{fs, path::Path, sync::Arc};

use policy::{
    Direction, Identity, Judge, Label, NamedPorts, PolicySet, Request, Settings, SourceText,
    Traffic,
};

#[test]
fn the_proxy_decides_as_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/l7.md");
    let page = fs::read_to_string(path).unwrap();
    let mut title = "";
    let mut spec = String::new();
    let mut block: Option<&str> = None;
    let mut checked = 0;
    for line in page.lines() {
        match (block, line) {
            (None, line) if line.starts_with("## ") => title = line.trim_start_matches("## "),
            (None, "```yaml") => {
                spec.clear();
                block = Some("yaml");
            }
            (None, "```requests") => block = Some("requests"),
            (Some(_), "```") => block = None,
            (Some("yaml"), line) => {
                spec.push_str("  ");
                spec.push_str(line);
                spec.push('\n');
            }
            (Some(_), line) => {
                check(title, &spec, line);
                checked += 1;
            }
            (None, _) => {}
        }
    }
    assert!(checked > 30, "only {checked} requests were found");
}

fn check(title: &str, spec: &str, line: &str) {
    let text = format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: case, namespace: pets}}\nspec:\n{spec}"
    );
    let texts = [SourceText { index: 0, text: &text }];
    let set = PolicySet::read(&texts, Settings::default());
    assert_eq!(set.refused(), &[], "{title}");
    let (request, expect) = line.split_once(" → ").unwrap();
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
    let mut judge = Judge::new(Arc::new(set));
    let named = NamedPorts::Known(&[]);
    let answer = if method == "DNS" {
        let traffic = Traffic { protocol: 17, port: 53 };
        let request = Request::Dns { name: rest };
        judge.explain_l7((&client, &server), Direction::Egress, traffic, named, request)
    } else {
        let (host, _) = rest.split_once('/').unwrap();
        let path = rest.strip_prefix(host).unwrap();
        let request = Request::Http { method, path, host: Some(host), headers: &[] };
        let traffic = Traffic { protocol: 6, port: 80 };
        judge.explain_l7((&server, &client), Direction::Ingress, traffic, named, request)
    };
    assert_eq!(answer.verdict.name(), expect, "{title}: {line}\n{answer:?}");
}
