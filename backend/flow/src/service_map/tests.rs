use super::*;
use crate::columns::RowLists;
use crate::{
    Aggregate, Dns, Endpoint, Flow, Http, Ip, L7FlowType, L7Record, Layer4, Layer7, Service, Tcp,
    TcpFlags, Workload,
};

fn map(flows: impl IntoIterator<Item = (String, String, bool)>) -> ServiceMap {
    let pod = |name: String| {
        let (namespace, pod) = name.split_once('/').unwrap();
        Some(Endpoint {
            namespace: namespace.to_owned(),
            pod_name: pod.to_owned(),
            ..Endpoint::default()
        })
    };
    let mut map = ServiceMap::new(MapBy::Workload);
    for (source, destination, is_reply) in flows {
        let flow = Flow {
            source: pod(source),
            destination: pod(destination),
            is_reply: Some(is_reply),
            verdict: if is_reply { Verdict::Forwarded } else { Verdict::Dropped },
            l4: Some(Layer4::Tcp(Tcp { source_port: 80, destination_port: 80, flags: None })),
            ..Flow::default()
        };
        let mut columns = FlowColumns::default();
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
        map.add(&columns, 0);
    }
    map
}

#[test]
fn replies_belong_to_their_connection() {
    let pair = |is_reply| {
        let (a, b) = ("pets/a".to_owned(), "shop/b".to_owned());
        if is_reply { (b, a, true) } else { (a, b, false) }
    };
    let map = map([pair(false), pair(true), pair(false)]);
    assert_eq!((map.nodes.len(), map.edges.len()), (2, 1));
    assert_eq!(map.edges[0].counts, MapCounts { forwarded: 1, dropped: 2, ..MapCounts::default() });
    assert_eq!(map.edges[0].drop_reasons, BTreeMap::from([("unknown reason".to_owned(), 2)]));
    assert_eq!(map.edges[0].ports, BTreeMap::from([("80/TCP".to_owned(), 3)]));
}

#[test]
fn a_record_counts_as_many_flows_as_it_stands_for() {
    let pod = |name: &str| Endpoint {
        namespace: "pets".to_owned(),
        pod_name: name.to_owned(),
        ..Endpoint::default()
    };
    let mut map = ServiceMap::new(MapBy::Workload);
    let mut columns = FlowColumns::default();
    let records = [(Some(false), Some([0, 7, 0])), (Some(false), None), (None, Some([2, 3, 1]))];
    for (row, (is_reply, counts)) in records.into_iter().enumerate() {
        let flow = Flow {
            source: Some(pod("a")),
            destination: Some(pod("b")),
            is_reply,
            verdict: Verdict::Dropped,
            l4: Some(Layer4::Tcp(Tcp { source_port: 9, destination_port: 80, flags: None })),
            aggregate: counts.map(|[ingress, egress, unknown]| Aggregate {
                ingress_flow_count: ingress,
                egress_flow_count: egress,
                unknown_direction_flow_count: unknown,
            }),
            ..Flow::default()
        };
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
        map.add(&columns, row);
    }
    let (map, _) = map.grouped(10);
    let fourteen = MapCounts { dropped: 14, ..MapCounts::default() };
    assert_eq!(map.nodes.iter().map(|node| node.counts).collect::<Vec<_>>(), [fourteen; 2]);
    assert_eq!(map.edges[0].counts, fourteen);
    assert_eq!(map.edges[0].drop_reasons, BTreeMap::from([("unknown reason".to_owned(), 14)]));
    assert_eq!(map.edges[0].ports, BTreeMap::from([("80/TCP".to_owned(), 14)]));
}

#[test]
fn many_nodes_are_grouped_and_no_flow_is_lost() {
    // Namespaces of 42 and 43 pods, and one of a single pod.
    let flows =
        || (0..300).map(|index| (format!("n{}/a{index}", index % 7), "x/y".to_owned(), false));
    for (max_nodes, expected) in [
        (301, (301, false)),
        (300, (259, true)),
        (200, (175, true)),
        (50, (49, true)),
        (8, (8, true)),
        (4, (4, true)),
    ] {
        let (map, grouped) = map(flows()).grouped(max_nodes);
        assert_eq!((map.nodes.len(), grouped), expected, "{max_nodes}");
        let sum: u64 = map.edges.iter().map(|edge| edge.counts.total()).sum();
        assert_eq!(sum, 300);
        assert!(map.nodes.iter().any(|node| node.title == "y") || max_nodes < 8);
    }
}

#[test]
fn a_pod_appears_as_its_workload_on_every_node() {
    let pod = |name: &str, workload: &str| {
        let workload = Workload { name: workload.to_owned(), ..Workload::default() };
        Some(Endpoint {
            namespace: "pets".to_owned(),
            pod_name: name.to_owned(),
            workloads: [workload].into_iter().filter(|own| !own.name.is_empty()).collect(),
            ..Endpoint::default()
        })
    };
    let mut map = ServiceMap::new(MapBy::Workload);
    // Each node knows only the workload of its own pod.
    for (a, b) in [("a", ""), ("", "b"), ("", "")] {
        let flow = Flow { source: pod("a-0", a), destination: pod("b-0", b), ..Flow::default() };
        let mut columns = FlowColumns::default();
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
        map.add(&columns, 0);
    }
    let (map, is_grouped) = map.grouped(10);
    assert!(!is_grouped);
    let titles: Vec<&str> = map.nodes.iter().map(|node| node.title.as_str()).collect();
    assert_eq!((titles, map.edges.len()), (vec!["a", "b"], 1));
    assert_eq!(map.edges[0].counts.total(), 3);
}

#[test]
fn the_world_is_one_node_and_each_name_another() {
    let world = |ip: &str, names: &[&str]| Flow {
        ip: Some(Ip { source: "10.0.0.1".to_owned(), destination: ip.to_owned(), ..Ip::default() }),
        destination: Some(Endpoint {
            identity: 2,
            labels: vec!["reserved:world".to_owned()],
            ..Endpoint::default()
        }),
        destination_names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Flow::default()
    };
    let mut service = world("10.0.96.9", &[]);
    service.destination = None;
    service.destination_service =
        Some(Service { name: "rabbitmq".to_owned(), namespace: "pets".to_owned() });
    let titles = |by: MapBy| {
        let mut map = ServiceMap::new(by);
        for flow in [
            world("1.1.1.1", &[]),
            world("1.0.0.1", &[]),
            world("20.0.0.1", &["api.github.com"]),
            world("20.0.0.2", &["api.github.com"]),
            service.clone(),
        ] {
            let mut columns = FlowColumns::default();
            columns.append_flow(&flow, &mut RowLists::default()).unwrap();
            map.add(&columns, 0);
        }
        let nodes = map.nodes.iter().map(|node| format!("{}|{}", node.title, node.subtitle));
        nodes.collect::<Vec<_>>()
    };
    let named = ["unknown|", "world|", "api.github.com|world", "pets/rabbitmq|service"];
    assert_eq!(titles(MapBy::Workload), named);
    assert_eq!(titles(MapBy::Pod), named);
    assert_eq!(titles(MapBy::Namespace), ["unknown|", "world|"]);
    assert_eq!(titles(MapBy::Identity), ["0|unknown", "2|world"]);
}

fn pod(name: &str) -> Endpoint {
    Endpoint { namespace: "pets".to_owned(), pod_name: name.to_owned(), ..Endpoint::default() }
}

#[test]
fn a_flow_of_unknown_direction_follows_its_connection() {
    #[track_caller]
    fn check(flows: &[(&str, u16, &str, u16, Option<bool>)], expected: &[(&str, &str, &str, u64)]) {
        // In both orders: direction may become known last.
        for turned in [false, true] {
            let mut map = ServiceMap::new(MapBy::Pod);
            let mut order: Vec<_> = flows.iter().collect();
            if turned {
                order.reverse();
            }
            for &&(source, source_port, destination, destination_port, is_reply) in &order {
                let flow = Flow {
                    ip: Some(Ip {
                        source: format!("ip of {source}"),
                        destination: format!("ip of {destination}"),
                        ..Ip::default()
                    }),
                    source: Some(pod(source)),
                    destination: Some(pod(destination)),
                    l4: Some(Layer4::Tcp(Tcp { source_port, destination_port, flags: None })),
                    is_reply,
                    verdict: Verdict::Forwarded,
                    ..Flow::default()
                };
                let mut columns = FlowColumns::default();
                columns.append_flow(&flow, &mut RowLists::default()).unwrap();
                map.add(&columns, 0);
            }
            let (map, _) = map.grouped(100);
            let title = |index: usize| map.nodes[index].title.as_str();
            let mut edges: Vec<_> = map
                .edges
                .iter()
                .map(|edge| {
                    let ports: Vec<_> = edge.ports.keys().map(String::as_str).collect();
                    let (source, destination) = (title(edge.source), title(edge.destination));
                    (source, destination, ports.join(" "), edge.counts.total())
                })
                .collect();
            edges.sort();
            let expected: Vec<_> =
                expected.iter().map(|&(a, b, ports, n)| (a, b, ports.to_owned(), n)).collect();
            assert_eq!(edges, expected, "turned: {turned}");
        }
    }

    let request = ("shop", 40_000, "dns", 53, Some(false));
    let silent = ("dns", 53, "shop", 40_000, None);
    check(&[request, silent], &[("shop", "dns", "53/TCP", 2)]);
    check(&[("dns", 53, "shop", 40_000, Some(true)), silent], &[("shop", "dns", "53/TCP", 2)]);
    // A denied request keeps its direction: no question is known that it could answer.
    check(&[("shop", 40_000, "dns", 53, None)], &[("shop", "dns", "53/TCP", 1)]);
    // Connections do not go to a client's port.
    check(&[silent], &[]);
    check(&[("dns", 53, "shop", 5353, None)], &[("dns", "shop", "5353/TCP", 1)]);
    // A server that is also the client of another one, from its server port.
    let upstream = ("dns", 53, "upstream", 53, Some(false));
    check(
        &[request, upstream, ("dns", 53, "upstream", 53, None)],
        &[("dns", "upstream", "53/TCP", 2), ("shop", "dns", "53/TCP", 1)],
    );
}

#[test]
fn messages_are_counted_by_their_answers() {
    let http = |method: &str, code, is_response: bool, verdict| {
        let record = Http { method: method.to_owned(), code, ..Http::default() };
        (Some(L7Record::Http(record)), is_response, verdict)
    };
    let dns = |query: &str, rcode, is_response: bool, verdict| {
        let record = Dns { query: query.to_owned(), rcode, ..Dns::default() };
        (Some(L7Record::Dns(record)), is_response, verdict)
    };
    let long = "x".repeat(300);
    let mut map = ServiceMap::new(MapBy::Pod);
    for (record, is_response, verdict) in [
        http("GET", 0, false, Verdict::Forwarded),
        http("GET", 200, true, Verdict::Forwarded),
        http("GET", 200, true, Verdict::Forwarded),
        http("PUT", 0, false, Verdict::Dropped),
        http(&long, 503, true, Verdict::Forwarded),
        dns("api.example.", 0, false, Verdict::Forwarded),
        dns("api.example.", 0, true, Verdict::Forwarded),
        dns("typo.example.", 3, true, Verdict::Forwarded),
        dns("evil.example.", 0, false, Verdict::Dropped),
        dns("odd.example.", 99, true, Verdict::Forwarded),
    ] {
        let (a, b) = (Some(pod("a")), Some(pod("b")));
        let (source, destination) = if is_response { (b, a) } else { (a, b) };
        let l7_type = if is_response { L7FlowType::Response } else { L7FlowType::Request };
        let flow = Flow {
            source,
            destination,
            is_reply: Some(is_response),
            verdict,
            l7: Some(Layer7 { l7_type, record, ..Layer7::default() }),
            ..Flow::default()
        };
        let mut columns = FlowColumns::default();
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
        map.add(&columns, 0);
    }
    let [edge] = map.edges.as_slice() else { panic!("{:?}", map.edges) };
    let texts = |counts: &BTreeMap<String, u64>| -> Vec<String> {
        counts.iter().map(|(name, flows)| format!("{name} {flows}")).collect()
    };
    let shortened = format!("{} 503 1", "x".repeat(16));
    assert_eq!(texts(&edge.http), ["GET 200 2", "PUT refused 1", &shortened]);
    assert_eq!(
        texts(&edge.dns),
        [
            "api.example: No Error 1",
            "evil.example: refused 1",
            "odd.example: RCode 99 1",
            "typo.example: Non-Existent Domain 1",
        ]
    );
}

#[test]
fn only_connections_have_edges() {
    let titles = |flows: &[Flow]| {
        let mut map = ServiceMap::new(MapBy::Pod);
        for flow in flows {
            let mut columns = FlowColumns::default();
            columns.append_flow(flow, &mut RowLists::default()).unwrap();
            map.add(&columns, 0);
        }
        let (map, _) = map.grouped(100);
        let title = |index: usize| map.nodes[index].title.as_str();
        let edges = map.edges.iter().map(|edge| {
            format!("{} -> {} {}", title(edge.source), title(edge.destination), edge.counts.total())
        });
        (edges.collect::<Vec<_>>(), map.nodes.len(), map.without_connection)
    };
    let flow = |source: &str, destination: &str, l4| Flow {
        ip: Some(Ip {
            source: source.to_owned(),
            destination: destination.to_owned(),
            ..Ip::default()
        }),
        source: Some(pod(source)),
        destination: Some(pod(destination)),
        l4: Some(l4),
        verdict: Verdict::Dropped,
        drop_reason_desc: DropReason::POLICY_DENIED,
        ..Flow::default()
    };
    let tcp = |source_port, destination_port, flags| {
        Layer4::Tcp(Tcp { source_port, destination_port, flags: Some(flags) })
    };
    let icmp = |icmp_type| Layer4::Icmpv6(crate::Icmp { icmp_type, code: 0 });
    let answer = flow("till", "oven", tcp(4317, 51_622, TcpFlags::SYN | TcpFlags::ACK));
    assert_eq!(titles(std::slice::from_ref(&answer)), (vec![], 2, 1));
    // If the connection was seen, its answer belongs to it.
    let mut question = flow("oven", "till", tcp(51_622, 4317, TcpFlags::SYN));
    question.is_reply = Some(false);
    for flows in [[answer.clone(), question.clone()], [question, answer]] {
        assert_eq!(titles(&flows), (vec!["oven -> till 2".to_owned()], 2, 0));
    }
    assert_eq!(titles(&[flow("a", "b", icmp(135)), flow("a", "a", icmp(128))]), (vec![], 0, 2));
    assert_eq!(titles(&[flow("a", "b", icmp(129))]), (vec![], 2, 1));
    assert_eq!(titles(&[flow("a", "b", icmp(128))]), (vec!["a -> b 1".to_owned()], 2, 0));
}
