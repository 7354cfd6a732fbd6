//! Generated and committed files: the protobuf code, the schema tables, the dashboards, the rules, the
//! TypeScript types of queries and of the Wasm module's answers, and the documentation of lints.

mod committed;
mod rust;

use std::fs;
use std::path::{Path, PathBuf};

use dashboards::{Build, Dashboard};

use self::committed::write;
use crate::{Failure, example, typescript, workspace};

/// Reason why a folder of generated files does not match its source.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` is not a dashboard of `dashboards/src`: remove it")]
pub(crate) struct UnknownFile {
    path: PathBuf,
}

/// Writes files that differ. With `check`, writes nothing and fails on the first difference.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    rust::wire(check)?;
    rust::schema_tables(check)?;
    rust::unicode_tables(check)?;
    for build in Build::ALL {
        let folder = Path::new("dashboards").join(build.folder());
        let dashboards = dashboards::all(build);
        no_other(&folder, &dashboards)?;
        for dashboard in dashboards {
            write(
                &folder.join(dashboard.file_name()),
                &dashboard.json(),
                "dashboards/src/",
                check,
            )?;
        }
    }
    for declarations in &typescript::ALL {
        let text = declarations.text()?;
        write(declarations.path(), &text, declarations.package, check)?;
    }
    let lints = example::output("hubble-verdict", "lints", &["--no-default-features"])?;
    write(Path::new("docs/lints.md"), &lints, "hubble-verdict", check)?;
    for file in dashboards::rule_files()? {
        write(Path::new(file.path()), file.text(), "dashboards/src/rules/", check)?;
    }
    Ok(())
}

/// Fails for a file without a source, which Grafana would show anyway.
fn no_other(folder: &Path, dashboards: &[Dashboard]) -> Result<(), UnknownFile> {
    for entry in fs::read_dir(workspace::at(folder)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !dashboards.iter().any(|dashboard| *dashboard.file_name() == *name) {
            return Err(UnknownFile { path: entry.path() });
        }
    }
    Ok(())
}
