use flow::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// Maximum number of node names kept in one notice; further ones are counted.
const MAX_NODE_NAMES: usize = 1_000;
/// Maximum number of node names listed in a text.
const MAX_NODE_NAMES_SHOWN: usize = 5;
/// Maximum number of different notices with texts of their sender that are kept of one answer;
/// further ones are counted.
const MAX_NOTICES: usize = 64;

/// Gap in an answer, or a statement of its sender about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayNotice {
    /// Nodes that send flows.
    NodesConnected {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// Nodes that the relay cannot reach at the moment.
    NodesUnavailable {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// Nodes that left the cluster.
    NodesGone {
        /// Names of the nodes.
        nodes: NodeNames,
    },
    /// Nodes that failed to answer; the flows they sent before are kept.
    NodeError {
        /// Names of the nodes.
        nodes: NodeNames,
        /// Error message of the nodes.
        message: String,
    },
    /// Nodes in an unknown state.
    NodeState {
        /// Number of the `NodeState`.
        state: i32,
        /// Names of the nodes.
        nodes: NodeNames,
        /// Message of the nodes.
        message: String,
    },
    /// Flows that were lost.
    FlowsLost {
        /// Place of the loss.
        source: LostEventSource,
        /// Number of lost flows, summed over all messages about this place and node.
        count: u64,
        /// Node that lost them; empty if the message does not say.
        node_name: String,
        /// Time of the first loss.
        first: Option<Timestamp>,
        /// Time of the last loss.
        last: Option<Timestamp>,
    },
    /// A following stream broke off and will be restored.
    Interrupted {
        /// Reason, in words.
        reason: String,
    },
    /// A following stream broke off and was restored. Flows around the break are requested again, but
    /// may come out of order, and those that ring buffers overwrote are lost.
    Resumed {
        /// Number of breaks of the stream.
        breaks: u32,
    },
}

/// Set of node names, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNames {
    names: BTreeSet<String>,
    /// Number of further nodes, whose names are not kept.
    more: usize,
}

/// Place where flows were lost. Source: flow.proto `LostEventSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostEventSource {
    /// Not stated by the sender.
    Unknown,
    /// Ring buffer of the kernel, which the agent read too slowly.
    PerfEventRingBuffer,
    /// Queue of the agent, which Hubble read too slowly.
    ObserverEventsQueue,
    /// Hubble's ring buffer, which overtook its reader.
    HubbleRingBuffer,
    /// Number without a name here.
    Unrecognized(i32),
}

/// Notices of one answer, with similar ones merged and a bound on their number.
#[derive(Clone, Debug, Default)]
pub struct RelayNotices {
    kept: Vec<RelayNotice>,
    /// Nodes of all node errors, including errors whose message was left out.
    failed: NodeNames,
    /// Number of notices that were left out.
    more: usize,
}

impl RelayNotice {
    /// Whether an answer has at most one notice of this kind, so that senders cannot add many.
    fn is_single(&self) -> bool {
        matches!(
            self,
            Self::NodesConnected { .. }
                | Self::NodesUnavailable { .. }
                | Self::NodesGone { .. }
                | Self::Resumed { .. }
        )
    }

    /// Merges `other` if it makes the same statement about other nodes or numbers.
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
            (Self::Resumed { breaks }, Self::Resumed { breaks: other_breaks }) => {
                *breaks = (*breaks).max(*other_breaks);
                true
            }
            _ => false,
        }
    }
}

impl RelayNotices {
    /// Adds a notice, or merges it into a similar one. If a node changed its state in between, the
    /// last state counts.
    pub fn add(&mut self, notice: RelayNotice) {
        match &notice {
            RelayNotice::NodesConnected { nodes } => {
                for known in &mut self.kept {
                    if let RelayNotice::NodesUnavailable { nodes: known } = known {
                        known.remove(nodes);
                    }
                }
            }
            RelayNotice::NodesUnavailable { nodes } | RelayNotice::NodesGone { nodes } => {
                for known in &mut self.kept {
                    if let RelayNotice::NodesConnected { nodes: known } = known {
                        known.remove(nodes);
                    }
                }
            }
            RelayNotice::NodeError { nodes, .. } => self.failed.extend(nodes),
            _ => {}
        }
        self.kept.retain(|known| match known {
            RelayNotice::NodesConnected { nodes } | RelayNotice::NodesUnavailable { nodes } => {
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

    /// Adds the notices of a later answer about the same nodes.
    pub fn append(&mut self, other: Self) {
        self.extend(other.kept);
        self.failed.extend(&other.failed);
        self.more += other.more;
    }

    /// Notices in the order in which their kinds first arrived.
    pub fn iter(&self) -> impl Iterator<Item = &RelayNotice> {
        self.kept.iter()
    }

    /// Nodes that send flows; `None` if the sender says nothing about nodes, like a relay without
    /// nodes or a node that is queried directly.
    pub fn connected(&self) -> Option<NodeNames> {
        let mut says = false;
        let mut connected = NodeNames::default();
        for notice in &self.kept {
            match notice {
                RelayNotice::NodesConnected { nodes } => {
                    says = true;
                    connected.extend(nodes);
                }
                RelayNotice::NodesUnavailable { .. } | RelayNotice::NodesGone { .. } => says = true,
                _ => {}
            }
        }
        says.then_some(connected)
    }

    /// Nodes whose flows may be missing or incomplete.
    pub fn missing(&self) -> NodeNames {
        let mut missing = self.failed.clone();
        for notice in &self.kept {
            if let RelayNotice::NodesUnavailable { nodes } = notice {
                missing.extend(nodes);
            }
        }
        missing
    }

    /// Error messages of `nodes`, each kept message once, if all of them failed; `None` otherwise.
    pub fn failure_of_all(&self, nodes: &NodeNames) -> Option<Vec<&str>> {
        let failed = &self.failed;
        let messages = self.kept.iter().filter_map(|notice| match notice {
            RelayNotice::NodeError { message, .. } => Some(message.as_str()),
            _ => None,
        });
        let all = !nodes.is_empty()
            && failed.count() >= nodes.count()
            && nodes.iter().all(|node| failed.more > 0 || failed.contains(node));
        all.then(|| messages.collect())
    }

    /// Number of notices that were left out, for lack of room.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether there are no notices.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

impl Extend<RelayNotice> for RelayNotices {
    fn extend<T: IntoIterator<Item = RelayNotice>>(&mut self, notices: T) {
        for notice in notices {
            self.add(notice);
        }
    }
}

impl NodeNames {
    /// Names that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Number of nodes, including those whose names are not kept.
    pub fn count(&self) -> usize {
        self.names.len() + self.more
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Whether a node is among the kept names.
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

impl fmt::Display for RelayNotice {
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
                write!(f, "{nodes} changed to an unknown state ({state})")?;
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
            Self::Resumed { breaks } => {
                let times = if *breaks == 1 { "time" } else { "times" };
                write!(
                    f,
                    "the connection to the relay broke {breaks} {times} and was restored: \
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
            Self::Unrecognized(number) => write!(f, "at an unknown place ({number})"),
        }
    }
}

/// Whether a message means that a node refuses the request, and not that a failure occurred on the
/// way. A relay adds the code of a gRPC status to messages that have one
/// (pkg/hubble/relay/observer, `nodeStatusError`), and the error for an invalid filter has none.
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
