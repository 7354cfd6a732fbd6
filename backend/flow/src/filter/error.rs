//! Why a filter cannot be used.

use super::SelectorError;

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

/// Why a pattern of names cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// More than one dot at the end.
    #[error("it ends with more than one dot")]
    TrailingDots,
    /// More than one slash.
    #[error("it has more than one slash: `cluster/node` has one")]
    Slashes,
    /// Something that no name has.
    #[error("`{character}` cannot be part of a name")]
    Character {
        /// The first such character.
        character: char,
    },
}

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// It has no meaning in RE2, the syntax of Hubble's filters.
    #[error("{what} at byte {offset}")]
    Syntax {
        /// What stands there, in words.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// It does not parse, or is too large when compiled.
    #[error("{reason}")]
    Compile {
        /// The parser's words.
        reason: String,
    },
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
