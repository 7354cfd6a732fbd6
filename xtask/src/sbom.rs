//! The list of what the plugin is made of, as `CycloneDX` 1.5 (a "software bill of materials"), beside the
//! archive.
//!
//! Written by hand: the crate for it brings twenty others, five of them in a second version, for one
//! object of JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::metadata::{list, text};
use crate::process::output_of;
use crate::toolchain::{MUSL, WASM, npm};
use crate::{Failure, workspace};

/// Packages whose programs and modules are in the archive, with the platform that they are built for.
const SHIPPED: [(&str, &str); 2] = [("plugin", MUSL), ("frontend-wasm", WASM)];

/// Error for a program that cannot tell what it would build.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` does not list what it would build")]
struct NoList(&'static str);

/// The list as JSON. The same lock files give the same bytes.
///
/// Errors: cargo or npm cannot tell what they would build.
pub(crate) async fn read(app: &str, version: &str) -> Result<Vec<u8>, Failure> {
    let mut components = BTreeMap::new();
    for (package, platform) in SHIPPED {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(workspace::root());
        cargo.args(["metadata", "--locked", "--format-version", "1"]);
        cargo.args(["--filter-platform", platform]);
        let metadata = output_of(&mut cargo).await.ok_or(NoList("cargo metadata"))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        components.extend(crates(&metadata, package));
    }
    let mut npm = npm();
    npm.args(["sbom", "--omit", "dev", "--package-lock-only", "--sbom-format", "cyclonedx"]);
    let bundled = output_of(&mut npm).await.ok_or(NoList("npm sbom"))?;
    let bundled: Value = serde_json::from_str(&bundled)?;
    components.extend(packages(&bundled));
    let list = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": app, "version": version } },
        "components": components.into_values().collect::<Vec<_>>(),
    });
    Ok(serde_json::to_vec_pretty(&list)?)
}

/// Crates from registries that are compiled into `package`, by their package URL: neither what only
/// builds or tests it, nor crates of this workspace.
fn crates(metadata: &Value, package: &str) -> BTreeMap<String, Value> {
    let by_id: BTreeMap<&str, &Value> =
        list(metadata, "packages").iter().map(|package| (text(package, "id"), package)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").iter().map(|node| (text(node, "id"), node)).collect();
    let is_root = |id: &&str| by_id.get(id).is_some_and(|found| text(found, "name") == package);
    let mut open: Vec<&str> = by_id.keys().copied().filter(is_root).collect();
    let mut seen = BTreeSet::new();
    let mut components = BTreeMap::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if let Some(found) = by_id.get(id).filter(|found| found["source"].is_string()) {
            let (name, version) = (text(found, "name"), text(found, "version"));
            let purl = format!("pkg:cargo/{name}@{version}");
            let licence = text(found, "license").replace('/', " OR ");
            let component = json!({
                "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl,
                "licenses": [{ "expression": licence }],
            });
            components.insert(purl, component);
        }
        let Some(node) = nodes.get(id) else { continue };
        let compiled = |dependency: &&Value| {
            list(dependency, "dep_kinds").iter().any(|kind| kind["kind"].is_null())
        };
        open.extend(list(node, "deps").iter().filter(compiled).map(|found| text(found, "pkg")));
    }
    components
}

/// npm's packages, by their package URL, without what differs between two runs.
fn packages(bundled: &Value) -> BTreeMap<String, Value> {
    let named = |component: &Value| {
        let purl = text(component, "purl").to_owned();
        let kept = json!({
            "type": "library",
            "name": component["name"],
            "version": component["version"],
            "purl": purl,
            "bom-ref": purl,
            "licenses": component["licenses"],
        });
        (purl, kept)
    };
    list(bundled, "components").iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_is_listed() {
        let package = |name: &str, source: Option<&str>| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source });
        let dependency =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("plugin", None), package("own", None), package("used", Some("registry")),
                package("inner", Some("registry")), package("tests", Some("registry")),
                package("builds", Some("registry")), package("unused", Some("registry")),
            ],
            "resolve": { "nodes": [
                { "id": "plugin", "deps": [
                    dependency("own", Value::Null),
                    dependency("tests", json!("dev")),
                    dependency("builds", json!("build")),
                ] },
                { "id": "own", "deps": [dependency("used", Value::Null)] },
                { "id": "used", "deps": [dependency("inner", Value::Null), dependency("used", Value::Null)] },
            ] },
        });
        let found = crates(&metadata, "plugin");
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["pkg:cargo/inner@1.0.0", "pkg:cargo/used@1.0.0"]
        );
        assert_eq!(found["pkg:cargo/used@1.0.0"]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }

    #[test]
    fn npms_packages_are_the_same_in_every_run() {
        let answer = |serial: &str| {
            json!({
                "serialNumber": serial,
                "components": [{
                    "name": "noble", "version": "2.0.0", "purl": "pkg:npm/noble@2.0.0",
                    "licenses": [{ "license": { "id": "MIT" } }],
                    "properties": [{ "name": "cdx:npm:package:path", "value": "node_modules/noble" }],
                }],
            })
        };
        let found = packages(&answer("urn:uuid:1"));
        assert_eq!(found, packages(&answer("urn:uuid:2")));
        assert_eq!(found["pkg:npm/noble@2.0.0"]["licenses"][0]["license"]["id"], "MIT");
    }
}
