//! The world itself, and many of its addresses.

use super::*;

fn stranger(address: &str) -> Flow {
    let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
    Flow {
        ip: Some(Ip { source: address.to_owned(), ..Ip::default() }),
        ..tcp(world, pod("pets", "app=b"), 80, TrafficDirection::Ingress)
    }
}

#[test]
fn many_addresses_of_the_internet_are_let_in_as_the_world() {
    let check = |addresses: &[&str], is_world: bool| {
        let flows: Vec<Flow> = addresses.iter().map(|own| stranger(own)).collect();
        let wanted: Vec<usize> = (0..flows.len()).collect();
        let suggestion =
            suggested(&about_b("  ingress:\n  - fromEndpoints: []\n"), &flows, &wanted);
        assert_eq!((&suggestion.fixed, suggestion.unfixed.len()), (&wanted, 0), "{addresses:?}");
        let mut all = suggestion.yaml.clone();
        all.extend(suggestion.edits.iter().map(|edit| edit.inserted.as_str()));
        assert_eq!(all.contains("world"), is_world, "{all}");
        let singles = addresses.iter().filter(|own| all.contains(**own)).count();
        assert_eq!(singles, if is_world { 0 } else { addresses.len() }, "{all}");
        let everyone = "everyone from outside the cluster → pets/b 80/TCP: `fromEntities: [world]` allows all of them";
        assert_eq!(suggestion.also_allowed, if is_world { vec![everyone] } else { vec![] });
        let others = "other internet addresses stay as they are at pets/b 80/TCP; to allow all of them: `fromEntities: [world]`, in a NetworkPolicy `ipBlock: {cidr: \"0.0.0.0/0\"}`";
        assert_eq!(suggestion.still_denied, if is_world { vec![] } else { vec![others] });
    };
    check(&["20.1.1.1"], false);
    check(&["20.1.1.1", "20.1.1.2", "20.1.1.3"], false);
    check(&["20.1.1.1", "20.1.1.1", "20.1.1.2", "20.1.1.3"], false);
    check(&["20.1.1.1", "20.1.1.2", "20.1.1.3", "20.1.1.4"], true);
    check(&["20.1.1.1", "20.1.1.2", "20.1.1.3", "30.1.1.4", "30.1.1.5"], true);
}

/// The world would include the addresses that an `except` excludes.
#[test]
fn the_world_is_not_let_in_past_an_except() {
    let flows = ["20.1.1.1", "20.1.1.2", "20.1.1.3", "20.1.1.4", "30.0.0.1"].map(stranger);
    let text =
        about_b("  ingress:\n  - fromCIDRSet: [{cidr: 30.0.0.0/8, except: [30.0.0.0/24]}]\n");
    let suggestion = suggested(&text, &flows, &[0, 1, 2, 3, 4]);
    assert_eq!(suggestion.fixed, [0, 1, 2, 3], "{:?}", suggestion.unfixed);
    assert!(suggestion.edits.iter().all(|edit| !edit.inserted.contains("world")));
    assert!(matches!(suggestion.unfixed[0].reason, UnfixedReason::Except(_)));
}

#[test]
fn addresses_of_private_ranges_are_no_internet() {
    let flows = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4"].map(stranger);
    let text = about_b("  ingress:\n  - fromEndpoints: []\n");
    let suggestion = suggested(&text, &flows, &[0, 1, 2, 3]);
    assert_eq!(suggestion.fixed, [0, 1, 2, 3]);
    let mut all = suggestion.yaml;
    all.extend(suggestion.edits.iter().map(|edit| edit.inserted.as_str()));
    assert!(all.contains("10.9.0.4") && !all.contains("world"), "{all}");
    assert_eq!(suggestion.still_denied, [""; 0]);
}

#[test]
fn more_addresses_than_anybody_lists_are_not_listed() {
    let check = |count: u8, direction: TrafficDirection, says: &str| {
        let flows: Vec<Flow> = (0..count)
            .map(|own| {
                let address = format!("10.9.0.{own}");
                let world =
                    Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
                let ip = if direction == TrafficDirection::Ingress {
                    Ip { source: address, ..Ip::default() }
                } else {
                    Ip { destination: address, ..Ip::default() }
                };
                let own = pod("pets", "app=b");
                let (from, to) = match direction {
                    TrafficDirection::Ingress => (world, own),
                    _ => (own, world),
                };
                Flow { ip: Some(ip), ..tcp(from, to, 80, direction) }
            })
            .collect();
        let wanted: Vec<usize> = (0..flows.len()).collect();
        let text = about_b("  ingress:\n  - fromEndpoints: []\n  egress:\n  - toEndpoints: []\n");
        let suggestion = suggested(&text, &flows, &wanted);
        let unfixed: Vec<String> =
            suggestion.unfixed.iter().map(|own| own.reason.to_string()).collect();
        if says.is_empty() {
            assert_eq!((&suggestion.fixed, unfixed.len()), (&wanted, 0), "{count}");
        } else {
            assert_eq!(
                (suggestion.fixed.len(), unfixed),
                (0, vec![says.to_owned(); flows.len()]),
                "{count}"
            );
        }
    };
    check(100, TrafficDirection::Egress, "");
    check(
        101,
        TrafficDirection::Egress,
        "pets/b is denied 101 addresses outside the cluster 80/TCP, too many to list: `toFQDNs` allows names, `toEntities: [world]` all of them",
    );
    check(100, TrafficDirection::Ingress, "");
    check(
        101,
        TrafficDirection::Ingress,
        "101 private addresses are denied at pets/b 80/TCP, too many to list: `fromCIDR` allows their ranges",
    );
}

#[test]
fn new_policies_have_lists_that_the_server_takes() {
    let flows: Vec<Flow> = (1..=90)
        .map(|port| {
            tcp(pod("pets", "app=a"), pod("pets", "app=b"), port, TrafficDirection::Ingress)
        })
        .collect();
    let wanted: Vec<usize> = (0..flows.len()).collect();
    let suggestion = suggested(CLOSED, &flows, &wanted);
    assert_eq!((&suggestion.fixed, suggestion.unfixed.len()), (&wanted, 0));
    assert_eq!(suggestion.yaml.matches("- ports:").count(), 3, "{}", suggestion.yaml);
}

#[test]
fn lookups_beyond_the_limit_are_not_called_useless() {
    let flows = [
        query("api.github.com.pets.svc.cluster.local"),
        query("www.bing.com.pets.svc.cluster.local"),
    ];
    let settings = Settings::default();
    let learned = Learned::from_flows(&flows);
    let text = CLOSED;
    let set = PolicySet::read(&[SourceText { index: 0, text }], settings);
    let lists = SearchLists::of(flows.iter(), &set);
    let beyond = |limit: usize| {
        let lookups = Lookups::of(&flows, &[0, 1], &learned, (&set, &lists), limit);
        [0, 1].map(|flow| lookups.reason(flow) == UnfixedReason::TooManyLookups)
    };
    assert_eq!(beyond(0), [true, true]);
    assert_eq!(beyond(1), [false, true]);
    assert_eq!(beyond(100), [false, false]);
}
