//! The state of a cluster that verdicts depend on, as its API server has it: network policies, CIDR groups,
//! namespaces with their labels, Services with their endpoints, and the resources that choose which flows are
//! logged. Listed, watched, and kept as YAML texts without what verdicts do not read. The crate knows neither
//! Grafana nor flows.
//!
//! Requests, events and kubeconfigs are read with the crate `kube`. Its client is not used: it takes a list and
//! a line of a watch into memory whatever their size, and writes an answer that it cannot read into the log.
//! Its watcher tells of neither bookmarks nor a watch that goes on again, and "still watched" needs both.

mod access;
mod error;
mod follow;
mod kubeconfig;
mod object;
mod pace;
mod resource;
mod source;
mod store;
mod transport;

pub use self::access::{ClusterAccess, ClusterAuth, InvalidAccess, ServerAccess, ServiceAccount};
pub use self::error::ClusterError;
pub use self::kubeconfig::{InvalidKubeconfig, read as read_kubeconfig};
pub use self::object::ClusterObject;
pub use self::pace::Pace;
pub use self::resource::{RESOURCES, Resource, Role};
pub use self::source::ClusterSource;
pub use self::store::{Freshness, Limits, ResourceState, ResourceStatus, Snapshot};
