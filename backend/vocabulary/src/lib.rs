//! Cilium's words: labels and selectors, prefixes, DNS names, reserved identities, RE2.
//!
//! Filters of flows and network policies use the same words, and this crate reads them for both.
//! What it accepts, refuses and matches follows Cilium's Go code; each module names the packages.
//! No IO, no clock, no panics; builds for wasm32.

mod cidr;
mod fqdn;
mod hubble_name;
mod label;
mod label_selector;
mod namespaced;
pub mod re2;
pub mod reserved;

pub use cidr::{Prefix, is_address};
pub use fqdn::{NamePattern, qualified};
pub use hubble_name::{FilterPattern, NodeNamePattern, PatternError};
pub use label::{Label, LabelRef, Operator, Requirement, Selector, split_source};
pub use label_selector::{LabelSelector, SelectorError};
pub use namespaced::NamespacedPrefix;
