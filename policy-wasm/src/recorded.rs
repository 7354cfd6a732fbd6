//! The flows of an answer as their messages: read when they are asked about.

use std::sync::Arc;

use cilium_policy::{Directory, PolicySet};
use flow::Flow;
use hashbrown::HashSet;
use hubble_api::packed;
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use prost::Message;

use crate::policy_files::{Flows, PolicyFiles, sources};

/// Flows that lints, fixes and names are taken from, newest first: each is held decoded.
pub(crate) const MAX_FLOWS: usize = 50_000;

/// The flows in the rows of the panel's table.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    streams: Vec<Vec<u8>>,
    places: Vec<Place>,
    ready: Flows,
    /// Who there is, and the policies whose documents tell it, too; from the first question on.
    directory: Option<(Arc<PolicySet>, Directory)>,
}

/// Where a row's message is.
#[derive(Clone, Copy, Debug)]
struct Place {
    stream: u32,
    batch: u32,
    message: u32,
}

impl Recorded {
    /// Flows of packed streams; `places` are stream, batch and message of each row, in the order
    /// in which the messages stand.
    pub(crate) fn new(streams: Vec<Vec<u8>>, places: &[u32]) -> Self {
        let place = |numbers: &[u32; 3]| {
            let [stream, batch, message] = *numbers;
            Place { stream, batch, message }
        };
        let (rows, _rest) = places.as_chunks::<3>();
        Self { streams, places: rows.iter().map(place).collect(), ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The flows, ready to be judged by these policies; those policies, compiled for the cluster
    /// that the flows are of.
    pub(crate) fn prepare(&mut self, policies: &mut PolicyFiles) -> &Flows {
        let mut ready = std::mem::take(&mut self.ready);
        ready.prepare(self, policies);
        self.ready = ready;
        &self.ready
    }

    /// What [`Recorded::prepare`] made ready.
    pub(crate) const fn ready(&self) -> &Flows {
        &self.ready
    }

    /// Who there is by the newest flows, and by the documents beside the policies.
    pub(crate) fn directory(&mut self, policies: &PolicyFiles) -> &Directory {
        let known = self.directory.take().filter(|(set, _)| Arc::ptr_eq(set, policies.set()));
        let read = || {
            let (_, flows) = self.newest(&HashSet::new());
            let set = Arc::clone(policies.set());
            let directory = Directory::of(&sources(&policies.files), &flows, set.settings());
            (set, directory)
        };
        let known = known.unwrap_or_else(read);
        &self.directory.insert(known).1
    }

    /// The flow of a row. `None`: there is no such row, or its message is defective.
    pub(crate) fn flow(&self, row: usize) -> Option<Flow> {
        let mut found = None;
        self.for_each_flow(row, |other| other == row, |_, flow| found = flow, Some(1));
        found
    }

    /// The last flows that came, and those of the rows that are `asked` about, with their rows.
    pub(crate) fn newest(&self, asked: &HashSet<usize>) -> (Vec<usize>, Vec<Flow>) {
        let first = self.len().saturating_sub(MAX_FLOWS);
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
