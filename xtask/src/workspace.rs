//! Where things lie in the checkout.

use std::path::{Path, PathBuf};

/// The checkout's top folder.
pub(crate) fn root() -> &'static Path {
    // The manifest lies one folder below the top; a binary moved elsewhere still means this checkout.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// `path` inside the checkout.
pub(crate) fn at(path: impl AsRef<Path>) -> PathBuf {
    root().join(path)
}

/// Downloads and stamps: survives between runs, may be deleted at any time.
pub(crate) fn cache() -> PathBuf {
    at(".cache")
}

/// Everything that a running demo writes.
pub(crate) fn demo() -> PathBuf {
    at(".demo")
}
