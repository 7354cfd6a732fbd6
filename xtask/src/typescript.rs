//! TypeScript declarations of Rust types: examples of the crates write them in ts-rs' format, which
//! is converted here to the frontend's.

use std::fmt::Write as _;
use std::path::Path;

use crate::example::{self, ExampleError};

/// A file of declarations, and the crate whose example `…-typescript` writes it.
pub(crate) struct Declarations {
    pub(crate) file: &'static str,
    pub(crate) package: &'static str,
}

pub(crate) const ALL: [Declarations; 2] = [
    Declarations { file: "src/datasource/query/generated.ts", package: "query" },
    Declarations { file: "src/panel/engine/generated.ts", package: "frontend-wasm" },
];

impl Declarations {
    pub(crate) fn path(&self) -> &'static Path {
        Path::new(self.file)
    }

    /// The file's content.
    ///
    /// Errors: the crate does not compile, or its example fails.
    pub(crate) fn text(&self) -> Result<String, ExampleError> {
        let package = self.package;
        let example = format!("{package}-typescript");
        let output = example::output(package, &example, &["--features", "typescript"])?;
        let blocks: Vec<String> = output.trim().split("\n\n").map(formatted).collect();
        let head =
            format!("// Made from the crate `{package}` by `cargo xtask gen`; change it there.");
        Ok(format!("{head}\n\n{}\n", blocks.join("\n\n")))
    }
}

/// A declaration with one field per line, and the frontend's quotes and lists.
fn formatted(declared: &str) -> String {
    let object = declared
        .strip_prefix("export type ")
        .and_then(|rest| rest.split_once(" = {"))
        .and_then(|(name, rest)| Some((name, rest.rsplit_once('}')?)));
    let Some((name, (fields, tail))) = object else {
        let is_type = declared.starts_with("export type ");
        return if is_type { single_quoted(declared) } else { declared.to_owned() };
    };
    let fields = formatted_fields(fields);
    match tail.trim_end_matches(';') {
        "" => format!("export interface {name} {{\n{fields}}}"),
        more => format!("export type {name} = {{\n{fields}}}{more};"),
    }
}

fn formatted_fields(fields: &str) -> String {
    // Writing to a string cannot fail.
    let mut out = String::new();
    let mut rest = fields.trim_start();
    while !rest.is_empty() {
        if let Some((docs, after)) = rest.strip_prefix("/**").and_then(|rest| rest.split_once("*/"))
        {
            let lines = docs.lines().map(|line| line.trim().trim_start_matches('*').trim());
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            let _ = writeln!(out, "  /** {} */", lines.join(" "));
            rest = after.trim_start();
            continue;
        }
        let (field, after) = rest.split_at_checked(field_length(rest)).unwrap_or((rest, ""));
        let _ = writeln!(out, "  {};", list_of_names(&single_quoted(field.trim())));
        rest = after.trim_start_matches(',').trim_start();
    }
    out
}

/// Number of bytes up to the comma after a field.
fn field_length(fields: &str) -> usize {
    let (mut depth, mut is_quoted) = (0_u32, false);
    for (at, char) in fields.char_indices() {
        match char {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '{' | '<' | '(' | '[' => depth += 1,
            '}' | '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    fields.len()
}

/// `Array<string>` → `string[]`.
fn list_of_names(field: &str) -> String {
    let Some((before, rest)) = field.split_once("Array<") else { return field.to_owned() };
    match rest.split_once('>') {
        Some((item, after)) if item.chars().all(char::is_alphanumeric) => {
            format!("{before}{item}[]{}", list_of_names(after))
        }
        _ => format!("{before}Array<{}", list_of_names(rest)),
    }
}

/// `"a"` → `'a'`, except for texts with an apostrophe.
fn single_quoted(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('"').enumerate() {
        let quote = if part.contains('\'') { '"' } else { '\'' };
        // Every other part is in quotes.
        if number % 2 == 1 {
            out.extend([quote]);
            out += part;
            out.extend([quote]);
        } else {
            out += part;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn declarations_have_the_format_of_the_frontend() {
        let check = |declared: &str, want: &str| assert_eq!(formatted(declared), want);
        check("export const a = 1;", "export const a = 1;");
        check(
            r#"export type Kind = "DNS" | "server's";"#,
            r#"export type Kind = 'DNS' | "server's";"#,
        );
        check(
            "export type Fix = { \n/**\n * Rows, by\n * number.\n */\nrows: Array<number>, \
             map: Record<string, Array<[string, number]>>, more?: boolean, };",
            "export interface Fix {\n  /** Rows, by number. */\n  rows: number[];\n  \
             map: Record<string, Array<[string, number]>>;\n  more?: boolean;\n}",
        );
        check(
            "export type A = { a: \"x, y\", } & Partial<B>;",
            "export type A = {\n  a: 'x, y';\n} & Partial<B>;",
        );
    }
}
