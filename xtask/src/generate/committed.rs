//! Generated files in the checkout, written or compared.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::workspace;

/// Reason why a committed file does not match its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommittedError {
    /// The file differs from the generated one.
    #[error("`{path}` does not match `{from}`: run `cargo xtask gen`")]
    Stale { path: PathBuf, from: String },
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// The file cannot be written.
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
}

/// Writes `text`, made from `from`, to a file if it differs; both paths are relative to the checkout. With
/// `check`, writes nothing, and a difference is an error.
pub(crate) fn write(
    path: &Path,
    text: &str,
    from: &str,
    check: bool,
) -> Result<(), CommittedError> {
    let path = workspace::at(path);
    match fs::read_to_string(&path) {
        Ok(committed) if committed == text => return Ok(()),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(CommittedError::Read { path, source });
        }
        _ => {}
    }
    if check {
        return Err(CommittedError::Stale { path, from: from.to_owned() });
    }
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)
    };
    write().map_err(|source| CommittedError::Write { path: path.clone(), source })
}
