use flow::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// Names of nodes that are kept of one notice; the rest is counted.
const MAX_NODE_NAMES: usize = 1_000;
/// Names of nodes that a sentence lists.
const MAX_NODE_NAMES_SHOWN: usize = 5;
/// Different notices with words of their sender that are kept of one answer; the rest is counted.
const MAX_NOTICES: usize = 64;

/// What an answer lacks, or what its sender says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Flows of these nodes are to be expected.
    NodesConnected {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// No flows of these nodes, until they can be reached again.
    NodesUnavailable {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// These nodes left the cluster.
    NodesGone {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// These nodes failed to answer; what they sent before is kept.
    NodeError {
        /// Names of the nodes.
        nodes: NodeNames,
        /// What they say.
        message: String,
    },
    /// A node state that is not known here.
    NodeState {
        /// Number of the `NodeState`.
        state: i32,
        /// Names of the nodes.
        nodes: NodeNames,
        /// What they say.
        message: String,
    },
    /// Flows that no one has any more.
    FlowsLost {
        /// Where they were lost.
        source: LostEventSource,
        /// How many, summed over all messages about this source and node.
        count: u64,
        /// The node that lost them; empty where the message does not say.
        node_name: String,
        /// When the first was lost.
        first: Option<Timestamp>,
        /// When the last was lost.
        last: Option<Timestamp>,
    },
    /// A stream that follows broke off and is to be made again.
    Interrupted {
        /// Why, as a sentence.
        reason: String,
    },
    /// A stream that follows broke off and goes on: flows between what was last seen and the new
    /// connection are asked for again, but may be gone or come out of order.
    Resumed {
        /// Time of the newest flow before the break.
        last_seen: Option<Timestamp>,
        /// How many times the stream broke.
        breaks: u32,
    },
}

/// Names of nodes, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNames {
    names: BTreeSet<String>,
    /// How many more there were than are kept.
    more: usize,
}

/// Where flows were lost. Source: flow.proto `LostEventSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostEventSource {
    /// The sender does not say.
    Unknown,
    /// The kernel's ring buffer, which the agent reads too slowly.
    PerfEventRingBuffer,
    /// The agent's queue of events, which Hubble reads too slowly.
    ObserverEventsQueue,
    /// Hubble's ring buffer, which went on before the reader.
    HubbleRingBuffer,
    /// A number that has no name here.
    Unrecognized(i32),
}

/// The notices of one answer: like ones merged, and no more than a user could read.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    kept: Vec<Notice>,
    /// The nodes of all node errors, those included whose words were left out.
    failed: NodeNames,
    /// How many were left out.
    more: usize,
}

impl Notice {
    /// Whether there is at most one of the kind, so that no sender can make many.
    fn is_single(&self) -> bool {
        matches!(
            self,
            Self::NodesConnected { .. }
                | Self::NodesUnavailable { .. }
                | Self::NodesGone { .. }
                | Self::Resumed { .. }
        )
    }

    /// Takes `other` in if both say the same of other nodes or numbers.
    fn merge(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::NodesConnected { nodes }, Self::NodesConnected { nodes: others })
            | (Self::NodesUnavailable { nodes }, Self::NodesUnavailable { nodes: others })
            | (Self::NodesGone { nodes }, Self::NodesGone { nodes: others }) => {
                nodes.extend(others);
                true
            }
            (
                Self::NodeError { nodes, message },
                Self::NodeError { nodes: others, message: other },
            ) if message == other => {
                nodes.extend(others);
                true
            }
            (
                Self::NodeState { state, nodes, message },
                Self::NodeState { state: other_state, nodes: others, message: other },
            ) if state == other_state && message == other => {
                nodes.extend(others);
                true
            }
            (
                Self::FlowsLost { source, count, node_name, first, last },
                Self::FlowsLost {
                    source: other_source,
                    count: other_count,
                    node_name: other_node_name,
                    first: other_first,
                    last: other_last,
                },
            ) if source == other_source && node_name == other_node_name => {
                *count = count.saturating_add(*other_count);
                *first = first.iter().chain(other_first).min().copied();
                *last = last.iter().chain(other_last).max().copied();
                true
            }
            (Self::Interrupted { reason }, Self::Interrupted { reason: other }) => reason == other,
            (
                Self::Resumed { last_seen, breaks },
                Self::Resumed { last_seen: other_last_seen, breaks: other_breaks },
            ) => {
                *last_seen = other_last_seen.or(*last_seen);
                *breaks = (*breaks).max(*other_breaks);
                true
            }
            _ => false,
        }
    }
}

impl Notices {
    /// Adds a notice, or merges it into one that says the same. Where a node came or went in
    /// between, its last state counts.
    pub fn add(&mut self, notice: Notice) {
        match &notice {
            Notice::NodesConnected { nodes } => {
                for known in &mut self.kept {
                    if let Notice::NodesUnavailable { nodes: known } = known {
                        known.remove(nodes);
                    }
                }
            }
            Notice::NodesUnavailable { nodes } | Notice::NodesGone { nodes } => {
                for known in &mut self.kept {
                    if let Notice::NodesConnected { nodes: known } = known {
                        known.remove(nodes);
                    }
                }
            }
            Notice::NodeError { nodes, .. } => self.failed.extend(nodes),
            _ => {}
        }
        self.kept.retain(|known| match known {
            Notice::NodesConnected { nodes } | Notice::NodesUnavailable { nodes } => {
                !nodes.is_empty()
            }
            _ => true,
        });
        if self.kept.iter_mut().any(|known| known.merge(&notice)) {
            return;
        }
        if notice.is_single() || self.kept.len() < MAX_NOTICES {
            self.kept.push(notice);
        } else {
            self.more += 1;
        }
    }

    /// The notices, in the order in which their kinds first came.
    pub fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.kept.iter()
    }

    /// The nodes that flows are to be expected of; `None`: the sender says nothing about nodes, as
    /// a relay without any and a node that is asked itself.
    pub fn connected(&self) -> Option<NodeNames> {
        let mut says = false;
        let mut connected = NodeNames::default();
        for notice in &self.kept {
            match notice {
                Notice::NodesConnected { nodes } => {
                    says = true;
                    connected.extend(nodes);
                }
                Notice::NodesUnavailable { .. } | Notice::NodesGone { .. } => says = true,
                _ => {}
            }
        }
        says.then_some(connected)
    }

    /// The nodes of which no flows, or not all, can have come.
    pub fn missing(&self) -> NodeNames {
        let mut missing = self.failed.clone();
        for notice in &self.kept {
            if let Notice::NodesUnavailable { nodes } = notice {
                missing.extend(nodes);
            }
        }
        missing
    }

    /// What `nodes` said instead of an answer, every sentence that is kept once; `None` where one
    /// of them said nothing of the kind.
    pub fn failure_of_all(&self, nodes: &NodeNames) -> Option<Vec<&str>> {
        let failed = &self.failed;
        let messages = self.kept.iter().filter_map(|notice| match notice {
            Notice::NodeError { message, .. } => Some(message.as_str()),
            _ => None,
        });
        let all = !nodes.is_empty()
            && failed.count() >= nodes.count()
            && nodes.iter().all(|node| failed.more > 0 || failed.contains(node));
        all.then(|| messages.collect())
    }

    /// How many notices did not find room.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

impl Extend<Notice> for Notices {
    fn extend<T: IntoIterator<Item = Notice>>(&mut self, notices: T) {
        for notice in notices {
            self.add(notice);
        }
    }
}

impl NodeNames {
    /// The names that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// How many nodes there are, those included whose names are not kept.
    pub fn count(&self) -> usize {
        self.names.len() + self.more
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Whether this node is among those whose names are kept.
    pub fn contains(&self, node_name: &str) -> bool {
        self.names.contains(node_name)
    }

    pub(super) fn add(&mut self, name: String) {
        if self.names.len() < MAX_NODE_NAMES {
            self.names.insert(name);
        } else if !self.names.contains(&name) {
            self.more += 1;
        }
    }

    fn extend(&mut self, others: &Self) {
        for name in &others.names {
            self.add(name.clone());
        }
        self.more += others.more;
    }

    fn remove(&mut self, others: &Self) {
        for name in &others.names {
            self.names.remove(name);
        }
    }
}

impl<S: Into<String>> FromIterator<S> for NodeNames {
    fn from_iter<T: IntoIterator<Item = S>>(names: T) -> Self {
        let mut nodes = Self::default();
        for name in names {
            nodes.add(name.into());
        }
        nodes
    }
}

impl fmt::Display for NodeNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.count() == 1 { "node " } else { "nodes " })?;
        let mut separator = "";
        for name in self.names.iter().take(MAX_NODE_NAMES_SHOWN) {
            write!(f, "{separator}`{name}`")?;
            separator = ", ";
        }
        match self.count().saturating_sub(MAX_NODE_NAMES_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodesConnected { nodes } => write!(f, "flows come from {nodes}"),
            Self::NodesUnavailable { nodes } => {
                write!(f, "no flows from {nodes}: the relay cannot reach {}", it_or_them(nodes))
            }
            Self::NodesGone { nodes } => write!(f, "{nodes} left the cluster"),
            Self::NodeError { nodes, message } if is_refusal(message) => {
                write!(f, "{nodes} refused: {message}")
            }
            Self::NodeError { nodes, message } => {
                write!(f, "{nodes} stopped answering: {message}")
            }
            Self::NodeState { state, nodes, message } => {
                write!(f, "{nodes} changed to a state that is not known here ({state})")?;
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Self::FlowsLost { source, count, node_name, .. } => {
                let events = if *count == 1 { "event" } else { "events" };
                write!(f, "{count} {events} lost")?;
                if !node_name.is_empty() {
                    write!(f, " on node `{node_name}`")?;
                }
                write!(f, ": {source}")
            }
            Self::Interrupted { reason } => write!(f, "no flows for now, trying again: {reason}"),
            Self::Resumed { breaks, .. } => {
                let times = if *breaks == 1 { "time" } else { "times" };
                write!(
                    f,
                    "the connection to the relay broke {breaks} {times} and was made again: \
                     flows may be missing around the break"
                )
            }
        }
    }
}

impl LostEventSource {
    pub(super) fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::PerfEventRingBuffer,
            2 => Self::ObserverEventsQueue,
            3 => Self::HubbleRingBuffer,
            number => Self::Unrecognized(number),
        }
    }
}

impl fmt::Display for LostEventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the relay does not say where"),
            Self::PerfEventRingBuffer => {
                f.write_str("the kernel's perf ring buffer was full (PERF_EVENT_RING_BUFFER)")
            }
            Self::ObserverEventsQueue => {
                f.write_str("Hubble's queue of events was full (OBSERVER_EVENTS_QUEUE)")
            }
            Self::HubbleRingBuffer => f.write_str(
                "Hubble's ring buffer was overwritten before it was read (HUBBLE_RING_BUFFER)",
            ),
            Self::Unrecognized(number) => write!(f, "at a place that is not known here ({number})"),
        }
    }
}

/// Whether a node says that it does not take the request, and not that something went wrong on
/// the way. A relay gives the code of a status only where there is one
/// (pkg/hubble/relay/observer, `nodeStatusError`), and a filter that cannot be used has none.
pub fn is_refusal(message: &str) -> bool {
    match message.strip_prefix("rpc error: code = ") {
        None => true,
        Some(rest) => ["InvalidArgument", "Unimplemented", "PermissionDenied", "Unauthenticated"]
            .iter()
            .any(|code| rest.starts_with(code)),
    }
}

fn it_or_them(nodes: &NodeNames) -> &'static str {
    if nodes.count() == 1 { "it" } else { "them" }
}
