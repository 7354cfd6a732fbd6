//! Texts of strangers: whatever is cut, doubled or swapped in them, there is an answer.

#![expect(clippy::unwrap_used, reason = "a broken fixture fails the test")]

use std::{fs, path::Path, sync::Arc};

use policy::{Judge, MAX_DOCUMENT_BYTES, PolicySet, RefusalClass, Settings, SourceText, lint};
use proptest::prelude::*;

fn read(text: &str) -> Arc<PolicySet> {
    let texts = [SourceText { index: 0, text }];
    let set = Arc::new(PolicySet::read(&texts, Settings::default()));
    for refused in set.refused() {
        let at = refused.refusal.at;
        assert!(at.line > 0 && at.column > 0, "{refused:?}");
    }
    let _findings = lint(&texts, &mut Judge::new(Arc::clone(&set)), &[]);
    set
}

fn lab() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/policies-lab");
    let mut texts: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn mutated_policies_are_answered(
        which in 0..5_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize), 1..6),
    ) {
        const PARTS: [&str; 12] = [
            "", "\n", "  ", "- ", ": ", "[", "{", "&a ", "*a", "'", "<<: ", "null",
        ];
        let mut chars: Vec<char> = lab()[which].chars().collect();
        for (index, part) in edits {
            let at = index.index(chars.len());
            let end = (at + 1).min(chars.len());
            chars.splice(at..end, PARTS[part].chars());
        }
        read(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        read(&text);
        read(&format!("kind: CiliumNetworkPolicy\nmetadata: {{name: a}}\nspec: {text}\n"));
    }
}

#[test]
fn bombs_are_refused() {
    fn check(name: &str, text: &str, expect: &str) {
        let set = read(text);
        let first = set.refused().first().unwrap_or_else(|| panic!("{name} is accepted"));
        assert!(first.refusal.reason.contains(expect), "{name}: {}", first.refusal);
    }
    check("size", &"a: b\n".repeat(MAX_DOCUMENT_BYTES / 4), "bytes, more than");
    check("nodes", &format!("[{}]", "a, ".repeat(300_000)), "values");
    check("depth", &"- ".repeat(1_000), "nested deeper");
    let rule = |path: &str| {
        format!(
            "kind: CiliumNetworkPolicy\nmetadata: {{name: a, namespace: b}}\nspec:\n  endpointSelector: {{}}\n  ingress: [{{toPorts: [{{ports: [{{port: '80', protocol: TCP}}], rules: {{http: [{{path: '{path}'}}]}}}}]}}]\n"
        )
    };
    check("regex", &rule("(a*)*("), "missing closing )");
    // Too large to judge is no reason to refuse it: Cilium accepts it.
    assert_eq!(read(&rule("((a{1,100}){1,100}){1,100}")).refused(), &[]);
}

#[test]
fn one_bad_document_stays_alone() {
    let good = "kind: CiliumNetworkPolicy\nmetadata: {name: NAME, namespace: b}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
    let text = format!(
        "{}---\nkind: [\n---\n{}---\nkind: Pod\n",
        good.replace("NAME", "one"),
        good.replace("NAME", "two")
    );
    let set = read(&text);
    assert_eq!(set.policies().len(), 2);
    let classes: Vec<RefusalClass> = set.refused().iter().map(|r| r.refusal.class).collect();
    assert_eq!(classes, [RefusalClass::Syntax, RefusalClass::NotAPolicy]);
}

#[test]
fn lists_and_clutter_of_kubectl_are_read() {
    let text = "
apiVersion: v1
kind: List
metadata: {resourceVersion: ''}
items:
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata:
    name: np
    namespace: shop
    uid: 1
    creationTimestamp: '2026-01-01T00:00:00Z'
    managedFields: [{manager: kubectl}]
    annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}
  spec: {podSelector: {matchLabels: {tier: yes}}, policyTypes: [Ingress]}
  status: {}
- apiVersion: cilium.io/v2
  kind: CiliumNetworkPolicy
  metadata: {name: cnp, namespace: shop, generation: 3}
  spec: {endpointSelector: {}, ingress: [{}]}
  status: {conditions: [{type: Valid, status: 'True'}]}
";
    let set = read(text);
    assert_eq!(set.refused(), &[]);
    let subjects: Vec<String> = set.entries().iter().map(|e| e.subject.to_string()).collect();
    assert_eq!(
        subjects,
        [
            "k8s:io.kubernetes.pod.namespace=shop, k8s:tier=true",
            "k8s:io.kubernetes.pod.namespace=shop"
        ]
    );
}
