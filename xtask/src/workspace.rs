//! Paths in the checkout.

use std::path::{Path, PathBuf};

/// The checkout's top folder.
pub(crate) fn root() -> &'static Path {
    // The manifest is one folder below the top. A moved binary still refers to this checkout.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// `path` inside the checkout.
pub(crate) fn at(path: impl AsRef<Path>) -> PathBuf {
    root().join(path)
}

/// Cargo's output folder: `CARGO_TARGET_DIR`, relative to cargo's working directory, else the
/// checkout's own.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => at(PathBuf::from(folder)),
        None => at("target"),
    }
}

/// Downloads and stamps, which survive between runs and may be deleted at any time.
pub(crate) fn cache() -> PathBuf {
    at(".cache")
}

/// All files of a running demo.
pub(crate) fn demo() -> PathBuf {
    at(".demo")
}
