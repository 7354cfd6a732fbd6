//! Slices against the whole answer.

use std::collections::BTreeSet;
use std::time::Duration;

use budget::{Caller, Gate, GateLimits, Memory};
use flow::columns::ColumnSet;
use flow::filter::PreparedFilters;
use hubble_api::pb::observer::GetFlowsResponse;
use proptest::prelude::*;
use test_kit::relay::{self as kit, Rings, Script};

use super::*;
use crate::RelaySettings;
use crate::clock::time_nanos;

/// Small slices, so that few flows make several.
const SMALL: Sizes = Sizes { whole: 5, first: 6, large: 40, share: 2 };
const NOW_MS: i64 = 1_700_000_000_000;
/// Longest time by which a flow of an agent's proxy arrives late.
const LATE_MS: i64 = 200;

/// A flow in a ring: node, age, and how late it arrived.
type Recorded = (u8, i64, i64);

/// The rings' content, and the same flows by time. Each has a uuid of its own.
fn rings(recorded: &[Recorded]) -> Vec<GetFlowsResponse> {
    let mut arrived: Vec<(i64, usize)> = recorded
        .iter()
        .enumerate()
        .map(|(at, (_, age_ms, late_ms))| (NOW_MS - age_ms + late_ms, at))
        .collect();
    arrived.sort_unstable();
    let flow = |at: usize| {
        let (node, age_ms, _) = recorded[at];
        kit::flow(&format!("aks-{node}"), NOW_MS - age_ms, |flow| flow.uuid = at.to_string())
    };
    arrived.into_iter().map(|(_, at)| flow(at)).collect()
}

struct Asked {
    relay: Arc<Relay>,
    gate: Gate,
    memory: Memory,
    kit: kit::Relay,
}

impl Asked {
    async fn of(script: Script) -> Self {
        let kit = kit::Relay::start(script).await;
        let gate = Gate::new("the relay", GateLimits { permits: 1, ..GateLimits::default() });
        let settings = RelaySettings {
            address: kit.address.to_string(),
            tls: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_mins(1),
        };
        let relay = Arc::new(Relay::new(&settings, gate.clone()).unwrap());
        Self { relay, gate, memory: Memory::new(1 << 30), kit }
    }

    /// Nothing is held any more.
    fn is_idle(&self) -> bool {
        (self.gate.load().running, self.memory.load().held_bytes) == (0, 0)
    }
}

const CALLER: Caller = Caller { org_id: 1, purpose: budget::Purpose::Person };

fn request(from_ms: i64, to_ms: i64, limit: usize) -> NewestRequest {
    NewestRequest {
        filters: Arc::new(PreparedFilters::of_all_flows()),
        columns: ColumnSet::ALL,
        range: TimeRange::of_ms(from_ms, to_ms),
        limit,
        oldest: false,
        now_ms: NOW_MS,
        caller: CALLER,
    }
}

fn read(flow: &WireFlow) -> (i64, String) {
    (time_nanos(flow).unwrap(), flow.flow().unwrap().uuid)
}

/// Checks that slices hold the newest flows of the range, each once.
async fn check(recorded: &[Recorded], from_ms: i64, to_ms: i64, limit: usize) {
    let script = Script { flows: rings(recorded), rings: Rings::Read, ..Script::default() };
    let asked = Asked::of(script).await;
    let request = request(from_ms, to_ms, limit);
    let whole = asked.relay.newest(&request, &mut asked.memory.hold(CALLER)).await.unwrap();
    let mut slices = asked.relay.slices_of(request.clone(), SMALL);
    let mut flows: Vec<(i64, String)> = Vec::new();
    while let Some(slice) = slices.next(&mut asked.memory.hold(CALLER)).await.unwrap() {
        assert!(!slice.is_empty());
        flows.extend(slice.iter().map(read));
    }
    let facts = slices.into_facts();
    let uuids: BTreeSet<&String> = flows.iter().map(|(_, uuid)| uuid).collect();
    assert_eq!(uuids.len(), flows.len(), "no flow comes twice");
    let mut times: Vec<i64> = flows.iter().map(|(time, _)| *time).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let mut expected: Vec<i64> = recorded
        .iter()
        .map(|(_, age_ms, _)| (NOW_MS - age_ms) * 1_000_000)
        .filter(|time| (request.range.from_nanos..=request.range.to_nanos).contains(time))
        .collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let all = expected.len();
    expected.truncate(limit);
    assert_eq!(times, expected);
    // Flows that arrived late may be missing in the whole answer, at its ends.
    assert!(whole.flows.len() <= flows.len());
    assert!(!facts.matched_is_all || facts.matched == all, "{} of {all}", facts.matched);
    assert!(facts.matched_is_all || flows.len() == limit);
    assert!(facts.broken.is_none());
    assert!(asked.is_idle());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn slices_join_without_gap_or_duplicate(
        // Few distinct times, so that many are equal.
        recorded in prop::collection::vec((0_u8..4, (0_i64..400).prop_map(|n| n * 10), 0..=LATE_MS), 0..300),
        (from, length) in (0_i64..4_000, 1_i64..6_000),
        is_open in any::<bool>(),
        limit in 6_usize..400,
    ) {
        let to_ms = if is_open { NOW_MS + 1 } else { NOW_MS - 60_000 - from };
        // A range that ended has its flows a minute ago.
        let shift = if is_open { 0 } else { 60_000 };
        let recorded: Vec<Recorded> =
            recorded.into_iter().map(|(node, age, late)| (node, age + shift, late)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&recorded, to_ms - length, to_ms, limit));
    }
}

#[tokio::test]
async fn bursts_and_gaps_are_read_in_few_requests() {
    // A burst now, another an hour ago, nothing between.
    let mut recorded: Vec<Recorded> = (0..200).map(|n| (0, n, 0)).collect();
    recorded.extend((0..200).map(|n| (1, 3_600_000 + n, 0)));
    check(&recorded, NOW_MS - 86_400_000, NOW_MS + 1, 1_000).await;
    let script = Script { flows: rings(&recorded), rings: Rings::Read, ..Script::default() };
    let asked = Asked::of(script).await;
    let mut slices = asked.relay.slices_of(request(NOW_MS - 86_400_000, NOW_MS + 1, 1_000), SMALL);
    while slices.next(&mut asked.memory.hold(CALLER)).await.unwrap().is_some() {}
    assert!(asked.kit.asked().len() <= MAX_SLICES, "{}", asked.kit.asked().len());
}

#[tokio::test]
async fn a_slice_is_final_while_the_next_is_read() {
    let recorded: Vec<Recorded> = (0..200).map(|n| (0, n * 10, 0)).collect();
    let script =
        Script { flows: rings(&recorded), rings: Rings::Read, ends: Some(1), ..Script::default() };
    let asked = Asked::of(script).await;
    let mut slices = asked.relay.slices_of(request(NOW_MS - 60_000, NOW_MS + 1, 100), SMALL);
    let mut held = asked.memory.hold(CALLER);
    let first = slices.next(&mut held).await.unwrap().unwrap();
    assert!(!first.is_empty() && first.len() < 20, "{}", first.len());
    assert_eq!(asked.gate.load().running, 1, "one permit for the whole answer");
    {
        // The relay keeps the second stream open.
        let next = slices.next(&mut held);
        tokio::pin!(next);
        tokio::select! {
            _ = &mut next => panic!("the second slice is complete"),
            () = asked.kit.asked_times(2) => {}
        }
        assert_eq!(asked.gate.load().running, 1);
    }
    drop((slices, held, first));
    assert!(asked.is_idle());
    asked.kit.has_open(0).await;
}

#[tokio::test]
async fn a_break_keeps_the_slices_before_it() {
    let recorded: Vec<Recorded> = (0..200).map(|n| (0, n * 10, 0)).collect();
    let error = Some(tonic::Status::internal("the relay restarts"));
    let script = Script { flows: rings(&recorded), rings: Rings::Read, error, ..Script::default() };
    let asked = Asked::of(script).await;
    let mut slices = asked.relay.slices_of(request(NOW_MS - 60_000, NOW_MS + 1, 100), SMALL);
    let mut flows = 0;
    while let Some(slice) = slices.next(&mut asked.memory.hold(CALLER)).await.unwrap() {
        flows += slice.len();
    }
    let facts = slices.into_facts();
    assert!(flows > 0 && facts.broken.is_some() && !facts.matched_is_all);
    assert!(asked.is_idle());
    let none = Script { error: Some(tonic::Status::internal("no")), ..Script::default() };
    let asked = Asked::of(none).await;
    let mut slices = asked.relay.slices_of(request(NOW_MS - 60_000, NOW_MS + 1, 100), SMALL);
    slices.next(&mut asked.memory.hold(CALLER)).await.unwrap_err();
}
