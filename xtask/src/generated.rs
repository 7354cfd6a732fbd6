//! Files that are generated and committed: the protobuf code, the schemas' tables, the dashboards, the rules, the
//! query model in TypeScript.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use dashboards::{Build, Dashboard};

use crate::{Failure, r#gen, workspace};

/// Why a file is not what the code in `dashboards/src` says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GeneratedError {
    #[error("`{path}` does not match the code in `dashboards/src`: run `cargo xtask gen`")]
    Stale { path: PathBuf },
    #[error("`{path}` is no dashboard of `dashboards/src`: remove it")]
    Unknown { path: PathBuf },
    #[error(
        "`{path}` does not match the query model, or cannot be made: run `cargo xtask gen`\n{said}"
    )]
    QueryTypes { path: PathBuf, said: String },
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
    query_types(check)?;
    for file in dashboards::rule_files()? {
        write(Path::new(file.path()), file.text(), check)?;
    }
    Ok(())
}

/// The query model as TypeScript, which a test of the model makes.
fn query_types(check: bool) -> Result<(), GeneratedError> {
    let mut test = Command::new(env!("CARGO"));
    test.args(["test", "--quiet", "--package", "query", "--lib"])
        .args(["typescript"])
        .current_dir(workspace::root())
        .env_remove("WRITE_GENERATED");
    if !check {
        test.env("WRITE_GENERATED", "1");
    }
    let path = PathBuf::from("src/datasource/query/generated.ts");
    let output =
        test.output().map_err(|cause| GeneratedError::Write { path: path.clone(), cause })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(GeneratedError::QueryTypes { path, said: String::from_utf8_lossy(&said).into_owned() })
}

/// A file that no code makes would be shown by Grafana all the same.
fn no_other(folder: &Path, dashboards: &[Dashboard]) -> Result<(), GeneratedError> {
    for entry in fs::read_dir(workspace::at(folder)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !dashboards.iter().any(|dashboard| *dashboard.file_name() == *name) {
            return Err(GeneratedError::Unknown { path: entry.path() });
        }
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
