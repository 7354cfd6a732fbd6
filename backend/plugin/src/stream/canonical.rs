//! The query of a channel. The channel's path is the hash of its query, so all viewers of a query share
//! one channel, and another query there is refused.

use data_encoding::HEXLOWER;
use query::{InvalidFields, MAX_QUERY_BYTES};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::RefusedChannel;

const PREFIX: &str = "flows/";

/// A query in the form that its hash is taken of: canonical JSON by RFC 8785. Whatever the subscriber sent
/// beside it, such as the second of two equal keys, is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CanonicalQuery(Vec<u8>);

impl CanonicalQuery {
    /// Reads the query that a subscriber of `path` sent.
    ///
    /// Errors: [`RefusedChannel`] except for the limits.
    pub(super) fn read(path: &str, json: &[u8]) -> Result<Self, RefusedChannel> {
        let hash = path
            .strip_prefix(PREFIX)
            .and_then(|digits| HEXLOWER.decode(digits.as_bytes()).ok())
            .filter(|hash| hash.len() == Sha256::output_size())
            .ok_or_else(|| RefusedChannel::Path { path: path.to_owned() })?;
        if json.len() > MAX_QUERY_BYTES {
            return Err(InvalidFields::TooLarge.into());
        }
        let query = Self::of(json).map_err(InvalidFields::Json)?;
        if *Sha256::digest(&query.0) == *hash {
            Ok(query)
        } else {
            Err(RefusedChannel::OtherQuery { path: path.to_owned() })
        }
    }

    fn of(json: &[u8]) -> Result<Self, serde_json::Error> {
        let query: Value = serde_json::from_slice(json)?;
        serde_json_canonicalizer::to_vec(&query).map(Self)
    }

    /// The JSON.
    pub(super) fn json(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// A query as sent, and the path of its channel. The frontend's tests read the same file.
    #[derive(Deserialize)]
    struct Vector {
        query: String,
        canonical: String,
        path: String,
    }

    #[test]
    fn vectors() {
        let lines = include_str!("../../../../tests/vectors/live-paths.jsonl").lines();
        let vectors: Vec<Vector> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(vectors.len() > 5, "{}", vectors.len());
        for Vector { query, canonical, path } in vectors {
            let read = CanonicalQuery::read(&path, query.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(read.json()), canonical);
        }
    }

    #[test]
    fn paths() {
        let of_empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let refusal = |path: &str, json: &str| {
            CanonicalQuery::read(path, json.as_bytes()).err().map(|error| error.to_string())
        };
        let path = format!("flows/{of_empty}");
        assert_eq!(refusal(&path, " { } "), None);
        for path in [
            "",
            "flows/",
            "flows/7-4f",
            of_empty,
            &format!("flow/{of_empty}"),
            &format!("flows/{of_empty}a"),
            &format!("flows/{}", of_empty.to_uppercase()),
            &format!("flows/a/{of_empty}"),
            &format!("flows/{}ä", &of_empty.get(2..).unwrap()),
        ] {
            let expected = format!(
                "`{path}` is not a live channel: use `flows/` and the SHA-256 of the query's canonical JSON \
                 in lower-case hexadecimal digits; a page that is older than the plugin has to be reloaded"
            );
            assert_eq!(refusal(path, "{}"), Some(expected));
        }
        let other = format!(
            "live channel `{path}` is for another query: its name has to be the SHA-256 of the query's \
             canonical JSON"
        );
        for json in ["{\"last\":1}", "[]", "{\"a\":null}"] {
            assert_eq!(refusal(&path, json), Some(other.clone()), "{json}");
        }
        let unreadable = refusal(&path, "{").unwrap();
        assert!(unreadable.starts_with("the query cannot be read: EOF"), "{unreadable}");
        let large = format!("\"{}\"", "a".repeat(MAX_QUERY_BYTES));
        assert_eq!(refusal(&path, &large).unwrap(), "the query is larger than 1024 KiB");
    }

    /// The hash is of what is read, so no second reading of the same bytes gets past it.
    #[test]
    fn of_two_equal_keys_the_last_is_read() {
        let query = CanonicalQuery::of(br#"{"last":1,"since":"5m","last":2}"#).unwrap();
        assert_eq!(query.json(), br#"{"last":2,"since":"5m"}"#);
    }
}
