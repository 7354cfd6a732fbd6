//! `cargo xtask dist`: the archive to unpack into Grafana's plugin folder, the list of what it is made of,
//! and the checksums of both.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::progress::Step;
use crate::{Failure, artifacts, sbom, toolchain, workspace};

/// Top folder of the archive: Grafana's tools expect the app's id.
const APP_ID: &str = "k8snet-hubble-app";

/// Builds the plugin and packs `dist/`. The same files give the same bytes: sorted names, a fixed
/// date.
pub(crate) async fn run() -> Result<(), Failure> {
    toolchain::set_up().await?;
    artifacts::plugin(&[]).await?;
    let step = Step::start("Archive");
    let archive = workspace::at(format!("target/{APP_ID}-{}.zip", env!("CARGO_PKG_VERSION")));
    let files = pack(&workspace::at("dist"), &archive)?;
    let bytes = fs::metadata(&archive)?.len();
    step.done(&format!("{} ({files} files, {:.1} MB)", archive.display(), megabytes(bytes)));
    let step = Step::start("Bill of materials, checksums");
    let materials = archive.with_extension("cdx.json");
    fs::write(&materials, sbom::read(APP_ID, env!("CARGO_PKG_VERSION")).await?)?;
    fs::write(workspace::at("target/SHA256SUMS"), checksums(&[&archive, &materials])?)?;
    step.done("target/SHA256SUMS");
    Ok(())
}

/// Lines for `sha256sum --check` in the folder of the files.
fn checksums(files: &[&Path]) -> Result<String, Failure> {
    let mut lines = String::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for byte in Sha256::digest(fs::read(path)?) {
            write!(lines, "{byte:02x}")?;
        }
        writeln!(lines, "  {name}")?;
    }
    Ok(lines)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn pack(folder: &Path, archive: &Path) -> Result<usize, Failure> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut writer = ZipWriter::new(File::create(archive)?);
    for path in &files {
        let inside = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        let program = inside.contains("gpx_");
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(if program { 0o755 } else { 0o644 });
        writer.start_file(format!("{APP_ID}/{inside}"), options)?;
        io::copy(&mut File::open(path)?, &mut writer)?;
    }
    writer.finish()?;
    Ok(files.len())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_sha256sum() {
        let file = std::env::temp_dir().join(format!("xtask-sums-{}", std::process::id()));
        fs::write(&file, "abc").unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        // Source: FIPS 180-4, the example of one block.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksums(&[&file]).unwrap(), format!("{sum}  {name}\n"));
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn archives_are_reproducible_and_keep_executable_bits() {
        let folder = std::env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        let dist = folder.join("dist");
        fs::create_dir_all(dist.join("datasource")).unwrap();
        fs::write(dist.join("plugin.json"), "{}").unwrap();
        fs::write(dist.join("datasource/gpx_hubble_linux_amd64"), "program").unwrap();

        let (first, second) = (folder.join("1.zip"), folder.join("2.zip"));
        assert_eq!(pack(&dist, &first).unwrap(), 2);
        fs::write(dist.join("plugin.json"), "{}").unwrap();
        assert_eq!(pack(&dist, &second).unwrap(), 2);
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());

        let mut archive = zip::ZipArchive::new(File::open(&first).unwrap()).unwrap();
        let program =
            archive.by_name("k8snet-hubble-app/datasource/gpx_hubble_linux_amd64").unwrap();
        assert_eq!(program.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        drop(program);
        fs::remove_dir_all(folder).unwrap();
    }
}
