//! Why a filter cannot be used.

use vocabulary::{PatternError, SelectorError};

/// A list of a [`super::FilterSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterList {
    /// `allow`.
    Allow,
    /// `deny`.
    Deny,
}

/// Which filter of a set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{list} filter {} cannot be used", .index + 1)]
pub struct FilterSetError {
    /// The list that it stands in.
    pub list: FilterList,
    /// Position in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub source: FilterError,
}

/// Why a [`super::FlowFilter`] cannot be used. `field` is the name of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A name that must not be empty is.
    #[error("`{field}` has an empty name")]
    EmptyName {
        /// Field of the filter.
        field: &'static str,
    },
    /// Neither an address nor a CIDR.
    #[error("`{value}` in `{field}` is neither an IP address nor a CIDR")]
    Address {
        /// Field of the filter.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// Not a port.
    #[error("`{value}` in `{field}` is not a port: a number from 0 to 65535")]
    Port {
        /// Field of the filter.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// Not a protocol to filter by.
    #[error(
        "`{value}` in `protocol` is not a protocol: tcp, udp, sctp, icmp, icmpv4, icmpv6, vrrp, igmp, dns, http"
    )]
    Protocol {
        /// What was given.
        value: String,
    },
    /// Neither a status code nor a prefix of one.
    #[error(
        "`{value}` in `http_status_code` is neither a code like `404` nor a prefix like `4+` or `40+`"
    )]
    StatusCode {
        /// What was given.
        value: String,
    },
    /// Not a regular expression of RE2.
    #[error("`{value}` in `{field}` is not a regular expression")]
    Regex {
        /// Field of the filter.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        #[source]
        source: RegexError,
    },
    /// Not a label selector.
    #[error("`{value}` in `{field}` is not a label selector")]
    Selector {
        /// Field of the filter.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        #[source]
        source: SelectorError,
    },
    /// Not a pattern of DNS or node names.
    #[error("`{value}` in `{field}` is not a pattern of names")]
    Pattern {
        /// Field of the filter.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        #[source]
        source: PatternError,
    },
    /// An HTTP condition beside event types without L7.
    #[error("`{field}` can match L7 events only, but `event_type` leaves them out")]
    NotL7 {
        /// Field of the filter.
        field: &'static str,
    },
    /// CEL is Cilium's to evaluate.
    #[error("CEL expression `{value}` cannot be evaluated here: only Hubble itself can")]
    Cel {
        /// What was given.
        value: String,
    },
}

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// Go's `regexp`, which reads Hubble's filters, refuses it.
    #[error(transparent)]
    Syntax(#[from] vocabulary::re2::RegexError),
    /// The compiled expression takes more memory than one filter may.
    #[error("it is too large when compiled")]
    TooLarge,
    /// Built without regular expressions.
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
