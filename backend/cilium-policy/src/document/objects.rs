//! Kubernetes objects beside policies, as read from their documents.

pub use super::{
    nodes::read as node,
    pods::{is_on_host, named_ports, template},
};
