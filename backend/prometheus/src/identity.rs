//! Identity of the user, as Grafana forwards it to a data source with `oauthPassThru`.

use http::HeaderValue;

/// Headers with the user's tokens, as named by Grafana and Prometheus' proxies.
const AUTHORIZATION: &str = "authorization";
const ID_TOKEN: &str = "x-id-token";
/// Grafana's prefix for headers of the browser's request. Source: grafana-plugin-sdk-go
/// `backend.SetHTTPHeader`.
const HTTP_PREFIX: &str = "http_";

/// Origin of a call's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderOrigin {
    /// Grafana alone, for queries and health checks.
    Grafana,
    /// The browser: Grafana passes all of its headers to a resource, and removes `Authorization`
    /// only under its own name. `X-Id-Token` comes from Grafana if Grafana added `Authorization`,
    /// too.
    Browser,
}

/// Tokens of the user. Empty if Grafana forwards none, as for alert rules, which have no user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ForwardedIdentity {
    /// Value of `Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
    /// Value of `X-Id-Token`.
    pub(crate) id_token: Option<HeaderValue>,
}

/// Error: a header with two different tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the header `{0}` came with two values, as if two different users asked: check the proxy before Grafana"
)]
pub struct ConflictingTokens(&'static str);

impl ForwardedIdentity {
    /// Extracts the tokens from a call's headers, without values that are invalid in a header. A
    /// header under its own name comes from Grafana and takes precedence over one with Grafana's
    /// prefix.
    ///
    /// Errors: [`ConflictingTokens`].
    pub fn new<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        of: HeaderOrigin,
    ) -> Result<Self, ConflictingTokens> {
        let (mut own, mut marked) = (Self::default(), Self::default());
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let (identity, name) = match name.strip_prefix(HTTP_PREFIX) {
                Some(_) if of == HeaderOrigin::Browser => continue,
                Some(name) => (&mut marked, name),
                None => (&mut own, name.as_str()),
            };
            let (slot, name) = match name {
                AUTHORIZATION => (&mut identity.authorization, "Authorization"),
                ID_TOKEN => (&mut identity.id_token, "X-Id-Token"),
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            let value = HeaderValue::from_str(value).ok().map(|mut value| {
                value.set_sensitive(true);
                value
            });
            if slot.is_some() && *slot != value {
                return Err(ConflictingTokens(name));
            }
            *slot = value;
        }
        if of == HeaderOrigin::Browser && own.authorization.is_none() {
            own.id_token = None;
        }
        Ok(Self {
            authorization: own.authorization.or(marked.authorization),
            id_token: own.id_token.or(marked.id_token),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let check = |of: HeaderOrigin, headers: &[(&str, &str)], expected: [Option<&str>; 2]| {
            let identity = ForwardedIdentity::new(headers.iter().copied(), of).unwrap();
            let text = |value: &Option<HeaderValue>| {
                value.as_ref().map(|value| value.to_str().unwrap().to_owned())
            };
            let found = [text(&identity.authorization), text(&identity.id_token)];
            assert_eq!(found.each_ref().map(Option::as_deref), expected, "{of:?} {headers:?}");
            assert!(!format!("{identity:?}").contains("hunter2"), "tokens are never shown");
        };
        let (authorization, marked) = (("Authorization", "hunter2"), ("http_Authorization", "x"));
        for of in [HeaderOrigin::Grafana, HeaderOrigin::Browser] {
            check(of, &[], [None, None]);
            check(of, &[authorization], [Some("hunter2"), None]);
            let both = [authorization, ("X-ID-Token", "hunter2"), ("Cookie", "a=b")];
            check(of, &both, [Some("hunter2"), Some("hunter2")]);
            check(of, &[("Authorization", "hunter2\r\nX: y")], [None, None]);
            check(of, &[("Authorization", "")], [None, None]);
            // The order of headers is that of a hash map.
            check(of, &[authorization, marked], [Some("hunter2"), None]);
            check(of, &[marked, authorization], [Some("hunter2"), None]);
            check(of, &[authorization, authorization], [Some("hunter2"), None]);
        }
        let alone = [("X-ID-Token", "hunter2"), ("Cookie", "a=b")];
        check(HeaderOrigin::Grafana, &alone, [None, Some("hunter2")]);
        check(HeaderOrigin::Browser, &alone, [None, None]);
        let both = [("http_Authorization", "hunter2"), ("http_X-Id-Token", "hunter2")];
        check(HeaderOrigin::Grafana, &both, [Some("hunter2"), Some("hunter2")]);
        check(HeaderOrigin::Browser, &both, [None, None]);
        let forged = [("Http_authorization", "x"), ("HTTP_X-Id-Token", "y")];
        check(HeaderOrigin::Browser, &forged, [None, None]);
        let two = [("Authorization", "a"), ("authorization", "b")];
        let refused = ForwardedIdentity::new(two, HeaderOrigin::Grafana).unwrap_err();
        assert_eq!(refused, ConflictingTokens("Authorization"));
    }
}
