use std::collections::BTreeMap;
use std::fmt::Write as _;

use hubble_api::json::write_filter;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fields::Fields;
use crate::flag::unresolved_variable;
use crate::form::{FlowsForm, Selectors};
use crate::form_json::FormJson;
use crate::multi_value;
use crate::observe;

fn read(text: &str) -> ReadLine {
    super::read(text, Variables::Refused)
}

fn underlined(line: &str, diagnostic: &Diagnostic) -> String {
    format!("[{}] {}", line.get(diagnostic.start..diagnostic.end).unwrap(), diagnostic.text)
}

#[test]
fn lines_are_read_as_hubble_reads_them() {
    let lines = [
        "",
        "hubble observe",
        "$ hubble observe --verdict DROPPED -n pets",
        "/usr/local/bin/hubble observe flows -npets --not --to-port=53 -f",
        "kubectl -n kube-system exec ds/cilium -- hubble observe --pod pets/a --pod 'pets/b' -o json | jq .",
        "hubble observe \\\n  --from-pod \"pets/store front\" \\\n  --http-path '^/a b$' # why not",
        "hubble observe -4 -6 --ipv4 --reply --unencrypted -A -t drop -l app=web",
        "hubble observe --since 5m --until 2006-01-02T15:04:05Z --last 20 --server x:4245 --tls --color never",
        "hubble observe --basic-auth-password hunter2 --allowlist '{\"verdict\":[\"DROPPED\"]}'",
        "hubble observe --since 2006-01-02T15+02:00 --all -s -D --print-raw-filters",
        "--verdict dropped",
        "hubble observe pets --verdict DROPPED",
    ];
    let mut report = String::new();
    for line in lines {
        let read = read(line);
        writeln!(report, "{line}\n  {}", read.form.to_json()).unwrap();
        for warning in &read.warnings {
            writeln!(report, "  warning {}", underlined(line, warning)).unwrap();
        }
        assert_eq!(read.errors, [], "{line}");
        writeln!(report, "  = {}\n", observe::line(&read.form)).unwrap();
    }
    insta::assert_snapshot!(report);
}

#[test]
fn errors_stand_where_they_are() {
    let lines = [
        "hubble observe --verdit DROPPED",
        "hubble observe --verdict MAYBE --verdict DROPPED",
        "hubble observe --verdict DROPPED --verdict MAYBE",
        "hubble observe -x",
        "hubble observe --pod",
        "hubble observe --pod ''",
        "hubble observe --not",
        "hubble observe --not --not --pod a/b",
        "hubble observe 'pets",
        "hubble observe agent-events",
        "hubble observe --ip 10.0.0.0/33",
        "hubble observe --http-path '(a'",
        "hubble observe --label 'a in b'",
        "hubble observe --pod a/b --ip 10.0.0.1",
        "hubble observe --not --pod a/b --not --ip 10.0.0.1 --ip 1.1.1.1",
        "hubble observe --reply --not-reply",
        "hubble observe --first 5 --last 3",
        "hubble observe --until -f",
        "hubble observe --until 5m -f",
        "hubble observe --follow --until 5m",
        "hubble observe --last many",
        "hubble observe --since yesterday",
        "hubble observe --namespace $namespace",
        "hubble observe --namespace ${namespace:regex} --pod [[pod]]",
        "hubble observe --input-file flows.json",
        "hubble observe --allowlist '{\"nope\":1}'",
        "hubble observe --allowlist nope",
        "hubble observe --größe 5 --http-header x",
        "hubble observe --service shop/web --pod pets/a",
    ];
    let mut report = String::new();
    for line in lines {
        let read = read(line);
        assert!(!read.errors.is_empty(), "{line}");
        writeln!(report, "{line}").unwrap();
        for error in &read.errors {
            writeln!(report, "  {}", underlined(line, error)).unwrap();
        }
    }
    insta::assert_snapshot!(report);
}

fn form() -> impl Strategy<Value = FlowsForm> {
    let values = prop_oneof![
        4 => "[^\\x00\\s][^\\x00]{0,12}",
        1 => "-[a-z]{0,4}",
        1 => "DROPPED|true|syn,ack",
        // Values that Grafana writes for a variable.
        1 => "\\{[a-c,]{0,4}\\}|\\.[*+]|\\$__all",
    ];
    let flag = prop::sample::select(Flag::ALL.to_vec());
    let flags = prop::collection::btree_map(flag, prop::collection::vec(values, 1..3), 0..5);
    let selectors =
        (prop::option::of("[1-9][0-9]{0,2}(s|m|h)"), prop::option::of(1..u64::MAX), any::<bool>())
            .prop_map(|(since, last, follow)| Selectors {
                since,
                last,
                follow,
                ..Selectors::default()
            });
    (flags.clone(), flags, prop::collection::vec("\\{[^\\x00]{0,9}\\}", 0..2), selectors).prop_map(
        |(filter, exclude, allowlist, selectors)| FlowsForm {
            filter: written(filter),
            exclude: written(exclude),
            allowlist,
            selectors,
            ..FlowsForm::default()
        },
    )
}

/// Values in the spelling that the line uses.
fn written(flags: BTreeMap<Flag, Vec<String>>) -> FlagValues {
    let spelled = |flag: Flag, value: String| {
        let value = value.trim().to_owned();
        match flag {
            flag if !flag.is_switch() && unresolved_variable(&value).is_some() => value,
            Flag::AllNamespaces | Flag::FromAllNamespaces | Flag::ToAllNamespaces => {
                "true".to_owned()
            }
            flag if flag.is_switch() => (value.len() > 3).to_string(),
            Flag::Verdict => value.to_ascii_uppercase(),
            Flag::TrafficDirection | Flag::Protocol => value.to_ascii_lowercase(),
            Flag::TcpFlags => "SYN,ACK".to_owned(),
            Flag::Type => "drop".to_owned(),
            Flag::Port | Flag::FromPort | Flag::ToPort => value.len().to_string(),
            Flag::DropReasonDesc => "POLICY_DENIED".to_owned(),
            _ => value,
        }
    };
    let flags = flags.into_iter();
    flags
        .map(|(flag, values)| {
            (flag, values.into_iter().map(|value| spelled(flag, value)).collect())
        })
        .collect()
}

#[test]
fn an_editor_keeps_variables() {
    let check = |text: &str, expected: &str| {
        let read = super::read(text, Variables::Kept);
        let errors: Vec<_> = read.errors.iter().map(|error| underlined(text, error)).collect();
        assert_eq!(errors.join("; "), expected, "{text}");
    };
    check("hubble observe -n $namespace --pod '${pod:regex}' --not --to-port $port", "");
    check(
        "hubble observe --to-port $port --to-port http",
        "[--to-port http] `--to-port`: `http` is not a port",
    );
    check("hubble observe -n $namespace --nope", "[--nope] unknown flag `--nope`");
}

proptest! {
    /// A form turned into a line and back stays the same, even with values that Hubble refuses.
    #[test]
    fn a_form_survives_its_line(form in form()) {
        let line = observe::line(&form);
        let read = read(&line);
        prop_assert_eq!(&read.form, &form, "{}", line);
        prop_assert_eq!(observe::line(&read.form), line);
        let mut fields = Fields::read(form.to_json().to_string().as_bytes()).unwrap();
        let json = FormJson::take(&mut fields).unwrap();
        if let Ok((again, _)) = json.read() {
            // Values of variables are expanded.
            let mut chosen = form;
            multi_value::resolve(&mut chosen.filter).unwrap();
            multi_value::resolve(&mut chosen.exclude).unwrap();
            prop_assert_eq!(again, chosen);
        }
    }

    /// Any text gives a line, or errors with places inside it, on character boundaries.
    #[test]
    fn any_text_is_a_line_or_errors(text in "(hubble observe )?(--?[a-z]{1,9}(=| )?|\\PC|['\"\\\\\\n |#]){0,20}") {
        let read = read(&text);
        for diagnostic in read.errors.iter().chain(&read.warnings) {
            prop_assert!(text.get(diagnostic.start..diagnostic.end).is_some(), "{:?}", diagnostic);
        }
    }
}

/// The filters that the real `hubble observe --print-raw-filters` makes of each line, and the lines
/// that it refuses.
#[test]
fn filters_are_those_of_the_real_hubble() {
    let vectors = include_str!("../../../../tests/vectors/observe-lines.jsonl");
    let filters = |list: &[flow::filter::FlowFilter]| -> Vec<Value> {
        list.iter()
            .map(|filter| serde_json::from_str(&write_filter(filter).unwrap()).unwrap())
            .collect()
    };
    let mut compared = 0;
    for vector in vectors.lines() {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let line = vector["line"].as_str().unwrap();
        let read = read(line);
        if vector["refused"].as_bool() == Some(true) {
            assert!(!read.errors.is_empty(), "hubble refuses {line}");
            compared += 1;
            continue;
        }
        assert_eq!(read.errors, [], "{line}");
        let check = |read: &ReadLine| {
            let selection = FlowSelection::new(&read.form).unwrap();
            assert_eq!(
                filters(&selection.filters.allow),
                *vector["allow"].as_array().unwrap(),
                "{line}"
            );
            assert_eq!(
                filters(&selection.filters.deny),
                *vector["deny"].as_array().unwrap(),
                "{line}"
            );
        };
        check(&read);
        let shortest = observe::line(&read.form);
        check(&super::read(&shortest, Variables::Refused));
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

/// Lines that this parser accepts and `hubble` does not: the command offered for copying is
/// accepted by `hubble` and selects the same flows.
#[test]
fn commands_are_ones_that_the_real_hubble_takes() {
    let vectors = include_str!("../../../../tests/vectors/observe-commands.jsonl");
    for vector in vectors.lines() {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let line = vector["line"].as_str().unwrap();
        let read = read(line);
        assert_eq!(read.errors, [], "{line}");
        let command = crate::selection::command(&read.form).unwrap();
        assert_eq!(command, vector["command"].as_str().unwrap(), "{line}");
        assert_eq!(observe::line(&read.form), command, "{line}");
        let allow = FlowSelection::new(&read.form).unwrap().filters.allow;
        let json = allow
            .iter()
            .map(|filter| serde_json::from_str(&write_filter(filter).unwrap()).unwrap());
        assert_eq!(json.collect::<Vec<Value>>(), *vector["allow"].as_array().unwrap(), "{line}");
    }
}
