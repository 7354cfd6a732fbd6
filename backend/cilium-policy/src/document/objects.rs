//! Objects of Kubernetes beside policies, as their documents describe them.

pub use super::{
    nodes::read as node,
    pods::{is_on_host, named_ports, template},
};
