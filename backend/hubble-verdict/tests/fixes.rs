//! Fixes that work as claimed, and questions that agree with Cilium: over Cilium's own policy
//! vectors, for one refused flow and for all of them, applied and judged again flow by flow.

#![expect(clippy::unwrap_used, reason = "a file that is not there fails the test")]
#![expect(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]

use std::path::Path;

use cilium_policy::{Dates, Settings, SourceText, Traffic, Verdict};
use flow::{
    CiliumEventType, Dns, Endpoint, Flow, Http, Icmp, Ip, L7FlowType, L7Record, Layer4, Layer7,
    MessageType, Sctp, Tcp, TrafficDirection, Udp,
};
use hubble_verdict::{JudgeFlows, Question, Review, StepKind, Target, UnfixedReason, suggest};
use serde_json::Value;

/// Policies, and flows in both directions.
struct Case {
    name: String,
    settings: Settings,
    texts: Vec<String>,
    flows: Vec<Flow>,
}

fn scenarios(file: &str, count: usize) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/policy2");
    let text = policy_vectors::read_lines(&folder.join(file)).unwrap();
    text.lines().take(count).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(of: &Value) -> Vec<String> {
    let texts = of.as_array().into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn sources(texts: &[String]) -> Vec<SourceText<'_>> {
    texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect()
}

fn after<'l>(labels: &'l [String], prefix: &str) -> Option<&'l str> {
    labels.iter().find_map(|label| label.strip_prefix(prefix))
}

/// An endpoint as a record has it, with address and names besides the labels.
fn endpoint(labels: &[String]) -> (Endpoint, String, Vec<String>) {
    let address = after(labels, "cidr:").and_then(|cidr| cidr.split('/').next());
    let names = labels.iter().filter_map(|label| label.strip_prefix("fqdn:"));
    let is_recorded = |label: &&String| !label.starts_with("fqdn:") && !label.starts_with("cidr:");
    let endpoint = Endpoint {
        labels: labels.iter().filter(is_recorded).cloned().collect(),
        namespace: after(labels, "k8s:io.kubernetes.pod.namespace=").unwrap_or_default().to_owned(),
        ..Endpoint::default()
    };
    let names = names.filter(|name| !name.contains('*')).map(str::to_owned).collect();
    (endpoint, address.unwrap_or_default().replace('-', ":"), names)
}

fn layer4(Traffic { protocol, port, .. }: Traffic) -> Option<Layer4> {
    Some(match protocol {
        6 => Layer4::Tcp(Tcp { source_port: 40_000, destination_port: port, ..Tcp::default() }),
        17 => Layer4::Udp(Udp { source_port: 40_000, destination_port: port }),
        132 => {
            Layer4::Sctp(Sctp { source_port: 40_000, destination_port: port, ..Sctp::default() })
        }
        1 => Layer4::Icmpv4(Icmp { icmp_type: u8::try_from(port).ok()?, code: 0 }),
        58 => Layer4::Icmpv6(Icmp { icmp_type: u8::try_from(port).ok()?, code: 0 }),
        _ => return None,
    })
}

/// A flow with a request, where its protocol allows one.
fn with_request(flow: &Flow, number: usize) -> Option<Flow> {
    let mut flow = flow.clone();
    let record = match flow.l4.as_mut()? {
        Layer4::Tcp(_) => {
            let requests = [("GET", "http://x/a"), ("PUT", "/public/1?x=1"), ("POST", "/")];
            let (method, url) = requests.get(number % requests.len())?;
            let (method, url) = ((*method).to_owned(), (*url).to_owned());
            L7Record::Http(Http { method, url, ..Http::default() })
        }
        Layer4::Udp(udp) => {
            udp.destination_port = 53;
            let names = [
                "api.example.com.",
                "api.example.com.ns1.svc.cluster.local.",
                "www.bing.com.svc.cluster.local.",
                "a.ns2.svc.cluster.local.",
            ];
            let query = (*names.get(number % names.len())?).to_owned();
            L7Record::Dns(Dns { query, ..Dns::default() })
        }
        _ => return None,
    };
    let l7_type = L7FlowType::Request;
    flow.l7 = Some(Layer7 { l7_type, record: Some(record), ..Layer7::default() });
    flow.event_type = Some(CiliumEventType { message_type: MessageType::L7, sub_type: 0 });
    Some(flow)
}

impl Case {
    fn of(scenario: &Value) -> Self {
        let labels = |name: &Value| texts(&scenario["identities"][name.as_str().unwrap()]);
        let mut flows = Vec::new();
        for row in scenario["flows"].as_array().unwrap() {
            let Some(l4) = policy_vectors::scenarios::traffic(row).and_then(layer4) else {
                continue;
            };
            let (source, from, _) = endpoint(&labels(&row["from"]));
            let (destination, to, names) = endpoint(&labels(&row["to"]));
            for traffic_direction in [TrafficDirection::Egress, TrafficDirection::Ingress] {
                let message_type = MessageType::PolicyVerdict;
                let ip = Ip { source: from.clone(), destination: to.clone(), ..Ip::default() };
                flows.push(Flow {
                    event_type: Some(CiliumEventType { message_type, sub_type: 0 }),
                    traffic_direction,
                    is_reply: Some(false),
                    ip: Some(ip),
                    l4: Some(l4.clone()),
                    source: Some(source.clone()),
                    destination: Some(destination.clone()),
                    destination_names: names.clone(),
                    ..Flow::default()
                });
            }
        }
        let requests =
            flows.iter().zip(0..).filter_map(|(flow, number)| with_request(flow, number));
        let requests: Vec<Flow> = requests.collect();
        flows.extend(requests);
        Self {
            name: scenario["name"].to_string(),
            settings: policy_vectors::scenarios::settings(scenario),
            texts: texts(&scenario["policies"]),
            flows,
        }
    }

    /// Verdicts flow by flow, and the number of refused documents.
    fn verdicts(&self, texts: &[String]) -> (Vec<Option<Verdict>>, usize) {
        let texts = sources(texts);
        let review = Review::under(&texts, self.settings.clone(), &Dates::default(), &self.flows);
        let verdict = |flow: &Flow| {
            let summary = review.judge().judge_flow(flow, review.learned());
            summary.ok().map(|own| own.verdict)
        };
        (self.flows.iter().map(verdict).collect(), review.set().refused().len())
    }

    /// Checks a fix for some flows: each is fixed or has a reason, no further document is refused,
    /// and the answer lists the other flows that pass.
    fn check(&self, wanted: &[usize], (old, refused): &(Vec<Option<Verdict>>, usize)) {
        let suggestion = suggest(&sources(&self.texts), &self.settings, &self.flows, wanted);
        let mut texts = self.texts.clone();
        for (index, text) in &suggestion.texts {
            texts.get_mut(*index).unwrap().clone_from(text);
        }
        texts.push(suggestion.yaml.clone());
        let (new, refused_now) = self.verdicts(&texts);
        let show = || format!("{}: {suggestion:#?}\n{}", self.name, self.texts.join("\n---\n"));
        assert_eq!(refused_now, *refused, "{}", show());
        // A flow that a fix for many does not help is not helped by its own fix either.
        let no_help = suggestion.unfixed.iter().filter(|own| own.reason == UnfixedReason::NoHelp);
        for unfixed in no_help.take(if wanted.len() > 1 { 3 } else { 0 }) {
            let single = [unfixed.flow];
            let alone = suggest(&sources(&self.texts), &self.settings, &self.flows, &single);
            assert_eq!(alone.fixed, [0_usize; 0], "{}: {unfixed:?}", self.name);
        }
        let unfixed = suggestion.unfixed.iter().map(|own| own.flow);
        let mut listed: Vec<usize> = suggestion.fixed.iter().copied().chain(unfixed).collect();
        listed.sort_unstable();
        assert_eq!(listed, wanted, "{}", show());
        for (index, (old, new)) in old.iter().zip(&new).enumerate() {
            let is_fixed = suggestion.fixed.contains(&index);
            let is_new = *old != Some(Verdict::Allowed) && *new == Some(Verdict::Allowed);
            assert!(!is_fixed || is_new, "{index} does not pass: {}", show());
            let is_listed = is_fixed || !suggestion.also_allowed.is_empty();
            assert!(!is_new || is_listed, "{index} passes and is not listed: {}", show());
            let is_kept = *old != Some(Verdict::Allowed) || old == new;
            assert!(is_kept, "{index} does not pass any more: {}", show());
            let may_have_passed = *old == Some(Verdict::CannotTell);
            let is_refused = may_have_passed && *new == Some(Verdict::Denied);
            assert!(!is_refused, "{index} is refused: {}", show());
        }
    }
}

fn fixes(file: &str, count: usize) {
    let mut fixes = 0;
    for case in scenarios(file, count).iter().map(Case::of) {
        let before = case.verdicts(&case.texts);
        let verdicts = before.0.iter().enumerate();
        let denied = verdicts.filter(|(_, verdict)| **verdict == Some(Verdict::Denied));
        let denied: Vec<usize> = denied.map(|(index, _)| index).collect();
        let single = denied.iter().step_by((denied.len() / 4).max(1));
        for wanted in single.map(std::slice::from_ref).chain([denied.as_slice()]) {
            case.check(wanted, &before);
            fixes += 1;
        }
    }
    assert!(fixes > count, "{fixes}");
}

#[test]
fn fixes_for_single_traps() {
    fixes("probes.jsonl.gz", 90);
}

#[test]
fn fixes_for_mixes() {
    fixes("mix.jsonl.gz", 16);
}

/// A source or destination as a person would write it. `None`: it cannot be written.
fn target(name: &str, labels: &[String]) -> Option<(Target, Vec<String>)> {
    let is_pod = after(labels, "k8s:io.kubernetes.pod.namespace=").is_some();
    if after(labels, "fqdn:").is_some() || (is_pod && after(labels, "cidr:").is_some()) {
        return None;
    }
    if let Some(cidr) = after(labels, "cidr:") {
        let address = cidr.split('/').next()?.replace('-', ":").parse().ok()?;
        return Some((Target::Address(address), labels.to_vec()));
    }
    let namespace = after(labels, "k8s:io.kubernetes.pod.namespace=").map(str::to_owned);
    if namespace.is_some() {
        // Written labels are those of a pod of a cluster.
        after(labels, "k8s:io.cilium.k8s.policy.cluster=")?;
        let target = Target::Name { namespace, name: name.to_owned(), dns: None };
        return Some((target, labels.to_vec()));
    }
    match labels {
        [only] => Some((Target::parse(only).ok()?, Vec::new())),
        _ => Some((Target::Entity("world".to_owned()), labels.to_vec())),
    }
}

/// Compares answers with Cilium's own; counts the ones that Cilium decides and a question cannot
/// tell.
fn questions(file: &str, count: usize) {
    let (mut agree, mut unknown) = (0_usize, 0_usize);
    for scenario in scenarios(file, count) {
        let (settings, texts) =
            (policy_vectors::scenarios::settings(&scenario), texts(&scenario["policies"]));
        let texts = sources(&texts);
        let review = Review::under(&texts, settings, &Dates::default(), &[]);
        for row in scenario["flows"].as_array().unwrap() {
            let end = |key: &str| {
                let name = row[key].as_str()?;
                target(name, &self::texts(&scenario["identities"][name]))
            };
            let traffic = policy_vectors::scenarios::traffic(row)
                .filter(|own| matches!(own.protocol, 6 | 17 | 132));
            let (Some(traffic), Some(from), Some(to)) = (traffic, end("from"), end("to")) else {
                continue;
            };
            let ((from, from_labels), (to, to_labels)) = (from, to);
            let question = Question { from, from_labels, to, to_labels, traffic, request: None };
            let answer = review.ask(&question).unwrap();
            for step in answer.paths.iter().flat_map(|path| &path.steps) {
                let expected = match step.kind {
                    StepKind::Egress => row["egress"]["v"].as_str(),
                    StepKind::Ingress => row["ingress"]["v"].as_str(),
                    _ => None,
                };
                let Some(expected) = expected else { continue };
                let verdict = step.judgement.verdict;
                if verdict == Verdict::CannotTell {
                    unknown += 1;
                    continue;
                }
                let sentence = step.judgement.sentence(review.set());
                assert_eq!(verdict.name(), expected, "{}: {row}\n{sentence}", scenario["name"]);
                agree += 1;
            }
        }
    }
    assert!(agree > 1000 && unknown < agree / 8, "{agree} {unknown}");
}

#[test]
fn questions_about_single_traps() {
    questions("probes.jsonl.gz", 200);
}

#[test]
fn questions_about_mixes() {
    questions("mix.jsonl.gz", 60);
}
