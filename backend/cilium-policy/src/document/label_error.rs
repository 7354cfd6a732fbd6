//! Label keys and values that Kubernetes and Cilium refuse. Source:
//! k8s.io/apimachinery/pkg/api/validate/content, pkg/k8s/slim `IsValidCiliumLabelKey`.

/// The reason why a label's key or value is refused, in the words of Kubernetes or Cilium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelError {
    #[error("label source should be a non empty string with only alphanumeric characters")]
    Source,
    #[error(
        "a valid label key only support ':' character as a source separator with non empty value"
    )]
    Separators,
    #[error("prefix part must be non-empty")]
    EmptyPrefix,
    #[error("prefix part must be no more than 253 bytes")]
    LongPrefix,
    #[error(
        "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )]
    Prefix,
    #[error(
        "a valid label key {NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    )]
    Slashes,
    #[error("name part must be non-empty")]
    EmptyName,
    #[error("name part must be no more than 63 bytes")]
    LongName,
    #[error("name part {NAME}")]
    Name,
    #[error("must be no more than 63 bytes")]
    LongValue,
    #[error(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )]
    Value,
}

/// The form of a key's name, as Kubernetes describes it.
const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

impl LabelError {
    /// The errors of Cilium's `IsValidCiliumLabelKey`.
    pub(super) fn of_cilium_key(key: &str) -> Vec<Self> {
        let parts: Vec<&str> = key.split(':').collect();
        match parts.as_slice() {
            [name] => Self::of_key(name),
            [source, name] => {
                let mut errors = Vec::new();
                if source.is_empty() || !source.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    errors.push(Self::Source);
                }
                errors.extend(Self::of_key(name));
                errors
            }
            _ => vec![Self::Separators],
        }
    }

    /// The errors of Kubernetes' `IsQualifiedName`.
    pub(crate) fn of_key(key: &str) -> Vec<Self> {
        let mut errors = Vec::new();
        let parts: Vec<&str> = key.split('/').collect();
        let name = match parts.as_slice() {
            [name] => *name,
            [prefix, name] => {
                if prefix.is_empty() {
                    errors.push(Self::EmptyPrefix);
                } else if prefix.len() > 253 {
                    errors.push(Self::LongPrefix);
                } else if !is_subdomain(prefix) {
                    errors.push(Self::Prefix);
                }
                *name
            }
            _ => return vec![Self::Slashes],
        };
        if name.is_empty() {
            errors.push(Self::EmptyName);
        } else if name.len() > 63 {
            errors.push(Self::LongName);
        }
        if !is_label_text(name) {
            errors.push(Self::Name);
        }
        errors
    }

    /// The errors of Kubernetes' `IsValidLabelValue`.
    pub(crate) fn of_value(value: &str) -> Vec<Self> {
        let mut errors = Vec::new();
        if value.len() > 63 {
            errors.push(Self::LongValue);
        }
        if !value.is_empty() && !is_label_text(value) {
            errors.push(Self::Value);
        }
        errors
    }
}

fn is_label_text(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether a text is a subdomain of RFC 1123, in lower case.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|label| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(label.bytes().next())
            && edge(label.bytes().next_back())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::{LabelError::*, *};

    #[test]
    fn each_error_has_a_key_or_a_value() {
        let key = |key: &str, expected: &[LabelError]| {
            assert_eq!(LabelError::of_cilium_key(key), expected, "{key}");
        };
        let long = "a".repeat(64);
        key("app", &[]);
        key("k8s:app.kubernetes.io/name", &[]);
        key(":app", &[Source]);
        key("k8-s:app", &[Source]);
        key("a:b:c", &[Separators]);
        key("/app", &[EmptyPrefix]);
        key(&format!("{}/app", "a".repeat(254)), &[LongPrefix]);
        key("Example.com/app", &[Prefix]);
        key("a/b/c", &[Slashes]);
        key("x.io/", &[EmptyName, Name]);
        key(&long, &[LongName]);
        key("-app", &[Name]);
        let value = |value: &str, expected: &[LabelError]| {
            assert_eq!(LabelError::of_value(value), expected, "{value}");
        };
        value("", &[]);
        value("a_b.c-d", &[]);
        value(&long, &[LongValue]);
        value("a b", &[Value]);
    }
}
