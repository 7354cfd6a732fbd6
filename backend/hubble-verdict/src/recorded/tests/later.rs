//! Flows that are older than the policies that judge them.

use cilium_policy::Dates;

use super::*;

const INGRESS: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: front
  namespace: pets
  METADATA
spec:
  endpointSelector: {matchLabels: {app: front}}
  ingress:
  - fromEndpoints: [{}]
";

/// A flow denied on ingress, which the policy allows; source and destination vary.
fn refused(from: Endpoint, to: Endpoint, direction: TrafficDirection, seconds: i64) -> Flow {
    let flow = with_event(tcp(from, to, 80, direction), MessageType::Drop, FlowVerdict::Dropped);
    Flow { time: Timestamp::new(1_796_047_200 + seconds, 0).ok(), ..flow }
}

/// A time, in seconds after 2026-11-30 14:00:00 UTC.
const fn at(seconds: i64) -> UnixTime {
    UnixTime::new(1_796_047_200 + seconds, 0)
}

fn set(metadata: &str, dates: &Dates) -> PolicySet {
    let text = INGRESS.replace("METADATA", metadata);
    let set = PolicySet::read(&[SourceText { index: 0, text: &text }], Settings::default());
    assert_eq!(set.refused(), &[]);
    set.dated(dates)
}

/// Comparison of a flow with the policies, by each of the three methods.
fn agreement(set: PolicySet, flow: &Flow) -> Agreement {
    let learned = Learned::default();
    let judge = Judge::new(Arc::new(set));
    let judgement = judge.explain_flow(flow, &learned).unwrap();
    assert_eq!(judgement.later.is_some(), judgement.agreement == Agreement::Later);
    let summary = judge.judge_flow(flow, &learned).unwrap();
    let settings = judge.set().settings().clone();
    let prepared = Prepared::of(std::slice::from_ref(flow), &learned, &settings);
    assert_eq!(prepared.judge(&judge), [Ok(summary)]);
    assert_eq!(summary.agreement, judgement.agreement);
    summary.agreement
}

#[test]
fn a_flow_is_not_judged_by_what_came_after_it() {
    use Agreement::{Agrees, Differs, Later};
    let front = || pod("pets", "app=front");
    let other = || pod("pets", "app=other");
    let ingress = |seconds| refused(other(), front(), TrafficDirection::Ingress, seconds);
    let check = |metadata: &str, dates: &Dates, flow: &Flow, expect: Agreement| {
        assert_eq!(agreement(set(metadata, dates), flow), expect, "{metadata} {dates:?}");
    };
    let (none, file) = (Dates::default(), Dates { texts: vec![Some(at(180))], set: None });
    check("", &none, &ingress(0), Differs);
    check("", &file, &ingress(0), Later);
    check("", &file, &ingress(180), Differs);
    check("", &file, &Flow { time: None, ..ingress(0) }, Differs);
    let accepted = with_event(ingress(0), MessageType::PolicyVerdict, FlowVerdict::Forwarded);
    check("", &file, &accepted, Later);
    check("", &none, &accepted, Agrees);
    // This direction has no policy: the change cannot be the reason.
    let egress = refused(front(), other(), TrafficDirection::Egress, 0);
    check("", &file, &egress, Differs);
    let elsewhere = refused(other(), other(), TrafficDirection::Ingress, 0);
    check("", &file, &elsewhere, Differs);
    // A policy with this subject may have been deleted, but a flow that agrees needs none.
    let gone = Dates { texts: Vec::new(), set: Some(at(180)) };
    check("", &gone, &egress, Later);
    check("", &gone, &accepted, Agrees);
    // The object's own dates take precedence over the file's.
    let exported = "managedFields:\n  - {manager: k, time: 'TIME', fieldsV1: {'f:spec': {}}}";
    check(&exported.replace("TIME", "2026-11-30T13:59:59Z"), &file, &ingress(0), Differs);
    check(&exported.replace("TIME", "2026-11-30T15:00:01+01:00"), &none, &ingress(0), Later);
    let status = "managedFields:\n  - {manager: c, time: '2026-11-30T15:00:00Z', fieldsV1: {'f:status': {}}}";
    check(status, &none, &ingress(0), Differs);
    check("creationTimestamp: '2026-11-30T14:00:01Z'", &none, &ingress(0), Later);
    let created = "creationTimestamp: '2026-11-30T13:00:00Z'\n  generation: 1";
    check(created, &file, &ingress(0), Differs);
    // Changed since its creation, at a time that the object does not have.
    check(&created.replace(": 1", ": 4"), &file, &ingress(0), Later);
    check("creationTimestamp: null", &file, &ingress(0), Later);
}

/// `generation` counts changes of a group's addresses, not of its labels.
#[test]
fn labels_of_groups_have_a_time_of_their_own() {
    use Agreement::{Differs, Later};
    const CREATED: &str = "creationTimestamp: '2026-11-30T13:00:00Z', generation: 1";
    let check = |rule: &str, more: &str, file: Option<UnixTime>, expect: (Agreement, bool)| {
        let text = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: front, namespace: pets, {CREATED}}}\nspec:\n  endpointSelector: {{matchLabels: {{app: front}}}}\n  egress:\n  - toCIDRSet: [{{{rule}}}]\n---\napiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {{name: g, labels: {{team: a}}, {CREATED}{more}}}\nspec: {{externalCIDRs: [20.1.1.0/24]}}\n"
        );
        let set = PolicySet::read(&[SourceText { index: 0, text: &text }], Settings::default());
        let set = set.dated(&Dates { texts: vec![file], set: None });
        let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
        let flow = Flow {
            ip: Some(flow::Ip { destination: "20.1.1.1".to_owned(), ..flow::Ip::default() }),
            ..refused(pod("pets", "app=front"), world, TrafficDirection::Egress, 0)
        };
        let judgement = Judge::new(Arc::new(set)).explain_flow(&flow, &Learned::default()).unwrap();
        let is_noted = judgement.comparison().contains("its CIDR groups' labels");
        assert_eq!((judgement.agreement, is_noted), expect, "{text}");
    };
    let (name, labels) = ("cidrGroupRef: g", "cidrGroupSelector: {matchLabels: {team: a}}");
    check(name, "", None, (Differs, false));
    check(name, "", Some(at(180)), (Differs, false));
    check(labels, "", None, (Differs, true));
    check(labels, "", Some(at(180)), (Later, false));
    let managed = |time: &str| {
        format!(
            ", managedFields: [{{manager: k, time: '{time}', fieldsV1: {{'f:metadata': {{'f:labels': {{}}}}}}}}]"
        )
    };
    check(labels, &managed("2026-11-30T14:03:00Z"), None, (Later, false));
    check(name, &managed("2026-11-30T14:03:00Z"), None, (Differs, false));
    check(labels, &managed("2026-11-30T13:30:00Z"), Some(at(180)), (Differs, false));
}

#[test]
fn what_proves_nothing_stays_so() {
    let front = pod("pets", "app=front");
    let mut flow = refused(pod("pets", "app=other"), front, TrafficDirection::Ingress, 0);
    flow.drop_reason_desc = DropReason::CT_MAP_INSERTION_FAILED;
    let dates = Dates { texts: vec![Some(at(180))], set: Some(at(180)) };
    assert_eq!(agreement(set("", &dates), &flow), Agreement::CannotTell);
}

#[test]
fn the_sentence_names_the_change() {
    let front = pod("pets", "app=front");
    let flow = refused(pod("pets", "app=other"), front, TrafficDirection::Ingress, 0);
    let dates = Dates { texts: vec![Some(at(180))], set: None };
    let judge = Judge::new(Arc::new(set("", &dates)));
    assert_eq!(
        judge.explain_flow(&flow, &Learned::default()).unwrap().comparison(),
        "judged by later policies (changed 2026-11-30 14:03:00 UTC): dropped: no rule allowed it; \
         what the policies said then is not known"
    );
}

#[test]
fn a_flow_is_not_judged_by_groups_and_services_that_came_after_it() {
    use Agreement::{Differs, Later};
    const OLD: &str = "creationTimestamp: '2026-11-30T13:00:00Z', generation: 1";
    // Three minutes after the flow.
    const NEW: &str = "creationTimestamp: '2026-11-30T14:03:00Z', generation: 1";
    let policy = |rules: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: front, namespace: pets, {OLD}}}\nspec:\n  endpointSelector: {{matchLabels: {{app: front}}}}\n  egress:\n  - {rules}\n---\n"
        )
    };
    let group = |name: &str, times: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {{name: {name}, labels: {{team: a}}, {times}}}\nspec: {{externalCIDRs: [20.1.1.0/24]}}\n---\n"
        )
    };
    let bank = |times: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: bank, namespace: pets, {times}}}\nspec: {{ports: [{{port: 80}}]}}\n---\n"
        )
    };
    let slice = |times: &str| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: bank-1, namespace: pets, labels: {{kubernetes.io/service-name: bank}}, {times}}}\nports: [{{port: 80}}]\nendpoints: [{{addresses: [20.1.1.1]}}]\n---\n"
        )
    };
    let to = |labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let world = Endpoint { labels, ..Endpoint::default() };
        let flow = refused(pod("pets", "app=front"), world, TrafficDirection::Egress, 0);
        let address = flow::Ip { destination: "20.1.1.1".to_owned(), ..flow::Ip::default() };
        Flow { ip: Some(address), ..flow }
    };
    let check = |text: &str, flow: &Flow, expect: Agreement| {
        let texts = [SourceText { index: 0, text }];
        let set = PolicySet::read(&texts, Settings::default());
        assert!(set.refused().iter().all(|own| !own.refusal.class.is_error()));
        assert_eq!(agreement(set, flow), expect, "{text}");
    };
    let world = to(&["reserved:world"]);
    let by_name = policy("toCIDRSet: [{cidrGroupRef: g}]");
    check(&(by_name.clone() + &group("g", OLD)), &world, Differs);
    check(&(by_name.clone() + &group("g", NEW)), &world, Later);
    check(&(by_name.clone() + &group("g", OLD) + &group("other", NEW)), &world, Differs);
    // The record has the labels of its own time.
    let labelled = to(&["reserved:world", "cidrgroup:io.cilium.policy.cidrgroupname/g"]);
    check(&(by_name + &group("g", NEW)), &labelled, Differs);
    let by_label = policy("toCIDRSet: [{cidrGroupSelector: {matchLabels: {team: a}}}]");
    check(&(by_label.clone() + &group("g", OLD)), &world, Differs);
    check(&(by_label + &group("g", NEW)), &world, Later);
    // No rule refers to the group.
    let by_cidr = policy("toCIDR: [20.1.1.0/24]");
    check(&(by_cidr + &group("g", NEW) + &bank(NEW)), &world, Differs);
    let by_service = policy("toServices: [{k8sService: {serviceName: bank, namespace: pets}}]");
    check(&(by_service.clone() + &bank(OLD) + &slice(OLD)), &world, Differs);
    check(&(by_service.clone() + &bank(NEW) + &slice(OLD)), &world, Later);
    check(&(by_service.clone() + &bank(OLD) + &slice(NEW)), &world, Later);
    // The Service's selector decides about its pods, not its slices.
    let selecting =
        bank(OLD).replace("ports: [{port: 80}]", "selector: {app: bank}, ports: [{port: 80}]");
    let pods =
        refused(pod("pets", "app=front"), pod("pets", "app=bank"), TrafficDirection::Egress, 0);
    check(&(by_service + &selecting + &slice(NEW)), &pods, Differs);
}
