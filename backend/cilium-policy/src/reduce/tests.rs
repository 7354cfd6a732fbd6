use super::*;

/// A text without blanks at the ends of its lines.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// Checks the text that remains, but for blanks at the ends of lines.
fn check(text: &str, expected: &str, left_out: &[(&str, usize)]) {
    let reduced = reduce(text);
    assert_eq!(reduced.unreduced, [], "{text}");
    assert_eq!(trimmed(&reduced.text), trimmed(expected), "{text}");
    assert_eq!(line_breaks(&reduced.text), line_breaks(text), "{text}");
    let counted: Vec<(&str, usize)> =
        reduced.left_out.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(counted, left_out, "{text}");
    // A reduced text has nothing more to leave out.
    let again = reduce(&reduced.text);
    assert_eq!((again.text, again.unreduced), (reduced.text, Vec::new()), "{text}");
}

fn check_unreduced(text: &str, expected: &str, lines: &[u32]) {
    let reduced = reduce(text);
    assert_eq!(line_breaks(&reduced.text), line_breaks(text), "{text}");
    let found: Vec<u32> = reduced.unreduced.iter().map(|own| own.at.line).collect();
    assert_eq!(found, lines, "{text}: {:?}", reduced.text);
    for own in &reduced.unreduced {
        assert_eq!(own.reason.to_string(), expected, "{text}");
    }
    assert!(!reduced.text.contains("hunter2"), "{text}");
}

#[test]
fn other_documents_become_blank_lines() {
    check(
        "# hunter2\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: hunter2\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: web # hunter2\nspec:\n  podSelector: {}\n--- # hunter2\n# hunter2\n---\npassword: hunter2\n---\n- hunter2\n",
        "\n---\n\n\n\n\n\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: web\nspec:\n  podSelector: {}\n---\n\n---\n\n---\n\n",
        &[("", 2), ("Secret", 1)],
    );
    check("just words: hunter2", "", &[("", 1)]);
    check("", "", &[]);
    check("# hunter2", "", &[]);
    check("apiVersion: v1\nkind: ConfigMap\ndata: {a: hunter2}\n", "\n\n\n", &[("ConfigMap", 1)]);
    check(
        r#"{"apiVersion": "v1", "kind": "Secret", "data": {"a": "hunter2"}} {"kind": "Config"}"#,
        "",
        &[("Config", 1), ("Secret", 1)],
    );
}

const ANNOTATED: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {\"password\": \"hunter2\"}
    policy.cilium.io/name: web
    note: >-
      hunter2

      hunter2
  labels: {app: web} # hunter2
  name: web
  ownerReferences:
  - name: hunter2
  uid: 4f
spec:
  description: shown
  endpointSelector: {}
status:
  conditions:
  - message: hunter2
";

#[test]
fn fields_that_no_verdict_reads_are_blank() {
    check(
        ANNOTATED,
        "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  annotations:


    policy.cilium.io/name: web




  labels: {app: web}
  name: web
  ownerReferences:

  uid:
spec:
  description: shown
  endpointSelector: {}
status:


",
        &[],
    );
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b, annotations: {x: hunter2}, labels: {app: a}}\nspec:\n  containers:\n  - env: [{name: P, value: hunter2}]\n    name: main\n    ports: [{containerPort: 80, name: web}]\n  - image: x\n  nodeName: hunter2\nstatus: {phase: hunter2, podIP: 10.0.0.1}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b,                            labels: {app: a}}\nspec:\n  containers:\n  -\n\n    ports: [{containerPort: 80, name: web}]\n  -\n\nstatus: {                podIP: 10.0.0.1}\n",
        &[],
    );
    check(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: b}, annotations: {x: hunter2}}\nspec: {finalizers: [hunter2]}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: b}                           }\n",
        &[],
    );
}

#[test]
fn json_stays_json() {
    check(
        r#"{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"annotations":{"a":"hunter2","b":"hunter2"},"name":"web","uid":"hunter2","resourceVersion":42},"spec":{"endpointSelector":{}},"status":{"a":["hunter2"]}}"#,
        r#"{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"annotations":{                           },"name":"web","uid":"       ","resourceVersion":11},"spec":{"endpointSelector":{}},"status":{               }}"#,
        &[],
    );
    check(
        "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n{\"apiVersion\": \"v1\", \"kind\": \"Secret\",\n\"data\": {\"a\": \"hunter2\"}},\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"web\"}, \"spec\": {\"podSelector\": {}}}]}",
        "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n{\n                        },\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"web\"}, \"spec\": {\"podSelector\": {}}}]}",
        &[("Secret", 1)],
    );
}

#[test]
fn items_of_lists() {
    check(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nmetadata: {resourceVersion: hunter2}\nitems:\n- metadata:\n    annotations: {a: hunter2}\n    name: web\n  spec: {podSelector: {}}\n  status: {a: hunter2}\n- apiVersion: v1\n  kind: Secret\n  data: {a: hunter2}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nmetadata: {                        }\nitems:\n- metadata:\n    annotations: {          }\n    name: web\n  spec: {podSelector: {}}\n  status: {          }\n-\n\n\n",
        &[("Secret", 1)],
    );
}

#[test]
fn a_later_key_hides_no_earlier_one() {
    check(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: hunter2}\nmetadata: {name: web}\nspec: {podSelector: {}}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {             }\nmetadata: {name: web}\nspec: {podSelector: {}}\n",
        &[],
    );
}

#[test]
fn what_cannot_be_reduced_is_left_out() {
    let syntax = "it is neither YAML nor JSON";
    check_unreduced("a: [hunter2\n---\nkind: Secret\nb: hunter2: c\n", syntax, &[2, 4]);
    check_unreduced(
        "kind: Secret\npassword: {{ .Values.hunter2 }}\n",
        "it is a template of Helm: render it first, `helm template`",
        &[2],
    );
    let inseparable = "it cannot be parted from what verdicts do not read: write it without anchors and annotations";
    // The selector stands in a field that is left out.
    check_unreduced(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nstatus: {a: hunter2, b: &b {matchLabels: {app: a}}}\nmetadata: {name: web}\nspec: {podSelector: *b}\n",
        inseparable,
        &[1],
    );
}

#[test]
fn anchors_in_fields_that_are_read() {
    check(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, labels: &l {app: web}}\nspec: {podSelector: {matchLabels: *l}}\nstatus: {a: *l}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, labels: &l {app: web}}\nspec: {podSelector: {matchLabels: *l}}\nstatus: {     }\n",
        &[],
    );
}

#[test]
fn a_misspelt_kind_keeps_its_name() {
    check(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolcy\nmetadata: {name: web, labels: {a: hunter2}}\nspec: {a: hunter2}\n",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolcy\nmetadata: {name: web                      }\n",
        &[],
    );
}
