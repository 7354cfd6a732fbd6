use std::fmt::Write;

use super::*;

fn one(text: &str) -> Result<Node, SyntaxError> {
    let chunks = split(text);
    assert_eq!(chunks.len(), 1, "{text}");
    read(&chunks[0]).map(|mut nodes| nodes.remove(0))
}

fn check_scalar(text: &str, expect: &Value) {
    let node = one(&format!("key: {text}\n")).unwrap();
    assert_eq!(&node.get("key").unwrap().value, expect, "{text}");
}

#[track_caller]
fn check_refused(text: &str, expect: &str) {
    let reason = one(text).err().map(|error| error.reason).unwrap_or_default();
    assert!(reason.contains(expect), "{text:?}: {reason}");
}

/// Checks that two texts have the same meaning.
#[track_caller]
fn check_same(text: &str, json: &str) {
    fn plain(node: &Node) -> String {
        match &node.value {
            Value::List(items) => {
                format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(","))
            }
            Value::Map(entries) => {
                let entries =
                    entries.iter().map(|(key, node)| format!("{}:{}", key.name, plain(node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
            other => format!("{other:?}"),
        }
    }
    let ours = one(text).map(|node| plain(&node));
    assert_eq!(ours, one(json).map(|node| plain(&node)), "{text:?}");
}

/// The answers of go-yaml v2 to these texts.
#[test]
fn forms_of_one_policy() {
    // A bracket may close at its key's indentation, or before it.
    let meant = r#"{"spec": {"egress": [{}, {"a": "b"}]}}"#;
    check_same("spec:\n  egress: [\n    {},\n    {a: b}\n  ]\n", meant);
    check_same("spec:\n  egress: [\n{},\n{a: b}\n]\n", meant);
    check_same("spec:\n  egress: [{}, {\n a: b}\n]\n", meant);
    check_same("spec: {egress: [{},\n{a:\n\tb}\n\t]}\n", meant);
    check_same("spec:\n  egress:\n  - {}\n  - a: b\n", meant);
    check_same("spec:\n  egress:\n    - {\n    }\n    - a: 'b'\n", meant);
    check_same("a: \"b\n c\n\n  d\"\n", r#"{"a": "b c\nd"}"#);
    check_same("a: 'b\nc'\n", r#"{"a": "b c"}"#);
    check_same("a: b\n  c\n", r#"{"a": "b c"}"#);
    check_same("a:\tb\n", r#"{"a": "b"}"#);
    check_same("a: |+\n  b\n\nc: >-\n  d\n  e\n", r#"{"a": "b\n\n", "c": "d e"}"#);
    check_same("a: |2-\n   b\n", r#"{"a": " b"}"#);
    check_same("a: !!binary Yg==\n", r#"{"a": "b"}"#);
    check_same("a: !mine 80\n", r#"{"a": "80"}"#);
    check_same("{k8s:app: b, c: }\n", r#"{"k8s:app": "b", "c": null}"#);
    check_same("[a: b, c]\n", r#"[{"a": "b"}, "c"]"#);
    check_same("? a\n: b\n", r#"{"a": "b"}"#);
    check_same("\u{feff}a: b\r\nc: d\r\n", r#"{"a": "b", "c": "d"}"#);
    check_same("a: b\u{2028}  c\n", "{\"a\": \"b\u{2028}c\"}");
    for (text, why) in [
        ("a: [::/0]\n", "did not find expected"),
        ("a: {b: ::1/128}\n", "did not find expected"),
        ("a:\n-\tb: c\n", "cannot start any token"),
        ("a: b\n\t\nc: d\n", "violates indentation"),
        ("%YAML 1.1\na: b\n", "expected <document start>"),
        ("%FOO\na: b\n", "unknown directive"),
        ("a: !!null b\n", "cannot decode"),
        ("a: !!int b\n", "cannot decode"),
        ("a: \u{1}\n", "control characters"),
        ("a: b # \u{92}\n", "control characters"),
        ("a: \u{7f}\n", "control characters"),
        ("a: *\n", "alphabetic or numeric"),
        ("a: b: c\n", "not allowed in this context"),
        ("a: {b:{}, c: d}\n", "',' or '}'"),
        ("a:\n    b: c\n  d: e\n", "expected key"),
        ("a: \"\\q\"\n", "unknown escape"),
        ("a: 'b\n", "end of stream"),
        ("a: `b`\n", "cannot start any token"),
        ("~: a\n", "unsupported map key"),
        ("[a]: b\n", "unsupported map key"),
        ("a: !e!x b\n", "undefined tag"),
        ("a: b\n- c\n", "expected key"),
        ("a: |0\n  b\n", "equal to 0"),
    ] {
        check_refused(text, why);
    }
    // Text after a document's end is not read, and is reported.
    let document = documents(&split("a: b\n...\nc: [\n")[0]).unwrap().remove(0);
    assert_eq!(document.unread, Some(Position { line: 3, column: 1 }));
}

#[test]
fn plain_scalars_are_yaml_1_1() {
    for text in ["y", "Yes", "on", "TRUE"] {
        check_scalar(text, &Value::Bool(true));
    }
    for text in ["n", "No", "off", "false"] {
        check_scalar(text, &Value::Bool(false));
    }
    check_scalar("0120", &Value::Integer(80));
    check_scalar("080", &Value::Float("80".to_owned()));
    check_scalar("0x50", &Value::Integer(80));
    check_scalar("1_000", &Value::Integer(1000));
    check_scalar("1e3", &Value::Float("1000".to_owned()));
    for (text, go) in [
        ("1.50", "1.5"),
        ("-0.0010", "-0.001"),
        (".5", "0.5"),
        ("12e20", "1.2e+21"),
        ("1e-7", "1e-07"),
        ("0.0", "0"),
        ("+1.0", "1"),
    ] {
        check_scalar(text, &Value::Float(go.to_owned()));
    }
    check_scalar("1.1.1.1", &Value::String("1.1.1.1".to_owned()));
    check_scalar("'80'", &Value::String("80".to_owned()));
    check_scalar("!!str 80", &Value::String("80".to_owned()));
    check_scalar("2021-01-01", &Value::String("2021-01-01".to_owned()));
    check_scalar("~", &Value::Null);
    check_scalar("", &Value::Null);
}

#[test]
fn documents_stand_alone() {
    let text = "# head\n---\na: 1\n---\nb: [\n---   # note\n{\"c\": 3}\n---\n";
    let chunks = split(text);
    let lines: Vec<u32> = chunks.iter().map(|chunk| chunk.start().line).collect();
    assert_eq!(lines, [3, 5, 7]);
    assert!(read(&chunks[0]).is_ok());
    let err = read(&chunks[1]).unwrap_err();
    assert!(err.at.line >= 5, "{err:?}");
    let json = read(&chunks[2]).unwrap();
    assert_eq!(json[0].get("c").unwrap().at, Position { line: 7, column: 7 });
}

#[test]
fn merge_keys_fill_in() {
    let node = one("base: &b {x: 1, z: 2}\nmine:\n  <<: *b\n  w: 5\n").unwrap();
    let mine = node.get("mine").unwrap();
    assert_eq!(mine.get("w").unwrap().value, Value::Integer(5));
    assert_eq!(mine.get("z").map(|n| &n.value), Some(&Value::Integer(2)));
    // Strict readers report a duplicate key; for the others the later value counts.
    let text = "base: &b {x: 1}\nmine:\n  x: 5\n  <<: *b\n";
    assert!(one(text).unwrap_err().reason.contains("already set"));
    let document = documents(&split(text)[0]).unwrap().remove(0);
    let mine = document.root.get("mine").unwrap();
    assert_eq!(mine.get("x").unwrap().value, Value::Integer(1));
    check_refused("a: &a [1]\nb: {<<: *a}\n", "map merge requires map");
}

#[test]
fn hostile_texts_are_refused() {
    fn check(text: &str, expect: &str) {
        let reason = one(text).err().map(|error| error.reason).unwrap_or_default();
        assert!(reason.contains(expect), "{expect}: {reason}");
    }
    check("a: 1\na: 2\n", "already set in map");
    check("{\"a\": 1, \"a\": 2}", "already set in map");
    check("a: x\0y\n", "control characters");
    check(&"[".repeat(100), "nested deeper");
    check(&"[".repeat(10_000), "nested too deep");
    check(&format!("a: {}", "x".repeat(MAX_DOCUMENT_BYTES)), "bytes, more than");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    check(&bomb, "aliases written out");
    check("a: &a [*a]\n", "no anchor");
    // One text counts as one value, however long: its copies count in bytes.
    let copied = "anchors and aliases write out more than";
    let text = "x".repeat(1_500_000);
    check(&format!("a: &a {text}\nb: [{}]\n", vec!["*a"; 1_000].join(", ")), copied);
    check(&format!("a: &a {{k: {text}}}\nb: {{<<: *a}}\nc: {{<<: *a}}\n"), copied);
    check(&format!("? &a {text}\n: b\n? [*a, *a]\n: c\n"), copied);
    // Each anchor keeps a copy of its node.
    let nested = "&a [".repeat(5);
    check(&format!("{nested}{text}{}\n", "]".repeat(5)), copied);
    let fits = format!("a: &a {}\nb: [*a, *a]\n", "x".repeat(1_000_000));
    assert!(one(&fits).is_ok());
}

/// Duplicate keys are found by hash: a search one by one would take minutes here.
#[test]
fn maps_of_many_keys() {
    let begun = std::time::Instant::now();
    let keys = 30_000;
    let (mut yaml, mut json, mut merged) = (String::new(), String::new(), String::new());
    for key in 0..keys {
        writeln!(yaml, "key{key}: 1").unwrap();
        write!(json, "\"key{key}\": 1, ").unwrap();
        write!(merged, "key{key}: 1, ").unwrap();
    }
    assert!(one(&yaml).is_ok());
    assert!(one(&format!("{{{json}\"last\": 1}}")).is_ok());
    for key in [0, 16, 29_999] {
        let error = one(&format!("{{{json}\"key{key}\": 1}}")).unwrap_err();
        assert_eq!(error.reason, format!("key \"key{key}\" already set in map"));
    }
    yaml.push_str("key17: 2\n");
    assert_eq!(one(&yaml).unwrap_err().reason, "key \"key17\" already set in map");
    let merged = one(&format!("a: &a {{{merged}}}\nb: {{key: 2, <<: *a}}\n")).unwrap();
    assert_eq!(merged.get("b").unwrap().get("key5").unwrap().value, Value::Integer(1));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
