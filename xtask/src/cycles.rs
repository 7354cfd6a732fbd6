//! Imports between the files of a crate, which must not run in circles.
//!
//! A file imports another one where it names something of it by a path that begins with `crate`,
//! `super` or `self`, in a `use` or anywhere else, tests left out. A name that a module passes on by
//! `use` counts as of the file that defines it. A module and its own submodules are one room, divided
//! into files: imports between a file and one above or below it in the tree of modules do not count.
//!
//! It reads tokens, not the tree of `syn`, because paths within the arguments of macros count as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::{Value, json};

use crate::metadata::{list, relative, text, workspaces};
use crate::workspace;

/// Circles that stay, each by the crate's root file and its modules, with the reason.
const NAMED: [(&str, &[&str], &str); 0] = [];

/// A path of modules below the crate's root.
type Module = Vec<String>;

/// A file of a crate.
#[derive(Debug, Default)]
struct File {
    /// Paths that it names, from the root.
    named: Vec<Module>,
    /// Names that it imports, with where from.
    imported: BTreeMap<String, Module>,
}

/// The files of a crate by their modules.
type Crate = BTreeMap<Module, File>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Root files of the libraries and programs of an answer of `cargo metadata`, wherever they lie.
fn roots(metadata: &Value) -> Vec<&Path> {
    let targets = list(metadata, "packages").iter().flat_map(|package| list(package, "targets"));
    let is_crate =
        |target: &&Value| list(target, "kind").iter().any(|kind| kind == "bin" || kind == "lib");
    targets.filter(is_crate).map(|target| Path::new(text(target, "src_path"))).collect()
}

fn read(root: &Path) -> Crate {
    let mut files = Crate::new();
    let folder = root.parent().expect("a folder");
    add(&mut files, folder, &fs::read_to_string(root).expect("readable"), &Vec::new());
    files
}

/// Adds the file of a module and those of its submodules, which lie in `folder`.
fn add(files: &mut Crate, folder: &Path, text: &str, module: &Module) {
    let tokens: TokenStream = text.parse().expect("Rust");
    let mut file = File::default();
    let mut submodules = Vec::new();
    scan(&mut file, &mut submodules, module, tokens);
    files.insert(module.clone(), file);
    for name in submodules {
        let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        let path = places.iter().find(|path| path.is_file()).expect("a file of each module");
        let text = fs::read_to_string(path).expect("readable");
        let mut below = module.clone();
        below.push(name.clone());
        add(files, &folder.join(name), &text, &below);
    }
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => {
            Some(ident.to_string().trim_start_matches("r#").to_owned())
        }
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn scan(file: &mut File, submodules: &mut Vec<String>, module: &Module, tokens: TokenStream) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let attribute = next.map(ToString::to_string).unwrap_or_default().replace(' ', "");
                at += 2;
                if attribute == "[cfg(test)]" {
                    at = after_item(&tokens, at);
                }
                continue;
            }
            TokenTree::Ident(word) if *word == "mod" && is_punct(tokens.get(at + 2), ';') => {
                submodules.extend(ident(next));
                at += 3;
                continue;
            }
            TokenTree::Ident(word) if *word == "use" && !is_punct(next, '<') => {
                let end =
                    at + tokens[at..].iter().take_while(|it| !is_punct(Some(it), ';')).count();
                let mut paths = Vec::new();
                branches(&tokens[at + 1..end], Vec::new(), &mut paths);
                for (path, name) in paths {
                    // Of other crates, unless it begins in this one or with a submodule.
                    let path = match path.first().map(String::as_str) {
                        Some("crate" | "super" | "self") => path,
                        Some(first) if submodules.iter().any(|name| name == first) => {
                            [vec!["self".to_owned()], path].concat()
                        }
                        _ => continue,
                    };
                    let path = absolute(module, &path);
                    file.imported.insert(name, path.clone());
                    file.named.push(path);
                }
                at = end + 1;
                continue;
            }
            TokenTree::Ident(word) if *word == "crate" || *word == "super" || *word == "self" => {
                let mut path = vec![word.to_string()];
                while is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':') {
                    let Some(name) = ident(tokens.get(at + 3)) else { break };
                    path.push(name);
                    at += 3;
                }
                if path.len() > 1 {
                    file.named.push(absolute(module, &path));
                }
            }
            TokenTree::Group(group) => scan(file, submodules, module, group.stream()),
            _ => {}
        }
        at += 1;
    }
}

/// Index after the item that begins at `from`: behind its `;` or its braces.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    };
    let rest = tokens.get(from..).unwrap_or_default();
    from + rest.iter().position(is_end).map_or(rest.len(), |end| end + 1)
}

/// The paths of a `use`, each with the name that it gives.
fn branches(tokens: &[TokenTree], mut path: Module, paths: &mut Vec<(Module, String)>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(word) if *word == "as" => {
                let name = ident(tokens.get(at + 1)).unwrap_or_default();
                paths.push((path, name));
                return;
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| is_punct(Some(token), ',')) {
                    if !branch.is_empty() {
                        branches(branch, path.clone(), paths);
                    }
                }
                return;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => break,
            _ => {}
        }
        at += 1;
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = path.last().cloned().unwrap_or_default();
    paths.push((path, name));
}

/// The path from the root. Within a module written into a file, `super` may be that file itself; it
/// is taken as the module above, which is never more than an import that does not count.
fn absolute(module: &Module, path: &Module) -> Module {
    let mut from = module.clone();
    for (index, part) in path.iter().enumerate() {
        match part.as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => drop(from.pop()),
            _ => return [from, path.get(index..).unwrap_or_default().to_vec()].concat(),
        }
    }
    from
}

/// The file that defines what `path` names.
fn definition(files: &Crate, path: &Module, seen: &mut BTreeSet<Module>) -> Module {
    let depth = (0..=path.len()).rev().find(|&depth| files.contains_key(&path[..depth]));
    let module = path[..depth.unwrap_or(0)].to_vec();
    let passed_on = path.get(module.len()).and_then(|name| files[&module].imported.get(name));
    match passed_on {
        Some(origin) if seen.insert(path.clone()) => {
            let rest = path.get(module.len() + 1..).unwrap_or_default();
            definition(files, &[origin.as_slice(), rest].concat(), seen)
        }
        _ => module,
    }
}

/// The files that each file imports, those above and below it left out.
fn imports(files: &Crate) -> Imports {
    let imported = |(module, file): (&Module, &File)| {
        let named = file.named.iter();
        let imported = named.map(|path| definition(files, path, &mut BTreeSet::new()));
        let is_beside = |other: &Module| !other.starts_with(module) && !module.starts_with(other);
        (module.clone(), imported.filter(is_beside).collect())
    };
    files.iter().map(imported).collect()
}

/// Files that import each other, directly or over others.
fn circles(imports: &Imports) -> BTreeSet<Vec<Module>> {
    let reached = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut ahead: Vec<&Module> = imports[from].iter().collect();
        while let Some(module) = ahead.pop() {
            if reached.insert(module.clone()) {
                ahead.extend(&imports[module]);
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|module| (module, reached(module))).collect();
    let circle_of = |module: &Module| -> Vec<Module> {
        let others = reached[module].iter().filter(|other| reached[other].contains(module));
        others.cloned().collect()
    };
    imports.keys().map(circle_of).filter(|circle| !circle.is_empty()).collect()
}

fn names(circle: &[Module]) -> Vec<String> {
    circle.iter().map(|module| module.join("::")).collect()
}

#[test]
fn circles_are_found() {
    let check = |texts: &[(&str, &str)], expected: &[&[&str]]| {
        let mut files = Crate::new();
        for (module, text) in texts {
            let module: Module =
                module.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
            let mut file = File::default();
            let mut submodules = Vec::new();
            scan(&mut file, &mut submodules, &module, text.parse().unwrap());
            files.insert(module, file);
        }
        let found: Vec<Vec<String>> =
            circles(&imports(&files)).iter().map(|circle| names(circle)).collect();
        assert_eq!(found, expected, "{texts:?}");
    };
    let root = ("", "mod a; mod b; mod c; pub use b::B;");
    check(&[root, ("a", "use super::b::B;"), ("b", ""), ("c", "")], &[]);
    check(
        &[root, ("a", "use crate::b::B;"), ("b", "fn b() { super::a::x() }"), ("c", "")],
        &[&["a", "b"]],
    );
    // Over a third, and by the name that the root passes on.
    check(
        &[
            root,
            ("a", "use crate::{B, C as D};"),
            ("b", "use super::c::{self, C};"),
            ("c", "m!(crate::a::A);"),
        ],
        &[&["a", "b", "c"]],
    );
    // A module and what lies below it are one.
    check(&[root, ("a", "mod d; use d::D;"), ("a::d", "use super::A;"), ("b", ""), ("c", "")], &[]);
    check(&[root, ("a", ""), ("b", "#[cfg(test)] mod tests { use crate::a::A; }"), ("c", "")], &[]);
    check(
        &[
            root,
            ("a", "use crate::b;"),
            ("b", "#[cfg(test)] use crate::a::A; fn f() {}"),
            ("c", ""),
        ],
        &[],
    );
}

#[test]
fn roots_of_libraries_and_programs() {
    let metadata = json!({ "packages": [{ "targets": [
        { "kind": ["lib"], "src_path": "/checkout/a/src/lib.rs" },
        { "kind": ["bin"], "src_path": "/checkout/a/src/command/main.rs" },
        { "kind": ["test"], "src_path": "/checkout/a/tests/field.rs" },
    ]}]});
    let expected = ["/checkout/a/src/lib.rs", "/checkout/a/src/command/main.rs"];
    assert_eq!(roots(&metadata), expected.map(Path::new));
}

#[tokio::test]
async fn no_files_import_each_other_but_those_named() {
    let mut found = Vec::new();
    let mut edges = Vec::new();
    let workspaces = workspaces().await;
    for root in workspaces.iter().flat_map(roots) {
        let imports = imports(&read(root));
        let root = relative(root, workspace::root());
        for circle in circles(&imports) {
            for module in &circle {
                for other in imports[module].iter().filter(|other| circle.contains(other)) {
                    let [module, other] = [module, other].map(|module| module.join("::"));
                    edges.push(format!("{root}: {module} imports {other}"));
                }
            }
            found.push((root.clone(), names(&circle)));
        }
    }
    let named: Vec<(String, Vec<String>)> = NAMED
        .iter()
        .map(|(root, modules, _)| {
            ((*root).to_owned(), modules.iter().map(|&module| module.to_owned()).collect())
        })
        .collect();
    assert_eq!(found, named, "{edges:#?}");
}
