//! Validation of a decoded object against its schema: `OpenAPI` types and limits, in the server's
//! words.

use hashbrown::HashMap;
use vocabulary::re2::Regex;

use super::schema::{Format, Integer, Object, Rule, Text, Type};
use super::sloppy;
use crate::{
    document::{Refusal, RefusalCase},
    source::{Node, Value},
};

/// A validator of values; it compiles each pattern once.
#[derive(Default)]
pub(super) struct Check {
    patterns: HashMap<&'static str, Option<Regex>>,
}

type Checked = Result<(), Refusal>;

impl Check {
    /// Checks an object without the fields that every object has.
    pub(super) fn root(&mut self, node: &Node, table: &'static Object) -> Checked {
        self.object(node, table, "")
    }

    pub(super) fn node(&mut self, node: &Node, is: &Type, path: &str) -> Checked {
        match (&node.value, is) {
            // The server's validator ignores the type where a format is given, even for lists.
            (_, Type::Any)
            | (Value::Bool(_), Type::Boolean)
            | (Value::List(_), Type::Text(Text { format: Some(Format::Cidr), .. })) => Ok(()),
            (Value::Map(_), Type::Object(object)) => self.object(node, object, path),
            (Value::Map(entries), Type::Map(item)) => entries
                .iter()
                .try_for_each(|(key, node)| self.node(node, item, &format!("{path}.{}", key.name))),
            (Value::List(items), Type::List(list)) => {
                if !(list.least..=list.most).contains(&items.len()) {
                    let (count, most) = (items.len(), list.most);
                    return Err(if count > most {
                        refused(
                            node,
                            path,
                            &format!("Too many: {count}: must have at most {most} items"),
                        )
                    } else {
                        refused(node, path, &format!("should have at least {} items", list.least))
                    });
                }
                for (index, node) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.node(node, &list.item, &path)?;
                    let is_twice = |other: &Node| other.value == node.value;
                    if list.is_set && items.iter().take(index).any(is_twice) {
                        return Err(refused(node, &path, "Duplicate value"));
                    }
                }
                Ok(())
            }
            (Value::String(text), Type::Text(limits)) => self.text(node, text, limits, path),
            // The pattern applies only to a text.
            (Value::String(text), Type::IntegerOrText(limits)) => {
                self.text(node, text, limits, path)
            }
            (value, Type::IntegerOrText(_)) if value.whole_number().is_some() => Ok(()),
            (value, Type::Integer(limits)) => match value.whole_number() {
                Some(number) => integer(node, number, limits, path),
                None => Err(mistyped(node, is, path)),
            },
            _ => Err(mistyped(node, is, path)),
        }
    }

    fn object(&mut self, node: &Node, object: &Object, path: &str) -> Checked {
        let Value::Map(entries) = &node.value else { return Ok(()) };
        let there = |names: &[&str]| names.iter().filter(|name| node.get(name).is_some()).count();
        for field in object.fields.iter().filter(|field| field.is_required) {
            if node.get(field.name).is_none() {
                return Err(refused(node, &format!("{path}.{}", field.name), "Required value"));
            }
        }
        let (least, most) = object.properties;
        if entries.len() < least {
            return Err(refused(node, path, &format!("should have at least {least} properties")));
        }
        if entries.len() > most {
            let count = entries.len();
            return Err(refused(
                node,
                path,
                &format!("Too many: {count}: must have at most {most} item"),
            ));
        }
        let one = there(object.one_of);
        if !object.one_of.is_empty() && one != 1 {
            let names = object.one_of.join(", ");
            let found = if one == 0 { "none".to_owned() } else { one.to_string() };
            return Err(refused(
                node,
                path,
                &format!("exactly one of {names} must be there, found {found}"),
            ));
        }
        if !object.any_of.is_empty() && there(object.any_of) == 0 {
            let names = object.any_of.join(", ");
            return Err(refused(node, path, &format!("one of {names} must be there")));
        }
        for (key, value) in entries {
            if let Some(field) = object.field(&key.name) {
                self.node(value, &field.is, &format!("{path}.{}", key.name))?;
            }
        }
        let number = |name| node.get(name).and_then(|node| node.value.whole_number());
        if object.rule == Some(Rule::StartBeforeEnd) && number("start") >= number("end") {
            return Err(refused(node, path, "Start port must be less than End port"));
        }
        Ok(())
    }

    fn text(&mut self, node: &Node, text: &str, limits: &Text, path: &str) -> Checked {
        let refuse =
            |why: String| Err(refused(node, path, &format!("Invalid value: {text:?}: {why}")));
        let length = text.chars().count();
        if length > limits.most {
            return refuse(format!("may not be more than {} characters", limits.most));
        }
        if length < limits.least {
            return refuse(format!("should be at least {} chars long", limits.least));
        }
        if !limits.choices.is_empty() && !limits.choices.contains(&text) {
            let choices = limits.choices.join(", ");
            return Err(refused(
                node,
                path,
                &format!("Unsupported value: {text:?}: supported values: {choices}"),
            ));
        }
        if !limits.pattern.is_empty() && !self.matches(limits.pattern, text) {
            return refuse(format!("should match '{}'", limits.pattern));
        }
        let is_well_formed = match limits.format {
            None => true,
            Some(Format::Cidr) => sloppy::prefix(text).is_some(),
            Some(Format::MaskedCidr) => sloppy::is_masked(text),
            Some(Format::NoOthers) => !text.chars().any(is_other),
            Some(Format::Time) => is_time(text),
        };
        if is_well_formed {
            Ok(())
        } else {
            refuse("not in the form that the field asks for".to_owned())
        }
    }

    /// Whether the pattern matches a part of the text.
    fn matches(&mut self, pattern: &'static str, text: &str) -> bool {
        let regex = self
            .patterns
            .entry(pattern)
            .or_insert_with(|| Regex::new(&format!("(?s:.*)(?:{pattern})(?s:.*)")).ok());
        regex.as_ref().and_then(|regex| regex.matches(text)).unwrap_or(false)
    }
}

fn integer(node: &Node, number: i64, limits: &Integer, path: &str) -> Checked {
    let is_in = (limits.least..=limits.most).contains(&number)
        && (!limits.is_int32 || i32::try_from(number).is_ok());
    if is_in {
        return Ok(());
    }
    let why = if number < limits.least {
        format!("should be greater than or equal to {}", limits.least)
    } else if number > limits.most {
        format!("should be less than or equal to {}", limits.most)
    } else {
        let why = format!("Invalid value: {number}: must be of type integer with format int32");
        return Err(refused(node, path, &why).of_case(RefusalCase::WrongType));
    };
    Err(refused(node, path, &format!("Invalid value: {number}: {why}")))
}

/// A refusal in the server's words, which name a field by its path.
pub(super) fn refused(node: &Node, path: &str, why: &str) -> Refusal {
    let path = path.strip_prefix('.').unwrap_or(path);
    let case = if is_removed(path) { RefusalCase::RemovedField } else { RefusalCase::Other };
    let path = if path.is_empty() { "the object" } else { path };
    Refusal::server(node.at, format!("{path}: {why}")).of_case(case)
}

/// Whether a path leads to, or into, a field that the schema keeps for older releases.
pub(super) fn is_removed(path: &str) -> bool {
    path.split(['.', '[']).any(|part| matches!(part, "fromRequires" | "toRequires"))
}

/// The refusal of a value of the wrong type.
pub(super) fn mistyped(node: &Node, is: &Type, path: &str) -> Refusal {
    let wanted = match is {
        Type::Any => "any",
        Type::Boolean => "boolean",
        Type::Integer(_) => "integer",
        Type::Text(_) => "string",
        Type::IntegerOrText(_) => "integer or string",
        Type::List(_) => "array",
        Type::Map(_) | Type::Object(_) => "object",
    };
    let given = match &node.value {
        Value::Integer(_) | Value::Unsigned(_) => "integer",
        Value::Bool(_) => "boolean",
        _ => node.json_kind(),
    };
    let is_boolean = matches!((&node.value, is), (Value::Bool(_), Type::Text(_)));
    let refusal = refused(node, path, &format!("must be of type {wanted}: {given:?}"));
    let case = refusal.case.min(RefusalCase::of_type(is_boolean));
    let refusal = refusal.of_case(case);
    match (&node.value, is) {
        (Value::Bool(_) | Value::Integer(_) | Value::Float(_), Type::Text(_)) => {
            refusal.noted("put the value in quotes")
        }
        _ => refusal,
    }
}

/// Whether a character is in Unicode's class C as Go has it, without unassigned ones.
fn is_other(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
                | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
                | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}'
                | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}'
                | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}'
        )
}

/// Whether a text is an RFC 3339 time, as `2026-01-31T10:00:00Z`.
pub(super) fn is_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(19) else { return false };
    let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let fraction = rest
        .strip_prefix('.')
        .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let is_zone = fraction == "Z"
        || fraction.strip_prefix(['+', '-']).is_some_and(|zone| {
            zone.len() == 5
                && zone.get(2..3) == Some(":")
                && zone.bytes().filter(u8::is_ascii_digit).count() == 4
        });
    form == "0000-00-00T00:00:00" && is_zone
}
