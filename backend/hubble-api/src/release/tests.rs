use super::{Release, UnsupportedCondition, columns_since, mask_paths, supported_filters};
use crate::field_mask::FieldMask;
use crate::pb::flow::Flow;
use crate::projection::Decoder;
use flow::columns::{Column, ColumnSet, FlowColumns};
use flow::filter::{FilterSet, FlowFilter};
use prost::Message as _;

const fn release(minor: u32) -> Release {
    Release { major: 1, minor }
}

#[test]
fn versions_in_the_form_of_nodes() {
    let check = |version: &str, expected: Option<(u32, u32)>| {
        let read = Release::read(version).map(|release| (release.major, release.minor));
        assert_eq!(read, expected, "`{version}`");
    };
    check("cilium v1.18.2+g5bd307a8", Some((1, 18)));
    check("hubble-relay v1.9.12", Some((1, 9)));
    check("1.16.0", Some((1, 16)));
    check("v1.17", Some((1, 17)));
    check("cilium v1.17.4-250610", Some((1, 17)));
    check("cilium v1.18.0-rc.1", Some((1, 17)));
    check("cilium v1.21.0-dev+g4df675e3", Some((1, 20)));
    check("cilium v1.16.0-pre.3", Some((1, 15)));
    for none in ["", "cilium", "cilium unknown", "v.1", "1", "one.two", "cilium v1.x"] {
        check(none, None);
    }
}

#[test]
fn unsupported_conditions_are_not_requested() {
    let field = |field: &'static str, minor| UnsupportedCondition { field, since: release(minor) };
    let check = |filter: FlowFilter, minor: u32, unknown: &[UnsupportedCondition]| {
        let set = FilterSet { allow: vec![filter.clone()], deny: vec![filter.clone()] };
        let known = supported_filters(&set, release(minor));
        assert_eq!(known.unknown, unknown, "{filter:?} in 1.{minor}");
        // A `deny` filter is sent completely or not at all.
        let deny = if unknown.is_empty() { vec![filter] } else { Vec::new() };
        assert_eq!(known.filters.deny, deny);
        known.filters.allow[0].clone()
    };
    let text = |text: &str| vec![text.to_owned()];
    let old = FlowFilter { source_ip: text("10.0.0.1"), ..FlowFilter::default() };
    assert_eq!(check(old.clone(), 10, &[]), old);
    let mixed = FlowFilter { encrypted: vec![true], ..old.clone() };
    assert_eq!(check(mixed.clone(), 18, &[field("encrypted", 19)]), old);
    assert_eq!(check(mixed.clone(), 19, &[]), mixed);
    let protocols = |names: &[&str]| FlowFilter {
        protocol: names.iter().map(|name| (*name).to_owned()).collect(),
        ..FlowFilter::default()
    };
    check(protocols(&["tcp", "dns"]), 13, &[]);
    let asked = check(protocols(&["tcp", "IGMP"]), 18, &[field("protocol", 19)]);
    assert_eq!(asked, FlowFilter::default(), "half of the alternatives would match too little");
    let pods = |pod: &str| FlowFilter { source_pod: text(pod), ..FlowFilter::default() };
    check(pods("pets/store"), 14, &[]);
    check(pods("/store"), 14, &[field("source_pod", 15)]);
    check(pods("/store"), 15, &[]);
    let two = FlowFilter {
        node_labels: text("a=b"),
        drop_reason_desc: vec![flow::DropReason::from_number(133)],
        ..FlowFilter::default()
    };
    check(two.clone(), 15, &[field("drop_reason_desc", 16), field("node_labels", 16)]);
    check(two, 16, &[]);
    let cluster = FlowFilter { destination_cluster_name: text("c"), ..FlowFilter::default() };
    check(cluster, 16, &[field("destination_cluster_name", 17)]);
}

#[test]
fn a_mask_contains_the_source_fields_of_its_columns() {
    let check = |columns: &[Column], minor: u32, expected: &[&str]| {
        assert_eq!(mask_paths(ColumnSet::of(columns), release(minor)), expected, "1.{minor}");
    };
    check(&[Column::Verdict], 13, &[]);
    check(&[Column::Verdict], 14, &["node_name", "time", "verdict"]);
    check(
        &[Column::SourcePort, Column::TcpFlags, Column::SourcePod, Column::EgressDeniedBy],
        15,
        &["l4", "node_name", "source.pod_name", "time"],
    );
    check(&[Column::EgressDeniedBy], 16, &["egress_denied_by", "node_name", "time"]);
    assert_eq!(mask_paths(ColumnSet::ALL, release(20)), [""; 0]);
    let newer = columns_since(ColumnSet::ALL, release(17));
    let names: Vec<&str> = newer.iter().map(|(column, _)| column.name()).collect();
    assert_eq!(
        names,
        [
            "aggregate_ingress_flow_count",
            "aggregate_egress_flow_count",
            "aggregate_unknown_direction_flow_count",
            "policy_log"
        ]
    );
}

/// A path that Hubble does not know makes a node refuse the whole request.
#[test]
fn columns_are_read_from_fields_that_exist() {
    for column in Column::ALL {
        let sources: Vec<String> = column.sources().iter().map(ToString::to_string).collect();
        assert!(!sources.is_empty(), "{}", column.name());
        assert!(FieldMask::new(&sources).is_ok(), "{}: {sources:?}", column.name());
    }
}

/// Each column alone has the same content for flows reduced to its paths as for whole flows.
#[test]
fn a_column_needs_only_its_paths() {
    use proptest::strategy::{Strategy as _, ValueTree as _};

    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..64 {
        let whole = crate::arbitrary::flow().new_tree(&mut runner).unwrap().current();
        let whole = Flow::from(whole);
        for column in Column::ALL {
            let columns = ColumnSet::of(&[*column]);
            let mask = mask_paths(columns, release(20));
            let read = |flow: Flow| {
                let message = crate::pb::observer::GetFlowsResponse {
                    node_name: flow.node_name.clone(),
                    time: flow.time,
                    response_types: Some(
                        crate::pb::observer::get_flows_response::ResponseTypes::Flow(flow),
                    ),
                };
                let mut table = FlowColumns::default();
                let decoded = Decoder::new(columns).decode(&message.encode_to_vec(), &mut table);
                decoded.map(|_| format!("{table:?}"))
            };
            assert_eq!(
                read(FieldMask::new(&mask).unwrap().apply(&whole)),
                read(whole.clone()),
                "{}",
                column.name()
            );
        }
    }
}
