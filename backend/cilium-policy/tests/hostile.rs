//! Tests with hostile texts: every cut, doubled or swapped text gets an answer.

#![expect(clippy::unwrap_used, reason = "a broken fixture fails the test")]

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cilium_policy::{
    HttpPattern, MAX_DOCUMENT_BYTES, NamePattern, PolicySet, RefusalClass, Settings, SourceText,
    lint, reduce,
};
use proptest::prelude::*;

fn read(text: &str) -> Arc<PolicySet> {
    let texts = [SourceText { index: 0, text }];
    // Once as a server stores them, and once as Cilium's parser alone takes them.
    let served = PolicySet::read(&texts, Settings::default());
    let parsed = Settings { api_server: false, ..Settings::default() };
    let set = Arc::new(PolicySet::read(&texts, parsed));
    for refused in set.refused().iter().chain(served.refused()) {
        let at = refused.refusal.at;
        assert!(at.line > 0 && at.column > 0, "{refused:?}");
    }
    let _findings = lint(&set, &texts, &[]);
    check_reduced(text);
    set
}

/// What is left out leaves its lines, and nothing of a Secret stays.
fn check_reduced(text: &str) {
    let with_secret = format!("{text}\n---\nkind: Secret\nstringData: {{a: hunter2}}\n");
    let reduced = reduce(&with_secret);
    assert!(!reduced.text.contains("hunter2"), "{}", reduced.text);
    assert_eq!(reduced.text.matches('\n').count(), with_secret.matches('\n').count());
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
    let http = |path: &str| {
        format!(
            "kind: CiliumNetworkPolicy\nmetadata: {{name: a, namespace: b}}\nspec:\n  endpointSelector: {{}}\n  ingress: [{{toPorts: [{{ports: [{{port: '80', protocol: TCP}}], rules: {{http: [{{path: '{path}'}}]}}}}]}}]\n"
        )
    };
    check("regex", &http("(a*)*("), "missing closing )");
    check("repetition", &http("((a{1,100}){1,100}){1,100}"), "invalid repeat count: `{1,100}`");
    // A pattern too large to evaluate is not refused: Cilium accepts it.
    assert_eq!(read(&http(&"(?:a{1000}|b)".repeat(100))).refused(), &[]);
}

/// Reads and checks a text in every way, within seconds even in a debug build on a busy machine.
fn in_time(name: &str, text: &str) -> Arc<PolicySet> {
    let start = Instant::now();
    let set = read(text);
    let taken = start.elapsed();
    assert!(taken < Duration::from_mins(2), "{name} took {taken:?}");
    set
}

fn rule(spec: &str) -> String {
    format!(
        "kind: CiliumNetworkPolicy\nmetadata: {{name: a, namespace: b}}\nspec:\n  endpointSelector: {{}}\n  {spec}\n"
    )
}

#[test]
fn huge_but_sound_policies_are_read_in_time() {
    let items = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let expressions = items(5_000, &|n| format!("{{key: k{n}, operator: In, values: [a, b]}}"));
    let selector = format!("ingress: [{{fromEndpoints: [{{matchExpressions: [{expressions}]}}]}}]");
    let set = in_time("selector", &rule(&selector));
    assert_eq!((set.refused(), set.entries().len()), ([].as_slice(), 1));

    let values = items(20_000, &|n| format!("v{n}"));
    let selector = format!(
        "ingress: [{{fromEndpoints: [{{matchExpressions: [{{key: k, operator: In, values: [{values}]}}]}}]}}]"
    );
    assert_eq!(in_time("values", &rule(&selector)).entries().len(), 1);

    let rules = items(10_000, &|n| {
        format!(
            "{{fromCIDR: [10.{}.{}.0/24], toPorts: [{{ports: [{{port: '{n}', protocol: TCP}}]}}]}}",
            n / 256,
            n % 256
        )
    });
    assert_eq!(in_time("rules", &rule(&format!("ingress: [{rules}]"))).entries().len(), 10_000);

    let names = items(2_000, &|n| format!("{{matchPattern: '*.a{n}.io'}}"));
    let text = format!(
        "egress: [{{toFQDNs: [{names}]}}, {{toEntities: [cluster], toPorts: [{{ports: [{{port: '53', protocol: ANY}}], rules: {{dns: [{names}]}}}}]}}]"
    );
    assert_eq!(in_time("names", &rule(&text)).entries().len(), 2);

    let documents = (0..2_000)
        .map(|n| {
            rule("ingress: [{fromEntities: [cluster]}]").replace("name: a", &format!("name: a{n}"))
        })
        .collect::<Vec<_>>()
        .join("---\n");
    assert_eq!(in_time("documents", &documents).policies().len(), 2_000);
}

#[test]
fn ten_megabytes_are_refused_or_read_in_time() {
    const SIZE: usize = 10 << 20;
    let check = |name: &str, text: &str, expect: &str| {
        let set = in_time(name, text);
        let first = set.refused().first().unwrap_or_else(|| panic!("{name} is accepted"));
        assert!(first.refusal.reason.contains(expect), "{name}: {}", first.refusal);
    };
    check("yaml", &"a: b\n".repeat(SIZE / 5), "bytes, more than");
    check("json", &format!("{{\"a\": \"{}\"}}", "x".repeat(SIZE)), "bytes, more than");
    check("one line", &"x".repeat(SIZE), "bytes, more than");
    check("zeros", &"\0".repeat(1 << 20), "control characters");
    check("tabs", &format!("{}x: [", "\t".repeat(1 << 20)), "not valid YAML");
    check("braces", &"{".repeat(1 << 20), "");
    check("brackets", &"[".repeat(1 << 20), "");
    check("quote", &format!("a: \"{}", "x".repeat(1 << 20)), "");
    // Markers alone are no documents.
    assert_eq!(in_time("markers", &"---\n".repeat(SIZE / 4)).refused(), &[]);
    assert_eq!(in_time("comments", &"# x\n".repeat(SIZE / 4)).refused(), &[]);
}

#[test]
fn regex_bombs_are_answered_in_time() {
    let start = Instant::now();
    for pattern in
        ["(a*)*b", "(a|aa)+$", "((a?){50}){50}", "(x+x+)+y", "[a-z]{1,900}.*c", "(.*){10}z"]
    {
        let Ok(pattern) = HttpPattern::new(pattern) else { continue };
        let _answer = pattern.matches(&"a".repeat(8_000));
    }
    for pattern in ["*".repeat(255), "*a".repeat(127), format!("**.{}", "*-".repeat(100))] {
        let Ok(pattern) = NamePattern::of_pattern(&pattern) else { continue };
        let _answer = pattern.matches(&"a-".repeat(4_000));
    }
    let taken = start.elapsed();
    assert!(taken < Duration::from_mins(2), "took {taken:?}");
}

#[test]
fn positions_are_those_of_an_editor() {
    fn check(text: &str, expect: (u32, u32)) {
        let set = read(text);
        let at = set.refused().first().unwrap_or_else(|| panic!("accepted: {text}")).refusal.at;
        assert_eq!((at.line, at.column), expect, "{text:?}");
    }
    let head = "kind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: b}\n";
    check(&format!("{head}spec:\n  endpointSelector: {{}}\n  ingres: []\n"), (5, 3));
    // Line ends of Windows, a byte order mark, and comments and blank lines at the start.
    let crlf =
        format!("{head}spec:\n  endpointSelector: {{}}\n  ingres: []\n").replace('\n', "\r\n");
    check(&crlf, (5, 3));
    check(&format!("\u{feff}{crlf}"), (5, 3));
    check("\u{feff}nope: 1\nkind: NetworkPolicy\n", (1, 1));
    check(
        &format!("# é\n\n---\n# ü\n{head}spec: {{endpointSelector: {{}}, ingres: []}}\n"),
        (7, 30),
    );
    // Columns count characters, not bytes.
    check(&format!("{head}spec: {{description: 'ééé', ingres: []}}\n"), (3, 28));
    // A marker line may hold the document's beginning.
    check("--- {kind: NetworkPolicy, nope: 1}\n", (1, 27));
    check("a: 1\n--- {\"kind\": \"NetworkPolicy\", \"nope\": 1}\n", (1, 1));
    // An error in a repeated alias has the place where the text stands.
    check(
        "kind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: b}\nspec:\n  endpointSelector: {}\n  ingress:\n  - &rule\n    fromCIDR: [1.1.1.1]\n  - *rule\n",
        (7, 16),
    );
    // JSON with tabs, a document after another one, and an item of a List.
    check("{\n\t\"kind\": \"NetworkPolicy\",\n\t\"nope\": 1\n}\n", (3, 2));
    check("kind: Pod\n", (1, 1));
    check(
        &format!(
            "{head}spec: {{endpointSelector: {{}}, ingress: [{{}}]}}\n---\n{head}spec: {{endpointSelector: {{}}, ingress: [{{fromCIDR: [x]}}]}}\n"
        ),
        (7, 52),
    );
    check("kind: List\nitems:\n- kind: NetworkPolicy\n  nope: 1\n", (4, 3));
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
