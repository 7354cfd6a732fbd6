//! The flows of an act, read as plain JSON: the counts here do not depend on the project's own
//! reader of flows.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use flate2::bufread::GzDecoder;
use serde::Deserialize;

/// Seconds between two samples.
pub(crate) const SCRAPE_SECS: i64 = 15;

/// Maximum number of samples of an act, the first one interval after the first flow.
pub(crate) const SAMPLES: usize = 13;

/// A recorded act of the pet shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// No policies: nothing is dropped.
    Open,
    /// No client may reach store-front.
    Chaos,
    /// Rules for names and HTTP; some names are refused.
    Combined,
}

impl Act {
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Chaos, Self::Combined];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Chaos => "chaos",
            Self::Combined => "combined",
        }
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Workload {
    pub(crate) kind: String,
    pub(crate) name: String,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct End {
    /// Set only for endpoints of the node that saw the flow.
    #[serde(rename = "ID")]
    pub(crate) id: u32,
    pub(crate) identity: u32,
    pub(crate) namespace: String,
    pub(crate) labels: Vec<String>,
    pub(crate) pod_name: String,
    pub(crate) workloads: Vec<Workload>,
}

impl End {
    /// Whether it is a pod of the node that saw the flow.
    pub(crate) fn is_local_pod(&self) -> bool {
        self.id != 0 && !self.pod_name.is_empty()
    }

    /// The name of its first workload, if the node that saw the flow knows it.
    pub(crate) fn workload(&self) -> &str {
        self.workloads.first().map_or("", |workload| &workload.name)
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct EventType {
    #[serde(rename = "type")]
    pub(crate) kind: u32,
}

/// Event types of a drop, a trace, a policy verdict and a proxy (`pkg/monitor/api`).
pub(crate) const DROP: u32 = 1;
pub(crate) const TRACE: u32 = 4;
pub(crate) const POLICY_VERDICT: u32 = 5;
pub(crate) const L7: u32 = 129;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Tcp {
    pub(crate) flags: BTreeMap<String, bool>,
}

/// UDP header, whose content is not counted.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Udp {}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Icmp {
    #[serde(rename = "type")]
    pub(crate) kind: u32,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Layer4 {
    #[serde(rename = "TCP")]
    pub(crate) tcp: Option<Tcp>,
    #[serde(rename = "UDP")]
    pub(crate) udp: Option<Udp>,
    #[serde(rename = "ICMPv4")]
    pub(crate) icmp: Option<Icmp>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Dns {
    pub(crate) query: String,
    pub(crate) ips: Vec<String>,
    pub(crate) rcode: u32,
    pub(crate) qtypes: Vec<String>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Http {
    pub(crate) code: u32,
    pub(crate) method: String,
    pub(crate) protocol: String,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Layer7 {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// A number, written as a string.
    pub(crate) latency_ns: String,
    pub(crate) dns: Option<Dns>,
    pub(crate) http: Option<Http>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Addresses {
    pub(crate) source: String,
    pub(crate) destination: String,
}

/// The fields of a flow that are counted.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Flow {
    pub(crate) time: DateTime<Utc>,
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) drop_reason_desc: String,
    #[serde(rename = "IP", default)]
    pub(crate) ip: Addresses,
    #[serde(default)]
    pub(crate) l4: Layer4,
    #[serde(default)]
    pub(crate) l7: Layer7,
    #[serde(default)]
    pub(crate) source: End,
    #[serde(default)]
    pub(crate) destination: End,
    /// Cluster and node.
    pub(crate) node_name: String,
    #[serde(default)]
    pub(crate) event_type: EventType,
    #[serde(default)]
    pub(crate) trace_observation_point: String,
    #[serde(default)]
    pub(crate) traffic_direction: String,
    #[serde(default)]
    pub(crate) policy_match_type: u32,
    /// `None`: unknown.
    #[serde(default)]
    pub(crate) is_reply: Option<bool>,
}

impl Flow {
    pub(crate) fn node(&self) -> &str {
        node(&self.node_name)
    }
}

/// The node's name without its cluster.
pub(crate) fn node(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, node)| node)
}

#[derive(Deserialize)]
struct Line {
    flow: Flow,
}

/// A file of `tests/vectors/metrics`, unpacked.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/vectors/metrics")
        .join(format!("{name}.jsonl.gz"));
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::io::BufReader::new(GzDecoder::new(packed.as_slice()))
        .lines()
        .map(|line| line.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

/// The flows of an act in order of time.
pub(crate) fn read(act: Act) -> Vec<Flow> {
    let mut flows: Vec<Flow> = lines(&format!("{}.flows", act.name()))
        .iter()
        .map(|line| serde_json::from_str::<Line>(line).unwrap().flow)
        .collect();
    flows.sort_by_key(|flow| flow.time);
    flows
}
