//! Suggestions for unknown names, and lists of names.

/// Candidate whose name is most similar to `given`; the first of equals. `most` returns the number
/// of letters by which a name of the given length in bytes may differ. Case does not matter.
pub fn nearest<'n, T>(
    given: &str,
    candidates: impl IntoIterator<Item = (&'n str, T)>,
    most: impl Fn(usize) -> usize,
) -> Option<T> {
    let near = candidates.into_iter().filter_map(|(name, candidate)| {
        let most = most(name.len());
        // The distance is computed only for similar lengths, because a given name may be long.
        if name.len().abs_diff(given.len()) > most.saturating_mul(4) {
            return None;
        }
        let distance =
            strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &given.to_ascii_lowercase());
        (distance <= most).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Maximum number of differing letters for a correction without a question. A short name with
/// another letter is another word.
pub fn most_for_correction(len: usize) -> usize {
    match len {
        ..=3 => 0,
        4..=5 => 1,
        _ => 2,
    }
}

/// Maximum number of differing letters for a hint in an error: a third of the name, three at most.
fn most_for_hint(len: usize) -> usize {
    (len / 3).min(3)
}

/// Name among `known` to suggest in an error about `given`.
///
/// ```
/// use wording::names::suggested;
///
/// assert_eq!(suggested("namspace", ["pod", "namespace"]), Some("namespace"));
/// assert_eq!(suggested("policy", ["pod", "namespace"]), None);
/// ```
pub fn suggested<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    nearest(given, known.into_iter().map(|name| (name, name)), most_for_hint)
}

/// End of an error about an unknown name: a question with the suggested name, if there is one.
pub fn did_you_mean(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

/// End of an error about an unknown name: a question with the suggested name, or `instead` with all
/// known names.
pub fn did_you_mean_or<'n>(
    given: &str,
    instead: &str,
    known: impl IntoIterator<Item = &'n str> + Clone,
) -> String {
    match suggested(given, known.clone()) {
        Some(meant) => did_you_mean(Some(meant)),
        None if known.clone().into_iter().next().is_none() => String::new(),
        None => format!("{instead} {}", list(known)),
    }
}

/// Rest of an error that begins with an unknown name.
pub fn is_not_one_of<'n>(given: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    match suggested(given, known.clone()) {
        Some(meant) => format!("is unknown{}", did_you_mean(Some(meant))),
        None => format!("is not one of {}", list(known)),
    }
}

/// Names in backticks, separated by commas.
pub fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// First `most` names in backticks, and the number of further ones.
pub fn first<'n>(names: impl IntoIterator<Item = &'n str>, most: usize) -> String {
    let mut names = names.into_iter();
    let shown = list(names.by_ref().take(most));
    match names.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_suggested() {
        let known = ["ip", "pod", "namespace", "fromNamespace", "fromPod", "tcp", "udp"];
        let check = |given: &str, expected: Option<&str>| {
            assert_eq!(suggested(given, known), expected, "{given}");
        };
        check("namspace", Some("namespace"));
        check("nmaespace", Some("namespace"));
        check("NAMESPACE", Some("namespace"));
        check("from-namespace", Some("fromNamespace"));
        check("frompod", Some("fromPod"));
        check("pods", Some("pod"));
        check("tpc", Some("tcp"));
        for other in ["", "i", "to", "policy", "größe", "destinationNamespaceName"] {
            check(other, None);
        }
        check(&"x".repeat(1 << 20), None);
    }

    #[test]
    fn lists_are_bounded() {
        let check = |count: usize, expected: &str| {
            let names = ["a", "b", "c", "d"];
            assert_eq!(first(names.into_iter().take(count), 2), expected);
        };
        check(0, "");
        check(1, "`a`");
        check(2, "`a`, `b`");
        check(4, "`a`, `b` and 2 more");
    }
}
