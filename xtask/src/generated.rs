//! Generated and committed files: the protobuf code, the schema tables, the dashboards, the rules, the
//! TypeScript types of queries and of the Wasm module's answers, and the documentation of lints.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dashboards::{Build, Dashboard};

use crate::{Failure, example, r#gen, typescript, workspace};

/// Reason why a file does not match its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GeneratedError {
    #[error("`{path}` does not match the code that it is made from: run `cargo xtask gen`")]
    Stale { path: PathBuf },
    #[error("`{path}` is not a dashboard of `dashboards/src`: remove it")]
    Unknown { path: PathBuf },
    #[error("`{path}` could not be written")]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// Writes files that differ. With `check`, writes nothing and fails on the first difference.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    r#gen::wire(workspace::root(), check)?;
    r#gen::tables(workspace::root(), check)?;
    r#gen::expressions(workspace::root(), check)?;
    for build in Build::ALL {
        let folder = Path::new("dashboards").join(build.folder());
        let dashboards = dashboards::all(build);
        no_other(&folder, &dashboards)?;
        for dashboard in dashboards {
            write(&folder.join(dashboard.file_name()), &dashboard.json(), check)?;
        }
    }
    for declarations in &typescript::ALL {
        let text = declarations.text()?;
        write(declarations.path(), &text, check)?;
    }
    let lints = example::output("hubble-verdict", "lints", &["--no-default-features"])?;
    write(Path::new("docs/lints.md"), &lints, check)?;
    for file in dashboards::rule_files()? {
        write(Path::new(file.path()), file.text(), check)?;
    }
    Ok(())
}

/// Fails for a file without a source, which Grafana would show anyway.
fn no_other(folder: &Path, dashboards: &[Dashboard]) -> Result<(), GeneratedError> {
    for entry in fs::read_dir(workspace::at(folder)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !dashboards.iter().any(|dashboard| *dashboard.file_name() == *name) {
            return Err(GeneratedError::Unknown { path: entry.path() });
        }
    }
    Ok(())
}

/// Writes a file; `path` is relative to the checkout.
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
