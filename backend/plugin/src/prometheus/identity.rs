//! The user who asks, as Grafana forwards them to a data source with `oauthPassThru`.

use http::HeaderValue;

/// The headers that carry the user's tokens, as Grafana and Prometheus' proxies name them.
const AUTHORIZATION: &str = "authorization";
const ID_TOKEN: &str = "x-id-token";
/// Grafana's mark of a header of the browser's request. Source: grafana-plugin-sdk-go
/// `backend.SetHTTPHeader`.
const HTTP_PREFIX: &str = "http_";

/// Tokens of the user who asks. Empty where Grafana forwards none: alert rules have no user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct ForwardedIdentity {
    /// `Authorization`.
    pub(super) authorization: Option<HeaderValue>,
    /// `X-Id-Token`.
    pub(super) id_token: Option<HeaderValue>,
}

impl ForwardedIdentity {
    /// Picks the tokens out of a call's headers; whatever no header can carry is left out.
    pub(crate) fn new<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut identity = Self::default();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let slot = match name.strip_prefix(HTTP_PREFIX).unwrap_or(&name) {
                AUTHORIZATION => &mut identity.authorization,
                ID_TOKEN => &mut identity.id_token,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            *slot = HeaderValue::from_str(value).ok().map(|mut value| {
                value.set_sensitive(true);
                value
            });
        }
        identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let check = |headers: &[(&str, &str)], expected: (Option<&str>, Option<&str>)| {
            let identity = ForwardedIdentity::new(headers.iter().copied());
            let text = |value: &Option<HeaderValue>| {
                value.as_ref().map(|value| value.to_str().unwrap().to_owned())
            };
            assert_eq!(
                (text(&identity.authorization).as_deref(), text(&identity.id_token).as_deref()),
                expected
            );
            assert!(!format!("{identity:?}").contains("hunter2"), "tokens are never shown");
        };
        check(&[], (None, None));
        check(&[("Authorization", "Bearer hunter2")], (Some("Bearer hunter2"), None));
        check(
            &[("http_Authorization", "Bearer hunter2"), ("http_X-Id-Token", "hunter2")],
            (Some("Bearer hunter2"), Some("hunter2")),
        );
        check(&[("X-ID-Token", "hunter2"), ("Cookie", "a=b")], (None, Some("hunter2")));
        check(&[("Authorization", "hunter2\r\nX: y")], (None, None));
        check(&[("Authorization", "")], (None, None));
    }
}
