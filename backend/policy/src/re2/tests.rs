use super::*;

fn check(pattern: &str, text: &str, expect: bool) {
    let regex = Regex::new(pattern).unwrap();
    assert_eq!(regex.matches(text), Some(expect), "`{pattern}` `{text}`");
}

#[test]
fn the_whole_text_has_to_match() {
    check("/", "/", true);
    check("/", "/cart", false);
    check("/public/.*", "/public/x?y=1", true);
    check("GET|POST", "POST", true);
    check("GET|POST", "GETPOST", false);
    check("", "", true);
    check("", "x", false);
    check("(?i)get", "GeT", true);
    check("a.c", "a\nc", false);
    check("(?s)a.c", "a\nc", true);
    check("^/a$", "/a", true);
}

#[test]
fn syntax_is_re2_and_not_rust() {
    check("/users/{id}", "/users/{id}", true);
    check("/a{,2}", "/a{,2}", true);
    check("/x{", "/x{", true);
    check(r"\Q.*\E+", ".*+", false);
    check(r"\<a\>", "<a>", true);
    check("[a&&b]", "&", true);
    check("[[a]b]", "[b]", true);
    check("[[:digit:]]+", "0123", true);
    check("[^/]+", "abc", true);
    check("[^/]+", "a/c", false);
    check(r"\d{2,3}", "123", true);
    check(r"\d{2,3}", "1", false);
    check(r"[\w-]+", "a-b_c", true);
    check(r"\x41\x{42}\103", "ABC", true);
    check("(?:a|b)*c", "ababc", true);
    check("(?P<v>v[0-9]+)/x", "v12/x", true);
    check("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false);
    check(r"a\b.b", "a b", true);
}

#[test]
fn refusals_use_gos_words() {
    fn refused(pattern: &str, expect: &str) {
        assert_eq!(Regex::new(pattern).unwrap_err().to_string(), expect);
    }
    refused("a**", "error parsing regexp: invalid nested repetition operator: `**`");
    refused("a++", "error parsing regexp: invalid nested repetition operator: `++`");
    refused("*a", "error parsing regexp: missing argument to repetition operator: `*`");
    refused("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`");
    refused("(a", "error parsing regexp: missing closing ): `(a`");
    refused("a)", "error parsing regexp: unexpected ): `a)`");
    refused("[a", "error parsing regexp: missing closing ]: `[a`");
    refused("[z-a]", "error parsing regexp: invalid character class range: `z-a`");
    refused(r"\8", r"error parsing regexp: invalid escape sequence: `\8`");
    refused("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
    refused(r"\pL", "not judged here: Unicode classes");
    refused("((a{1000}){1000}){1000}", "error parsing regexp: invalid repeat count: `{1000}`");
    for (pattern, part) in [
        ("(a{100}){100}", "{100}"),
        ("((a{100}){10}){2}?b", "{2}?"),
        ("(a{2,}){501}", "{501}"),
        ("(?:a{100}|b){11}", "{11}"),
        ("(a{5}b{400}){3}", "{3}"),
    ] {
        refused(pattern, &format!("error parsing regexp: invalid repeat count: `{part}`"));
    }
    for pattern in
        ["(a{10}){100}", "(a{500}){0}", "(a{2,}){500}", "(a{0}){1000}", "(a{5}b{300}){3}"]
    {
        assert!(Regex::new(pattern).is_ok(), "{pattern}");
    }
    refused(&"(?:a{1000}|b)".repeat(100), "not judged here: the pattern is too large");
}
