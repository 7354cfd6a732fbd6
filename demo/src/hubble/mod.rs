//! Hubble: the ring buffers of the nodes, their messages, and the relay in front of them.

pub(crate) mod decode;
pub(crate) mod flows;
pub(crate) mod identifiers;
pub(crate) mod refusal;
pub(crate) mod relay;
pub(crate) mod release;
pub(crate) mod ring;
pub(crate) mod service;
pub(crate) mod streams;
