//! Files that are generated and committed: the protobuf code, the dashboards, the rules.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Failure, r#gen, workspace};

/// Why a file is not what the code in `dashboards/src` says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GeneratedError {
    #[error("`{path}` does not match the code in `dashboards/src`: run `cargo xtask gen`")]
    Stale { path: PathBuf },
    #[error("`{path}` could not be written")]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// Writes what differs; with `check`, writes nothing and fails on the first difference.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    r#gen::wire(workspace::root(), check)?;
    for dashboard in dashboards::all() {
        let path = Path::new("dashboards/json").join(dashboard.file_name());
        write(&path, &dashboard.json(), check)?;
    }
    for file in dashboards::rule_files()? {
        write(Path::new(file.path()), file.text(), check)?;
    }
    Ok(())
}

/// `path` is relative to the checkout.
fn write(path: &Path, text: &str, check: bool) -> Result<(), GeneratedError> {
    let path = workspace::at(path);
    if fs::read_to_string(&path).is_ok_and(|committed| committed == text) {
        return Ok(());
    }
    if check {
        return Err(GeneratedError::Stale { path });
    }
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)
    };
    write().map_err(|cause| GeneratedError::Write { path: path.clone(), cause })
}
