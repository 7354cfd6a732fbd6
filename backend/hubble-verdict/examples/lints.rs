//! The documentation of lints as Markdown, on standard output: `docs/lints.md`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use cilium_policy::{Description, Severity};

const HEAD: &str = "\
# Lints

<!-- Made from the crates `cilium-policy` and `hubble-verdict` by `cargo xtask gen`; change it there. -->

`hubble-verdict --lint` and the panel name what is allowed, and probably not meant. An error says that the policy does
not do what it says; a warning, that it may do something else than it seems to; a hint is good to know.

Policies in the examples that begin with `spec:` are those of a CiliumNetworkPolicy in the namespace `pets`. Flows are
lines of `hubble observe -o jsonpb`. A setting is given with `--settings`
([Settings](policies.md#settings)).

| id | severity | what it finds |
| --- | --- | --- |
";

fn main() -> io::Result<()> {
    let mut lints: Vec<&Description> = hubble_verdict::lints::all().collect();
    lints.sort_by_key(|lint| lint.id);
    let mut out = HEAD.to_owned();
    for lint in &lints {
        let (id, title) = (lint.id, lint.title());
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| [`{id}`](#{id}) | {} | {title} |", severities(lint));
    }
    for lint in &lints {
        section(lint, &mut out);
    }
    io::stdout().write_all(out.as_bytes())
}

fn severities(lint: &Description) -> String {
    let all = [lint.severity].into_iter().chain(lint.others.iter().copied());
    all.map(Severity::name).collect::<Vec<_>>().join(", ")
}

/// The documentation of a lint, under a heading that is its id.
fn section(lint: &Description, out: &mut String) {
    let _ = write!(out, "\n## {}\n\n{} ({}).\n", lint.id, lint.title(), severities(lint));
    let mut is_in_block = false;
    let mut has_silent_policy = false;
    for line in lint.lines().skip(1) {
        let fence = line.strip_prefix("```").filter(|_| !is_in_block);
        is_in_block = if line.starts_with("```") { !is_in_block } else { is_in_block };
        let _ = match (fence, line.strip_prefix("## ")) {
            (Some(info), _) => {
                let (language, mark) = info.split_once(' ').unwrap_or((info, ""));
                let (is_firing, settings) = match mark.split_once(' ') {
                    Some((mark, settings)) => (mark == "fires", settings),
                    None => (mark == "fires", ""),
                };
                has_silent_policy |= language == "yaml" && !is_firing;
                let caption = match (language, is_firing) {
                    ("yaml", true) => "Found",
                    ("yaml", false) => "Not found",
                    (_, false) if !has_silent_policy => "Not found with this flow",
                    _ => "With this flow",
                };
                let with = if settings.is_empty() {
                    String::new()
                } else {
                    format!(" (setting `{}`)", settings.replace(':', "="))
                };
                let language = if language == "jsonl" { "json" } else { language };
                writeln!(out, "{caption}{with}:\n\n```{language}")
            }
            (None, Some(heading)) if !is_in_block => writeln!(out, "### {heading}"),
            _ => writeln!(out, "{line}"),
        };
    }
}
