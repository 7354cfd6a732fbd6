//! The lab's policies against recorded flows, as the panel asks.

use std::fs;
use std::path::Path;

use hubble_api::json;
use hubble_api::packed::Encoder;
use hubble_api::pb::observer::GetFlowsResponse;
use prost::Message;
use serde_json::{Value, json};

use crate::changes::compare;
use crate::explained::{explained, refused};
use crate::judged::{JudgedColumns, judge};
use crate::lint::findings;
use crate::policy_files::{PolicyFile, PolicyFiles};
use crate::questions::{QuestionColumns, Questions};
use crate::recorded::Recorded;
use crate::suggest::suggestion;

const CHAOS: &str = "acns-network-policy-chaos.yaml";
const ALLOWED: &str = "acns-network-policy-allow-store-front-traffic.yaml";

fn lab(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/policies-lab");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn policies(name: &str) -> PolicyFiles {
    let file = PolicyFile { name: name.to_owned(), text: lab(name), modified_ms: f64::NAN };
    PolicyFiles::new(vec![file], &["namespace=pets".to_owned()], f64::NAN).unwrap()
}

fn recorded(name: &str) -> Recorded {
    let mut encoder = Encoder::new();
    let (mut stream, mut places) = (Vec::new(), Vec::new());
    for (message, line) in (0..).zip(lab(name).lines()) {
        let response: GetFlowsResponse = json::read(line.as_bytes()).unwrap().0;
        assert_eq!(encoder.push(&response.encode_to_vec()).unwrap(), None, "one batch");
        places.extend([0, 0, message]);
    }
    stream.extend(encoder.finish().unwrap());
    Recorded::new(vec![stream], &places)
}

fn judged(flows: &mut Recorded, policies: &mut PolicyFiles) -> JudgedColumns {
    let verdicts = judge(flows.prepare(policies), policies);
    JudgedColumns::of(&verdicts, policies.set())
}

fn cells<'c>(columns: &'c JudgedColumns, codes: &[u32]) -> Vec<&'c str> {
    codes.iter().map(|code| columns.texts[*code as usize].as_str()).collect()
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}

fn why(flows: &mut Recorded, policies: &mut PolicyFiles, row: usize) -> Value {
    flows.prepare(policies);
    let flow = flows.flow(row).unwrap();
    value(&explained(policies, &flow, &flows.ready().learned))
}

#[test]
fn flows_are_judged_into_columns() {
    let mut flows = recorded("chaos.jsonl");
    let columns = judged(&mut flows, &mut policies(CHAOS));
    assert_eq!(cells(&columns, &columns.agreement), ["agrees"; 6]);
    assert_eq!(cells(&columns, &columns.computed)[0], "denied");
    assert_eq!(cells(&columns, &columns.decided_by)[0], "default deny");
    // The same flows under other policies.
    let columns = judged(&mut flows, &mut policies(ALLOWED));
    assert_eq!(cells(&columns, &columns.agreement)[0], "differs");
    assert!(
        cells(&columns, &columns.decided_by)[0]
            .starts_with("CiliumNetworkPolicy/pets/allow-store-front-traffic ingress[0] (line ")
    );
    let columns =
        judged(&mut recorded("combined.jsonl"), &mut policies("aks-combined-fqdn-l7.yaml"));
    assert!(!cells(&columns, &columns.agreement).contains(&"differs"));
}

#[test]
fn a_verdict_names_policy_rule_and_line_and_quotes_it() {
    let mut flows = recorded("chaos.jsonl");
    let answer = why(&mut flows, &mut policies(CHAOS), 0);
    assert_eq!(
        answer["sentence"],
        "Observed: dropped: no rule allowed it. Computed: denied on ingress by default, which \
         `CiliumNetworkPolicy/pets/allow-store-front-traffic` turned on; nearest rule: ingress[0] \
         (line 10): its list of peers is empty: it selects nobody."
    );
    assert_eq!(answer["agreement"], "agrees");
    assert_eq!(
        answer["nearMisses"][0],
        json!({
            "policy": "CiliumNetworkPolicy/pets/allow-store-front-traffic",
            "clause": "ingress[0]",
            "text": "its list of peers is empty: it selects nobody",
            "file": CHAOS,
            "line": 10,
            "column": answer["nearMisses"][0]["column"],
            "quote": "    - fromEndpoints: []",
        })
    );
    assert_eq!(answer["deciding"][0]["text"], "turns the default to deny");
    let other = why(&mut flows, &mut policies(ALLOWED), 0);
    assert_eq!(other["agreement"], "differs");
    assert_eq!(other["deciding"][0]["clause"], "ingress[0]");
    assert_ne!(other["deciding"][0]["quote"], "");
}

#[test]
fn flows_that_are_older_than_their_policies_are_told_apart() {
    let mut flows = recorded("chaos.jsonl");
    let mut check = |modified_ms: f64, changed_ms: f64, expect: &str| {
        let file = PolicyFile { name: "a.yaml".to_owned(), text: lab(ALLOWED), modified_ms };
        let settings = ["namespace=pets".to_owned()];
        let mut policies = PolicyFiles::new(vec![file], &settings, changed_ms).unwrap();
        let columns = judged(&mut flows, &mut policies);
        assert_eq!(cells(&columns, &columns.agreement)[0], expect);
        let why = why(&mut flows, &mut policies, 0);
        assert_eq!(why["agreement"], expect);
        why["comparison"].clone()
    };
    check(1_000.0, 2_000.0, "differs");
    check(f64::NAN, f64::NAN, "differs");
    check(f64::NAN, 4e12, "judged by later policies");
    check(1e300, f64::NEG_INFINITY, "differs");
    assert_eq!(
        check(4e12, f64::NAN, "judged by later policies"),
        "judged by later policies (changed 2096-10-02 07:06:40 UTC): dropped: no rule allowed it; \
         what the policies said then is not known"
    );
}

#[test]
fn other_policies_change_what_they_change() {
    let mut flows = recorded("chaos.jsonl");
    let changed = compare(&mut flows, &mut policies(CHAOS), &mut policies(ALLOWED));
    let summary = value(&changed.summary);
    let groups = summary["groups"].as_array().unwrap();
    assert_eq!(groups[0]["source"], "world");
    assert_eq!(groups[0]["destination"], "pets/store-front");
    assert_eq!((&groups[0]["before"], &groups[0]["after"]), (&json!("denied"), &json!("allowed")));
    let changed_rows = changed.group_of_row.iter().filter(|group| **group != 0).count();
    let unchanged = usize::try_from(summary["unchanged"].as_u64().unwrap()).unwrap();
    assert_eq!(changed_rows + unchanged, changed.group_of_row.len());
    assert_eq!(changed.group_of_row[0], 1);
}

#[test]
fn lints_say_where_and_fixes_let_the_flow_pass() {
    let mut flows = recorded("combined.jsonl");
    let mut policies_now = policies("aks-combined-fqdn-l7.yaml");
    let found = value(&findings(&mut flows, &mut policies_now));
    let found = found.as_array().unwrap();
    assert!(found.iter().any(|finding| !finding["evidence"].as_array().unwrap().is_empty()));
    assert!(found.iter().any(|finding| finding["line"].as_u64().is_some()));

    let mut flows = recorded("chaos.jsonl");
    let fix = value(&suggestion(&mut flows, &mut policies(CHAOS), &[0]));
    assert_eq!(fix["fixed"], json!([0]));
    let edited = fix["texts"][0]["text"].as_str().map_or_else(|| lab(CHAOS), str::to_owned);
    let text = format!("{edited}\n---\n{}", fix["yaml"].as_str().unwrap());
    let file = PolicyFile { name: "fixed.yaml".to_owned(), text, modified_ms: f64::NAN };
    let mut fixed = PolicyFiles::new(vec![file], &["namespace=pets".to_owned()], f64::NAN).unwrap();
    let columns = judged(&mut flows, &mut fixed);
    assert_eq!(cells(&columns, &columns.computed)[0], "allowed");
}

#[test]
fn what_is_refused_is_named_and_settings_that_do_not_exist_are_an_error() {
    let text = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspec: {egres: []}\n---\nkind: [";
    let file = PolicyFile { name: "bad.yaml".to_owned(), text: text.to_owned(), modified_ms: 0.0 };
    let policies = PolicyFiles::new(vec![file], &[], f64::NAN).unwrap();
    let documents = value(&refused(&policies));
    assert_eq!(documents[0]["file"], "bad.yaml");
    assert_eq!(documents[0]["line"], 4);
    assert_eq!(documents[0]["quote"], "spec: {egres: []}");
    assert_eq!(documents[0]["isPolicy"], true);
    assert!(documents[1]["reason"].as_str().unwrap().contains("not valid YAML"));
    for setting in ["enable-policy=sometimes", "no-such=1", "cluster-name"] {
        let error = PolicyFiles::new(Vec::new(), &[setting.to_owned()], f64::NAN).unwrap_err();
        assert_eq!(error.to_string(), format!("`{setting}` is no setting"));
    }
}

#[test]
fn questions_whose_columns_do_not_fit_are_refused() {
    let one = [0_u32];
    let fits = |subjects: &[u32], named: &[u32]| {
        let columns = QuestionColumns {
            subjects,
            peers: &one,
            directions: &[0],
            protocols: &[6],
            ports: &[80],
            named,
        };
        Questions::new(&["k8s:app=a".to_owned()], &[String::new()], false, &columns).is_ok()
    };
    assert!(fits(&one, &one));
    assert!(!fits(&[1], &one), "no such identity");
    assert!(!fits(&one, &[1]), "no such ports");
    assert!(!fits(&[0, 0], &one), "another length");
}
