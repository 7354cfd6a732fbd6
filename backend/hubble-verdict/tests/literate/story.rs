//! Lines of `cast`, `manifests`, `flows` and `lints` blocks.

use std::{collections::HashMap, fs, path::Path};

use cilium_policy::{Dates, Finding, Settings, SourceText};
use flow::{
    CiliumEventType, Dns, DropReason, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4,
    Layer7, MessageType, Tcp, TrafficDirection, Udp, Verdict, Workload,
};
use hubble_verdict::Review;

const CLUSTER: &str = "aks-pets";

/// Endpoints, policies in force, and flows recorded since.
#[derive(Default)]
pub(super) struct Story {
    cast: HashMap<String, Member>,
    /// File names and texts.
    manifests: Vec<(String, String)>,
    flows: Vec<Flow>,
    /// A flow whose claim is on the next line.
    unclaimed: Option<Flow>,
    /// A finding whose evidence is on the next lines.
    finding: Option<(Finding, usize)>,
}

#[derive(Clone)]
struct Member {
    endpoint: Endpoint,
    address: String,
    /// The DNS name that led to its address.
    dns_name: Option<String>,
}

impl Story {
    /// Adds an endpoint: `name address namespace/workload label…`, or `name address reserved:label
    /// [dns name]`.
    pub(super) fn join(&mut self, at: &str, line: &str) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let address = words.next().unwrap();
        let identity = words.next().unwrap();
        let mut endpoint = Endpoint::default();
        let mut dns_name = None;
        if identity.starts_with("reserved:") {
            endpoint.labels.push(identity.to_owned());
            dns_name = words.next().map(str::to_owned);
        } else {
            let (namespace, workload) = identity.split_once('/').unwrap();
            namespace.clone_into(&mut endpoint.namespace);
            endpoint.workloads =
                vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }];
            endpoint.labels = words.by_ref().map(|label| format!("k8s:{label}")).collect();
            endpoint.labels.push(format!("k8s:io.kubernetes.pod.namespace={namespace}"));
            endpoint.labels.push(format!("k8s:io.cilium.k8s.policy.cluster={CLUSTER}"));
        }
        assert_eq!(words.next(), None, "{at}: {line}");
        let member = Member { endpoint, address: address.to_owned(), dns_name };
        self.cast.insert(name.to_owned(), member);
    }

    /// Clears the policies in force and the recorded flows.
    pub(super) fn begin(&mut self) {
        self.manifests.clear();
        self.flows.clear();
    }

    /// Adds one file of the repository.
    pub(super) fn add_manifest(&mut self, at: &str, line: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(line);
        let text = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{at}: {line}: {err}"));
        self.manifests.push((line.to_owned(), text));
    }

    fn texts(&self) -> Vec<SourceText<'_>> {
        let texts = self.manifests.iter().enumerate();
        texts.map(|(index, (_, text))| SourceText { index, text }).collect()
    }

    /// Checks that no manifest is refused.
    pub(super) fn compile(&self, at: &str) {
        assert_eq!(self.review(&self.texts()).set().refused(), &[], "{at}");
    }

    /// The policies in force against the flows recorded since.
    fn review<'r>(&'r self, texts: &'r [SourceText<'r>]) -> Review<'r> {
        // The lab applies its files with `-n pets`.
        let settings = Settings {
            cluster_name: CLUSTER.to_owned(),
            namespace: "pets".to_owned(),
            is_namespace_given: true,
            ..Settings::default()
        };
        Review::under(texts, settings, &Dates::default(), &self.flows)
    }

    /// Reads a flow: `[N × ]event direction from > to port/PROTOCOL [request]`, and below it,
    /// indented, its claim: `agreement: sentence`. Returns the number of claims.
    pub(super) fn flow_line(&mut self, at: &str, line: &str) -> usize {
        if let Some(expect) = line.strip_prefix("  ") {
            let flow = self.unclaimed.take().unwrap_or_else(|| panic!("{at}: no flow before"));
            let texts = self.texts();
            let review = self.review(&texts);
            let judgement = review.explain(&flow).unwrap();
            let sentence = judgement.sentence(review.set());
            let given = format!("{}: {sentence}", judgement.agreement.name());
            assert_eq!(given, expect, "{at}\n{}", judgement.comparison());
            return 1;
        }
        self.finish(at);
        let (count, line) = match line.split_once(" × ") {
            Some((count, rest)) => (count.parse().unwrap(), rest),
            None => (1, line),
        };
        let flow = self.flow(at, line);
        self.flows.extend(std::iter::repeat_n(flow.clone(), count));
        self.unclaimed = Some(flow);
        0
    }

    fn flow(&self, at: &str, line: &str) -> Flow {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [event, direction, from, ">", to, port, request @ ..] = words.as_slice() else {
            panic!("{at}: `{line}` is not a flow");
        };
        let member = |name: &str| {
            self.cast.get(name).unwrap_or_else(|| panic!("{at}: the cast has no `{name}`")).clone()
        };
        let (mut source, mut destination) = (member(from), member(to));
        let (port, protocol) = port.split_once('/').unwrap();
        let (mut source_port, mut destination_port) = (40_000, port.parse().unwrap());
        let is_answer = *event == "answered";
        if is_answer {
            std::mem::swap(&mut source, &mut destination);
            std::mem::swap(&mut source_port, &mut destination_port);
        }
        let (message_type, verdict) = match *event {
            "allowed" => (MessageType::PolicyVerdict, Verdict::Forwarded),
            "redirected" => (MessageType::PolicyVerdict, Verdict::Redirected),
            "dropped" => (MessageType::Drop, Verdict::Dropped),
            "refused" => (MessageType::L7, Verdict::Dropped),
            "passed" | "answered" => (MessageType::L7, Verdict::Forwarded),
            _ => panic!("{at}: there is no event `{event}`"),
        };
        Flow {
            verdict,
            drop_reason_desc: match *event {
                "dropped" => DropReason::POLICY_DENIED,
                _ => DropReason::UNKNOWN,
            },
            event_type: Some(CiliumEventType { message_type, sub_type: 0 }),
            traffic_direction: match *direction {
                "ingress" => TrafficDirection::Ingress,
                "egress" => TrafficDirection::Egress,
                _ => panic!("{at}: `{direction}` is not a direction"),
            },
            ip: Some(Ip {
                source: source.address,
                destination: destination.address,
                ..Ip::default()
            }),
            l4: Some(match protocol {
                "TCP" => Layer4::Tcp(Tcp { source_port, destination_port, flags: None }),
                "UDP" => Layer4::Udp(Udp { source_port, destination_port }),
                _ => panic!("{at}: `{protocol}` is not a protocol"),
            }),
            l7: request_of(event, request),
            is_reply: (message_type == MessageType::L7).then_some(is_answer),
            source_names: source.dns_name.into_iter().collect(),
            destination_names: destination.dns_name.into_iter().collect(),
            source: Some(source.endpoint),
            destination: Some(destination.endpoint),
            ..Flow::default()
        }
    }

    /// Reads a finding: `id file:line sentence's beginning`, and below it, indented, all evidence.
    /// Returns the number of claims.
    pub(super) fn lint_line(&mut self, at: &str, line: &str) -> usize {
        if let Some(evidence) = line.strip_prefix("  ") {
            let (finding, checked) = self.finding.as_mut().unwrap();
            let own = finding.evidence.get(*checked).map(String::as_str);
            assert_eq!(own, Some(evidence), "{at}");
            *checked += 1;
            return 1;
        }
        self.finish(at);
        let (id, rest) = line.split_once(' ').unwrap();
        let (place, sentence) = rest.split_once(' ').unwrap();
        let findings = self.review(&self.texts()).findings(&[]);
        let place_of = |finding: &Finding| match finding.source {
            None => "-".to_owned(),
            Some(source) => {
                let (path, _) = self.manifests.get(source).unwrap();
                format!("{}:{}", path.rsplit('/').next().unwrap(), finding.at.line)
            }
        };
        let found =
            findings.iter().find(|finding| finding.id() == id && place_of(finding) == place);
        let Some(finding) = found else { panic!("{at}: `{id}` is not at {place}: {findings:#?}") };
        assert!(finding.message.starts_with(sentence), "{at}: {}", finding.message);
        self.finding = Some((finding.clone(), 0));
        1
    }

    /// Checks at the end of a line or block that no claim is missing.
    pub(super) fn finish(&mut self, at: &str) {
        if let Some(flow) = self.unclaimed.take() {
            panic!("{at}: the flow before has no claim: {flow:?}");
        }
        if let Some((finding, checked)) = self.finding.take() {
            assert_eq!(
                finding.evidence.get(checked..),
                Some([].as_slice()),
                "{at}: evidence without a claim"
            );
        }
    }
}

/// The request in `DNS name` or `METHOD authority/path`, each with ` code` for an answer.
fn request_of(event: &str, request: &[&str]) -> Option<Layer7> {
    let l7_type = if event == "answered" { L7FlowType::Response } else { L7FlowType::Request };
    let record = match request {
        [] => return None,
        ["DNS", name] => L7Record::Dns(Dns { query: format!("{name}."), ..Dns::default() }),
        ["DNS", name, ip] => L7Record::Dns(Dns {
            query: format!("{name}."),
            ips: vec![(*ip).to_owned()],
            ..Dns::default()
        }),
        [method, url, code @ ..] => L7Record::Http(Http {
            method: (*method).to_owned(),
            url: format!("http://{url}"),
            code: code.first().map_or(0, |code| code.parse().unwrap()),
            ..Http::default()
        }),
        [_] => panic!("{request:?} is not a request"),
    };
    Some(Layer7 { l7_type, record: Some(record), ..Layer7::default() })
}
