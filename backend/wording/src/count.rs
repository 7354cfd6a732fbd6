//! Numbers of things in sentences.

use std::fmt::Display;

/// A number with its noun: `1 flow`, `2 flows`. The plural is the noun with an `s`.
pub fn count(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn only_one_thing_is_singular() {
        assert_eq!(count(0, "flow"), "0 flows");
        assert_eq!(count(1, "flow"), "1 flow");
        assert_eq!(count(2, "flow"), "2 flows");
    }
}
