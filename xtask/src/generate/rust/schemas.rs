//! The schemas of policies as Rust tables, from `backend/cilium-policy/schemas/policies.facts`.

use std::fmt::Write;

/// Error for a line of the facts that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the facts: `{text}` is not a fact")]
pub(crate) struct UnreadableFact {
    line: usize,
    text: String,
}

/// Writes the tables as Rust.
///
/// Errors: a line that is not a fact.
pub(crate) fn tables(facts: &str) -> Result<String, UnreadableFact> {
    let mut out = String::from(
        "// Made from schemas/policies.facts by `cargo xtask gen`; change it there.\n\n\
         use crate::server::schema::{Field, Format, Integer, List, Object, Rule, Text, Type};\n",
    );
    let mut object: Option<Facts> = None;
    let mut scalars: Vec<(&str, &str)> = Vec::new();
    for (number, text) in facts.lines().enumerate() {
        let unreadable = || UnreadableFact { line: number + 1, text: text.to_owned() };
        if text.starts_with('#') || text.is_empty() {
            continue;
        }
        if let Some(fact) = text.strip_prefix("  ") {
            let object = object.as_mut().ok_or_else(unreadable)?;
            object.take(fact, &scalars).ok_or_else(unreadable)?;
            continue;
        }
        if let Some(object) = object.take() {
            out.push_str(&object.written());
        }
        let (kind, rest) = text.split_once(' ').ok_or_else(unreadable)?;
        let (name, limits) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "object" => object = Some(Facts::new(name)),
            "text" | "int" | "int-or-text" => {
                scalars.push((name, kind));
                out.push_str(&scalar(kind, name, limits).ok_or_else(unreadable)?);
            }
            _ => return Err(unreadable()),
        }
    }
    if let Some(object) = object {
        out.push_str(&object.written());
    }
    Ok(out)
}

/// The facts about an object.
struct Facts {
    name: String,
    fields: String,
    others: String,
}

impl Facts {
    fn new(name: &str) -> Self {
        Self { name: constant(name), fields: String::new(), others: String::new() }
    }

    fn take(&mut self, fact: &str, scalars: &[(&str, &str)]) -> Option<()> {
        let (word, rest) = fact.split_once(' ')?;
        let names = || rest.split(' ').map(|name| format!("{name:?}")).collect::<Vec<_>>();
        let others = &mut self.others;
        match word {
            "one-of" => writeln!(others, "    one_of: &[{}],", names().join(", ")).ok()?,
            "any-of" => writeln!(others, "    any_of: &[{}],", names().join(", ")).ok()?,
            "properties" => {
                let (least, most) = bounds(rest)?;
                writeln!(others, "    properties: ({least}, {most}),").ok()?;
            }
            "rule" if rest == "start-before-end" => {
                writeln!(others, "    rule: Some(Rule::StartBeforeEnd),").ok()?;
            }
            _ => {
                let (name, is_required) =
                    word.strip_suffix('!').map_or((word, false), |name| (name, true));
                let mut words = rest.split(' ');
                let type_ = words.next()?;
                let (mut items, mut is_set, mut default) =
                    ((0, "usize::MAX".to_owned()), false, "");
                for word in words {
                    match word.split_once('=') {
                        Some(("items", range)) => items = bounds(range)?,
                        Some(("default", value)) => default = value,
                        Some(("keyed", _)) => {}
                        None if word == "set" => is_set = true,
                        _ => return None,
                    }
                }
                let type_ = if let Some(item) =
                    type_.strip_prefix('[').and_then(|item| item.strip_suffix(']'))
                {
                    format!(
                        "Type::List(&List {{ item: {}, least: {}, most: {}, is_set: {is_set} }})",
                        reference(item, scalars),
                        items.0,
                        items.1
                    )
                } else if let Some(item) =
                    type_.strip_prefix('{').and_then(|item| item.strip_suffix('}'))
                {
                    format!("Type::Map(&{})", reference(item, scalars))
                } else {
                    reference(type_, scalars)
                };
                let default = if default.is_empty() {
                    "None".to_owned()
                } else {
                    format!("Some({default:?})")
                };
                writeln!(
                    self.fields,
                    "        Field {{ name: {name:?}, is_required: {is_required}, default: {default}, is: {type_} }},"
                )
                .ok()?;
            }
        }
        Some(())
    }

    fn written(&self) -> String {
        format!(
            "\npub(in crate::server) static {}: Object = Object {{\n    fields: &[\n{}    ],\n{}    ..Object::ANY\n}};\n",
            self.name, self.fields, self.others
        )
    }
}

/// Bounds `1..25`; either may be missing.
fn bounds(range: &str) -> Option<(usize, String)> {
    let (least, most) = range.split_once("..")?;
    let least = if least.is_empty() { 0 } else { least.parse().ok()? };
    let most = if most.is_empty() {
        "usize::MAX".to_owned()
    } else {
        most.parse::<usize>().ok()?.to_string()
    };
    Some((least, most))
}

fn reference(name: &str, scalars: &[(&str, &str)]) -> String {
    let kind = scalars.iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind);
    match (name, kind) {
        ("text", _) => "Type::Text(&Text::ANY)".to_owned(),
        ("int", _) => "Type::Integer(&Integer::ANY)".to_owned(),
        ("int-or-text", _) => "Type::IntegerOrText(&Text::ANY)".to_owned(),
        ("bool", _) => "Type::Boolean".to_owned(),
        ("any", _) => "Type::Any".to_owned(),
        (_, Some("text")) => format!("Type::Text(&{})", constant(name)),
        (_, Some("int")) => format!("Type::Integer(&{})", constant(name)),
        (_, Some(_)) => format!("Type::IntegerOrText(&{})", constant(name)),
        (_, None) => format!("Type::Object(&{})", constant(name)),
    }
}

fn scalar(kind: &str, name: &str, limits: &str) -> Option<String> {
    let (words, pattern) = match limits.split_once("pattern=") {
        Some((words, pattern)) => (words, Some(pattern)),
        None => (limits, None),
    };
    let mut fields = String::new();
    if kind == "int" {
        let limit = |name: &str, other: &str| {
            let value = words.split_whitespace().find_map(|word| word.strip_prefix(name));
            value.map_or(Some(other.to_owned()), |value| {
                value.parse::<i64>().ok().map(|n| n.to_string())
            })
        };
        let (least, most) = (limit("min=", "i64::MIN")?, limit("max=", "i64::MAX")?);
        let is_int32 = words.contains("format=int32");
        return Some(format!(
            "\nstatic {}: Integer = Integer {{ least: {least}, most: {most}, is_int32: {is_int32} }};\n",
            constant(name)
        ));
    }
    for word in words.split_whitespace() {
        match word.split_once('=')? {
            ("enum", choices) => {
                let choices: Vec<_> = choices.split('|').map(|one| format!("{one:?}")).collect();
                writeln!(fields, "    choices: &[{}],", choices.join(", ")).ok()?;
            }
            ("min", least) => {
                writeln!(fields, "    least: {},", least.parse::<u32>().ok()?).ok()?;
            }
            ("max", most) => writeln!(fields, "    most: {},", most.parse::<u32>().ok()?).ok()?,
            ("format", format) => {
                let format = match format {
                    "cidr" => "Cidr",
                    "masked-cidr" => "MaskedCidr",
                    "no-others" => "NoOthers",
                    "time" => "Time",
                    _ => return None,
                };
                writeln!(fields, "    format: Some(Format::{format}),").ok()?;
            }
            _ => return None,
        }
    }
    if let Some(pattern) = pattern {
        writeln!(fields, "    pattern: {pattern:?},").ok()?;
    }
    Some(format!("\nstatic {}: Text = Text {{\n{fields}    ..Text::ANY\n}};\n", constant(name)))
}

/// `ToCIDRSet` → `TO_CIDRSET`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = !c.is_ascii_uppercase();
        out.push(c.to_ascii_uppercase());
    }
    out
}
