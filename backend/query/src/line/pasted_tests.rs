//! Tests of lines as people paste them, from reports, terminals and web pages.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The form without unset fields; absent if there are errors.
fn answer(read: &ReadLine) -> Value {
    if !read.errors.is_empty() {
        return json!({ "error": true });
    }
    read.form.to_json()
}

fn fits(read: &ReadLine, want: &Value) -> bool {
    let mut want = want.clone();
    let remark = want.as_object_mut().and_then(|want| want.remove("remark"));
    answer(read) == want && (remark.is_none() || !read.warnings.is_empty())
}

/// Each line gives one of the results listed with it: a form or an error.
#[test]
fn a_pasted_line_is_understood_or_refused() {
    let vectors = include_str!("../../../../tests/vectors/pasted-lines.jsonl");
    let mut wrong = String::new();
    for vector in vectors.lines() {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let line = vector["line"].as_str().unwrap();
        let read = super::read(line, Variables::Kept);
        let wanted = vector["wantOneOf"].as_array().unwrap();
        if !wanted.iter().any(|want| fits(&read, want)) {
            let message: Vec<&str> = read.errors.iter().map(|error| error.text.as_str()).collect();
            wrong.extend([
                line,
                "\n  ",
                &answer(&read).to_string(),
                " ",
                &message.join("; "),
                "\n",
            ]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A valid value of the flag.
fn value_of(flag: Flag) -> &'static str {
    match flag {
        Flag::Verdict => "DROPPED",
        Flag::DropReasonDesc => "POLICY_DENIED",
        Flag::TrafficDirection => "ingress",
        Flag::Type => "trace:to-endpoint",
        Flag::Pod | Flag::FromPod | Flag::ToPod => "pets/store-front",
        Flag::Service | Flag::FromService | Flag::ToService => "pets/store",
        Flag::Workload | Flag::FromWorkload | Flag::ToWorkload => "Deployment/web",
        Flag::Label | Flag::FromLabel | Flag::ToLabel | Flag::NodeLabel => "app=web,tier!=db",
        Flag::Ip | Flag::FromIp | Flag::ToIp | Flag::SnatIp => "10.0.0.0/8",
        Flag::IpVersion => "v6",
        Flag::Port | Flag::FromPort | Flag::ToPort => "8080",
        Flag::Identity | Flag::FromIdentity | Flag::ToIdentity => "12345",
        Flag::Protocol => "dns",
        Flag::HttpStatus => "503",
        Flag::HttpHeader => "x-id:1",
        Flag::HttpPath | Flag::HttpUrl => "/api/.*",
        Flag::TcpFlags => "SYN,ACK",
        Flag::IpTraceId => "7",
        _ => "name",
    }
}

/// A flag as it is written in a line.
fn written(flag: Flag, value: &str) -> String {
    if flag.is_switch() {
        format!("--{}", flag.name())
    } else {
        format!("--{} {value}", flag.name())
    }
}

/// Typical text around a command, with `{}` in its place.
const AROUND: [&str; 26] = [
    "{}",
    "$ {}",
    "> {}",
    "# {}",
    "❯ {}",
    "PS C:\\> {}",
    "root@node:/var/lib/cilium# {}",
    "sudo {} 2>&1 | head",
    "{} > flows.json",
    "{} | jq .",
    "{}; sleep 1",
    "cilium hubble port-forward&\n{}",
    "HUBBLE_SERVER=localhost:4245 {}",
    "kubectl exec -n kube-system ds/cilium -c cilium-agent -- {}",
    "kubectl exec -n kube-system -t ds/hubble -- {}",
    "watch -n 2 {}",
    "watch -n 2 \"{}\"",
    "ssh node1 '{}'",
    "bash -c '{}'",
    "ssh node1 \"kubectl exec ds/cilium -- bash -c '{}'\"",
    "while true; do {}; sleep 1; done",
    "```\n{}\n```",
    "`{}`",
    "hubble status\n{}\nhubble list nodes",
    "(⎈|aks:pets) me@box:~$ {}",
    "# what was dropped\n{}",
];

/// Every flag of Hubble, within each of these texts, gives the form of the bare command.
#[test]
fn what_stands_around_a_command_leaves_its_filter() {
    for &flag in Flag::ALL {
        let command = format!("hubble observe {}", written(flag, value_of(flag)));
        let expected = super::read(&command, Variables::Refused);
        assert_eq!(expected.errors, [], "{command}");
        let values = expected.form.filter.get(&flag).map(Vec::len);
        assert_eq!(values, Some(1), "{command}");
        for around in AROUND {
            let line = around.replace("{}", &command);
            let read = super::read(&line, Variables::Refused);
            assert_eq!(read.errors, [], "{line}");
            assert_eq!(read.form, expected.form, "{line}");
        }
    }
}

fn valued_flags() -> Vec<Flag> {
    Flag::ALL.iter().copied().filter(|flag| !flag.is_switch()).collect()
}

proptest! {
    /// A command with a filter within any text gives an error with a place, or a form with a
    /// filter.
    #[test]
    fn a_filter_never_becomes_all_flows(
        around in prop::sample::select(AROUND.to_vec()),
        before in "(\\PC|[\n\t '\"`\\\\|&;<>$(){}#]){0,6}",
        between in "( |\n|\t|\\\\\n|`\n|\u{a0}| \\\\ | -o json | > x | [a-z]{1,5} |[^\\pC#]){0,3}",
        after in "(\\PC|[\n\t '\"`\\\\|&;<>$(){}#-]){0,6}",
        dashes in "(--|-|–|—|−|––|‑‑|-–)",
        bound in "( |=|  |\n| \\\\\n)",
        flag in prop::sample::select(valued_flags()),
    ) {
        let value = value_of(flag);
        let command = format!("hubble observe {between} {dashes}{}{bound}{value}", flag.name());
        let line = around.replace("{}", &format!("{before} {command} {after}"));
        let read = super::read(&line, Variables::Refused);
        for error in &read.errors {
            let place = line.get(error.start..error.end);
            prop_assert!(place.is_some_and(|place| !place.is_empty()), "{}: {:?}", line, error);
        }
        let FlowsForm { filter, exclude, .. } = &read.form;
        let restricts = !filter.is_empty() || !exclude.is_empty();
        prop_assert!(restricts || !read.errors.is_empty(), "all flows: {}", line);
    }
}

/// A text that is not a `hubble observe` line gets an error that says what it is and where it
/// belongs.
#[test]
fn another_language_or_command_is_named() {
    let check = |text: &str, what: &str, place: &str| {
        let read = super::read(text, Variables::Kept);
        let [error] = read.errors.as_slice() else { panic!("{text}: {:?}", read.errors) };
        let message = &error.text;
        assert!(message.contains(what) && message.contains(place), "{text}: {message}");
        assert_eq!(text.get(error.start..error.end), Some(text.trim()), "{text}");
    };
    let drops =
        "RetinaNetworkFlowLogs\n| where Verdict == \"DROPPED\"\n| summarize count() by Reason";
    check(drops, "KQL", "Azure Monitor");
    check("ContainerLogV2 | take 5", "KQL", "Azure Monitor");
    check("let t = 1h;\nRetinaNetworkFlowLogs | where TimeGenerated > ago(t)", "KQL", "Azure");
    check("{namespace=\"pets\"} |= \"DROPPED\"", "LogQL", "Loki");
    check("sum(rate({app=\"hubble\"} | json [5m])) by (pod)", "LogQL", "Loki");
    check("rate(hubble_drop_total{reason=\"x\"}[5m])", "PromQL", "*PromQL*");
    check("sum by (verdict) (rate(hubble_flows_processed_total[5m]))", "PromQL", "*PromQL*");
    check("100 * rate(hubble_drop_total[5m])", "PromQL", "*PromQL*");
    check("hubble_drop_total", "PromQL", "*PromQL*");
    check("SELECT * FROM flows WHERE verdict = 'DROPPED'", "SQL", "database");
    check("{ span.http.status_code = 500 }", "TraceQL", "Tempo");
    check("{\"source_pod\":[\"pets/\"]}", "JSON", "--allowlist");
    check("_flow.verdict == Verdict.DROPPED", "CEL", "--cel-expression");
    check("kubectl get cnp -n pets", "`kubectl`", "*Policies*");
    check("$ kubectl get pods -n pets", "`kubectl`", "terminal");
    check("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy", "manifest", "files");
    check("hubble status", "`hubble status`", "*Save & test*");
    check("hubble list nodes", "`hubble list`", "variable");
    check("hubble config set tls true", "`hubble config`", "settings");
    check("hubble obsreve --verdict DROPPED", "`hubble obsreve`", "`hubble observe`");
    check("cilium monitor --type drop", "`cilium`", "terminal");
    check("tcpdump -n port 53", "`tcpdump`", "packets");
    check("what was dropped?", "not a `hubble observe`", "such as");
}
