//! Check of the tree for leftovers, secrets, paths of one machine, and files that are too large.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;
use crate::process::output_of;
use crate::workspace;

/// Maximum number of lines in a source file.
const SOURCE_LINES: usize = 600;
/// Maximum size of a source file, in bytes.
const FILE_BYTES: u64 = 1_500_000;

/// Words of unfinished work, and paths of a person's machine. They are split in two here, so that
/// this file passes.
const STRAYS: [(&str, &str); 11] = [
    (concat!("todo", "!("), "unfinished"),
    (concat!("unimplemented", "!("), "unfinished"),
    (concat!("FIX", "ME"), "unfinished"),
    (concat!("X", "XX"), "unfinished"),
    (concat!("#[ign", "ore"), "a test that does not run"),
    (concat!("test.sk", "ip("), "a test that does not run"),
    (concat!("it.sk", "ip("), "a test that does not run"),
    (concat!("test.on", "ly("), "keeps the other tests from running"),
    (concat!("describe.on", "ly("), "keeps the other tests from running"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
];

/// All findings.
#[derive(Debug, thiserror::Error)]
#[error("{} to look at:\n  {}", .0.len(), .0.join("\n  "))]
pub(crate) struct Strays(Vec<String>);

/// Checks every file that is or would be committed, and returns their number.
pub(crate) async fn check() -> Result<usize, Failure> {
    let files = files().await;
    let mut strays = Vec::new();
    for path in &files {
        let full = workspace::at(path);
        let Ok(bytes) = fs::metadata(&full).map(|metadata| metadata.len()) else { continue };
        if bytes > FILE_BYTES {
            strays.push(format!("{}: {bytes} bytes", path.display()));
        } else if let Ok(text) = fs::read_to_string(&full) {
            strays.extend(
                look(path, &text).into_iter().map(|stray| format!("{}: {stray}", path.display())),
            );
        }
    }
    strays.extend(versions()?);
    if strays.is_empty() { Ok(files.len()) } else { Err(Strays(strays).into()) }
}

/// Files that git has or would add; without git, sources cannot be distinguished from build
/// results.
async fn files() -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    output_of(&mut git).await.unwrap_or_default().lines().map(PathBuf::from).collect()
}

fn look(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == "package-lock.json" {
        if text.contains("\"resolved\"") {
            found.push("names the registry: npm ci would only use that one".to_owned());
        }
        return found;
    }
    if name == "Cargo.lock" {
        let foreign = text.lines().find(|line| {
            line.starts_with("source = ")
                && !line.contains("registry+https://github.com/rust-lang/crates.io-index")
        });
        found.extend(foreign.map(|line| format!("a crate from elsewhere: {line}")));
        return found;
    }
    let source = matches!(extension.as_str(), "rs" | "ts" | "tsx" | "mjs");
    // Generated files may be long, one for each package of `proto/`.
    let generated = path.components().any(|part| part.as_os_str() == "generated");
    let lines = text.lines().count();
    if source && !generated && lines > SOURCE_LINES {
        found.push(format!("{lines} lines, at most {SOURCE_LINES}"));
    }
    for (number, line) in text.lines().enumerate() {
        for (word, why) in STRAYS {
            if line.contains(word) {
                found.push(format!("line {}: `{word}`, {why}", number + 1));
            }
        }
    }
    if holds_private_key(text) {
        found.push("a private key".to_owned());
    }
    found
}

/// Whether a text has a PEM header with key material; the header alone is a placeholder in a form.
fn holds_private_key(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line.contains("PRIVATE KEY-----") && line.contains("BEGIN") {
            let next = lines.clone().next().unwrap_or_default();
            let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            if next.len() >= 40 && next.chars().all(base64) {
                return true;
            }
        }
    }
    false
}

/// The archive has one version: Cargo's and npm's must be equal.
fn versions() -> Result<Option<String>, Failure> {
    let package: serde_json::Value =
        serde_json::from_slice(&fs::read(workspace::at("package.json"))?)?;
    let npm = package.get("version").and_then(|version| version.as_str()).unwrap_or_default();
    let cargo = env!("CARGO_PKG_VERSION");
    Ok((npm != cargo).then(|| format!("package.json says version {npm}, Cargo.toml {cargo}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forbidden_content_is_reported() {
        fn check(path: &str, text: &str, expected: &[&str]) {
            assert_eq!(look(Path::new(path), text), expected, "{path}");
        }
        check("a.rs", "fn main() {}\n", &[]);
        check("a.rs", concat!("\nto", "do!()"), &[concat!("line 2: `to", "do!(`, unfinished")]);
        check(
            "a.md",
            concat!("see /ro", "ot/x"),
            &[concat!("line 1: `/ro", "ot/`, a path of one machine")],
        );
        check("a.rs", &"x\n".repeat(601), &["601 lines, at most 600"]);
        check("src/generated/a.rs", &"x\n".repeat(601), &[]);
        check("a.json", &"x\n".repeat(601), &[]);
        check(
            "package-lock.json",
            "{\"resolved\": \"x\"}",
            &["names the registry: npm ci would only use that one"],
        );
        check("package-lock.json", "{\"integrity\": \"sha512\"}", &[]);
        check(
            "Cargo.lock",
            "source = \"git+https://example.org/x\"",
            &["a crate from elsewhere: source = \"git+https://example.org/x\""],
        );
    }

    #[test]
    fn a_key_is_distinguished_from_a_placeholder() {
        fn check(after: &str, expected: bool) {
            let text = format!("-----BEGIN {}PRIVATE KEY-----\n{after}\n", "EC ");
            assert_eq!(holds_private_key(&text), expected, "{after:?}");
        }
        check(&"MHcCAQEE".repeat(8), true);
        check("...", false);
        check("", false);
    }
}
