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

/// What cargo compiles to: `CARGO_TARGET_DIR`, which cargo takes from where it is run, else the
/// checkout's own.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => at(PathBuf::from(folder)),
        None => at("target"),
    }
}

/// Downloads and stamps: survives between runs, may be deleted at any time.
pub(crate) fn cache() -> PathBuf {
    at(".cache")
}

/// Everything that a running demo writes.
pub(crate) fn demo() -> PathBuf {
    at(".demo")
}
