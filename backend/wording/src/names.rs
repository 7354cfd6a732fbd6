//! Names that somebody wrote, and the names that there are.

/// The name that `given` is most likely meant to be, by what stands beside it in `candidates`; the
/// first of equals. `most` says how many letters a name of so many bytes may differ in; capitals
/// do not matter.
pub fn nearest<'n, T>(
    given: &str,
    candidates: impl IntoIterator<Item = (&'n str, T)>,
    most: impl Fn(usize) -> usize,
) -> Option<T> {
    let near = candidates.into_iter().filter_map(|(name, candidate)| {
        let most = most(name.len());
        // Letters are counted where lengths allow it alone: a given name may be long.
        if name.len().abs_diff(given.len()) > most.saturating_mul(4) {
            return None;
        }
        let distance =
            strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &given.to_ascii_lowercase());
        (distance <= most).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// For a decision: of a short name a single letter makes another word.
pub fn sure(len: usize) -> usize {
    match len {
        ..=3 => 0,
        4..=5 => 1,
        _ => 2,
    }
}

/// For a hint in an error that there is anyway: a third of the letters.
fn hint(len: usize) -> usize {
    (len / 3).min(3)
}

/// The name among `known` that an error about `given` should suggest.
pub fn suggested<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    nearest(given, known.into_iter().map(|name| (name, name)), hint)
}

/// The end of a sentence about an unknown name: the name that is meant, if there is one.
pub fn is_it(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; is it `{meant}`?")).unwrap_or_default()
}

/// The end of a sentence about an unknown name: the one that is meant, or, where none is near,
/// `instead` and all that there are.
pub fn is_it_or<'n>(
    given: &str,
    instead: &str,
    known: impl IntoIterator<Item = &'n str> + Clone,
) -> String {
    match suggested(given, known.clone()) {
        Some(meant) => is_it(Some(meant)),
        None if known.clone().into_iter().next().is_none() => String::new(),
        None => format!("{instead} {}", list(known)),
    }
}

/// The rest of a sentence that begins with an unknown name.
pub fn is_not_one_of<'n>(given: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    match suggested(given, known.clone()) {
        Some(meant) => format!("is unknown{}", is_it(Some(meant))),
        None => format!("is not one of {}", list(known)),
    }
}

/// Names in backticks, separated by commas.
pub fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The first `most` names in backticks, and how many more there are.
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
    fn names_that_are_meant() {
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
    fn no_list_is_without_end() {
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
