//! The newest flows of a channel, for viewers who come while it runs.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hubble_api::client::WireFlow;

use super::batch::MAX_FLOWS;

/// Maximum size of the flows, in bytes. A message, which is JSON, holds fewer.
const MAX_BYTES: usize = 256 << 10;

/// The newest flows that a channel has sent, as many as one message holds.
#[derive(Debug, Default)]
pub(super) struct RecentFlows(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    flows: VecDeque<WireFlow>,
    bytes: usize,
}

impl RecentFlows {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds flows that are sent, and drops the oldest ones where the room is full.
    pub(super) fn add<'a>(&self, flows: impl Iterator<Item = &'a WireFlow>) {
        let mut recent = self.recent();
        for flow in flows {
            recent.bytes += flow.message().len();
            recent.flows.push_back(flow.clone());
            while recent.flows.len() > MAX_FLOWS || recent.bytes > MAX_BYTES {
                let Some(oldest) = recent.flows.pop_front() else { break };
                recent.bytes -= oldest.message().len();
            }
        }
    }

    /// The flows, oldest first.
    pub(super) fn flows(&self) -> Vec<WireFlow> {
        self.recent().flows.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use hubble_api::pb::flow::Flow;
    use hubble_api::pb::observer::GetFlowsResponse;
    use hubble_api::pb::observer::get_flows_response::ResponseTypes;
    use prost::Message;

    use super::*;

    fn flow(uuid: String) -> WireFlow {
        let flow = Flow { uuid, ..Flow::default() };
        let response = GetFlowsResponse {
            response_types: Some(ResponseTypes::Flow(flow)),
            ..GetFlowsResponse::default()
        };
        WireFlow::read(response.encode_to_vec().into()).unwrap().expect("a flow")
    }

    #[test]
    fn the_newest_flows_within_both_bounds() {
        let check = |count: usize, uuid_bytes: usize, kept: usize| {
            let recent = RecentFlows::default();
            let flows: Vec<WireFlow> =
                (0..count).map(|n| flow(format!("{n}{}", "a".repeat(uuid_bytes)))).collect();
            for some in flows.chunks(7) {
                recent.add(some.iter());
            }
            let expected = flows.iter().rev().take(kept).rev().map(WireFlow::message);
            let recent = recent.flows();
            assert!(recent.iter().map(WireFlow::message).eq(expected), "{} kept", recent.len());
        };
        check(3, 36, 3);
        check(1_200, 36, 500);
        // A message is a few bytes longer than its uuid.
        check(40, (64 << 10) - 100, 4);
        check(2, 1 << 20, 0);
    }
}
