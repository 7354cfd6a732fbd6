//! Errors of filters.

use vocabulary::{PatternError, SelectorError};

/// A list of a [`super::FilterSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterList {
    /// `allow`.
    Allow,
    /// `deny`.
    Deny,
}

/// Error in one filter of a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{list} filter {} cannot be used", .index + 1)]
pub struct FilterSetError {
    /// List that contains the filter.
    pub list: FilterList,
    /// Position in the list, from 0.
    pub index: usize,
    /// Error of the filter.
    #[source]
    pub source: FilterError,
}

/// Reasons why a [`super::FlowFilter`] cannot be used. `field` is the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Empty name, where one is required.
    #[error("`{field}` has an empty name")]
    EmptyName {
        /// Field of the filter.
        field: &'static str,
    },
    /// Value that is neither an address nor a CIDR.
    #[error("`{value}` in `{field}` is neither an IP address nor a CIDR")]
    Address {
        /// Field of the filter.
        field: &'static str,
        /// Value from the filter.
        value: String,
    },
    /// Value that is not a port.
    #[error("`{value}` in `{field}` is not a port: a number from 0 to 65535")]
    Port {
        /// Field of the filter.
        field: &'static str,
        /// Value from the filter.
        value: String,
    },
    /// Unknown protocol.
    #[error(
        "`{value}` in `protocol` is not a protocol: tcp, udp, sctp, icmp, icmpv4, icmpv6, vrrp, igmp, dns, http"
    )]
    Protocol {
        /// Value from the filter.
        value: String,
    },
    /// Value that is neither a status code nor a prefix of one.
    #[error(
        "`{value}` in `http_status_code` is neither a code like `404` nor a prefix like `4+` or `40+`"
    )]
    StatusCode {
        /// Value from the filter.
        value: String,
    },
    /// Invalid regular expression.
    #[error("`{value}` in `{field}` is not a regular expression")]
    Regex {
        /// Field of the filter.
        field: &'static str,
        /// Value from the filter.
        value: String,
        /// Error in the expression.
        #[source]
        source: RegexError,
    },
    /// Invalid label selector.
    #[error("`{value}` in `{field}` is not a label selector")]
    Selector {
        /// Field of the filter.
        field: &'static str,
        /// Value from the filter.
        value: String,
        /// Error in the selector.
        #[source]
        source: SelectorError,
    },
    /// Invalid pattern of DNS or node names.
    #[error("`{value}` in `{field}` is not a pattern of names")]
    Pattern {
        /// Field of the filter.
        field: &'static str,
        /// Value from the filter.
        value: String,
        /// Error in the pattern.
        #[source]
        source: PatternError,
    },
    /// HTTP condition together with event types other than L7.
    #[error("`{field}` matches only L7 events, but `event_type` excludes them")]
    NotL7 {
        /// Field of the filter.
        field: &'static str,
    },
    /// CEL expression, which only Cilium can evaluate.
    #[error("CEL expression `{value}` cannot be evaluated here, only by Hubble itself")]
    Cel {
        /// Value from the filter.
        value: String,
    },
}

impl FilterError {
    /// Whether a regular expression takes too much memory when compiled.
    pub(super) fn is_too_large(&self) -> bool {
        match self {
            #[cfg(feature = "regex")]
            Self::Regex { source: RegexError::Refused(error), .. } => {
                *error == vocabulary::re2::SearchError::TooLarge
            }
            _ => false,
        }
    }
}

/// Reasons why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// Go's `regexp`, which reads Hubble's filters, refuses it, or it takes too much memory.
    #[cfg(feature = "regex")]
    #[error(transparent)]
    Refused(#[from] vocabulary::re2::SearchError),
    /// The crate was built without regular expressions.
    #[error("this build has no regular expressions")]
    Unavailable,
}

impl std::fmt::Display for FilterList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}
