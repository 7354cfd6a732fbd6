//! Size of a filter: its cost in memory, on the wire, and per flow.

use super::FlowFilter;

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

impl FlowFilter {
    /// Size of this filter.
    #[must_use]
    pub fn size(&self) -> FilterSize {
        macro_rules! values {
            ($($field:ident)*) => {{
                // Exhaustive, so that the compiler reports a new field.
                let Self { $($field),* } = self;
                0_usize $(.saturating_add($field.len()))*
            }};
        }
        let values = values! {
            uuid source_ip source_ip_xlated source_pod source_fqdn source_label source_service
            source_workload source_cluster_name destination_ip destination_pod destination_fqdn
            destination_label destination_service destination_workload destination_cluster_name
            traffic_direction verdict drop_reason_desc interface event_type http_status_code
            protocol source_port destination_port reply dns_query source_identity
            destination_identity http_method http_path http_url http_header tcp_flags node_name
            node_labels ip_version trace_id ip_trace_id encrypted cel_expression
        };
        let patterns = [&self.dns_query, &self.http_path, &self.http_url, &self.cel_expression];
        FilterSize { values, patterns: patterns.iter().map(|list| list.len()).sum() }
    }
}

#[cfg(test)]
mod tests {
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
