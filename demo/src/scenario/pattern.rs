//! Cilium's DNS patterns (pkg/fqdn/matchpattern).

/// Whether a `matchPattern` or `matchName` covers a DNS name, both without trailing dot.
///
/// `*` stands for any run of letters, digits, `-` and `_`, never for a dot; a pattern that is
/// `*` alone covers every name; a leading `**.` covers one or more labels.
pub(crate) fn dns_pattern_matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    if pattern == "*" || pattern == "**" {
        return true;
    }
    if let Some(rest) = pattern.strip_prefix("**.") {
        return name
            .match_indices('.')
            .any(|(at, _)| at > 0 && name.get(at + 1..).is_some_and(|tail| glob(rest, tail)));
    }
    glob(&pattern, &name)
}

/// Label by label, since a star does not cross a dot.
fn glob(pattern: &str, name: &str) -> bool {
    let mut patterns = pattern.split('.');
    let mut labels = name.split('.');
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some(pattern), Some(label)) if label_matches(pattern, label) => {}
            _ => return false,
        }
    }
}

fn label_matches(pattern: &str, label: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let Some(rest) = label.strip_prefix(head) else {
        return false;
    };
    let tail = tail.trim_start_matches('*');
    if tail.is_empty() {
        return true;
    }
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|rest| label_matches(tail, rest)))
}

#[cfg(test)]
mod tests {
    use super::dns_pattern_matches;

    #[test]
    fn patterns_cover_names_as_cilium_does() {
        let check = |pattern: &str, name: &str, want: bool| {
            assert_eq!(dns_pattern_matches(pattern, name), want, "{pattern} {name}");
        };
        check("*.microsoft.com", "www.microsoft.com", true);
        check("*.microsoft.com", "microsoft.com", false);
        check("*.microsoft.com", "a.b.microsoft.com", false);
        check("*microsoft.com", "notmicrosoft.com", true);
        check("*microsoft.com", "microsoft.com", true);
        check("*.svc.cluster.local", "rabbitmq.pets.svc.cluster.local", false);
        check("*.pets.svc.cluster.local", "rabbitmq.pets.svc.cluster.local", true);
        check(
            "*.microsoft.com.*.*.internal.cloudapp.net",
            "www.microsoft.com.x.y.internal.cloudapp.net",
            true,
        );
        check("**.x.io", "a.b.x.io", true);
        check("**.x.io", "x.io", false);
        check("*", "anything.at.all", true);
        check("api.github.com", "API.GitHub.com", true);
        check("a*b*c.io", "axxbyyc.io", true);
        check("a*b*c.io", "axxbyy.io", false);
    }
}
