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
    let node = one("base: &b {x: 1, z: 2}\nmine:\n  <<: *b\n  x: 5\n").unwrap();
    let mine = node.get("mine").unwrap();
    assert_eq!(mine.get("x").unwrap().value, Value::Integer(5));
    assert_eq!(mine.get("z").map(|n| &n.value), Some(&Value::Integer(2)));
}

#[test]
fn hostile_texts_are_refused() {
    fn check(text: &str, expect: &str) {
        let reason = one(text).err().map(|error| error.reason).unwrap_or_default();
        assert!(reason.contains(expect), "{expect}: {reason}");
    }
    check("a: 1\na: 2\n", "already set in map");
    check("{\"a\": 1, \"a\": 2}", "already set in map");
    check("a: x\0y\n", "NUL byte");
    check(&"[".repeat(100), "nested deeper");
    check(&"[".repeat(10_000), "recursion limit");
    check(&format!("a: {}", "x".repeat(MAX_DOCUMENT_BYTES)), "bytes, more than");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    check(&bomb, "aliases written out");
    check("a: &a [*a]\n", "no anchor");
    // One text counts as one value, however long: its copies are counted in bytes.
    let copied = "anchors and aliases write out more than";
    let text = "x".repeat(1_500_000);
    check(&format!("a: &a {text}\nb: [{}]\n", vec!["*a"; 1_000].join(", ")), copied);
    check(&format!("a: &a {{k: {text}}}\nb: {{<<: *a}}\nc: {{<<: *a}}\n"), copied);
    check(&format!("? &a {text}\n: b\n? [*a, *a]\n: c\n"), copied);
    // Each anchor keeps a copy of what it stands at.
    let nested = "&a [".repeat(5);
    check(&format!("{nested}{text}{}\n", "]".repeat(5)), copied);
    let fits = format!("a: &a {}\nb: [*a, *a]\n", "x".repeat(1_000_000));
    assert!(one(&fits).is_ok());
}

/// Keys that are there already are found by hash: one by one, these would take minutes.
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
    let merged = one(&format!("a: &a {{{merged}}}\nb: {{key5: 2, <<: *a}}\n")).unwrap();
    assert_eq!(merged.get("b").unwrap().get("key5").unwrap().value, Value::Integer(2));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
