//! Debian's packages, unpacked into the cache without installing them.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::process::{on_path, output_of, privileged};
use crate::progress::Step;
use crate::workspace;

/// The folder of a package's files, downloaded where the cache lacks `wanted`, a path within it.
/// Root is needed only to refresh stale package lists.
pub(crate) async fn unpacked(step: &mut Step, package: &str, wanted: &Path) -> Option<PathBuf> {
    let folder = workspace::cache().join(format!("{package}-debian"));
    if folder.join(wanted).exists() {
        return Some(folder);
    }
    on_path("apt-get")?;
    fs::create_dir_all(&folder).ok()?;
    let mut download = Command::new("apt-get");
    download.args(["download", "-q", package]).current_dir(&folder);
    if output_of(&mut download).await.is_none() {
        step.at("refreshing apt's package lists");
        output_of(privileged("apt-get")?.args(["update", "-q"])).await?;
        output_of(&mut download).await?;
    }
    let archive = fs::read_dir(&folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))?;
    output_of(Command::new("dpkg").arg("-x").arg(&archive).arg(&folder)).await?;
    fs::remove_file(archive).ok()?;
    folder.join(wanted).exists().then_some(folder)
}
