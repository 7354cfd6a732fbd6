use super::suggestions::matching;
use super::variables::{VariableQuery, promql_string};

#[test]
fn variable_queries() {
    let check = |text: &str, expected: Option<VariableQuery>| {
        assert_eq!(VariableQuery::read(text), Ok(expected), "{text}");
    };
    let label_values = |selector: Option<&str>, label: &str| {
        Some(VariableQuery::LabelValues {
            selector: selector.map(str::to_owned),
            label: label.to_owned(),
        })
    };
    let some = |text: &str| Some(text.to_owned());
    check("label_values(reason)", label_values(None, "reason"));
    check(
        "label_values(hubble_drop_total, reason)",
        label_values(Some("hubble_drop_total"), "reason"),
    );
    check(
        " label_values( x{a=\"1,2\",b=~\"(c|d)\"} , reason ) ",
        label_values(Some("x{a=\"1,2\",b=~\"(c|d)\"}"), "reason"),
    );
    check("label_values(, reason)", None);
    check("label_values(x, 1a)", None);
    check("label_values(x, a b)", None);
    check("label_values()", None);
    check("label_names()", Some(VariableQuery::LabelNames { selector: None }));
    check("label_names(up)", Some(VariableQuery::LabelNames { selector: some("up") }));
    check("metrics(hubble_.*)", Some(VariableQuery::Metrics { regex: "hubble_.*".to_owned() }));
    check("metrics()", Some(VariableQuery::Metrics { regex: String::new() }));
    check(
        "query_result(topk(5, sum by (a) (x)))",
        Some(VariableQuery::QueryResult { expr: "topk(5, sum by (a) (x))".to_owned() }),
    );
    check("query_result()", None);
    for of in ["namespaces()", "nodes(aks-*)", "workloads( pets )", "pods({a,b}, c)", "labels()"] {
        assert!(matches!(VariableQuery::read(of), Ok(Some(VariableQuery::Flows(_)))), "{of}");
    }
    check("nodes(a, b)", None);
    check("", None);
    check("label_values", None);
    check("nodes(", None);
    check("drop_table(x)", None);
}

#[test]
fn typed_text_matches_anywhere_and_prefixes_come_first() {
    let values = || {
        ["kube-system/coredns-0", "pets/store-front-0", "store/x", "pets/restore"]
            .map(str::to_owned)
            .to_vec()
    };
    assert_eq!(matching(values(), "store"), ["pets/store-front-0", "store/x", "pets/restore"]);
    assert_eq!(matching(values(), "CORE"), ["kube-system/coredns-0"]);
    assert_eq!(matching(values(), ""), values());
    assert_eq!(matching(values(), "nothing"), [""; 0]);
}

#[test]
fn strings_of_promql() {
    assert_eq!(promql_string("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_variable_query_or_none(text in "\\PC*") {
        drop(VariableQuery::read(&text));
    }
}
