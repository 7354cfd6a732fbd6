//! DNS names and the patterns of policies. Source: pkg/fqdn/matchpattern, pkg/policy/api/fqdn.go.

/// Longest pattern that Cilium accepts, in bytes.
const MAX_PATTERN: usize = 255;

/// Selector over DNS names, ready to match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    /// Text from the policy, which is also the text of an identity's `fqdn:` label.
    pub text: String,
    /// Whether it is a `matchName`; false for a `matchPattern`.
    pub is_name: bool,
    form: PatternForm,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum PatternForm {
    /// `*`, `**`, `*.`: matches every name.
    Every,
    /// One or more labels of any text, followed by the listed ones.
    Below(Vec<String>),
    /// Exactly the listed labels, in each of which `*` stands for a run of letters, digits, `-` and
    /// `_`.
    Labels(Vec<String>),
}

/// The reason why Cilium refuses a name or a pattern, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamePatternError {
    /// A character in a `matchName` that no name has.
    #[error(
        "Invalid characters in MatchName: \"{name}\". Only 0-9, a-z, A-Z and . and - characters are allowed"
    )]
    NameCharacter {
        /// The name.
        name: String,
    },
    /// A character in a `matchPattern` that no pattern has.
    #[error(
        "Invalid characters in MatchPattern: \"{pattern}\". Only 0-9, a-z, A-Z and ., -, _ and * characters are allowed"
    )]
    PatternCharacter {
        /// The pattern.
        pattern: String,
    },
    /// A name or a pattern of more than 255 bytes.
    #[error("Invalid MatchPattern: {pattern:?}. Must be <= {MAX_PATTERN} characters long.")]
    TooLong {
        /// The name or pattern.
        pattern: String,
    },
}

impl NamePattern {
    /// Reads a `matchName`. Errors: Cilium refuses the name.
    pub fn of_name(name: &str) -> Result<Self, NamePatternError> {
        if !name.is_empty() && !name.bytes().all(|b| is_name_byte(b) || b == b'.') {
            return Err(NamePatternError::NameCharacter { name: name.to_owned() });
        }
        validate(name)?;
        Ok(Self { text: name.to_owned(), is_name: true, form: form(&qualified(name)) })
    }

    /// Reads a `matchPattern`. Errors: Cilium refuses the pattern.
    pub fn of_pattern(pattern: &str) -> Result<Self, NamePatternError> {
        validate(pattern)?;
        let form = if is_every(pattern) { PatternForm::Every } else { form(&qualified(pattern)) };
        Ok(Self { text: pattern.to_owned(), is_name: false, form })
    }

    /// Whether the pattern matches a name. Case and a trailing dot do not matter.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = qualified(name);
        let labels: Vec<&str> = name.split('.').collect();
        match &self.form {
            PatternForm::Every => {
                name == "." || are_labels(labels.split_last().map_or(&[], |l| l.1))
            }
            PatternForm::Labels(wanted) => match_labels(wanted, &labels),
            PatternForm::Below(wanted) => labels
                .len()
                .checked_sub(wanted.len())
                .and_then(|above| labels.split_at_checked(above))
                .is_some_and(|(above, rest)| are_labels(above) && match_labels(wanted, rest)),
        }
    }

    /// Whether the pattern is one plain name, without `*`.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.text.contains('*')
    }

    /// Whether the pattern matches every name.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.form == PatternForm::Every
    }
}

impl std::fmt::Display for NamePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Name in lower case with its trailing dot.
#[must_use]
pub fn qualified(name: &str) -> String {
    let mut name = name.trim().to_ascii_lowercase();
    if !name.ends_with('.') {
        name.push('.');
    }
    name
}

fn validate(pattern: &str) -> Result<(), NamePatternError> {
    if pattern.trim().len() > MAX_PATTERN {
        return Err(NamePatternError::TooLong { pattern: pattern.to_owned() });
    }
    if pattern.bytes().all(|b| is_name_byte(b) || b == b'.' || b == b'*') {
        return Ok(());
    }
    Err(NamePatternError::PatternCharacter { pattern: pattern.to_owned() })
}

fn is_every(pattern: &str) -> bool {
    let stars = pattern.strip_suffix('.').unwrap_or(pattern);
    !stars.is_empty() && stars.bytes().all(|b| b == b'*')
}

fn form(pattern: &str) -> PatternForm {
    let labels: Vec<String> = pattern.split('.').map(str::to_owned).collect();
    match labels.split_first() {
        Some((first, rest)) if first.len() >= 2 && first.bytes().all(|b| b == b'*') => {
            PatternForm::Below(rest.to_vec())
        }
        _ => PatternForm::Labels(labels),
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn are_labels(labels: &[&str]) -> bool {
    !labels.is_empty()
        && labels.iter().all(|label| !label.is_empty() && label.bytes().all(is_name_byte))
}

fn match_labels(wanted: &[String], labels: &[&str]) -> bool {
    wanted.len() == labels.len() && wanted.iter().zip(labels).all(|(w, l)| match_label(w, l))
}

/// Whether a label matches. `*` stands for any run of name characters, and several `*` in a row
/// count as one.
fn match_label(pattern: &str, label: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == label;
    }
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|prefix| label.strip_prefix(prefix)) else {
        return false;
    };
    let Some(suffix) = parts.next_back() else { return false };
    let Some(mut rest) = rest.strip_suffix(suffix) else { return false };
    for part in parts {
        let Some((skipped, after)) = rest.split_once(part) else { return false };
        if !skipped.bytes().all(is_name_byte) {
            return false;
        }
        rest = after;
    }
    rest.bytes().all(is_name_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_agent_reads_them() {
        fn check(pattern: &str, name: &str, expect: bool) {
            let pattern = NamePattern::of_pattern(pattern).unwrap();
            assert_eq!(pattern.matches(name), expect, "{pattern} {name}");
        }
        check("*.x.io", "a.x.io", true);
        check("*.x.io", "x.io", false);
        check("*.x.io", "a.b.x.io.", false);
        check("*x.io", "notx.io", true);
        check("*x.io", "X.io", true);
        check("**.x.io", "a.b.x.io", true);
        check("**.x.io", "x.io", false);
        check("a*b*c.io", "a1b2c.io", true);
        check("a*b*c.io", "abc.io", true);
        check("a*b*c.io", "ab.io", false);
        check("*", "anything.at.all", true);
        check("*", "spa ce.io", false);
    }

    #[test]
    fn refusals_are_in_the_words_of_cilium() {
        let name = |name: &str| NamePattern::of_name(name).unwrap_err().to_string();
        let pattern = |pattern: &str| NamePattern::of_pattern(pattern).unwrap_err().to_string();
        let check = |message: String, expected: &str| assert_eq!(message, expected);
        check(
            name("*.x.io"),
            "Invalid characters in MatchName: \"*.x.io\". Only 0-9, a-z, A-Z and . and - characters are allowed",
        );
        check(
            pattern("x io"),
            "Invalid characters in MatchPattern: \"x io\". Only 0-9, a-z, A-Z and ., -, _ and * characters are allowed",
        );
        let long = "x".repeat(256);
        let expected = format!("Invalid MatchPattern: \"{long}\". Must be <= 255 characters long.");
        check(name(&long), &expected);
        check(pattern(&long), &expected);
    }
}
