//! The whole engine, as the browser loads it for policies.

pub use frontend_wasm::*;
