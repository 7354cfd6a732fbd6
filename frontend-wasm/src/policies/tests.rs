//! The lab's policies against recorded flows, as the panel uses them.

mod columns;
mod petshop;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hubble_api::json;
use hubble_api::packed::Encoder;
use hubble_api::pb::observer::GetFlowsResponse;
use prost::Message;
use serde_json::{Value, json};

use super::ask::{question, reachable};
use super::explained::{explained, refused};
use super::lint::findings;
use super::policy_files::{PolicyFile, PolicyFiles};
use super::questions::{QuestionColumns, Questions};
use super::recorded::MAX_FLOWS;
use super::suggest::suggestion;
use crate::captions::TextColumn;
use crate::table::Table;

const ZERO_TRUST: &str = "acns-network-policy.yaml";
const COMBINED: &str = "aks-combined-fqdn-l7.yaml";
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

fn messages(name: &str) -> Vec<Vec<u8>> {
    let read = |line: &str| json::read::<GetFlowsResponse>(line.as_bytes()).unwrap().0;
    lab(name).lines().map(|line| read(line).encode_to_vec()).collect()
}

/// A packed stream of these messages.
fn packed(messages: &[Vec<u8>]) -> Vec<u8> {
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    for message in messages {
        stream.extend(encoder.push(message).unwrap().into_iter().flatten());
    }
    stream.extend(encoder.finish().into_iter().flatten());
    stream
}

fn recorded(name: &str) -> Table {
    let mut table = Table::new();
    table.append(&packed(&messages(name))).unwrap();
    table
}

/// Texts of a column, by row.
fn cells(table: &Table, column: TextColumn) -> Vec<&str> {
    let codes = table.captions.codes(column).iter();
    codes.map(|code| table.captions.dictionary().get(*code).unwrap()).collect()
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}

fn why(flows: &mut Table, policies: &mut PolicyFiles, row: u32) -> Value {
    value(&explained(flows, policies, row).unwrap())
}

#[test]
fn flows_are_judged_into_columns() {
    use TextColumn::{Agreement, Computed, DecidedBy};
    let mut flows = recorded("chaos.jsonl");
    assert_eq!(cells(&flows, Agreement), [""; 0]);
    flows.judge(&mut policies(CHAOS)).unwrap();
    assert_eq!(cells(&flows, Agreement), ["agrees"; 6]);
    assert_eq!(cells(&flows, Computed)[0], "denied");
    assert_eq!(cells(&flows, DecidedBy)[0], "default deny");
    // The same flows under other policies.
    flows.judge(&mut policies(ALLOWED)).unwrap();
    assert_eq!(cells(&flows, Agreement)[0], "differs");
    let rule = "CiliumNetworkPolicy/pets/allow-store-front-traffic ingress[0] (line ";
    assert!(cells(&flows, DecidedBy)[0].starts_with(rule));
    let mut flows = recorded("combined.jsonl");
    flows.judge(&mut policies(COMBINED)).unwrap();
    assert!(!cells(&flows, Agreement).contains(&"differs"));
}

#[test]
fn flows_that_come_later_are_judged_too() {
    let mut flows = recorded("chaos.jsonl");
    let mut policies = policies(CHAOS);
    flows.judge(&mut policies).unwrap();
    flows.append(&packed(&messages("chaos.jsonl"))).unwrap();
    flows.judge(&mut policies).unwrap();
    assert_eq!(cells(&flows, TextColumn::Agreement), ["agrees"; 12]);
}

#[test]
fn a_verdict_names_policy_rule_and_line_and_quotes_it() {
    let mut flows = recorded("chaos.jsonl");
    let answer = why(&mut flows, &mut policies(CHAOS), 0);
    assert_eq!(
        answer["sentence"],
        "Observed: dropped: no rule allowed it. Computed: denied on ingress by default, which \
         `CiliumNetworkPolicy/pets/allow-store-front-traffic` turned on; nearest rule: ingress[0] \
         (line 10): its list of peers is empty: it selects no peer."
    );
    assert_eq!(answer["agreement"], "agrees");
    assert_eq!(
        answer["nearMisses"][0],
        json!({
            "policy": "CiliumNetworkPolicy/pets/allow-store-front-traffic",
            "clause": "ingress[0]",
            "text": "its list of peers is empty: it selects no peer",
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
        flows.judge(&mut policies).unwrap();
        assert_eq!(cells(&flows, TextColumn::Agreement)[0], expect);
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
fn lints_say_where_and_fixes_let_the_flow_pass() {
    let mut flows = recorded("combined.jsonl");
    let mut policies_now = policies(COMBINED);
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
    flows.judge(&mut fixed).unwrap();
    assert_eq!(cells(&flows, TextColumn::Computed)[0], "allowed");
}

/// The answer, with the deciding lines.
fn asked(
    flows: &mut Table,
    policies: &mut PolicyFiles,
    ends: [&str; 2],
    request: Option<(&str, &str)>,
) -> (Value, String) {
    let labels = |text: &str| text.split(' ').skip(1).map(str::to_owned).collect();
    let [from, to] = ends;
    let names = [from, to].map(|text| text.split(' ').next().unwrap_or_default());
    let request = request.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let question = question(names, [labels(from), labels(to)], request).unwrap();
    let answer = value(&reachable(flows, policies, &question, true).unwrap());
    let lines = |step: &Value| {
        let listed = ["nearMisses", "deciding"].map(|list| step[list].as_array().unwrap());
        let rules = listed.into_iter().find(|rules| !rules.is_empty());
        let lines = rules.into_iter().flatten().map(|rule| rule["line"].to_string());
        lines.collect::<Vec<_>>().join(",")
    };
    let mut words = answer["verdict"].as_str().unwrap().to_owned();
    for step in answer["paths"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|path| path["steps"].as_array().unwrap())
    {
        let (kind, verdict) = (step["kind"].as_str().unwrap(), step["verdict"].as_str().unwrap());
        write!(words, "; {kind} {verdict} {}", lines(step)).unwrap();
    }
    (answer, words)
}

#[test]
fn a_connection_without_flows_is_answered_step_by_step() {
    type Asked<'a> = (&'a str, &'a str, [&'a str; 2], Option<(&'a str, &'a str)>);
    let check = |(policies_of, flows_of, ends, request): Asked<'_>, expect: &str| {
        let (flows, policies) = (&mut recorded(flows_of), &mut policies(policies_of));
        assert_eq!(asked(flows, policies, ends, request).1, expect, "{ends:?}");
    };
    let flows = "chaos.jsonl";
    check(
        (ZERO_TRUST, flows, ["order-service", "product-service:3002"], None),
        "denied; DNS denied 39; egress denied 39; ingress denied 56",
    );
    check(
        (ZERO_TRUST, flows, ["pets/store-front", "product-service:3002"], None),
        "denied; DNS denied 88,95; egress allowed 94; ingress allowed 55",
    );
    check(
        (ZERO_TRUST, flows, ["pets/store-front", "10.0.0.22:3002"], None),
        "allowed; egress allowed 94; ingress allowed 55",
    );
    check(
        (ZERO_TRUST, flows, ["order-service app=store-front", "10.0.0.22:3002"], None),
        "allowed; egress allowed 94; ingress allowed 55",
    );
    check((CHAOS, flows, ["world", "store-front:8080"], None), "denied; ingress denied 10");
    check((ALLOWED, flows, ["world", "store-front:8080"], None), "allowed; ingress allowed 10");
    let request = |method| (COMBINED, "combined.jsonl", ["store-front", "10.0.0.22:3002"], method);
    check(request(Some(("GET", "/"))), "allowed; egress allowed 66; ingress allowed ");
    check(request(Some(("POST", "/"))), "denied; egress denied 66; ingress allowed ");
}

#[test]
fn a_fix_opens_every_step_of_a_connection() {
    let mut flows = recorded("chaos.jsonl");
    let ends = ["order-service", "product-service:3002"];
    let (answer, _) = asked(&mut flows, &mut policies(ZERO_TRUST), ends, None);
    assert_eq!(answer["fix"]["fixed"], json!([0, 1, 2]));
    assert!(answer["paths"][0]["alone"].as_str().unwrap().contains("alone opens nothing"));
    let text = answer["fix"]["texts"][0]["text"].as_str().unwrap().to_owned();
    let text = format!("{text}\n---\n{}", answer["fix"]["yaml"].as_str().unwrap());
    let file = PolicyFile { name: "fixed.yaml".to_owned(), text, modified_ms: f64::NAN };
    let mut fixed = PolicyFiles::new(vec![file], &["namespace=pets".to_owned()], f64::NAN).unwrap();
    assert_eq!(asked(&mut flows, &mut fixed, ends, None).0["verdict"], "allowed");
}

#[test]
fn a_name_is_looked_for_in_the_flows_and_beside_the_policies_at_hand() {
    let mut flows = recorded("chaos.jsonl");
    let ends = ["ghost", "10.0.0.22:3002"];
    let mut without = policies(ZERO_TRUST);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: ghost, namespace: pets, labels: {app: store-front}}\nspec: {containers: []}";
    let text = format!("{}\n---\n{pod}", lab(ZERO_TRUST));
    let file = PolicyFile { name: "with.yaml".to_owned(), text, modified_ms: f64::NAN };
    let mut with = PolicyFiles::new(vec![file], &["namespace=pets".to_owned()], f64::NAN).unwrap();
    let mut check = |policies: &mut PolicyFiles, verdict: &str, notes: usize| {
        let (answer, _) = asked(&mut flows, policies, ends, None);
        assert_eq!(answer["verdict"], verdict);
        assert_eq!(answer["notes"].as_array().unwrap().len(), notes, "{}", answer["notes"]);
    };
    check(&mut without, "cannot tell", 1);
    check(&mut with, "allowed", 0);
    check(&mut without, "cannot tell", 1);
}

#[test]
fn flows_that_were_not_looked_at_for_names_are_counted() {
    let older = messages("chaos.jsonl");
    let newer = std::iter::repeat_n(&older[0], MAX_FLOWS);
    let all: Vec<_> = older.iter().chain(newer).cloned().collect();
    let mut flows = Table::new();
    flows.append(&packed(&all)).unwrap();
    let question = question(["order-service", "world:80"], Default::default(), None).unwrap();
    let answer = value(&reachable(&mut flows, &mut policies(CHAOS), &question, false).unwrap());
    assert_eq!(answer["fix"], Value::Null, "it was not asked for");
    let said =
        format!("names are those of the newest 50000 of {} flows, and of the documents", all.len());
    assert!(answer["notes"].as_array().unwrap().contains(&json!(said)), "{}", answer["notes"]);
    assert_eq!(answer["verdict"], "cannot tell", "order-service is in older flows alone");
}

#[test]
fn sources_and_destinations_that_cannot_be_read_are_refused() {
    let check = |from: &str, to: &str, expect: &str| {
        let error = question([from, to], Default::default(), None).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(
        "",
        "a:80",
        "the name is empty: write a pod, a Service, an address, a DNS name or `world`",
    );
    let no_port =
        "`product-service` has no port: write it after the name, as `product-service:3002`";
    check("order-service", "product-service", no_port);
    check("a", "b:0", "`0` is not a port: write a number from 1 to 65535");
}

/// The lab's flows for the module in Node.js; `UPDATE_VECTORS=1` rewrites them.
#[test]
fn the_lab_is_packed_for_the_module_in_node() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/packed/chaos.bin");
    let stream = packed(&messages("chaos.jsonl"));
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(&path, &stream).unwrap();
    }
    assert_eq!(fs::read(path).unwrap(), stream);
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
        assert_eq!(error.to_string(), format!("`{setting}` is not a setting"));
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
