//! Official archives: downloaded once, checked against a SHA-256 sum, unpacked into the cache.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::Failure;
use crate::process::on_path;
use crate::progress::Step;
use crate::workspace;

/// Expected content of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected<'a> {
    /// Checksum from this source.
    Sha256(&'a str),
    /// The sum that the publisher puts beside the archive (`<url>.sha256`).
    Published,
    /// Any content, for a URL that the user set.
    Anything,
}

/// Reason why an archive is missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error("neither curl nor wget is on the PATH to download `{0}`")]
    NoClient(String),
    #[error(
        "the archive of `{url}` has the SHA-256 sum `{found}`, not `{expected}`; it was deleted"
    )]
    Sum { url: String, found: String, expected: String },
    #[error("no SHA-256 sum stands in `{url}.sha256`")]
    NoSum { url: String },
    #[error("`{url}` could not be downloaded ({said})")]
    Fetch { url: String, said: String },
    #[error("`{path}` could not be read")]
    Read {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{path}` could not be written")]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

/// Downloads the `.tar.gz` at `url` unless the cache has it, and returns the folder of its content
/// (the archive's own top folder is left out).
pub(crate) async fn archive(
    step: &mut Step,
    name: &str,
    url: &str,
    expected: Expected<'_>,
) -> Result<PathBuf, Failure> {
    let folder = workspace::cache().join(name);
    // The folder appears under its name only when everything in it was unpacked.
    if folder.is_dir() {
        return Ok(folder);
    }
    let write = |path: &Path, result: io::Result<()>| {
        result.map_err(|cause| DownloadError::Write { path: path.into(), cause })
    };
    let partial = workspace::cache().join(format!("{name}.partial"));
    write(&partial, remove_folder(&partial))?;
    write(&partial, fs::create_dir_all(&partial))?;

    let file = workspace::cache().join(format!("{name}.tar.gz"));
    fetch(step, url, &file).await?;
    check_sum(step, url, &file, expected).await?;
    step.at("unpacking");
    write(&partial, unpack(&file, &partial))?;
    write(&file, fs::remove_file(&file))?;
    write(&folder, fs::rename(&partial, &folder))?;
    Ok(folder)
}

/// Downloads by curl or wget, and not by a crate: with TLS, an HTTP client is more code than all the
/// rest of this program, which is the first thing that a clone compiles; and both programs already
/// know this machine's proxies and certificates.
async fn fetch(step: &mut Step, url: &str, file: &Path) -> Result<(), DownloadError> {
    let mut command = if on_path("curl").is_some() {
        let mut curl = Command::new("curl");
        curl.args(["-fsSL", "--connect-timeout", "15", "--retry", "2", "-o"]);
        curl
    } else if on_path("wget").is_some() {
        let mut wget = Command::new("wget");
        wget.args(["-nv", "--timeout=15", "--tries=3", "-O"]);
        wget
    } else {
        return Err(DownloadError::NoClient(url.into()));
    };
    command.arg(file).arg(url).stdin(Stdio::null()).kill_on_drop(true);
    let download = command.output();
    tokio::pin!(download);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    let output = loop {
        tokio::select! {
            output = &mut download => break output,
            _ = tick.tick() => {
                let bytes = fs::metadata(file).map_or(0, |metadata| metadata.len());
                step.at(&format!("{} MB", bytes / 1_000_000));
            }
        }
    };
    let said = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(DownloadError::Fetch { url: url.into(), said })
}

async fn check_sum(
    step: &mut Step,
    url: &str,
    file: &Path,
    expected: Expected<'_>,
) -> Result<(), Failure> {
    let expected = match expected {
        Expected::Anything => return Ok(()),
        Expected::Sha256(sum) => sum.to_owned(),
        Expected::Published => {
            let beside = file.with_extension("sha256");
            fetch(step, &format!("{url}.sha256"), &beside).await?;
            let text = fs::read_to_string(&beside).unwrap_or_default();
            first_sum(&text).ok_or_else(|| DownloadError::NoSum { url: url.into() })?
        }
    };
    let found = sum(file).map_err(|cause| DownloadError::Read { path: file.into(), cause })?;
    if found == expected {
        return Ok(());
    }
    let _not_removed = fs::remove_file(file);
    Err(DownloadError::Sum { url: url.into(), found, expected }.into())
}

/// The SHA-256 sum of a file, in hexadecimal digits.
fn sum(file: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut reader = io::BufReader::new(fs::File::open(file)?);
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        hasher.update(piece);
        let read = piece.len();
        reader.consume(read);
    }
    let mut digits = String::new();
    for byte in hasher.finalize() {
        let _infallible = write!(digits, "{byte:02x}").is_ok();
    }
    Ok(digits)
}

/// Unpacks a `.tar.gz` without its own top folder.
///
/// Errors: it is not one; a path in it leads elsewhere.
fn unpack(file: &Path, folder: &Path) -> io::Result<()> {
    let packed = io::BufReader::new(fs::File::open(file)?);
    for entry in tar::Archive::new(GzDecoder::new(packed)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let is_plain =
            |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path.components().all(is_plain) {
            return Err(io::Error::other(format!("`{}` leads out of its folder", path.display())));
        }
        let parts = path.components().filter(|part| *part != Component::CurDir);
        let below: PathBuf = parts.skip(1).collect();
        if below.as_os_str().is_empty() {
            continue;
        }
        let path = folder.join(below);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        entry.unpack(path)?;
    }
    Ok(())
}

/// The first word, when it is a SHA-256 sum.
fn first_sum(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?.to_ascii_lowercase();
    (word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit())).then_some(word)
}

/// Removes a folder that may be absent.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const SUM: &str = "b8b497c4610d1b93208252b60c8f20f6b2e78596ae8df43397a2e805aa53d475";

    #[test]
    fn sums() {
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(first_sum(text).as_deref(), expected, "{text:?}");
        }
        check(&format!("{SUM}  prometheus.tar.gz\n"), Some(SUM));
        check(&SUM.to_uppercase(), Some(SUM));
        check("<html>not found</html>", None);
        check("", None);
        check(SUM.trim_start_matches('b'), None);
    }

    /// A `.tar.gz` of empty files.
    fn archive(path: &Path, names: &[&str]) {
        let gzip = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for name in names {
            let mut header = tar::Header::new_gnu();
            // Not by `set_path`, which refuses what is refused here.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o755);
            header.set_size(0);
            header.set_cksum();
            tar.append(&header, io::empty()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn archives_lose_their_top_folder_and_stay_in_theirs() {
        let folder = std::env::temp_dir().join(format!("xtask-unpack-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.tar.gz");
        archive(&file, &["./top/bin/program", "top/README"]);
        unpack(&file, &folder.join("out")).unwrap();
        assert!(folder.join("out/bin/program").is_file() && folder.join("out/README").is_file());
        archive(&file, &["top/../../elsewhere"]);
        let refused = unpack(&file, &folder.join("out")).unwrap_err();
        assert_eq!(refused.to_string(), "`top/../../elsewhere` leads out of its folder");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_archive_with_another_sum_is_refused_and_deleted() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let file = std::env::temp_dir().join(format!("xtask-sum-{}.tar.gz", std::process::id()));
        fs::write(&file, "not the archive").unwrap();
        let mut step = Step::start("a step of the tests");
        let refused = runtime
            .block_on(check_sum(
                &mut step,
                "https://example.org/a.tar.gz",
                &file,
                Expected::Sha256(SUM),
            ))
            .unwrap_err();
        step.done("");
        assert!(refused.to_string().contains("it was deleted"), "{refused}");
        assert!(!file.exists());
    }
}
