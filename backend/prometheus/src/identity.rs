//! The user who asks, as Grafana forwards them to a data source with `oauthPassThru`.

use http::HeaderValue;

/// The headers that carry the user's tokens, as Grafana and Prometheus' proxies name them.
const AUTHORIZATION: &str = "authorization";
const ID_TOKEN: &str = "x-id-token";
/// Grafana's mark of a header of the browser's request. Source: grafana-plugin-sdk-go
/// `backend.SetHTTPHeader`.
const HTTP_PREFIX: &str = "http_";

/// Who wrote the headers of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadersOf {
    /// Grafana alone: queries and health checks.
    Grafana,
    /// The browser: Grafana hands all of its headers to a resource, and takes out `Authorization`
    /// by its own name only. `X-Id-Token` is Grafana's where Grafana put `Authorization` beside it.
    Browser,
}

/// Tokens of the user who asks. Empty where Grafana forwards none: alert rules have no user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ForwardedIdentity {
    /// `Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
    /// `X-Id-Token`.
    pub(crate) id_token: Option<HeaderValue>,
}

/// Two tokens where there can be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the header `{0}` came with two values, as if two different users asked: check the proxy before Grafana"
)]
pub struct TwoIdentities(&'static str);

impl ForwardedIdentity {
    /// Picks the tokens out of a call's headers; whatever no header can carry is left out. A
    /// header by its own name is Grafana's, and goes before one with Grafana's mark.
    ///
    /// Errors: [`TwoIdentities`].
    pub fn new<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        of: HeadersOf,
    ) -> Result<Self, TwoIdentities> {
        let (mut own, mut marked) = (Self::default(), Self::default());
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            let (identity, name) = match name.strip_prefix(HTTP_PREFIX) {
                Some(_) if of == HeadersOf::Browser => continue,
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
                return Err(TwoIdentities(name));
            }
            *slot = value;
        }
        if of == HeadersOf::Browser && own.authorization.is_none() {
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
        let check = |of: HeadersOf, headers: &[(&str, &str)], expected: [Option<&str>; 2]| {
            let identity = ForwardedIdentity::new(headers.iter().copied(), of).unwrap();
            let text = |value: &Option<HeaderValue>| {
                value.as_ref().map(|value| value.to_str().unwrap().to_owned())
            };
            let found = [text(&identity.authorization), text(&identity.id_token)];
            assert_eq!(found.each_ref().map(Option::as_deref), expected, "{of:?} {headers:?}");
            assert!(!format!("{identity:?}").contains("hunter2"), "tokens are never shown");
        };
        let (authorization, marked) = (("Authorization", "hunter2"), ("http_Authorization", "x"));
        for of in [HeadersOf::Grafana, HeadersOf::Browser] {
            check(of, &[], [None, None]);
            check(of, &[authorization], [Some("hunter2"), None]);
            let both = [authorization, ("X-ID-Token", "hunter2"), ("Cookie", "a=b")];
            check(of, &both, [Some("hunter2"), Some("hunter2")]);
            check(of, &[("Authorization", "hunter2\r\nX: y")], [None, None]);
            check(of, &[("Authorization", "")], [None, None]);
            // The order is that of a hash map.
            check(of, &[authorization, marked], [Some("hunter2"), None]);
            check(of, &[marked, authorization], [Some("hunter2"), None]);
            check(of, &[authorization, authorization], [Some("hunter2"), None]);
        }
        let alone = [("X-ID-Token", "hunter2"), ("Cookie", "a=b")];
        check(HeadersOf::Grafana, &alone, [None, Some("hunter2")]);
        check(HeadersOf::Browser, &alone, [None, None]);
        let both = [("http_Authorization", "hunter2"), ("http_X-Id-Token", "hunter2")];
        check(HeadersOf::Grafana, &both, [Some("hunter2"), Some("hunter2")]);
        check(HeadersOf::Browser, &both, [None, None]);
        let forged = [("Http_authorization", "x"), ("HTTP_X-Id-Token", "y")];
        check(HeadersOf::Browser, &forged, [None, None]);
        let two = [("Authorization", "a"), ("authorization", "b")];
        let refused = ForwardedIdentity::new(two, HeadersOf::Grafana).unwrap_err();
        assert_eq!(refused, TwoIdentities("Authorization"));
    }
}
