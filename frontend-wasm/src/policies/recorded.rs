//! The flows of a table as the policies are asked about them.

use std::sync::Arc;

use cilium_policy::PolicySet;
use flow::Flow;
use hashbrown::HashSet;
use hubble_api::packed;
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_verdict::{Directory, Learned};
use prost::Message;

use super::policy_files::{Flows, PolicyFiles, sources};
use crate::table::{Place, Table};

/// Flows that lints, fixes and names are taken from, newest first: each is held decoded.
pub(crate) const MAX_FLOWS: usize = 50_000;

/// What the policies need of a table's flows; empty until they are asked.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    flows: Flows,
    /// The names of flows and documents, and the policies whose documents they are; from the first
    /// question on.
    directory: Option<(Arc<PolicySet>, Directory)>,
}

impl Ready {
    /// Forgets everything: the table has other flows now.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Table {
    /// The flows, ready to be judged by these policies; those policies, compiled for the cluster
    /// that the flows are of.
    pub(crate) fn prepare(&mut self, policies: &mut PolicyFiles) -> &Flows {
        let mut flows = std::mem::take(&mut self.ready.flows);
        flows.prepare(self, policies);
        self.ready.flows = flows;
        &self.ready.flows
    }

    /// What the flows tell about each other, once they are ready.
    pub(crate) const fn learned(&self) -> &Learned {
        &self.ready.flows.learned
    }

    /// The names of the newest flows, and of the documents beside the policies.
    pub(crate) fn directory(&mut self, policies: &PolicyFiles) -> &Directory {
        let known = self.ready.directory.take();
        let known = known.filter(|(set, _)| Arc::ptr_eq(set, policies.set()));
        let read = || {
            let (_, flows) = self.newest(&HashSet::new());
            let set = Arc::clone(policies.set());
            let directory = Directory::of(&sources(&policies.files), &flows, set.settings());
            (set, directory)
        };
        let known = known.unwrap_or_else(read);
        &self.ready.directory.insert(known).1
    }

    /// The flow of a row. `None`: there is no such row, or its message is defective.
    pub(crate) fn flow(&self, row: usize) -> Option<Flow> {
        let mut found = None;
        self.for_each_flow(row, |other| other == row, |_, flow| found = flow, Some(1));
        found
    }

    /// The last flows that came, and those of the rows that are `asked` about, with their rows.
    pub(crate) fn newest(&self, asked: &HashSet<usize>) -> (Vec<usize>, Vec<Flow>) {
        let first = self.flows.len().saturating_sub(MAX_FLOWS);
        let (mut row_of, mut flows) = (Vec::new(), Vec::new());
        let start = if asked.is_empty() { first } else { 0 };
        let take = |row, flow: Option<Flow>| {
            if let Some(flow) = flow {
                row_of.push(row);
                flows.push(flow);
            }
        };
        self.for_each_flow(start, |row| row >= first || asked.contains(&row), take, None);
        (row_of, flows)
    }

    /// Hands out the flows of the rows from `first` that are `wanted`, in their order, and `None`
    /// for those of which the message is defective; at most `limit` of them.
    pub(crate) fn for_each_flow(
        &self,
        first: usize,
        wanted: impl Fn(usize) -> bool,
        mut take: impl FnMut(usize, Option<Flow>),
        limit: Option<usize>,
    ) {
        let mut left = limit.unwrap_or(usize::MAX);
        let mut places = self.places.iter().enumerate().skip(first).peekable();
        for (number, stream) in (0..).zip(&self.streams) {
            if places.peek().is_none_or(|(_, place)| place.stream != number) {
                continue;
            }
            for (batch, read) in (0..).zip(packed::batches(stream)) {
                let Ok(read) = read else { break };
                let here = |place: &Place| place.stream == number && place.batch == batch;
                if !places.peek().is_some_and(|(_, place)| here(place)) {
                    continue;
                }
                for (message, bytes) in (0..).zip(read.messages()) {
                    let next = places.next_if(|(_, place)| here(place) && place.message == message);
                    let (Some((row, _)), Ok(bytes)) = (next, bytes) else { continue };
                    if wanted(row) {
                        take(row, GetFlowsResponse::decode(bytes).ok().and_then(flow_of));
                        left -= 1;
                        if left == 0 {
                            return;
                        }
                    }
                }
            }
        }
    }
}

fn flow_of(response: GetFlowsResponse) -> Option<Flow> {
    match response.response_types? {
        ResponseTypes::Flow(flow) => Flow::try_from(flow).ok(),
        _ => None,
    }
}
