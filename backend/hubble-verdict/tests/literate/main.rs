//! Cases written as prose: every page of `tests/vectors/*.md`.
//!
//! A page is read from top to bottom. The language of a block is its kind: `yaml` (the spec of one
//! policy) and `requests` (the proxy's verdicts under it); `cast` (endpoints), `manifests` (files
//! in force from here on), `flows` (records with their expected judgements) and `lints` (findings,
//! with their evidence from the flows since the manifests). Other blocks are prose.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken case fails the test")]

mod requests;
mod story;

use std::{fs, path::Path};

/// Kinds of blocks with claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Yaml,
    Requests,
    Cast,
    Manifests,
    Flows,
    Lints,
    Prose,
}

/// Reads a page and checks its claims. Returns the number of claims.
fn check_page(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    let page = fs::read_to_string(path).unwrap();
    let mut title = "";
    let mut spec = String::new();
    let mut story = story::Story::default();
    let mut block: Option<Block> = None;
    let mut checked = 0;
    for (line, number) in page.lines().zip(1..) {
        let at = format!("{name}:{number}, {title}");
        match (block, line) {
            (None, line) if line.starts_with("## ") => title = line.trim_start_matches("## "),
            (None, line) if line.starts_with("```") => {
                let language = line.trim_start_matches('`');
                block = Some(match language {
                    "yaml" => Block::Yaml,
                    "requests" => Block::Requests,
                    "cast" => Block::Cast,
                    "manifests" => Block::Manifests,
                    "flows" => Block::Flows,
                    "lints" => Block::Lints,
                    _ => Block::Prose,
                });
                match block {
                    Some(Block::Yaml) => spec.clear(),
                    Some(Block::Manifests) => story.begin(),
                    _ => {}
                }
            }
            (Some(ended), "```") => {
                if ended == Block::Manifests {
                    story.compile(&at);
                }
                story.finish(&at);
                block = None;
            }
            (Some(Block::Yaml), line) => {
                spec.push_str("  ");
                spec.push_str(line);
                spec.push('\n');
            }
            (Some(Block::Requests), line) => {
                requests::check(&at, &spec, line);
                checked += 1;
            }
            (Some(Block::Cast), line) => story.join(&at, line),
            (Some(Block::Manifests), line) => story.add_manifest(&at, line),
            (Some(Block::Flows), line) => checked += story.flow_line(&at, line),
            (Some(Block::Lints), line) => checked += story.lint_line(&at, line),
            (Some(Block::Prose) | None, _) => {}
        }
    }
    assert_eq!(block, None, "{name}: a block has no end");
    checked
}

#[test]
fn the_proxy_decides_as_written() {
    let checked = check_page("l7.md");
    assert!(checked > 45, "only {checked} requests were found");
}

#[test]
fn the_lab_goes_as_written() {
    let checked = check_page("lab.md");
    assert!(checked > 50, "only {checked} claims were found");
}

#[test]
fn every_page_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut pages: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix(".md").is_some())
        .collect();
    pages.sort();
    assert_eq!(pages, ["l7.md", "lab.md"]);
}
