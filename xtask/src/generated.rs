//! Files that are generated and committed: the protobuf code, the dashboards.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::{Failure, r#gen, workspace};

/// Why a dashboard's file is not what the code says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DashboardError {
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
    dashboards(check)?;
    Ok(())
}

fn dashboards(check: bool) -> Result<(), DashboardError> {
    for dashboard in dashboards::all() {
        let path = workspace::at("dashboards/json").join(dashboard.file_name());
        let text = dashboard.json();
        if fs::read_to_string(&path).is_ok_and(|committed| committed == text) {
            continue;
        }
        if check {
            return Err(DashboardError::Stale { path });
        }
        let write = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, &text)
        };
        write().map_err(|cause| DashboardError::Write { path: path.clone(), cause })?;
    }
    Ok(())
}
