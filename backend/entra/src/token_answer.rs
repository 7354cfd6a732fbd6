//! Answers of the endpoints that issue tokens: Microsoft Entra ID, and the metadata endpoint of a machine.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use secret::Secret;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::token_error::TokenError;
use wording::quote_answer;

/// Token, and how long it holds.
#[derive(Debug)]
pub struct IssuedToken {
    /// Value of the header: `Bearer …`, marked as a secret.
    pub header: HeaderValue,
    /// Time for which the token holds, from the request on.
    pub life: Duration,
}

/// Token in the answer of both kinds of endpoint.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Seconds,
}

/// Number of seconds, also as a string, which the metadata endpoint uses.
struct Seconds(u64);

#[derive(Deserialize, Default)]
#[serde(default)]
struct OAuthError {
    error: String,
    error_description: String,
}

/// Reads the answer of `host`. `secret` is that of the login: it is redacted where the answer repeats it.
///
/// Errors: [`TokenError::Refused`] and [`TokenError::NoToken`].
pub fn read(
    status: StatusCode,
    answer: &[u8],
    host: &str,
    secret: Option<&Secret>,
) -> Result<IssuedToken, TokenError> {
    let no_token = || TokenError::NoToken { host: host.to_owned(), status: status.as_u16() };
    if status != StatusCode::OK {
        let refusal: OAuthError = serde_json::from_slice(answer).unwrap_or_default();
        let message = error_line(&refusal, secret).ok_or_else(no_token)?;
        let (host, status) = (host.to_owned(), status.as_u16());
        return Err(TokenError::Refused { host, status, message });
    }
    // The parser's error could quote the token.
    let answer: TokenAnswer = serde_json::from_slice(answer).map_err(|_| no_token())?;
    let mut header =
        HeaderValue::try_from(format!("Bearer {}", answer.access_token)).map_err(|_| no_token())?;
    header.set_sensitive(true);
    Ok(IssuedToken { header, life: Duration::from_secs(answer.expires_in.0) })
}

/// First line of the error message.
fn error_line(refusal: &OAuthError, secret: Option<&Secret>) -> Option<String> {
    let words = match (refusal.error_description.lines().next(), refusal.error.as_str()) {
        (Some(words), _) => words,
        (None, "") => return None,
        (None, error) => error,
    };
    let words = match secret {
        Some(secret) => words.replace(secret.reveal(), "[redacted]"),
        None => words.to_owned(),
    };
    Some(quote_answer(&words))
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecondsVisitor;
        impl Visitor<'_> for SecondsVisitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds")
            }

            fn visit_u64<E>(self, secs: u64) -> Result<Seconds, E> {
                // A token without expiry is renewed daily.
                Ok(Seconds(secs.min(86_400)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                let secs = text.parse().map_err(|_| E::custom("no seconds"))?;
                self.visit_u64(secs)
            }
        }
        deserializer.deserialize_any(SecondsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let check = |status: u16, answer: &str, expected: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let secret = Secret::new("hunter2");
            let shown = match read(status, answer.as_bytes(), "login", secret.as_ref()) {
                Ok(IssuedToken { header, life }) => {
                    assert!(!format!("{header:?}").contains("abc"));
                    format!("{} for {} s", header.to_str().unwrap(), life.as_secs())
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(shown, expected, "{answer}");
        };
        check(200, r#"{"access_token":"abc","expires_in":60,"x":1}"#, "Bearer abc for 60 s");
        check(200, r#"{"access_token":"abc","expires_in":"3600"}"#, "Bearer abc for 3600 s");
        check(
            200,
            r#"{"access_token":"abc","expires_in":18446744073709551615}"#,
            "Bearer abc for 86400 s",
        );
        let no_token = "`login` answered 200 without a token";
        for answer in [
            "",
            "[]",
            "{}",
            r#"{"access_token":"abc"}"#,
            r#"{"access_token":"abc","expires_in":-1}"#,
            r#"{"access_token":"a\nb","expires_in":60}"#,
        ] {
            check(200, answer, no_token);
        }
        check(
            401,
            r#"{"error":"invalid_client","error_description":"secret hunter2 is wrong\r\nTrace ID: 1"}"#,
            "`login` refused to issue a token (401): secret [redacted] is wrong",
        );
        check(
            400,
            r#"{"error":"invalid_request"}"#,
            "`login` refused to issue a token (400): invalid_request",
        );
        check(503, "<html>", "`login` answered 503 without a token");
    }
}
