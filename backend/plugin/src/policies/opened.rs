//! One policy file, opened so that a writer of the folder cannot exchange it meanwhile.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Maximum size of one file, in bytes; Cilium's own objects end at 1.5 MiB.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Reason why a file is left out.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeftOut {
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("it is a link that leads out of the allowed folder")]
    LeadsOut,
    #[error("it is not a regular file")]
    Special,
    #[error("it was replaced while it was opened")]
    Replaced,
    #[error("it is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    #[error("it is not text in UTF-8")]
    NoText,
}

/// Text and modification time of a file below a root without symbolic links.
///
/// Errors: [`LeftOut`].
pub(super) fn read(path: &Path, root: &Path) -> Result<(String, Option<i64>), LeftOut> {
    let resolved = Resolved::new(path, root)?;
    let (file, metadata) = resolved.open(root)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(LeftOut::Unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(LeftOut::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_binary| LeftOut::NoText)?;
    if text.contains('\0') {
        return Err(LeftOut::NoText);
    }
    Ok((text, modified_ms(&metadata)))
}

/// The time of a file's or folder's last change, in Unix milliseconds.
pub(super) fn modified_ms(metadata: &fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// A path without symbolic links, and what stood there.
struct Resolved {
    path: PathBuf,
    metadata: Metadata,
}

impl Resolved {
    fn new(path: &Path, root: &Path) -> Result<Self, LeftOut> {
        let path = path.canonicalize().map_err(LeftOut::Unreadable)?;
        if !path.starts_with(root) {
            return Err(LeftOut::LeadsOut);
        }
        // Before opening: to open a device may have an effect.
        let metadata = fs::symlink_metadata(&path).map_err(LeftOut::Unreadable)?;
        if !metadata.is_file() {
            return Err(LeftOut::Special);
        }
        Ok(Self { path, metadata })
    }

    /// Opens the file. What was opened is checked, because meanwhile a folder on the way may have become a
    /// link, or the file a pipe.
    fn open(&self, root: &Path) -> Result<(File, Metadata), LeftOut> {
        let file = open(&self.path).map_err(LeftOut::Unreadable)?;
        let metadata = file.metadata().map_err(LeftOut::Unreadable)?;
        if !metadata.is_file() {
            return Err(LeftOut::Special);
        }
        if !is_below(&file, root).map_err(LeftOut::Unreadable)? {
            return Err(LeftOut::LeadsOut);
        }
        if !is_same(&self.metadata, &metadata) {
            // The next query reads the new one.
            return Err(LeftOut::Replaced);
        }
        Ok((file, metadata))
    }
}

/// Opens a file for reading. A pipe opens at once, without a writer.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open(path, flags | OFlags::NOFOLLOW, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether an open file lies below a root, whatever led to it.
#[cfg(target_os = "linux")]
fn is_below(file: &File, root: &Path) -> io::Result<bool> {
    use std::os::fd::AsRawFd;

    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(path.starts_with(root))
}

/// Elsewhere no file tells its path; that the path was below the root before has to do.
#[cfg(not(target_os = "linux"))]
fn is_below(_file: &File, _root: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.file_type() == other.file_type() && one.len() == other.len()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const POLICY: &str = "kind: NetworkPolicy\n";

    fn pipe(path: &Path) {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    /// The error of opening `pods/a.yaml` after `swap` changed the folder, which is below the root.
    fn check(swap: impl FnOnce(&Path, &Path), expected: &str) {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path().canonicalize().unwrap();
        fs::create_dir(root.join("pods")).unwrap();
        fs::write(root.join("pods/a.yaml"), POLICY).unwrap();
        fs::write(outside.path().join("a.yaml"), "hunter2").unwrap();
        let resolved = Resolved::new(&root.join("pods/a.yaml"), &root).unwrap();
        swap(&root, outside.path());
        let found = resolved.open(&root).map(drop).map_err(|error| wording::with_causes(&error));
        assert_eq!(found.err().as_deref().unwrap_or(""), expected);
    }

    #[test]
    fn what_was_opened_counts() {
        check(|_, _| {}, "");
        let leads_out = "it is a link that leads out of the allowed folder";
        let to_link = |root: &Path, outside: &Path| {
            fs::rename(root.join("pods"), root.join("gone")).unwrap();
            symlink(outside, root.join("pods")).unwrap();
        };
        check(to_link, leads_out);
        let link = |root: &Path, outside: &Path| {
            fs::remove_file(root.join("pods/a.yaml")).unwrap();
            symlink(outside.join("a.yaml"), root.join("pods/a.yaml")).unwrap();
        };
        check(link, "it cannot be read: Too many levels of symbolic links (os error 40)");
        let other = |root: &Path, _: &Path| {
            fs::write(root.join("pods/b.yaml"), POLICY).unwrap();
            fs::rename(root.join("pods/b.yaml"), root.join("pods/a.yaml")).unwrap();
        };
        check(other, "it was replaced while it was opened");
        let to_pipe = |root: &Path, _: &Path| {
            fs::remove_file(root.join("pods/a.yaml")).unwrap();
            pipe(&root.join("pods/a.yaml"));
        };
        check(to_pipe, "it is not a regular file");
    }

    #[test]
    fn a_pipe_is_no_file() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        pipe(&root.join("a.yaml"));
        let error = read(&root.join("a.yaml"), &root).unwrap_err();
        assert!(matches!(error, LeftOut::Special), "{error}");
    }
}
