//! The whole engine, as the browser loads it where there are policies.

pub use frontend_wasm::*;
