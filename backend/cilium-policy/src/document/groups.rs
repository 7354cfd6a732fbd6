//! Groups of cloud providers. For each, the operator makes a CIDR group with this label. Source:
//! pkg/policy/api/groups.go.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha224};

use super::{Refusal, object::Object};
use crate::source::{Node, Value};

/// The label key of a group: a hash of its JSON. Its source is `cidrgroup`.
pub(super) fn group_key(node: &Node, path: &str) -> Result<String, Refusal> {
    let mut json = Json::default();
    if let Some(group) = Object::new(node, "Groups", path.to_owned(), &["aws"])? {
        let known =
            ["labels", "securityGroupsIds", "securityGroupsNames", "region", "managedPrefixList"];
        if let Some(aws) = group.object("aws", "AWSGroup", &known)? {
            json.field("aws", &aws_json(&aws)?);
        }
    }
    let hash = Sha224::digest(json.finish().as_bytes());
    Ok(format!("extgrp.cilium.io/{}", URL_SAFE_NO_PAD.encode(hash)))
}

fn aws_json(aws: &Object<'_>) -> Result<String, Refusal> {
    let mut json = Json::default();
    let mut labels = Vec::new();
    if let Some(node) = aws.get("labels") {
        let mismatch =
            |node, kind| super::object::mismatch(node, Some("AWSGroup"), &aws.path("labels"), kind);
        let Value::Map(entries) = &node.value else {
            return Err(mismatch(node, "map[string]string"));
        };
        for (key, value) in entries {
            let text = value
                .as_str()
                .or_else(|| value.is_null().then(Default::default))
                .ok_or_else(|| mismatch(value, "string"))?;
            labels.push((key.name.as_str(), text));
        }
    }
    crate::sorted::sort(&mut labels);
    let mut label_json = Json::default();
    for (key, value) in &labels {
        label_json.field(key, &quoted(value));
    }
    if !labels.is_empty() {
        json.field("labels", &label_json.finish());
    }
    json.texts(aws, "securityGroupsIds")?;
    json.texts(aws, "securityGroupsNames")?;
    let region = aws.string_or_empty("region")?;
    if !region.is_empty() {
        json.field("region", &quoted(&region));
    }
    let known = ["ids", "names", "ownerIDs"];
    if let Some(list) = aws.object("managedPrefixList", "AWSManagedPrefixList", &known)? {
        let mut list_json = Json::default();
        for name in known {
            list_json.texts(&list, name)?;
        }
        json.field("managedPrefixList", &list_json.finish());
    }
    Ok(json.finish())
}

/// A JSON object as Go writes it: no spaces, empty fields omitted.
#[derive(Default)]
struct Json(String);

impl Json {
    fn field(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    fn texts(&mut self, object: &Object<'_>, name: &str) -> Result<(), Refusal> {
        let texts = object.strings(name, "[]string")?.unwrap_or_default();
        if !texts.is_empty() {
            let items: Vec<String> = texts.iter().map(|(_, text)| quoted(text)).collect();
            self.field(name, &format!("[{}]", items.join(",")));
        }
        Ok(())
    }

    fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// A text as Go's `json.Marshal` quotes it: safe within HTML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | ..=' ' if c != ' ' => {
                out.push_str("\\u");
                let code = u32::from(c);
                for shift in [12, 8, 4, 0] {
                    out.extend(char::from_digit(code >> shift & 0xf, 16));
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
