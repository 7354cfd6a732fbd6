//! Reproducible builds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::workspace;

/// Compiler flags that remove the builder's folders from programs, which otherwise contain the
/// source path of each possible panic. The same sources then give the same bytes on any machine.
pub(crate) fn remapped_paths() -> OsString {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = OsString::new();
    for (folder, name) in [(home, "cargo"), (Some(workspace::root().to_owned()), ".")] {
        let Some(folder) = folder else { continue };
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}
