//! Size of a filter: its cost in memory, on the wire, and per flow.

/// Size of one filter or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilterSize {
    /// Number of values in all fields.
    pub values: usize,
    /// Number of regular expressions and CEL expressions among them, each of which is a program.
    pub patterns: usize,
}

impl FilterSize {
    /// Sum of two sizes.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            patterns: self.patterns.saturating_add(other.patterns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FlowFilter;
    use super::*;
    use crate::Verdict;

    #[test]
    fn sizes() {
        let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let filter = FlowFilter {
            verdict: vec![Verdict::Dropped, Verdict::Error],
            source_pod: texts(&["pets/"]),
            http_path: texts(&["/a", "/b"]),
            cel_expression: texts(&["true"]),
            ..FlowFilter::default()
        };
        let size = filter.size();
        assert_eq!(size, FilterSize { values: 6, patterns: 3 });
        assert_eq!(size.plus(size), FilterSize { values: 12, patterns: 6 });
        assert_eq!(FlowFilter::default().size(), FilterSize::default());
    }
}
