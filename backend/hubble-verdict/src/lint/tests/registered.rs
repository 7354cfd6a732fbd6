//! Documentation of lints: its parts, and its examples.

use std::collections::HashSet;

use cilium_policy::RefusalClass;

use super::*;

/// A fenced block: `yaml fires enable-ipv6:true`.
struct Block {
    language: String,
    is_firing: bool,
    settings: Settings,
    text: String,
}

/// Blocks of an example, in their order.
fn blocks(lint: &Description) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = lint.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut words = info.split(' ');
        let language = words.next().unwrap().to_owned();
        let is_firing = match words.next() {
            Some("fires") => true,
            Some("silent") => false,
            other => panic!("{}: a block is marked {other:?}", lint.id),
        };
        let mut settings = Settings::default();
        for word in words {
            let (name, value) = word.split_once(':').unwrap();
            assert!(settings.set(name, value), "{}: {word}", lint.id);
        }
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            writeln!(text, "{line}").unwrap();
        }
        blocks.push(Block { language, is_firing, settings, text });
    }
    blocks
}

/// Policies of an example; one that begins with `spec:` gets the head of a CiliumNetworkPolicy.
fn policy(text: &str) -> String {
    if text.starts_with("spec:") {
        let head = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: shop, namespace: pets}\n";
        format!("{head}{text}")
    } else {
        text.to_owned()
    }
}

/// Whether an example has the lint's finding. No policy of an example may be refused, unless the refusal is the finding.
fn fires(lint: &Description, is_firing: bool) -> bool {
    let blocks = blocks(lint);
    let of = |language: &'static str, is_firing: bool| {
        let is_it = move |own: &&Block| own.language == language && own.is_firing == is_firing;
        blocks.iter().find(is_it)
    };
    let has_own = of("yaml", is_firing).is_some() || of("jsonl", is_firing).is_some();
    assert!(has_own, "{}: firing or silent example is missing", lint.id);
    let block = of("yaml", is_firing).or_else(|| of("yaml", true)).expect(lint.id);
    let flows: Vec<Flow> = of("jsonl", is_firing)
        .map(|block| block.text.lines())
        .into_iter()
        .flatten()
        .map(|line| {
            let read = hubble_api::json::read_line(line.as_bytes()).expect(lint.id);
            read.record.into_flow().expect(lint.id).expect(lint.id)
        })
        .collect();
    let policy = policy(&block.text);
    let found = findings(&policy, &block.settings, &flows);
    let text = SourceText { index: 0, text: &policy };
    for refused in PolicySet::read(&[text], block.settings.clone()).refused() {
        // A policy that kubectl alone refuses may be stored all the same.
        let is_stored = refused.refusal.class == RefusalClass::Strict;
        let is_found = found.iter().any(|own| own.id() == lint.id && own.at == refused.refusal.at);
        let is_meant = is_firing && (is_stored || is_found);
        assert!(is_meant || !refused.refusal.class.is_error(), "{}: {refused:?}", lint.id);
    }
    found.iter().any(|own| own.id() == lint.id)
}

#[test]
fn each_lint_fires_on_one_example_and_not_on_the_other() {
    for lint in crate::lints::all() {
        assert!(fires(lint, true), "{}: its example does not fire", lint.id);
        assert!(!fires(lint, false), "{}: its silent example fires", lint.id);
    }
}

#[test]
fn documentation_has_its_parts() {
    let mut ids = HashSet::new();
    for lint in crate::lints::all() {
        assert!(ids.insert(lint.id), "{} is declared twice", lint.id);
        let is_of_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(lint.id.bytes().all(is_of_id), "{}", lint.id);
        assert!(!lint.title().is_empty() && !lint.title().ends_with('.'), "{}", lint.id);
        let headings: Vec<&str> = lint.lines().filter_map(|own| own.strip_prefix("## ")).collect();
        let expect = ["What it means", "Why it matters", "Example", "Fix"];
        assert_eq!(headings, expect, "{}", lint.id);
        let lines: Vec<&str> = lint.lines().filter(|line| !line.is_empty()).collect();
        let is_heading = |line: &str| line.starts_with("## ");
        let is_empty = lines.windows(2).any(|pair| is_heading(pair[0]) && is_heading(pair[1]));
        assert!(!is_empty && !is_heading(lines[lines.len() - 1]), "{}: an empty part", lint.id);
    }
}
