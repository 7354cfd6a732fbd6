use super::suggestions::matching;
use super::variables::promql_string;

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
