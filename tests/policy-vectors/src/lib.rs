//! The files of `tests/vectors` about policies: read, judged, and compared with the answers of
//! Cilium's own engine and of a real API server.

pub mod documents;
mod lines;
pub mod naive;
pub mod scenarios;

pub use lines::read_lines;

/// Reason why a file of vectors cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// A file cannot be opened, or is not text.
    #[error("cannot read `{path}`")]
    File {
        /// Its path.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A line is not JSON.
    #[error("line {line} is not JSON")]
    Json {
        /// Its number, from 1.
        line: usize,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
    /// Line without a required field.
    #[error("line {line} lacks {what}")]
    Lacks {
        /// Its number, from 1.
        line: usize,
        /// Name of the field.
        what: &'static str,
    },
}
