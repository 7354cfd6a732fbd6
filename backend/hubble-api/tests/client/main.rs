//! The relay client, against relays and against servers of other protocols.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod flows;
mod plain;
mod support;
mod tls;
