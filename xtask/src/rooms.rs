//! The workspace's crates and dependencies, compared with the table "Rooms" in ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;

use serde_json::{Value, json};

use crate::metadata::{list, relative, text, workspaces};
use crate::workspace;

/// Crates, or features of crates as `crate/feature`, that only some of our crates may use.
const KNOWN_BY: [(&str, &[&str]); 4] = [
    ("grafana-plugin-sdk", &["plugin-protocol"]),
    // The preview, the tests and the benchmarks read frames for Grafana.
    ("arrow", &["frames", "preview", "bench", "test-kit"]),
    // Hubble's protobuf types, for programs that act as a relay or make its messages.
    ("hubble-api/pb", &["petshop", "bench", "fuzz", "instructions", "test-kit"]),
    ("hubble-api/server", &["petshop", "bench", "test-kit"]),
];

/// A cell "may use" without crates.
const NO_CRATE: &str = "–";

/// A crate of the workspace.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: String,
    /// Folder, relative to the checkout.
    folder: String,
    /// Crates that it depends on, and their features as `crate/feature`; dev-dependencies only of
    /// crates below `tests/`.
    uses: Vec<String>,
}

fn packages(metadata: &Value, root: &Path) -> Vec<Package> {
    let packages = list(metadata, "packages").iter().map(|package| {
        let manifest = Path::new(text(package, "manifest_path"));
        let folder = relative(manifest.parent().unwrap_or(manifest), root);
        let is_of_tests = folder.starts_with("tests/");
        let uses = list(package, "dependencies").iter();
        let uses = uses.filter(|edge| edge["kind"] != "dev" || is_of_tests);
        let uses = uses.flat_map(|edge| {
            let name = text(edge, "name");
            let features = list(edge, "features").iter().filter_map(Value::as_str);
            let features = features.map(move |feature| format!("{name}/{feature}"));
            iter::once(name.to_owned()).chain(features)
        });
        let own_features = package["features"].as_object().into_iter().flatten();
        let turned_on = own_features.filter_map(|(_, on)| on.as_array()).flatten();
        let turned_on = turned_on.filter_map(Value::as_str).filter(|on| on.contains('/'));
        let turned_on = turned_on.map(|on| on.replace("?/", "/"));
        let uses = uses.chain(turned_on).collect();
        Package { name: text(package, "name").to_owned(), folder, uses }
    });
    packages.collect()
}

/// Folder and "may use" of each row of the table that names a folder.
fn rooms(architecture: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = architecture.lines().skip_while(|line| *line != "## Rooms").skip(1);
    let rows = lines.take_while(|line| !line.starts_with("## ")).filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let folder = cells.next()?.split('`').next()?.trim_end_matches('/');
        let uses = line.trim_end_matches(" |").rsplit(" | ").next()?;
        Some((folder, uses.split(", ").collect()))
    });
    rows.collect()
}

fn differences(architecture: &str, packages: &[Package]) -> Vec<String> {
    let rooms = rooms(architecture);
    let is_ours = |name: &str| packages.iter().any(|package| package.name == name);
    let mut found = Vec::new();
    for Package { name, folder, uses } in packages {
        let Some(allowed) = rooms.get(folder.as_str()) else {
            found.push(format!("ARCHITECTURE.md: `{folder}` has no row in the table of rooms"));
            continue;
        };
        let ours = uses.iter().filter(|used| is_ours(used));
        let beyond = ours.filter(|used| !allowed.contains(&used.as_str()));
        found.extend(beyond.map(|used| {
            format!(
                "{folder}/Cargo.toml: `{name}` uses `{used}`, which ARCHITECTURE.md does not say"
            )
        }));
        let unused = allowed.iter().filter(|allowed| **allowed != NO_CRATE);
        let unused = unused.filter(|allowed| !uses.iter().any(|used| used == **allowed));
        found.extend(unused.map(|allowed| {
            format!(
                "ARCHITECTURE.md: `{name}` may use `{allowed}`, which {folder}/Cargo.toml does not"
            )
        }));
        for (foreign, by) in KNOWN_BY {
            if uses.iter().any(|used| used == foreign) && !by.contains(&name.as_str()) {
                found.push(format!(
                    "{folder}/Cargo.toml: `{name}` uses `{foreign}`, which only {} may use",
                    by.join(", ")
                ));
            }
        }
    }
    found
}

const TABLE: &str = "# Architecture\n\n## Rooms\n\n| place | what | may use |\n| --- | --- | --- |\n\
| `a/one` | words | two | or none | two, three |\n| `two/` | words | – |\n\n## Next\n\n| `a/no` | | one |\n";

fn package(name: &str, folder: &str, uses: &[&str]) -> Package {
    let uses = uses.iter().map(|&name| name.to_owned()).collect();
    Package { name: name.to_owned(), folder: folder.to_owned(), uses }
}

#[test]
fn crates_and_their_table() {
    fn check(one: &[&str], two: &[&str], three: &str, expected: &[&str]) {
        let packages = [
            package("one", "a/one", one),
            package("two", "two", two),
            package("three", three, &[]),
        ];
        assert_eq!(differences(TABLE, &packages), expected, "{one:?} {two:?} {three}");
    }
    let no_row = "ARCHITECTURE.md: `a/no` has no row in the table of rooms";
    check(&["two", "three", "serde"], &["serde"], "a/no", &[no_row]);
    check(
        &["three"],
        &[],
        "a/no",
        &["ARCHITECTURE.md: `one` may use `two`, which a/one/Cargo.toml does not", no_row],
    );
    check(
        &["two", "three"],
        &["three", "grafana-plugin-sdk", "hubble-api", "hubble-api/json", "hubble-api/pb"],
        "two/",
        &[
            "two/Cargo.toml: `two` uses `three`, which ARCHITECTURE.md does not say",
            "two/Cargo.toml: `two` uses `grafana-plugin-sdk`, which only plugin-protocol may use",
            "two/Cargo.toml: `two` uses `hubble-api/pb`, which only petshop, bench, fuzz, instructions, test-kit may use",
            "ARCHITECTURE.md: `two/` has no row in the table of rooms",
        ],
    );
}

#[test]
fn dependencies_and_their_features_without_those_of_tests() {
    let check = |folder: &str, expected: &[&str]| {
        let metadata = json!({ "packages": [{
            "name": "one",
            "manifest_path": format!("/checkout/{folder}/Cargo.toml"),
            "dependencies": [
                { "name": "two", "kind": null },
                { "name": "three", "kind": "dev" },
                { "name": "four", "kind": "build", "features": ["a", "b"] },
            ],
            "features": { "c": ["dep:two", "two/c", "two?/d", "e"] },
        }]});
        let found = packages(&metadata, Path::new("/checkout"));
        assert_eq!(found, [package("one", folder, expected)]);
    };
    check("a/one", &["two", "four", "four/a", "four/b", "two/c", "two/d"]);
    // Tests are the purpose of these crates.
    check("tests/one", &["two", "three", "four", "four/a", "four/b", "two/c", "two/d"]);
}

#[tokio::test]
async fn the_workspace_matches_the_table() {
    let workspaces = workspaces().await;
    let all = workspaces.iter().flat_map(|metadata| packages(metadata, workspace::root()));
    let all: Vec<Package> = all.collect();
    let architecture = fs::read_to_string(workspace::at("ARCHITECTURE.md")).expect("the file");
    let found = differences(&architecture, &all);
    assert_eq!(found, Vec::<String>::new());
}
