//! Compilation of filters from a user's values into matchers; every error in a filter is found
//! here.

use vocabulary::{
    FilterPattern, LabelSelector, NamespacedPrefix, NodeNamePattern, PatternError, Prefix,
    is_address,
};

use super::compiled::{Condition, FlowAddress, Protocol};
use super::expression::Expression;
use super::{CompiledFilter, FilterError};

/// Conditions collected so far.
pub(super) struct Conditions {
    all: Vec<Condition>,
    /// Whether regular expressions are only parsed, not compiled.
    only_checks: bool,
}

impl Conditions {
    /// No conditions yet. `only_checks`: regular expressions are parsed, and not among the conditions.
    pub(super) const fn new(only_checks: bool) -> Self {
        Self { all: Vec::new(), only_checks }
    }

    /// The filter that holds all conditions, the cheapest first.
    pub(super) fn compiled(mut self) -> CompiledFilter {
        self.all.sort_by_key(Condition::cost);
        CompiledFilter { conditions: self.all }
    }

    /// Adds a field of regular expressions.
    pub(super) fn expressions(
        &mut self,
        field: &'static str,
        values: &[String],
        condition: impl FnOnce(Vec<Expression>) -> Condition,
    ) -> Result<(), FilterError> {
        let refused =
            |value: &str, source| FilterError::Regex { field, value: value.to_owned(), source };
        if self.only_checks {
            let mut values = values.iter();
            return values.try_for_each(|value| {
                Expression::check(value).map_err(|source| refused(value, source))
            });
        }
        let compile = |_: &'static str, value: &str| {
            Expression::new(value).map_err(|source| refused(value, source))
        };
        self.each(field, values, compile, condition)
    }

    /// Adds a field whose values need no check.
    pub(super) fn list<T: Clone>(
        &mut self,
        values: &[T],
        condition: impl FnOnce(Vec<T>) -> Condition,
    ) {
        if !values.is_empty() {
            self.all.push(condition(values.to_vec()));
        }
    }

    /// Adds a field whose values are parsed one by one.
    pub(super) fn each<T>(
        &mut self,
        field: &'static str,
        values: &[String],
        parse: impl Fn(&'static str, &str) -> Result<T, FilterError>,
        condition: impl FnOnce(Vec<T>) -> Condition,
    ) -> Result<(), FilterError> {
        if !values.is_empty() {
            let parsed =
                values.iter().map(|value| parse(field, value)).collect::<Result<_, _>>()?;
            self.all.push(condition(parsed));
        }
        Ok(())
    }

    pub(super) fn addresses(
        &mut self,
        field: &'static str,
        values: &[String],
        which: FlowAddress,
    ) -> Result<(), FilterError> {
        let (mut texts, mut cidrs) = (Vec::new(), Vec::new());
        for value in values {
            let wrong = || FilterError::Address { field, value: value.clone() };
            if value.contains('/') {
                cidrs.push(Prefix::parse(value).map_err(|_| wrong())?);
            } else if is_address(value) {
                texts.push(value.clone());
            } else {
                return Err(wrong());
            }
        }
        if !values.is_empty() {
            self.all.push(Condition::Ip(which, texts, cidrs));
        }
        Ok(())
    }

    pub(super) fn status_codes(
        &mut self,
        _field: &'static str,
        values: &[String],
    ) -> Result<(), FilterError> {
        let (mut codes, mut prefixes) = (Vec::new(), Vec::new());
        for value in values {
            let (digits, is_prefix) =
                value.strip_suffix('+').map_or((value.as_str(), false), |digits| (digits, true));
            let lengths = if is_prefix { 1..=2 } else { 3..=3 };
            let well_formed = lengths.contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
                && digits.starts_with(['1', '2', '3', '4', '5']);
            if !well_formed {
                return Err(FilterError::StatusCode { value: value.clone() });
            }
            if is_prefix { &mut prefixes } else { &mut codes }.push(digits.to_owned());
        }
        if !values.is_empty() {
            self.all.push(Condition::HttpStatusCode(codes, prefixes));
        }
        Ok(())
    }
}

pub(super) fn parse_protocol(value: &str) -> Result<Protocol, FilterError> {
    Ok(match value.to_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        "icmp" => Protocol::Icmp,
        "icmpv4" => Protocol::Icmpv4,
        "icmpv6" => Protocol::Icmpv6,
        "vrrp" => Protocol::Vrrp,
        "igmp" => Protocol::Igmp,
        "dns" => Protocol::Dns,
        "http" => Protocol::Http,
        _ => return Err(FilterError::Protocol { value: value.to_owned() }),
    })
}

pub(super) fn protocol(_field: &'static str, value: &str) -> Result<Protocol, FilterError> {
    parse_protocol(value)
}

pub(super) fn port(field: &'static str, value: &str) -> Result<u16, FilterError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { value.parse().ok() } else { None };
    port.ok_or_else(|| FilterError::Port { field, value: value.to_owned() })
}

pub(super) fn namespaced(
    field: &'static str,
    value: &str,
) -> Result<NamespacedPrefix, FilterError> {
    NamespacedPrefix::parse(value).ok_or(FilterError::EmptyName { field })
}

pub(super) fn filled(field: &'static str, value: &str) -> Result<String, FilterError> {
    match value {
        "" => Err(FilterError::EmptyName { field }),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn fqdn(field: &'static str, value: &str) -> Result<FilterPattern, FilterError> {
    FilterPattern::parse(value).map_err(|source| pattern_error(field, value, source))
}

pub(super) fn node_pattern(
    field: &'static str,
    value: &str,
) -> Result<NodeNamePattern, FilterError> {
    NodeNamePattern::parse(value).map_err(|source| pattern_error(field, value, source))
}

fn pattern_error(field: &'static str, value: &str, source: PatternError) -> FilterError {
    FilterError::Pattern { field, value: value.to_owned(), source }
}

pub(super) fn selector(field: &'static str, value: &str) -> Result<LabelSelector, FilterError> {
    LabelSelector::parse(value).map_err(|source| FilterError::Selector {
        field,
        value: value.to_owned(),
        source,
    })
}
