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
    // Literal prefixes.
    check("/ab*", "/a", true);
    check("/ab*", "/abb", true);
    check("/ab*", "/b", false);
    check("a+b", "aaab", true);
    check("a{2,}", "a", false);
    check("a{2,}", "aaaa", true);
    check("ab|ac", "ac", true);
    check("/a$", "/a", true);
    check("/a^", "/a", false);
    check(r"/a\bc", "/ac", false);
    check("é(?i)b", "éB", true);
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
}

#[test]
fn repetitions_need_something_before_them() {
    fn refused(pattern: &str, expect: &str) {
        assert_eq!(Regex::new(pattern).unwrap_err().to_string(), expect, "{pattern}");
    }
    let missing = "error parsing regexp: missing argument to repetition operator";
    refused("{2}a", &format!("{missing}: `{{2}}`"));
    refused("a|{2}?", &format!("{missing}: `{{2}}?`"));
    refused("(?i)*", &format!("{missing}: `*`"));
    refused("(+)", &format!("{missing}: `+`"));
    refused("a|{2,1}", "error parsing regexp: invalid repeat count: `{2,1}`");
    // A flag group is empty by itself: a repetition applies to the expression before it, even a
    // second time.
    check("a(?i)+", "aaa", true);
    check("a*(?i)*", "aa", true);
    check(r"a*\Q\E*", "aa", true);
    check("(|a)*", "aa", true);
}

#[test]
fn unicode_classes_have_gos_names() {
    fn refused(pattern: &str, part: &str) {
        let expect = format!("error parsing regexp: invalid character class range: `{part}`");
        assert_eq!(Regex::new(pattern).unwrap_err().to_string(), expect, "{pattern}");
    }
    check(r"\pL+", "aé中", true);
    check(r"\PL", "1", true);
    check(r"\p{^Lu}", "a", true);
    check(r"\P{^Lu}", "a", false);
    check(r"\p{Greek}\p{greek}\p{Upper case-letter}?", "Δδ", true);
    check(r"\p{Uppercase_Letter}", "É", true);
    check(r"[\p{Nd}x]+", "1٣x", true);
    check(r"[^\p{Nd}x]", "٣", false);
    check(r"\p{Any}\p{Assigned}\P{Assigned}\p{ASCII}", "\n1\u{378}z", true);
    check(r"(?i)\p{Lu}+", "aÉ中", false);
    check(r"(?i)\p{Lu}+", "aÉ", true);
    check(r"(?i)[^\p{Lu}]", "a", false);
    check("(?i)straSSe[k]é", "\u{17f}traſSEKÉ", true);
    check("(?i)straSSe[k]É", "StraſsE\u{212a}é", true);
    refused(r"\p{Foo}", r"\p{Foo}");
    refused(r"\pé", r"\pé");
    refused(r"\p", r"\p");
    refused(r"\p{L", r"\p{L");
    refused(r"[\p{}]", r"\p{}");
    // Go 1.26 drops underscores from the requested name, but not from its own names of scripts.
    refused(r"\p{Old_Italic}", r"\p{Old_Italic}");
    // The text after a class is checked, too.
    assert!(Regex::new(r"\pL+*").is_err());
    assert!(Regex::new(r"\pL(").is_err());
}

#[test]
fn gos_limits_are_the_limits() {
    fn refused(pattern: &str, reason: &str) {
        assert_eq!(Regex::new(pattern).unwrap_err().reason.to_string(), reason, "{pattern:.20}");
    }
    check("(?:a|b){1000}", &"ab".repeat(500), true);
    check("(?:a|b){1000}", &"ab".repeat(499), false);
    check("(?:ab|cd|ef){0,1000}/x", &("ab".repeat(900) + "/x"), true);
    check("((a{10}){10}){10}", &"a".repeat(1000), true);
    let group = |count: usize| "(".repeat(count) + "a" + &")".repeat(count);
    check(&group(999), "a", true);
    refused(&group(1000), "expression nests too deeply");
    check(&("(?:".repeat(5000) + "a" + &")".repeat(5000)), "a", true);
    let long = |count: usize| format!("(?:{}){{1000}}", "a".repeat(count));
    assert!(Regex::new(&long(3355)).is_ok());
    refused(&long(3356), "expression too large");
}
