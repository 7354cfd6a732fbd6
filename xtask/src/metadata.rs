//! Packages as `cargo metadata` lists them.

#[cfg(test)]
use std::path::Path;

use serde_json::Value;
#[cfg(test)]
use tokio::process::Command;

#[cfg(test)]
use crate::{process::output_of, workspace};

/// The answers of `cargo metadata`, without dependencies from registries. The fuzz targets are a
/// workspace of their own.
#[cfg(test)]
pub(crate) async fn workspaces() -> [Value; 2] {
    [read("Cargo.toml").await, read("tests/fuzz/Cargo.toml").await]
}

#[cfg(test)]
async fn read(manifest: &str) -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace::root());
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    cargo.args(["--manifest-path", manifest]);
    let metadata = output_of(&mut cargo).await.expect("an answer of `cargo metadata`");
    serde_json::from_str(&metadata).expect("JSON")
}

/// A list of objects within `value`; empty where there is no list.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text within `value`; empty where there is no text.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// A path of `cargo metadata`, relative to `root`.
#[cfg(test)]
pub(crate) fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}
