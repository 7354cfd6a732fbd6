//! The small decoder, as the browser loads it: built without the feature `policies`.

pub use frontend_wasm::*;
