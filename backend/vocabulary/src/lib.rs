//! Cilium's words: labels and selectors, prefixes, DNS names, reserved identities, RE2.
//!
//! Filters of flows and network policies use the same words, and this crate reads them for both.
//! What it accepts, refuses and matches follows Cilium's Go code; each module names the packages.
//! No IO, no clock, no panics; builds for wasm32.
//!
//! ```
//! use vocabulary::re2::Regex;
//! use vocabulary::{LabelSelector, NamePattern, Prefix};
//!
//! let prefix = Prefix::parse("10.0.0.0/8").unwrap();
//! assert!(prefix.contains_address("10.1.2.3".parse().unwrap()));
//!
//! let selector = LabelSelector::parse("app in (web, api), !legacy").unwrap();
//! assert!(selector.matches(&["k8s:app=web".to_owned()]));
//!
//! // `*` of a policy's name pattern does not match dots.
//! let pattern = NamePattern::of_pattern("*.example.com").unwrap();
//! assert!(pattern.matches("www.example.com"));
//! assert!(!pattern.matches("a.b.example.com"));
//!
//! // A whole text matches, as in Envoy. `None` would mean that the text is too long.
//! let regex = Regex::new("/users/[0-9]+").unwrap();
//! assert_eq!(regex.matches("/users/7"), Some(true));
//! assert_eq!(regex.matches("/users/7/edit"), Some(false));
//! ```

mod cidr;
mod fqdn;
mod hubble_name;
mod label;
mod label_selector;
mod namespaced;
pub mod re2;
pub mod reserved;

pub use cidr::{Prefix, PrefixError, is_address};
pub use fqdn::{NamePattern, NamePatternError, qualified};
pub use hubble_name::{FilterPattern, NodeNamePattern, PatternError};
pub use label::{Label, LabelRef, Operator, Requirement, Selector, split_source};
pub use label_selector::{LabelSelector, SelectorError};
pub use namespaced::NamespacedPrefix;
